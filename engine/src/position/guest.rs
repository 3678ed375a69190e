//! The saved form of what is known about a guest.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Guest, Reach};
use crate::saved;

/// Under this name, which no slot can have, the ways to a guest are among what is remembered: a guest without any is
/// saved as before there were such ways.
const REACH: &str = "reach:";

/// A guest as saved.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    phone: Option<String>,
    #[serde(with = "saved::json_map")]
    remembered: IndexMap<String, Json>,
}

impl From<Guest> for Saved {
    fn from(guest: Guest) -> Self {
        let Guest { phone, mut remembered, reach } = guest;
        if !reach.is_empty() {
            let reach = reach.into_iter().map(|(to, reach)| (to, Json::from(reach.as_str())));
            remembered.insert(REACH.to_owned(), Json::Object(reach.collect()));
        }
        Self { phone, remembered }
    }
}

impl From<Saved> for Guest {
    fn from(saved: Saved) -> Self {
        let Saved { phone, mut remembered } = saved;
        let reach = match remembered.shift_remove(REACH) {
            Some(Json::Object(ways)) => {
                let way = |(to, reach): (String, Json)| Some((to, Reach::named(reach.as_str()?)?));
                ways.into_iter().filter_map(way).collect()
            }
            Some(_) | None => IndexMap::new(),
        };
        Self { phone, remembered, reach }
    }
}

impl Reach {
    /// What guards and prompts see: `ask` or `free`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Free => "free",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Ask, Self::Free].into_iter().find(|reach| reach.as_str() == name)
    }
}
