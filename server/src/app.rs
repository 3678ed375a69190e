//! The whole program, put together: the one place that names vendors and the hotel.

mod calls;
mod language;
mod reload;
mod serving;
mod sources;
mod speaking;
mod speech;
mod workbench;

use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use indexmap::IndexMap;
use innkeeper_engine::Outcome;
use innkeeper_engine::runtime::Driver;
use innkeeper_hms::mcp::{HotelMcp, HttpAccess, http_service};
use innkeeper_hms::{Hotel, Opening, SeededIds, Whom};
use rmcp::ServiceExt as _;
use serde_json::Value as Json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::sources::{Right, right};
use crate::clock::{Clock, PinnedClock, SystemClock};
use crate::config::{Config, HotelAt};
use crate::conversation::{Callers, Receptionist};
use crate::llm::ModelFault;
use crate::message::{ChannelName, ConversationId};
use crate::mistakes::{Reloaded, Wrong};
use crate::reply::CurrentReplies;
use crate::reply::PhrasingFault;
use crate::speech::SpeechFault;
use crate::store::{Database, Fault as StoreFault, Options};
use crate::tools::{Address, HotelTools, ToolsFault};
use crate::understand::{InstructionsFault, Understander, WordsFault};
use crate::versions::{self, AuthoredFault, Used};

pub use self::language::{region, understander, understander_with};
pub use self::reload::LOOK_EVERY;
pub use self::speaking::{CallVoice, fixed, fixed_in_all_languages, live_voice};
pub use self::speech::{hints, live_recogniser, recogniser, voice};
pub use self::workbench::{Workbench, checked, workbench};

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
    /// What became of flows and prompts that were edited meanwhile.
    reloaded: watch::Sender<Reloaded>,
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
    /// Mistakes in flows and prompts.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// Mistakes in the vocabulary that messages are understood by.
    #[error(transparent)]
    Words(#[from] WordsFault),
    /// Mistakes in the model's instructions.
    #[error(transparent)]
    Instructions(#[from] InstructionsFault),
    /// Mistakes in the words that replies may be put into.
    #[error(transparent)]
    Phrasing(#[from] PhrasingFault),
    /// The providers of speech cannot be asked.
    #[error("the provider of speech cannot be asked")]
    Speech(#[from] SpeechFault),
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
        let (hotel, address, now) = match &config.hotel {
            Some(at) => (None, elsewhere(at), None),
            None => {
                let (hotel, clock, zone) = embedded(config).await?;
                let hotel = Arc::new(hotel);
                (Some(Arc::clone(&hotel)), embedded_address(hotel), Some((clock, zone)))
            }
        };
        let tools = HotelTools::connect(address).await?;
        let house = house(&tools).await?;
        let (clock, zone) = match now {
            Some(now) => now,
            None => {
                let zone = zone_of(&house)?;
                (clock_of(config, zone), zone)
            }
        };
        let understander = understander(config, &house)?;
        let receptionist = receptionist(config, tools, house, zone, clock, understander).await?;
        Ok(Self { receptionist: Arc::new(receptionist), hotel, reloaded: watch::Sender::default() })
    }

    /// The embedded hotel, over MCP.
    fn hotel_routes(&self, stop: &CancellationToken) -> Router {
        let Some(hotel) = &self.hotel else { return Router::new() };
        // The gate has checked the host, and lets others than this one in with a token.
        let access = HttpAccess::loopback(stop.clone()).under_any_host();
        Router::new().nest_service("/mcp", http_service(HotelMcp::new(Arc::clone(hotel)), access))
    }

    /// Lets go of the databases.
    pub async fn close(&self) {
        if let Err(fault) = self.receptionist.store.resign().await {
            tracing::warn!(error = %crate::fault::chain(&fault), "other programs wait until the lease ends");
        }
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
    let Right { replies, authored, flows } = right(config, &tools)?;
    replies.unused(flows.prompts()).iter().for_each(|unused| tracing::warn!("{unused}"));
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
    let house = reachable(config, house);
    Ok(Receptionist {
        driver,
        used: Used::default(),
        tools: Arc::new(tools),
        understander: Arc::new(understander),
        replies: Arc::new(CurrentReplies::new(replies)),
        store,
        clock,
        zone,
        house,
        message_words: language::message_words(config)?,
        rephraser: language::rephraser(config)?,
        voice_replies: speech::answers_aloud(config),
        writes_by: writes_by(config),
        callers: Callers::default(),
    })
}

/// The way that guests are first written to on WhatsApp.
fn writes_by(config: &Config) -> Option<ChannelName> {
    let by_twilio = config.twilio.whatsapp_from.as_ref().map(|_| ChannelName::Twilio);
    by_twilio.or_else(|| config.meta.phone_number_id.as_ref().map(|_| ChannelName::Meta))
}

/// What prompts may say of the house, with how else a guest reaches it: only what is set up is offered.
fn reachable(config: &Config, mut house: House) -> House {
    if let Some(Json::Object(hotel)) = house.get_mut("hotel") {
        hotel.insert("front_desk".to_owned(), Json::Bool(config.telephone.front_desk.is_some()));
        hotel.insert("whatsapp".to_owned(), Json::Bool(writes_by(config).is_some()));
    }
    house
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

/// The configured hotel's tools; the embedded hotel's without its database.
async fn connected(config: &Config) -> Result<HotelTools, StartFault> {
    let address = match &config.hotel {
        Some(at) => elsewhere(at),
        None => {
            let hotel = Hotel::open(Opening::of("sqlite::memory:")).await?;
            embedded_address(Arc::new(hotel))
        }
    };
    Ok(HotelTools::connect(address).await?)
}

async fn database(config: &Config, clock: Arc<dyn Clock>) -> Result<Database, StoreFault> {
    let options = Options { patience: config.patience, ..Options::default() };
    Database::open_with(&config.database, clock, options).await
}

/// The address of a hotel that is not the embedded one.
fn elsewhere(at: &HotelAt) -> Address {
    match at {
        HotelAt::Url(url) => Address::Url(url.as_str().to_owned()),
        HotelAt::Command { program, arguments } => {
            Address::Command { program: program.clone(), arguments: arguments.clone() }
        }
    }
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
