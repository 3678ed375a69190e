//! What both vendors' APIs have in common: HTTP.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};

use super::{Action, Refusal, SendFault};
use crate::fault::kind;

/// How long to wait after a refusal of our credentials, which only the operator can set right.
const CREDENTIALS_PAUSE: Duration = Duration::from_secs(60);

/// What no answer means: nothing was sent where there was no connection, and nobody knows where there was one.
pub(super) fn unanswered(error: &reqwest::Error) -> SendFault {
    let reason = kind(error);
    if error.is_connect() {
        Refusal::new(Action::Later, reason).into()
    } else if error.is_builder() {
        Refusal::new(Action::Never, reason).into()
    } else {
        SendFault::Unknown { reason: reason.to_owned() }
    }
}

/// What a refusal means for the message: by its code where it has one that is known, else by its status.
pub(super) fn refused(status: StatusCode, headers: &HeaderMap, coded: Option<Refusal>) -> SendFault {
    let after =
        headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let coded_so = coded.as_ref().map(|refusal| refusal.action).filter(|action| *action != Action::Unheard);
    let reason = || Refusal::new(Action::Never, format!("HTTP status {}", status.as_u16()));
    let refusal = coded.unwrap_or_else(reason);
    let action = match coded_so {
        Some(action) => action,
        None if status == StatusCode::TOO_MANY_REQUESTS => Action::Later,
        None if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => Action::Operator,
        // It may have been taken before that.
        None if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            return SendFault::Unknown { reason: refusal.to_string() };
        }
        None => refusal.action,
    };
    let after = match action {
        Action::Operator => after.or(Some(CREDENTIALS_PAUSE)),
        _ => after,
    };
    Refusal { action, ..refusal.after(after) }.into()
}

/// Whether an address is on this machine.
pub(super) fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}
