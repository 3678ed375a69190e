//! `innkeeper replay`: scenes played again and compared with their transcripts, and what was recorded of conversations
//! gone through once more.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::print::{out, outln};
use super::{CommandFault, Ending, recorded};
use crate::cli;
use crate::config::Config;
use crate::fault::chain;
use crate::replay::{Scene, play, scenes_below, stored_transcript};

/// Where scenes are when none is named.
const FOLDER: &str = "snapshots";

/// Goes through scenes and recorded conversations once more.
pub(super) async fn run(mut config: Config, options: cli::Replay) -> Result<Ending, CommandFault> {
    if let Some(folder) = &options.export {
        return recorded::export(&config, folder).await;
    }
    let is_recording = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "json");
    let (recordings, mut files): (Vec<PathBuf>, Vec<PathBuf>) =
        options.files.iter().cloned().partition(is_recording);
    if options.against.is_some() {
        config.flows = options.against.as_deref().map(PathBuf::from);
    }
    let all = options.files.is_empty();
    if all && options.against.is_none() && !options.json && Path::new(FOLDER).is_dir() {
        files = scenes_below(Path::new(FOLDER))?;
    }
    let scenes =
        if files.is_empty() { Ending::Fine } else { scenes(&config, &files, options.accept).await? };
    if options.accept || (recordings.is_empty() && !all) {
        return Ok(scenes);
    }
    let past = recorded::run(&config, &recordings, options.against.is_some(), options.json).await?;
    Ok(if past == Ending::Fine { scenes } else { Ending::NotFine })
}

/// Plays the scenes; a difference is printed as one.
async fn scenes(config: &Config, files: &[PathBuf], accept: bool) -> Result<Ending, CommandFault> {
    let mut differing = 0;
    for file in files {
        let (title, played) = match transcript(file, config).await {
            Ok((scene, played)) => (header(&scene), played),
            Err(why) => {
                differing += 1;
                outln!("broken   {}: {why}", file.display());
                continue;
            }
        };
        let stored = file.with_extension("snap");
        if accept {
            std::fs::write(&stored, title + &played + "\n")?;
            outln!("written  {}", stored.display());
            continue;
        }
        match std::fs::read_to_string(&stored) {
            Ok(text) if stored_transcript(&text) == played => outln!("same     {}", file.display()),
            Ok(text) => {
                differing += 1;
                outln!("differs  {}", file.display());
                out!("{}", difference(stored_transcript(&text), &played));
            }
            Err(_) => {
                differing += 1;
                outln!("new      {} has no transcript; --accept writes it\n{played}\n", file.display());
            }
        }
    }
    outln!("{} of {} scenes read as their transcripts.", files.len() - differing, files.len());
    Ok(if differing == 0 { Ending::Fine } else { Ending::NotFine })
}

/// What the snapshot library writes above a transcript, so that both write the same file.
fn header(scene: &Scene) -> String {
    format!("---\nsource: server/tests/it/replays.rs\ndescription: {:?}\n---\n", scene.scene)
}

fn difference(stored: &str, played: &str) -> String {
    TextDiff::from_lines(stored, played)
        .unified_diff()
        .context_radius(3)
        .header("transcript", "replayed")
        .to_string()
}

async fn transcript(file: &Path, config: &Config) -> Result<(Scene, String), String> {
    let scene = Scene::read(file).map_err(|fault| chain(&fault))?;
    let played = play(&scene, config).await.map_err(|fault| chain(&fault))?;
    Ok((scene, played))
}
