//! The vendors' own libraries can read what the doubles say, and would have written what the adapters say.
//!
//! They are installed in a virtual environment below `tests/speech`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use innkeeper::stt::live::{Feed, Thresholds};
use serde_json::json;

use super::rig::{ALL, Call, THRESHOLDS, Which, said};
use crate::rig::loudly;
use crate::support::ears::sound::Speech;
use crate::support::ears::{Ears, End, Manner, Mood};

/// Set to `1` where the libraries must be there, so that their absence cannot go unnoticed.
const REQUIRE: &str = "INNKEEPER_REQUIRE_SPEECH_SDKS";

const HOW: &str = "python3 -m venv server/tests/speech/venv && server/tests/speech/venv/bin/pip install -r \
                   server/tests/speech/requirements.txt";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech")
}

/// The libraries' Python, where they are installed.
fn python() -> Option<Command> {
    let python = folder().join("venv/bin/python");
    if python.exists() {
        let mut command = Command::new(python);
        command.arg(folder().join("hearing.py")).current_dir(folder());
        return Some(command);
    }
    assert!(
        std::env::var_os(REQUIRE).is_none(),
        "{REQUIRE} is set, and the libraries for speech are not installed"
    );
    loudly(&format!(
        "SKIPPED: the vendors' libraries for speech are not installed; this runs these tests too: {HOW}"
    ));
    None
}

/// Calls in which everything is said that can be said.
async fn calls(which: Which, refuses: bool) -> Ears {
    let ears = Ears::start().await;
    ears.behave(Manner {
        refuses_configurations: refuses,
        fails_items: if refuses { vec![0, 1] } else { Vec::new() },
        ..Manner::default()
    });
    ears.moods([Mood::CutAfterSound(2000, End::Error(1011))]);
    let mut call = Call::open(which, &ears).await;
    call.says(Speech::new().pause(300).say("two nights").pause(180).say("please").pause(1200)).await;
    call.until(|heard| said(heard).len() == 1).await;
    ears.until(|visits| visits.len() == 2 && !visits[1].chunks.is_empty()).await;
    call.feed(Feed::Terms(vec!["Lindqvist".to_owned()])).await;
    call.feed(Feed::Thresholds(Thresholds { end: 0.8, eager: Some(0.4), silence_ms: 3000 })).await;
    call.feed(Feed::Thresholds(THRESHOLDS)).await;
    call.says(Speech::new().say("four two")).await;
    call.feed(Feed::EndTurn).await;
    call.feed(Feed::EndTurn).await;
    call.says(Speech::new().pause(2500)).await;
    call.until(|heard| said(heard).len() >= 2).await;
    call.end().await;
    ears.until(|visits| visits.iter().all(|visit| visit.ended.is_some())).await;
    ears
}

#[tokio::test]
async fn the_vendors_libraries_read_the_doubles_and_would_write_what_the_adapters_do() {
    let Some(mut python) = python() else { return };
    let mut lines = Vec::new();
    for which in ALL {
        let sdk = which.route();
        for refuses in [false, true] {
            for visit in calls(which, refuses).await.visits() {
                assert_eq!(visit.wrongs, [] as [String; 0], "{which:?}");
                if which != Which::Realtime {
                    lines.push(json!({"sdk": sdk, "from": "query", "message": visit.query}));
                }
                let sent = visit.sent.iter().map(|message| ("server", message));
                let received = visit.received.iter().map(|message| ("client", message));
                let messages = sent.chain(received);
                lines.extend(
                    messages.map(|(from, message)| json!({"sdk": sdk, "from": from, "message": message})),
                );
            }
        }
        if which == Which::Realtime {
            let sound = json!({"type": "input_audio_buffer.append", "audio": "fw=="});
            lines.push(json!({"sdk": sdk, "from": "client", "message": sound}));
        }
        if which == Which::V1 {
            lines.push(json!({"sdk": sdk, "from": "client", "message": {"type": "KeepAlive"}}));
        }
    }
    for (sdk, kind) in [
        ("flux", "ConfigureSuccess"),
        ("flux", "ConfigureFailure"),
        ("flux", "Error"),
        ("v1", "SpeechStarted"),
        ("v1", "UtteranceEnd"),
        ("v1", "Metadata"),
        ("v1", "ConfigureSuccess"),
        ("realtime", "session.updated"),
        ("realtime", "conversation.item.input_audio_transcription.failed"),
        ("realtime", "error"),
    ] {
        assert!(
            lines.iter().any(|line| line["sdk"] == sdk && line["message"]["type"] == kind),
            "{sdk} {kind}"
        );
    }
    let mut child =
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("Python");
    let mut input = child.stdin.take().expect("its input");
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("its output");
    writing.join().expect("a writer").expect("its input");
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{errors}");
    println!("{}", out.trim());
}
