//! Buttons and lists: Twilio sends them only as contents that were made beforehand.
//!
//! One content is made for each shape (so many buttons, so many rows, which of them have a description) with a gap for
//! everything that is said, and used again for every message of that shape. Its name tells the shape, so that it is
//! found again after a restart.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::channel::List;
use crate::message::Button;

/// The language that a content is filed under; what it says is filled in.
const LANGUAGE: &str = "en";

/// The contents that are known, by name.
#[derive(Debug, Default)]
pub(super) struct Contents {
    sids: Mutex<HashMap<String, String>>,
}

/// A content and what is filled into its gaps for one message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filled {
    /// What makes the content, for the API.
    pub(super) content: Json,
    /// Its name.
    pub(super) name: String,
    /// What is filled in, as the API takes it.
    pub(super) variables: String,
}

/// A content as the API tells of it.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    pub(super) sid: String,
    #[serde(default)]
    pub(super) friendly_name: Option<String>,
}

/// Contents, a page of them.
#[derive(Debug, Deserialize)]
pub(super) struct MadePage {
    #[serde(default)]
    pub(super) contents: Vec<Made>,
}

impl Contents {
    /// The id of a content; `make` looks for it or makes it where it is not known yet, once however many ask.
    pub(super) async fn sid<E>(
        &self,
        name: &str,
        make: impl Future<Output = Result<String, E>>,
    ) -> Result<String, E> {
        let mut sids = self.sids.lock().await;
        if let Some(known) = sids.get(name) {
            return Ok(known.clone());
        }
        let made = make.await?;
        sids.insert(name.to_owned(), made.clone());
        Ok(made)
    }

    /// Forgets a content that is there no more.
    pub(super) async fn forget(&self, name: &str) {
        self.sids.lock().await.remove(name);
    }
}

/// What fills gaps, in the order in which they are numbered.
#[derive(Default)]
struct Gaps(BTreeMap<usize, String>);

impl Gaps {
    /// A gap for this.
    fn fill(&mut self, value: &str) -> String {
        let number = self.0.len() + 1;
        self.0.insert(number, value.to_owned());
        format!("{{{{{number}}}}}")
    }

    /// As the API takes them: an object by number.
    fn variables(&self) -> Map<String, Json> {
        self.0.iter().map(|(number, value)| (number.to_string(), Json::from(value.as_str()))).collect()
    }

    /// What stands for each gap where the content itself is shown.
    fn samples(&self) -> Map<String, Json> {
        self.0.keys().map(|number| (number.to_string(), Json::from(format!("sample{number}")))).collect()
    }
}

/// Words with buttons.
pub(super) fn with_buttons(text: &str, buttons: &[Button]) -> Filled {
    let mut gaps = Gaps::default();
    let body = gaps.fill(text);
    let actions: Vec<Json> = buttons
        .iter()
        .map(|button| json!({"type": "QUICK_REPLY", "title": gaps.fill(&button.title), "id": gaps.fill(&button.id)}))
        .collect();
    let types = json!({
        "twilio/quick-reply": {"body": body, "actions": actions},
        "twilio/text": {"body": body},
    });
    filled(&types, &gaps)
}

/// Words with a list.
pub(super) fn with_list(list: &List) -> Filled {
    let mut gaps = Gaps::default();
    let body = gaps.fill(&list.text);
    let items: Vec<Json> = list
        .rows
        .iter()
        .map(|row| {
            let mut item = json!({"id": gaps.fill(&row.id), "item": gaps.fill(&row.title)});
            if let Some(description) = &row.description {
                item["description"] = gaps.fill(description).into();
            }
            item
        })
        .collect();
    let types = json!({
        "twilio/list-picker": {"body": body, "button": list.opener, "items": items},
        "twilio/text": {"body": body},
    });
    filled(&types, &gaps)
}

fn filled(types: &Json, gaps: &Gaps) -> Filled {
    let hash = Sha256::digest(types.to_string().as_bytes());
    let name = hash.iter().take(12).fold("innkeeper_".to_owned(), |name, byte| name + &format!("{byte:02x}"));
    let content = json!({
        "friendly_name": name, "language": LANGUAGE, "variables": gaps.samples(), "types": types,
    });
    Filled { content, name, variables: Json::Object(gaps.variables()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::{with_buttons, with_list};
    use crate::channel::{List, Row};
    use crate::message::Button;

    fn button(id: &str, title: &str) -> Button {
        Button { id: id.to_owned(), title: title.to_owned() }
    }

    #[test]
    fn messages_of_one_shape_use_one_content() {
        let one = with_buttons("Shall I?", &[button("yes", "Yes"), button("no", "No")]);
        let other = with_buttons("Book \"it\"?", &[button("1", "Do"), button("2", "Don't")]);
        let third = with_buttons("Shall I?", &[button("yes", "Yes")]);
        assert_eq!((&one.name, &one.content), (&other.name, &other.content));
        assert_ne!(one.name, third.name);
        assert_eq!(other.variables, r#"{"1":"Book \"it\"?","2":"Do","3":"1","4":"Don't","5":"2"}"#);
        assert_eq!(one.content["types"]["twilio/quick-reply"]["actions"][1]["title"], "{{4}}");
    }

    #[test]
    fn a_list_says_what_opens_it() {
        let row = |description: Option<&str>| Row {
            id: "room:1".to_owned(),
            title: "Double".to_owned(),
            description: description.map(str::to_owned),
        };
        let list = |opener: &str, description| List {
            text: "Pick one".to_owned(),
            opener: opener.to_owned(),
            rows: vec![row(description)],
        };
        let with = with_list(&list("Rooms", Some("28 m²")));
        assert_eq!(with.content["types"]["twilio/list-picker"]["button"], "Rooms");
        assert_ne!(with.name, with_list(&list("Rooms", None)).name);
        assert_ne!(with.name, with_list(&list("Zimmer", Some("28 m²"))).name);
    }
}
