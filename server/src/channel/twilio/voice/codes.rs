//! What Twilio's error codes about calls mean, for whoever runs the place.

/// The first number in what Twilio says about an error: its code.
pub(super) fn code(text: &str) -> Option<u32> {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
    numbers.find(|number| number.len() == 5)?.parse().ok()
}

/// What a code means, and what can be done about it.
pub(super) fn meaning(code: u32) -> &'static str {
    match code {
        11200 | 11205 | 11210 => "our webhook did not answer: see whether [server] public_url leads here",
        12100 | 12200 | 12300 => "the answer to a webhook is not TwiML",
        13224 | 13225 => "the front desk's number cannot be called: see [call] front_desk",
        13227 => "the account may not call the front desk's country: see its geographic permissions",
        31901 => "our socket did not answer in time: see whether [server] public_url leads here",
        31902 | 31903 => "the connection to our socket was refused or broke",
        31910 => "our socket's certificate is not accepted",
        31920 => {
            "our socket refused the stream: see whether a proxy lets WebSockets through, and the tokens in [twilio]"
        }
        31921 => "we closed the socket, which is how we hang up",
        31924 => "our socket broke the protocol",
        31930 | 31931 | 31940 | 31941 | 31950 => "the stream's parameters are not accepted",
        31951 => "a message of ours was not understood",
        64101 | 64102 => {
            "ConversationRelay's settings are not accepted: see [twilio] relay_voice and [call] language"
        }
        64105 => "the connection to our socket was lost",
        64107 => "a message of ours was not understood",
        64111 | 64112 => {
            "ConversationRelay has no such voice or language: see [twilio] relay_voice and [call] language"
        }
        _ => "see https://www.twilio.com/docs/api/errors",
    }
}
