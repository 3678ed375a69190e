//! What the tests of the server's own tables and lanes are built on: a folder, a database, a clock.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use innkeeper::clock::ManualClock;
use innkeeper::config::DatabaseUrl;
use innkeeper::message::{ChannelName, GuestKey, Inbound, Kind};
use innkeeper::store::Database;
use serde_json::json;

/// A folder that is gone when the test is over.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("innkeeper-it-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn database_url(&self) -> DatabaseUrl {
        let url = format!("sqlite://{}", self.file("it.db").display());
        DatabaseUrl::parse(&url).expect("the address of a file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The instant at which every test begins.
pub(crate) fn morning() -> DateTime<Utc> {
    "2026-12-01T09:00:00Z".parse().expect("an instant")
}

pub(crate) fn standing_clock() -> ManualClock {
    ManualClock::new(morning())
}

/// A database in a file of that folder.
pub(crate) async fn database(folder: &Folder, clock: &ManualClock) -> Database {
    Database::open(&folder.database_url(), Arc::new(clock.clone())).await.expect("a database")
}

pub(crate) fn ana() -> GuestKey {
    GuestKey::new("whatsapp:+34600000001")
}

pub(crate) fn ben() -> GuestKey {
    GuestKey::new("whatsapp:+34600000002")
}

/// A text message as a channel reads it.
pub(crate) fn text_from(guest: &GuestKey, provider_id: &str, text: &str) -> Inbound {
    Inbound {
        channel: ChannelName::Twilio,
        provider_id: provider_id.to_owned(),
        guest: guest.clone(),
        address: guest.as_str().to_owned(),
        line: Some("whatsapp:+14155238886".to_owned()),
        phone: guest.as_str().strip_prefix("whatsapp:").map(str::to_owned),
        kind: Kind::Text,
        text: text.to_owned(),
        button: None,
        raw: json!({"Body": text}),
    }
}
