//! Where new ids, references and secrets come from.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// Letters and digits that nobody mistakes for another when reading or saying them: no 0, 1, I, O,
/// and no vowels that could make words.
const SPOKEN_LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXYZ";
const SPOKEN_DIGITS: &[u8] = b"23456789";
const REFERENCE_LENGTH: usize = 6;

/// A source of fresh bytes.
pub trait Ids: Send + Sync {
    /// Sixteen bytes that were not given before.
    fn fresh(&self) -> [u8; 16];
}

/// Unguessable bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

/// Bytes that repeat with the seed, for replays.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    given: AtomicU64,
}

impl SeededIds {
    /// A source that gives the same bytes in the same order for the same seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, given: AtomicU64::new(0) }
    }
}

impl Ids for RandomIds {
    fn fresh(&self) -> [u8; 16] {
        let (first, second) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let digest = Sha256::new().chain_update(first.as_bytes()).chain_update(second.as_bytes()).finalize();
        first_half(&digest)
    }
}

impl Ids for SeededIds {
    fn fresh(&self) -> [u8; 16] {
        let turn = self.given.fetch_add(1, Ordering::Relaxed);
        let digest =
            Sha256::new().chain_update(self.seed.to_le_bytes()).chain_update(turn.to_le_bytes()).finalize();
        first_half(&digest)
    }
}

/// An opaque id for a booking, `bk_` and 24 letters and digits.
pub(crate) fn booking_id(ids: &dyn Ids) -> String {
    format!("bk_{}", hex(&ids.fresh()[..12]))
}

/// A booking reference of six signs that starts with a letter and holds a digit.
pub(crate) fn reference(ids: &dyn Ids) -> String {
    let bytes = ids.fresh();
    let any: Vec<u8> = [SPOKEN_LETTERS, SPOKEN_DIGITS].concat();
    let mut signs: Vec<u8> = bytes[..REFERENCE_LENGTH].iter().map(|byte| pick(&any, *byte)).collect();
    signs[0] = pick(SPOKEN_LETTERS, bytes[0]);
    if !signs.iter().any(u8::is_ascii_digit) {
        let place = 1 + usize::from(bytes[6]) % (REFERENCE_LENGTH - 1);
        signs[place] = pick(SPOKEN_DIGITS, bytes[7]);
    }
    signs.into_iter().map(char::from).collect()
}

/// A secret of sixteen bytes as text.
pub(crate) fn secret(ids: &dyn Ids) -> String {
    hex(&ids.fresh())
}

/// Bytes as lower-case hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pick(signs: &[u8], byte: u8) -> u8 {
    signs[usize::from(byte) % signs.len()]
}

fn first_half(digest: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_can_be_read_aloud() {
        let ids = SeededIds::new(7);
        for _ in 0..2_000 {
            let reference = reference(&ids);
            assert_eq!(reference.len(), REFERENCE_LENGTH, "{reference}");
            assert!(!reference.contains(['0', 'O', '1', 'I', 'A', 'E', 'U']), "{reference}");
            assert!(reference.contains(|c: char| c.is_ascii_digit()), "{reference}");
            assert!(reference.starts_with(|c: char| c.is_ascii_uppercase()), "{reference}");
        }
    }

    #[test]
    fn a_seed_repeats_and_chance_does_not() {
        let (one, two) = (SeededIds::new(1), SeededIds::new(1));
        assert_eq!((one.fresh(), one.fresh()), (two.fresh(), two.fresh()));
        assert_ne!(SeededIds::new(1).fresh(), SeededIds::new(2).fresh());
        assert_ne!(RandomIds.fresh(), RandomIds.fresh());
    }
}
