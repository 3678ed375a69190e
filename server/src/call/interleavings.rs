//! Whole calls by chance: turn machine, playback, books and the sound's end, driven by a clock of their own through
//! every order in which sound, marks, clears, speech, keys, replies and losses may come; judged by an [`oracle`] that
//! knows what was really played.

mod chance;
mod far;
mod oracle;
mod tally;
mod voice;
mod world;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use tally::Tally;
use world::World;

/// How many calls are held, where nobody asks for more.
const USUAL: u64 = 600;

/// Calls that once went wrong: one of which too few words counted as heard, for chunks counted whole or not at all.
const ONCE_WRONG: [u64; 1] = [3_656_550_423_957_808_681];

/// What a number in the environment says.
#[expect(clippy::disallowed_methods, reason = "a test is told how much to do; the program is not")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn whatever_comes_when_what_counts_as_heard_was_heard_and_every_call_ends() {
    let count = asked("INNKEEPER_INTERLEAVINGS").unwrap_or(USUAL);
    let fresh = || RandomState::new().build_hasher().finish();
    let seed = asked("INNKEEPER_INTERLEAVINGS_SEED").unwrap_or_else(fresh);
    for once in ONCE_WRONG {
        if let Err(fault) = World::new(once, false).run() {
            panic!("INNKEEPER_INTERLEAVINGS=1 INNKEEPER_INTERLEAVINGS_SEED={once}: {fault}");
        }
    }
    println!("{count} interleavings from INNKEEPER_INTERLEAVINGS_SEED={seed}");
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut all = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return all;
            }
            let one = seed.wrapping_add(number);
            match World::new(one, false).run() {
                Ok(tally) => all.add(&tally),
                Err(fault) => {
                    let trace = World::new(one, true).traced();
                    panic!("INNKEEPER_INTERLEAVINGS=1 INNKEEPER_INTERLEAVINGS_SEED={one}: {fault}\n{trace}");
                }
            }
        }
    };
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            all.add(&worker.join().expect("a call went wrong"));
        }
    });
    println!("{all:#?}");
    assert!(count < USUAL || all.is_everything(), "not everything came about: {all:#?}");
}
