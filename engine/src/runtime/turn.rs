//! One turn: a message in, a commit out.

mod speculate;

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use smallvec::SmallVec;

use super::{
    Answered, Ask, Cache, Commit, CommitError, Entry, Logged, Mark, MessageOutcome, Performer, Store, Stored,
    Underway, Versions, calls,
};
use crate::effect::{Call, Effect, Elsewhere, Say};
use crate::flow::Flows;
use crate::input::{Input, Moment, Outcome};
use crate::position::Position;
use crate::step::{Moved, Seen, step_in_place};

pub use self::speculate::Speculation;

/// A message that arrived, as inputs in order (a read-back's `Conveyed` may come before the words).
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The message's id; a repeated delivery has the same. A silence is no message.
    pub message: Option<String>,
    /// The inputs.
    pub inputs: Vec<Input>,
    /// When it arrived.
    pub moment: Moment,
}

/// A completed turn.
#[derive(Clone, Debug)]
pub struct Completed<M> {
    /// The flows it was taken on.
    pub flows: Arc<Flows>,
    /// Where the conversation stands.
    pub position: Position,
    /// The revision that was committed.
    pub revision: u64,
    /// What went out, as it was committed.
    pub outgoing: Vec<M>,
    /// The calls that were made, with what came of them.
    pub calls: Vec<(Call, Outcome)>,
    /// Whether a person must take over.
    pub handed_over: bool,
}

/// Something to watch while a turn runs.
#[derive(Clone, Debug)]
pub enum Happening<'a> {
    /// The engine moved.
    Traced(&'a Seen<'a>),
    /// A tool is called.
    Called(&'a Call),
    /// The tool answered.
    Answered(&'a Call, &'a Outcome),
    /// Something is said.
    Said(&'a Say),
    /// The turn was committed as this revision.
    Saved(u64),
}

/// Why a turn was not completed. Nothing was answered; the same message may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum TurnFault<S: std::error::Error + 'static, P: std::error::Error + 'static> {
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] S),
    /// Another turn of the same conversation was committed meanwhile.
    #[error("the conversation moved on meanwhile")]
    Conflict,
    /// A reply could not be rendered.
    #[error("a reply could not be rendered")]
    Render(#[source] P),
    /// A writing call without a live confirmation of what it sends.
    #[error("the call of {tool} is not confirmed")]
    NotConfirmed {
        /// The tool.
        tool: String,
    },
    /// The conversation is pinned to flows that are not kept.
    #[error("the conversation is pinned to version {pinned}, which is not here")]
    OtherVersion {
        /// The version it is pinned to.
        pinned: String,
    },
}

/// Drives conversations: every version of the flows, and the answers that may be used again.
#[derive(Debug)]
pub struct Driver {
    /// The flows by version.
    pub versions: Versions,
    /// Answers of reading tools.
    pub cache: Cache,
}

/// What a turn usually goes through: a read-back was conveyed, words, what they mean, an answer.
const USUAL: usize = 4;

/// The calls that one step wishes for, usually one.
type Calls = SmallVec<[Call; 1]>;

/// Whoever watches a turn.
pub type Watch<'w> = dyn FnMut(Happening<'_>) + Send + 'w;

/// The same where perhaps nobody does: what nobody watches is not told.
type Watching<'a, 'w> = Option<&'a mut Watch<'w>>;

impl Driver {
    /// Drives conversations on these flows.
    pub fn new(flows: Flows) -> Self {
        Self { versions: Versions::new(flows), cache: Cache::default() }
    }

    /// Takes one message through a conversation.
    ///
    /// Repeating a message whose turn was committed would answer it twice: the caller's inbox keeps that from
    /// happening. A turn that was cut off before its commit is simply taken again; one that was cut off after its
    /// write-ahead goes on with the call, under the same key.
    ///
    /// # Errors
    /// [`TurnFault`]; the message has no outcome then, and the stored position is a consistent one.
    pub async fn turn<S, P>(
        &self,
        store: &S,
        performer: &P,
        conversation: &str,
        arrival: Arrival,
        mut watch: Option<&mut Watch<'_>>,
    ) -> Result<Completed<P::Outgoing>, TurnFault<S::Fault, P::Fault>>
    where
        S: Store<Outgoing = P::Outgoing>,
        P: Performer,
    {
        let stored = store.lend(conversation, &self.versions).await.map_err(TurnFault::Store)?;
        let known = stored.is_some();
        let (flows, stored) = match stored {
            Some(stored) => match self.versions.get(stored.position.version()) {
                Some(flows) => (flows, stored),
                None => {
                    let pinned = stored.position.version().to_owned();
                    return Err(TurnFault::OtherVersion { pinned });
                }
            },
            None => {
                let flows = self.versions.current();
                let position = Position::start(&flows);
                (flows, Stored { position, revision: 0, underway: None })
            }
        };
        let place = Place { driver: self, flows: &flows, store, performer, conversation };
        let mut turn = Turn::new(stored.position, stored.revision);
        let guest = performer.guest(known.then(|| turn.position.guest())).await;
        let mut recovered: Option<Completed<P::Outgoing>> = None;
        if let Some(underway) = stored.underway {
            // A turn was cut off between its write-ahead and its end: its call is made (again) first.
            let ours = underway.message == arrival.message;
            let message = underway.message.clone();
            turn.recover(&place, underway, &mut watch).await?;
            turn.run(&place, message.as_deref(), &mut watch).await?;
            turn.commit(&place, message.as_deref(), &mut watch).await?;
            if ours {
                return Ok(turn.completed(&flows));
            }
            if turn.position.is_over() {
                // The message belongs to the guest's next conversation.
                return Err(TurnFault::Conflict);
            }
            let next = Turn::new(turn.position.clone(), turn.revision);
            recovered = Some(std::mem::replace(&mut turn, next).completed(&flows));
        }
        if !known {
            let begun = Mark::Begun { version: flows.version().to_owned() };
            turn.log.push(Logged { moment: arrival.moment, entry: Entry::Mark(begun) });
        }
        turn.log.extend(guest.map(|guest| Logged::new(arrival.moment, Input::Guest(guest))));
        turn.log.extend(arrival.inputs.into_iter().map(|input| Logged::new(arrival.moment, input)));
        turn.run(&place, arrival.message.as_deref(), &mut watch).await?;
        turn.commit(&place, arrival.message.as_deref(), &mut watch).await?;
        let mut completed = turn.completed(&flows);
        if let Some(recovered) = recovered {
            completed.outgoing.splice(0..0, recovered.outgoing);
            completed.calls.splice(0..0, recovered.calls);
            completed.handed_over |= recovered.handed_over;
        }
        Ok(completed)
    }
}

/// Where a turn takes place.
struct Place<'a, S, P> {
    driver: &'a Driver,
    flows: &'a Flows,
    store: &'a S,
    performer: &'a P,
    conversation: &'a str,
}

/// A turn under way.
#[derive(Debug)]
struct Turn<M> {
    position: Position,
    revision: u64,
    /// What the conversation goes through, in order.
    log: Vec<Logged>,
    /// How much of it was gone through.
    taken: usize,
    /// What an earlier attempt at this turn had to say.
    before: Vec<M>,
    says: Vec<Say>,
    sends: Vec<Elsewhere>,
    outgoing: Vec<M>,
    remember: Vec<(String, serde_json::Value)>,
    calls: Vec<(Call, Outcome)>,
    handed_over: bool,
    /// Whether nothing may be written: it stops before a call that writes.
    is_trial: bool,
    is_stopped: bool,
}

impl<M: Clone + Send + Sync> Turn<M> {
    fn new(position: Position, revision: u64) -> Self {
        Self {
            position,
            revision,
            log: Vec::with_capacity(USUAL),
            taken: 0,
            before: Vec::new(),
            says: Vec::new(),
            sends: Vec::new(),
            outgoing: Vec::new(),
            remember: Vec::new(),
            calls: Vec::new(),
            handed_over: false,
            is_trial: false,
            is_stopped: false,
        }
    }

    /// Makes the calls that were written down and not answered. One that must not be made twice is not made again:
    /// nobody knows what came of it.
    async fn recover<S, P>(
        &mut self,
        place: &Place<'_, S, P>,
        underway: Underway<M>,
        watch: &mut Watching<'_, '_>,
    ) -> Result<(), TurnFault<S::Fault, P::Fault>>
    where
        S: Store<Outgoing = M>,
        P: Performer<Outgoing = M>,
    {
        self.before = underway.outgoing;
        self.remember = underway.remember;
        let now = place.performer.now();
        let (lost, again): (Vec<Call>, Vec<Call>) = self
            .position
            .open_calls(place.flows, now)
            .into_iter()
            .partition(|call| call.writes && !place.performer.honours_keys(&call.tool));
        for call in lost {
            let outcome = Outcome::Unknown { message: "the call was cut off".to_owned() };
            if let Some(watch) = watch {
                watch(Happening::Answered(&call, &outcome));
            }
            self.answered(place.flows, call, outcome, now);
        }
        if !again.is_empty() {
            self.call(place, again.into_iter().collect(), watch).await;
        }
        Ok(())
    }

    /// Steps until nothing is left to perform.
    async fn run<S, P>(
        &mut self,
        place: &Place<'_, S, P>,
        message: Option<&str>,
        watch: &mut Watching<'_, '_>,
    ) -> Result<(), TurnFault<S::Fault, P::Fault>>
    where
        S: Store<Outgoing = M>,
        P: Performer<Outgoing = M>,
    {
        let effects = Vec::with_capacity(USUAL);
        let mut moved = Moved { is_told: watch.is_some(), effects, trace: Vec::new() };
        while let Some(Logged { moment, entry }) = self.log.get(self.taken) {
            self.taken += 1;
            let Entry::Input(input) = entry else { continue };
            let moment = *moment;
            step_in_place(place.flows, &mut self.position, input, moment, &mut moved);
            if let Some(watch) = watch {
                for trace in &moved.trace {
                    watch(Happening::Traced(trace));
                }
            }
            let mut calls: Calls = SmallVec::new();
            for effect in moved.effects.drain(..) {
                match effect {
                    Effect::Understand => {
                        let ask = Ask::of(place.flows, &self.position, moment);
                        let understood = place.performer.understand(ask).await;
                        self.log.push(Logged::new(moment, Input::Understood(understood)));
                    }
                    Effect::Call(call) => calls.push(call),
                    Effect::Say(say) => {
                        if let Some(watch) = watch {
                            watch(Happening::Said(&say));
                        }
                        self.says.reserve_exact(usize::from(self.says.is_empty()));
                        self.says.push(say);
                    }
                    Effect::Send(elsewhere) => self.sends.push(elsewhere),
                    Effect::Remember { name, value } => self.remember.push((name.to_string(), value)),
                    Effect::HandOver => self.handed_over = true,
                    // The position says so itself.
                    Effect::End => {}
                }
            }
            if let Some(call) = calls.iter().find(|call| call.writes) {
                if self.is_trial {
                    self.is_stopped = true;
                    return Ok(());
                }
                if !self.position.permits(place.flows, call, moment) {
                    return Err(TurnFault::NotConfirmed { tool: call.tool.to_string() });
                }
                self.write_ahead(place, message).await?;
            }
            if !calls.is_empty() {
                self.call(place, calls, watch).await;
            }
        }
        Ok(())
    }

    /// Makes calls, all at once.
    async fn call<S, P: Performer>(
        &mut self,
        place: &Place<'_, S, P>,
        mut calls: Calls,
        watch: &mut Watching<'_, '_>,
    ) {
        let make = |call: Call| async move {
            let key = key_of(place.conversation, call.id);
            let outcome = calls::make(&place.driver.cache, place.performer, &call, &key).await;
            (call, outcome)
        };
        if let Some(watch) = watch {
            for call in &calls {
                watch(Happening::Called(call));
            }
        }
        let mut heard = |call: &Call, outcome: &Outcome| {
            if let Some(watch) = watch {
                watch(Happening::Answered(call, outcome));
            }
        };
        if let [_] = calls.as_slice()
            && let Some(call) = calls.pop()
        {
            let (call, outcome) = make(call).await;
            heard(&call, &outcome);
            return self.answered(place.flows, call, outcome, place.performer.now());
        }
        let mut open: FuturesUnordered<_> = calls.into_iter().map(make).collect();
        while let Some((call, outcome)) = open.next().await {
            heard(&call, &outcome);
            self.answered(place.flows, call, outcome, place.performer.now());
        }
    }

    /// Takes down an answer. One that is the saved result over again is logged as that.
    fn answered(&mut self, flows: &Flows, call: Call, outcome: Outcome, now: Moment) {
        let same = match &outcome {
            Outcome::Ok { result } => self.position.known_result(flows, call.id) == Some(result),
            Outcome::Error { .. } | Outcome::Unknown { .. } => false,
        };
        let input = if same {
            Input::AnsweredSame { call: call.id }
        } else {
            Input::Answered { call: call.id, outcome: outcome.clone() }
        };
        self.log.push(Logged::new(now, input));
        self.calls.reserve_exact(usize::from(self.calls.is_empty()));
        self.calls.push((call, outcome));
    }

    /// Writes down that a writing call is about to be made.
    async fn write_ahead<S, P>(
        &mut self,
        place: &Place<'_, S, P>,
        message: Option<&str>,
    ) -> Result<(), TurnFault<S::Fault, P::Fault>>
    where
        S: Store<Outgoing = M>,
        P: Performer<Outgoing = M>,
    {
        let outgoing = self.outgoing(place.performer).await.map_err(TurnFault::Render)?;
        let underway =
            Underway { message: message.map(str::to_owned), outgoing, remember: self.remember.clone() };
        let commit = Commit {
            conversation: place.conversation,
            expected: self.revision,
            position: &self.position,
            underway: Some(&underway),
            log: self.log.get(..self.taken).unwrap_or_default(),
            outgoing: Vec::new(),
            remember: &[],
            answered: None,
        };
        place.store.commit(commit).await.map_err(refused)?;
        self.revision += 1;
        self.log.drain(..self.taken);
        self.taken = 0;
        Ok(())
    }

    /// The same behind what an earlier attempt had to say.
    async fn outgoing<P: Performer<Outgoing = M>>(&self, performer: &P) -> Result<Vec<M>, P::Fault> {
        let mut rendered = self.rendered(performer).await?;
        if !self.before.is_empty() {
            rendered.splice(0..0, self.before.iter().cloned());
        }
        Ok(rendered)
    }

    /// What is to be said here, then what is to be sent elsewhere.
    async fn rendered<P: Performer<Outgoing = M>>(&self, performer: &P) -> Result<Vec<M>, P::Fault> {
        let mut rendered = performer.render(&self.says).await?;
        if !self.sends.is_empty() {
            rendered.extend(performer.send(&self.sends).await?);
        }
        Ok(rendered)
    }

    async fn commit<S, P>(
        &mut self,
        place: &Place<'_, S, P>,
        message: Option<&str>,
        watch: &mut Watching<'_, '_>,
    ) -> Result<(), TurnFault<S::Fault, P::Fault>>
    where
        S: Store<Outgoing = M>,
        P: Performer<Outgoing = M>,
    {
        let outgoing = self.outgoing(place.performer).await.map_err(TurnFault::Render)?;
        let held = self.handed_over || self.position.is_held();
        let outcome = if held { MessageOutcome::HandedOver } else { MessageOutcome::Answered };
        let commit = Commit {
            conversation: place.conversation,
            expected: self.revision,
            position: &self.position,
            underway: None,
            log: &self.log,
            outgoing: outgoing.clone(),
            remember: &self.remember,
            answered: message.map(|message| Answered { message, outcome }),
        };
        place.store.commit(commit).await.map_err(refused)?;
        self.revision += 1;
        self.outgoing = outgoing;
        if let Some(watch) = watch {
            watch(Happening::Saved(self.revision));
        }
        Ok(())
    }

    fn completed(self, flows: &Arc<Flows>) -> Completed<M> {
        Completed {
            flows: Arc::clone(flows),
            position: self.position,
            revision: self.revision,
            outgoing: self.outgoing,
            calls: self.calls,
            handed_over: self.handed_over,
        }
    }
}

/// What stays the same whenever a call is repeated: the conversation and the call's number in it.
fn key_of(conversation: &str, call: u32) -> String {
    let call = call.to_string();
    [conversation, "/", &call].concat()
}

fn refused<S: std::error::Error, P: std::error::Error>(error: CommitError<S>) -> TurnFault<S, P> {
    match error {
        CommitError::Conflict => TurnFault::Conflict,
        CommitError::Fault(fault) => TurnFault::Store(fault),
    }
}
