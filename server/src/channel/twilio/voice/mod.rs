//! Telephone calls by Twilio, from numbers and from WhatsApp.
//!
//! A call that rings is answered with TwiML that has Twilio open a WebSocket to us: for the sound of the call (Media
//! Streams), or for its words (ConversationRelay), where nobody here hears and speaks. The webhook, the upgrade and every
//! report are signed; the socket also carries a token that was made for this call, opens once and soon expires.
//!
//! When a socket ends, Twilio asks us what comes next (`after`): a call that ended is hung up, and one whose socket
//! broke, or whose program was started again, is put through again, twice at most; then to the front desk.

mod after;
mod answer;
mod calling;
mod codes;
mod control;
mod lines;
mod media;
mod sockets;
mod twiml;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use self::lines::Lines;
use self::twiml::Document;
use super::api::{Off, Twilio};
use super::twiml::CONTENT_TYPE;
use crate::channel::line::Callee;
use crate::clock::Clock;
use crate::config::{Config, VoiceBy};

use self::words::Sentence;
pub use self::words::Words;

const VOICE_ROUTE: &str = "/twilio/voice";
const STREAM_ROUTE: &str = "/twilio/voice/stream";
const RELAY_ROUTE: &str = "/twilio/voice/relay";
const AFTER_ROUTE: &str = "/twilio/voice/after";
const STATUS_ROUTE: &str = "/twilio/voice/status";
const DIALLED_ROUTE: &str = "/twilio/voice/dialled";

/// The parameter that carries a call's token to its socket.
const TOKEN: &str = "session";

/// What the webhooks of calls need.
pub struct Webhooks {
    /// The account.
    pub twilio: Arc<Twilio>,
    /// Who takes calls.
    pub callee: Arc<dyn Callee>,
    /// What Twilio's own voice says where ours cannot.
    pub words: Words,
    /// How calls are taken.
    pub manner: Manner,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// How calls are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// What our sockets carry.
    pub carries: Carries,
    /// So many calls at once.
    pub most: u32,
    /// The front desk's number, E.164.
    pub front_desk: Option<String>,
    /// Our number, E.164: what the front desk sees when a call that shows no number is passed on.
    pub own_number: Option<String>,
    /// The language of calls, as BCP 47 has it.
    pub language: String,
    /// ConversationRelay's provider and voice.
    pub relay_voice: Option<(String, String)>,
    /// What callers are likely to say, for ConversationRelay's recogniser.
    pub hints: Vec<String>,
}

/// What our sockets carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// The sound: we hear and speak.
    Sound,
    /// The words: Twilio hears and speaks.
    Words,
}

impl Manner {
    /// The manner of a configuration: words where nobody here hears and speaks, unless something else is said.
    pub fn new(config: &Config, hints: Vec<String>) -> Self {
        let carries = match config.twilio.voice {
            VoiceBy::Stream => Carries::Sound,
            VoiceBy::Relay => Carries::Words,
            VoiceBy::Auto if config.hearing.is_some() && config.speaking.is_some() => Carries::Sound,
            VoiceBy::Auto => Carries::Words,
        };
        Self {
            carries,
            most: config.telephone.most,
            front_desk: config.telephone.front_desk.clone(),
            own_number: config.twilio.voice_from.clone(),
            language: config.telephone.language.clone(),
            relay_voice: config.twilio.relay_voice.clone(),
            hints,
        }
    }
}

/// What every route shares.
struct Exchange {
    twilio: Arc<Twilio>,
    callee: Arc<dyn Callee>,
    words: Words,
    manner: Manner,
    clock: Arc<dyn Clock>,
    lines: Arc<Lines>,
}

/// The front desk.
#[derive(Clone, Debug)]
struct Desk {
    /// Its number.
    number: Option<String>,
    /// What it sees as the caller's number where not the caller's own.
    caller_id: Option<String>,
    /// Where we are asked what comes next.
    action: String,
}

impl Desk {
    fn dial(&self, document: Document, number: &str) -> Document {
        document.dial(number, self.caller_id.as_deref(), &self.action)
    }
}

impl Exchange {
    /// The front desk for a caller; `shows` is whether they have a number that can be passed on.
    fn desk(&self, shows: bool) -> Desk {
        Desk {
            number: self.manner.front_desk.clone(),
            caller_id: self.manner.own_number.clone().filter(|_| !shows),
            action: self.twilio.public(DIALLED_ROUTE),
        }
    }

    /// Says a sentence and ends the call.
    fn refuse(&self, sentence: Sentence) -> Response {
        respond(farewell(&self.words, sentence))
    }
}

/// `POST /twilio/voice`, the two sockets behind it, and what Twilio reports and asks meanwhile.
pub fn routes(webhooks: Webhooks) -> Router {
    let Webhooks { twilio, callee, words, manner, clock } = webhooks;
    let lines = Arc::new(Lines::new(manner.most, Arc::clone(&clock)));
    let exchange = Arc::new(Exchange { twilio, callee, words, manner, clock, lines });
    Router::new()
        .route(VOICE_ROUTE, post(answer::ringing))
        .route(STREAM_ROUTE, get(sockets::stream))
        .route(RELAY_ROUTE, get(sockets::relay))
        .route(AFTER_ROUTE, post(after::after))
        .route(STATUS_ROUTE, post(after::status))
        .route(DIALLED_ROUTE, post(after::dialled))
        .layer(axum::extract::DefaultBodyLimit::max(super::webhook::BODY_CAP))
        .with_state(exchange)
}

/// `POST /twilio/voice` without an account or a public address: callers are told that it does not work, and the operator
/// why. Whether it is Twilio that calls cannot be known without either.
pub fn refusing(reason: &Off, words: Words) -> Router {
    let reason = reason.to_string();
    let refuse = move || {
        tracing::error!("a call could not be taken: {reason}");
        let document = farewell(&words, Sentence::Unavailable);
        async move { respond(document) }
    };
    Router::new().route(VOICE_ROUTE, post(refuse))
}

fn farewell(words: &Words, sentence: Sentence) -> Document {
    let document = Document::default();
    match words.say(sentence) {
        Some(text) => document.say(&text, words.spoken()).hang_up(),
        None => document.hang_up(),
    }
}

fn respond(document: Document) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], document.finish()).into_response()
}
