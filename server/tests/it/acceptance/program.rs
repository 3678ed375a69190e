//! The program as its users start it, away from whatever this machine is configured for.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use innkeeper::clock::SystemClock;
use innkeeper::message::GuestKey;
use innkeeper::store::{Database, Status};
use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::rig::{Folder, morning};
use crate::support::twilio::{ACCOUNT, PUBLIC, SENDER, TOKEN, TwilioDouble, message};

/// The day it is at the hotel in every test.
pub(super) const TODAY: &str = "2026-12-01";

/// The guest of most tests.
pub(super) const ANA: &str = "whatsapp:+34600000001";

pub(super) const WHATSAPP: &str = "/twilio/whatsapp";

/// What comes of anything here comes within this time, on however slow a machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// The program on the database of this folder, with an empty environment.
pub(super) fn innkeeper(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().current_dir(folder.file("")).kill_on_drop(true);
    command.args(["--database", folder.database_url().as_str(), "--today", TODAY]);
    command
}

/// A program that ended.
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) output: String,
    pub(super) errors: String,
}

/// Runs a command to its end with these lines on standard input.
pub(super) async fn run(mut command: Command, lines: &[&str]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    let mut input = child.stdin.take().expect("standard input");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let write = async move {
        // A program that stops reading says why itself.
        let _ = input.write_all(text.as_bytes()).await;
    };
    let ran = async { tokio::join!(child.wait_with_output(), write).0.expect("the program's output") };
    let output = tokio::time::timeout(PATIENCE, ran).await.expect("an end in time");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { status: output.status, output: text(output.stdout), errors: text(output.stderr) }
}

/// A conversation through `chat --json`: what came of every line.
pub(super) async fn chat(mut command: Command, options: &[&str], lines: &[&str]) -> Vec<Json> {
    command.args(["chat", "--json"]).args(options);
    let ran = run(command, lines).await;
    assert!(ran.status.success(), "{}{}", ran.output, ran.errors);
    let turns: Vec<Json> =
        ran.output.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(turns.len(), lines.len(), "a line a turn: {}", ran.output);
    turns
}

/// The replies of a turn, in one text.
pub(super) fn said(turn: &Json) -> String {
    let replies = turn["replies"].as_array().expect("replies");
    let texts: Vec<&str> = replies.iter().map(|reply| reply["text"].as_str().expect("a text")).collect();
    texts.join("\n")
}

/// The ids of the buttons of a turn.
pub(super) fn buttons(turn: &Json) -> Vec<&str> {
    let replies = turn["replies"].as_array().expect("replies");
    let buttons = replies.iter().flat_map(|reply| reply["buttons"].as_array().expect("buttons"));
    buttons.map(|button| button["id"].as_str().expect("an id")).collect()
}

/// The tools that were called in some turns.
pub(super) fn called(turns: &[Json]) -> Vec<&str> {
    let tools = turns.iter().flat_map(|turn| turn["tools"].as_array().expect("tools"));
    tools.map(|tool| tool["name"].as_str().expect("a name")).collect()
}

/// What `hotel bookings --json` lists.
pub(super) async fn bookings(folder: &Folder) -> Vec<Json> {
    let mut command = innkeeper(folder);
    command.args(["hotel", "bookings", "--json"]);
    let ran = run(command, &[]).await;
    assert!(ran.status.success(), "{}", ran.errors);
    serde_json::from_str(&ran.output).expect("a list")
}

/// `innkeeper serve`, on a port of its own.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it and waits until it says where it listens.
    pub(super) async fn start(command: Command) -> Self {
        Self::start_telling(command, Stdio::null()).await
    }

    /// The same with somewhere for its log.
    pub(super) async fn start_telling(command: Command, log: Stdio) -> Self {
        Self::begun(command, log).await.expect("a program that says where it listens")
    }

    /// The same where it may not come that far.
    pub(super) async fn try_start_telling(command: Command, log: Stdio) -> Option<Self> {
        Self::begun(command, log).await
    }

    async fn begun(mut command: Command, log: Stdio) -> Option<Self> {
        command.env("INNKEEPER__SERVER__BIND", "127.0.0.1:0").arg("serve");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the program");
        let mut output = BufReader::new(child.stdout.take().expect("standard output"));
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, output.read_line(&mut line));
        read.await.expect("a start in time").expect("a line");
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split('/').next());
        let address = address?.parse().expect("an address");
        Some(Self { child, address, _output: output })
    }

    /// Waits for a moment, or until it has died or `is_over`; says whether it died.
    pub(super) async fn lives_for(mut self, moment: Duration, is_over: impl Fn() -> bool) -> (Self, bool) {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let mut left = moment.as_millis() / 20;
        while left > 0 && !is_over() {
            if self.child.try_wait().expect("a program").is_some() {
                return (self, true);
            }
            ticks.tick().await;
            left -= 1;
        }
        (self, false)
    }

    /// Ends it at once.
    pub(super) async fn kill(&mut self) {
        self.child.kill().await.expect("SIGKILL");
    }

    /// Ends it as a power cut would.
    pub(super) async fn kill_9(mut self) {
        self.child.kill().await.expect("SIGKILL");
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The counts of inbound messages by outcome.
    pub(super) async fn outcomes(&self) -> Vec<(String, u64)> {
        let response = reqwest::get(self.url("/metrics")).await.expect("an answer");
        let text = response.text().await.expect("text");
        let counts = text.lines().filter_map(|line| {
            let (outcome, count) =
                line.strip_prefix("innkeeper_inbound_messages{outcome=\"")?.split_once("\"} ")?;
            Some((outcome.to_owned(), count.parse().expect("a number")))
        });
        counts.collect()
    }

    /// The same once nothing is pending.
    pub(super) async fn settled(&self) -> Vec<(String, u64)> {
        let settled = async {
            loop {
                let outcomes = self.outcomes().await;
                if !outcomes.iter().any(|(outcome, count)| outcome == "pending" && *count > 0) {
                    return outcomes;
                }
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("outcomes in time")
    }
}

/// A hotel on WhatsApp: the database, Twilio, and what is known to both.
pub(super) struct Line {
    pub(super) folder: Folder,
    pub(super) twilio: TwilioDouble,
}

impl Line {
    pub(super) async fn open() -> Self {
        Self { folder: Folder::new(), twilio: TwilioDouble::start(morning()).await }
    }

    /// The program with an account at Twilio.
    pub(super) fn innkeeper(&self) -> Command {
        let mut command = innkeeper(&self.folder);
        command.env("TWILIO_ACCOUNT_SID", ACCOUNT).env("TWILIO_AUTH_TOKEN", TOKEN);
        command.env("INNKEEPER__TWILIO__BASE_URL", self.twilio.base_url());
        command.env("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC);
        command.env("INNKEEPER__TWILIO__WHATSAPP_FROM", SENDER.trim_start_matches("whatsapp:"));
        command
    }

    /// A guest's message, delivered once; answers with the status.
    pub(super) async fn deliver(&self, server: &Server, sid: &str, from: &str, text: &str) -> u16 {
        self.twilio.post(server.address, WHATSAPP, &message(sid, from, text)).await.0
    }

    /// Waits until the guest's telephone shows so many messages and the program knows it, and returns them.
    pub(super) async fn shown(&self, guest: &str, count: usize) -> Vec<String> {
        let store =
            Database::open(&self.folder.database_url(), Arc::new(SystemClock)).await.expect("the database");
        let key = GuestKey::new(guest);
        let shown = async {
            loop {
                let rows = store.outgoing_to(&key).await.expect("rows");
                if rows.iter().filter(|row| row.status == Status::Sent).count() >= count {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, shown).await.expect("messages in time");
        store.close().await.expect("a closed database");
        self.twilio.phone_of(guest)
    }
}

#[tokio::test]
async fn a_line_of_a_program_that_says_nothing_is_told_and_not_taken() {
    for line in
        [r#"{}"#, r#"{"note":""}"#, r#"{"text":"  "}"#, r#"{"button":""}"#, r#"{"text":"hello","note":" "}"#]
    {
        let folder = Folder::new();
        let mut command = innkeeper(&folder);
        command.args(["chat", "--json"]);
        let ran = run(command, &["hello", line]).await;
        assert_eq!(ran.status.code(), Some(2), "{line}: {}", ran.output);
        assert!(ran.errors.contains(&format!("{line} says nothing; expected plain text")), "{}", ran.errors);
        assert_eq!(ran.output.lines().count(), 1, "{line}: the turn before was taken: {}", ran.output);
    }
}
