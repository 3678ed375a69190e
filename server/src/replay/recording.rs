//! What was recorded of a conversation: gone through once more, and carried to another machine as a file.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use innkeeper_engine::runtime::{Logged, PastFault, Revision, Store as _, Versions, past};
use innkeeper_engine::{BadForm, Position};
use serde::{Deserialize, Serialize};

use crate::fault::chain;
use crate::message::ConversationId;
use crate::store::{Database, Fault};
use crate::versions::{self, Exported};

/// The version of the form of a recording's file.
const FORM: u32 = 1;

/// What was recorded of a conversation.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The conversation.
    pub conversation: String,
    log: Vec<(u64, Vec<Logged>)>,
    /// Where it stood in the end.
    stands: Position,
    /// The ids of everything that went out.
    said: Vec<u32>,
}

/// A recording as a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    recording: u32,
    conversation: String,
    versions: Vec<Exported>,
    commits: Vec<Commit>,
    /// The position in the end, base64.
    stands: String,
    said: Vec<u32>,
}

/// What one commit wrote down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commit {
    revision: u64,
    log: Vec<Logged>,
}

/// Why a recording cannot be read, written or gone through.
#[derive(Debug, thiserror::Error)]
pub enum RecordingFault {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Fault),
    /// The file cannot be read or written.
    #[error("{path}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no recording.
    #[error("{path} is no recording: {why}")]
    Shape {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// Nothing was recorded.
    #[error("nothing was recorded of it")]
    Nothing,
    /// The flows it was on are lost.
    #[error("version {version} of the flows is lost: {why}")]
    Lost {
        /// The version.
        version: String,
        /// Why.
        why: String,
    },
    /// The log leads nowhere.
    #[error("its log cannot be gone through: {0}")]
    Past(String),
}

impl Recording {
    /// What the database recorded; the versions it was on are in `versions` then.
    ///
    /// # Errors
    /// There is nothing, or the flows are lost.
    pub async fn load(
        store: &Database,
        versions: &Versions,
        conversation: &ConversationId,
    ) -> Result<Self, RecordingFault> {
        let id = conversation.as_str();
        // The log is read first: a conversation that goes on meanwhile stands somewhere else afterwards.
        let log = store.log(id).await?;
        let stands = store.load(id).await?.ok_or(RecordingFault::Nothing)?;
        if log.last().is_none_or(|(revision, _)| *revision != stands.revision) {
            return Err(RecordingFault::Past("it went on while it was read".to_owned()));
        }
        if let Err((version, why)) = versions::load_named(store, versions, &log).await? {
            return Err(RecordingFault::Lost { version, why: why.to_string() });
        }
        // What the turn under way has said goes out with its end.
        let open =
            stands.underway.iter().flat_map(|underway| &underway.outgoing).flat_map(|message| &message.says);
        let mut said: Vec<u32> =
            store.said_in(conversation).await?.into_iter().chain(open.copied()).collect();
        said.sort_unstable();
        said.dedup();
        Ok(Self { conversation: id.to_owned(), log, stands: stands.position, said })
    }

    /// Reads a recording from its file; the versions it was on are in `versions` then.
    ///
    /// # Errors
    /// The file is no recording, or its flows cannot be checked any more.
    pub fn read(path: &Path, versions: &Versions) -> Result<Self, RecordingFault> {
        let name = path.display().to_string();
        let shape = |why: String| RecordingFault::Shape { path: name.clone(), why };
        let text = std::fs::read_to_string(path)
            .map_err(|source| RecordingFault::File { path: name.clone(), source })?;
        let file: File = serde_json::from_str(&text).map_err(|error| shape(error.to_string()))?;
        if file.recording != FORM {
            return Err(shape(format!("its form is {}, and {FORM} is read", file.recording)));
        }
        for exported in &file.versions {
            let authored = exported.authored().map_err(|fault| shape(chain(&fault)))?;
            let version = exported.version();
            versions::rebuilt(version, authored, versions)
                .map_err(|why| RecordingFault::Lost { version: version.to_owned(), why: why.to_string() })?;
        }
        let stands = BASE64_STANDARD.decode(&file.stands).map_err(|error| shape(error.to_string()))?;
        let stands = Position::from_bytes(&stands).map_err(|error| shape(chain(&error)))?;
        let log = file.commits.into_iter().map(|Commit { revision, log }| (revision, log)).collect();
        Ok(Self { conversation: file.conversation, log, stands, said: file.said })
    }

    /// Writes the recording to a file, with the flows it was on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn write(&self, store: &Database, path: &Path) -> Result<(), RecordingFault> {
        let name = path.display().to_string();
        let mut exported = Vec::new();
        for version in versions::named(&self.log) {
            if let Some(row) = store.flow_version(&version).await? {
                exported.push(Exported::of(row));
            }
        }
        let shape = |why: String| RecordingFault::Shape { path: name.clone(), why };
        let bytes = self.stands.to_bytes().map_err(|error| shape(chain(&error)))?;
        let file = File {
            recording: FORM,
            conversation: self.conversation.clone(),
            versions: exported,
            commits: self
                .log
                .iter()
                .map(|(revision, log)| Commit { revision: *revision, log: log.clone() })
                .collect(),
            stands: BASE64_STANDARD.encode(bytes),
            said: self.said.clone(),
        };
        let text = serde_json::to_string_pretty(&file).map_err(|error| shape(error.to_string()))?;
        std::fs::write(path, text).map_err(|source| RecordingFault::File { path: name.clone(), source })
    }

    /// Goes through it once more.
    ///
    /// # Errors
    /// The log leads nowhere.
    pub fn again(&self, versions: &Versions) -> Result<Vec<Revision>, RecordingFault> {
        past(versions, &self.stands, self.log.clone()).map_err(|fault: PastFault<BadForm>| match fault {
            PastFault::NoVersion(version) => {
                RecordingFault::Lost { version, why: "it is not here".to_owned() }
            }
            fault => RecordingFault::Past(chain(&fault)),
        })
    }

    /// What is not as it was when it was gone through once more: nothing, or a sentence.
    pub fn unlike(&self, again: &[Revision]) -> Option<String> {
        let last = again.last()?;
        if last.position != self.stands {
            return Some(format!("it stands elsewhere: {}", last.position.state(&last.flows)));
        }
        let mut said: Vec<u32> = again.iter().flat_map(|revision| &revision.says).map(|say| say.id).collect();
        said.sort_unstable();
        said.dedup();
        (said != self.said).then(|| format!("it said messages {said:?} and not {:?}", self.said))
    }
}
