//! What the far end of a words line has said of what it was given: from what it tells, and from the time where it tells
//! nothing. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::script::{Line, LineId, Much, Told, after_letters, letters, next_word, whole_words};
use crate::clock::later;

/// So many letters a second are spoken by the slowest voice: after that time it has certainly said them.
const SLOWEST: f64 = 9.0;

/// So many by the fastest: before that time it has certainly not.
const FASTEST: f64 = 26.0;

/// So many as a rule.
const USUAL: f64 = 13.0;

/// How long a far end takes to begin.
const BEGINS: Duration = Duration::from_millis(400);

/// What was given to the far end, and how far it is.
#[derive(Debug, Default)]
pub struct Recital {
    lines: VecDeque<Recited>,
    /// When it began to say what is there.
    begun: Option<DateTime<Utc>>,
    /// The letters of what is there that it had said when it began.
    before: usize,
    /// Whether the far end says what it has played.
    tells_words: bool,
    /// Whether it says when it speaks.
    tells_voice: bool,
    is_paused: bool,
    told: Vec<Told>,
}

#[derive(Debug)]
struct Recited {
    id: LineId,
    text: String,
    /// Letters that were heard.
    heard: usize,
    letters: usize,
}

impl Recital {
    /// Another line was given to the far end.
    pub fn say(&mut self, line: &Line, now: DateTime<Utc>) {
        if self.lines.is_empty() {
            self.begun = Some(now);
            self.before = 0;
        }
        let letters = letters(&line.text);
        self.lines.push_back(Recited { id: line.id, text: line.text.clone(), heard: 0, letters });
    }

    /// The far end has just said these words.
    pub fn played(&mut self, words: &str, now: DateTime<Utc>) {
        self.tells_words = true;
        self.credit(letters(words), now);
    }

    /// The far end begins to speak, or is silent.
    pub fn voice(&mut self, speaks: bool, now: DateTime<Utc>) {
        self.tells_voice = true;
        if speaks {
            self.begun = self.begun.map(|_| now);
            return;
        }
        if self.tells_words {
            // It tells each word when it was heard.
            return;
        }
        // One that falls silent sooner than anybody can speak was interrupted.
        if !self.is_paused && self.since(now) * FASTEST >= self.left() as f64 {
            self.credit(self.left(), now);
        }
    }

    /// The far end was interrupted; these words of what it said last were heard.
    pub fn interrupted(&mut self, heard: &str, after: Option<Duration>, now: DateTime<Utc>) {
        let sought = flat(heard);
        if sought.is_empty() {
            let share = after.map_or(0.0, |after| after.as_secs_f64() * USUAL);
            let many = (share as usize).min(self.left());
            self.credit(many, now);
        } else {
            let all: String = self.lines.iter().map(|line| flat(&line.text)).collect();
            let upto = all
                .find(&sought)
                .map_or(sought.chars().count(), |at| all[..at].chars().count() + sought.chars().count());
            let known: usize = self.lines.iter().map(|line| line.heard).sum();
            // What was heard whole is no longer among the lines.
            self.credit(upto.saturating_sub(known), now);
        }
        self.is_paused = true;
    }

    /// Time has passed: where nothing is told, what must have been said by now counts.
    pub fn passed(&mut self, now: DateTime<Utc>) {
        let Some(until) = self.until() else { return };
        if now < until {
            return;
        }
        if self.tells_words || self.tells_voice {
            // It tells, and did not tell this: nobody knows that it was heard.
            self.cut(now);
        } else {
            self.credit(self.left(), now);
        }
    }

    /// When everything must have been said.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        let begun = self.begun.filter(|_| !self.lines.is_empty() && !self.is_paused)?;
        let tells = self.tells_words || self.tells_voice;
        let patience = if tells { 2.0 } else { 1.0 };
        let seconds = (self.left() + self.spoken()) as f64 / SLOWEST * patience;
        Some(later(begun, BEGINS + Duration::from_secs_f64(seconds)))
    }

    /// Nothing more is said for now.
    pub fn pause(&mut self, now: DateTime<Utc>) {
        if !self.is_paused && !self.tells_words {
            // Nothing was told: as much as is usual in the time.
            let usual = (self.since(now) - BEGINS.as_secs_f64()).max(0.0) * USUAL;
            let many = (usual as usize).saturating_sub(self.spoken()).min(self.left().saturating_sub(1));
            self.credit(many, now);
        }
        self.is_paused = true;
    }

    /// What was not heard yet, to be said again from where it was left.
    pub fn go_on(&mut self, now: DateTime<Utc>) -> Vec<String> {
        if !std::mem::take(&mut self.is_paused) {
            return Vec::new();
        }
        self.begun = Some(now);
        self.before = self.lines.iter().map(|line| line.heard).sum();
        let rest = self.lines.iter().map(|line| {
            let from = next_word(&line.text, after_letters(&line.text, line.heard));
            line.text[from..].to_owned()
        });
        rest.filter(|rest| !rest.is_empty()).collect()
    }

    /// Nothing of what is left is said any more. What was not heard of it is told.
    pub fn cut(&mut self, _now: DateTime<Utc>) -> Vec<LineId> {
        self.is_paused = false;
        self.begun = None;
        let mut cut = Vec::new();
        for line in self.lines.drain(..) {
            let heard = whole_words(&line.text, after_letters(&line.text, line.heard)).to_owned();
            cut.push(line.id);
            self.told.push(Told { id: line.id, much: Much::Part(heard) });
        }
        cut
    }

    /// What became known since this was asked last.
    pub fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// Whether nothing is left to be said.
    pub fn is_over(&self) -> bool {
        self.lines.is_empty()
    }

    /// Counts so many letters more as heard.
    fn credit(&mut self, mut many: usize, now: DateTime<Utc>) {
        while let Some(line) = self.lines.front_mut() {
            let more = many.min(line.letters - line.heard);
            line.heard += more;
            many -= more;
            if line.heard < line.letters {
                return;
            }
            let id = line.id;
            let letters = line.letters;
            self.lines.pop_front();
            self.before = self.before.saturating_sub(letters);
            self.begun = (!self.lines.is_empty()).then_some(now);
            self.told.push(Told { id, much: Much::Whole(now) });
        }
    }

    /// The letters that were not heard yet.
    fn left(&self) -> usize {
        self.lines.iter().map(|line| line.letters - line.heard).sum()
    }

    /// The letters of what is there that were said since it began.
    fn spoken(&self) -> usize {
        self.lines.iter().map(|line| line.heard).sum::<usize>().saturating_sub(self.before)
    }

    /// The seconds since it began.
    fn since(&self, now: DateTime<Utc>) -> f64 {
        let begun = self.begun.unwrap_or(now);
        (now - begun).max(TimeDelta::zero()).to_std().unwrap_or_default().as_secs_f64()
    }
}

/// Letters and digits alone.
fn flat(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000 + ms).expect("an instant")
    }

    fn line(id: u64, text: &str) -> Line {
        Line { id: LineId(id), text: text.to_owned() }
    }

    fn part(id: u64, words: &str) -> Told {
        Told { id: LineId(id), much: Much::Part(words.to_owned()) }
    }

    #[test]
    fn what_the_far_end_tells_counts() {
        let mut recital = Recital::default();
        recital.say(&line(1, "So that is a double room."), at(0));
        recital.say(&line(2, "Shall I book it?"), at(0));
        recital.played("So that is ", at(500));
        assert!(recital.told().is_empty());
        recital.played("a double room. ", at(1500));
        assert_eq!(recital.told(), [Told { id: LineId(1), much: Much::Whole(at(1500)) }]);
        recital.played("Shall I", at(1900));
        recital.cut(at(1900));
        assert_eq!(recital.told(), [part(2, "Shall I")]);
    }

    #[test]
    fn an_interruption_says_what_was_heard() {
        let mut recital = Recital::default();
        recital.say(&line(1, "We have a garden room for 120 euros, or a sea view room."), at(0));
        recital.interrupted("We have a garden room", Some(Duration::from_millis(900)), at(1000));
        assert_eq!(recital.go_on(at(1200)), ["for 120 euros, or a sea view room."]);
        recital.interrupted("for 120 euros", None, at(2000));
        recital.cut(at(2000));
        assert_eq!(recital.told(), [part(1, "We have a garden room for 120 euros,")]);
    }

    #[test]
    fn where_nothing_is_told_the_time_counts() {
        let mut recital = Recital::default();
        recital.say(&line(1, "How may I help you today?"), at(0));
        let until = recital.until().expect("a time");
        recital.passed(until - TimeDelta::milliseconds(1));
        assert!(recital.told().is_empty());
        recital.passed(until);
        assert_eq!(recital.told(), [Told { id: LineId(1), much: Much::Whole(until) }]);
        assert!(recital.is_over() && recital.until().is_none());
    }

    #[test]
    fn a_far_end_that_is_silent_too_soon_was_interrupted() {
        let mut recital = Recital::default();
        recital.say(&line(1, "It is a double room with a view of the sea."), at(0));
        recital.voice(true, at(200));
        recital.voice(false, at(500));
        assert!(!recital.is_over(), "nobody speaks that fast");
        recital.voice(false, at(3000));
        assert!(recital.is_over());
    }

    #[test]
    fn one_that_tells_and_does_not_tell_was_not_heard() {
        let mut recital = Recital::default();
        recital.say(&line(1, "Hello."), at(0));
        recital.played("Hello.", at(600));
        recital.say(&line(2, "Shall I book it?"), at(1000));
        let until = recital.until().expect("a time");
        recital.passed(until);
        assert_eq!(recital.told().last(), Some(&part(2, "")));
    }

    #[test]
    fn an_interruption_without_words_is_judged_by_its_time() {
        let mut recital = Recital::default();
        recital.say(&line(1, "one two three four five six seven eight nine ten"), at(0));
        recital.interrupted("", Some(Duration::from_secs(1)), at(1000));
        recital.cut(at(1000));
        assert_eq!(recital.told(), [part(1, "one two three")]);
    }
}
