//! Saying a reply while it is being committed.
//!
//! A reply that was supposed only reads: nothing at the hotel depends on it, and it is the reply that will be committed
//! unless something else happens in the conversation at the same moment. So its sound begins at once. What is heard of
//! it counts only when it is in the books; where another reply is, it falls silent and that one is said.

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::{Done, Event, Record, Reply, Session, Turn};
use crate::call::Seen;
use crate::call::ends::End;
use crate::call::script::{Line, LineId, Told};
use crate::conversation::Ahead;

/// A turn that is to be taken.
pub(super) struct Taking {
    pub(super) turn: Turn,
    /// When the caller's turn began.
    pub(super) since: DateTime<Utc>,
    /// What must be in the books before.
    pub(super) records: Vec<Record>,
    pub(super) number: u64,
}

/// What is being said of a reply that is not committed yet.
#[derive(Debug)]
pub(super) struct Begun {
    lines: Vec<Line>,
    /// What became known of what was heard of it.
    told: Vec<Told>,
}

impl Begun {
    /// Notes what was heard, if it is of this.
    pub(super) fn note(&mut self, told: &Told) -> bool {
        let is_mine = self.lines.iter().any(|line| line.id == told.id);
        if is_mine {
            self.told.push(told.clone());
        }
        is_mine
    }
}

impl Session {
    /// Takes a turn that nothing was supposed of.
    pub(super) fn take_anew(&mut self, taking: Taking) {
        match (&self.end, &taking.turn) {
            (End::Sound(_), Turn::Words(words)) if self.is_next(&taking) => {
                let supposing = self.turns.clone().suppose(words.clone(), taking.since);
                self.start(async move { Done::Supposed(Box::new(taking), supposing.await) });
            }
            _ => self.take(taking, None, false),
        }
    }

    /// Takes a turn, before whatever else is to be done where it `was_first`; what was supposed of it is said meanwhile.
    pub(super) fn take(&mut self, taking: Taking, ahead: Option<Ahead>, was_first: bool) {
        if let Some(ahead) = &ahead
            && self.is_next(&taking)
            && self.jobs.is_empty()
        {
            self.begin(ahead);
        }
        let job = self.taken(taking, ahead);
        if was_first {
            self.jobs.push_front(job);
        } else {
            self.jobs.push_back(job);
            self.go_to_work();
        }
    }

    /// The taking of a turn.
    pub(super) fn taken(&self, taking: Taking, ahead: Option<Ahead>) -> BoxFuture<'static, Done> {
        let turns = self.turns.clone();
        let Taking { turn, since, records, number } = taking;
        Box::pin(async move { Done::Turned(Box::new(turns.take(records, number, turn, since, ahead).await)) })
    }

    /// Whether nothing stands between the books and this turn. What was not heard to its end conveys nothing: nothing
    /// that is supposed depends on it.
    fn is_next(&self, taking: &Taking) -> bool {
        let mut records = taking.records.iter().chain(&self.records);
        self.job.is_none() && self.open_turns == 1 && !records.any(Record::is_whole)
    }

    fn begin(&mut self, ahead: &Ahead) {
        let is_still = self.begun.is_none() && self.reply.is_none() && self.since.is_none();
        if !matches!(self.end, End::Sound(_)) || !is_still || !self.news.is_empty() {
            return;
        }
        let mut lines = Vec::new();
        for message in ahead.outgoing() {
            self.line += 1;
            lines.push(Line { id: LineId(self.line), text: message.text.clone() });
        }
        if lines.is_empty() {
            return;
        }
        for line in &lines {
            self.saw(Seen::Says(&line.text));
        }
        self.end.say(&lines);
        self.begun = Some(Begun { lines, told: Vec::new() });
    }

    /// An event of the line, if it is time for it: the end of what is not committed is told when it is.
    pub(super) fn in_time(&mut self, event: Event) -> Option<Event> {
        if event == Event::Played && self.begun.is_some() {
            self.kept_back = Some(event);
            return None;
        }
        Some(event)
    }

    /// Falls silent if the reply is another than what is being said.
    pub(super) fn compare(&mut self, reply: &Reply) {
        let Some(begun) = &self.begun else { return };
        let is_it = begun.lines.iter().map(|line| &line.text).eq(&reply.texts);
        if !is_it {
            self.retract();
        }
    }

    /// The reply is in the books, and is being said already.
    pub(super) fn is_said(&mut self, begun: Begun, reply: &Reply) {
        for (line, (entry, _)) in begun.lines.iter().zip(reply.entries()) {
            self.book.insert(line.id, entry);
        }
        // What was supposed only reads; what was taken in its place may say the same and have changed something.
        self.telling = if reply.is_news { begun.lines.clone() } else { Vec::new() };
        for told in &begun.told {
            self.note(told, super::INTERRUPTED);
        }
    }

    /// What is not committed is not said any more, and nothing of it was heard.
    pub(super) fn retract(&mut self) {
        if self.begun.is_none() {
            return;
        }
        self.end.hush();
        self.end.give_up();
        // Whatever is told now is of it, and goes with it.
        self.collect();
        self.begun = None;
        self.kept_back = None;
    }
}
