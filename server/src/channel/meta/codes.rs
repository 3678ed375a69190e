//! What the Cloud API's error codes mean, and what may be done about each.

use std::time::Duration;

use crate::channel::refusal::{Codes, refusal};
use crate::channel::{Action, Refusal};

/// Messages to one guest came too fast.
const PAIR: u32 = 131_056;

/// How long a guest is left alone then: one message in six seconds is always taken.
const PAIR_PAUSE: Duration = Duration::from_secs(6);

/// Codes of the API's answers and of status reports are the same.
const CODES: &Codes = &[
    (0, 0, Action::Operator, "the access token is wrong or has run out"),
    (1, 2, Action::Later, "the API failed"),
    (3, 3, Action::Operator, "the access token may not do this"),
    (4, 4, Action::Later, "the app's calls are over their limit"),
    (10, 10, Action::Operator, "the access token may not do this"),
    (100, 100, Action::Never, "the request is wrong"),
    (190, 190, Action::Operator, "the access token is wrong or has run out"),
    (200, 299, Action::Operator, "the access token may not do this"),
    (368, 368, Action::Operator, "the account is blocked for a breach of the rules"),
    (80007, 80007, Action::Later, "the account's calls are over their limit"),
    (130_429, 130_429, Action::Later, "too many messages at once"),
    (130_472, 130_472, Action::Unreachable, "WhatsApp does not deliver this to this guest now"),
    (130_497, 130_497, Action::Operator, "the account may not write to guests of this country"),
    (131_000, 131_000, Action::Later, "the API failed, for a reason it does not tell"),
    (131_005, 131_005, Action::Operator, "the access token may not do this"),
    (131_008, 131_009, Action::Never, "something is missing in the request, or wrong"),
    (131_016, 131_016, Action::Later, "the API is overloaded"),
    (131_021, 131_021, Action::Unreachable, "the guest's number is the sender's own"),
    (131_026, 131_026, Action::Unreachable, "the guest cannot be reached on WhatsApp"),
    (131_030, 131_030, Action::Unreachable, "the guest is not on the list of a test number"),
    (131_031, 131_031, Action::Operator, "the account is locked"),
    (131_037, 131_037, Action::Operator, "the number's display name is not approved"),
    (131_042, 131_042, Action::Operator, "the account has no means of payment"),
    (131_044, 131_044, Action::Operator, "the account has no means of payment"),
    (131_045, 131_045, Action::Operator, "the number is not registered"),
    (
        131_047,
        131_047,
        Action::WindowClosed,
        "the guest's last message is older than 24 hours: only a template may be sent",
    ),
    (131_048, 131_048, Action::Later, "too many guests blocked or reported the number"),
    (131_049, 131_049, Action::Unreachable, "WhatsApp does not deliver this to this guest now"),
    (131_050, 131_050, Action::OptedOut, "the guest wants no marketing"),
    (131_051, 131_051, Action::Never, "this kind of message is not known"),
    (131_052, 131_053, Action::Never, "the file cannot be taken"),
    (PAIR, PAIR, Action::Later, "too many messages to this guest"),
    (131_057, 131_057, Action::Later, "the account is being looked after"),
    (131_062, 131_062, Action::Unreachable, "this cannot be sent to a guest who hides the number"),
    (131_064, 131_064, Action::Later, "over the account's limit"),
    (132_000, 132_001, Action::Never, "the template does not exist or its values are wrong"),
    (132_005, 132_005, Action::Never, "the template is too long once it is filled"),
    (132_007, 132_008, Action::Never, "the template's values are wrong"),
    (132_012, 132_012, Action::Never, "the template's values are wrong"),
    (132_015, 132_016, Action::Never, "the template is paused or switched off"),
    (132_068, 132_069, Action::Never, "the form cannot be sent"),
    (133_010, 133_010, Action::Operator, "the number is not registered"),
    (133_016, 133_016, Action::Later, "the number was registered too often"),
    (135_000, 135_000, Action::Later, "the API failed, for a reason it does not tell"),
    (138_006, 138_006, Action::Never, "the guest has not allowed calls"),
];

/// What a code of Meta's means.
pub fn meaning(code: u32) -> Refusal {
    let refusal = refusal(
        CODES,
        code,
        "see https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes",
    );
    refusal.after((code == PAIR).then_some(PAIR_PAUSE))
}
