//! The log of a conversation: every input it had, compact.

use chrono::{DateTime, Datelike, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::input::{Input, Moment};
use crate::saved::{self, BadForm};

/// One thing a conversation went through, with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// When.
    pub moment: Moment,
    /// What.
    pub entry: Entry,
}

/// What a conversation went through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// An input that [`step`](crate::step()) took.
    Input(Input),
    /// Something that was done to the conversation from outside.
    Mark(Mark),
}

/// Something that was done to a conversation from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It begins, on these flows.
    Begun {
        /// The version of the flows.
        version: String,
    },
    /// It stands again where it stood at an earlier revision.
    Rewound {
        /// The revision.
        to: u64,
    },
    /// It goes on with another version of the flows.
    Moved {
        /// That version.
        to: String,
        /// Where it stands there, [`Position::to_bytes`](crate::Position::to_bytes).
        position: Vec<u8>,
    },
}

impl Logged {
    /// An input with its time.
    pub fn new(moment: Moment, input: Input) -> Self {
        Self { moment, entry: Entry::Input(input) }
    }

    /// The input, if it is one.
    pub fn input(&self) -> Option<&Input> {
        match &self.entry {
            Entry::Input(input) => Some(input),
            Entry::Mark(_) => None,
        }
    }
}

/// Puts entries at the end of a log's bytes. Bytes that were put together one after the other are one log. The entries
/// of one turn are often of one moment: it is written once.
///
/// # Errors
/// [`BadForm`] when an entry cannot be written.
pub fn append(mut bytes: Vec<u8>, entries: &[Logged]) -> Result<Vec<u8>, BadForm> {
    put(&mut bytes, entries)?;
    Ok(bytes)
}

/// The same for whoever has the bytes.
pub(super) fn put(bytes: &mut Vec<u8>, entries: &[Logged]) -> Result<(), BadForm> {
    let mut before: Option<Moment> = None;
    for Logged { moment, entry } in entries {
        let other = (before != Some(*moment)).then(|| Saved::from(*moment));
        saved::put(bytes, "a log", &(other, entry))?;
        before = Some(*moment);
    }
    Ok(())
}

/// The entries of a log.
///
/// # Errors
/// [`BadForm`] for bytes that are no log.
pub fn read(mut bytes: &[u8]) -> Result<Vec<Logged>, BadForm> {
    let bad = || BadForm { what: "a log", source: postcard::Error::DeserializeBadEncoding };
    let mut entries: Vec<Logged> = Vec::new();
    while !bytes.is_empty() {
        let ((other, entry), rest): ((Option<Saved>, Entry), _) = saved::first("a log", bytes)?;
        let moment = match other {
            Some(saved) => saved.moment().ok_or_else(bad)?,
            None => entries.last().ok_or_else(bad)?.moment,
        };
        entries.push(Logged { moment, entry });
        bytes = rest;
    }
    Ok(entries)
}

/// The first of January 1970, as days from the first of January of year 1.
const FIRST_DAY: i64 = 719_163;

const SECONDS_A_DAY: i64 = 86_400;

/// A moment: milliseconds since 1970, and by how many days "today" differs from that instant's in UTC.
#[derive(Serialize, Deserialize)]
struct Saved {
    at: i64,
    today: i64,
}

impl From<Moment> for Saved {
    fn from(Moment { at, today }: Moment) -> Self {
        let days = at.timestamp().div_euclid(SECONDS_A_DAY);
        Self { at: at.timestamp_millis(), today: i64::from(today.num_days_from_ce()) - FIRST_DAY - days }
    }
}

impl Saved {
    fn moment(&self) -> Option<Moment> {
        let at = DateTime::from_timestamp_millis(self.at)?;
        let today = at.date_naive().checked_add_signed(TimeDelta::try_days(self.today)?)?;
        Some(Moment { at, today })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_moment() -> impl Strategy<Value = Moment> {
        (0_i64..4_102_444_800_000, -2_i64..=2).prop_map(|(at, today)| Saved { at, today }.moment().unwrap())
    }

    proptest! {
        #[test]
        fn what_was_written_in_any_portions_is_read(
            moments in proptest::collection::vec((any_moment(), 1_usize..4), 1..8),
            cut in 0_usize..20,
        ) {
            let entries: Vec<Logged> = moments
                .iter()
                .flat_map(|(moment, times)| vec![Logged::new(*moment, Input::Silence); *times])
                .collect();
            let (first, second) = entries.split_at(cut.min(entries.len()));
            let bytes = append(append(Vec::new(), first).unwrap(), second).unwrap();
            prop_assert_eq!(read(&bytes).unwrap(), entries);
        }
    }

    #[test]
    fn today_is_told_by_how_far_it_is_from_the_day_in_utc() {
        for at in
            ["1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z", "2024-02-29T12:00:00Z", "2026-12-31T23:59:59Z"]
        {
            let at: DateTime<chrono::Utc> = at.parse().unwrap();
            for days in -2..=2 {
                let moment = Moment { at, today: at.date_naive() + TimeDelta::days(days) };
                assert_eq!(Saved::from(moment).today, days, "{at}");
                assert_eq!(Saved::from(moment).moment(), Some(moment));
            }
        }
    }

    #[test]
    fn a_log_that_begins_without_a_moment_is_none() {
        let silence = Logged::new(Saved { at: 0, today: 0 }.moment().unwrap(), Input::Silence);
        let bytes = append(Vec::new(), &[silence.clone(), silence]).unwrap();
        let last = bytes.len() - 3;
        assert!(read(&bytes[last..]).is_err(), "it is of the moment before, and there is none");
    }
}
