//! Flows and prompts that are edited while the program runs: what is saved is checked, and what is right is used for
//! new conversations. Live ones stay on the version they began with.
//!
//! The folders are looked at again and again, which costs a look at a few files and works where the file system tells
//! nobody what changes: in containers, on network drives, for editors that write another file and rename it. A file
//! that is still changing is waited for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::sources::{Right, right};
use super::{App, StartFault};
use crate::clock::Clock;
use crate::config::Config;
use crate::conversation::Receptionist;
use crate::fault::chain;
use crate::mistakes::{Listed, Reloaded};
use crate::versions;

/// How often the folders are looked at. A file counts as saved when two looks find it the same.
pub const LOOK_EVERY: Duration = Duration::from_millis(400);

/// The files of a folder, as far as one sees whether they changed.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl App {
    /// Looks at the configured folders until `stop`. Nothing is looked at where there are none.
    pub fn reload(
        &self,
        config: &Config,
        clock: Arc<dyn Clock>,
        stop: &CancellationToken,
    ) -> watch::Receiver<Reloaded> {
        let (told, heard) = (self.reloaded.clone(), self.reloaded.subscribe());
        let folders: Vec<PathBuf> = config.flows.iter().chain(&config.prompts).cloned().collect();
        if !folders.is_empty() {
            let used = seen(&folders);
            let looking = look(folders, used, config.clone(), Arc::clone(&self.receptionist), clock, told);
            let stop = stop.clone();
            tokio::spawn(async move { stop.run_until_cancelled(looking).await });
        }
        heard
    }
}

async fn look(
    folders: Vec<PathBuf>,
    mut used: Seen,
    config: Config,
    receptionist: Arc<Receptionist>,
    clock: Arc<dyn Clock>,
    told: watch::Sender<Reloaded>,
) {
    let mut last = used.clone();
    loop {
        clock.sleep(LOOK_EVERY).await;
        let now = seen(&folders);
        let is_still = now == last;
        last = now;
        if !is_still || last == used {
            continue;
        }
        used.clone_from(&last);
        let wrong = match changed(&config, &receptionist).await {
            Ok(()) => Vec::new(),
            Err(fault) => {
                tracing::error!("the flows stay as they were: {}", chain(&fault));
                listed(&fault)
            }
        };
        told.send_modify(|reloaded| *reloaded = Reloaded { changes: reloaded.changes + 1, wrong });
    }
}

/// Checks the files as they are now and lets new conversations begin on them.
async fn changed(config: &Config, receptionist: &Receptionist) -> Result<(), StartFault> {
    let Right { replies, authored, flows } = right(config, &receptionist.tools)?;
    let version = flows.version().to_owned();
    // Any program on this database must be able to make the version before a conversation is on it.
    versions::keep(&receptionist.store, &flows, &authored).await?;
    replies.unused(flows.prompts()).iter().for_each(|unused| tracing::warn!("{unused}"));
    receptionist.replies.publish(replies);
    let kept = &receptionist.driver.versions;
    if kept.publish(flows) {
        tracing::info!(version, "new conversations use the flows as they are saved now");
        versions::leave(&receptionist.store, kept).await?;
    }
    Ok(())
}

/// What keeps the files from being used, for the person who wrote them.
fn listed(fault: &StartFault) -> Vec<Listed> {
    match fault {
        StartFault::Wrong(wrong) => wrong.listed(),
        // What caused it is in the log.
        other => vec![Listed::whole("fault", None, other.to_string())],
    }
}

fn seen(folders: &[PathBuf]) -> Seen {
    let mut seen = Seen::new();
    folders.iter().for_each(|folder| collect(folder, &mut seen));
    seen
}

/// A folder that is away for a moment, while somebody exchanges it, is empty.
fn collect(folder: &Path, seen: &mut Seen) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match std::fs::metadata(&path) {
            Ok(about) if about.is_dir() => collect(&path, seen),
            Ok(about) if is_authored(&path) => {
                seen.insert(path, (about.modified().ok(), about.len()));
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Editors leave copies and locks beside a file.
fn is_authored(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden
        && path
            .extension()
            .is_some_and(|extension| ["yaml", "yml", "j2"].iter().any(|known| extension == *known))
}
