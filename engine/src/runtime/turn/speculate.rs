//! A turn taken on a copy, before it is known whether the message is whole.
//!
//! Only what reads is called, and nothing is written: a speculation that is dropped leaves no trace. One that is kept is
//! committed as the turn it is, against the revision it was computed from.

use std::sync::Arc;

use chrono::NaiveDate;

use super::{
    Answered, Arrival, Completed, Driver, Happening, MessageOutcome, Place, Turn, TurnFault, Watch, refused,
};
use crate::flow::Flows;
use crate::input::Input;
use crate::runtime::{Commit, Logged, Performer, Store};

/// A turn that was taken and not committed.
#[derive(Debug)]
pub struct Speculation<M> {
    flows: Arc<Flows>,
    /// What it answers, and the day it was then.
    inputs: Vec<Input>,
    today: NaiveDate,
    turn: Turn<M>,
    outgoing: Vec<M>,
}

impl<M> Speculation<M> {
    /// What would go out.
    pub fn outgoing(&self) -> &[M] {
        &self.outgoing
    }
}

impl Driver {
    /// Takes one message through a copy of a conversation that has begun, as far as only reading tools are called. `None`
    /// where a writing call would be made, where something is under way, or where anything fails: the turn is then taken
    /// when the message is there.
    pub async fn speculate<S, P>(
        &self,
        store: &S,
        performer: &P,
        conversation: &str,
        arrival: Arrival,
    ) -> Option<Speculation<P::Outgoing>>
    where
        S: Store<Outgoing = P::Outgoing>,
        P: Performer,
    {
        let stored = store.load(conversation).await.ok()??;
        if stored.underway.is_some() || stored.position.is_over() {
            return None;
        }
        let flows = self.versions.get(stored.position.version())?;
        let place = Place { driver: self, flows: &flows, store, performer, conversation };
        let mut turn = Turn { is_trial: true, ..Turn::new(stored.position, stored.revision) };
        let guest = performer.guest(Some(turn.position.guest())).await;
        turn.log.extend(guest.map(|guest| Logged::new(arrival.moment, Input::Guest(guest))));
        turn.log.extend(arrival.inputs.iter().map(|input| Logged::new(arrival.moment, input.clone())));
        turn.run(&place, None, &mut None).await.ok()?;
        if turn.is_stopped {
            return None;
        }
        let outgoing = turn.rendered(performer).await.ok()?;
        let today = arrival.moment.today;
        Some(Speculation { flows, inputs: arrival.inputs, today, turn, outgoing })
    }

    /// Commits a speculation as the turn that answers `arrival`. `None`, and nothing is changed, where something else
    /// arrived, or on another day.
    ///
    /// # Errors
    /// [`TurnFault`]; a conflict where the conversation moved on since: then the turn is taken as any other.
    pub async fn keep<S, F>(
        &self,
        store: &S,
        speculation: Speculation<S::Outgoing>,
        conversation: &str,
        arrival: &Arrival,
        watch: Option<&mut Watch<'_>>,
    ) -> Result<Option<Completed<S::Outgoing>>, TurnFault<S::Fault, F>>
    where
        S: Store,
        F: std::error::Error + 'static,
    {
        let Speculation { flows, inputs, today, mut turn, outgoing } = speculation;
        if inputs != arrival.inputs || today != arrival.moment.today {
            return Ok(None);
        }
        let held = turn.handed_over || turn.position.is_held();
        let outcome = if held { MessageOutcome::HandedOver } else { MessageOutcome::Answered };
        let commit = Commit {
            conversation,
            expected: turn.revision,
            position: &turn.position,
            underway: None,
            log: &turn.log,
            outgoing: outgoing.clone(),
            remember: &turn.remember,
            answered: arrival.message.as_deref().map(|message| Answered { message, outcome }),
        };
        store.commit(commit).await.map_err(refused)?;
        turn.revision += 1;
        if let Some(watch) = watch {
            for say in &turn.says {
                watch(Happening::Said(say));
            }
            watch(Happening::Saved(turn.revision));
        }
        turn.outgoing = outgoing;
        Ok(Some(turn.completed(&flows)))
    }
}
