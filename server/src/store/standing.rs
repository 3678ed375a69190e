//! Where a conversation stands and the end of its log, as one sealed record in the conversation's row.
//!
//! A commit rewrites that one record. Only when the end of the log has grown to [`SEGMENT`] bytes it becomes a row of the
//! log, which is never written to again, and the next end begins empty. So a turn is one row, a short conversation has
//! no other, and what was said is packed together with what is known of it.

use std::sync::Arc;

use innkeeper_engine::Position;
use innkeeper_engine::runtime::{self, Logged, Stored};

use super::Fault;
use super::entity::{conversation, log};
use super::pack::{number, pack, put_number, unpack};
use super::seal::{Key, Record};
use crate::message::Outgoing;

/// The end of a log becomes a row when it has so many bytes.
pub(super) const SEGMENT: usize = 4096;

/// A run of a log: what its commits logged, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The revision that its first commit makes.
    first: i64,
    /// Of each commit the number of bytes, and the bytes.
    bytes: Vec<u8>,
}

/// Where a conversation stands, and the run that is not a row of the log yet.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) stored: Stored<Outgoing>,
    pub(super) end: Arc<Run>,
}

impl Run {
    /// An empty run.
    pub(super) fn new(first: i64) -> Self {
        Self { first, bytes: Vec::new() }
    }

    /// The revision that its first commit makes.
    pub(super) fn first(&self) -> i64 {
        self.first
    }

    /// Whether it is to become a row.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= SEGMENT
    }

    /// The run with one more commit, of which these are the entries.
    pub(super) fn with(&self, entries: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len() + entries.len() + 3);
        bytes.extend_from_slice(&self.bytes);
        put_number(&mut bytes, entries.len() as u64);
        bytes.extend_from_slice(entries);
        Self { first: self.first, bytes }
    }

    /// What each commit logged, with the revision it made.
    pub(super) fn commits(&self) -> Result<Vec<(u64, Vec<Logged>)>, Fault> {
        let fault = || Fault::Packed { what: "a conversation's log" };
        let (mut commits, mut left, mut revision) = (Vec::new(), self.bytes.as_slice(), self.first);
        while !left.is_empty() {
            let (length, rest) = number(left).ok_or_else(fault)?;
            let length = usize::try_from(length).map_err(|_| fault())?;
            let (entries, rest) = rest.split_at_checked(length).ok_or_else(fault)?;
            commits.push((revision.unsigned_abs(), runtime::read(entries)?));
            (left, revision) = (rest, revision + 1);
        }
        Ok(commits)
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        put_number(bytes, self.first.unsigned_abs());
        bytes.extend_from_slice(&self.bytes);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, bytes) = number(bytes)?;
        Some(Self { first: i64::try_from(first).ok()?, bytes: bytes.to_vec() })
    }

    /// Seals it as the row of the log whose revision is that of its last commit.
    pub(super) fn seal(&self, key: &Key, conversation: &str, last: i64) -> Result<Vec<u8>, Fault> {
        let mut plain = Vec::with_capacity(self.bytes.len() + 4);
        self.put(&mut plain);
        key.seal(Record::Run, conversation, last, &pack(&plain))
    }

    /// A row of the log.
    pub(super) fn open(key: &Key, row: &log::Model) -> Result<Self, Fault> {
        let what = "a conversation's log";
        let packed = key.open(Record::Run, &row.conversation, row.revision, &row.entries)?;
        Self::read(&unpack(what, &packed)?).ok_or(Fault::Packed { what })
    }
}

/// Seals where a conversation stands at a revision, with the end of its log.
pub(super) fn seal(
    key: &Key,
    conversation: &str,
    revision: i64,
    position: &[u8],
    end: &Run,
) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::with_capacity(position.len() + end.bytes.len() + 8);
    put_number(&mut plain, position.len() as u64);
    plain.extend_from_slice(position);
    end.put(&mut plain);
    key.seal(Record::Standing, conversation, revision, &pack(&plain))
}

/// Where a stored conversation stands; `None` before its first commit.
pub(super) fn open(key: &Key, row: &conversation::Model) -> Result<Option<Standing>, Fault> {
    let Some(sealed) = &row.position else { return Ok(None) };
    let what = "where a conversation stands";
    let packed = key.open(Record::Standing, &row.id, row.revision, sealed)?;
    let plain = unpack(what, &packed)?;
    let parts = || {
        let (length, rest) = number(&plain)?;
        let (position, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        Some((position, Run::read(rest)?))
    };
    let (position, end) = parts().ok_or(Fault::Packed { what })?;
    let position = Position::from_bytes(position)?;
    let open = |sealed: &Vec<u8>| key.open_json(Record::Underway, &row.id, row.revision, sealed);
    let underway = row.underway.as_ref().map(open).transpose()?;
    let stored = Stored { position, revision: row.revision.unsigned_abs(), underway };
    Ok(Some(Standing { stored, end: Arc::new(end) }))
}

/// What each commit of a conversation logged, with the revision it made: the rows of the log that are older than the end
/// in `row`, then that end. The rows may have been read later than `row`; what came meanwhile is left out.
pub(super) fn commits<'a>(
    key: &Key,
    row: &conversation::Model,
    rows: impl IntoIterator<Item = &'a log::Model>,
) -> Result<Vec<(u64, Vec<Logged>)>, Fault> {
    let Some(Standing { end, .. }) = open(key, row)? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for row in rows.into_iter().filter(|row| row.revision < end.first()) {
        all.extend(Run::open(key, row)?.commits()?);
    }
    all.extend(end.commits()?);
    Ok(all)
}
