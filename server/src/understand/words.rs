//! `words.yaml`: the words of one language, as an author writes them.
//!
//! Everything that depends on a language is data: another language is another file. Mistakes are reported with
//! file, line and column.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::agree::Assent;
use super::another::AnotherWords;
use super::feast::Feast;
use super::lexicon::Class;
use super::named::SlotNames;
use super::slips::Misheard;
use crate::message::{ButtonTitles, YesNo};

/// The most characters of a button's title that every channel shows.
const BUTTON_TITLE_MAX: usize = 20;

/// The words of one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The language, as BCP 47 has it.
    pub language: String,
    /// Where a telephone number without a country code is from, ISO 3166.
    #[serde(default)]
    pub(super) region: Option<Spanned<String>>,
    buttons: Buttons,
    /// Number words.
    pub(super) numbers: BTreeMap<String, i64>,
    /// Ordinal words.
    pub(super) ordinals: BTreeMap<String, u32>,
    /// Seven lists of names, Monday first.
    pub(super) weekdays: Spanned<Vec<Vec<String>>>,
    /// Twelve lists of names, January first.
    pub(super) months: Spanned<Vec<Vec<String>>>,
    /// Days counted from today.
    pub(super) days: BTreeMap<String, i64>,
    /// Feasts by month and day, `12-24`, or counted: `easter-47`, `advent+1`.
    pub(super) holidays: BTreeMap<String, Spanned<String>>,
    /// Classes of words that the grammar knows.
    pub(super) grammar: BTreeMap<Class, Vec<String>>,
    /// Phrases by what a guest does with them.
    pub(super) acts: BTreeMap<Phrase, Vec<String>>,
    /// Phrases that say what a guest does only where they are the whole message.
    #[serde(default)]
    pub(super) alone: BTreeMap<Phrase, Vec<String>>,
    /// Phrases that make a yes depend on something, or put it off.
    pub(super) conditions: Vec<String>,
    /// Words that may be said with a yes to a read-back, and are none by themselves.
    #[serde(default)]
    pub(super) assent: Assent,
    /// Other words for an option.
    pub(super) synonyms: BTreeMap<String, Vec<String>>,
    /// Words that ask for the same thing.
    pub(super) same: BTreeMap<String, Vec<String>>,
    /// Phrases that mean one of those words.
    pub(super) wishes: BTreeMap<String, Vec<String>>,
    /// How guests begin to tell what they did before.
    #[serde(default)]
    pub(super) told: Vec<String>,
    /// How guests ask for another booking than the one that was made.
    #[serde(default)]
    pub(super) amending: Vec<String>,
    /// How guests ask for one more of what is being booked.
    #[serde(default)]
    pub(super) another: AnotherWords,
    /// How guests ask for something that comes with a room.
    #[serde(default)]
    pub(super) requests: Vec<String>,
    /// Words that carry nothing by themselves.
    pub(super) filler: Vec<String>,
    /// What guests write, alone, who want no more messages, or messages again. In every language that guests may use:
    /// who wants to be left alone says so in their own.
    #[serde(default)]
    pub(super) messages: MessageWishes,
    /// How telephone numbers are said.
    #[serde(default)]
    pub(super) digits: Digits,
    /// What the things that a number counts are called by their kind: of `room`, `double`.
    #[serde(default)]
    pub(super) kinds: BTreeMap<String, Vec<String>>,
    /// What slots are called by guests who want to say one anew.
    #[serde(default)]
    pub(super) slot_names: SlotNames,
    /// Words of guests who want to hear how something is spelled.
    #[serde(default)]
    pub(super) spell: Vec<String>,
    /// Words that sound like others.
    #[serde(default)]
    pub(super) misheard: Misheard,
    /// How a receptionist says things, for programs that show only her words.
    pub(super) receptionist: BTreeMap<Says, Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Buttons {
    yes: Spanned<String>,
    no: Spanned<String>,
    /// What opens a list of choices.
    #[serde(default)]
    choose: Option<Spanned<String>>,
    #[serde(default)]
    prompts: BTreeMap<String, Pair>,
}

/// What guests write who want no more messages, or messages again.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageWishes {
    /// No more.
    #[serde(default)]
    pub(super) stop: Vec<String>,
    /// Again.
    #[serde(default)]
    pub(super) start: Vec<String>,
}

/// How telephone numbers are said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Digits {
    /// Words for digits that are no numbers anywhere else.
    pub(super) names: BTreeMap<String, String>,
    /// Words after which a digit counts so many times.
    pub(super) times: BTreeMap<String, usize>,
    /// Words for noughts after a number.
    pub(super) noughts: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    yes: Spanned<String>,
    no: Spanned<String>,
}

/// What a phrase says about what a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phrase {
    Yes,
    Approve,
    No,
    NotNo,
    Cancel,
    Change,
    Undo,
    More,
    Repeat,
    Help,
    Human,
    Greet,
    Thank,
    Bye,
    /// Wants a moment.
    Wait,
    /// Wants to hear again what was offered before.
    Previous,
    /// Asks what it costs.
    Price,
    NoPreference,
    Ask,
    /// Not now; a no to a question, and to a read-back a wish for a moment.
    Later,
    /// Asks what they said or chose themselves.
    Recall,
}

/// What a receptionist's words do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Says {
    ReadBack,
    Proposal,
    MoreWishes,
    Done,
    Offer,
    Stay,
}

/// A mistake in a file of words.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct WordsFault {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 when it is not known.
    pub line: u64,
    /// The column, from 1; 0 when it is not known.
    pub column: u64,
    /// What is wrong.
    pub message: String,
}

impl Words {
    /// Reads a file of words; `file` names it in errors.
    ///
    /// # Errors
    /// The first mistake: broken YAML, an unknown or missing key, seven weekdays that are not seven, a button
    /// title of more than twenty characters.
    pub fn parse(yaml: &str, file: &str) -> Result<Self, WordsFault> {
        let words: Self = serde_saphyr::from_str(yaml).map_err(|error| {
            let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
            WordsFault { file: file.to_owned(), line, column, message: error.to_string() }
        })?;
        words.check(file)?;
        Ok(words)
    }

    /// The words on yes and no buttons.
    pub fn buttons(&self) -> ButtonTitles {
        let prompts = self.buttons.prompts.iter().map(|(prompt, pair)| {
            (prompt.clone(), YesNo { yes: pair.yes.value.clone(), no: pair.no.value.clone() })
        });
        ButtonTitles {
            yes: self.buttons.yes.value.clone(),
            no: self.buttons.no.value.clone(),
            choose: self.buttons.choose.as_ref().map(|title| title.value.clone()).unwrap_or_default(),
            prompts: prompts.collect(),
        }
    }

    fn check(&self, file: &str) -> Result<(), WordsFault> {
        if self.weekdays.value.len() != 7 {
            let found = self.weekdays.value.len();
            return Err(mistake(file, &self.weekdays, format!("expected seven weekdays, found {found}")));
        }
        if self.months.value.len() != 12 {
            let found = self.months.value.len();
            return Err(mistake(file, &self.months, format!("expected twelve months, found {found}")));
        }
        for day in self.holidays.values() {
            if Feast::parse(&day.value).is_none() {
                let message = format!(
                    "`{}` is not a month and a day, for example 12-24, and counts from nothing, for example easter-2",
                    day.value
                );
                return Err(mistake(file, day, message));
            }
        }
        if let Some(region) = &self.region
            && region.value.parse::<phonenumber::country::Id>().is_err()
        {
            let message = format!("`{}` is not a region, for example US", region.value);
            return Err(mistake(file, region, message));
        }
        for title in self.buttons.titles() {
            let length = title.value.chars().count();
            if length == 0 || length > BUTTON_TITLE_MAX {
                let message =
                    format!("the title `{}` has {length} characters, expected 1 to 20", title.value);
                return Err(mistake(file, title, message));
            }
        }
        Ok(())
    }
}

impl Buttons {
    fn titles(&self) -> impl Iterator<Item = &Spanned<String>> {
        let own = self.prompts.values().flat_map(|pair| [&pair.yes, &pair.no]);
        [&self.yes, &self.no].into_iter().chain(&self.choose).chain(own)
    }
}

fn mistake<T>(file: &str, at: &Spanned<T>, message: String) -> WordsFault {
    let place = at.referenced;
    WordsFault { file: file.to_owned(), line: place.line(), column: place.column(), message }
}
