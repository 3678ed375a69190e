//! The lists of choices.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::record::{Places, Record};
use super::value::text_of;

/// Where a choice's list comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Options {
    /// Written in the flow.
    Fixed(Vec<String>),
    /// A list of objects in a saved result; the value of the slot is the whole object.
    From {
        /// The saved result's name.
        result: String,
        /// The path to the list inside the result, for example `["rooms"]`.
        path: Vec<String>,
        /// The field that identifies an item.
        key: String,
        /// The field that names an item to a guest.
        label: String,
        /// Further fields (texts, or lists of texts) whose words also mean the item.
        words: Vec<String>,
        /// Slots of the same flow that choosing an item fills from the item's fields of the same name.
        sets: Vec<String>,
    },
}

/// One item of a choice's list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What identifies it, stable when the list is made again.
    pub key: String,
    /// What a guest calls it.
    pub label: String,
    /// Other words that mean it.
    pub words: Vec<String>,
    /// The item itself: a text for fixed options, an object for items of a result.
    #[serde(with = "crate::saved::json")]
    pub record: Record,
}

impl Options {
    /// The list as it stands: the fixed options, or the items of `result`, the result the list is in. `None` while that
    /// does not exist.
    pub fn items(&self, result: Option<&Arc<Json>>) -> Option<Vec<Item>> {
        match self {
            Self::Fixed(options) => Some(options.iter().map(|option| fixed(option)).collect()),
            Self::From { .. } => {
                let whole = result?;
                let (list, above) = self.list(whole)?;
                Some((0..list.len()).filter_map(|place| self.item(whole, list, &above, place)).collect())
            }
        }
    }

    /// The options that are written in the flow, as items.
    pub(crate) fn fixed(&self) -> Vec<Arc<Item>> {
        match self {
            Self::Fixed(options) => options.iter().map(|option| Arc::new(fixed(option))).collect(),
            Self::From { .. } => Vec::new(),
        }
    }

    /// The item with that key, if it is offered.
    pub fn item_of(&self, key: &str, result: Option<&Arc<Json>>) -> Option<Item> {
        match self {
            Self::Fixed(options) => options.iter().find(|option| *option == key).map(|option| fixed(option)),
            Self::From { key: field, .. } => {
                let whole = result?;
                let (list, above) = self.list(whole)?;
                let is_it = |record: &Json| record.get(field).is_some_and(|known| is_text(known, key));
                let place = list.iter().position(is_it)?;
                self.item(whole, list, &above, place)
            }
        }
    }

    /// The list in a result, with the places that lead there.
    fn list<'r>(&self, result: &'r Json) -> Option<(&'r [Json], Places)> {
        let Self::From { path, .. } = self else { return None };
        let mut places = Places::new();
        let list = path.iter().try_fold(result, |value, field| {
            let fields = value.as_object()?;
            places.push(u32::try_from(fields.keys().position(|known| known == field)?).ok()?);
            fields.get(field)
        })?;
        Some((list.as_array()?, places))
    }

    fn item(&self, whole: &Arc<Json>, list: &[Json], above: &Places, place: usize) -> Option<Item> {
        let Self::From { key, label, words, .. } = self else { return None };
        let record = list.get(place)?;
        let mut places = above.clone();
        places.push(u32::try_from(place).ok()?);
        let texts = |field: &String| match record.get(field) {
            Some(Json::String(text)) => vec![text.clone()],
            Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Some(Item {
            key: text_of(record.get(key)?)?,
            label: text_of(record.get(label)?)?,
            words: words.iter().flat_map(texts).collect(),
            record: Record::part(whole, places),
        })
    }
}

fn fixed(option: &str) -> Item {
    Item {
        key: option.to_owned(),
        label: option.replace('_', " "),
        words: Vec::new(),
        record: Json::String(option.to_owned()).into(),
    }
}

fn is_text(json: &Json, text: &str) -> bool {
    match json {
        Json::String(known) => known == text,
        Json::Number(number) => number.to_string() == text,
        _ => false,
    }
}
