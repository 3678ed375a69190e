//! Faults in one line.

use std::error::Error;

/// A fault and its causes, outermost first.
pub fn chain(fault: &(dyn Error + 'static)) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What went wrong with a request, without the address: that may hold an account, or a guest's number.
pub(crate) fn kind(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "time-out"
    } else if error.is_decode() || error.is_body() {
        "the body cannot be read"
    } else if error.is_builder() {
        "the request cannot be made"
    } else {
        "the connection broke"
    }
}
