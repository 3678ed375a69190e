//! What can be pressed below a chat message: a list of choices, or yes and no.

use innkeeper_engine::{Expecting, Item, Say};

use super::neutral;
use crate::message::{Button, ButtonTitles, Limits};

/// The most characters on a button (WhatsApp, quick replies).
const LONGEST_TITLE_CHARS: usize = 20;

/// What can be pressed below the last thing that was said: as much of it as the channel shows as buttons, or else in a
/// list.
pub(super) fn below(say: &Say, titles: &ButtonTitles, limits: &Limits) -> Vec<Button> {
    match &say.expecting {
        Expecting::Confirmation => yes_no(say, titles),
        Expecting::Slot(_) if say.kind() == Some("boolean") => yes_no(say, titles),
        Expecting::Slot(slot) => choices(slot, &say.items(), limits),
        Expecting::Anything | Expecting::Change => Vec::new(),
    }
}

fn yes_no(say: &Say, titles: &ButtonTitles) -> Vec<Button> {
    let (yes, no) = match titles.prompts.get(&*say.prompt) {
        Some(own) => (&own.yes, &own.no),
        None => (&titles.yes, &titles.no),
    };
    vec![Button { id: "yes".to_owned(), title: title(yes) }, Button { id: "no".to_owned(), title: title(no) }]
}

/// One button an item, unless there are too many. Titles that would be cut to the same words are numbered; those of a
/// list are whole, since a row has room for them below its title.
fn choices(slot: &str, items: &[Item], limits: &Limits) -> Vec<Button> {
    if items.len() > limits.buttons {
        if items.len() > limits.rows {
            return Vec::new();
        }
        return items.iter().map(|item| Button { id: id(slot, item), title: plain(&item.label) }).collect();
    }
    let mut titles: Vec<String> = items.iter().map(|item| title(&item.label)).collect();
    let unique = titles.iter().enumerate().all(|(at, one)| !titles[..at].contains(one));
    if !unique {
        titles = items
            .iter()
            .enumerate()
            .map(|(at, item)| title(&format!("{}. {}", at + 1, item.label)))
            .collect();
    }
    items.iter().zip(titles).map(|(item, title)| Button { id: id(slot, item), title }).collect()
}

fn id(slot: &str, item: &Item) -> String {
    format!("slot:{slot}:{}", item.key)
}

fn plain(label: &str) -> String {
    neutral::sentence(&neutral::harmless(label))
}

/// At most 20 characters, cut between words where that leaves any.
fn title(label: &str) -> String {
    let label = plain(label);
    if label.chars().count() <= LONGEST_TITLE_CHARS {
        return label;
    }
    let cut: String = label.chars().take(LONGEST_TITLE_CHARS + 1).collect();
    let cut = match cut.rfind(' ') {
        Some(space) => &cut[..space],
        None => {
            label.char_indices().nth(LONGEST_TITLE_CHARS).map_or(label.as_str(), |(end, _)| &label[..end])
        }
    };
    cut.trim_end_matches([' ', ',', '-', '–', '.']).to_owned()
}
