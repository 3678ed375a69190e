//! The command line.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Overrides;
use crate::reply::Medium;

/// A hotel receptionist that guests reach on WhatsApp.
#[derive(Debug, Parser)]
#[command(name = "innkeeper", version, about, propagate_version = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// The command; `serve` when there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The configuration file [default: innkeeper.toml, if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The database: sqlite://FILE, sqlite::memory: or postgres://…
    #[arg(long, value_name = "URL", global = true)]
    pub database: Option<String>,
    /// Pins the hotel's business date and the clock's day
    #[arg(long, value_name = "YYYY-MM-DD", global = true)]
    pub today: Option<NaiveDate>,
    /// A folder of flows, laid over the built-in ones file by file
    #[arg(long, value_name = "DIR", global = true)]
    pub flows: Option<String>,
    /// A folder of prompts (LANGUAGE/NAME.j2), laid over the built-in ones file by file
    #[arg(long, value_name = "DIR", global = true)]
    pub prompts: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything: web console, webhooks and MCP (the default)
    Serve,
    /// Talk to the receptionist in the terminal; also reads a piped file, a line a turn
    Chat(Chat),
    /// Say what sentences mean: JSON lines in, JSON lines out
    Understand,
    /// The hotel as an MCP server on standard input and output
    Mcp,
    /// Work with the flows
    #[command(subcommand)]
    Flows(Flows),
    /// Replay scenes and recorded conversations, and say what is different
    Replay(Replay),
    /// The hotel's rooms and bookings
    #[command(subcommand)]
    Hotel(Hotel),
    /// The voice of calls
    #[command(subcommand)]
    Voice(Voice),
    /// Erase a guest everywhere; bookings stay, without name and number
    Forget(Forget),
    /// Check configuration, database, providers and public address, and say what to fix
    Doctor,
}

/// Talk in the terminal.
#[derive(Debug, Args)]
pub struct Chat {
    /// For programs: a line a turn from standard input, one JSON line a turn
    #[arg(long)]
    pub json: bool,
    /// How replies are worded
    #[arg(long, value_enum, default_value_t = Channel::Chat)]
    pub channel: Channel,
    /// The guest's number, as a channel would have verified it
    #[arg(long, value_name = "+E164")]
    pub from: Option<String>,
    /// The language of replies
    #[arg(long, default_value = "en")]
    pub language: String,
}

/// How replies are worded.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Channel {
    /// To be read.
    Chat,
    /// To be heard.
    Voice,
}

/// Work with the flows.
#[derive(Debug, Subcommand)]
pub enum Flows {
    /// Check all flows and prompts, and report every mistake
    Check {
        /// For editors: a JSON list of mistakes with file, line, column, end, rule, message, help and excerpt
        #[arg(long)]
        json: bool,
    },
    /// Draw flows as Mermaid state diagrams
    Draw {
        /// The flow [default: all]
        flow: Option<String>,
        /// Write each drawing beside the file of its flow instead of printing it: in --flows DIR, or in flows/
        #[arg(long)]
        write: bool,
    },
    /// Print the JSON Schema of flow files
    Schema,
    /// Move live conversations to the flows as they are now, or back
    Migrate(Migrate),
}

/// Move live conversations to the flows as they are now.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Only say what would become of each, and which of its turns would have gone otherwise
    #[arg(long, conflicts_with_all = ["back", "end_lost"])]
    pub plan: bool,
    /// Put moved conversations back, as long as nothing was said since
    #[arg(long, conflicts_with = "end_lost")]
    pub back: bool,
    /// End conversations whose flows are lost: their guests' next messages begin others
    #[arg(long)]
    pub end_lost: bool,
    /// For programs: JSON
    #[arg(long)]
    pub json: bool,
}

/// Replay scenes and recorded conversations.
#[derive(Debug, Args)]
pub struct Replay {
    /// Scenes (.yaml) and recordings (.json) [default: the scenes under snapshots/ and every conversation of the database]
    pub files: Vec<PathBuf>,
    /// Say what the flows in this folder, laid over the built-in ones, would have done with every recorded conversation
    #[arg(long, value_name = "DIR", conflicts_with = "accept")]
    pub against: Option<String>,
    /// Write every recorded conversation of the database to a file in this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["accept", "against", "files"])]
    pub export: Option<PathBuf>,
    /// For programs: JSON about the recorded conversations
    #[arg(long, conflicts_with = "accept")]
    pub json: bool,
    /// Write the transcripts instead of comparing them
    #[arg(long)]
    pub accept: bool,
}

/// The voice of calls.
#[derive(Debug, Subcommand)]
pub enum Voice {
    /// Make the sounds that are the same for every caller, so that they are there at once
    Warm {
        /// Only print what would be made
        #[arg(long)]
        dry_run: bool,
    },
}

/// Erase a guest.
#[derive(Debug, Args)]
pub struct Forget {
    /// A conversation's id, or a number: with + and its country code, or as it is dialled where the hotel is
    #[arg(value_name = "CONVERSATION|PHONE")]
    pub whom: String,
}

/// The hotel's rooms and bookings.
#[derive(Debug, Subcommand)]
pub enum Hotel {
    /// Create the demonstration hotel in an empty database
    Seed,
    /// Print the hotel and its rooms
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the bookings
    Bookings {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl Common {
    /// What the command line says about the configuration.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            database: self.database.clone(),
            today: self.today,
            flows: self.flows.clone(),
            prompts: self.prompts.clone(),
        }
    }
}

impl From<Channel> for Medium {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Chat => Self::Chat,
            Channel::Voice => Self::Voice,
        }
    }
}
