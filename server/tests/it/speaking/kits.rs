//! The vendors' own libraries read what the doubles say, and would say what the adapters say.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::mouth::{Booth, Ear, VENDORS, Vendor};
use crate::rig::{loudly, until};
use crate::support::voices::{Manner, Trouble};

/// Set to `1` where the libraries must be there, so that their absence cannot go unnoticed.
const REQUIRE: &str = "INNKEEPER_REQUIRE_SPEECH_SDKS";

const HOW: &str = "python3 -m venv server/tests/speech/venv && server/tests/speech/venv/bin/pip install -r \
                   server/tests/speech/requirements.txt";

/// A talk in which everything is said that the two sides say.
async fn talk(vendor: Vendor) -> Vec<Value> {
    let booth = Booth::open(vendor, Manner { flushes: 4, ..Manner::at_once() }).await;
    let mut ear = booth.listen().await;
    ear.say(1, "Good evening. “Señora”, 50 % & more?").await;
    ear.end_of(1).await;
    ear.say(2, "This is called off.").await;
    ear.say(3, "This, too.").await;
    ear.taken().await;
    until("it was asked", async || booth.double.said().len() > 1).await;
    ear.cancel(3).await;
    booth.double.troubles([Trouble::Warn { code: "SOMETHING" }]);
    ear.say(4, "And this is said.").await;
    ear.end_of(4).await;
    if vendor == Vendor::OpenAi {
        let troubles = [
            Trouble::Ends { status: "failed", reason: "rate_limit_exceeded", after: 100 },
            Trouble::Ends { status: "incomplete", reason: "content_filter", after: 100 },
            Trouble::Refused("invalid_value"),
        ];
        for (id, trouble) in (5..).zip(troubles) {
            booth.double.troubles([trouble]);
            ear.say(id, "This is not said.").await;
            ear.end_of(id).await;
        }
    }
    if vendor == Vendor::ElevenLabs {
        booth.clock.advance(std::time::Duration::from_secs(10));
        until("it is kept", async || booth.double.received().iter().any(|(_, said)| said["text"] == ""))
            .await;
    }
    let Ear { mouth, .. } = ear;
    drop(mouth);
    until("it is over", async || booth.double.ended() == booth.double.connections().len()).await;
    let name = match vendor {
        Vendor::Deepgram => "deepgram",
        Vendor::ElevenLabs => "elevenlabs",
        Vendor::OpenAi => "openai",
    };
    let ours = booth.double.received().into_iter().map(|(_, said)| ("client", said));
    let theirs = booth.double.sent().into_iter().map(|said| ("server", said));
    ours.chain(theirs)
        .map(|(from, message)| json!({"vendor": name, "from": from, "message": message}))
        .collect()
}

#[tokio::test]
async fn the_vendors_own_types_read_the_doubles_and_write_what_we_write() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech");
    let python = folder.join("venv/bin/python");
    if !python.exists() {
        assert!(
            std::env::var_os(REQUIRE).is_none(),
            "{REQUIRE} is set, and the vendors' libraries are not installed"
        );
        loudly(&format!(
            "SKIPPED: the vendors' libraries are not installed; this runs these tests too: {HOW}"
        ));
        return;
    }
    let mut asked = Vec::new();
    for vendor in VENDORS {
        asked.extend(talk(vendor).await);
    }
    for kind in
        ["Speak", "Flush", "Clear", "Flushed", "Cleared", "Warning", "Metadata", "response.cancel", "error"]
    {
        assert!(asked.iter().any(|line| line["message"]["type"] == kind), "{kind} was said");
    }
    let mut child = Command::new(python)
        .arg(folder.join("voices.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let lines: String = asked.iter().map(|line| format!("{line}\n")).collect();
    let mut input = child.stdin.take().expect("standard input");
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()).expect("lines"));
    let output = child.wait_with_output().expect("answers").stdout;
    writing.join().expect("all lines");
    let answers: Vec<Value> = String::from_utf8(output)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("an answer"))
        .collect();
    assert_eq!(answers.len(), asked.len());
    for (asked, answer) in asked.iter().zip(&answers) {
        assert!(answer["error"].is_null(), "{answer} for {asked}");
        let theirs: Vec<&str> =
            answer["unknown"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
        let mut message = asked["message"].clone();
        for unknown in theirs {
            assert_eq!((asked["from"].as_str(), unknown), (Some("server"), "something_new"), "{asked}");
            message.as_object_mut().expect("an object").remove(unknown);
        }
        let mut answered = answer["message"].clone();
        answered.as_object_mut().expect("an object").remove("something_new");
        assert_eq!(answered, message);
    }
}
