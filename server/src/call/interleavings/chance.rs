//! What is drawn by chance.

#[expect(dead_code, reason = "doubles draw in more ways")]
#[path = "../../../tests/it/support/dice.rs"]
mod dice;

pub(super) use self::dice::Dice;

/// What calls are made of.
pub(super) trait Draws {
    /// A number up to another.
    fn upto(&mut self, most: u32) -> u32;

    /// A time up to another, in milliseconds.
    fn ms(&mut self, most: usize) -> i64;

    /// One of several.
    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T;
}

impl Draws for Dice {
    fn upto(&mut self, most: u32) -> u32 {
        u32::try_from(self.roll() % (u64::from(most) + 1)).expect("a small number")
    }

    fn ms(&mut self, most: usize) -> i64 {
        i64::try_from(self.below(most + 1)).expect("a short time")
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
