//! Sounds that Twilio fetches from us: it is told an address, and asks there soon after.
//!
//! An address holds 122 random bits and works for some hours, which is how long Twilio keeps a message that it cannot
//! send at once. They are kept in memory: after a stop a message whose sound was not fetched yet fails.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::channel::Sound;

/// How long an address works.
const KEPT: TimeDelta = TimeDelta::hours(4);

/// All sounds together take so many bytes at most; the oldest go first.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The sounds that can be fetched, oldest first.
#[derive(Debug, Default)]
pub(super) struct Sounds(Mutex<VecDeque<Kept>>);

#[derive(Debug)]
struct Kept {
    name: String,
    until: DateTime<Utc>,
    sound: Sound,
}

impl Sounds {
    /// Keeps a sound; gives the name that it is fetched by.
    pub(super) fn keep(&self, sound: &Sound, now: DateTime<Utc>) -> String {
        let name = Uuid::new_v4().simple().to_string();
        let mut all = self.lock();
        all.retain(|kept| kept.until > now);
        all.push_back(Kept { name: name.clone(), until: now + KEPT, sound: sound.clone() });
        while all.len() > 1 && all.iter().map(|kept| kept.sound.bytes.len()).sum::<usize>() > MOST_BYTES {
            all.pop_front();
        }
        name
    }

    /// The sound with a name.
    pub(super) fn find(&self, name: &str, now: DateTime<Utc>) -> Option<Sound> {
        let all = self.lock();
        all.iter().find(|kept| kept.name == name && kept.until > now).map(|kept| kept.sound.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
