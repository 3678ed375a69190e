//! The guest's telephone: what it shows, in order. Tests judge this, and not what we wrote down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// One message as a guest sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bubble {
    Text(String),
    /// Words with buttons: id and title.
    Buttons(String, Vec<(String, String)>),
    /// Words, what opens the list, and its rows: id and title.
    List(String, String, Vec<(String, String)>),
    /// A template by its name, with what was filled in.
    Template(String, Vec<String>),
    /// Something to listen to; as a voice note, or as a file.
    Sound {
        bytes: usize,
        voice: bool,
    },
    Place(String),
}

impl Bubble {
    /// What can be read on it.
    pub(crate) fn words(&self) -> String {
        let pressed = |all: &[(String, String)]| -> String {
            all.iter().map(|(_, title)| format!(" [{title}]")).collect()
        };
        match self {
            Self::Text(text) => text.clone(),
            Self::Buttons(text, buttons) => format!("{text}{}", pressed(buttons)),
            Self::List(text, opener, rows) => format!("{text} <{opener}:{}>", pressed(rows)),
            Self::Template(name, values) => format!("{name}({})", values.join(", ")),
            Self::Sound { bytes, voice } => {
                format!("({bytes} bytes of {})", if *voice { "voice" } else { "sound" })
            }
            Self::Place(place) => format!("({place})"),
        }
    }
}

/// What a telephone shows, each under the provider's id.
type Screen = Vec<(String, Bubble)>;

/// The telephones of all guests, by address. What did not arrive is not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phones(Arc<Mutex<BTreeMap<String, Screen>>>);

impl Phones {
    /// A message arrives under the provider's id.
    pub(crate) fn show(&self, to: &str, id: &str, bubble: Bubble) {
        self.0.lock().expect("phones").entry(to.to_owned()).or_default().push((id.to_owned(), bubble));
    }

    /// What a guest sees, in order.
    pub(crate) fn of(&self, guest: &str) -> Vec<Bubble> {
        let phones = self.0.lock().expect("phones");
        phones.get(guest).into_iter().flatten().map(|(_, bubble)| bubble.clone()).collect()
    }

    /// How many messages a guest sees.
    pub(crate) fn count(&self, guest: &str) -> usize {
        self.0.lock().expect("phones").get(guest).map_or(0, Vec::len)
    }

    /// What a guest reads, in order.
    pub(crate) fn reads(&self, guest: &str) -> Vec<String> {
        self.of(guest).iter().map(Bubble::words).collect()
    }

    /// The provider's ids of what a guest sees, in order.
    pub(crate) fn ids(&self, guest: &str) -> Vec<String> {
        let phones = self.0.lock().expect("phones");
        phones.get(guest).into_iter().flatten().map(|(id, _)| id.clone()).collect()
    }

    /// The provider's id of what a guest sees last.
    pub(crate) fn last_id(&self, guest: &str) -> String {
        let phones = self.0.lock().expect("phones");
        phones.get(guest).and_then(|seen| seen.last()).expect("something to see").0.clone()
    }
}
