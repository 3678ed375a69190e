//! Messages that guests sent and that did not come: Twilio does not bring a message again whose webhook failed.
//!
//! Twilio is asked what it has, at the start and every few minutes. What is here already is known by its id; the rest
//! is taken like any other message. A message that is only just there may still come by itself and is left alone at
//! first: the webhook tells more about it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::api::{Twilio, cut_off};
use super::form::Form;
use super::read::inbound;
use crate::channel::{Action, Refusal, SendFault};
use crate::fault::chain;
use crate::inbox::{Inbox, Taken};
use crate::message::ChannelName;
use crate::store::{Database, Fault};

/// How long before what came last is looked at the start.
const BEFORE_LAST: TimeDelta = TimeDelta::hours(1);

/// How many times the time that a message has to come by itself is looked back later on.
const OVERLAP: i32 = 10;

/// Nobody is answered who wrote longer ago: WhatsApp would not deliver it.
const WINDOW: TimeDelta = TimeDelta::hours(23);

/// How long a message has to come by itself, at most.
const BY_ITSELF: Duration = Duration::from_secs(30);

/// So many pages are read at most: more than the hour before the last message fills in the largest house.
const PAGES: usize = 500;

/// Looks for what did not come.
pub struct Missed {
    twilio: Arc<Twilio>,
    inbox: Inbox,
    store: Database,
    every: Duration,
}

/// Why it could not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum MissedFault {
    /// Twilio does not tell.
    #[error("Twilio does not tell what guests sent")]
    Provider(#[from] SendFault),
    /// The database fails.
    #[error("the database failed")]
    Store(#[from] Fault),
}

impl Missed {
    /// Looks for messages this often.
    pub fn new(twilio: Arc<Twilio>, inbox: Inbox, store: Database, every: Duration) -> Self {
        Self { twilio, inbox, store, every }
    }

    /// Looks for messages, for ever.
    pub async fn run(self) {
        let clock = self.twilio.clock();
        let mut looked: Option<DateTime<Utc>> = None;
        loop {
            let now = clock.now();
            match self.look(looked).await {
                Ok(count) => {
                    looked = Some(now);
                    if count > 0 {
                        tracing::warn!(count, "messages that did not come were fetched from Twilio");
                    }
                }
                Err(fault) => {
                    tracing::warn!(error = %chain(&fault), "whether messages did not come is not known");
                }
            }
            clock.sleep(self.every).await;
        }
    }

    /// Takes what did not come since it was last looked; says how many there were.
    ///
    /// # Errors
    /// [`MissedFault`]; what was not taken is found the next time.
    pub async fn look(&self, looked: Option<DateTime<Utc>>) -> Result<usize, MissedFault> {
        let now = self.twilio.clock().now();
        let by_itself = TimeDelta::from_std(BY_ITSELF.min(self.every)).unwrap_or_default();
        let since = match looked {
            Some(looked) => looked - by_itself * OVERLAP,
            None => self.store.last_received(ChannelName::Twilio).await?.unwrap_or(now) - BEFORE_LAST,
        };
        let heard = self.twilio.heard(since.max(now - WINDOW), now - by_itself).await?;
        let known = self.store.known_of(ChannelName::Twilio, heard.iter().map(|heard| &*heard.sid)).await?;
        let mut count = 0;
        for heard in heard.into_iter().filter(|heard| !known.contains(&heard.sid)) {
            let form = self.twilio.form_of(&heard).await?;
            let Ok(inbound) = inbound(&form) else { continue };
            match self.inbox.take(&inbound).await? {
                Taken::Waits(_) | Taken::Unanswered => count += 1,
                Taken::Repeat => {}
            }
        }
        Ok(count)
    }
}

/// A message of a guest as the API tells of it.
#[derive(Debug, Deserialize)]
pub(super) struct Heard {
    sid: String,
    #[serde(default)]
    direction: String,
    from: Option<String>,
    to: Option<String>,
    body: Option<String>,
    num_media: Option<String>,
    date_created: Option<String>,
}

/// Messages, newest first.
#[derive(Debug, Deserialize)]
struct Page {
    messages: Vec<Heard>,
    next_page_uri: Option<String>,
}

/// The files of a message.
#[derive(Debug, Deserialize)]
struct Files {
    media_list: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    sid: String,
    content_type: String,
}

impl Twilio {
    /// What guests sent between two instants, oldest first. Nothing where our number is not known.
    async fn heard(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Heard>, SendFault> {
        let Some(sender) = self.sender() else { return Ok(Vec::new()) };
        let day = since.date_naive().to_string();
        let query = [("To", sender), ("DateSent>", &day), ("PageSize", "1000")];
        let url = reqwest::Url::parse_with_params(&self.messages(), query)
            .map_err(|_| Refusal::new(Action::Never, "the address cannot be made"))?;
        let mut next = Some(self.get(url.as_str()));
        let mut all = Vec::new();
        for page in 0.. {
            let Some(request) = next.take() else { break };
            if page == PAGES {
                tracing::error!(
                    PAGES,
                    "Twilio lists more messages than are looked through; older ones are left"
                );
                break;
            }
            let page: Page = self.ask(request).await?.json().await.map_err(|error| cut_off(&error))?;
            let oldest = page.messages.last().and_then(Heard::at);
            all.extend(page.messages.into_iter().filter(|heard| {
                heard.direction == "inbound" && heard.at().is_some_and(|at| at >= since && at <= until)
            }));
            next = page.next_page_uri.filter(|_| oldest.is_some_and(|oldest| oldest >= since)).map(|uri| {
                let uri = uri.trim_start_matches('/');
                self.get(&format!("{}/{uri}", self.api()))
            });
        }
        // Messages of one second keep the order in which they were told of.
        all.reverse();
        all.sort_by_key(Heard::at);
        Ok(all)
    }

    /// A message as its webhook would have told of it, as far as that is known.
    async fn form_of(&self, heard: &Heard) -> Result<Form, SendFault> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut pairs = vec![
            ("MessageSid", heard.sid.clone()),
            ("AccountSid", self.account().to_owned()),
            ("From", text(&heard.from)),
            ("To", text(&heard.to)),
            ("Body", text(&heard.body)),
            ("NumMedia", heard.num_media.clone().unwrap_or_else(|| "0".to_owned())),
        ];
        if heard.num_media.as_deref().is_some_and(|count| count != "0") {
            let files = self.messages().replace("/Messages.json", &format!("/Messages/{}/Media", heard.sid));
            let response = self.ask(self.get(&format!("{files}.json"))).await?;
            let listed: Files = response.json().await.map_err(|error| cut_off(&error))?;
            if let Some(file) = listed.media_list.into_iter().next() {
                pairs.push(("MediaUrl0", format!("{files}/{}", file.sid)));
                pairs.push(("MediaContentType0", file.content_type));
            }
        }
        Ok(Form::of(pairs))
    }
}

impl Heard {
    fn at(&self) -> Option<DateTime<Utc>> {
        let created = self.date_created.as_deref()?;
        Some(DateTime::parse_from_rfc2822(created).ok()?.with_timezone(&Utc))
    }
}
