//! What was said once is there at once, and nothing of a guest's is left on disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use innkeeper::tts::live::{Cached, Keep, LiveVoice, Room, SoundKey, Sounds};

use super::mouth::{Booth, Ear, End, Vendor};
use crate::rig::{Folder, until};
use crate::support::voices::{Manner, Trouble, sound_of};

const ROOM: Room = Room { memory: 4 << 20, disk: 4 << 20 };
const HELLO: &str = "Hello, this is Hotel Miramar.";
const HELP: &str = "How may I help you?";

fn files(folder: &Folder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.file("sounds")).expect("the folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn cached(booth: &Booth, folder: &Folder, room: Room) -> (Cached, Arc<Sounds>) {
    let sounds = Sounds::open(Some(folder.file("sounds")), room).expect("the sounds");
    (Cached::new(Arc::clone(&booth.voice), Arc::clone(&sounds)), sounds)
}

async fn listen(voice: &Cached) -> Ear {
    Ear::new(voice.open().await.expect("a session"))
}

#[tokio::test]
async fn what_was_said_once_is_the_same_and_there_at_once() {
    let folder = Folder::new();
    let manner = Manner { first_byte: Duration::from_secs(10), ..Manner::at_once() };
    let booth = Booth::open(Vendor::Deepgram, Manner { first_byte: Duration::ZERO, ..manner }).await;
    let (voice, sounds) = cached(&booth, &folder, ROOM);
    let mut ear = listen(&voice).await;
    ear.say_and(Keep::Disk, 1, HELLO).await;
    ear.say_and(Keep::Memory, 2, HELP).await;
    assert_eq!(ear.end_of(2).await, End::Done);
    let asked = booth.double.said().len();
    ear.say_and(Keep::Disk, 3, HELLO).await;
    ear.say_and(Keep::Memory, 4, HELP).await;
    assert_eq!(ear.end_of(4).await, End::Done);
    assert!(ear.sound(3) == ear.sound(1) && ear.sound(1) == sound_of(HELLO));
    assert!(ear.sound(4) == ear.sound(2) && ear.sound(2) == sound_of(HELP));
    assert_eq!((asked, booth.double.said().len()), (2, 2));
    sounds.settled().await;
    assert_eq!(files(&folder).len(), 1, "what is for memory is not on disk");

    // Another day, a provider that cannot be reached: what is on disk is there.
    let booth = Booth::open(Vendor::Deepgram, manner).await;
    booth.double.refuses(std::iter::repeat_n(503, 50));
    let (voice, _) = cached(&booth, &folder, ROOM);
    let mut ear = listen(&voice).await;
    ear.say_and(Keep::Disk, 1, HELLO).await;
    assert_eq!(ear.end_of(1).await, End::Done);
    assert!(ear.sound(1) == sound_of(HELLO));
    ear.say_and(Keep::Memory, 2, HELP).await;
    assert!(matches!(ear.end_of(2).await, End::Failed(_)));
}

#[tokio::test]
async fn a_guests_words_leave_nothing_behind() {
    let folder = Folder::new();
    let booth = Booth::open(Vendor::ElevenLabs, Manner::at_once()).await;
    let (voice, sounds) = cached(&booth, &folder, ROOM);
    let mut ear = listen(&voice).await;
    for id in 1..=2 {
        ear.say_and(Keep::Never, id, "Thank you, Ana Pérez.").await;
        assert_eq!(ear.end_of(id).await, End::Done);
    }
    sounds.settled().await;
    assert_eq!((booth.double.said().len(), sounds.bytes(), files(&folder).len()), (2, 0, 0));
}

#[tokio::test]
async fn cached_and_made_sounds_keep_their_order() {
    let folder = Folder::new();
    let booth = Booth::open(Vendor::ElevenLabs, Manner { chunk: 700, ..Manner::at_once() }).await;
    let (voice, _) = cached(&booth, &folder, ROOM);
    let mut ear = listen(&voice).await;
    ear.say_and(Keep::Memory, 1, HELLO).await;
    assert_eq!(ear.end_of(1).await, End::Done);
    for (id, keep, text) in [
        (2, Keep::Never, "We have two rooms."),
        (3, Keep::Memory, HELLO),
        (4, Keep::Never, "One looks at the sea."),
        (5, Keep::Memory, HELLO),
    ] {
        ear.say_and(keep, id, text).await;
    }
    assert_eq!(ear.end_of(5).await, End::Done);
    assert_eq!(ear.order, [1, 2, 3, 4, 5]);
    assert!(
        ear.sound(2) == sound_of("We have two rooms.") && ear.sound(4) == sound_of("One looks at the sea.")
    );
    assert!(ear.sound(3) == sound_of(HELLO) && ear.sound(5) == sound_of(HELLO));
}

#[tokio::test]
async fn what_several_calls_need_at_once_is_made_once() {
    for interrupted in [false, true] {
        let folder = Folder::new();
        let booth = Booth::open(Vendor::Deepgram, Manner::at_pace(10)).await;
        let (voice, _) = cached(&booth, &folder, ROOM);
        let mut first = listen(&voice).await;
        first.say_and(Keep::Disk, 1, HELLO).await;
        until("it is being made", async || booth.double.said().len() == 1).await;
        let mut others = Vec::new();
        for _ in 0..3 {
            let ear = listen(&voice).await;
            ear.say_and(Keep::Disk, 1, HELLO).await;
            ear.taken().await;
            others.push(ear);
        }
        booth.clock.advance(Duration::from_millis(20));
        while others[0].sound(1).is_empty() {
            others[0].next().await;
        }
        assert!(others[0].sound(1).len() < sound_of(HELLO).len(), "they hear it as it comes");
        if interrupted {
            first.cancel(1).await;
            first.say_and(Keep::Never, 2, "Yes?").await;
            first.taken().await;
            first.drain();
        }
        let before = first.sound(1).len();
        for ear in &mut others {
            assert_eq!(ear.end_by(&booth.clock, 1).await, End::Done);
            assert!(ear.sound(1) == sound_of(HELLO));
        }
        if interrupted {
            assert_eq!(first.end_by(&booth.clock, 2).await, End::Done);
            assert_eq!((first.sound(1).len(), first.sound(2).len()), (before, sound_of("Yes?").len()));
        } else {
            assert_eq!(first.end_of(1).await, End::Done);
        }
        let made = booth.double.said().iter().filter(|text| *text == HELLO).count();
        assert_eq!(made, 1, "interrupted: {interrupted}");
    }
}

#[tokio::test]
async fn a_sound_that_was_not_made_to_its_end_is_not_kept() {
    let folder = Folder::new();
    let booth = Booth::open(Vendor::Deepgram, Manner::at_once()).await;
    booth.double.troubles([Trouble::Cut { after: 480 }]);
    let (voice, sounds) = cached(&booth, &folder, ROOM);
    let mut ear = listen(&voice).await;
    ear.say_and(Keep::Disk, 1, HELLO).await;
    assert!(matches!(ear.end_of(1).await, End::Failed(_)));
    ear.say_and(Keep::Disk, 2, HELLO).await;
    assert_eq!(ear.end_of(2).await, End::Done);
    assert!(ear.sound(2) == sound_of(HELLO));
    sounds.settled().await;
    assert_eq!(files(&folder).len(), 1);
}

#[tokio::test]
async fn a_damaged_file_is_made_anew() {
    let folder = Folder::new();
    for damage in [0_usize, 1, 2] {
        let booth = Booth::open(Vendor::Deepgram, Manner::at_once()).await;
        let (voice, sounds) = cached(&booth, &folder, ROOM);
        let mut ear = listen(&voice).await;
        ear.say_and(Keep::Disk, 1, HELLO).await;
        assert_eq!(ear.end_of(1).await, End::Done);
        assert!(ear.sound(1) == sound_of(HELLO));
        assert_eq!(booth.double.said().len(), 1, "damage {damage} was seen");
        sounds.settled().await;
        assert!(sounds.is_on_disk(SoundKey::of(voice.identity(), HELLO)));
        let file = &files(&folder)[0];
        let mut bytes = std::fs::read(file).expect("the file");
        match damage {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes[500] ^= 1,
            _ => bytes.clear(),
        }
        std::fs::write(file, bytes).expect("the file");
    }
    let names: Vec<PathBuf> = files(&folder);
    assert!(names.iter().all(|name| name.extension().is_some_and(|ending| ending == "ulaw")), "{names:?}");
}

#[tokio::test]
async fn what_is_kept_has_bounds() {
    let folder = Folder::new();
    let booth = Booth::open(Vendor::ElevenLabs, Manner::at_once()).await;
    let one = sound_of("Sentence 10.").len();
    let room = Room { memory: one * 5 / 2, disk: one as u64 * 3 + 200 };
    let (voice, sounds) = cached(&booth, &folder, room);
    let mut ear = listen(&voice).await;
    for id in 10..20 {
        ear.say_and(Keep::Disk, id, &format!("Sentence {id}.")).await;
        assert_eq!(ear.end_of(id).await, End::Done);
        sounds.settled().await;
        assert!(sounds.bytes() <= room.memory && files(&folder).len() <= 3);
    }
    ear.say_and(Keep::Disk, 20, "Sentence 19.").await;
    assert_eq!(ear.end_of(20).await, End::Done);
    assert_eq!(booth.double.said().len(), 10, "the last one is there");
    ear.say_and(Keep::Disk, 21, "Sentence 10.").await;
    assert_eq!(ear.end_of(21).await, End::Done);
    assert_eq!(booth.double.said().len(), 11, "the first one is not");
}

#[tokio::test]
async fn another_voice_has_sounds_of_its_own() {
    let folder = Folder::new();
    for (vendor, made) in [(Vendor::Deepgram, 1), (Vendor::OpenAi, 1), (Vendor::Deepgram, 0)] {
        let booth = Booth::open(vendor, Manner::at_once()).await;
        let (voice, sounds) = cached(&booth, &folder, ROOM);
        let mut ear = listen(&voice).await;
        ear.say_and(Keep::Disk, 1, HELLO).await;
        assert_eq!(ear.end_of(1).await, End::Done);
        assert_eq!(booth.double.said().len(), made, "{vendor:?}");
        sounds.settled().await;
    }
    assert_eq!(files(&folder).len(), 2);
}
