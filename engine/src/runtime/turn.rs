//! One turn: a message in, a commit out.

use std::collections::VecDeque;

use super::{Answered, Commit, CommitError, Logged, MessageOutcome, Performer, Store, Underway};
use crate::effect::{Call, Effect, Say};
use crate::flow::Flows;
use crate::input::{Input, Moment, Outcome};
use crate::position::{Position, Waiting};
use crate::step::{Trace, step};

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
    Traced(&'a Trace),
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
    /// The conversation was begun on other flows.
    #[error("the conversation is pinned to version {pinned}")]
    OtherVersion {
        /// The version it is pinned to.
        pinned: String,
    },
}

/// Takes one message through a conversation.
///
/// Repeating a message whose turn was committed would answer it twice: the caller's inbox keeps that from happening.
/// A turn that was cut off before its commit is simply taken again; one that was cut off after its write-ahead goes on
/// with the call, under the same key.
///
/// # Errors
/// [`TurnFault`]; the message has no outcome then, and the stored position is a consistent one.
pub async fn turn<S, P>(
    flows: &Flows,
    store: &S,
    performer: &P,
    conversation: &str,
    arrival: Arrival,
    watch: &mut (dyn FnMut(Happening<'_>) + Send),
) -> Result<Completed<P::Outgoing>, TurnFault<S::Fault, P::Fault>>
where
    S: Store<Outgoing = P::Outgoing>,
    P: Performer,
{
    let stored = store.load(conversation).await.map_err(TurnFault::Store)?;
    let mut turn = match stored {
        Some(stored) => Turn::new(stored.position, stored.revision, stored.underway),
        None => Turn::new(Position::start(flows, performer.guest().await), 0, None),
    };
    if turn.position.version != flows.version() {
        return Err(TurnFault::OtherVersion { pinned: turn.position.version });
    }
    turn.position.guest.phone = performer.guest().await.phone;
    let mut recovered: Option<Completed<P::Outgoing>> = None;
    if let Some(underway) = turn.underway.take() {
        // A turn was cut off between its write-ahead and its end: its call is made (again) first.
        let ours = underway.message == arrival.message;
        turn.says = underway.says;
        turn.remember = underway.remember;
        if let Waiting::Answer { call } = turn.position.waiting.clone() {
            if !turn.position.permits(flows, &call) {
                return Err(TurnFault::NotConfirmed { tool: call.tool });
            }
            turn.call(performer, conversation, call, watch).await;
        }
        turn.run(flows, store, performer, conversation, underway.message.as_deref(), watch).await?;
        let outgoing =
            turn.commit(store, performer, conversation, underway.message.as_deref(), watch).await?;
        if ours {
            return Ok(turn.completed(outgoing));
        }
        if turn.position.is_over() {
            // The message belongs to the guest's next conversation.
            return Err(TurnFault::Conflict);
        }
        let next = Turn::new(turn.position.clone(), turn.revision, None);
        recovered = Some(std::mem::replace(&mut turn, next).completed(outgoing));
    }
    for input in arrival.inputs {
        turn.queue.push_back(Logged { moment: arrival.moment, input });
    }
    turn.run(flows, store, performer, conversation, arrival.message.as_deref(), watch).await?;
    let outgoing = turn.commit(store, performer, conversation, arrival.message.as_deref(), watch).await?;
    let mut completed = turn.completed(outgoing);
    if let Some(recovered) = recovered {
        completed.outgoing.splice(0..0, recovered.outgoing);
        completed.calls.splice(0..0, recovered.calls);
        completed.handed_over |= recovered.handed_over;
    }
    Ok(completed)
}

/// A turn under way.
struct Turn {
    position: Position,
    revision: u64,
    underway: Option<Underway>,
    queue: VecDeque<Logged>,
    log: Vec<Logged>,
    says: Vec<Say>,
    remember: Vec<(String, serde_json::Value)>,
    calls: Vec<(Call, Outcome)>,
    handed_over: bool,
}

impl Turn {
    fn new(position: Position, revision: u64, underway: Option<Underway>) -> Self {
        Self {
            position,
            revision,
            underway,
            queue: VecDeque::new(),
            log: Vec::new(),
            says: Vec::new(),
            remember: Vec::new(),
            calls: Vec::new(),
            handed_over: false,
        }
    }

    /// Steps until nothing is left to perform.
    async fn run<S, P>(
        &mut self,
        flows: &Flows,
        store: &S,
        performer: &P,
        conversation: &str,
        message: Option<&str>,
        watch: &mut (dyn FnMut(Happening<'_>) + Send),
    ) -> Result<(), TurnFault<S::Fault, P::Fault>>
    where
        S: Store<Outgoing = P::Outgoing>,
        P: Performer,
    {
        while let Some(logged) = self.queue.pop_front() {
            self.log.push(logged.clone());
            let stepped = step(flows, self.position.clone(), logged.input, logged.moment);
            self.position = stepped.next;
            for trace in &stepped.trace {
                watch(Happening::Traced(trace));
            }
            for effect in stepped.effects {
                match effect {
                    Effect::Understand(question) => {
                        let understood = performer.understand(&question).await;
                        self.queue.push_back(Logged {
                            moment: logged.moment,
                            input: Input::Understood(understood),
                        });
                    }
                    Effect::Call(call) => {
                        if call.writes {
                            if !self.position.permits(flows, &call) {
                                return Err(TurnFault::NotConfirmed { tool: call.tool });
                            }
                            self.write_ahead::<S, P>(store, conversation, message).await?;
                        }
                        self.call(performer, conversation, call, watch).await;
                    }
                    Effect::Say(say) => {
                        watch(Happening::Said(&say));
                        self.says.push(say);
                    }
                    Effect::Remember { name, value } => self.remember.push((name, value)),
                    Effect::HandOver => self.handed_over = true,
                    // The position says so itself.
                    Effect::End => {}
                }
            }
        }
        Ok(())
    }

    async fn call<P: Performer>(
        &mut self,
        performer: &P,
        conversation: &str,
        call: Call,
        watch: &mut (dyn FnMut(Happening<'_>) + Send),
    ) {
        watch(Happening::Called(&call));
        let outcome = performer.call(&call, &format!("{conversation}/{}", call.id)).await;
        watch(Happening::Answered(&call, &outcome));
        let input = Input::Answered { call: call.id, outcome: outcome.clone() };
        self.queue.push_back(Logged { moment: performer.now(), input });
        self.calls.push((call, outcome));
    }

    /// Writes down that a writing call is about to be made.
    async fn write_ahead<S, P>(
        &mut self,
        store: &S,
        conversation: &str,
        message: Option<&str>,
    ) -> Result<(), TurnFault<S::Fault, P::Fault>>
    where
        S: Store<Outgoing = P::Outgoing>,
        P: Performer,
    {
        let underway = Underway {
            message: message.map(str::to_owned),
            says: self.says.clone(),
            remember: self.remember.clone(),
        };
        let commit = Commit {
            conversation,
            expected: self.revision,
            position: &self.position,
            underway: Some(&underway),
            log: &self.log,
            outgoing: Vec::new(),
            remember: &[],
            answered: None,
        };
        store.commit(commit).await.map_err(refused)?;
        self.revision += 1;
        self.log.clear();
        Ok(())
    }

    async fn commit<S, P>(
        &mut self,
        store: &S,
        performer: &P,
        conversation: &str,
        message: Option<&str>,
        watch: &mut (dyn FnMut(Happening<'_>) + Send),
    ) -> Result<Vec<P::Outgoing>, TurnFault<S::Fault, P::Fault>>
    where
        S: Store<Outgoing = P::Outgoing>,
        P: Performer,
    {
        let outgoing = performer.render(&self.says).map_err(TurnFault::Render)?;
        let outcome = if self.handed_over { MessageOutcome::HandedOver } else { MessageOutcome::Answered };
        let commit = Commit {
            conversation,
            expected: self.revision,
            position: &self.position,
            underway: None,
            log: &self.log,
            outgoing: outgoing.clone(),
            remember: &self.remember,
            answered: message.map(|message| Answered { message, outcome }),
        };
        store.commit(commit).await.map_err(refused)?;
        self.revision += 1;
        self.log.clear();
        watch(Happening::Saved(self.revision));
        Ok(outgoing)
    }

    fn completed<M>(self, outgoing: Vec<M>) -> Completed<M> {
        Completed {
            position: self.position,
            revision: self.revision,
            outgoing,
            calls: self.calls,
            handed_over: self.handed_over,
        }
    }
}

fn refused<S: std::error::Error, P: std::error::Error>(error: CommitError<S>) -> TurnFault<S, P> {
    match error {
        CommitError::Conflict => TurnFault::Conflict,
        CommitError::Fault(fault) => TurnFault::Store(fault),
    }
}
