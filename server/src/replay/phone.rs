//! A scene on the guest's telephone: what they send goes through inbox, lane and outbox, and what counts is what arrives.
//!
//! The telephone and its provider are played here; everything between is the program itself. Earlier messages stay in
//! sight on a telephone: they can be answered, and what is below them can be pressed, however late.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use innkeeper_engine::runtime::Store as _;
use serde_json::{Value as Json, json};

use super::calling::Calling;
use super::play::{PlayFault, Stage};
use super::scene::{GiveBack, Happens, Power, Scene, Send, duration};
use super::transcript::{Transcript, shown_note};
use crate::channel::{Body, Channel, Fetched, MediaFault, Outbound, SendFault, Sent, TakenSince};
use crate::clock::{Clock as _, later};
use crate::config::Templates;
use crate::conversation::{HandBack, ReplyLine, TurnLine};
use crate::inbox::{Inbox, Taken};
use crate::message::{self, Button, ChannelName, Content, GuestIds, GuestKey, Inbound, Kind, Media};
use crate::notes::Notes;
use crate::outbox::Outbox;
use crate::speech::SpeechFault;
use crate::store::Status;
use crate::stt::{Hints, Recogniser, Recording};
use crate::turn::{Alarm, Answerer, Lanes, Pace};

/// The provider that is played.
const CHANNEL: ChannelName = ChannelName::Meta;

/// The hotel's own number, by the id that the provider has for it.
const LINE: &str = "the hotel";

/// Who has no number to show.
const WITHOUT_NUMBER: &str = "ES.1000";

/// So often is looked whether everything was sent.
const PATIENCE: usize = 200_000;

/// One message on the telephone.
#[derive(Clone, Debug)]
struct Bubble {
    /// The provider's id of it.
    id: String,
    text: String,
    /// What can be pressed.
    buttons: Vec<Button>,
    /// Whether that is a list.
    is_list: bool,
}

/// The telephone, as the provider reaches it.
#[derive(Debug, Default)]
struct Telephone(Mutex<Vec<Bubble>>);

impl Telephone {
    fn bubbles(&self) -> Vec<Bubble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Channel for Telephone {
    fn name(&self) -> ChannelName {
        CHANNEL
    }

    async fn send(&self, outbound: &Outbound) -> Result<Sent, SendFault> {
        let (text, buttons, is_list) = match &outbound.body {
            Body::Text(text) | Body::Place { text, .. } => (text.clone(), Vec::new(), false),
            Body::Buttons { text, buttons } => (text.clone(), buttons.clone(), false),
            Body::List(list) => {
                let rows =
                    list.rows.iter().map(|row| Button { id: row.id.clone(), title: row.title.clone() });
                (list.text.clone(), rows.collect(), true)
            }
            Body::Template(template) => {
                (format!("(template {}: {})", template.name, template.values.join(" | ")), Vec::new(), false)
            }
            Body::Sound(_) => ("(a voice note)".to_owned(), Vec::new(), false),
        };
        let mut bubbles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("wamid.{}", bubbles.len() + 1);
        bubbles.push(Bubble { id: id.clone(), text, buttons, is_list });
        Ok(Sent { provider_id: id })
    }

    async fn taken_since(
        &self,
        _outbound: &Outbound,
        _since: DateTime<Utc>,
    ) -> Result<TakenSince, SendFault> {
        Ok(TakenSince::OnlyReported(Duration::from_secs(60)))
    }

    async fn typing(&self, _provider_id: &str) -> Result<(), SendFault> {
        Ok(())
    }

    /// The recording of a voice note is what a recogniser writes of it.
    async fn fetch(&self, media: &Media) -> Result<Fetched, MediaFault> {
        if !media.voice {
            return Err(MediaFault::None);
        }
        let bytes = media.reference.clone().into_bytes();
        Ok(Fetched { bytes, content_type: media.content_type.clone() })
    }
}

/// Hears what the telephone recorded.
#[derive(Debug)]
struct Ear;

#[async_trait]
impl Recogniser for Ear {
    async fn hear(&self, recording: &Recording, _hints: &Hints) -> Result<message::Transcript, SpeechFault> {
        let words = String::from_utf8_lossy(&recording.bytes).into_owned();
        Ok(message::Transcript { words, ..message::Transcript::default() })
    }
}

/// A telephone in a guest's hand, and the line behind it.
pub(super) struct Line<'a> {
    pub(super) stage: &'a Stage,
    telephone: Arc<Telephone>,
    inbox: Inbox,
    alarm: Alarm,
    pub(super) guest: GuestIds,
    sent: u64,
    shown: usize,
    pub(super) turns: u64,
    /// The call that the guest is in.
    pub(super) call: Option<Calling>,
    /// The calls there were.
    pub(super) calls: u32,
}

impl Stage {
    /// Plays a scene on the guest's telephone.
    pub(super) async fn play_on_telephone(
        &self,
        scene: &Scene,
        transcript: &mut Transcript,
    ) -> Result<(), PlayFault> {
        for staff in &scene.before {
            self.staff(staff, transcript).await?;
        }
        let telephone = Arc::new(Telephone::default());
        let (store, clock) = (self.receptionist.store.clone(), Arc::clone(&self.receptionist.clock));
        let channel: Arc<dyn Channel> = Arc::<Telephone>::clone(&telephone);
        let templates =
            Templates::of(scene.templates.iter().map(|(purpose, at)| (purpose.clone(), at.into())));
        let outbox = Outbox::new(store.clone(), Arc::clone(&clock), [Arc::clone(&channel)]);
        let outbox = Arc::new(outbox.with_templates([(CHANNEL, templates)]));
        let answerer: Arc<dyn Answerer> = self.receptionist.clone();
        let pace = Pace { fragment: Duration::ZERO, cap: Duration::ZERO };
        let alarm = Alarm::new(store.clone(), Arc::clone(&clock), Arc::clone(&answerer), &[]);
        let by_ear = Notes::new(
            answerer,
            store.clone(),
            Arc::clone(&clock),
            [channel],
            Some(Arc::new(Ear)),
            Hints::default(),
        );
        let lanes = Lanes::new(store.clone(), Arc::new(by_ear), clock, pace);
        let alarm = alarm.through(lanes.clone(), &[CHANNEL]);
        let guest = match &scene.from {
            Some(phone) => GuestIds::on_whatsapp(None, Some(phone)),
            None => GuestIds::on_whatsapp(Some(WITHOUT_NUMBER), None),
        };
        let guest = guest
            .ok_or_else(|| PlayFault::Script("from: expected a number with + and country code".to_owned()))?;
        let inbox = Inbox::new(store, lanes);
        let mut line = Line {
            stage: self,
            telephone,
            inbox,
            alarm,
            guest,
            sent: 0,
            shown: 0,
            turns: 0,
            call: None,
            calls: 0,
        };
        let played = async {
            for happens in &scene.talk {
                line.happens(happens, transcript).await?;
            }
            self.bookings(transcript).await
        };
        tokio::select! {
            played = played => played,
            // It sends for ever.
            () = outbox.run() => Ok(()),
        }
    }
}

impl Line<'_> {
    async fn happens(&mut self, happens: &Happens, transcript: &mut Transcript) -> Result<(), PlayFault> {
        match happens {
            Happens::Guest(text) if self.call.is_some() => match self.call.take() {
                Some(call) => self.speaks(call, text, transcript).await,
                None => Ok(()),
            },
            Happens::Call(by) => self.calls(*by, transcript).await,
            Happens::HangUp(how) => match self.call.take() {
                Some(call) => {
                    let heard = how.as_ref().and_then(|how| how.heard.as_deref());
                    self.hangs_up(call, heard, transcript).await
                }
                None => Err(PlayFault::Script("hang_up: nobody calls".to_owned())),
            },
            Happens::Guest(text) => {
                let said = self.message(text, Content::Text, None);
                self.send(said, text, transcript).await
            }
            Happens::Button(title) => self.press(title, None, transcript).await,
            Happens::Press { title, below } => self.press(title, Some(below), transcript).await,
            Happens::Answer { to, with } => {
                let bubble = self.find(|bubble| bubble.text.contains(to), to)?;
                let said = self.message(with, Content::Text, Some(bubble.id));
                self.send(said, &format!("{with}\n(in answer to: {to})"), transcript).await
            }
            Happens::Send(Send { kind, caption }) => {
                let caption = caption.as_deref().unwrap_or_default();
                let said = self.message(caption, content(*kind)?, None);
                let shown = format!("({}) {caption}", kind.as_str());
                self.send(said, shown.trim_end(), transcript).await
            }
            Happens::Staff(staff) => self.stage.staff(staff, transcript).await,
            Happens::Hotel(power) => {
                self.stage.switch(*power == Power::Up, transcript).await;
                Ok(())
            }
            Happens::Later(text) => {
                let passed = duration(text).ok_or_else(|| {
                    PlayFault::Script(format!("later: {text}: expected 90s, 10m, 2h or 1d"))
                })?;
                transcript.aside(&format!("{text} later"));
                self.pass(passed, transcript).await
            }
            Happens::Person(person) => {
                let key = self.stage.receptionist.store.guest_of(&self.guest).await?;
                self.stage.person(&key, person, transcript).await?;
                self.show(None, transcript).await
            }
            Happens::GiveBack(GiveBack { by, summary }) => {
                let back = HandBack { by: by.clone(), summary: summary.clone() };
                self.give_back(&back, transcript).await
            }
            Happens::Note(words) => {
                let media = Media {
                    reference: words.clone().unwrap_or_default(),
                    content_type: "audio/ogg; codecs=opus".to_owned(),
                    sha256: None,
                    voice: true,
                };
                let said = self.message("", Content::Audio { media }, None);
                self.send(said, &shown_note(words.as_deref()), transcript).await
            }
            Happens::Silence => {
                Err(PlayFault::Script("silence: on a telephone time passes: later: 10m".to_owned()))
            }
        }
    }

    async fn give_back(&mut self, back: &HandBack, transcript: &mut Transcript) -> Result<(), PlayFault> {
        let who = back.by.as_deref().unwrap_or("the person");
        transcript.aside(&format!("{who} is done, and gives the conversation back"));
        let store = &self.stage.receptionist.store;
        let key = store.guest_of(&self.guest).await?;
        if let Some(open) = store.active_conversation(&key).await? {
            self.stage.receptionist.hand_back(&open, back).await?;
        }
        self.show(None, transcript).await
    }

    async fn press(
        &mut self,
        title: &str,
        below: Option<&str>,
        transcript: &mut Transcript,
    ) -> Result<(), PlayFault> {
        let has = |bubble: &Bubble| {
            below.is_none_or(|below| bubble.text.contains(below))
                && bubble.buttons.iter().any(|button| button.title == *title)
        };
        let bubble = self.find(has, title)?;
        let button = bubble.buttons.iter().find(|button| button.title == *title);
        let Some(Button { id, title }) = button.cloned() else { return Ok(()) };
        let content = if bubble.is_list {
            Content::Row { id, title: title.clone() }
        } else {
            Content::Button { id, title: title.clone() }
        };
        let late = below.map(|below| format!("\n(below: {below})")).unwrap_or_default();
        let said = self.message(&title, content, Some(bubble.id));
        self.send(said, &format!("[{title}]{late}"), transcript).await
    }

    /// The last bubble of this kind.
    fn find(&self, is_it: impl Fn(&Bubble) -> bool, what: &str) -> Result<Bubble, PlayFault> {
        let bubbles = self.telephone.bubbles();
        bubbles
            .into_iter()
            .rev()
            .find(is_it)
            .ok_or_else(|| PlayFault::Script(format!("nothing on the telephone has {what:?}")))
    }

    fn message(&mut self, text: &str, content: Content, reply_to: Option<String>) -> Inbound {
        self.sent += 1;
        Inbound {
            channel: CHANNEL,
            provider_id: format!("wamid.guest.{}", self.sent),
            guest: self.guest.clone(),
            address: self.guest.preferred().as_str().to_owned(),
            line: Some(LINE.to_owned()),
            phone: self.number(),
            name: None,
            text: text.to_owned(),
            content,
            reply_to,
            referral: None,
            sent_at: None,
            raw: json!({}),
        }
    }

    async fn send(
        &mut self,
        said: Inbound,
        shown: &str,
        transcript: &mut Transcript,
    ) -> Result<(), PlayFault> {
        // People take a moment; and only what was conveyed before can have been answered.
        self.stage.clock.advance(Duration::from_secs(5));
        if let Taken::Waits(receipt) = self.inbox.take(&said).await? {
            receipt.ended().await;
        }
        self.show(Some(shown), transcript).await
    }

    /// Lets time pass; what conversations wait for in it happens when it comes.
    async fn pass(&mut self, passed: Duration, transcript: &mut Transcript) -> Result<(), PlayFault> {
        let until = later(self.stage.clock.now(), passed);
        let store = self.stage.receptionist.store.clone();
        while let Some(next) = store.next_due(&[CHANNEL]).await?.filter(|next| *next <= until) {
            self.stage.clock.set(next.max(self.stage.clock.now()));
            self.alarm.ring().await?;
            self.show(None, transcript).await?;
        }
        self.stage.clock.set(until);
        Ok(())
    }

    /// The guest's number, if they have one.
    pub(super) fn number(&self) -> Option<String> {
        self.guest.phone().and_then(|key| Some(key.as_str().strip_prefix("whatsapp:")?.to_owned()))
    }

    /// Writes down what arrives beside a call, if anything does.
    pub(super) async fn arrives(&mut self, transcript: &mut Transcript) -> Result<(), PlayFault> {
        let store = &self.stage.receptionist.store;
        let key = store.guest_of(&self.guest).await?;
        let rows = store.outgoing_to(&key).await?;
        let is_new = |status| status != Status::Sent && status != Status::ForPerson;
        if rows.iter().any(|row| row.channel == CHANNEL.as_str() && is_new(row.status)) {
            transcript.aside("on WhatsApp");
            self.show(None, transcript).await?;
        }
        Ok(())
    }

    /// Writes down what arrived, once nothing is under way any more.
    async fn show(&mut self, guest: Option<&str>, transcript: &mut Transcript) -> Result<(), PlayFault> {
        let store = &self.stage.receptionist.store;
        let key = store.guest_of(&self.guest).await?;
        let mut aside = Vec::new();
        for round in 0.. {
            let rows = store.outgoing_to(&key).await?;
            let waits = |status| matches!(status, Status::Queued | Status::Sending | Status::Uncertain);
            if !rows.iter().any(|row| waits(row.status) && row.channel == CHANNEL.as_str()) {
                aside.extend(rows.into_iter().filter(|row| {
                    matches!(row.status, Status::ForPerson | Status::Failed)
                        && row.created_at >= self.stage.clock.now()
                }));
                break;
            }
            if round > PATIENCE {
                return Err(PlayFault::Script("something is never sent".to_owned()));
            }
            tokio::task::yield_now().await;
        }
        let bubbles = self.telephone.bubbles();
        let new = &bubbles[self.shown.min(bubbles.len())..];
        let replies = new.iter().map(|bubble| {
            let mark =
                |button: &Button| Button { id: button.id.clone(), title: format!("≡ {}", button.title) };
            let buttons = if bubble.is_list {
                bubble.buttons.iter().map(mark).collect()
            } else {
                bubble.buttons.clone()
            };
            ReplyLine { text: bubble.text.clone(), buttons, by: None }
        });
        self.turns += 1;
        let (state, slots, ended) = self.stands(&key).await?;
        let line = TurnLine {
            turn: self.turns,
            guest: guest.unwrap_or_default().to_owned(),
            replies: replies.collect(),
            state,
            slots,
            tools: Vec::new(),
            ended,
        };
        self.shown = bubbles.len();
        match guest {
            Some(_) => transcript.turn(&line),
            None => transcript.unasked(&line),
        }
        for row in aside {
            let why = row.error.unwrap_or_default();
            let what = if row.status == Status::ForPerson { "left to a person" } else { "not sent" };
            transcript.aside(&format!("{what}: {why}"));
        }
        Ok(())
    }

    async fn stands(&self, key: &GuestKey) -> Result<(String, IndexMap<String, Json>, bool), PlayFault> {
        let receptionist = &self.stage.receptionist;
        let Some(open) = receptionist.store.active_conversation(key).await? else {
            return Ok(("no conversation".to_owned(), IndexMap::new(), false));
        };
        let stored = receptionist.store.load(open.as_str()).await?;
        let Some(position) = stored.map(|stored| stored.position) else {
            return Ok(("nothing said".to_owned(), IndexMap::new(), false));
        };
        let Some(flows) = receptionist.driver.versions.get(position.version()) else {
            return Err(PlayFault::Script("the flows are gone".to_owned()));
        };
        let mut slots = position.slots(&flows);
        slots.sort_keys();
        Ok((position.state(&flows), slots, position.is_over()))
    }
}

/// What a message without words is made of.
fn content(kind: Kind) -> Result<Content, PlayFault> {
    let media = || Media {
        reference: "media".to_owned(),
        content_type: "application/octet-stream".to_owned(),
        sha256: None,
        voice: kind == Kind::Audio,
    };
    Ok(match kind {
        Kind::Image => Content::Image { media: media() },
        Kind::Sticker => Content::Sticker { media: media() },
        Kind::Video => Content::Video { media: media() },
        Kind::Audio => Content::Audio { media: media() },
        Kind::Document => Content::Document { media: media(), name: None },
        Kind::Contacts => Content::Contacts { media: None },
        Kind::Unsupported => Content::Unsupported,
        Kind::Text | Kind::Location | Kind::Reaction | Kind::CallPermission | Kind::NumberChanged => {
            return Err(PlayFault::Script(format!("send: {}: not on this telephone", kind.as_str())));
        }
    })
}
