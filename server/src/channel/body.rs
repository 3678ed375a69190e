//! What a message to a guest says, in the forms that channels have.

use serde::{Deserialize, Serialize};

use crate::message::{Button, Limits, Place};

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Words.
    Text(String),
    /// Words with buttons below.
    Buttons {
        /// The words; they say what can be pressed too.
        text: String,
        /// The buttons, each title once.
        buttons: Vec<Button>,
    },
    /// Words with a list to open below.
    List(List),
    /// A text that the provider approved beforehand: what may be sent when the guest has been silent for a day.
    Template(Template),
    /// Something to listen to.
    Sound(Sound),
    /// A place on a map, with words where the channel has room for them.
    Place {
        /// The words.
        text: String,
        /// The place.
        place: Place,
    },
}

/// Words with a list to open below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The words.
    pub text: String,
    /// What is written on what opens it.
    pub opener: String,
    /// The rows, each title once.
    pub rows: Vec<Row>,
}

/// One row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What comes back when it is chosen.
    pub id: String,
    /// What is written on it.
    pub title: String,
    /// What is written below that.
    pub description: Option<String>,
}

/// A text that the provider approved beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its name at the provider; Twilio's is `HX…`.
    pub name: String,
    /// Its language, as the provider writes it: `en`, `pt_BR`.
    pub language: String,
    /// What is filled into its gaps, in order.
    pub values: Vec<String>,
    /// What comes back when its buttons are pressed, in order.
    pub payloads: Vec<String>,
}

/// Something to listen to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sound {
    /// The file. As Ogg with one channel of Opus it looks like a voice note.
    pub bytes: Vec<u8>,
    /// What it is: `audio/ogg; codecs=opus`.
    pub content_type: String,
}

impl Body {
    /// The words, where there are any.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Buttons { text, .. } | Self::Place { text, .. } => text,
            Self::List(list) => &list.text,
            Self::Template(_) | Self::Sound(_) => "",
        }
    }

    /// Words with what can be pressed below, as the channel's limits have it: buttons where there are few, else a list
    /// under `opener`, else the words alone, which say what can be pressed too.
    pub fn fitting(text: String, buttons: Vec<Button>, opener: &str, limits: &Limits) -> Self {
        if buttons.len() > limits.buttons {
            let list = Self::List(List { text, opener: opener.to_owned(), rows: rows(&buttons, limits) });
            return match (list.unfit(limits), list) {
                (Some(_), Self::List(List { text, .. })) => Self::Text(text),
                (_, list) => list,
            };
        }
        let body = Self::Buttons { text, buttons };
        match (body.unfit(limits), body) {
            (None, body) => body,
            (Some(_), Self::Buttons { text, .. }) => Self::Text(text),
            (Some(_), body) => body,
        }
    }

    /// What does not fit into one message of a channel.
    pub fn unfit(&self, limits: &Limits) -> Option<&'static str> {
        let over = |text: &str, most: usize| Limits::length(text) > most;
        let wrong = |text: &str, most: usize| text.trim().is_empty() || over(text, most);
        match self {
            Self::Text(text) if text.is_empty() => Some("there are no words"),
            Self::Text(text) if !limits.takes_text(text) => Some("the words are too long"),
            Self::Buttons { text, .. } | Self::List(List { text, .. }) if wrong(text, limits.body) => {
                Some("the words above what can be pressed are too long, or there are none")
            }
            Self::Buttons { buttons, .. } => {
                let titles: Vec<&str> = buttons.iter().map(|button| button.title.as_str()).collect();
                if buttons.is_empty() || buttons.len() > limits.buttons {
                    Some("there are too many buttons, or none")
                } else if buttons.iter().any(|button| {
                    wrong(&button.title, limits.button_title) || wrong(&button.id, limits.button_id)
                }) {
                    Some("a button's title or id is too long or empty")
                } else if repeats(&titles) {
                    Some("two buttons have the same title")
                } else {
                    None
                }
            }
            Self::List(list) => {
                let titles: Vec<&str> = list.rows.iter().map(|row| row.title.as_str()).collect();
                if list.rows.is_empty() || list.rows.len() > limits.rows {
                    Some("there are too many rows, or none")
                } else if wrong(&list.opener, limits.opener) {
                    Some("what opens the list is too long or empty")
                } else if list.rows.iter().any(|row| {
                    let description = row.description.as_deref().unwrap_or_default();
                    wrong(&row.title, limits.row_title)
                        || wrong(&row.id, limits.row_id)
                        || over(description, limits.row_description)
                }) {
                    Some("a row's title, description or id is too long or empty")
                } else if repeats(&titles) {
                    Some("two rows have the same title")
                } else {
                    None
                }
            }
            Self::Sound(sound) if sound.bytes.len() > limits.media => Some("the file is too large"),
            Self::Text(_) | Self::Template(_) | Self::Sound(_) | Self::Place { .. } => None,
        }
    }
}

fn repeats(titles: &[&str]) -> bool {
    titles.iter().enumerate().any(|(i, title)| titles[..i].contains(title))
}

/// Buttons as rows. What is too long for a title is cut there and stands whole below it; titles that would be the same
/// are numbered, as the words number them.
fn rows(buttons: &[Button], limits: &Limits) -> Vec<Row> {
    let cut = |title: &str| cut(title, limits.row_title);
    let titles: Vec<String> = buttons.iter().map(|button| cut(&button.title)).collect();
    let titles: Vec<String> = if repeats(&titles.iter().map(String::as_str).collect::<Vec<_>>()) {
        let numbered = buttons.iter().zip(1..).map(|(button, at)| cut(&format!("{at}. {}", button.title)));
        numbered.collect()
    } else {
        titles
    };
    buttons
        .iter()
        .zip(titles)
        .map(|(button, title)| {
            let whole =
                (!title.ends_with(&button.title)).then(|| self::cut(&button.title, limits.row_description));
            Row { id: button.id.clone(), title, description: whole }
        })
        .collect()
}

/// At most so many units of a text, cut between words where that leaves any.
fn cut(text: &str, most: usize) -> String {
    if Limits::length(text) <= most {
        return text.to_owned();
    }
    let mut length = 0;
    let fits = |letter: &char| {
        length += letter.len_utf16();
        length <= most
    };
    let prefix: String = text.chars().take_while(fits).collect();
    let next = text[prefix.len()..].chars().next();
    let end = match prefix.rfind(' ') {
        Some(space) if next.is_some_and(|next| !next.is_whitespace()) => space,
        _ => prefix.len(),
    };
    prefix[..end].trim_end_matches([' ', ',', '-', '–', '.']).to_owned()
}
