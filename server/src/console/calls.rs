//! Calls from the browser: the call page is the far end of a line of words, and sees what goes on in its call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use futures::stream;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::Desk;
use super::refusal::{Refusal, is_own};
use super::session::{Session, SessionId};
use crate::call::{Event, Phase, Seen, Turn, Wish, Witness};
use crate::channel::line::{Call, Caller, Control, ControlFault, Line};
use crate::channel::relay::{Relay, setup};
use crate::channel::socket::{carry, first, refuse, small};
use crate::clock::Clock;
use crate::message::{ChannelName, GuestIds};

/// How long the page may take to introduce itself.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// So many events wait for a page that reads slowly; then the oldest go.
const WAITING: usize = 256;

/// So many calls can be watched at once; whoever is not watched by then is not.
const WATCHED: usize = 256;

/// What goes on in a call, as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum Shown {
    /// Whose turn it is.
    Turn {
        /// `listening`, `thinking`, `talking`, `held` or `closed`.
        turn: &'static str,
    },
    /// A turn has its answer.
    Answered {
        /// From when it was given to be answered.
        took_ms: i64,
    },
    /// The caller is heard.
    Heard {
        words: String,
        /// Whether the turn is over.
        whole: bool,
    },
    /// The caller pressed a key.
    Key { key: char },
    /// The caller interrupted.
    Interrupted,
    /// The answer to what was heard so far is looked for before the caller has finished.
    Supposed { words: String },
    /// That was not all they said.
    Forgotten,
    /// Something is given to be said.
    Says { words: String },
    /// How much of it was heard.
    Reached { words: String, whole: bool },
}

/// Everybody who watches a call.
#[derive(Debug)]
pub struct Watching {
    clock: Arc<dyn Clock>,
    calls: Mutex<HashMap<String, Watched>>,
}

/// A call that somebody watches.
#[derive(Debug)]
struct Watched {
    told: broadcast::Sender<Shown>,
    /// When its last turn was given to be answered.
    asked: Option<DateTime<Utc>>,
}

impl Watching {
    /// Nobody watches yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, calls: Mutex::default() }
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<String, Watched>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that goes on in a call from now on.
    fn watch(&self, call: &str) -> Option<broadcast::Receiver<Shown>> {
        let mut calls = self.calls();
        calls.retain(|id, watched| id == call || watched.told.receiver_count() > 0);
        if calls.len() >= WATCHED && !calls.contains_key(call) {
            return None;
        }
        let watched = calls
            .entry(call.to_owned())
            .or_insert_with(|| Watched { told: broadcast::Sender::new(WAITING), asked: None });
        Some(watched.told.subscribe())
    }
}

impl Watched {
    /// What is shown of what was seen.
    fn shown(&mut self, seen: &Seen<'_>, now: DateTime<Utc>) -> Option<Shown> {
        Some(match seen {
            Seen::Phase(phase) => Shown::Turn { turn: turn(*phase) },
            Seen::Event(event) => match event {
                Event::Partial(words) => Shown::Heard { words: words.clone(), whole: false },
                Event::TurnEnded(words) => Shown::Heard { words: words.clone(), whole: true },
                Event::Digit(key) => Shown::Key { key: *key },
                Event::Interrupted => Shown::Interrupted,
                Event::Resumed => Shown::Forgotten,
                Event::Thought(_) => {
                    let took = now - self.asked.take()?;
                    Shown::Answered { took_ms: took.num_milliseconds() }
                }
                _ => return None,
            },
            Seen::Wish(wish) => match wish {
                Wish::Suppose(words) => Shown::Supposed { words: words.clone() },
                Wish::Think(
                    Turn::Words(_) | Turn::Keys { .. } | Turn::Called | Turn::Silence(_) | Turn::Due,
                ) => {
                    self.asked = Some(now);
                    return None;
                }
                _ => return None,
            },
            Seen::Says(words) => Shown::Says { words: (*words).to_owned() },
            Seen::Heard(told) => {
                let (words, whole) = told.words();
                Shown::Reached { words: words.to_owned(), whole }
            }
            Seen::Over => Shown::Turn { turn: turn(Phase::Closed) },
        })
    }
}

impl Witness for Watching {
    fn saw(&self, call: &str, seen: Seen<'_>) {
        let mut calls = self.calls();
        let Some(watched) = calls.get_mut(call) else { return };
        if let Some(shown) = watched.shown(&seen, self.clock.now()) {
            // Nobody may look any more.
            let _ = watched.told.send(shown);
        }
    }
}

fn turn(phase: Phase) -> &'static str {
    match phase {
        Phase::Listening => "listening",
        Phase::Thinking => "thinking",
        Phase::Talking => "talking",
        Phase::Held => "held",
        Phase::Closed => "closed",
    }
}

/// A call from a page can be left by the page alone, and leads to nobody else.
#[derive(Debug)]
struct Page;

#[async_trait]
impl Control for Page {
    async fn hang_up(&self) -> Result<(), ControlFault> {
        // Whoever drops the line ends it.
        Ok(())
    }

    async fn transfer(&self) -> Result<(), ControlFault> {
        Err(ControlFault::Unable { reason: "nobody can be reached from the call page".to_owned() })
    }
}

/// Takes a call of the page, in the words of Twilio's ConversationRelay.
pub(super) async fn relay(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    if !is_own(&headers) {
        return Err(Refusal::foreign());
    }
    let (id, session) = session(&desk, &id).await?;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let clock = Arc::clone(&desk.receptionist.clock);
    Ok(small(upgrade).on_upgrade(move |mut socket| async move {
        if first(&mut socket, &*clock, INTRODUCTION, setup).await.is_none() {
            return refuse(socket).await;
        }
        let caller = Caller {
            guest: GuestIds::Other(session.key.clone()),
            verified: session.phone.clone(),
            displayed: session.phone.clone(),
            line: None,
        };
        let call = |line: Line| Call {
            id: id.to_string(),
            channel: ChannelName::Console,
            caller,
            control: Arc::new(Page),
            line,
        };
        let carried = carry(socket, Relay::default(), clock, &*desk.callee, call, || {});
        desk.stop.run_until_cancelled(carried).await;
    }))
}

/// What goes on in a call of the page, as it happens, until the page leaves.
pub(super) async fn events(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let (id, _) = session(&desk, &id).await?;
    let Some(seen) = desk.watching.watch(&id.to_string()) else {
        return Ok(StatusCode::TOO_MANY_REQUESTS.into_response());
    };
    let events = stream::unfold(seen, |mut seen| async move {
        loop {
            match seen.recv().await {
                Ok(shown) => {
                    let event = SseEvent::default().event("seen").json_data(&shown);
                    return Some((event, seen));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let stop = desk.stop.clone();
    let events = futures::StreamExt::take_until(events, async move { stop.cancelled().await });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// The session that calls, which was begun before.
async fn session(desk: &Desk, id: &str) -> Result<(SessionId, Arc<Session>), Refusal> {
    let id = SessionId::parse(id).ok_or_else(Refusal::unknown)?;
    let found = desk.sessions.find(id).await;
    let session = found
        .map_err(|fault| Refusal::fault("a console session could not be read", &fault))?
        .ok_or_else(Refusal::unknown)?;
    Ok((id, session))
}
