//! Playing a scene.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveTime, TimeZone as _, Utc};
use futures::future::BoxFuture;
use indexmap::IndexMap;
use innkeeper_engine::runtime::Store as _;
use innkeeper_engine::{Call, Outcome, Retry};
use serde_json::{Value as Json, json};

use super::scene::{Channel, GiveBack, Happens, Model, Person, Power, Scene, Staff, duration};
use super::transcript::{Transcript, shown_note};
use crate::app::{self, SceneHotel, StartFault};
use crate::channel::local::{Doing, LocalGuest};
use crate::clock::{Clock, later};
use crate::config::{Config, DatabaseUrl};
use crate::conversation::{AnswerFault, HandBack, Receptionist};
use crate::llm::{Brief, Copied, LanguageModel, ModelFault};
use crate::message::{Button, ChannelName, GuestKey, Heard, Unheard};
use crate::reply::Medium;
use crate::store::{Fault as StoreFault, Wrote};
use crate::tools::{Address, HotelTools};

/// The time of day a scene begins.
const MORNING: NaiveTime = NaiveTime::from_hms_opt(10, 0, 0).expect("ten o'clock exists");

/// In whose name staff sell rooms out; such bookings are not listed.
const SOMEBODY_ELSE: &str = "Somebody Else";

/// Why a scene could not be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayFault {
    /// Something needed could not be started.
    #[error("the scene could not be set")]
    Start(#[from] StartFault),
    /// A turn failed.
    #[error("a turn failed")]
    Turn(#[from] AnswerFault),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreFault),
    /// The script cannot be followed.
    #[error("{0}")]
    Script(String),
}

/// Plays a scene on every channel it names, with the flows and prompts of `config`, and returns the transcript.
///
/// # Errors
/// The scene cannot be set or followed.
pub async fn play(scene: &Scene, config: &Config) -> Result<String, PlayFault> {
    let mut transcript = Transcript::default();
    for channel in &scene.channels {
        let name = match channel {
            Channel::Chat => "chat",
            Channel::Voice => "voice",
            Channel::Whatsapp => "whatsapp",
        };
        transcript.heading(&format!("{} ({name})", scene.scene));
        let stage = Stage::set(scene, config).await?;
        if *channel == Channel::Whatsapp {
            stage.play_on_telephone(scene, &mut transcript).await?;
        } else {
            stage.play(scene, (*channel).into(), &mut transcript).await?;
        }
    }
    Ok(transcript.finish())
}

/// A hotel, a receptionist and a clock of their own.
pub(super) struct Stage {
    pub(super) receptionist: Arc<Receptionist>,
    hotel: SceneHotel,
    /// The staff's own connection to the hotel: it works when the guest's does not.
    staff: HotelTools,
    pub(super) clock: SceneClock,
    hotel_is_up: Arc<AtomicBool>,
}

impl Stage {
    async fn set(scene: &Scene, config: &Config) -> Result<Self, PlayFault> {
        // Nothing of a scene stays, and nothing of another reaches it.
        let config = &Config { database: DatabaseUrl::in_memory(), ..config.clone() };
        let clock = SceneClock::default();
        let hotel = SceneHotel::open(Arc::new(clock.clone())).await?;
        let zone = hotel.zone;
        clock.set(
            zone.from_local_datetime(&scene.today.and_time(MORNING)).earliest().map_or_else(
                || scene.today.and_time(MORNING).and_utc(),
                |morning| morning.with_timezone(&Utc),
            ),
        );
        let hotel_is_up = Arc::new(AtomicBool::new(true));
        let waiting: Arc<dyn Clock> = Arc::new(clock.clone());
        let address = switched(hotel.address(), Arc::clone(&hotel_is_up));
        let tools = HotelTools::connect(address).await.map_err(StartFault::from)?;
        let staff = HotelTools::connect(hotel.address()).await.map_err(StartFault::from)?;
        let house = app::house(&tools).await?;
        let model =
            scene.model.clone().map(|model| Arc::new(PlayedModel::new(model)) as Arc<dyn LanguageModel>);
        let understander = app::understander_with(config, &house, model)?;
        let mut receptionist = app::receptionist(config, tools, house, zone, waiting, understander).await?;
        // The provider of a telephone is played.
        receptionist.writes_by = scene.channels.contains(&Channel::Whatsapp).then_some(ChannelName::Meta);
        Ok(Self { receptionist: Arc::new(receptionist), hotel, staff, clock, hotel_is_up })
    }

    async fn play(
        &self,
        scene: &Scene,
        medium: Medium,
        transcript: &mut Transcript,
    ) -> Result<(), PlayFault> {
        for staff in &scene.before {
            self.staff(staff, transcript).await?;
        }
        let key = GuestKey::new(format!("scene:{}", scene.from.as_deref().unwrap_or("guest")));
        let guest = LocalGuest::new(
            Arc::clone(&self.receptionist),
            key.clone(),
            ChannelName::Terminal,
            medium,
            "en",
            scene.from.clone(),
        );
        for (name, value) in &scene.known {
            self.receptionist.store.remember(&key, name, value).await?;
        }
        let mut buttons: Vec<Button> = Vec::new();
        let mut unheard = false;
        for happens in &scene.talk {
            let (said, doing) = match happens {
                Happens::Guest(text) => (text.clone(), Doing::Message { text: text.clone(), button: None }),
                Happens::Note(words) => {
                    let said = shown_note(words.as_deref());
                    let heard = match words.clone() {
                        Some(words) => Heard::said(words),
                        None => Heard::Nothing { why: Unheard::Unclear, again: unheard },
                    };
                    (said, Doing::Note { heard })
                }
                Happens::Button(title) => {
                    let button = buttons.iter().find(|button| button.title == *title).ok_or_else(|| {
                        let shown: Vec<&str> = buttons.iter().map(|button| button.title.as_str()).collect();
                        PlayFault::Script(format!("no button {title:?}: the last reply has {shown:?}"))
                    })?;
                    let doing = Doing::Message { text: title.clone(), button: Some(button.id.clone()) };
                    (format!("[{title}]"), doing)
                }
                Happens::Press { .. } | Happens::Answer { .. } | Happens::Send(_) => {
                    let only = "press, answer and send need channels: [whatsapp]";
                    return Err(PlayFault::Script(only.to_owned()));
                }
                Happens::Call(_) | Happens::HangUp(_) => {
                    let only = "call and hang_up need channels: [whatsapp]";
                    return Err(PlayFault::Script(only.to_owned()));
                }
                Happens::Silence => (String::new(), Doing::Silence),
                Happens::GiveBack(GiveBack { by, summary }) => {
                    let who = by.as_deref().unwrap_or("the person");
                    transcript.aside(&format!("{who} is done, and gives the conversation back"));
                    let back = HandBack { by: by.clone(), summary: summary.clone() };
                    (String::new(), Doing::GivenBack(back))
                }
                Happens::Person(person) => {
                    self.person(&key, person, transcript).await?;
                    continue;
                }
                Happens::Staff(staff) => {
                    self.staff(staff, transcript).await?;
                    continue;
                }
                Happens::Hotel(power) => {
                    self.switch(*power == Power::Up, transcript).await;
                    continue;
                }
                Happens::Later(text) => {
                    let passed = duration(text).ok_or_else(|| {
                        PlayFault::Script(format!("later: {text}: expected 90s, 10m, 2h or 1d"))
                    })?;
                    self.clock.advance(passed);
                    transcript.aside(&format!("{text} later"));
                    if !self.is_due(&key).await? {
                        continue;
                    }
                    (String::new(), Doing::Due)
                }
            };
            unheard = matches!(happens, Happens::Note(None));
            // People take a moment; and only what was conveyed before can have been answered.
            self.clock.advance(Duration::from_secs(5));
            let (number, turned) = guest.turn(doing, &mut |_| {}).await?;
            let line = turned.line(number, &said);
            buttons = line.replies.last().map(|reply| reply.buttons.clone()).unwrap_or_default();
            match happens {
                Happens::GiveBack(_) | Happens::Later(_) => transcript.unasked(&line),
                _ => transcript.turn(&line),
            }
        }
        self.bookings(transcript).await
    }

    /// Switches the hotel's system on or off.
    pub(super) async fn switch(&self, up: bool, transcript: &mut Transcript) {
        self.hotel_is_up.store(up, Ordering::Relaxed);
        self.receptionist.tools.disconnect().await;
        transcript.aside(if up {
            "the hotel's system answers again"
        } else {
            "the hotel's system stops answering"
        });
    }

    /// Whether the guest's conversation waits for a time that has come.
    async fn is_due(&self, key: &GuestKey) -> Result<bool, PlayFault> {
        let store = &self.receptionist.store;
        let Some(open) = store.active_conversation(key).await? else { return Ok(false) };
        let stored = store.load(open.as_str()).await?;
        let due = stored.and_then(|stored| stored.position.due());
        Ok(due.is_some_and(|due| due <= self.clock.now()))
    }

    /// What a person at the desk does, with what they see of the conversation when they take it.
    pub(super) async fn person(
        &self,
        key: &GuestKey,
        person: &Person,
        transcript: &mut Transcript,
    ) -> Result<(), PlayFault> {
        let store = &self.receptionist.store;
        let open = store.active_conversation(key).await?;
        let open = open.ok_or_else(|| PlayFault::Script("person: nothing was said yet".to_owned()))?;
        let was = store.held_one(&open).await?.and_then(|held| held.taken_by);
        if was.as_ref() != Some(&person.by) {
            self.receptionist.take(&open, &person.by, was.as_deref()).await?;
            let (handed, _) = self.receptionist.handed(&open).await?.ok_or_else(|| {
                PlayFault::Script("person: the flows let nobody take the conversation".to_owned())
            })?;
            transcript.taken(&person.by, &handed);
        }
        if let Some(text) = &person.writes {
            self.clock.advance(Duration::from_secs(5));
            let written = self.receptionist.write(&open, &person.by, text).await?;
            if !matches!(written, Wrote::Down(_)) {
                return Err(PlayFault::Script("person: nobody has the conversation".to_owned()));
            }
            transcript.person(&person.by, text);
        }
        Ok(())
    }

    pub(super) async fn staff(&self, staff: &Staff, transcript: &mut Transcript) -> Result<(), PlayFault> {
        match staff {
            Staff::Call { tool, with } => {
                let outcome = self.call(tool, with.clone()).await;
                transcript.staff(tool, &outcome);
                Ok(())
            }
            Staff::SellOut { start_date, end_date, room_type, view, leave } => {
                let sold = self
                    .sell_out(start_date, end_date, room_type.as_deref(), view.as_deref(), *leave)
                    .await?;
                let what: Vec<&str> = [room_type.as_deref(), view.as_deref()].into_iter().flatten().collect();
                transcript
                    .aside(&format!("staff: {sold} rooms sold, {start_date}–{end_date} {}", what.join(" ")));
                Ok(())
            }
        }
    }

    /// Books room after room; the number of rooms sold.
    async fn sell_out(
        &self,
        start_date: &chrono::NaiveDate,
        end_date: &chrono::NaiveDate,
        room_type: Option<&str>,
        view: Option<&str>,
        leave: usize,
    ) -> Result<usize, PlayFault> {
        let mut sold = 0;
        loop {
            let mut wish: IndexMap<String, Json> =
                [("start_date".to_owned(), json!(start_date)), ("end_date".to_owned(), json!(end_date))]
                    .into_iter()
                    .collect();
            wish.extend(room_type.map(|room_type| ("room_type".to_owned(), json!(room_type))));
            wish.extend(view.map(|view| ("view".to_owned(), json!(view))));
            let rooms = match self.call("get_room_availability", wish).await {
                Outcome::Ok { result } => {
                    result.get("rooms").and_then(Json::as_array).cloned().unwrap_or_default()
                }
                Outcome::Error { message, .. } | Outcome::Unknown { message } => {
                    return Err(PlayFault::Script(message));
                }
            };
            let free: u64 = rooms.iter().filter_map(|room| room.get("free")?.as_u64()).sum();
            let Some(room) =
                rooms.first().and_then(|room| room.get("room_id")).filter(|_| free > leave as u64)
            else {
                return Ok(sold);
            };
            let booking = [
                ("customer_name".to_owned(), json!(SOMEBODY_ELSE)),
                ("phone_number".to_owned(), json!("+351210000000")),
                ("room_id".to_owned(), room.clone()),
                ("start_date".to_owned(), json!(start_date)),
                ("end_date".to_owned(), json!(end_date)),
            ];
            match self.call("create_booking", booking.into_iter().collect()).await {
                Outcome::Ok { .. } => sold += 1,
                Outcome::Error { message, .. } | Outcome::Unknown { message } => {
                    return Err(PlayFault::Script(message));
                }
            }
        }
    }

    async fn call(&self, tool: &str, arguments: IndexMap<String, Json>) -> Outcome {
        let call = Call {
            id: 0,
            tool: tool.into(),
            arguments: arguments.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            writes: false,
            retry: Retry::default(),
            cache_ms: None,
        };
        self.staff.call(&call, "").await
    }

    /// The guests' bookings at the end: what all the talking came to.
    pub(super) async fn bookings(&self, transcript: &mut Transcript) -> Result<(), PlayFault> {
        transcript.line("");
        for booking in self.hotel.bookings().await?.iter().filter(|booking| !booking.contains(SOMEBODY_ELSE))
        {
            transcript.line(&format!("booked: {booking}"));
        }
        Ok(())
    }
}

/// An address that can be switched off: its connections end at once while it is.
fn switched(address: Address, is_up: Arc<AtomicBool>) -> Address {
    let Address::Embedded(open) = address else {
        return address;
    };
    Address::Embedded(Box::new(move || {
        if is_up.load(Ordering::Relaxed) {
            return open();
        }
        let gone: BoxFuture<'static, _> = Box::pin(async { tokio::io::duplex(1).0 });
        gone
    }))
}

/// A language model as the scene plays it.
#[derive(Debug)]
struct PlayedModel {
    model: Model,
    asked: AtomicUsize,
}

impl PlayedModel {
    fn new(model: Model) -> Self {
        Self { model, asked: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl LanguageModel for PlayedModel {
    async fn understand(&self, _brief: &Brief) -> Result<Copied, ModelFault> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        match &self.model {
            Model::Down => Err(ModelFault::TimedOut { limit_ms: 0 }),
            Model::Answers(answers) => {
                let answer = answers.get(asked).or(answers.last()).cloned().unwrap_or_default();
                Ok(Copied { words: answer.words, acts: answer.acts })
            }
        }
    }
}

/// A clock that stands still between turns; who waits for it makes it move.
#[derive(Clone, Debug, Default)]
pub(super) struct SceneClock(Arc<Mutex<DateTime<Utc>>>);

impl SceneClock {
    pub(super) fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub(super) fn advance(&self, by: Duration) {
        let now = later(self.now(), by);
        self.set(now);
    }
}

impl Clock for SceneClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'static, ()> {
        if at > self.now() {
            self.set(at);
        }
        Box::pin(std::future::ready(()))
    }
}
