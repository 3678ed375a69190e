//! A hotel whose telephone is answered by a script.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use futures::future::BoxFuture;
use indexmap::IndexMap;
use innkeeper::channel::line::{Call, Callee, Caller, FromSound, FromWords, Line, ToSound, ToWords};
use innkeeper::channel::twilio::Twilio;
use innkeeper::channel::twilio::voice::{Manner as How, Webhooks, Words, routes};
use innkeeper::clock::{Clock, SystemClock};
use innkeeper::config::{Config, Overrides};
use innkeeper::reply::{CurrentReplies, Layers, Replies};
use tokio::sync::{mpsc, watch};

use crate::support::caller::{Account, Exchange, Manner, Wire, pipe};
use crate::support::twilio::{ACCOUNT, PUBLIC, TOKEN};

pub(super) const ANA: &str = "+34600000001";
pub(super) const HOTEL: &str = "+14155238886";
pub(super) const DESK: &str = "+34911234567";

/// What is done with a call that was taken.
type Script = Arc<dyn Fn(Call) -> BoxFuture<'static, ()> + Send + Sync>;

/// Takes calls by a script, and notes whose they were.
pub(super) struct Scripted {
    script: Script,
    taken: watch::Sender<Vec<(String, Caller)>>,
    ended: watch::Sender<usize>,
}

#[async_trait]
impl Callee for Scripted {
    async fn take(&self, call: Call) {
        self.taken.send_modify(|taken| taken.push((call.id.clone(), call.caller.clone())));
        (self.script)(call).await;
        self.ended.send_modify(|ended| *ended += 1);
    }
}

/// A script.
pub(super) fn script<F>(run: impl Fn(Call) -> F + Send + Sync + 'static) -> Arc<Scripted>
where
    F: Future<Output = ()> + Send + 'static,
{
    Arc::new(Scripted {
        script: Arc::new(move |call| Box::pin(run(call))),
        taken: watch::Sender::default(),
        ended: watch::Sender::default(),
    })
}

impl Scripted {
    /// Whose calls were taken, with their ids.
    pub(super) fn taken(&self) -> Vec<(String, Caller)> {
        self.taken.borrow().clone()
    }

    /// Waits until that many calls were let go.
    pub(super) async fn ended(&self, count: usize) {
        self.ended.subscribe().wait_for(|ended| *ended >= count).await.expect("the script");
    }
}

/// The ends of a line that carries sound.
pub(super) fn sound(call: Call) -> (mpsc::Receiver<FromSound>, mpsc::Sender<ToSound>) {
    match call.line {
        Line::Sound { signals, orders } => (signals, orders),
        Line::Words { .. } => panic!("the line carries words"),
    }
}

/// The ends of a line that carries words.
pub(super) fn words(call: Call) -> (mpsc::Receiver<FromWords>, mpsc::Sender<ToWords>) {
    match call.line {
        Line::Words { signals, orders } => (signals, orders),
        Line::Sound { .. } => panic!("the line carries sound"),
    }
}

/// Says everything that is heard back, until the caller is gone.
pub(super) fn echo() -> Arc<Scripted> {
    script(|call| async move {
        let (mut signals, orders) = sound(call);
        while let Some(signal) = signals.recv().await {
            if let FromSound::Sound(bytes) = signal
                && orders.send(ToSound::Sound(bytes)).await.is_err()
            {
                break;
            }
        }
    })
}

/// What is configured besides the account.
pub(super) type Settings<'a> = &'a [(&'a str, &'a str)];

/// Sound, with a front desk.
pub(super) const STREAM: Settings<'_> =
    &[("INNKEEPER__TWILIO__VOICE", "stream"), ("INNKEEPER__CALL__FRONT_DESK", DESK)];

/// Words, with a front desk.
pub(super) const RELAY: Settings<'_> =
    &[("INNKEEPER__TWILIO__VOICE", "relay"), ("INNKEEPER__CALL__FRONT_DESK", DESK)];

pub(super) fn config(settings: Settings<'_>) -> Config {
    let account = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC),
        ("INNKEEPER__TWILIO__BASE_URL", "http://127.0.0.1:9"),
    ];
    let variables =
        account.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, variables.collect::<Vec<_>>(), Overrides::default()).expect("a configuration")
}

/// What Twilio's own voice says.
pub(super) fn sentences() -> Words {
    let replies = Replies::new(Layers::embedded(), BTreeMap::new()).expect("prompts");
    Words::new(Arc::new(CurrentReplies::new(replies)), IndexMap::new(), "en-US")
}

/// The routes of a configuration.
pub(super) fn telephone(config: &Config, callee: Arc<dyn Callee>) -> Router {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let twilio = Arc::new(Twilio::new(config, Arc::clone(&clock)).expect("an account"));
    let manner = How::new(config, vec!["sea view".to_owned(), "suite".to_owned()]);
    routes(Webhooks { twilio, callee, words: sentences(), manner, clock })
}

pub(super) fn account() -> Account {
    Account { sid: ACCOUNT.to_owned(), token: TOKEN.to_owned(), public: PUBLIC.to_owned() }
}

/// An exchange that calls a hotel by pipes, so that the clock can be paused.
pub(super) fn open(settings: Settings<'_>, callee: Arc<Scripted>, manner: Manner) -> Exchange {
    let routes = telephone(&config(settings), callee);
    let (wire, listener) = pipe();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Exchange::new(wire, account(), manner)
}

/// An exchange that calls a hotel over TCP, and that the hotel finds its REST API at.
pub(super) async fn open_with_rest(
    settings: Settings<'_>,
    callee: Arc<Scripted>,
    manner: Manner,
) -> Exchange {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let rest = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let api = format!("http://{}", rest.local_addr().expect("an address"));
    let exchange = Exchange::new(Wire::Tcp(server.local_addr().expect("an address")), account(), manner);
    let all = [settings, &[("INNKEEPER__TWILIO__BASE_URL", api.as_str())]].concat();
    let routes = telephone(&config(&all), callee);
    let api = exchange.rest();
    tokio::spawn(async move { axum::serve(server, routes).await });
    tokio::spawn(async move { axum::serve(rest, api).await });
    exchange
}

/// Sound that tells its own place: no two of its frames are the same.
pub(super) fn tone(ms: usize, seed: u8) -> Vec<u8> {
    (0..ms * 8).map(|at| (at / 8 % 120) as u8 ^ seed).collect()
}
