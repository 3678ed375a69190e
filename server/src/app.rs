//! The whole program, put together: the one place that names vendors and the hotel.

mod reload;
mod sources;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use indexmap::IndexMap;
use innkeeper_engine::flow::Mistakes;
use innkeeper_engine::runtime::Driver;
use innkeeper_engine::{Flows, Moment, Outcome};
use innkeeper_hms::mcp::{HotelMcp, HttpAccess, http_service};
use innkeeper_hms::{Hotel, Opening, SeededIds, Whom};
use rmcp::ServiceExt as _;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use self::sources::sources;
use crate::channel::twilio::{self, Twilio, Webhooks};
use crate::channel::{Channel, local};
use crate::clock::{Clock, PinnedClock, SystemClock};
use crate::config::{Config, HotelAt, ReplyBy};
use crate::console;
use crate::conversation::Receptionist;
use crate::http::{Gate, health};
use crate::inbox::Inbox;
use crate::llm::{LanguageModel, ModelFault, OpenAiCompatible, Settings};
use crate::message::{ChannelName, ConversationId};
use crate::outbox::Outbox;
use crate::reply::{Layers, Replies, ReplyFaults};
use crate::store::{Database, Fault as StoreFault, Options};
use crate::tools::{Address, HotelTools, ToolsFault};
use crate::turn::{Alarm, Answerer, Lanes, Pace};
use crate::understand::{Extractor, InstructionsFault, Understander, Words, WordsFault};
use crate::versions::{self, Authored, AuthoredFault, Used};

pub use reload::{LOOK_EVERY, Reloaded};

/// What every prompt may say about the hotel, by name.
pub type House = IndexMap<String, Json>;

/// The tool that tells what every prompt may say about the hotel.
const HOTEL_INFO: &str = "get_hotel_info";

/// What the ids of a scene's hotel begin from.
const SCENE_SEED: u64 = 1;

/// The stream between the embedded hotel and its client, in bytes each way.
const DUPLEX_BYTES: usize = 64 * 1024;

/// Everything that runs.
pub struct App {
    /// Takes the turns.
    pub receptionist: Arc<Receptionist>,
    /// The embedded hotel, unless another is configured.
    pub hotel: Option<Arc<Hotel>>,
}

/// Why the program could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The hotel's database.
    #[error("the hotel's database cannot be opened")]
    Hotel(#[from] innkeeper_hms::Fault),
    /// The program's own tables.
    #[error("the database cannot be opened")]
    Store(#[from] StoreFault),
    /// The hotel's tools.
    #[error("the hotel cannot be reached")]
    Tools(#[from] ToolsFault),
    /// The hotel does not say where it is.
    #[error("the hotel's {HOTEL_INFO} does not answer with its IANA time_zone: {0}")]
    House(String),
    /// The versions of the flows.
    #[error("the version of the flows cannot be written down")]
    Versions(#[from] AuthoredFault),
    /// Mistakes in flows.
    #[error("the flows have mistakes\n{0}")]
    Flows(Mistakes),
    /// Mistakes in prompts.
    #[error("the prompts have mistakes\n{0}")]
    Replies(#[from] ReplyFaults),
    /// Mistakes in the vocabulary.
    #[error(transparent)]
    Words(#[from] WordsFault),
    /// Mistakes in the model's instructions.
    #[error(transparent)]
    Instructions(#[from] InstructionsFault),
    /// The language model cannot be asked.
    #[error("the language model cannot be asked")]
    Model(#[from] ModelFault),
    /// A file that cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl App {
    /// Opens databases, connects to the hotel, and checks all flows and prompts.
    ///
    /// # Errors
    /// [`StartFault`] says what keeps it from starting.
    pub async fn open(config: &Config) -> Result<Self, StartFault> {
        let (hotel, clock, zone) = match &config.hotel {
            Some(_) => (None, None, None),
            None => {
                let (hotel, clock, zone) = embedded(config).await?;
                (Some(Arc::new(hotel)), Some(clock), Some(zone))
            }
        };
        let address = match (&config.hotel, &hotel) {
            (None, Some(hotel)) => embedded_address(Arc::clone(hotel)),
            (Some(HotelAt::Url(url)), _) => Address::Url(url.as_str().to_owned()),
            (Some(HotelAt::Command { program, arguments }), _) => {
                Address::Command { program: program.clone(), arguments: arguments.clone() }
            }
            (None, None) => return Err(StartFault::House("there is no hotel".to_owned())),
        };
        let tools = HotelTools::connect(address).await?;
        let house = house(&tools).await?;
        let zone = match zone {
            Some(zone) => zone,
            None => zone_of(&house)?,
        };
        let clock = clock.unwrap_or_else(|| clock_of(config, zone));
        let receptionist = {
            let understander = understander(config, &house)?;
            receptionist(config, tools, house, zone, clock, understander).await?
        };
        Ok(Self { receptionist: Arc::new(receptionist), hotel })
    }

    /// Everything that answers over HTTP, behind the gate. Starts what works in the background until `stop`.
    ///
    /// # Errors
    /// The messages that a stop or a crash left over cannot be read.
    pub async fn routes(&self, config: &Config, stop: &CancellationToken) -> Result<Router, StartFault> {
        local::reject_left_over(&self.receptionist.store).await?;
        let answerer: Arc<dyn Answerer> = Arc::<Receptionist>::clone(&self.receptionist);
        let alarm = Alarm::new(
            self.receptionist.store.clone(),
            Arc::clone(&self.receptionist.clock),
            answerer,
            &[ChannelName::Console],
        );
        let (twilio, alarm) = self.twilio(config, stop, alarm).await?;
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(alarm.run()).await });
        let mut routes = health(self.receptionist.store.clone())
            .merge(console::routes(Arc::clone(&self.receptionist)))
            .merge(twilio);
        if let Some(hotel) = &self.hotel {
            // The gate has checked the host, and lets others than this one in with a token.
            let access = HttpAccess::loopback(stop.clone()).under_any_host();
            routes = routes.nest_service("/mcp", http_service(HotelMcp::new(Arc::clone(hotel)), access));
        }
        Ok(Gate::new(&config.server).guard(routes))
    }

    /// WhatsApp by Twilio: its webhooks, the lanes behind them and the outbox; or routes that say what is missing.
    async fn twilio(
        &self,
        config: &Config,
        stop: &CancellationToken,
        alarm: Alarm,
    ) -> Result<(Router, Alarm), StartFault> {
        let twilio = match Twilio::new(config) {
            Ok(twilio) => Arc::new(twilio),
            Err(off) => {
                tracing::info!("{off}");
                return Ok((twilio::refusing(&off), alarm));
            }
        };
        let (store, clock) = (self.receptionist.store.clone(), Arc::clone(&self.receptionist.clock));
        let pace = match twilio.reply() {
            ReplyBy::Rest => Pace::CHAT,
            ReplyBy::Twiml => Pace::WAITED_FOR,
        };
        let answerer: Arc<dyn Answerer> = Arc::<Receptionist>::clone(&self.receptionist);
        let lanes = Lanes::new(store.clone(), answerer, Arc::clone(&clock), pace);
        let alarm = alarm.through(lanes.clone(), &[ChannelName::Twilio]);
        let inbox = Inbox::new(store.clone(), lanes);
        let channel: Arc<dyn Channel> = Arc::<Twilio>::clone(&twilio);
        let outbox = Arc::new(Outbox::new(store, Arc::clone(&clock), [channel]));
        let (sending, stopped) = (Arc::clone(&outbox), stop.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(sending.run()).await });
        let left_over = inbox.recover(&[ChannelName::Twilio]).await?;
        if left_over > 0 {
            tracing::info!(left_over, "messages that had no answer yet are taken up again");
        }
        Ok((twilio::routes(Webhooks { twilio, inbox, outbox, clock }), alarm))
    }

    /// Lets go of the databases.
    pub async fn close(&self) {
        if let Err(fault) = self.receptionist.store.close().await {
            tracing::warn!(error = %crate::fault::chain(&fault), "the database was not closed cleanly");
        }
        if let Some(hotel) = &self.hotel
            && let Err(fault) = hotel.close().await
        {
            tracing::warn!(error = %crate::fault::chain(&fault), "the hotel's database was not closed cleanly");
        }
    }
}

/// A receptionist for a hotel that is connected.
///
/// # Errors
/// Mistakes in flows, prompts or vocabulary; a database that cannot be opened.
pub async fn receptionist(
    config: &Config,
    tools: HotelTools,
    house: House,
    zone: Tz,
    clock: Arc<dyn Clock>,
    understander: Understander,
) -> Result<Receptionist, StartFault> {
    let replies = replies(config)?;
    let authored = authored(config, &tools, &replies)?;
    let flows = authored.check().map_err(StartFault::Flows)?;
    let store = database(config, Arc::clone(&clock)).await?;
    versions::keep(&store, &flows, &authored).await?;
    let driver = Driver::new(flows);
    for lost in versions::load_pinned(&store, &driver.versions, &*clock).await? {
        tracing::error!(
            version = lost.version,
            why = %lost.why,
            conversations = lost.conversations,
            "open conversations are on flows that are lost; `innkeeper flows migrate` moves them or ends them"
        );
    }
    Ok(Receptionist {
        driver,
        used: Used::default(),
        tools: Arc::new(tools),
        understander: Arc::new(understander),
        replies: Arc::new(replies),
        store,
        clock,
        zone,
        house,
    })
}

/// The embedded hotel, opened on the configured database and day.
///
/// # Errors
/// The database cannot be opened.
pub async fn hotel(config: &Config) -> Result<Hotel, StartFault> {
    Ok(embedded(config).await?.0)
}

/// Takes a guest's name and number out of the embedded hotel's bookings: those made under these numbers, and in these
/// conversations. Says how many there were.
///
/// # Errors
/// The hotel's database cannot be opened, or fails.
pub async fn forget_customer(
    config: &Config,
    phones: Vec<String>,
    conversations: &[ConversationId],
) -> Result<usize, StartFault> {
    let hotel = hotel(config).await?;
    // The driver makes a conversation's calls under keys that begin with its id.
    let keys = conversations.iter().map(|conversation| format!("{conversation}/")).collect();
    let forgotten = hotel.forget(&Whom { phones, keys }).await?;
    hotel.close().await?;
    Ok(forgotten)
}

/// The flows, checked against the configured hotel's tools and the prompts.
///
/// # Errors
/// Every mistake in them, or what keeps them from being checked.
pub async fn checked(config: &Config) -> Result<Flows, StartFault> {
    let tools = connected(config).await?;
    authored(config, &tools, &replies(config)?)?.check().map_err(StartFault::Flows)
}

/// The configured hotel's tools; the embedded hotel's without its database.
async fn connected(config: &Config) -> Result<HotelTools, StartFault> {
    let address = match &config.hotel {
        Some(HotelAt::Url(url)) => Address::Url(url.as_str().to_owned()),
        Some(HotelAt::Command { program, arguments }) => {
            Address::Command { program: program.clone(), arguments: arguments.clone() }
        }
        None => {
            let hotel = Hotel::open(Opening::of("sqlite::memory:")).await?;
            embedded_address(Arc::new(hotel))
        }
    };
    Ok(HotelTools::connect(address).await?)
}

/// What is needed to work on live and recorded conversations while nobody talks: flows, tables, time.
pub struct Workbench {
    /// The configured flows.
    pub flows: Flows,
    /// Everything they are checked from.
    pub authored: Authored,
    /// The program's own tables.
    pub store: Database,
    /// Now, where the hotel is.
    pub moment: Moment,
}

/// Opens the tables and checks the flows.
///
/// # Errors
/// Every mistake in the flows, or what cannot be opened.
pub async fn workbench(config: &Config) -> Result<Workbench, StartFault> {
    let tools = connected(config).await?;
    let zone = zone_of(&house(&tools).await?)?;
    let authored = authored(config, &tools, &replies(config)?)?;
    let flows = authored.check().map_err(StartFault::Flows)?;
    let clock = clock_of(config, zone);
    let moment = Moment { at: clock.now(), today: clock.today(zone) };
    Ok(Workbench { flows, authored, store: database(config, clock).await?, moment })
}

async fn database(config: &Config, clock: Arc<dyn Clock>) -> Result<Database, StoreFault> {
    let options = Options { patience: config.patience, ..Options::default() };
    Database::open_with(&config.database, clock, options).await
}

/// Everything the flows are checked from.
fn authored(config: &Config, tools: &HotelTools, replies: &Replies) -> Result<Authored, StartFault> {
    Ok(Authored { sources: sources(config)?, tools: tools.catalog().clone(), prompts: replies.catalog() })
}

/// Who finds out what words mean: the embedded rules, and the language model if one is configured.
///
/// # Errors
/// Mistakes in the vocabulary or in the model's instructions; a model that cannot be asked.
pub fn understander(config: &Config, house: &House) -> Result<Understander, StartFault> {
    let model = match &config.llm {
        Some(llm) => {
            let settings = Settings {
                base_url: llm.base_url.as_str().to_owned(),
                api_key: llm.api_key.clone(),
                model: llm.model.clone(),
                timeout: llm.timeout,
            };
            let model: Arc<dyn LanguageModel> = Arc::new(OpenAiCompatible::new(settings)?);
            Some(model)
        }
        None => None,
    };
    understander_with(config, house, model)
}

/// The same with a model of the caller's, or none.
///
/// # Errors
/// Mistakes in the vocabulary or in the model's instructions.
pub fn understander_with(
    config: &Config,
    house: &House,
    model: Option<Arc<dyn LanguageModel>>,
) -> Result<Understander, StartFault> {
    let layers = layers(config);
    let mut extractor = Extractor::new(&words(&layers)?);
    if let Some(region) = region_of(house) {
        extractor = extractor.in_region(&region);
    }
    let understander = Understander::new(extractor, model);
    let file = "en/understand.j2";
    let instructions =
        layers.text(file).map_err(|source| StartFault::File { path: format!("prompts/{file}"), source })?;
    Ok(match instructions {
        Some(template) => understander.instructed(template)?,
        None => understander,
    })
}

/// An address that reaches this hotel: every connection is an in-memory stream with a server of its own.
pub fn embedded_address(hotel: Arc<Hotel>) -> Address {
    let server = HotelMcp::new(hotel);
    Address::Embedded(Box::new(move || {
        let server = server.clone();
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(DUPLEX_BYTES);
            tokio::spawn(async move {
                match server.serve(theirs).await {
                    Ok(service) => {
                        if let Err(error) = service.waiting().await {
                            tracing::error!(%error, "the embedded hotel's server ended");
                        }
                    }
                    Err(error) => tracing::error!(%error, "the embedded hotel's server did not start"),
                }
            });
            ours
        })
    }))
}

/// What every prompt may say about the hotel.
///
/// # Errors
/// The hotel does not answer.
pub async fn house(tools: &HotelTools) -> Result<House, StartFault> {
    match tools.read(HOTEL_INFO).await {
        Outcome::Ok { result } => match &*result {
            Json::Object(info) => {
                let mut info = info.clone();
                // The answers are looked up when a guest asks; what is left is about the house itself.
                info.remove("questions");
                Ok([("hotel".to_owned(), Json::Object(info))].into_iter().collect())
            }
            other => Err(StartFault::House(format!("it answered {other}"))),
        },
        Outcome::Error { code, message } => Err(StartFault::House(format!("{code}: {message}"))),
        Outcome::Unknown { message } => Err(StartFault::House(message)),
    }
}

async fn embedded(config: &Config) -> Result<(Hotel, Arc<dyn Clock>, Tz), StartFault> {
    let hotel = Hotel::open(Opening::of(config.database.as_str())).await?;
    let zone = hotel.listing().await?.time_zone;
    let zone: Tz = zone.parse().map_err(|_| StartFault::House(zone))?;
    let clock = clock_of(config, zone);
    Ok((hotel.at(Arc::new(HotelClock(Arc::clone(&clock)))), clock, zone))
}

fn clock_of(config: &Config, zone: Tz) -> Arc<dyn Clock> {
    match config.today {
        Some(today) => Arc::new(PinnedClock::new(today, zone)),
        None => Arc::new(SystemClock),
    }
}

fn zone_of(house: &House) -> Result<Tz, StartFault> {
    let zone = house
        .get("hotel")
        .and_then(|hotel| hotel.get("time_zone"))
        .and_then(Json::as_str)
        .unwrap_or_default();
    zone.parse().map_err(|_| StartFault::House(format!("time_zone {zone:?}")))
}

/// The country, ISO 3166, that numbers without a country code are from: the one of the hotel's own number.
fn region_of(house: &House) -> Option<String> {
    let phone = house.get("hotel")?.get("phone")?.as_str()?;
    Some(phonenumber::parse(None, phone).ok()?.country().id()?.as_ref().to_owned())
}

fn layers(config: &Config) -> Layers {
    match &config.prompts {
        Some(folder) => Layers::embedded().with_overlay(folder),
        None => Layers::embedded(),
    }
}

fn replies(config: &Config) -> Result<Replies, StartFault> {
    let layers = layers(config);
    let titles = BTreeMap::from([("en".to_owned(), words(&layers)?.buttons())]);
    Ok(Replies::new(layers, titles)?)
}

/// The vocabulary of the one language there is.
fn words(layers: &Layers) -> Result<Words, StartFault> {
    let file = "en/words.yaml";
    let text =
        layers.text(file).map_err(|source| StartFault::File { path: format!("prompts/{file}"), source })?;
    Ok(Words::parse(&text.unwrap_or_default(), &format!("prompts/{file}"))?)
}

/// A demonstration hotel in memory, whose ids repeat: for scenes.
pub struct SceneHotel {
    hotel: Arc<Hotel>,
    /// Its time zone.
    pub zone: Tz,
}

impl SceneHotel {
    /// A new hotel on this clock.
    ///
    /// # Errors
    /// The database in memory cannot be opened.
    pub async fn open(clock: Arc<dyn Clock>) -> Result<Self, StartFault> {
        let opening = Opening::of("sqlite::memory:")
            .with_clock(Arc::new(HotelClock(clock)))
            .with_ids(Arc::new(SeededIds::new(SCENE_SEED)));
        let hotel = Hotel::open(opening).await?;
        let zone = hotel.listing().await?.time_zone;
        let zone = zone.parse().map_err(|_| StartFault::House(zone))?;
        Ok(Self { hotel: Arc::new(hotel), zone })
    }

    /// How it is reached.
    pub fn address(&self) -> Address {
        embedded_address(Arc::clone(&self.hotel))
    }

    /// Its bookings, a line each.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn bookings(&self) -> Result<Vec<String>, StartFault> {
        let rows = self.hotel.bookings().await?;
        Ok(rows
            .iter()
            .map(|row| {
                format!(
                    "{} {:?}, {} ({}), {} – {}, {}",
                    row.reference,
                    row.status,
                    row.room_name,
                    row.room_id,
                    row.start_date,
                    row.end_date,
                    row.customer_name
                )
            })
            .collect())
    }
}

/// The program's clock as the hotel takes it.
struct HotelClock(Arc<dyn Clock>);

impl innkeeper_hms::Clock for HotelClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }
}
