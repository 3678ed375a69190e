//! Sounds that were made once: in memory, and on disk where nothing of a guest's is in them.
//!
//! A sound is known by a hash of the voice and the words, so that a folder of them tells nothing. A file is written
//! beside its place and moved there; it begins with a hash of its sound, and one that does not fit it is thrown away.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::Keep;

/// What a file begins with; another format has another.
const MAGIC: &[u8; 8] = b"INNSND01";

/// Bytes before the sound.
const HEAD: usize = MAGIC.len() + 32;

/// What files are called after their key.
const ENDING: &str = "ulaw";

/// What a sound is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SoundKey([u8; 32]);

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes in memory.
    pub memory: usize,
    /// Bytes on disk.
    pub disk: u64,
}

/// The sounds.
#[derive(Debug)]
pub struct Sounds {
    folder: Option<PathBuf>,
    room: Room,
    state: Mutex<State>,
    /// Files that are being written.
    writing: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<SoundKey, (Arc<[u8]>, u64)>,
    /// The keys by when they were used last.
    used: BTreeMap<u64, SoundKey>,
    bytes: usize,
    uses: u64,
    making: HashMap<SoundKey, watch::Sender<Growing>>,
}

/// A sound that is being made.
#[derive(Debug, Default)]
pub(super) struct Growing {
    pub(super) bytes: Vec<u8>,
    pub(super) state: Made,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Made {
    #[default]
    InPart,
    Whole,
    /// It will never be whole.
    Broken,
}

/// What is known of a sound.
pub(super) enum Found {
    /// It is here.
    Whole(Arc<[u8]>),
    /// Somebody makes it.
    Growing(watch::Receiver<Growing>),
    /// Nobody does: whoever asked makes it.
    Nothing(Recording),
}

/// A sound that somebody makes. Dropped before it is whole, it is nothing.
#[derive(Debug)]
pub(super) struct Recording {
    sounds: Arc<Sounds>,
    key: SoundKey,
    keep: Keep,
    growing: watch::Sender<Growing>,
}

impl SoundKey {
    /// The key of words in a voice.
    pub fn of(identity: &str, text: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(identity.as_bytes());
        hash.update([0]);
        hash.update(text.trim().as_bytes());
        Self(hash.finalize().into())
    }

    fn file(self) -> String {
        format!("{}.{ENDING}", self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

impl Sounds {
    /// Sounds in memory, and in this folder if there is one; what is there is taken into memory as far as it fits.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: Option<PathBuf>, room: Room) -> io::Result<Arc<Self>> {
        let sounds = Self { folder, room, state: Mutex::default(), writing: watch::Sender::new(0) };
        if let Some(folder) = &sounds.folder {
            std::fs::create_dir_all(folder)?;
            let mut left = room.memory;
            for (path, length, _) in entries(folder)? {
                let Some(key) = key_of(&path) else { continue };
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                if length > left {
                    break;
                }
                if let Some(sound) = read(&path) {
                    left -= length;
                    sounds.remember(key, sound.into());
                }
            }
        }
        Ok(Arc::new(sounds))
    }

    /// Whether a sound is here, in memory or on disk.
    pub fn has(&self, key: SoundKey) -> bool {
        self.lock().kept.contains_key(&key) || self.is_on_disk(key)
    }

    /// Whether a sound will be here when the program starts again.
    pub fn is_on_disk(&self, key: SoundKey) -> bool {
        self.path(key).is_some_and(|path| read(&path).is_some())
    }

    /// Waits until everything that is to be on disk was written.
    pub async fn settled(&self) {
        // The sender is in `self`: it cannot be gone.
        let _ = self.writing.subscribe().wait_for(|writing| *writing == 0).await;
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// What is known of a sound.
    pub(super) async fn find(self: &Arc<Self>, key: SoundKey, keep: Keep) -> Found {
        if let Some(found) = self.known(key) {
            return found;
        }
        if keep == Keep::Disk
            && let Some(path) = self.path(key)
        {
            let read = tokio::task::spawn_blocking(move || read(&path)).await;
            if let Some(sound) = read.ok().flatten() {
                let sound: Arc<[u8]> = sound.into();
                self.remember(key, Arc::clone(&sound));
                return Found::Whole(sound);
            }
        }
        let mut state = self.lock();
        // Somebody may have begun meanwhile.
        if let Some(making) = state.making.get(&key) {
            return Found::Growing(making.subscribe());
        }
        let growing = watch::Sender::new(Growing::default());
        state.making.insert(key, growing.clone());
        drop(state);
        Found::Nothing(Recording { sounds: Arc::clone(self), key, keep, growing })
    }

    fn known(&self, key: SoundKey) -> Option<Found> {
        let mut state = self.lock();
        if let Some(sound) = state.touch(key) {
            return Some(Found::Whole(sound));
        }
        state.making.get(&key).map(|making| Found::Growing(making.subscribe()))
    }

    fn remember(&self, key: SoundKey, sound: Arc<[u8]>) {
        if sound.len() > self.room.memory {
            return;
        }
        let mut state = self.lock();
        state.forget(key);
        state.uses += 1;
        let use_ = state.uses;
        state.bytes += sound.len();
        state.used.insert(use_, key);
        state.kept.insert(key, (sound, use_));
        while state.bytes > self.room.memory {
            let Some((_, oldest)) = state.used.first_key_value().map(|(use_, key)| (*use_, *key)) else {
                break;
            };
            state.forget(oldest);
        }
    }

    fn path(&self, key: SoundKey) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(key.file()))
    }

    /// Writes a file; nobody ever sees half of it.
    fn write(&self, key: SoundKey, sound: &[u8]) -> io::Result<()> {
        let (Some(folder), Some(path)) = (&self.folder, self.path(key)) else { return Ok(()) };
        let mut bytes = Vec::with_capacity(HEAD + sound.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&Sha256::digest(sound));
        bytes.extend_from_slice(sound);
        let beside = folder.join(format!("{}.new", uuid::Uuid::new_v4()));
        std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, &path)).inspect_err(|_| {
            // It may not even be there.
            let _ = std::fs::remove_file(&beside);
        })?;
        self.tidy(folder)
    }

    /// Removes the oldest files until the others fit.
    fn tidy(&self, folder: &Path) -> io::Result<()> {
        let mut files = entries(folder)?;
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        while bytes > self.room.disk {
            let Some((path, length, _)) = files.pop() else { break };
            std::fs::remove_file(path)?;
            bytes -= length;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn touch(&mut self, key: SoundKey) -> Option<Arc<[u8]>> {
        let (sound, used) = self.kept.get_mut(&key)?;
        self.uses += 1;
        self.used.remove(used);
        *used = self.uses;
        self.used.insert(self.uses, key);
        Some(Arc::clone(sound))
    }

    fn forget(&mut self, key: SoundKey) {
        if let Some((sound, used)) = self.kept.remove(&key) {
            self.used.remove(&used);
            self.bytes -= sound.len();
        }
    }
}

impl Recording {
    /// The next piece of it.
    pub(super) fn add(&self, bytes: &[u8]) {
        self.growing.send_modify(|growing| growing.bytes.extend_from_slice(bytes));
    }

    /// Whether anybody listens to it besides whoever makes it.
    pub(super) fn is_followed(&self) -> bool {
        self.growing.receiver_count() > 0
    }

    /// It is whole, and kept.
    pub(super) fn whole(self) {
        let sound: Arc<[u8]> = self.growing.borrow().bytes.as_slice().into();
        self.growing.send_modify(|growing| growing.state = Made::Whole);
        if sound.is_empty() {
            return;
        }
        self.sounds.remember(self.key, Arc::clone(&sound));
        if self.keep == Keep::Disk && self.sounds.folder.is_some() {
            let (sounds, key) = (Arc::clone(&self.sounds), self.key);
            sounds.writing.send_modify(|writing| *writing += 1);
            tokio::task::spawn_blocking(move || {
                if let Err(error) = sounds.write(key, &sound) {
                    tracing::warn!(%error, "a sound cannot be written to the cache's folder");
                }
                sounds.writing.send_modify(|writing| *writing -= 1);
            });
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.sounds.lock().making.remove(&self.key);
        self.growing.send_if_modified(|growing| {
            let broken = growing.state == Made::InPart;
            if broken {
                growing.state = Made::Broken;
            }
            broken
        });
    }
}

/// The sound in a file, if it is one that was written to its end.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = std::fs::read(path).ok()?;
    if bytes.len() > HEAD {
        let sound = bytes.split_off(HEAD);
        let (magic, hash) = bytes.split_at(MAGIC.len());
        if magic == MAGIC && hash == Sha256::digest(&sound).as_slice() {
            return Some(sound);
        }
    }
    tracing::warn!("a sound in the cache's folder is damaged; it is made anew");
    None
}

fn key_of(path: &Path) -> Option<SoundKey> {
    let name = path.file_stem()?.to_str().filter(|name| name.len() == 64 && name.is_ascii())?;
    let mut key = [0; 32];
    for (i, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&name[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(SoundKey(key))
}

/// The files of sounds, the newest first, with their lengths and ages.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, u64, u128)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != ENDING) {
            continue;
        }
        // One that another program removed meanwhile is none.
        let Ok(about) = std::fs::metadata(&path) else { continue };
        let written = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        files.push((path, about.len(), written.map_or(0, |since| since.as_nanos())));
    }
    files.sort_by(|one, other| other.2.cmp(&one.2).then_with(|| one.0.cmp(&other.0)));
    Ok(files)
}
