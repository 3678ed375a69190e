//! A turn as a stream of what happens in it.

use std::sync::Arc;

use futures::channel::mpsc;
use futures::future::FutureExt as _;
use futures::stream::{PollNext, Stream, StreamExt as _, select_with_strategy};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::{Arrival, Completed, Driver, Happening, Performer, Store, TurnFault};
use crate::effect::{Call, Say};
use crate::input::Outcome;
use crate::step::Trace;

/// Something that happened in a turn: a [`Happening`] that can be kept and sent on, or the turn's end.
///
/// As JSON it is an object with the variant's name as `event` and what it holds as `data`:
///
/// | `event` | `data` |
/// |---|---|
/// | `traced` | `trace`: `entered`, `left`, `asked`, `understood` or another [`Trace`], with what that has |
/// | `called` | the [`Call`]: `id`, `tool`, `arguments`, `writes`, `retry`, `cache_ms` |
/// | `answered` | `call`, the call's id, its `tool`, and the [`Outcome`]: `ok`, `error` or `unknown` |
/// | `said` | the [`Say`]: `id`, `prompt`, `expecting`, `page`, `invalid`, `facts`, `items` |
/// | `saved` | `revision` |
/// | `completed` | of [`Completed`]: `state`, `revision`, `outgoing`, `handed_over`, `ended` |
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event<M> {
    /// The engine moved.
    Traced(Trace),
    /// A tool is called.
    Called(Call),
    /// The tool answered.
    Answered {
        /// The call's id.
        call: u32,
        /// The tool.
        tool: Arc<str>,
        /// What came of it.
        outcome: Outcome,
    },
    /// Something is said. It goes out when the turn is committed.
    Said(Say),
    /// The turn was committed.
    Saved {
        /// As this revision.
        revision: u64,
    },
    /// The turn is over; nothing comes after it.
    Completed(Box<Completed<M>>),
}

/// What a stream of a turn yields on this store and performer: an event, or why the turn was not completed.
pub type Told<S, P> =
    Result<Event<<P as Performer>::Outgoing>, TurnFault<<S as Store>::Fault, <P as Performer>::Fault>>;

impl<M> From<Happening<'_>> for Event<M> {
    fn from(happening: Happening<'_>) -> Self {
        match happening {
            Happening::Traced(trace) => Self::Traced(trace.told()),
            Happening::Called(call) => Self::Called(call.clone()),
            Happening::Answered(call, outcome) => {
                Self::Answered { call: call.id, tool: Arc::clone(&call.tool), outcome: outcome.clone() }
            }
            Happening::Said(say) => Self::Said(say.clone()),
            Happening::Saved(revision) => Self::Saved { revision },
        }
    }
}

impl Driver {
    /// [`Driver::turn`] as a stream: what happens while the turn is taken, and at last [`Event::Completed`] or the fault.
    ///
    /// Reading it is what takes the turn. One that is dropped before its end was cut off there, as by a crash: nothing is
    /// committed but what was written down before a writing call, and the same message may be tried again. Whoever wants
    /// the turn taken all the same reads to the end.
    pub fn stream<'a, S, P>(
        &'a self,
        store: &'a S,
        performer: &'a P,
        conversation: &'a str,
        arrival: Arrival,
    ) -> impl Stream<Item = Told<S, P>> + Send + Unpin
    where
        S: Store<Outgoing = P::Outgoing>,
        P: Performer,
    {
        // Both ends are in this stream: there is a receiver for as long as anything is sent.
        let (tell, told) = mpsc::unbounded();
        let turn = async move {
            let mut watch = |happening: Happening<'_>| drop(tell.unbounded_send(Ok(happening.into())));
            let ended = self.turn(store, performer, conversation, arrival, Some(&mut watch)).await;
            drop(tell.unbounded_send(ended.map(|completed| Event::Completed(Box::new(completed)))));
        };
        let taken = turn.into_stream().filter_map(|()| std::future::ready(None));
        // The turn goes on when everything is told.
        select_with_strategy(told, taken.boxed(), |_: &mut ()| PollNext::Left)
    }
}

impl<M: Serialize> Serialize for Completed<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_struct("Completed", 5)?;
        shown.serialize_field("state", &self.position.state(&self.flows))?;
        shown.serialize_field("revision", &self.revision)?;
        shown.serialize_field("outgoing", &self.outgoing)?;
        shown.serialize_field("handed_over", &self.handed_over)?;
        shown.serialize_field("ended", &self.position.is_over())?;
        shown.end()
    }
}

impl Serialize for Say {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_struct("Say", 7)?;
        shown.serialize_field("id", &self.id)?;
        shown.serialize_field("prompt", &self.prompt)?;
        shown.serialize_field("expecting", &self.expecting)?;
        shown.serialize_field("page", &self.page)?;
        shown.serialize_field("invalid", &self.invalid)?;
        shown.serialize_field("facts", &self.facts())?;
        shown.serialize_field("items", &self.items())?;
        shown.end()
    }
}
