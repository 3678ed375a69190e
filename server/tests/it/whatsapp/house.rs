//! A hotel that repeats what it hears, behind the webhooks of both vendors.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use innkeeper::channel::meta::{self, Meta};
use innkeeper::channel::twilio::{self, Twilio};
use innkeeper::channel::{Body, Channel, Outbound};
use innkeeper::clock::ManualClock;
use innkeeper::inbox::Inbox;
use innkeeper::message::{GuestKey, MessageId, OutgoingId};
use innkeeper::outbox::Outbox;
use innkeeper::store::{Database, InboxRow, OutboxRow, Status};
use innkeeper::turn::{Lanes, Pace};

use crate::outbox::config;
use crate::rig::{Folder, Parrot, database, standing_clock, until};
use crate::support::meta::MetaDouble;
use crate::support::twilio::TwilioDouble;

pub(super) struct House {
    pub(super) clock: ManualClock,
    pub(super) store: Database,
    pub(super) parrot: Arc<Parrot>,
    pub(super) twilio: TwilioDouble,
    pub(super) meta: MetaDouble,
    pub(super) by_twilio: Arc<Twilio>,
    pub(super) by_meta: Arc<Meta>,
    pub(super) address: SocketAddr,
    _folder: Folder,
}

impl House {
    pub(super) async fn open() -> Self {
        let (folder, clock) = (Folder::new(), standing_clock());
        let twilio = TwilioDouble::start_on(clock.clone()).await;
        let meta = MetaDouble::start_on(clock.clone()).await;
        let store = database(&folder, &clock).await;
        let parrot = Parrot::new(store.clone());
        let time = || Arc::new(clock.clone());
        let by_twilio = Arc::new(Twilio::new(&config(&twilio, "rest", 10_000), time()).expect("an account"));
        let by_meta = Arc::new(Meta::new(&meta.config(), time()).expect("a number"));
        let pace = Pace { fragment: Duration::ZERO, cap: Duration::ZERO };
        let lanes = Lanes::new(store.clone(), parrot.clone(), time(), pace);
        let channels: [Arc<dyn Channel>; 2] = [by_twilio.clone(), by_meta.clone()];
        let outbox = Arc::new(Outbox::new(store.clone(), time(), channels));
        tokio::spawn(Arc::clone(&outbox).run());
        let inbox = Inbox::new(store.clone(), lanes);
        let routes = twilio::routes(twilio::Webhooks {
            twilio: by_twilio.clone(),
            inbox: inbox.clone(),
            outbox: outbox.clone(),
            clock: time(),
        });
        let routes = routes.merge(meta::routes(meta::Webhooks {
            meta: by_meta.clone(),
            inbox,
            outbox,
            clock: time(),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        twilio.calls(address);
        meta.calls(address);
        Self { clock, store, parrot, twilio, meta, by_twilio, by_meta, address, _folder: folder }
    }

    pub(super) async fn rows(&self, guest: &GuestKey) -> Vec<OutboxRow> {
        self.store.outgoing_to(guest).await.expect("rows")
    }

    pub(super) async fn becomes(&self, guest: &GuestKey, statuses: &[Status]) {
        let so = async || {
            let rows = self.rows(guest).await;
            rows.iter().map(|row| row.status).collect::<Vec<_>>() == statuses
        };
        until(&format!("messages are {statuses:?}"), so).await;
    }

    /// How far messages got, once it is this far.
    pub(super) async fn gets(&self, guest: &GuestKey, deliveries: &[&str]) {
        let so = async || {
            let rows = self.rows(guest).await;
            rows.iter().map(|row| row.delivery.as_deref().unwrap_or("")).collect::<Vec<_>>() == deliveries
        };
        until(&format!("messages get {deliveries:?}"), so).await;
    }

    pub(super) async fn messages(&self) -> u64 {
        self.store.outcomes().await.expect("counts").values().sum()
    }

    pub(super) async fn message(&self, id: i64) -> InboxRow {
        self.store.message(MessageId(id)).await.expect("no fault").expect("a message")
    }
}

/// A message to a guest.
pub(super) fn outbound(to: &str, body: Body) -> Outbound {
    Outbound { id: OutgoingId(7), to: to.to_owned(), line: None, body, reply_to: None }
}
