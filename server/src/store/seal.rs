//! Sealing: what guests say is stored under keys that can be destroyed.
//!
//! Every conversation has a key of its own for where it stands, its log and what is said in it; every guest has one for
//! what they wrote before it belonged to a conversation. A record is sealed with ChaCha20-Poly1305 (RFC 8439) under a
//! fresh random nonce, and is bound to its place: a record that is moved to another row cannot be opened.
//! Whoever destroys a key forgets everything that was sealed under it.

use chacha20poly1305::aead::{Aead as _, Generate as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key as Bytes, KeyInit as _, Nonce};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Fault;

const NONCE_BYTES: usize = 12;

/// A key of a conversation or of a guest.
#[derive(Clone)]
pub(super) struct Key(Bytes);

/// What a record is, so that it is opened as nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Where a conversation stands, in the form of the first releases.
    Position,
    /// The turn that is under way.
    Underway,
    /// What one commit adds to the log, in the form of the first releases.
    Log,
    /// An inbound message.
    Inbound,
    /// An outgoing message.
    Outgoing,
    /// What is remembered of a guest.
    Remembered,
    /// Where a conversation stands, with the end of its log.
    Standing,
    /// A run of a conversation's log.
    Run,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A new key out of the system's randomness.
    pub(super) fn random() -> Self {
        Self(Bytes::generate())
    }

    /// A key as it is stored; `None` for what is none.
    pub(super) fn stored(bytes: &[u8]) -> Option<Self> {
        Bytes::try_from(bytes).ok().map(Self)
    }

    /// As it is stored.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Seals a record for its place: `owner` and a number that tells the owner's records of a kind apart.
    pub(super) fn seal(
        &self,
        record: Record,
        owner: &str,
        number: i64,
        plain: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let nonce = Nonce::generate();
        let place = place(record, owner, number);
        let sealed = ChaCha20Poly1305::new(&self.0)
            .encrypt(&nonce, Payload { msg: plain, aad: &place })
            .map_err(|_| Fault::Sealed { what: record.name() })?;
        let mut bytes = Vec::with_capacity(NONCE_BYTES + sealed.len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens a record.
    pub(super) fn open(
        &self,
        record: Record,
        owner: &str,
        number: i64,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let fault = || Fault::Sealed { what: record.name() };
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES).ok_or_else(fault)?;
        let nonce = Nonce::try_from(nonce).map_err(|_| fault())?;
        let place = place(record, owner, number);
        ChaCha20Poly1305::new(&self.0)
            .decrypt(&nonce, Payload { msg: sealed, aad: &place })
            .map_err(|_| fault())
    }

    /// Seals a record that is kept as JSON.
    pub(super) fn seal_json<T: Serialize + ?Sized>(
        &self,
        record: Record,
        owner: &str,
        number: i64,
        value: &T,
    ) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(value).map_err(Fault::shape(record.name()))?;
        self.seal(record, owner, number, &plain)
    }

    /// Opens a record that is kept as JSON.
    pub(super) fn open_json<T: DeserializeOwned>(
        &self,
        record: Record,
        owner: &str,
        number: i64,
        sealed: &[u8],
    ) -> Result<T, Fault> {
        let plain = self.open(record, owner, number, sealed)?;
        serde_json::from_slice(&plain).map_err(Fault::shape(record.name()))
    }
}

impl Record {
    fn name(self) -> &'static str {
        match self {
            Self::Position | Self::Standing => "a conversation's position",
            Self::Underway => "a turn under way",
            Self::Log | Self::Run => "a conversation's log",
            Self::Inbound => "an inbound message",
            Self::Outgoing => "an outgoing message",
            Self::Remembered => "what is remembered of a guest",
        }
    }

    fn tag(self) -> u8 {
        match self {
            Self::Position => 1,
            Self::Underway => 2,
            Self::Log => 3,
            Self::Inbound => 4,
            Self::Outgoing => 5,
            Self::Remembered => 6,
            Self::Standing => 7,
            Self::Run => 8,
        }
    }
}

fn place(record: Record, owner: &str, number: i64) -> Vec<u8> {
    let mut place = Vec::with_capacity(owner.len() + 9);
    place.push(record.tag());
    place.extend_from_slice(&number.to_be_bytes());
    place.extend_from_slice(owner.as_bytes());
    place
}

#[cfg(test)]
mod tests {
    use super::{Key, Record};

    #[test]
    fn a_record_opens_only_in_its_place_and_with_its_key() {
        let key = Key::random();
        let sealed = key.seal(Record::Log, "c1", 7, b"a room for two").expect("sealed");
        assert!(!sealed.windows(4).any(|part| part == b"room"));
        let open = |key: &Key, record, owner, number| key.open(record, owner, number, &sealed).ok();
        assert_eq!(open(&key, Record::Log, "c1", 7).as_deref(), Some(b"a room for two".as_slice()));
        assert_eq!(open(&key, Record::Position, "c1", 7), None);
        assert_eq!(open(&key, Record::Log, "c2", 7), None);
        assert_eq!(open(&key, Record::Log, "c1", 8), None);
        assert_eq!(open(&Key::random(), Record::Log, "c1", 7), None);
        assert!(key.open(Record::Log, "c1", 7, &sealed[..5]).is_err());
    }

    #[test]
    fn the_same_words_are_never_sealed_alike() {
        let key = Key::random();
        let seal = || key.seal(Record::Inbound, "g", 1, b"yes").expect("sealed");
        assert_ne!(seal(), seal());
    }
}
