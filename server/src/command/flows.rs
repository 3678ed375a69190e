//! `innkeeper flows`: every mistake explained before it runs, drawings, and the schema that editors complete by.

use std::path::{Path, PathBuf};

use innkeeper_engine::Flows;
use innkeeper_engine::flow::flow_schema;

use super::print::{counted, out, outln};
use super::{CommandFault, Ending, pretty, shown};
use crate::app::{self, StartFault};
use crate::cli;
use crate::config::Config;

/// Where flow files are when no folder is configured.
const FOLDER: &str = "flows";

/// Works with the flows.
pub(super) async fn run(config: Config, options: cli::Flows) -> Result<Ending, CommandFault> {
    match options {
        cli::Flows::Check { json } => check(&config, json).await,
        cli::Flows::Draw { flow, write } => draw(&config, flow.as_deref(), write).await,
        cli::Flows::Migrate(options) => super::migrate::run(config, options).await,
        cli::Flows::Schema => {
            outln!("{}", pretty(&flow_schema())?);
            Ok(Ending::Fine)
        }
    }
}

async fn check(config: &Config, json: bool) -> Result<Ending, CommandFault> {
    match app::checked(config).await {
        Ok((flows, unused)) => {
            unused.iter().for_each(|unused| eprintln!("warning: {unused}"));
            if json {
                outln!("[]");
                return Ok(Ending::Fine);
            }
            let names: Vec<&str> = flows.iter().map(|flow| &*flow.name).collect();
            let fine = counted(names.len() as u64, "flow is", "flows are");
            outln!("{fine} fine: {} (version {}).", names.join(", "), flows.version());
            Ok(Ending::Fine)
        }
        Err(StartFault::Wrong(wrong)) if json => {
            outln!("{}", pretty(&wrong.listed())?);
            Ok(Ending::NotFine)
        }
        Err(StartFault::Wrong(wrong)) => Ok(shown(wrong)),
        Err(fault) => Err(fault.into()),
    }
}

async fn draw(config: &Config, flow: Option<&str>, write: bool) -> Result<Ending, CommandFault> {
    let flows = match app::checked(config).await {
        Ok((flows, _)) => flows,
        Err(StartFault::Wrong(wrong)) => return Ok(shown(wrong)),
        Err(fault) => return Err(fault.into()),
    };
    let names: Vec<&str> = flows.root().into_iter().chain(flows.iter()).map(|flow| &*flow.name).collect();
    if let Some(flow) = flow.filter(|flow| !names.contains(flow)) {
        let message = format!("there is no flow `{flow}`; there are {}", names.join(", "));
        return Err(CommandFault::Other(message));
    }
    if write {
        let folder = config.flows.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
        return written(&flows, &folder, flow);
    }
    match flow {
        Some(flow) => out!("{}", flows.draw(flow).unwrap_or_default()),
        None => {
            let drawings = names.iter().filter_map(|name| Some(format!("%% {name}\n{}", flows.draw(name)?)));
            out!("{}", drawings.collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(Ending::Fine)
}

/// Writes the drawings of the flows whose files are in this folder.
fn written(flows: &Flows, folder: &Path, only: Option<&str>) -> Result<Ending, CommandFault> {
    let fault = |what: &str, path: &Path, error: &std::io::Error| {
        CommandFault::Other(format!("{} cannot be {what}: {error}", path.display()))
    };
    let entries = std::fs::read_dir(folder).map_err(|error| fault("read", folder, &error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut drawn = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml"))
    {
        let text = std::fs::read_to_string(file).map_err(|error| fault("read", file, &error))?;
        let Some(name) = name_of(&text).filter(|name| only.is_none_or(|only| only == *name)) else {
            continue;
        };
        let Some(drawing) = flows.draw(name) else { continue };
        let path = file.with_extension("mmd");
        std::fs::write(&path, drawing).map_err(|error| fault("written", &path, &error))?;
        outln!("{}", path.display());
        drawn += 1;
    }
    if drawn == 0 {
        let what = only.unwrap_or("any flow");
        let message = format!("{} has no file of {what} to write a drawing beside", folder.display());
        return Err(CommandFault::Other(message));
    }
    Ok(Ending::Fine)
}

/// The name of the flow that a file holds. The checker has read it: it is a word, perhaps between quotation marks.
fn name_of(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.strip_prefix("flow:"))?;
    let word = line.split('#').next()?.trim().trim_matches(['"', '\'']);
    (!word.is_empty()).then_some(word)
}
