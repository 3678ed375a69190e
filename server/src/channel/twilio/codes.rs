//! What Twilio's error codes mean, and what may be done about each.

use crate::channel::refusal::{Codes, refusal};
use crate::channel::{Action, Refusal};

/// Sorted by code. Codes of the REST API's answers and of status reports are the same.
const CODES: &Codes = &[
    (11200, 11200, Action::Operator, "our webhook did not answer as it should"),
    (12100, 12100, Action::Operator, "the answer to a webhook is not XML"),
    (12200, 12200, Action::Operator, "the answer to a webhook is not TwiML"),
    (12300, 12300, Action::Operator, "the answer to a webhook has another type than it should"),
    (20003, 20003, Action::Operator, "the account's credentials are wrong"),
    (20404, 20404, Action::Never, "there is no such account or address"),
    (20429, 20429, Action::Later, "too many requests"),
    (21211, 21211, Action::Never, "the recipient's address is wrong"),
    (21212, 21212, Action::Never, "the sender cannot be used: check [twilio] whatsapp_from"),
    (21606, 21606, Action::Never, "the sender cannot be used: check [twilio] whatsapp_from"),
    (21608, 21608, Action::Unreachable, "a trial account reaches verified numbers only"),
    (21610, 21610, Action::OptedOut, "the guest has opted out"),
    (21617, 21617, Action::Never, "the message is longer than 1600 characters"),
    (21619, 21619, Action::Never, "the message is empty"),
    (
        21654,
        21654,
        Action::OnlyAsAnswer,
        "the account takes no free-form message by REST: set [twilio] reply = \"twiml\"",
    ),
    (21655, 21656, Action::Never, "the template or its variables are wrong"),
    (30007, 30007, Action::Never, "filtered by the network"),
    (30008, 30008, Action::Never, "not delivered, for a reason the network does not tell"),
    (30036, 30036, Action::Never, "not delivered in time"),
    (60728, 60728, Action::Later, "over the limit of the account or the sender"),
    (63002, 63002, Action::Operator, "the sender is not set up for WhatsApp"),
    (63003, 63003, Action::Unreachable, "the guest cannot be reached on this channel"),
    (63005, 63005, Action::Never, "WhatsApp rejected the content"),
    (63007, 63008, Action::Operator, "the sender is not set up for WhatsApp"),
    (63013, 63013, Action::Never, "WhatsApp rejected the content"),
    (63014, 63014, Action::OptedOut, "the guest blocked the sender or opted out"),
    (63015, 63015, Action::Unreachable, "the guest has not joined the sandbox"),
    (
        63016,
        63016,
        Action::WindowClosed,
        "the guest's last message is older than 24 hours: only a template may be sent",
    ),
    (63017, 63018, Action::Later, "over the limit of the account or the sender"),
    (63019, 63019, Action::Operator, "Twilio could not fetch our file: check [server] public_url"),
    (63021, 63021, Action::Never, "WhatsApp rejected the content"),
    (63023, 63023, Action::Once, "WhatsApp failed, for a reason it does not tell"),
    (63024, 63024, Action::Unreachable, "the guest cannot be reached on this channel"),
    (63030, 63030, Action::Never, "a file cannot go with a template"),
    (63031, 63031, Action::Operator, "the guest's address is the sender's own"),
    (63032, 63033, Action::Unreachable, "WhatsApp does not deliver to this guest now"),
    (63038, 63038, Action::Later, "over the limit of the account or the sender"),
    (63049, 63049, Action::Unreachable, "WhatsApp does not deliver to this guest now"),
];

/// What a code of Twilio's means.
pub fn meaning(code: u32) -> Refusal {
    refusal(CODES, code, "see https://www.twilio.com/docs/api/errors")
}
