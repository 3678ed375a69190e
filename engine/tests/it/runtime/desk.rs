//! The hotel of [`Talk`] behind the driver.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use innkeeper_engine::runtime::{
    Arrival, Ask, Completed, Driver, MemoryStore, Performer, Store, Stored, TurnFault,
};
use innkeeper_engine::{Call, Guest, Input, Moment, Outcome, Say, Understanding};
use serde_json::json;

use crate::talk::{Talk, day};

/// A whole booking, message by message.
pub(crate) const BOOKING: [&str; 4] =
    ["+start:book stay=2026-12-12..2026-12-14 guests=2 view=sea", "room=double-sea", "name=Ana", "+affirm"];

/// Performs as the hotel of [`Talk`] does.
pub(crate) struct Desk {
    /// Every call made, with its key.
    pub(crate) calls: Mutex<Vec<(String, String)>>,
    /// What tools answer instead of the hotel, by name.
    pub(crate) instead: Mutex<BTreeMap<String, Outcome>>,
    /// Whether tools do nothing twice under the same key.
    pub(crate) knows_keys: bool,
}

impl Default for Desk {
    fn default() -> Self {
        Self { calls: Mutex::default(), instead: Mutex::default(), knows_keys: true }
    }
}

impl Desk {
    /// The tool answers this from now on.
    pub(crate) fn answers(&self, tool: &str, outcome: Outcome) {
        self.instead.lock().unwrap().insert(tool.to_owned(), outcome);
    }
}

impl Performer for Desk {
    type Outgoing = String;
    type Fault = Infallible;

    fn now(&self) -> Moment {
        moment()
    }

    async fn sleep(&self, _: Duration) {}

    async fn guest(&self, known: Option<&Guest>) -> Option<Guest> {
        known.is_none().then(Guest::default)
    }

    async fn understand(&self, ask: Ask<'_>) -> Arc<Understanding> {
        Arc::new(Talk::new().understand(&ask.question().unwrap()))
    }

    async fn call(&self, call: &Call, key: &str) -> Outcome {
        self.calls.lock().unwrap().push((call.tool.to_string(), key.to_owned()));
        let instead = self.instead.lock().unwrap().get(&*call.tool).cloned();
        instead.unwrap_or_else(|| Talk::new().call(&call.tool, &json!(call.arguments)))
    }

    fn honours_keys(&self, _: &str) -> bool {
        self.knows_keys
    }

    async fn render(&self, says: &[Say]) -> Result<Vec<String>, Infallible> {
        Ok(says.iter().map(|say| say.prompt.to_string()).collect())
    }
}

/// When everything happens.
pub(crate) fn moment() -> Moment {
    Moment { at: "2026-12-01T10:00:00Z".parse().unwrap(), today: day(1) }
}

/// A message, after the last question reached the guest.
pub(crate) fn message(id: usize, means: &str, stored: Option<&Stored<String>>) -> Arrival {
    let conveyed = stored.and_then(|stored| stored.position.unconveyed()).map(|say| Input::Conveyed { say });
    let said = Input::Said { text: means.to_owned(), button: None };
    Arrival {
        message: Some(format!("m{id}")),
        inputs: conveyed.into_iter().chain([said]).collect(),
        moment: moment(),
    }
}

/// The guest says something in the conversation `c1`.
pub(crate) async fn say<S: Store<Outgoing = String>>(
    driver: &Driver,
    store: &S,
    desk: &Desk,
    id: usize,
    means: &str,
) -> Result<Completed<String>, TurnFault<S::Fault, Infallible>> {
    say_in("c1", driver, store, desk, id, means).await
}

/// The guest says something in this conversation.
pub(crate) async fn say_in<S: Store<Outgoing = String>>(
    conversation: &str,
    driver: &Driver,
    store: &S,
    desk: &Desk,
    id: usize,
    means: &str,
) -> Result<Completed<String>, TurnFault<S::Fault, Infallible>> {
    let stored = store.load(conversation).await.map_err(TurnFault::Store)?;
    driver.turn(store, desk, conversation, message(id, means, stored.as_ref()), None).await
}

/// A conversation `c1` after these messages.
pub(crate) async fn talked(driver: &Driver, desk: &Desk, lines: &[&str]) -> MemoryStore<String> {
    let store = MemoryStore::default();
    for (id, means) in lines.iter().enumerate() {
        say(driver, &store, desk, id, means).await.unwrap();
    }
    store
}
