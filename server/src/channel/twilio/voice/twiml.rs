//! What becomes of a call, as TwiML.

use super::super::twiml::escaped;

/// A document in the making.
#[derive(Debug, Default)]
pub(super) struct Document(String);

/// Attributes by name, in order.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Document {
    /// Speaks by Twilio's own voice.
    pub(super) fn say(mut self, text: &str, language: &str) -> Self {
        self.open("Say", &[("language", language)], false);
        self.0.push_str(&escaped(text));
        self.close("Say");
        self
    }

    /// Ends the call.
    pub(super) fn hang_up(mut self) -> Self {
        self.open("Hangup", &[], true);
        self
    }

    /// Asks us what comes next.
    pub(super) fn redirect(mut self, url: &str) -> Self {
        self.open("Redirect", &[("method", "POST")], false);
        self.0.push_str(&escaped(url));
        self.close("Redirect");
        self
    }

    /// Calls a number, and asks us what comes next when that is over.
    pub(super) fn dial(mut self, number: &str, caller_id: Option<&str>, action: &str) -> Self {
        let mut attributes = vec![("action", action), ("method", "POST")];
        attributes.extend(caller_id.map(|id| ("callerId", id)));
        self.open("Dial", &attributes, false);
        self.0.push_str(&escaped(number));
        self.close("Dial");
        self
    }

    /// Connects the call to one of our sockets, which gets a parameter.
    pub(super) fn connect(
        mut self,
        connect: Attributes<'_>,
        noun: &str,
        attributes: Attributes<'_>,
        parameter: (&str, &str),
    ) -> Self {
        self.open("Connect", connect, false);
        self.open(noun, attributes, false);
        self.open("Parameter", &[("name", parameter.0), ("value", parameter.1)], true);
        self.close(noun);
        self.close("Connect");
        self
    }

    /// The whole document.
    pub(super) fn finish(self) -> String {
        let declaration = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
        format!("{declaration}<Response>{}</Response>", self.0)
    }

    fn open(&mut self, name: &str, attributes: Attributes<'_>, is_empty: bool) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            self.0.push(' ');
            self.0.push_str(attribute);
            self.0.push_str("=\"");
            self.0.push_str(&escaped(value));
            self.0.push('"');
        }
        self.0.push_str(if is_empty { "/>" } else { ">" });
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }
}
