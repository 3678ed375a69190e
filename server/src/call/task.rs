//! One call: one task, one `select!`, one kind of event.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, OptionFuture};
use statig::prelude::*;
use tokio::task::JoinHandle;

use super::ends::End;
use super::machine::{Call as Machine, Event, ONE_MOMENT, Phase, State, Turn, Wait, Wish};
use super::said::{HUNG_UP, INTERRUPTED, Said};
use super::script::Told;
use super::turns::{Reply, Turns};
use super::{Seen, Shared};
use crate::channel::line::{Control, ControlFault};
use crate::clock::later;
use crate::conversation::{Ahead, AnswerFault, OnThePhone};

/// How long the line may take to take what is left when a call ends.
const CLOSING: Duration = Duration::from_secs(2);

/// A call under way.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    /// The provider's id of the call.
    pub(super) id: String,
    pub(super) turns: Turns,
    pub(super) control: Arc<dyn Control>,
    pub(super) end: End,
    waits: BTreeMap<Wait, DateTime<Utc>>,
    /// What is being done for the call beside speaking: a turn, a record.
    job: Option<JoinHandle<Done>>,
    /// What is to be done after it, in order.
    jobs: VecDeque<BoxFuture<'static, Done>>,
    /// The way to the front desk, which waits for nothing.
    transfer: Option<JoinHandle<Result<(), ControlFault>>>,
    /// The turns that have no reply yet.
    open_turns: usize,
    /// The answer to words that are perhaps not all.
    supposed: Option<Supposed>,
    /// Such words that wait for what is being recorded.
    wanted: Option<String>,
    said: Said,
    /// When the caller's turn began.
    since: Option<DateTime<Utc>>,
    /// Whether the front desk has the caller.
    is_transferred: bool,
    turn: u64,
}

struct Supposed {
    words: String,
    thinking: Thinking,
}

enum Thinking {
    UnderWay(JoinHandle<Option<Ahead>>),
    There(Option<Box<Ahead>>),
}

/// What a job came to.
enum Done {
    Turned(Box<Result<Reply, AnswerFault>>),
    Recorded,
}

impl Session {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: String,
        turns: Turns,
        control: Arc<dyn Control>,
        end: End,
    ) -> Self {
        Self {
            shared,
            id,
            turns,
            control,
            end,
            waits: BTreeMap::new(),
            job: None,
            jobs: VecDeque::new(),
            transfer: None,
            open_turns: 0,
            supposed: None,
            wanted: None,
            said: Said::default(),
            since: None,
            is_transferred: false,
            turn: 0,
        }
    }

    /// Holds the call, in which this happened already, until it is over; everything about it is recorded then.
    pub(super) async fn run(mut self, before: VecDeque<Event>) {
        let stops_itself = matches!(self.end, End::Words(_));
        let mut machine = Machine::new(Arc::clone(&self.shared.manners), stops_itself)
            .uninitialized_state_machine()
            .init_with_context(&mut Vec::new());
        let on_the_phone = self.turns.enter();
        let turns = self.turns.clone();
        self.start(async move {
            turns.hold_guest().await;
            Done::Recorded
        });
        let mut events = before;
        events.push_front(Event::Answered);
        let mut wishes = Vec::new();
        while !matches!(machine.state(), State::Closed {}) {
            let event = match events.pop_front() {
                Some(event) => event,
                None => match self.next().await {
                    Some(event) => event,
                    None => continue,
                },
            };
            self.before(&event);
            machine.handle_with_context(&event, &mut wishes);
            self.saw(Seen::Event(&event));
            for wish in wishes.drain(..) {
                self.saw(Seen::Wish(&wish));
                self.grant(wish);
            }
            self.settle();
            self.saw(Seen::Phase(Phase::of(machine.state())));
        }
        self.finish(on_the_phone).await;
    }

    /// What happens next, if it is anything to the machine.
    async fn next(&mut self) -> Option<Event> {
        let next_wait = self.waits.iter().min_by_key(|(_, at)| **at).map(|(wait, at)| (*wait, *at));
        let wait = OptionFuture::from(next_wait.map(|(_, at)| self.shared.clock().sleep_until(at)));
        let job = OptionFuture::from(self.job.as_mut());
        let supposed = OptionFuture::from(self.supposed.as_mut().and_then(Supposed::under_way));
        let transfer = OptionFuture::from(self.transfer.as_mut());
        tokio::select! {
            event = self.end.next() => Some(event),
            Some(done) = job => {
                self.job = None;
                let event = self.done(done);
                self.go_to_work();
                self.settle();
                event
            }
            Some(done) = transfer => {
                self.transfer = None;
                Some(self.transferred(done))
            }
            Some(ahead) = supposed => {
                self.prepare(ahead.ok().flatten());
                None
            }
            Some(()) = wait => {
                let (wait, _) = next_wait?;
                self.waits.remove(&wait);
                Some(Event::Waited(wait))
            }
        }
    }

    /// What a job came to, as an event.
    fn done(&mut self, done: Result<Done, tokio::task::JoinError>) -> Option<Event> {
        match done {
            Ok(Done::Turned(turned)) => {
                let is_superseded = self.is_superseded();
                match *turned {
                    Ok(reply) => {
                        let thought = reply.thought.clone();
                        self.wakes(reply.due);
                        self.said.replied(reply);
                        if is_superseded {
                            self.said.drop_reply(INTERRUPTED);
                            return None;
                        }
                        Some(Event::Thought(thought))
                    }
                    Err(fault) => {
                        tracing::error!(call = self.id, error = %crate::fault::chain(&fault), "a turn of a call failed");
                        (!is_superseded).then_some(Event::Failed)
                    }
                }
            }
            Ok(Done::Recorded) => None,
            Err(error) => {
                tracing::error!(call = self.id, %error, "a turn of a call ended badly");
                Some(Event::Failed)
            }
        }
    }

    /// Whether the front desk has the caller, as an event.
    fn transferred(&mut self, done: Result<Result<(), ControlFault>, tokio::task::JoinError>) -> Event {
        match done {
            Ok(Ok(())) => {
                self.is_transferred = true;
                return Event::Transferred;
            }
            Ok(Err(fault)) => {
                tracing::warn!(call = self.id, error = %fault, "a caller could not be connected to the front desk");
            }
            Err(error) => tracing::error!(call = self.id, %error, "a transfer ended badly"),
        }
        Event::Unreached
    }

    /// When the conversation must be woken: that is done here, and nowhere else, while they call.
    fn wakes(&mut self, due: Option<DateTime<Utc>>) {
        match due {
            Some(at) => _ = self.waits.insert(Wait::Due, at),
            None => _ = self.waits.remove(&Wait::Due),
        }
    }

    /// What an event says about when the caller's turn began.
    fn before(&mut self, event: &Event) {
        let begins = match event {
            Event::TurnStarted
            | Event::Partial(_)
            | Event::Digit(_)
            | Event::TurnEnded(_)
            | Event::Interrupted => true,
            Event::Answered
            | Event::EagerEnd(_)
            | Event::Resumed
            | Event::Thought(_)
            | Event::Failed
            | Event::Played
            | Event::Waited(_)
            | Event::Late
            | Event::LostEars
            | Event::LostVoice
            | Event::Transferred
            | Event::Unreached
            | Event::HungUp => false,
        };
        let is_new = self.since.is_none() || *event == Event::TurnStarted;
        if begins && is_new {
            self.since = Some(self.shared.clock().now());
        }
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Think(turn) => self.think(turn),
            Wish::Suppose(words) => self.suppose(words),
            Wish::Forget => self.forget(),
            Wish::Speak => self.speak(),
            Wish::Hush => self.end.hush(),
            Wish::GoOn => {
                self.since = None;
                self.end.go_on();
            }
            Wish::GiveUp => self.give_up(INTERRUPTED),
            Wish::Filler => self.say_phrase(ONE_MOMENT, true),
            Wish::Say(prompt) => self.say_phrase(prompt, false),
            Wish::SayKept(prompt) => self.say_phrase(prompt, true),
            Wish::Wait(wait, long) => {
                self.waits.insert(wait, later(self.shared.clock().now(), long));
            }
            Wish::Stop(wait) => {
                self.waits.remove(&wait);
            }
            Wish::Tune(asks) => {
                self.end.tune(asks, self.shared.terms(self.said.terms()));
            }
            Wish::Transfer => {
                let control = Arc::clone(&self.control);
                self.transfer = Some(tokio::spawn(async move { control.transfer().await }));
            }
            // The machine is closed then; what is left is done at the end.
            Wish::HangUp => {}
        }
    }

    /// Starts a job after those that are to be done before.
    fn start(&mut self, job: impl Future<Output = Done> + Send + 'static) {
        self.jobs.push_back(Box::pin(job));
        self.go_to_work();
    }

    fn go_to_work(&mut self) {
        if self.job.is_none() {
            self.job = self.jobs.pop_front().map(tokio::spawn);
        }
    }

    /// Whether the turn that has a reply now is followed by another already: that one's reply counts.
    fn is_superseded(&mut self) -> bool {
        self.open_turns = self.open_turns.saturating_sub(1);
        self.open_turns > 0
    }

    fn think(&mut self, turn: Turn) {
        self.turn += 1;
        self.wanted = None;
        self.collect();
        let is_it = |supposed: &Supposed| matches!(&turn, Turn::Words(words) if *words == supposed.words);
        let supposed = match self.supposed.take() {
            Some(supposed) if is_it(&supposed) => Some(supposed.thinking),
            Some(other) => {
                self.supposed = Some(other);
                self.forget();
                None
            }
            None => None,
        };
        let since = self.since.take().unwrap_or_else(|| self.shared.clock().now());
        let (turns, records, number) = (self.turns.clone(), self.said.records(), self.turn);
        self.open_turns += 1;
        self.start(async move {
            let ahead = match supposed {
                Some(Thinking::UnderWay(thought)) => thought.await.ok().flatten(),
                Some(Thinking::There(ahead)) => ahead.map(|ahead| *ahead),
                None => None,
            };
            Done::Turned(Box::new(turns.take(records, number, turn, since, ahead).await))
        });
    }

    fn suppose(&mut self, words: String) {
        self.forget();
        // What it rests on must be in the books.
        if self.job.is_some() || self.said.has_records() {
            self.wanted = Some(words);
            return;
        }
        let since = self.since.unwrap_or_else(|| self.shared.clock().now());
        let words = words.trim().to_owned();
        let thinking = tokio::spawn(self.turns.clone().suppose(words.clone(), since));
        self.supposed = Some(Supposed { words, thinking: Thinking::UnderWay(thinking) });
    }

    /// Has what would be said made ready.
    fn prepare(&mut self, ahead: Option<Ahead>) {
        let Some(supposed) = self.supposed.as_mut() else { return };
        if let Some(ahead) = &ahead {
            let texts = ahead.spoken();
            self.end.prepare(&texts);
        }
        supposed.thinking = Thinking::There(ahead.map(Box::new));
    }

    fn forget(&mut self) {
        self.wanted = None;
        if let Some(supposed) = self.supposed.take() {
            if let Thinking::UnderWay(thought) = supposed.thinking {
                thought.abort();
            }
            self.end.forget();
        }
    }

    fn speak(&mut self) {
        let Some(lines) = self.said.lines() else { return };
        self.since = None;
        for line in &lines {
            self.saw(Seen::Says(&line.text));
        }
        self.end.say(&lines);
    }

    fn say_phrase(&mut self, prompt: &'static str, kept: bool) {
        let text = self.turns.phrase(prompt);
        if text.is_empty() {
            return;
        }
        let line = self.said.phrase(text);
        self.saw(Seen::Says(&line.text));
        if kept {
            self.end.say_kept(&line, self.shared.kept(prompt).as_ref());
        } else {
            self.end.say(std::slice::from_ref(&line));
        }
    }

    /// What is left is not said any more.
    fn give_up(&mut self, why: &'static str) {
        let cut = self.end.give_up();
        let told = self.end.told();
        for told in self.said.cut(&cut, told, why) {
            self.saw(Seen::Heard(&told));
        }
    }

    fn note(&mut self, told: &Told, why: &'static str) {
        if self.said.note(told, why) {
            self.saw(Seen::Heard(told));
        }
    }

    fn collect(&mut self) {
        for told in self.end.told() {
            self.note(&told, INTERRUPTED);
        }
    }

    /// Notes what was heard, and writes it down where nothing else is done.
    fn settle(&mut self) {
        self.collect();
        if self.job.is_none() && self.said.has_records() {
            let (turns, records) = (self.turns.clone(), self.said.records());
            self.start(async move {
                turns.record(records).await;
                Done::Recorded
            });
        }
        if self.job.is_none()
            && let Some(words) = self.wanted.take()
        {
            self.suppose(words);
        }
    }

    /// What is under way is brought to its end, and what was not heard is recorded as that.
    async fn finish(mut self, on_the_phone: OnThePhone) {
        self.forget();
        self.end.hush();
        self.give_up(HUNG_UP);
        if let Some(transfer) = self.transfer.take() {
            let done = transfer.await;
            self.transferred(done);
        }
        let clock = Arc::clone(self.shared.clock());
        let is_held_up = tokio::select! {
            () = self.works_off() => false,
            () = clock.sleep(CLOSING) => true,
        };
        if is_held_up {
            // Nobody listens to a silent line for as long as that may take.
            self.lets_go().await;
            self.works_off().await;
        }
        self.said.end();
        self.turns.record(self.said.records()).await;
        drop(on_the_phone);
        self.turns.end().await;
        self.saw(Seen::Over);
        if !is_held_up {
            self.lets_go().await;
        }
    }

    /// Brings to its end what is under way. Nothing is lost when the waiting is given up.
    async fn works_off(&mut self) {
        while let Some(job) = self.job.as_mut() {
            let done = job.await;
            self.job = None;
            match done {
                Ok(Done::Turned(turned)) => {
                    self.said.drop_reply(HUNG_UP);
                    if let Ok(reply) = *turned {
                        self.said.replied(reply);
                    }
                }
                Ok(Done::Recorded) => {}
                Err(error) => tracing::error!(call = self.id, %error, "a turn of a call ended badly"),
            }
            self.go_to_work();
        }
    }

    /// Ends the line, unless it is the front desk's now.
    async fn lets_go(&mut self) {
        if self.is_transferred {
            return;
        }
        let clock = Arc::clone(self.shared.clock());
        tokio::select! {
            () = self.end.close() => {}
            () = clock.sleep(CLOSING) => {}
        }
        if let Err(fault) = self.control.hang_up().await {
            tracing::warn!(call = self.id, error = %fault, "a call could not be ended at its provider");
        }
    }

    fn saw(&self, seen: Seen<'_>) {
        self.shared.saw(&self.id, seen);
    }
}

impl Supposed {
    /// What is still thought about.
    fn under_way(&mut self) -> Option<&mut JoinHandle<Option<Ahead>>> {
        match &mut self.thinking {
            Thinking::UnderWay(thought) => Some(thought),
            Thinking::There(_) => None,
        }
    }
}
