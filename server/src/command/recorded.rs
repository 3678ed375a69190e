//! Recorded conversations: gone through once more, on the flows they were on or on others.

use std::path::{Path, PathBuf};

use innkeeper_engine::Flows;
use innkeeper_engine::runtime::{Difference, Versions, against};
use serde::Serialize;
use serde_json::json;

use super::differing::told;
use super::print::{out, outln};
use super::{CommandFault, Ending, pretty, shown};
use crate::app::{self, StartFault, Workbench};
use crate::config::Config;
use crate::fault::chain;
use crate::replay::{Recording, RecordingFault};

/// What going through a recording led to.
#[derive(Serialize)]
struct Told {
    conversation: String,
    turns: usize,
    /// Why it could not be gone through, or what is not as it was.
    unlike: Option<String>,
    /// Whether it could not be gone through at all.
    broken: bool,
    differences: Vec<Difference>,
}

/// Goes through recordings, all of the database where none is named.
pub(super) async fn run(
    config: &Config,
    files: &[PathBuf],
    compares: bool,
    as_json: bool,
) -> Result<Ending, CommandFault> {
    let has_database = config.database.file().is_none_or(|file| file.exists());
    if files.is_empty() && !has_database {
        outln!("There is no database, and nothing was recorded.");
        return Ok(Ending::Fine);
    }
    let bench = match app::workbench(config).await {
        Ok(bench) => bench,
        Err(StartFault::Wrong(wrong)) => return Ok(shown(wrong)),
        Err(fault) => return Err(fault.into()),
    };
    let versions = Versions::new(bench.flows.clone());
    let others = compares.then_some(&bench.flows);
    let mut all: Vec<Told> = Vec::new();
    if files.is_empty() {
        for id in bench.store.recorded_conversations().await? {
            let recording = Recording::load(&bench.store, &versions, &id).await;
            all.push(gone_through(id.to_string(), recording, &versions, others));
        }
    }
    for file in files {
        let recording = Recording::read(file, &versions);
        all.push(gone_through(file.display().to_string(), recording, &versions, others));
    }
    bench.store.close().await?;
    let unlike = all.iter().filter(|told| told.unlike.is_some() || !told.differences.is_empty()).count();
    if as_json {
        let line = json!({ "version": bench.flows.version(), "conversations": all, "different": unlike });
        outln!("{}", pretty(&line)?);
    } else {
        show(&all, unlike, compares);
    }
    Ok(if unlike == 0 { Ending::Fine } else { Ending::NotFine })
}

fn gone_through(
    name: String,
    recording: Result<Recording, RecordingFault>,
    versions: &Versions,
    others: Option<&Flows>,
) -> Told {
    let broken = |conversation: String, fault: &RecordingFault| Told {
        conversation,
        turns: 0,
        unlike: Some(chain(fault)),
        broken: true,
        differences: Vec::new(),
    };
    let recording = match recording {
        Ok(recording) => recording,
        Err(fault) => return broken(name, &fault),
    };
    let conversation = recording.conversation.clone();
    let again = match recording.again(versions) {
        Ok(again) => again,
        Err(fault) => return broken(conversation, &fault),
    };
    let differences = others.map(|others| against(others, &again)).unwrap_or_default();
    let unlike = if others.is_some() { None } else { recording.unlike(&again) };
    Told { conversation, turns: again.len(), unlike, broken: false, differences }
}

fn show(all: &[Told], unlike: usize, compares: bool) {
    for told_of in all {
        let Told { conversation, unlike, broken, differences, .. } = told_of;
        match (unlike, differences.first()) {
            (Some(why), _) => {
                outln!("{:<8} {conversation}: {why}", if *broken { "broken" } else { "differs" })
            }
            (None, Some(first)) => {
                outln!("differs  {conversation}");
                out!("{}", told(first, "         "));
                if differences.len() > 1 {
                    outln!("         and {} more turns", differences.len() - 1);
                }
            }
            (None, None) => outln!("same     {conversation}"),
        }
    }
    let broken = all.iter().filter(|told| told.broken).count();
    let same = all.len() - unlike;
    if compares {
        outln!(
            "{} recorded conversations: {same} the same, {} differ, {broken} cannot be gone through.",
            all.len(),
            unlike - broken
        );
    } else {
        outln!("{same} of {} recorded conversations repeat exactly.", all.len());
    }
}

/// Writes every recorded conversation to a file.
pub(super) async fn export(config: &Config, folder: &Path) -> Result<Ending, CommandFault> {
    let bench = app::workbench(config).await?;
    let versions = Versions::new(bench.flows.clone());
    std::fs::create_dir_all(folder)?;
    let Workbench { store, .. } = &bench;
    let mut ending = Ending::Fine;
    for id in store.recorded_conversations().await? {
        let path = folder.join(format!("{id}.json"));
        let written = match Recording::load(store, &versions, &id).await {
            Ok(recording) => recording.write(store, &path).await,
            Err(fault) => Err(fault),
        };
        match written {
            Ok(()) => outln!("written  {}", path.display()),
            Err(fault) => {
                ending = Ending::NotFine;
                outln!("broken   {id}: {}", chain(&fault));
            }
        }
    }
    store.close().await?;
    Ok(ending)
}
