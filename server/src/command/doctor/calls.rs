//! Telephone calls by Twilio: whether our number calls us when it is called.

use secrecy::ExposeSecret as _;

use super::Finding;
use super::asking::Asking;
use crate::config::{Config, VoiceBy};

const NAME: &str = "telephone calls";

/// The webhook for calls, below the public address.
const ROUTE: &str = "/twilio/voice";

/// What there is to say about it. What keeps Twilio from working at all is told elsewhere.
pub(super) async fn finding(config: &Config, asking: &mut Asking) -> Option<Finding> {
    let twilio = &config.twilio;
    let (Some(account), Some(token), Some(public)) =
        (&twilio.account_sid, &twilio.auth_token, &config.server.public_url)
    else {
        return None;
    };
    let speech = config.stt.is_some() && config.tts.is_some();
    if twilio.voice == VoiceBy::Stream && !speech {
        return Some(Finding::broken(
            format!("{NAME}: [twilio] voice is stream, and nobody hears or speaks"),
            "set the keys of [stt] and [tts] providers, or [twilio] voice to relay: Twilio then hears and speaks",
        ));
    }
    let Some(number) = &twilio.voice_from else {
        return Some(Finding::Off(format!("{NAME}: no [twilio] voice_from, the number that is called")));
    };
    let wanted = format!("{public}{ROUTE}");
    let url = format!("{}/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", twilio.base_url);
    let look = Finding::Look(format!(
        "{NAME}: see at console.twilio.com, under Phone Numbers, that \"A call comes in\" of {number} is {wanted} with method POST"
    ));
    let query = number.replacen('+', "%2B", 1);
    let request = asking.request(&format!("{url}?PhoneNumber={query}"));
    let request = request.basic_auth(account, Some(token.expose_secret()));
    let Some(answer) = asking.ask(request).await.ok().filter(|answer| answer.status.is_success()) else {
        return Some(look);
    };
    let listed = answer.json();
    let Some(found) = listed["incoming_phone_numbers"].as_array() else { return Some(look) };
    let Some(found) = found.iter().find(|found| found["phone_number"] == **number) else {
        return Some(Finding::broken(
            format!("{NAME}: {number} is not a number of this account"),
            "set [twilio] voice_from to a number of the account",
        ));
    };
    let called = found["voice_url"].as_str().unwrap_or_default();
    let method = found["voice_method"].as_str().unwrap_or("POST");
    let fix = format!("set \"A call comes in\" of {number} to {wanted}, method POST");
    Some(if called != wanted {
        let called = if called.is_empty() { "nobody" } else { called };
        Finding::broken(format!("{NAME}: {number} calls {called} when it is called"), fix)
    } else if method != "POST" {
        Finding::broken(format!("{NAME}: {number} calls the webhook with method {method}"), fix)
    } else {
        let desk = if config.telephone.front_desk.is_some() { "" } else { "; [call] front_desk is not set" };
        Finding::Fine(format!("{NAME}: {number} calls {wanted}{desk}"))
    })
}
