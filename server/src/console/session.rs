//! Sessions of the chat page: each a guest of its own, known by an id that nobody can guess.
//!
//! A session is its row in the store; what is held here can be made again from it at any time, after a restart of the
//! program too.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use uuid::Uuid;

use super::past;
use crate::channel::local::LocalGuest;
use crate::conversation::Receptionist;
use crate::message::{ChannelName, GuestKey};
use crate::reply::Medium;
use crate::store::Fault as StoreFault;

/// This many sessions are held; the one that was idle for longest makes room.
const HELD: usize = 128;

/// The language of the replies.
const LANGUAGE: &str = "en";

/// The id of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionId(Uuid);

/// A guest at the chat page.
pub(super) struct Session {
    /// Who the guest is to the rest of the program.
    pub(super) key: GuestKey,
    /// The number that counts as verified.
    pub(super) phone: Option<String>,
    /// The guest, taking turns.
    pub(super) guest: LocalGuest,
    /// The number of turns so far. Locked while a turn is under way.
    pub(super) turns: Arc<Mutex<u64>>,
    used: AtomicU64,
}

/// All sessions.
pub(super) struct Sessions {
    receptionist: Arc<Receptionist>,
    held: Mutex<HashMap<SessionId, Arc<Session>>>,
    /// Counts uses: the session with the lowest was idle for longest.
    uses: AtomicU64,
}

impl SessionId {
    /// The id with that text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        (id.simple().to_string() == text).then_some(Self(id))
    }

    fn key(self) -> GuestKey {
        GuestKey::at_console(&self.to_string())
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl Sessions {
    /// None yet.
    pub(super) fn new(receptionist: Arc<Receptionist>) -> Self {
        Self { receptionist, held: Mutex::default(), uses: AtomicU64::new(0) }
    }

    /// Begins a session. `phone` counts as verified: whoever sits at the console vouches for it.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn begin(&self, phone: Option<&str>) -> Result<SessionId, StoreFault> {
        let id = SessionId(Uuid::new_v4());
        self.receptionist.store.welcome(&id.key(), phone).await?;
        Ok(id)
    }

    /// The session with that id; `None` where there never was one, or its guest was forgotten.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub(super) async fn find(&self, id: SessionId) -> Result<Option<Arc<Session>>, StoreFault> {
        // One at a time: two requests for a session that is not held must get the same one.
        let mut held = self.held.lock().await;
        let use_number = self.uses.fetch_add(1, Ordering::Relaxed);
        let Some(welcomed) = self.receptionist.store.welcomed(&id.key()).await? else {
            held.remove(&id);
            return Ok(None);
        };
        if let Some(session) = held.get(&id) {
            session.used.store(use_number, Ordering::Relaxed);
            return Ok(Some(Arc::clone(session)));
        }
        let key = id.key();
        let turns = past::count(&self.receptionist.store.talks(&key).await?);
        let guest = LocalGuest::new(
            Arc::clone(&self.receptionist),
            key.clone(),
            ChannelName::Console,
            Medium::Chat,
            LANGUAGE,
            welcomed.phone.clone(),
        );
        let session = Arc::new(Session {
            key,
            phone: welcomed.phone,
            guest,
            turns: Arc::new(Mutex::new(turns)),
            used: AtomicU64::new(use_number),
        });
        make_room(&mut held);
        held.insert(id, Arc::clone(&session));
        Ok(Some(session))
    }
}

/// Lets go of the session that was idle for longest. One that is in use stays: nobody may make it a second time.
fn make_room(held: &mut HashMap<SessionId, Arc<Session>>) {
    while held.len() >= HELD {
        let idle = held
            .iter()
            .filter(|(_, session)| Arc::strong_count(session) == 1)
            .min_by_key(|(_, session)| session.used.load(Ordering::Relaxed))
            .map(|(id, _)| *id);
        let Some(id) = idle else { return };
        held.remove(&id);
    }
}
