//! Whose turn it is: whatever order a provider's events come in, what is told is a legal order of [`Heard`], and no
//! words are lost or told twice when a connection is replaced by another in the middle of a turn.

use std::collections::VecDeque;

use super::{BYTES_PER_SECOND, Heard};

/// So much sound before a turn was noticed belongs to it: providers notice a turn late.
const LEAD: u64 = 2 * BYTES_PER_SECOND;

/// A turn that began on a lost connection, and of which another one hears nothing for so long, is over.
const UNCONFIRMED: u64 = 3 * BYTES_PER_SECOND;

/// A word and where it is in the call's sound, where the provider says so.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::stt) struct Word {
    pub(in crate::stt) text: String,
    /// The place where it begins and the one where it ends.
    pub(in crate::stt) place: Option<(u64, u64)>,
}

/// What was said in a turn so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::stt) struct Phrase {
    pub(in crate::stt) text: String,
    /// The words of the text, where the provider lists them.
    pub(in crate::stt) words: Vec<Word>,
    pub(in crate::stt) confidence: Option<f32>,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Silent,
    Open,
    /// The caller has probably finished, with these words.
    Eager(String),
}

/// The turns of a call.
#[derive(Debug)]
pub(in crate::stt) struct Turns {
    state: State,
    out: VecDeque<Heard>,
    /// What the open turn, or the one about to open, was last heard to be on this connection.
    phrase: Phrase,
    /// What was said in the open turn before the sound that this connection hears.
    before: String,
    /// The place at which the open turn was noticed.
    noticed: u64,
    /// Up to here everything was told for good.
    consumed: u64,
    /// Up to here the provider has listened.
    listened: u64,
    /// Up to here a lost connection had told what it heard; before, another one tells nothing new of an open turn.
    told: u64,
    /// Where a turn is over of which this connection has heard nothing.
    unconfirmed: Option<u64>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            state: State::Silent,
            out: VecDeque::new(),
            phrase: Phrase::default(),
            before: String::new(),
            noticed: 0,
            consumed: 0,
            listened: 0,
            told: 0,
            unconfirmed: None,
        }
    }

    /// The caller began to speak, noticed at a place.
    pub(in crate::stt) fn started(&mut self, at: u64) {
        self.listened_to(at);
        self.unconfirmed = None;
        if self.state == State::Silent {
            self.noticed = at;
            self.state = State::Open;
            self.tell(Heard::TurnStarted);
        }
    }

    /// What the turn is so far. A turn that has not started does not start by that.
    pub(in crate::stt) fn words(&mut self, phrase: Phrase, at: u64) {
        self.listened_to(at);
        if !phrase.text.is_empty() {
            self.unconfirmed = None;
        }
        if self.state != State::Silent && at < self.told {
            // Another connection catches up. What it has of the turn is less than what is known.
            return;
        }
        let was = self.whole();
        self.phrase = phrase;
        let words = self.whole();
        match &self.state {
            State::Open if words != was => self.tell(Heard::Partial { words }),
            State::Eager(eager) if words != *eager => {
                self.resume();
                self.tell(Heard::Partial { words });
            }
            State::Silent | State::Open | State::Eager(_) => {}
        }
    }

    /// The caller has probably finished.
    pub(in crate::stt) fn eager(&mut self, phrase: Phrase, at: u64) {
        self.started(at);
        self.phrase = phrase;
        let words = self.whole();
        match &self.state {
            State::Eager(eager) if *eager == words => return,
            State::Eager(_) => self.resume(),
            State::Silent | State::Open => {}
        }
        self.state = State::Eager(words.clone());
        self.tell(Heard::EagerEnd { words });
    }

    /// The caller had not finished.
    pub(in crate::stt) fn resumed(&mut self, at: u64) {
        self.listened_to(at);
        if matches!(self.state, State::Eager(_)) {
            self.resume();
        }
    }

    /// The caller has finished; everything up to a place belongs to this turn or to none.
    pub(in crate::stt) fn ended(&mut self, phrase: Phrase, at: u64) {
        if self.state == State::Silent && phrase.text.is_empty() {
            self.over(at);
            return;
        }
        self.started(at);
        self.phrase = phrase;
        let words = self.whole();
        if matches!(&self.state, State::Eager(eager) if *eager != words) {
            self.resume();
        }
        self.tell(Heard::TurnEnded { words, confidence: self.phrase.confidence });
        self.over(at);
    }

    /// Ends the open turn, if there is one, with the words it was last heard to have.
    pub(in crate::stt) fn end_as_heard(&mut self, at: u64) {
        if self.state != State::Silent {
            let phrase = std::mem::take(&mut self.phrase);
            self.ended(phrase, at);
        }
    }

    /// The provider has listened up to a place.
    pub(in crate::stt) fn listened_to(&mut self, at: u64) {
        self.listened = self.listened.max(at);
    }

    /// Whether the caller's turn is open.
    pub(in crate::stt) fn is_open(&self) -> bool {
        self.state != State::Silent
    }

    /// Up to where the provider has listened, on any connection of the call.
    pub(in crate::stt) fn listened(&self) -> u64 {
        self.listened
    }

    /// Up to where everything was told for good.
    pub(in crate::stt) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// What is said now is heard late.
    pub(super) fn late(&mut self) {
        self.tell(Heard::Late);
    }

    /// The provider is gone for good.
    pub(super) fn lost(&mut self, reason: String) {
        self.tell(Heard::Lost { reason });
    }

    /// From where on sound may be needed again.
    pub(super) fn needed(&self) -> u64 {
        let from = if self.is_open() { self.noticed.min(self.listened) } else { self.listened };
        self.consumed.max(from.saturating_sub(LEAD))
    }

    /// Where another connection has to begin, when the sound from a place on is still there.
    pub(super) fn begin_again(&mut self, kept: u64) -> u64 {
        let begin = kept.max(self.consumed);
        if self.state == State::Silent {
            self.phrase = Phrase::default();
            return begin;
        }
        self.told = self.told.max(self.listened);
        self.unconfirmed = Some(self.told + UNCONFIRMED);
        // Words whose sound is gone are kept as they were heard; the other connection begins after the last of them.
        let gone = |word: &Word| word.place.is_some_and(|(from, _)| from < begin);
        let count = self.phrase.words.iter().rposition(gone).map_or(0, |last| last + 1);
        let gone: Vec<Word> = self.phrase.words.drain(..count).collect();
        let after = gone.iter().filter_map(|word| Some(word.place?.1)).max();
        for word in &gone {
            self.before = joined(&self.before, &word.text);
        }
        if count > 0 {
            let left: Vec<&str> = self.phrase.words.iter().map(|word| word.text.as_str()).collect();
            self.phrase.text = left.join(" ");
        }
        begin.max(after.unwrap_or_default())
    }

    /// Ends a turn of which this connection has heard nothing, when it has been sent the sound up to a place.
    pub(super) fn give_up(&mut self, sent: u64) {
        if self.unconfirmed.is_some_and(|until| sent > until) {
            self.end_as_heard(self.told);
        }
    }

    /// Whether something is to be told.
    pub(super) fn is_telling(&self) -> bool {
        !self.out.is_empty()
    }

    /// The next that is to be told.
    pub(super) fn next(&mut self) -> Option<Heard> {
        self.out.pop_front()
    }

    fn whole(&self) -> String {
        joined(&self.before, &self.phrase.text)
    }

    fn resume(&mut self) {
        self.state = State::Open;
        self.tell(Heard::Resumed);
    }

    fn over(&mut self, at: u64) {
        self.state = State::Silent;
        self.phrase = Phrase::default();
        self.before.clear();
        self.unconfirmed = None;
        self.consumed = self.consumed.max(at);
        self.listened_to(at);
    }

    /// What nobody has taken yet is replaced where what follows makes it void.
    fn tell(&mut self, heard: Heard) {
        match (&heard, self.out.back()) {
            (Heard::Partial { .. }, Some(Heard::Partial { .. })) => {
                self.out.pop_back();
            }
            (Heard::Resumed, Some(Heard::EagerEnd { .. })) => {
                self.out.pop_back();
                return;
            }
            _ => {}
        }
        self.out.push_back(heard);
    }
}

fn joined(one: &str, other: &str) -> String {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other.to_owned(),
        (_, true) => one.to_owned(),
        (false, false) => format!("{one} {other}"),
    }
}
