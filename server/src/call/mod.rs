//! Telephone calls: one task a call, from the greeting to the goodbye.
//!
//! A call is a [`Line`] with a guest at its far end. What they say goes the way of every message, through inbox and
//! conversation; what is said to them is in the outbox before it is spoken, and counts as conveyed only when it was
//! played to its end before they spoke. Whose turn it is decides `machine`; what was heard of what was sent know
//! [`playback`] and [`recital`]; both are pure.

mod ends;
#[cfg(test)]
mod interleavings;
pub mod keys;
mod lobby;
mod machine;
pub mod pace;
pub mod playback;
pub mod recital;
mod said;
pub mod script;
mod task;
mod turns;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use self::ends::{End, Hearing, SoundEnd, WordsEnd};
use self::lobby::Met;
use self::pace::Manners;
use self::script::Told;
use self::task::Session;
use self::turns::Turns;
use crate::channel::line::{Call, Callee, Line};
use crate::clock::Clock;
use crate::config::CallPace;
use crate::conversation::Receptionist;
use crate::store::{Database, Fault as StoreFault};
use crate::stt::Hints;
use crate::stt::live::LiveRecogniser;
use crate::tts::live::{Fixed, LiveVoice};

pub use self::machine::{After, Event, Phase, Thought, Turn, Wait, Wish};

/// The language that calls are held in.
pub const LANGUAGE: &str = "en";

/// Something to see of a call while it goes on.
#[derive(Debug)]
pub enum Seen<'a> {
    /// Something happened.
    Event(&'a Event),
    /// The machine wants something done.
    Wish(&'a Wish),
    /// Something is given to be said.
    Says(&'a str),
    /// It became known how much of something was heard.
    Heard(&'a Told),
    /// Whose turn it is now.
    Phase(Phase),
    /// It is over, and everything about it is recorded.
    Over,
}

/// Watches calls.
pub trait Witness: fmt::Debug + Send + Sync {
    /// Something is to be seen of the call with this id.
    fn saw(&self, call: &str, seen: Seen<'_>);
}

/// Answers calls.
#[derive(Clone)]
pub struct Calls(Arc<Shared>);

/// What all calls share.
struct Shared {
    receptionist: Arc<Receptionist>,
    manners: Arc<Manners>,
    ears: Option<Arc<dyn LiveRecogniser>>,
    voice: Option<Arc<dyn LiveVoice>>,
    hints: Hints,
    fixed: Arc<Fixed>,
    kept: ends::Kept,
    witness: Option<Arc<dyn Witness>>,
}

impl Shared {
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.receptionist.clock
    }

    /// What is likely to be said: what always is, and these.
    fn terms(&self, now: Vec<String>) -> Vec<String> {
        let mut terms = now;
        terms.extend(self.hints.terms.iter().cloned());
        terms
    }

    fn kept(&self, prompt: &'static str) -> Option<Arc<[u8]>> {
        self.kept.get(prompt)
    }

    fn saw(&self, call: &str, seen: Seen<'_>) {
        if let Some(witness) = &self.witness {
            witness.saw(call, seen);
        }
    }
}

impl Calls {
    /// Answers calls with this receptionist: those whose line carries words; with ears and a voice those that carry
    /// sound, too.
    pub fn new(receptionist: Arc<Receptionist>, pace: CallPace) -> Self {
        let replies = receptionist.replies.now();
        let back_channels = replies.back_channels(LANGUAGE).iter().map(|words| pace::plain(words)).collect();
        Self(Arc::new(Shared {
            receptionist,
            manners: Arc::new(Manners { pace, back_channels }),
            ears: None,
            voice: None,
            hints: Hints::default(),
            fixed: Arc::default(),
            kept: ends::Kept::default(),
            witness: None,
        }))
    }

    /// The same with ears, to which this is likely to be said, and a voice.
    #[must_use]
    pub fn with_speech(
        self,
        ears: Option<Arc<dyn LiveRecogniser>>,
        voice: Option<Arc<dyn LiveVoice>>,
        hints: Hints,
    ) -> Self {
        self.changed(|shared| Shared { ears, voice, hints, ..shared })
    }

    /// The same where this is said to every caller: a voice that remembers need not make it again.
    #[must_use]
    pub fn saying_always(self, fixed: Fixed) -> Self {
        self.changed(|shared| Shared { fixed: Arc::new(fixed), ..shared })
    }

    /// The same with somebody who watches.
    #[must_use]
    pub fn watched_by(self, witness: Arc<dyn Witness>) -> Self {
        self.changed(|shared| Shared { witness: Some(witness), ..shared })
    }

    fn changed(self, change: impl FnOnce(Shared) -> Shared) -> Self {
        let shared = &*self.0;
        Self(Arc::new(change(Shared {
            receptionist: Arc::clone(&shared.receptionist),
            manners: Arc::clone(&shared.manners),
            ears: shared.ears.clone(),
            voice: shared.voice.clone(),
            hints: shared.hints.clone(),
            fixed: Arc::clone(&shared.fixed),
            kept: shared.kept.clone(),
            witness: shared.witness.clone(),
        })))
    }

    /// Has the voice say once what must be ready when there is none, or none yet: what a call says when a provider is
    /// gone or slow.
    pub async fn keep_ready(&self) {
        let Some(voice) = &self.0.voice else { return };
        let clock = self.0.clock();
        for prompt in machine::KEPT {
            let words = self.0.receptionist.phrase(prompt, crate::reply::Medium::Voice, LANGUAGE);
            self.0.kept.fill(prompt, &words, &**voice, &**clock).await;
        }
    }
}

#[async_trait]
impl Callee for Calls {
    async fn take(&self, call: Call) {
        let Call { id, channel: _, caller, control, line } = call;
        let receptionist = Arc::clone(&self.0.receptionist);
        let clock = Arc::clone(self.0.clock());
        let mut end = match line {
            Line::Words { signals, orders } => End::Words(Box::new(WordsEnd::new(signals, orders, clock))),
            Line::Sound { signals, orders } => {
                let hearing = Hearing {
                    ears: self.0.ears.clone(),
                    voice: self.0.voice.clone(),
                    fixed: Arc::clone(&self.0.fixed),
                    one_moment: self.0.kept(machine::ONE_MOMENT),
                };
                let ahead = self.0.manners.pace.ahead;
                let hints = self.0.hints.clone();
                let end = SoundEnd::open(signals, orders, hearing, hints, clock, ahead);
                End::Sound(Box::new(end))
            }
        };
        let turns = Turns::of(receptionist, &id, caller, LANGUAGE);
        match lobby::meet(&self.0, &mut end, turns).await {
            Met::Known { turns, before } => {
                Session::new(Arc::clone(&self.0), id, *turns, control, end).run(before).await;
            }
            Met::Unknown(fault) => {
                tracing::error!(call = id, error = %crate::fault::chain(&fault), "a call cannot be taken");
                lobby::leave(&self.0, end, &id, &*control).await;
            }
            Met::Late => {
                tracing::error!(call = id, "a call cannot be taken: the database does not answer");
                lobby::leave(&self.0, end, &id, &*control).await;
            }
            Met::Gone => {}
        }
    }
}

/// Ends what a stop or a crash left over of calls: nobody is on the line any more.
///
/// # Errors
/// The database fails.
pub async fn end_left_over(store: &Database) -> Result<(), StoreFault> {
    let left = store.end_left_over_calls().await?;
    if left > 0 {
        tracing::warn!(left, "calls were cut off when the program stopped");
    }
    Ok(())
}
