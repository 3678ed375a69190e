//! The configuration: one documented default file, one struct per concern, read once.
//!
//! `config.default.toml` names every key and the order in which values win. Nothing else reads the environment.

mod address;
mod call;
mod hearing;
mod layers;
mod pace;
mod speaking;
mod speech;
mod telephone;
mod templates;
mod whatsapp;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use secrecy::SecretString;

use layers::{GROQ_KEY, Layers};

pub use address::{BaseUrl, DatabaseUrl};
pub use call::CallPace;
pub use hearing::{Hearing, HearingBy};
pub use layers::{Origin, Problem};
pub use pace::{Pace, Rates};
pub use speaking::{SoundCache, Speaking};
pub use speech::{Stt, SttProvider, Tts, TtsProvider, VoiceReply};
pub use telephone::{Telephone, VoiceBy};
pub use templates::{ApprovedTemplate, Templates};
pub use whatsapp::{Meta, ReplyBy, Twilio, Typing};

/// The file that is read when no other is named, if it exists.
pub const FILE: &str = "innkeeper.toml";

const BASE_URL: &str = "an address that begins with http:// or https://";

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the program listens and how it is reached.
    pub server: Server,
    /// Where it keeps what it knows.
    pub database: DatabaseUrl,
    /// A hotel to use instead of the embedded one.
    pub hotel: Option<HotelAt>,
    /// A folder of flows laid over the built-in ones.
    pub flows: Option<PathBuf>,
    /// A folder of prompts laid over the built-in ones.
    pub prompts: Option<PathBuf>,
    /// How long a guest who writes in pieces is waited for.
    pub pace: Pace,
    /// How patient telephone calls are.
    pub call: CallPace,
    /// How long this program counts as alive after it was last heard of, to others on the same database.
    pub lease: Duration,
    /// When guests on channels that are written to are reminded; `None` is never.
    pub patience: Option<Patience>,
    /// The day the clock is pinned to.
    pub today: Option<NaiveDate>,
    /// Telephone calls.
    pub telephone: Telephone,
    /// WhatsApp and telephone by Twilio.
    pub twilio: Twilio,
    /// WhatsApp by Meta.
    pub meta: Meta,
    /// The language model; `None` is off.
    pub llm: Option<Llm>,
    /// Speech in; `None` is off.
    pub stt: Option<Stt>,
    /// Speech in, in calls. `None` is off.
    pub hearing: Option<Hearing>,
    /// Speech out; `None` is off.
    pub tts: Option<Tts>,
    /// Speech out, in calls. `None` is off.
    pub speaking: Option<Speaking>,
    /// When guests who write get a spoken reply too.
    pub voice_reply: VoiceReply,
    /// Deepgram.
    pub deepgram: Vendor,
    /// ElevenLabs.
    pub elevenlabs: Vendor,
    /// OpenAI.
    pub openai: Vendor,
}

/// Where the program listens and how it is reached.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address and port.
    pub bind: SocketAddr,
    /// The address the world uses.
    pub public_url: Option<BaseUrl>,
    /// Opens what is otherwise for this host only.
    pub token: Option<SecretString>,
}

/// An address of a hotel that is not the embedded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HotelAt {
    /// An MCP server over HTTP.
    Url(BaseUrl),
    /// A command that speaks MCP on standard input and output.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// The language model.
#[derive(Clone, Debug)]
pub struct Llm {
    /// Who runs it.
    pub provider: LlmProvider,
    /// Where it is.
    pub base_url: BaseUrl,
    /// Opens it; a server of one's own may need none.
    pub api_key: Option<SecretString>,
    /// Its name.
    pub model: String,
    /// How long it may take.
    pub timeout: Duration,
    /// What it may put into words of its own.
    pub rephrase: Rephrase,
}

/// What a language model may put into words of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rephrase {
    /// Nothing.
    Off,
    /// What guests read.
    Chat,
}

/// Who runs the language model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LlmProvider {
    /// Groq.
    Groq,
    /// OpenAI.
    OpenAi,
    /// Any server that speaks the same protocol.
    Compatible,
}

/// A provider of more than one role.
#[derive(Clone, Debug)]
pub struct Vendor {
    /// Opens its API.
    pub api_key: Option<SecretString>,
    /// Where the API is.
    pub base_url: BaseUrl,
    /// The model it is asked for.
    pub model: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// What the command line says; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--database`.
    pub database: Option<String>,
    /// `--today`.
    pub today: Option<NaiveDate>,
    /// `--flows`.
    pub flows: Option<String>,
    /// `--prompts`.
    pub prompts: Option<String>,
}

/// How long a guest who was asked something may say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Before the first reminder.
    pub first: Duration,
    /// After every reminder.
    pub then: Duration,
}

impl Patience {
    /// How long is waited after so many silences in a row.
    pub fn after(self, silences: u32) -> Duration {
        if silences == 0 { self.first } else { self.then }
    }
}

/// Everything that is wrong with a configuration, a sentence a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The mistakes, in the order they were found.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads the configuration. `file` must exist; without it [`FILE`] is read if it is there.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Result<Self, ConfigError> {
        let mut layers = Layers::defaults();
        match file {
            Some(file) => layers.file(file),
            None if Path::new(FILE).exists() => layers.file(Path::new(FILE)),
            None => {}
        }
        layers.environment(environment);
        layers.option("database.url", "--database", overrides.database);
        layers.option("flows.dir", "--flows", overrides.flows);
        layers.option("prompts.dir", "--prompts", overrides.prompts);
        let config = Self::read(&mut layers, overrides.today);
        let problems = layers.into_problems();
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
    }

    fn read(layers: &mut Layers, today: Option<NaiveDate>) -> Self {
        let openai = Vendor::read(layers, "openai");
        let deepgram = Vendor::read(layers, "deepgram");
        let elevenlabs = Vendor::read(layers, "elevenlabs");
        let (tts, speaking) = Tts::read(layers, &deepgram, &elevenlabs, &openai);
        let (stt, hearing) = Stt::read(layers, &deepgram, &openai);
        Self {
            server: Server::read(layers),
            database: layers.required(
                "database.url",
                "sqlite://FILE, sqlite::memory: or postgres://…",
                DatabaseUrl::default(),
                DatabaseUrl::parse,
            ),
            hotel: layers.parsed(
                "hotel.mcp",
                "the http or https address of an MCP server, or the command that starts one",
                hotel_at,
            ),
            flows: layers.text("flows.dir").map(PathBuf::from),
            prompts: layers.text("prompts.dir").map(PathBuf::from),
            pace: Pace {
                fragment: layers.milliseconds("pace.chat_fragment_ms"),
                cap: layers.milliseconds("pace.chat_cap_ms"),
            },
            call: CallPace::read(layers),
            lease: layers.milliseconds("database.lease_ms"),
            patience: patience(layers),
            today,
            telephone: Telephone::read(layers),
            twilio: Twilio::read(layers),
            meta: Meta::read(layers),
            llm: Llm::read(layers, &openai),
            stt,
            hearing,
            tts,
            speaking,
            voice_reply: VoiceReply::read(layers),
            deepgram,
            elevenlabs,
            openai,
        }
    }
}

impl Server {
    fn read(layers: &mut Layers) -> Self {
        Self {
            bind: layers.required(
                "server.bind",
                "an address and a port, for example 127.0.0.1:8080",
                SocketAddr::from(([127, 0, 0, 1], 8080)),
                |text| text.parse().ok(),
            ),
            public_url: layers.parsed(
                "server.public_url",
                "the address that the world uses, for example https://hotel.example.com",
                BaseUrl::parse,
            ),
            token: secret(layers, "server.token"),
        }
    }
}

impl Llm {
    fn read(layers: &mut Layers, openai: &Vendor) -> Option<Self> {
        let provider = layers.required(
            "llm.provider",
            "groq, openai or compatible",
            LlmProvider::Groq,
            |text| match text {
                "groq" => Some(LlmProvider::Groq),
                "openai" => Some(LlmProvider::OpenAi),
                "compatible" => Some(LlmProvider::Compatible),
                _ => None,
            },
        );
        let own_address = layers.parsed("llm.base_url", BASE_URL, BaseUrl::parse);
        let (customary_key, address) = match provider {
            LlmProvider::Groq => (secret(layers, GROQ_KEY), BaseUrl::parse("https://api.groq.com/openai/v1")),
            LlmProvider::OpenAi => (openai.api_key.clone(), Some(openai.base_url.clone())),
            LlmProvider::Compatible => (None, None),
        };
        let api_key = secret(layers, "llm.api_key").or(customary_key);
        let model =
            layers.required("llm.model", "a model's name", String::new(), |text| Some(text.to_owned()));
        let timeout = layers.milliseconds("llm.timeout_ms");
        let rephrase = layers.required("llm.rephrase", "off or chat", Rephrase::Off, |text| match text {
            "off" => Some(Rephrase::Off),
            "chat" => Some(Rephrase::Chat),
            _ => None,
        });
        let on = api_key.is_some() || own_address.is_some();
        let base_url = own_address.or(address)?;
        on.then_some(Self { provider, base_url, api_key, model, timeout, rephrase })
    }
}

impl Vendor {
    fn read(layers: &mut Layers, section: &str) -> Self {
        Self {
            api_key: secret(layers, &format!("{section}.api_key")),
            base_url: base_url(layers, &format!("{section}.base_url")),
            model: layers.text(&format!("{section}.model")),
            timeout: layers.milliseconds(&format!("{section}.timeout_ms")),
        }
    }
}

/// How long a guest may say nothing; a first pause of 0 switches reminders off.
fn patience(layers: &mut Layers) -> Option<Patience> {
    let first = layers.seconds("pace.chat_silence_s", 0);
    let then = layers.seconds("pace.chat_close_s", 1);
    (!first.is_zero()).then_some(Patience { first, then })
}

/// The environment as it is now, for [`Config::load`]; variables that are not UTF-8 are left out.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn secret(layers: &mut Layers, key: &str) -> Option<SecretString> {
    layers.text(key).map(SecretString::from)
}

fn base_url(layers: &mut Layers, key: &str) -> BaseUrl {
    layers.required(key, BASE_URL, BaseUrl::default(), BaseUrl::parse)
}

fn hotel_at(text: &str) -> Option<HotelAt> {
    if text.split_whitespace().next().is_some_and(|first| first.contains("://")) {
        return BaseUrl::parse(text).map(HotelAt::Url);
    }
    let mut words = text.split_whitespace().map(str::to_owned);
    Some(HotelAt::Command { program: words.next()?, arguments: words.collect() })
}
