//! Replies in pieces, those of them that are the same for everybody, and the command that makes them beforehand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use innkeeper::app;
use innkeeper::clock::SystemClock;
use innkeeper::config::{Config, Overrides, TtsProvider};
use innkeeper::tts::live::{Fixed, Keep, pieces};
use proptest::prelude::*;

use super::mouth::{Booth, Vendor};
use crate::rig::Folder;
use crate::support::voices::{KEY, Manner, Trouble, VoicesDouble};

/// What comes of anything here comes within this time, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_reply_is_cut_where_one_breathes() {
    for (reply, expected) in [
        ("", vec![]),
        ("Yes.", vec!["Yes."]),
        ("Hello. How are you?", vec!["Hello. ", "How are you?"]),
        ("Two nights, 284.50 euros in all. Fine?", vec!["Two nights, 284.50 euros in all. ", "Fine?"]),
        ("Ask Dr. Pons at St. James No. 5. Right?", vec!["Ask Dr. Pons at St. James No. 5. ", "Right?"]),
        ("“Really?” she asked. Yes!", vec!["“Really?” she asked. ", "Yes!"]),
        (
            "From the twelfth to the fourteenth of December, the double room with a view of the sea is free. Good?",
            vec![
                "From the twelfth to the fourteenth of December, ",
                "the double room with a view of the sea is free. ",
                "Good?",
            ],
        ),
    ] {
        assert_eq!(pieces(reply), expected);
    }
}

proptest! {
    #[test]
    fn pieces_joined_are_the_reply(reply in "[a-zé0-9 ,.;:!?…–\n”)A-Z]{0,300}") {
        let pieces = pieces(&reply);
        prop_assert_eq!(&pieces.concat(), &reply);
        prop_assert!(pieces.iter().all(|piece| !piece.is_empty()));
    }

    #[test]
    fn a_piece_of_what_is_fixed_is_fixed_wherever_it_stands(
        before in "[A-Z][a-z ,]{0,80}zz\\. ",
        fixed in "([A-Z][a-z]{1,8}( [a-z]{1,9}){1,20}(, [a-z]{2,9} [a-z]{3,9}){0,9}[.?] ){1,3}",
    ) {
        let known = Fixed::of([fixed.trim()]);
        for reply in [fixed.clone(), format!("{before}{fixed}")] {
            let begin = reply.len() - fixed.len();
            let mut at = 0;
            for piece in pieces(&reply) {
                if at >= begin {
                    prop_assert_eq!(known.keep(piece), Keep::Disk, "{:?} of {:?}", piece, reply);
                }
                at += piece.len();
            }
        }
    }
}

#[test]
fn who_speaks_in_calls_follows_from_the_configuration() {
    let speaking = |variables: &[(&str, &str)]| {
        let speaking = config(variables).speaking?;
        Some((speaking.by, speaking.base_url.to_string(), speaking.model, speaking.voice))
    };
    let deepgram = "https://api.deepgram.com".to_owned();
    let usual = (TtsProvider::Deepgram, deepgram.clone(), String::new(), "aura-2-thalia-en".to_owned());
    assert_eq!(speaking(&[]), None);
    assert_eq!(speaking(&[("DEEPGRAM_API_KEY", KEY)]), Some(usual.clone()));
    assert_eq!(speaking(&[("OPENAI_API_KEY", KEY)]), None, "nobody asked for it");
    let openai = [("OPENAI_API_KEY", KEY), ("DEEPGRAM_API_KEY", KEY), ("INNKEEPER__TTS__PROVIDER", "openai")];
    let realtime = (
        TtsProvider::OpenAi,
        "https://api.openai.com/v1".to_owned(),
        "gpt-realtime".to_owned(),
        "marin".to_owned(),
    );
    assert_eq!(speaking(&openai), Some(realtime));
    let mixed: Vec<(&str, &str)> = openai.into_iter().chain([("INNKEEPER__TTS__LIVE", "deepgram")]).collect();
    assert_eq!(speaking(&mixed), Some(usual), "calls and notes may have another voice");
    let elevenlabs = [("ELEVENLABS_API_KEY", KEY), ("INNKEEPER__TTS__LIVE", "elevenlabs")];
    assert_eq!(speaking(&elevenlabs), None, "there is no voice that every account has");
    let voice = elevenlabs.into_iter().chain([("INNKEEPER__TTS__LIVE_VOICE", "Xb7h")]).collect::<Vec<_>>();
    let (by, _, model, voice) = speaking(&voice).expect("somebody speaks");
    assert_eq!((by, model.as_str(), voice.as_str()), (TtsProvider::ElevenLabs, "eleven_flash_v2_5", "Xb7h"));
}

#[test]
fn sounds_are_kept_beside_a_database_that_is_a_file() {
    let kept = |database: &str, variables: &[(&str, &str)]| {
        let variables = [("DEEPGRAM_API_KEY", KEY)].iter().chain(variables);
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let overrides = Overrides { database: Some(database.to_owned()), ..Overrides::default() };
        let config = Config::load(None, variables, overrides).expect("a configuration");
        config.speaking.expect("somebody speaks").cache.folder
    };
    assert_eq!(kept("sqlite:///var/lib/inn/keeper.db", &[]), Some("/var/lib/inn/innkeeper-sounds".into()));
    assert_eq!(kept("postgres://localhost/inn", &[]), Some("innkeeper-sounds".into()));
    assert_eq!(kept("sqlite::memory:", &[]), None);
    assert_eq!(kept("sqlite::memory:", &[("INNKEEPER__TTS__CACHE", "/tmp/s")]), Some("/tmp/s".into()));
    assert_eq!(kept("sqlite:///var/lib/inn/keeper.db", &[("INNKEEPER__TTS__CACHE", "off")]), None);
}

#[tokio::test]
async fn elevenlabs_speaks_voice_notes() {
    let booth = Booth::open(Vendor::ElevenLabs, Manner::at_once()).await;
    let config = config(&[
        ("ELEVENLABS_API_KEY", KEY),
        ("INNKEEPER__TTS__PROVIDER", "elevenlabs"),
        ("INNKEEPER__TTS__VOICE", "Xb7h"),
        ("INNKEEPER__ELEVENLABS__BASE_URL", &booth.double.elevenlabs()),
        ("INNKEEPER__WHATSAPP__VOICE_REPLY", "voice-notes"),
    ]);
    let voice = app::voice(&config, Arc::new(SystemClock)).expect("a client").expect("a voice");
    let sound = voice.say("Two nights.").await.expect("a sound");
    assert!(sound.bytes.starts_with(b"OggS"));
    assert_eq!(booth.double.said(), ["Two nights."]);
    assert!(booth.double.connections()[0].asked.starts_with("/v1/text-to-speech/Xb7h?"));
}

fn config(variables: &[(&str, &str)]) -> Config {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let overrides = Overrides { database: Some("sqlite::memory:".to_owned()), ..Overrides::default() };
    Config::load(None, variables, overrides).expect("a configuration")
}

#[tokio::test]
async fn prompts_without_facts_are_fixed_and_those_with_facts_only_between_them() {
    let fixed = app::fixed_in_all_languages(&config(&[])).await.expect("the fixed pieces");
    let fixed = &fixed[0];
    for piece in [
        "I can book a room, look after a booking, or answer a question.",
        "How may I help you?",
        "Shall I cancel it?",
        "You're very welcome.",
        "For a colleague, just say: a person, please. ",
    ] {
        assert_eq!(fixed.keep(piece), Keep::Disk, "{piece:?} in {:#?}", fixed.pieces());
    }
    assert!(fixed.keep("Hello, this is Lantern Bay Hotel.") == Keep::Disk, "{:#?}", fixed.pieces());
    assert_eq!(fixed.keep("Hello Ana, good to hear from you again."), Keep::Never);
    let tags = fixed.pieces().into_iter().filter(|piece| piece.contains(['{', '}', '%', '*'])).count();
    assert_eq!(tags, 0, "{:#?}", fixed.pieces());
    assert!(fixed.pieces().len() > 60, "{}", fixed.pieces().len());
}

struct Ran {
    code: Option<i32>,
    output: String,
    errors: String,
}

async fn warm(folder: &Folder, variables: &BTreeMap<&str, String>, options: &[&str]) -> Ran {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().current_dir(folder.file("")).kill_on_drop(true).envs(variables);
    command.args(["--database", folder.database_url().as_str(), "voice", "warm"]).args(options);
    let ran = tokio::time::timeout(PATIENCE, command.output()).await.expect("an end in time");
    let ran = ran.expect("the program's output");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { code: ran.status.code(), output: text(ran.stdout), errors: text(ran.stderr) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cache_is_warmed_by_a_command() {
    let folder = Folder::new();
    let dry = warm(&folder, &BTreeMap::new(), &["--dry-run"]).await;
    assert!(dry.code == Some(0), "{}", dry.errors);
    assert!(dry.output.contains("How may I help you?\n"), "{}", dry.output);
    let count = dry.output.lines().count();
    assert!(dry.errors.contains(&format!("0 were there, {count} would be made")), "{}", dry.errors);
    let off = warm(&folder, &BTreeMap::new(), &[]).await;
    assert!(off.code == Some(1) && off.errors.contains("set a key"), "{}", off.errors);

    let double =
        VoicesDouble::start(Arc::new(SystemClock), Manner { flushes: 10_000, ..Manner::at_once() }).await;
    double.troubles([Trouble::None, Trouble::Refused("no_such_words")]);
    let variables = BTreeMap::from([
        ("INNKEEPER__TTS__PROVIDER", "openai".to_owned()),
        ("OPENAI_API_KEY", KEY.to_owned()),
        ("INNKEEPER__OPENAI__BASE_URL", double.openai()),
    ]);
    let ran = warm(&folder, &variables, &[]).await;
    assert_eq!(ran.code, Some(1), "one failed: {}{}", ran.output, ran.errors);
    assert_eq!(ran.output, format!("0 were there, {} made, 1 failed.\n", count - 1));
    assert!(ran.errors.contains("no_such_words"), "{}", ran.errors);
    let again = warm(&folder, &variables, &[]).await;
    assert!(again.code == Some(0), "{}", again.errors);
    assert_eq!(again.output, format!("{} were there, 1 made, 0 failed.\n", count - 1));
    let dry = warm(&folder, &variables, &["--dry-run"]).await;
    assert_eq!((dry.output.as_str(), double.said().len()), ("", count));
}
