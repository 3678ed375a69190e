//! Answers to a webhook: TwiML.

use std::fmt::Write as _;

/// The type of a TwiML document.
pub(super) const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// A document that says these messages, each with the address that its delivery is reported to. None says nothing.
pub(super) fn document<'a>(messages: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut body = String::new();
    for (text, report_to) in messages {
        // Writing to a string cannot fail.
        let _ = write!(body, r#"<Message action="{}">{}</Message>"#, escaped(report_to), escaped(text));
    }
    let declaration = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    if body.is_empty() {
        format!("{declaration}<Response/>")
    } else {
        format!("{declaration}<Response>{body}</Response>")
    }
}

/// Text as it may stand in an element or an attribute. What XML cannot hold is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter.is_control() && letter < '\u{20}' => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}
