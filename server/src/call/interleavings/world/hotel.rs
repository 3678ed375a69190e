//! The hotel: what is done beside speaking, and what comes of it.

use super::{World, ms};
use crate::call::interleavings::chance::Draws as _;
use crate::call::keys::Keys;
use crate::call::machine::{After, Event, Thought, Turn};
use crate::call::pace::Asks;
use crate::call::said::INTERRUPTED;
use crate::call::turns::{Place, Record, Reply};
use crate::message::ConversationId;
use crate::store::Listened;

/// What is done beside speaking.
#[derive(Debug)]
pub(super) enum Job {
    Turn { turn: Turn, since: i64, supposed: Option<Vec<String>> },
    Records,
    Transfer,
}

pub(super) struct Supposing {
    pub(super) words: String,
    pub(super) done: Option<i64>,
    pub(super) texts: Option<Vec<String>>,
}

impl World {
    pub(super) fn text(&mut self) -> String {
        let words = 1 + self.dice.below(9);
        let lengths: Vec<usize> = (0..words).map(|_| self.dice.below(7)).collect();
        self.oracle.text(lengths)
    }

    pub(super) fn start(&mut self, job: Job) {
        self.jobs.push_back(job);
        self.go_to_work();
    }

    pub(super) fn go_to_work(&mut self) {
        if self.job.is_none()
            && let Some(job) = self.jobs.pop_front()
        {
            let takes = match &job {
                Job::Turn { .. } if self.dice.chance(20) => self.dice.ms(3000),
                Job::Turn { .. } | Job::Records | Job::Transfer => self.dice.ms(20),
            };
            self.job = Some((self.now + takes, job));
        }
    }

    pub(super) fn think(&mut self, turn: Turn) -> Result<(), String> {
        self.wanted = None;
        self.collect()?;
        let supposed = match self.supposed.take() {
            Some(supposed) if matches!(&turn, Turn::Words(words) if *words == supposed.words) => {
                supposed.texts
            }
            Some(other) => {
                self.supposed = Some(other);
                self.forget();
                None
            }
            None => None,
        };
        let since = self.since.take().unwrap_or(self.now);
        self.open_turns += 1;
        self.turns_begun += 1;
        self.record()?;
        self.start(Job::Turn { turn, since, supposed });
        Ok(())
    }

    pub(super) fn suppose(&mut self, words: &str) {
        self.forget();
        if self.job.is_some() || self.said.has_records() {
            self.wanted = Some(words.to_owned());
            return;
        }
        let done = Some(self.now + self.dice.ms(60));
        let texts = self.texts();
        self.supposed = Some(Supposing { words: words.trim().to_owned(), done, texts: Some(texts) });
    }

    pub(super) fn forget(&mut self) {
        self.wanted = None;
        if self.supposed.take().is_some() {
            self.sounding.forget();
        }
    }

    pub(super) fn texts(&mut self) -> Vec<String> {
        (0..=self.dice.below(2)).map(|_| self.text()).collect()
    }

    /// Writes down what was heard: of every message once.
    pub(super) fn record(&mut self) -> Result<(), String> {
        for Record { entry, listened } in self.said.records() {
            let key = (entry.at.revision, entry.which);
            let (text, known) = self.messages.get_mut(&key).ok_or("a record of nothing")?;
            if known.is_some() {
                return Err(format!("{key:?} is recorded twice"));
            }
            if let Listened::Whole(when) = &listened {
                let heard = self.oracle.heard_whole(*text);
                if heard.is_none_or(|heard| heard > ms(*when)) {
                    return Err(format!("{key:?} counts as heard at {when}, and was at {heard:?}"));
                }
            }
            *known = Some(listened);
        }
        Ok(())
    }

    pub(super) fn done(&mut self, job: Job) -> Result<Option<Event>, String> {
        match job {
            Job::Records => Ok(None),
            Job::Transfer => {
                Ok(Some(if self.dice.chance(50) { Event::Transferred } else { Event::Unreached }))
            }
            Job::Turn { turn, since, supposed } => {
                self.turns_done += 1;
                self.open_turns -= 1;
                let is_superseded = self.open_turns > 0;
                let Some(reply) = self.answer(&turn, since, supposed)? else {
                    return Ok((!is_superseded).then_some(Event::Failed));
                };
                let thought = reply.thought.clone();
                self.said.replied(reply);
                if is_superseded {
                    self.said.drop_reply(INTERRUPTED);
                    return Ok(None);
                }
                Ok(Some(Event::Thought(thought)))
            }
        }
    }

    /// The hotel's answer to a turn; `None` is a failure.
    pub(super) fn answer(
        &mut self,
        turn: &Turn,
        since: i64,
        supposed: Option<Vec<String>>,
    ) -> Result<Option<Reply>, String> {
        let mut after = After::Listen;
        let is_yes = matches!(turn, Turn::Words(words) if words == "yes");
        let mut is_news = false;
        match turn {
            Turn::Silence(times) if *times >= 4 => {
                after = After::HangUp;
                self.tally.ended_by_silence += 1;
            }
            Turn::Called | Turn::Silence(_) | Turn::Due => {}
            Turn::Words(_) | Turn::Keys { .. } => match self.dice.below(40) {
                0 if supposed.is_none() => return Ok(None),
                1 => after = After::HangUp,
                2 => after = After::Person,
                _ => {}
            },
        }
        if is_yes && !self.read_back.is_empty() {
            is_news = self.conveyed(since)?;
        }
        let texts = supposed.unwrap_or_else(|| if self.dice.chance(4) { Vec::new() } else { self.texts() });
        self.replies += 1;
        for (which, text) in texts.iter().enumerate() {
            let text = self.oracle.number(text).ok_or("nobody knows what is to be said")?;
            self.messages.insert((self.replies, which), (text, None));
        }
        let asks = *self.dice.one_of(&[Asks::Anything, Asks::YesNo, Asks::YesNo, Asks::Slow]);
        self.read_back = match asks {
            Asks::YesNo => (0..texts.len()).map(|which| (self.replies, which)).collect(),
            Asks::Anything | Asks::Short | Asks::Slow => Vec::new(),
        };
        let keys = match asks {
            Asks::YesNo => Keys::YesNo,
            Asks::Anything => Keys::Nothing,
            Asks::Short | Asks::Slow => Keys::Count,
        };
        let speaks = !texts.is_empty();
        let at =
            Place { conversation: ConversationId::new("one"), revision: self.replies, count: texts.len() };
        let thought = Thought { speaks, asks, keys, after };
        Ok(Some(Reply { texts, at, thought, terms: Vec::new(), is_news, due: None }))
    }

    /// Whether the read-back that is open counts as conveyed to somebody who began to speak then; books if it does.
    pub(super) fn conveyed(&mut self, since: i64) -> Result<bool, String> {
        let read_back = std::mem::take(&mut self.read_back);
        let mut is_conveyed = true;
        for key in &read_back {
            let (text, listened) = &self.messages[key];
            let is_in_time = matches!(listened, Some(Listened::Whole(when)) if ms(*when) <= since);
            is_conveyed &= is_in_time;
            if is_in_time && self.oracle.heard_whole(*text).is_none_or(|heard| heard > since) {
                return Err(format!("{key:?} was conveyed, and not heard before {since}"));
            }
        }
        if is_conveyed {
            self.bookings += 1;
            self.tally.booked += 1;
        } else {
            self.tally.unheard_yes += 1;
        }
        Ok(is_conveyed)
    }
}
