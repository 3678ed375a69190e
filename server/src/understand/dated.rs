//! Choices by their days: "the one in January", "the booking on the 5th".

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};
use innkeeper_engine::Item;
use serde_json::Value as Json;

use super::choice::Chosen;
use super::sentence::{Sentence, Taken};

/// The days of an item that tell it apart: its first and its last.
const DAYS: usize = 2;

impl Sentence<'_> {
    /// The one item, of several with days in their records (ISO 8601), that the month, the day or the weekday fits which
    /// was said.
    pub(super) fn choice_by_day(&mut self, items: &[Item]) -> Chosen {
        let days: Vec<Vec<NaiveDate>> = items.iter().map(|item| days_of(&item.record)).collect();
        if items.len() < 2 || days.iter().any(Vec::is_empty) {
            return Chosen::Nothing;
        }
        let free = |at: &usize| !self.is_taken(*at);
        let month = (0..self.len()).filter(free).find_map(|at| self.meaning(at).month);
        let weekday = (0..self.len()).filter(free).find_map(|at| self.meaning(at).weekday);
        let ordinal = (0..self.len()).filter(free).find_map(|at| {
            let beside = self.meaning(at + 1).month.is_some()
                || at.checked_sub(1).is_some_and(|before| self.meaning(before).month.is_some());
            let number = self
                .number(at)
                .filter(|_| beside && self.is_digits(at))
                .and_then(|number| u32::try_from(number).ok());
            self.meaning(at).ordinal.or(number)
        });
        if month.is_none() && weekday.is_none() && ordinal.is_none() {
            return Chosen::Nothing;
        }
        let fits = |day: &NaiveDate| {
            month.is_none_or(|month| day.month() == u32::from(month))
                && ordinal.is_none_or(|ordinal| day.day() == ordinal)
                && weekday.is_none_or(|weekday| day.weekday().num_days_from_monday() == u32::from(weekday))
        };
        let mut fitting = items.iter().zip(&days).filter(|(_, days)| days.iter().any(fits));
        let (Some((item, _)), None) = (fitting.next(), fitting.next()) else { return Chosen::Nothing };
        let key = item.key.clone();
        let dated: HashSet<usize> = (0..self.len())
            .filter(|at| {
                let meaning = self.meaning(*at);
                meaning.month.is_some() || meaning.weekday.is_some() || meaning.ordinal.is_some()
            })
            .collect();
        for at in dated {
            self.take(at, at + 1, Taken::Choice);
        }
        Chosen::One(key)
    }
}

/// The first days in a record, in order of time.
fn days_of(record: &Json) -> Vec<NaiveDate> {
    let Json::Object(fields) = record else { return Vec::new() };
    let mut days: Vec<NaiveDate> =
        fields.values().filter_map(Json::as_str).filter_map(|text| text.parse().ok()).collect();
    days.sort_unstable();
    days.truncate(DAYS);
    days
}
