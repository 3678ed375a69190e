//! What an item of a list is, left where it is offered.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value as Json;
use smallvec::SmallVec;

use crate::saved::json::{AsJson, Shared};

/// Places from the whole to a part: of a list's item, or of an object's field in its order.
pub(crate) type Places = SmallVec<[u32; 4]>;

/// JSON that is a part of other JSON and shares it. Two are equal when the parts are.
#[derive(Clone)]
pub struct Record {
    whole: Arc<Json>,
    places: Places,
}

impl Record {
    /// The part at these places.
    pub(super) fn part(whole: &Arc<Json>, places: Places) -> Self {
        Self { whole: Arc::clone(whole), places }
    }

    /// What it is a part of, and which.
    pub(crate) fn place(&self) -> (&Arc<Json>, &[u32]) {
        (&self.whole, &self.places)
    }
}

/// The part of JSON at these places; [`Json::Null`] where there is none.
pub(crate) fn part<'j>(whole: &'j Json, places: &[u32]) -> &'j Json {
    places.iter().fold(whole, |json, place| match json {
        Json::Array(items) => items.get(*place as usize).unwrap_or(&Json::Null),
        Json::Object(fields) => fields.values().nth(*place as usize).unwrap_or(&Json::Null),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => &Json::Null,
    })
}

impl Deref for Record {
    type Target = Json;

    fn deref(&self) -> &Json {
        part(&self.whole, &self.places)
    }
}

impl From<Json> for Record {
    fn from(whole: Json) -> Self {
        Self { whole: Arc::new(whole), places: Places::new() }
    }
}

impl From<Shared> for Record {
    fn from(shared: Shared) -> Self {
        Self::from(Json::from(shared))
    }
}

impl AsJson for Record {
    fn as_json(&self) -> &Json {
        self
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.whole, &other.whole) && self.places == other.places) || **self == **other
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
