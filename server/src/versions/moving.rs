//! Live conversations on their way to another version of the flows, and back.

use std::sync::Arc;

use innkeeper_engine::runtime::{
    Commit, CommitError, Difference, Entry, Logged, Mark, PastFault, Store as _, Versions, against, past,
    undo,
};
use innkeeper_engine::{Flows, Moment, Note, Position, Way, carry};
use serde::{Serialize, Serializer};

use super::{Lost, find, load_named};
use crate::fault::chain;
use crate::message::ConversationId;
use crate::store::{Database, Fault, OpenConversation};

/// What would become of every live conversation on other flows.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// The version of those flows.
    pub version: String,
    /// The conversations that are on it already.
    pub already: usize,
    /// The others.
    pub conversations: Vec<Planned>,
}

/// What would become of a live conversation on other flows.
#[derive(Debug, Serialize)]
pub struct Planned {
    /// The conversation.
    pub conversation: String,
    /// The way it is held.
    pub channel: String,
    /// The version it is on.
    pub version: String,
    /// How it gets there.
    pub way: Way,
    /// Why it cannot, or what is different.
    pub notes: Vec<String>,
    /// Where it would stand; where it stands, if it cannot be moved and the flows it is on are known.
    pub state: Option<String>,
    /// The turns that would have gone otherwise.
    pub differences: Vec<Difference>,
    /// Where it would stand.
    #[serde(skip)]
    position: Option<Position>,
    #[serde(skip)]
    revision: u64,
    /// Whether the flows it is on are lost.
    #[serde(skip)]
    pub is_lost: bool,
}

/// What became of a conversation that was to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is moved.
    Moved,
    /// The plan says that it cannot be moved.
    Refused,
    /// It went on meanwhile.
    MovedOn,
}

/// What became of a conversation that was to be put back.
#[derive(Debug, Serialize)]
pub struct Backed {
    /// The conversation.
    pub conversation: String,
    /// The version it is on now.
    pub version: String,
    /// Where it stands now; none where it was not put back.
    pub state: Option<String>,
    /// Why it was not.
    #[serde(serialize_with = "as_sentence")]
    pub not: Option<NotBack>,
}

/// Why a conversation is not put back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBack {
    /// Something happened since it was moved.
    #[error("it went on since it was moved")]
    WentOn,
    /// The flows it was on are lost.
    #[error("version {version} of the flows, which it was on, is lost: {why}")]
    Lost {
        /// The version.
        version: String,
        /// Why.
        why: String,
    },
    /// Its log does not lead to where it stood.
    #[error("its log cannot be gone through: {0}")]
    Past(String),
}

impl Plan {
    /// How many conversations go this way.
    pub fn count(&self, way: Way) -> usize {
        self.conversations.iter().filter(|planned| planned.way == way).count()
    }
}

#[expect(clippy::ref_option, reason = "serde gives the field")]
fn as_sentence<S: Serializer>(not: &Option<NotBack>, serializer: S) -> Result<S::Ok, S::Error> {
    not.as_ref().map(ToString::to_string).serialize(serializer)
}

/// Looks at every live conversation: how it would get to these flows, and which of its turns would have gone otherwise.
/// Changes nothing.
///
/// # Errors
/// The database fails.
pub async fn plan(
    store: &Database,
    versions: &Versions,
    new: &Arc<Flows>,
    moment: Moment,
) -> Result<Plan, Fault> {
    let mut plan = Plan { version: new.version().to_owned(), already: 0, conversations: Vec::new() };
    for open in store.open_conversations().await? {
        if open.stands.position.version() == new.version() {
            plan.already += 1;
        } else {
            plan.conversations.push(planned(store, versions, new, open, moment).await?);
        }
    }
    Ok(plan)
}

async fn planned(
    store: &Database,
    versions: &Versions,
    new: &Arc<Flows>,
    open: OpenConversation,
    moment: Moment,
) -> Result<Planned, Fault> {
    let OpenConversation { id, channel, stands } = open;
    let version = stands.position.version().to_owned();
    let mut planned = Planned {
        conversation: id.to_string(),
        channel,
        version: version.clone(),
        way: Way::Impossible,
        notes: Vec::new(),
        state: None,
        differences: Vec::new(),
        position: None,
        revision: stands.revision,
        is_lost: false,
    };
    let (old, differs) = match find(store, versions, &version).await? {
        Ok(old) => (old, false),
        Err(Lost::Differs(old)) => (old, true),
        Err(why) => {
            planned.is_lost = true;
            planned.notes.push(format!("version {version} of the flows is lost: {why}"));
            return Ok(planned);
        }
    };
    planned.state = Some(stands.position.state(&old));
    if differs {
        let note =
            format!("this program makes version {} of what was written down of {version}", old.version());
        planned.notes.push(note);
    }
    if stands.underway.is_some() {
        planned.notes.push(sentence(&Note::Writing));
        return Ok(planned);
    }
    let carried = carry(&old, new, &stands.position, moment);
    planned.way = carried.how;
    planned.notes.extend(carried.notes.iter().map(sentence));
    if let Some(position) = carried.position {
        planned.state = Some(position.state(new));
        planned.position = Some(position);
    }
    if differs {
        return Ok(planned);
    }
    let log = store.log(id.as_str()).await?;
    if let Err((version, why)) = load_named(store, versions, &log).await? {
        planned
            .notes
            .push(format!("its past cannot be compared: version {version} of the flows is lost: {why}"));
        return Ok(planned);
    }
    match past::<Fault>(versions, &stands.position, log) {
        Ok(past) => planned.differences = against(new, &past),
        Err(fault) => planned.notes.push(format!("its past cannot be compared: {fault}")),
    }
    Ok(planned)
}

/// What came of ending a conversation whose flows are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedLost {
    /// It is ended.
    Ended,
    /// It went on meanwhile, or ended by itself; nothing was changed.
    WentOn,
    /// Its flows are not lost; nothing was changed.
    NotLost,
}

/// Moves a conversation as planned, in one transaction, unless it went on meanwhile. Both versions must be written down.
///
/// # Errors
/// The database fails.
pub async fn move_planned(store: &Database, planned: &Planned, moment: Moment) -> Result<Moved, Fault> {
    let Some(position) = &planned.position else { return Ok(Moved::Refused) };
    let mark = Mark::Moved { to: position.version().to_owned(), position: position.to_bytes()? };
    let log = [Logged { moment, entry: Entry::Mark(mark) }];
    let commit = Commit {
        conversation: &planned.conversation,
        expected: planned.revision,
        position,
        underway: None,
        log: &log,
        outgoing: Vec::new(),
        remember: &[],
        answered: None,
    };
    match store.commit(commit).await {
        Ok(()) => Ok(Moved::Moved),
        Err(CommitError::Conflict) => Ok(Moved::MovedOn),
        Err(CommitError::Fault(fault)) => Err(fault),
    }
}

/// Ends a conversation whose flows are lost, unless it went on or ended meanwhile: its guest's next message begins
/// another.
///
/// # Errors
/// The database fails.
pub async fn end_lost(store: &Database, planned: &Planned) -> Result<EndedLost, Fault> {
    if !planned.is_lost {
        return Ok(EndedLost::NotLost);
    }
    let id = ConversationId::new(planned.conversation.clone());
    let ended = store.end_conversation_at(&id, planned.revision).await?;
    Ok(if ended { EndedLost::Ended } else { EndedLost::WentOn })
}

/// Puts every conversation that was moved last back where it stood, on the flows it was on.
///
/// # Errors
/// The database fails.
pub async fn back(store: &Database, versions: &Versions, moment: Moment) -> Result<Vec<Backed>, Fault> {
    let mut all = Vec::new();
    for open in store.open_conversations().await? {
        let id = open.id.as_str();
        let log = store.log(id).await?;
        let entries: Vec<&Logged> = log.iter().flat_map(|(_, entries)| entries).collect();
        let mark = entries.iter().rposition(|logged| {
            matches!(logged.entry, Entry::Mark(Mark::Moved { .. } | Mark::Rewound { .. }))
        });
        let moved = mark.filter(|place| {
            matches!(entries.get(*place).map(|logged| &logged.entry), Some(Entry::Mark(Mark::Moved { .. })))
        });
        let Some(place) = moved else { continue };
        let version = open.stands.position.version().to_owned();
        let mut backed = Backed { conversation: id.to_owned(), version, state: None, not: None };
        if place + 1 < entries.len() {
            backed.not = Some(NotBack::WentOn);
            all.push(backed);
            continue;
        }
        if let Err((version, why)) = load_named(store, versions, &log).await? {
            backed.not = Some(NotBack::Lost { version, why: why.to_string() });
            all.push(backed);
            continue;
        }
        let before = log.iter().rev().nth(1).map_or(0, |(revision, _)| *revision);
        match undo(versions, store, id, before, moment).await {
            Ok(position) => {
                position.version().clone_into(&mut backed.version);
                backed.state = versions.get(position.version()).map(|flows| position.state(&flows));
            }
            Err(PastFault::Store(fault)) => return Err(fault),
            Err(PastFault::Conflict) => backed.not = Some(NotBack::WentOn),
            Err(fault) => backed.not = Some(NotBack::Past(chain(&fault))),
        }
        all.push(backed);
    }
    Ok(all)
}

/// A note as a sentence.
fn sentence(note: &Note) -> String {
    match note {
        Note::FlowGone { flow } => format!(
            "it runs the flow `{flow}`, which is gone: give the flow that takes its place `was: [{flow}]`"
        ),
        Note::StateGone { flow, state } => format!(
            "it runs another flow from {flow}.{state}, which is gone or does something else: give the state that takes its place `was: [{state}]`"
        ),
        Note::SlotLost { flow, slot } => format!(
            "it knows `{slot}` of {flow}, and no slot can hold it: give the slot that takes its place `was: [{slot}]`"
        ),
        Note::WriteLost { flow, result } => {
            format!("{flow} wrote `{result}`, and no state of the new flow says so")
        }
        Note::Writing => "a writing call is out: it can be moved when that is answered".to_owned(),
        Note::Stands { before, now } => format!("it stood in {before}, and stands in {now}"),
    }
}
