//! The commands of the program, one file each.

mod chat;
mod differing;
mod doctor;
mod flows;
mod forget;
mod hotel;
mod mcp;
mod migrate;
mod print;
mod recorded;
mod replay;
mod serve;
mod understand;
mod voice;

use std::process::ExitCode;

use serde::Serialize;

use crate::app::StartFault;
use crate::cli::{Cli, Command};
use crate::config::{Config, ConfigError};
use crate::fault::chain;
use crate::mistakes::Wrong;
use crate::store::Fault as StoreFault;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All is well.
    Fine,
    /// The thing that was asked about is not: a check, a replay.
    NotFine,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandFault {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something needed could not be started.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// The program's own tables.
    #[error("the database failed")]
    Store(#[from] StoreFault),
    /// Reading or writing failed.
    #[error("standard input or output failed")]
    Io(#[from] std::io::Error),
    /// Something else, as a sentence.
    #[error("{0}")]
    Other(String),
}

/// Runs the command and says how the process ends: 0 fine, 1 not fine, 2 wrong use or configuration.
pub async fn run(cli: Cli, environment: Vec<(String, String)>) -> ExitCode {
    match dispatch(cli, environment).await {
        Ok(Ending::Fine) => ExitCode::SUCCESS,
        Ok(Ending::NotFine) => ExitCode::from(1),
        Err(fault) => {
            report(&fault);
            ExitCode::from(2)
        }
    }
}

async fn dispatch(cli: Cli, environment: Vec<(String, String)>) -> Result<Ending, CommandFault> {
    let config = Config::load(cli.common.config.as_deref(), environment, cli.common.overrides())?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(config).await,
        Command::Chat(options) => chat::run(config, options).await,
        Command::Understand => understand::run(config).await,
        Command::Mcp => mcp::run(config).await,
        Command::Flows(options) => flows::run(config, options).await,
        Command::Replay(options) => replay::run(config, options).await,
        Command::Hotel(options) => hotel::run(config, options).await,
        Command::Voice(options) => voice::run(config, options).await,
        Command::Forget(options) => forget::run(config, options).await,
        Command::Doctor => doctor::run(config).await,
    }
}

/// A fault that no kind is made for, in one line.
fn other(error: impl std::error::Error + 'static) -> CommandFault {
    CommandFault::Other(chain(&error))
}

/// What a command tells programs.
fn pretty(value: &impl Serialize) -> Result<String, CommandFault> {
    serde_json::to_string_pretty(value).map_err(other)
}

/// Shows mistakes, those in flows where they stand.
fn shown(wrong: Wrong) -> Ending {
    if let Some(text) = wrong.beside_flows() {
        eprintln!("{text}");
    }
    if let Some(mistakes) = wrong.flows {
        eprintln!("{:?}", miette::Report::new(mistakes.into_shown()));
    }
    Ending::NotFine
}

/// Prints a fault with what caused it, innermost last.
fn report(fault: &CommandFault) {
    eprintln!("innkeeper: {fault}");
    let mut source = std::error::Error::source(fault);
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
}
