//! The telephone exchange: whom it calls, and how well.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::call::{Call, Command, Run, Seen};
use super::sign::sign;
use super::wire::Wire;

/// Whose exchange it is.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The account's id.
    pub(crate) sid: String,
    /// What it signs with.
    pub(crate) token: String,
    /// The address that is signed, without a slash at its end.
    pub(crate) public: String,
}

/// How calls go.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// What chance is made of.
    pub(crate) seed: u64,
    /// How long a message and its answer are on their way, in milliseconds.
    pub(crate) round_trip: RangeInclusive<u64>,
    /// Whether frames come two to five at a time.
    pub(crate) bunches: bool,
    /// Whether the sound that is heard is kept, or only its times.
    pub(crate) keeps_sound: bool,
    /// Whether messages have fields, and come among others, that nobody has heard of.
    pub(crate) strangers: bool,
    /// What the stream says it carries.
    pub(crate) encoding: String,
    /// What becomes of calls to the front desk.
    pub(crate) dialled: String,
    /// What socket addresses are signed as: with `wss` or `https`, with a slash or without.
    pub(crate) signed_as: fn(&str) -> String,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            seed: 1,
            round_trip: 40..=40,
            bunches: false,
            keeps_sound: true,
            strangers: false,
            encoding: "audio/x-mulaw".to_owned(),
            dialled: "completed".to_owned(),
            signed_as: str::to_owned,
        }
    }
}

/// Twilio, calling.
#[derive(Clone, Debug)]
pub(crate) struct Exchange(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) wire: Wire,
    pub(super) account: Account,
    pub(super) manner: Manner,
    next: AtomicU64,
    calls: Mutex<HashMap<String, mpsc::UnboundedSender<Command>>>,
}

impl Exchange {
    pub(crate) fn new(wire: Wire, account: Account, manner: Manner) -> Self {
        Self(Arc::new(Inner { wire, account, manner, next: AtomicU64::new(1), calls: Mutex::default() }))
    }

    /// Calls a number, and does what the answer says, until the call is over.
    pub(crate) async fn ring(&self, from: &str, to: &str) -> Call {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let sid = format!("CA{number:0>32x}");
        let (commands, obeyed) = mpsc::unbounded_channel();
        self.0.calls().insert(sid.clone(), commands.clone());
        let seen = watch::Sender::new(Seen::default());
        let watched = seen.subscribe();
        let run = Run {
            exchange: self.clone(),
            sid: sid.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            began: Instant::now(),
            seen,
            commands: obeyed,
            number,
        };
        tokio::spawn(run.call());
        Call::new(sid, commands, watched)
    }

    /// Posts a form to one of the server's own addresses, signed; status and body.
    pub(crate) async fn post(&self, url: &str, form: &[(String, String)]) -> Option<(u16, String)> {
        let signature = sign(&self.0.account.token, url, form);
        self.post_signed(url, form, Some(&signature)).await
    }

    /// The same with another signature, or none.
    pub(crate) async fn post_signed(
        &self,
        url: &str,
        form: &[(String, String)],
        signature: Option<&str>,
    ) -> Option<(u16, String)> {
        let path = self.path(url)?;
        self.0.wire.post("hotel.example.com", path, form, signature).await
    }

    /// The path of one of the server's addresses.
    pub(super) fn path<'a>(&self, url: &'a str) -> Option<&'a str> {
        let host = self.0.account.public.split_once("://")?.1;
        url.split_once("://")?.1.strip_prefix(host)
    }

    /// The fields that every request about a call has.
    pub(crate) fn form(&self, sid: &str, from: &str, to: &str, status: &str) -> Vec<(String, String)> {
        let fields = [
            ("CallSid", sid),
            ("AccountSid", self.0.account.sid.as_str()),
            ("From", from),
            ("To", to),
            ("Caller", from),
            ("Called", to),
            ("CallStatus", status),
            ("ApiVersion", "2010-04-01"),
            ("Direction", "inbound"),
            ("FromCity", "SÃO PAULO & more"),
            ("CallToken", "%7B%22a%22%3A1%7D"),
            ("SomethingNew", "1 + 1 = 2"),
        ];
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

impl Inner {
    pub(super) fn calls(&self) -> MutexGuard<'_, HashMap<String, mpsc::UnboundedSender<Command>>> {
        self.calls.lock().expect("the calls")
    }
}
