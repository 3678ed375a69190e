//! Voice notes: fetched, heard, and answered as what was said in them.
//!
//! It stands between a guest's lane and whoever answers. The lane waits while somebody listens, so that what is written
//! after a note is answered after it. What was heard is written down before the turn is taken: a turn that is begun
//! again has the same words, and the provider of the channel may forget the recording.

mod ogg;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::channel::{Channel, MediaFault};
use crate::clock::Clock;
use crate::fault::chain;
use crate::message::{ChannelName, Content, Gathered, Heard, Media, Outgoing, Part, Transcript, Unheard};
use crate::speech::SpeechFault;
use crate::store::{Database, Due, Fault};
use crate::stt::{Hints, Recogniser, Recording};
use crate::turn::{Answerer, Unanswered};

/// The longest note that is listened to, in seconds: nobody says what they want of a hotel for longer.
const MOST_SECONDS: u64 = 180;

/// A recogniser that is less sure than this has made its words up. Small ones are right at 0.4 where an answer is short.
const LEAST_CONFIDENCE: f64 = 0.3;

/// A remembered value that guests say.
const NAME: &str = "name";

/// Listens to voice notes before they are answered.
pub struct Notes {
    answerer: Arc<dyn Answerer>,
    store: Database,
    clock: Arc<dyn Clock>,
    channels: HashMap<ChannelName, Arc<dyn Channel>>,
    recogniser: Option<Arc<dyn Recogniser>>,
    hints: Hints,
}

impl Notes {
    /// In front of `answerer`. Without a recogniser notes are passed on as they are.
    pub fn new(
        answerer: Arc<dyn Answerer>,
        store: Database,
        clock: Arc<dyn Clock>,
        channels: impl IntoIterator<Item = Arc<dyn Channel>>,
        recogniser: Option<Arc<dyn Recogniser>>,
        hints: Hints,
    ) -> Self {
        let channels = channels.into_iter().map(|channel| (channel.name(), channel)).collect();
        Self { answerer, store, clock, channels, recogniser, hints }
    }

    /// The turn with what was said in its voice note, if it is one; nothing where it stays as it is.
    async fn listened(&self, turn: &Gathered) -> Result<Option<Gathered>, Fault> {
        let note = turn.parts.iter().find_map(|part| Some((part, recording_of(&part.content)?)));
        let (Some((part, media)), None) = (note, &turn.heard) else { return Ok(None) };
        let (Some(recogniser), Some(channel)) = (&self.recogniser, self.channels.get(&turn.channel)) else {
            return Ok(None);
        };
        let began = self.clock.now();
        let heard = match self.hear(channel, &**recogniser, media, turn).await? {
            Ok(transcript) => Heard::Words(transcript),
            Err(why) => {
                let before = self.store.heard_before(&turn.guest, part.message).await?;
                Heard::Nothing { why, again: matches!(before, Some(Heard::Nothing { .. })) }
            }
        };
        self.store.heard(part.message, &heard).await?;
        let took_ms = (self.clock.now() - began).num_milliseconds();
        match &heard {
            Heard::Words(transcript) => {
                tracing::info!(message = %part.message, took_ms, confidence = transcript.confidence, "a voice note was heard");
                self.discard(channel, media, part);
            }
            Heard::Nothing { why, again } => {
                tracing::warn!(message = %part.message, took_ms, ?why, again, "a voice note was not heard");
            }
        }
        let mut turn = Gathered { heard: Some(heard), ..turn.clone() };
        if let Some(words) = turn.heard.as_ref().and_then(Heard::words) {
            words.trim().clone_into(&mut turn.text);
        }
        Ok(Some(turn))
    }

    /// What is said in a recording, or why nobody can tell.
    async fn hear(
        &self,
        channel: &Arc<dyn Channel>,
        recogniser: &dyn Recogniser,
        media: &Media,
        turn: &Gathered,
    ) -> Result<Result<Transcript, Unheard>, Fault> {
        let fetched = match channel.fetch(media).await {
            Ok(fetched) => fetched,
            Err(fault) => {
                tracing::warn!(message = %turn.lead, %fault, "a voice note cannot be fetched");
                return Ok(Err(not_fetched(&fault)));
            }
        };
        match ogg::length(&fetched.bytes) {
            Ok(Some(length)) if length.as_secs() > MOST_SECONDS => return Ok(Err(Unheard::TooLong)),
            Ok(_) => {}
            Err(ogg::CutOff) => return Ok(Err(Unheard::Unclear)),
        }
        let content_type = match fetched.content_type {
            known if known.starts_with("audio/") => known,
            // What the webhook says is as good as any guess.
            _ => media.content_type.clone(),
        };
        let recording = Recording { bytes: fetched.bytes, content_type };
        let mut hints = self.hints.clone();
        let guest = self.store.guest(&turn.guest).await?;
        hints.terms.extend(guest.remembered.get(NAME).and_then(|name| name.as_str()).map(str::to_owned));
        Ok(match recogniser.hear(&recording, &hints).await {
            Ok(transcript) if is_clear(&transcript) => Ok(transcript),
            Ok(_) => Err(Unheard::Unclear),
            Err(fault) => {
                if matches!(fault, SpeechFault::Operator { .. } | SpeechFault::NoClient(_)) {
                    tracing::error!(message = %turn.lead, error = %chain(&fault), "nobody hears voice notes");
                } else {
                    tracing::warn!(message = %turn.lead, error = %chain(&fault), "a voice note was not recognised");
                }
                Err(not_heard(&fault))
            }
        })
    }

    /// Has the provider forget a recording. Nobody waits for it.
    fn discard(&self, channel: &Arc<dyn Channel>, media: &Media, part: &Part) {
        let (channel, media, message) = (Arc::clone(channel), media.clone(), part.message);
        tokio::spawn(async move {
            if let Err(fault) = channel.discard(&media).await {
                tracing::warn!(%message, %fault, "the recording of a voice note stays with its provider");
            }
        });
    }
}

#[async_trait]
impl Answerer for Notes {
    async fn answer(&self, turn: &Gathered) -> Result<(), Unanswered> {
        match self.listened(turn).await {
            Ok(Some(listened)) => self.answerer.answer(&listened).await,
            Ok(None) => self.answerer.answer(turn).await,
            Err(fault) => Err(Unanswered::Passing(Box::new(fault))),
        }
    }

    async fn wake(&self, due: &Due) -> Result<(), Unanswered> {
        self.answerer.wake(due).await
    }

    fn apology(&self, turn: &Gathered) -> Vec<Outgoing> {
        self.answerer.apology(turn)
    }
}

/// The recording that a message is.
fn recording_of(content: &Content) -> Option<&Media> {
    match content {
        Content::Audio { media } => Some(media),
        Content::Text
        | Content::Button { .. }
        | Content::Row { .. }
        | Content::Image { .. }
        | Content::Video { .. }
        | Content::Document { .. }
        | Content::Sticker { .. }
        | Content::Location { .. }
        | Content::Contacts { .. }
        | Content::Reaction { .. }
        | Content::CallPermission { .. }
        | Content::NumberChanged { .. }
        | Content::Unsupported => None,
    }
}

fn is_clear(transcript: &Transcript) -> bool {
    transcript.words.chars().any(char::is_alphanumeric)
        && transcript.confidence.is_none_or(|confidence| confidence >= LEAST_CONFIDENCE)
}

fn not_fetched(fault: &MediaFault) -> Unheard {
    match fault {
        MediaFault::TooLarge => Unheard::TooLong,
        MediaFault::Damaged | MediaFault::Gone => Unheard::Unclear,
        MediaFault::Elsewhere
        | MediaFault::Astray
        | MediaFault::Refused(_)
        | MediaFault::Unanswered(_)
        | MediaFault::None => Unheard::Unavailable,
    }
}

fn not_heard(fault: &SpeechFault) -> Unheard {
    match fault {
        SpeechFault::Unusable { .. } => Unheard::Unplayable,
        SpeechFault::TooLarge => Unheard::TooLong,
        SpeechFault::Operator { .. }
        | SpeechFault::Unanswered { .. }
        | SpeechFault::Garbled { .. }
        | SpeechFault::NoClient(_) => Unheard::Unavailable,
    }
}
