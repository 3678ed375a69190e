//! A guest's WhatsApp beside their telephone: what they write is answered, and what arrives is kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use innkeeper::channel::{Body, Channel, Fetched, MediaFault, Outbound, SendFault, Sent, TakenSince};
use innkeeper::config::Templates;
use innkeeper::message::{ChannelName, GuestKey, Media};
use innkeeper::outbox::Outbox;
use innkeeper::store::{Received, Status};
use innkeeper::turn::Answerer as _;

use super::rig::Hotel;
use crate::rig::{text_from, until};

/// Whatever was sent on WhatsApp: to whom, and what.
#[derive(Debug, Default)]
pub(super) struct Letterbox(Mutex<Vec<(String, String)>>);

#[async_trait]
impl Channel for Letterbox {
    fn name(&self) -> ChannelName {
        ChannelName::Twilio
    }

    async fn send(&self, outbound: &Outbound) -> Result<Sent, SendFault> {
        let text = match &outbound.body {
            Body::Text(text) | Body::Place { text, .. } | Body::Buttons { text, .. } => text.clone(),
            Body::List(list) => list.text.clone(),
            Body::Template(template) => format!("({}: {})", template.name, template.values.join(" | ")),
            Body::Sound(_) => "(a sound)".to_owned(),
        };
        let mut sent = self.0.lock().expect("a list");
        sent.push((outbound.to.clone(), text));
        Ok(Sent { provider_id: format!("SM{}", sent.len()) })
    }

    async fn taken_since(&self, _: &Outbound, _: DateTime<Utc>) -> Result<TakenSince, SendFault> {
        Ok(TakenSince::These(Vec::new()))
    }

    async fn typing(&self, _: &str) -> Result<(), SendFault> {
        Ok(())
    }

    async fn fetch(&self, _: &Media) -> Result<Fetched, MediaFault> {
        Err(MediaFault::None)
    }
}

impl Letterbox {
    /// What arrived at a number.
    pub(super) fn at(&self, number: &str) -> Vec<String> {
        let sent = self.0.lock().expect("a list");
        let theirs = sent.iter().filter(|(to, _)| to.strip_prefix("whatsapp:") == Some(number));
        theirs.map(|(_, text)| text.clone()).collect()
    }

    /// Sends everything that waits for a guest.
    pub(super) async fn fills(self: &Arc<Self>, hotel: &Hotel, number: &str, templates: Templates) {
        let store = hotel.receptionist.store.clone();
        let sender: Arc<dyn Channel> = Arc::<Self>::clone(self);
        let outbox = Outbox::new(store.clone(), Arc::new(hotel.clock.clone()), [sender])
            .with_templates([(ChannelName::Twilio, templates)]);
        let guest = guest(number);
        let sent = until("everything is sent", async || {
            let rows = store.outgoing_to(&guest).await.expect("rows");
            rows.iter().all(|row| !matches!(row.status, Status::Queued | Status::Sending))
        });
        tokio::select! {
            () = Arc::new(outbox).run() => {}
            () = sent => {}
        }
    }
}

/// The guest who writes from a number.
pub(super) fn guest(number: &str) -> GuestKey {
    GuestKey::new(format!("whatsapp:{number}"))
}

impl Hotel {
    /// A guest writes, after a while, and gets an answer.
    pub(super) async fn is_written(&self, number: &str, id: &str, text: &str) -> String {
        let (guest, store) = (guest(number), &self.receptionist.store);
        self.clock.advance(Duration::from_secs(30));
        let before = store.outgoing_to(&guest).await.expect("rows").len();
        let received = store.receive(&text_from(&guest, id, text)).await.expect("a message");
        let Received::New(message) = received else { panic!("{received:?}") };
        let turn = store.begin_turn(message, &[]).await.expect("no fault").expect("a turn");
        self.receptionist.answer(&turn).await.expect("an answer");
        Arc::new(Letterbox::default()).fills(self, number, Templates::default()).await;
        let rows = store.outgoing_to(&guest).await.expect("rows");
        let texts: Vec<String> = rows.into_iter().skip(before).map(|row| row.text).collect();
        texts.join("\n---\n")
    }
}
