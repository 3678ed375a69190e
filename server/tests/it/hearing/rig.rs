//! A caller who speaks to an adapter, and what the adapter tells.

use std::sync::Arc;
use std::time::Duration;

use innkeeper::clock::{Clock, SystemClock};
use innkeeper::speech::SpeechFault;
use innkeeper::stt::live::{Feed, Heard, LiveRecogniser, Session, Thresholds};
use innkeeper::stt::{DeepgramLive, Flux, Hints, Realtime};
use secrecy::SecretString;

use crate::support::ears::sound::Speech;
use crate::support::ears::{Ears, KEY};

/// Nothing takes so long that does not hang.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How long an adapter is without a connection before it gives up.
pub(super) const LOST: Duration = Duration::from_millis(1500);

pub(super) const THRESHOLDS: Thresholds = Thresholds { end: 0.7, eager: Some(0.5), silence_ms: 2000 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Flux,
    V1,
    Realtime,
}

impl Which {
    /// What the doubles call it.
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Flux => "flux",
            Self::V1 => "v1",
            Self::Realtime => "realtime",
        }
    }
}

pub(super) const ALL: [Which; 3] = [Which::Flux, Which::V1, Which::Realtime];

/// An adapter for the doubles.
pub(super) fn adapter(which: Which, ears: &Ears, clock: Arc<dyn Clock>) -> Arc<dyn LiveRecogniser> {
    adapter_with(which, ears, KEY, LOST, clock)
}

pub(super) fn adapter_with(
    which: Which,
    ears: &Ears,
    key: &str,
    lost: Duration,
    clock: Arc<dyn Clock>,
) -> Arc<dyn LiveRecogniser> {
    let key = SecretString::from(key);
    let times = (Duration::from_secs(2), lost);
    match which {
        Which::Flux => Arc::new(
            Flux::new(&ears.deepgram(), key, "flux-general-en", THRESHOLDS, times, clock)
                .expect("an adapter"),
        ),
        Which::V1 => Arc::new(
            DeepgramLive::new(&ears.deepgram(), key, "nova-3", THRESHOLDS, times, clock).expect("an adapter"),
        ),
        Which::Realtime => {
            let models = ("gpt-realtime", "gpt-transcribe");
            Arc::new(
                Realtime::new(&ears.openai(), Some(key), models, THRESHOLDS, times, clock)
                    .expect("an adapter"),
            )
        }
    }
}

pub(super) fn hints() -> Hints {
    Hints { language: Some("en".to_owned()), terms: vec!["Garden Room".to_owned()] }
}

/// A call to an adapter.
pub(super) struct Call {
    session: Session,
    /// All that was told.
    pub(super) heard: Vec<Heard>,
}

impl Call {
    pub(super) async fn open(which: Which, ears: &Ears) -> Self {
        Self::of(adapter(which, ears, Arc::new(SystemClock)).open(&hints()).await).await
    }

    pub(super) async fn of(session: Result<Session, SpeechFault>) -> Self {
        Self { session: session.expect("a session"), heard: Vec::new() }
    }

    pub(super) async fn feed(&self, feed: Feed) {
        // A session that is lost takes nothing.
        let _ = self.session.feed.send(feed).await;
    }

    pub(super) async fn says(&self, speech: Speech) {
        for frame in speech.frames() {
            self.feed(Feed::Sound(frame)).await;
        }
    }

    /// Waits for what is told until it is so.
    pub(super) async fn until(&mut self, so: impl Fn(&[Heard]) -> bool) {
        let waiting = async {
            while !so(&self.heard) {
                match self.session.heard.recv().await {
                    Some(heard) => self.heard.push(heard),
                    None => panic!("it ended with {:#?}", self.heard),
                }
            }
        };
        let late = tokio::time::timeout(PATIENCE, waiting).await.is_err();
        assert!(!late, "it hangs after {:#?}", self.heard);
        legal(&self.heard);
    }

    /// Hangs up, and takes the last words.
    pub(super) async fn end(mut self) -> Vec<Heard> {
        drop(self.session.feed);
        let rest = async {
            while let Some(heard) = self.session.heard.recv().await {
                self.heard.push(heard);
            }
        };
        let late = tokio::time::timeout(PATIENCE, rest).await.is_err();
        assert!(!late, "it does not end after {:#?}", self.heard);
        legal(&self.heard);
        self.heard
    }
}

/// The words of all turns that are over.
pub(super) fn said(heard: &[Heard]) -> Vec<String> {
    heard
        .iter()
        .filter_map(|heard| match heard {
            Heard::TurnEnded { words, .. } => Some(words.clone()),
            Heard::TurnStarted
            | Heard::Partial { .. }
            | Heard::EagerEnd { .. }
            | Heard::Resumed
            | Heard::Late
            | Heard::Lost { .. } => None,
        })
        .collect()
}

/// All words of all turns that are over.
pub(super) fn words(heard: &[Heard]) -> String {
    said(heard).iter().filter(|turn| !turn.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

pub(super) fn is_lost(heard: &[Heard]) -> bool {
    matches!(heard.last(), Some(Heard::Lost { .. }))
}

/// Whether an order is one that is promised.
pub(super) fn legal(heard: &[Heard]) {
    enum State {
        Silent,
        Open,
        Eager(String),
        Lost,
    }
    let mut state = State::Silent;
    for (at, one) in heard.iter().enumerate() {
        state = match (state, one) {
            (State::Silent, Heard::TurnStarted) => State::Open,
            (State::Open, Heard::Partial { .. }) => State::Open,
            (State::Open, Heard::EagerEnd { words }) => State::Eager(words.clone()),
            (State::Eager(_), Heard::Resumed) => State::Open,
            (State::Open, Heard::TurnEnded { .. }) => State::Silent,
            (State::Eager(eager), Heard::TurnEnded { words, .. }) if eager == *words => State::Silent,
            (State::Silent | State::Open | State::Eager(_), Heard::Lost { .. }) => State::Lost,
            (state @ (State::Silent | State::Open | State::Eager(_)), Heard::Late) => state,
            _ => panic!("{one:?} at {at} is not legal in {heard:#?}"),
        };
    }
}
