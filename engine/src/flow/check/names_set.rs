//! Sets of names that are merged many times while ways are followed.

/// A set of names, by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names(Vec<u64>);

impl Names {
    /// The empty set, with room for `size` names.
    pub(super) fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64).max(1)])
    }

    /// Puts a name in.
    pub(super) fn insert(&mut self, name: usize) {
        if let Some(word) = self.0.get_mut(name / 64) {
            *word |= 1 << (name % 64);
        }
    }

    /// Takes a name out.
    pub(super) fn remove(&mut self, name: usize) {
        if let Some(word) = self.0.get_mut(name / 64) {
            *word &= !(1 << (name % 64));
        }
    }

    /// Whether a name is in it.
    pub(super) fn contains(&self, name: usize) -> bool {
        self.0.get(name / 64).is_some_and(|word| word & (1 << (name % 64)) != 0)
    }

    /// Keeps only what is in the other too.
    pub(super) fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Takes out what is in the other.
    pub(super) fn drop(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// Puts in what is in the other.
    pub(super) fn add(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }
}
