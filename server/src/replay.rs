//! Scenes: conversations as scripts, played through the whole program and written down as transcripts.
//!
//! A scene (`snapshots/<flow>/<scene>.yaml`) says what a guest does, and what happens at the hotel meanwhile. It is
//! played against the demonstration hotel in memory, with fixed time and ids, so that its transcript
//! (`<scene>.snap`) is the same every time. The hotel is the real one, reached over MCP; only the language model is
//! played by the scene.

mod calling;
mod phone;
mod play;
mod recording;
mod scene;
mod transcript;

use std::path::{Path, PathBuf};

pub use play::{PlayFault, play};
pub use recording::{Recording, RecordingFault};
pub use scene::{Scene, SceneFault};

/// All scenes below a folder, in order.
///
/// # Errors
/// The folder cannot be read.
pub fn scenes_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(scenes_below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The transcript as stored beside a scene: what follows the header that the snapshot library writes.
pub fn stored_transcript(snapshot: &str) -> &str {
    match snapshot.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) {
        Some((_, transcript)) => transcript.trim_end(),
        None => snapshot.trim_end(),
    }
}
