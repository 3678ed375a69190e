//! `innkeeper voice`: the sounds of calls that can be made beforehand.

use std::sync::Arc;

use super::print::outln;
use super::{CommandFault, Ending, other, shown};
use crate::app::{self, CallVoice, StartFault};
use crate::cli;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::tts::live::{Keep, LiveVoice, Mouth, Order, SoundKey, Sounds, Spoken, UtteranceId};

/// So many are ordered at once.
const AT_ONCE: usize = 4;

/// Works on the voice.
pub(super) async fn run(config: Config, options: cli::Voice) -> Result<Ending, CommandFault> {
    let cli::Voice::Warm { dry_run } = options;
    let fixed = match app::fixed_in_all_languages(&config).await {
        Ok(fixed) => fixed,
        Err(StartFault::Wrong(wrong)) => return Ok(shown(wrong)),
        Err(fault) => return Err(fault.into()),
    };
    let pieces: Vec<&str> = fixed.iter().flat_map(|fixed| fixed.pieces()).collect();
    let voice = app::live_voice(&config, Arc::new(SystemClock))?;
    match voice {
        _ if dry_run => Ok(would(&pieces, voice.as_ref())),
        None => {
            eprintln!("Nobody speaks in calls: set a key for [tts] live, and at ElevenLabs a voice.");
            Ok(Ending::NotFine)
        }
        Some(_) if config.speaking.as_ref().is_none_or(|speaking| speaking.cache.folder.is_none()) => {
            eprintln!("Nothing is kept: set [tts] cache to a folder.");
            Ok(Ending::NotFine)
        }
        Some(speaks) => warm(&pieces, &*speaks.voice, &speaks.sounds).await,
    }
}

/// Prints what would be made.
fn would(pieces: &[&str], speaks: Option<&CallVoice>) -> Ending {
    let is_there = |piece: &str| {
        speaks.is_some_and(|speaks| speaks.sounds.has(SoundKey::of(speaks.voice.identity(), piece)))
    };
    let missing: Vec<&&str> = pieces.iter().filter(|piece| !is_there(piece)).collect();
    for piece in &missing {
        outln!("{piece}");
    }
    let letters: usize = missing.iter().map(|piece| piece.chars().count()).sum();
    let there = pieces.len() - missing.len();
    eprintln!("{there} were there, {} would be made ({letters} letters).", missing.len());
    Ending::Fine
}

/// Makes what is not there.
async fn warm(pieces: &[&str], voice: &dyn LiveVoice, sounds: &Sounds) -> Result<Ending, CommandFault> {
    let key = |piece: &str| SoundKey::of(voice.identity(), piece);
    let missing: Vec<&str> = pieces.iter().copied().filter(|piece| !sounds.is_on_disk(key(piece))).collect();
    let Mouth { orders, mut spoken } = voice.open().await.map_err(other)?;
    let mut waiting = (1..).map(UtteranceId).zip(missing.iter().copied());
    let (mut over, mut ordered) = (0, 0);
    while over < missing.len() {
        while ordered - over < AT_ONCE
            && let Some((utterance, piece)) = waiting.next()
        {
            let order = Order::Say { utterance, text: piece.to_owned(), keep: Keep::Disk };
            orders.send(order).await.map_err(|_| ended())?;
            ordered += 1;
        }
        match spoken.recv().await.ok_or_else(ended)? {
            Spoken::Sound { .. } => continue,
            Spoken::Done { .. } => {}
            Spoken::Failed { utterance, reason } => {
                let which = usize::try_from(utterance.0).ok().and_then(|number| missing.get(number - 1));
                eprintln!("failed: {:?}: {reason}", which.copied().unwrap_or_default());
            }
        }
        over += 1;
    }
    sounds.settled().await;
    let made = missing.iter().filter(|piece| sounds.is_on_disk(key(piece))).count();
    let (there, failed) = (pieces.len() - missing.len(), missing.len() - made);
    outln!("{there} were there, {made} made, {failed} failed.");
    Ok(if failed == 0 { Ending::Fine } else { Ending::NotFine })
}

fn ended() -> CommandFault {
    CommandFault::Other("the voice's session ended".to_owned())
}
