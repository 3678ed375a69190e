//! ConversationRelay, Twilio's side: it hears and speaks, by a clock instead of a voice.

use std::collections::VecDeque;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::call::{Command, Event, Outcome, Run};
use super::twiml::Element;
use super::wire::Socket;

/// How long a letter takes to be said.
const LETTER: Duration = Duration::from_millis(60);

/// How long a word takes the caller.
const WORD: Duration = Duration::from_millis(200);

/// How long the server may take to answer a close.
const GOODBYE: Duration = Duration::from_secs(5);

/// A token that is to be said.
struct Token {
    text: String,
    last: bool,
    interruptible: bool,
}

struct Session<'a> {
    run: &'a mut Run,
    queue: VecDeque<Token>,
    /// When the token at the front was begun.
    head: Instant,
    /// What was said in this talk before that, and since when.
    said: String,
    since: Option<Instant>,
    partials: bool,
    /// What the caller will say, and when.
    caller: VecDeque<(Instant, Json)>,
}

/// Talks until one side ends it.
pub(super) async fn run(run: &mut Run, mut socket: Socket, noun: &Element) -> Outcome {
    let partials = noun.attribute("partialPrompts") == Some("true");
    let setup = json!({"type": "setup", "sessionId": format!("VX{:0>32x}", run.number),
        "accountSid": run.exchange.0.account.sid, "parentCallSid": "", "callSid": run.sid, "from": run.from,
        "to": run.to, "forwardedFrom": "", "callType": "PSTN", "callerName": "", "direction": "inbound",
        "callStatus": "RINGING", "conversationId": "conv_1", "customParameters": noun.parameters()});
    if socket.send(Message::text(setup.to_string())).await.is_err() {
        return Outcome::Next;
    }
    let session = Session {
        queue: VecDeque::new(),
        head: Instant::now(),
        said: String::new(),
        since: None,
        partials,
        caller: VecDeque::new(),
        run,
    };
    session.go(socket).await
}

impl Session<'_> {
    async fn go(mut self, mut socket: Socket) -> Outcome {
        loop {
            let spoken = self.queue.front().map(|token| self.head + length(&token.text));
            let caller = self.caller.front().map(|(at, _)| *at);
            let wake = spoken.into_iter().chain(caller).min();
            let mut ours = Vec::new();
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        if let Some(handed) = self.obey(&text, &mut ours) {
                            let goodbye = async {
                                socket.close(None).await.ok()?;
                                while let Some(Ok(_)) = socket.next().await {}
                                Some(())
                            };
                            let _ = timeout(GOODBYE, goodbye).await;
                            return Outcome::Handed(handed);
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => {
                        self.run.note(Event::Closed);
                        return Outcome::Next;
                    }
                    Some(Ok(_)) => {}
                },
                () = sleep_until(wake.unwrap_or(self.head)), if wake.is_some() => self.advance(&mut ours),
                command = self.run.commands.recv() => match command {
                    Some(Command::Words(words)) => self.speak(&words, &mut ours),
                    Some(Command::Press(key)) => ours.push(json!({"type": "dtmf", "digit": key.to_string()})),
                    Some(Command::Raw(message)) => {
                        let _ = socket.send(Message::text(message)).await;
                    }
                    Some(Command::Cut) => return Outcome::Next,
                    Some(Command::HangUp) | None => {
                        let _ = timeout(GOODBYE, socket.close(None)).await;
                        return Outcome::Gone;
                    }
                    Some(Command::Replace(document)) => {
                        let _ = timeout(GOODBYE, socket.close(None)).await;
                        return Outcome::Replaced(document);
                    }
                    Some(Command::Sound(_) | Command::Stall(_)) => panic!("a session carries words"),
                },
            }
            for message in ours {
                if socket.send(Message::text(message.to_string())).await.is_err() {
                    self.run.note(Event::Closed);
                    return Outcome::Next;
                }
            }
        }
    }

    /// What the server sent; what it hands over where that ends the session.
    fn obey(&mut self, text: &str, ours: &mut Vec<Json>) -> Option<Option<String>> {
        let message: Json = serde_json::from_str(text).unwrap_or_default();
        match message["type"].as_str() {
            Some("text") if message["token"].is_string() => {
                let token = Token {
                    text: message["token"].as_str().unwrap_or_default().to_owned(),
                    last: message["last"] == true,
                    interruptible: message["interruptible"] != false,
                };
                let now = Instant::now();
                if self.queue.is_empty() {
                    self.head = now;
                }
                if self.since.is_none() {
                    self.since = Some(now);
                    ours.push(info("agentSpeaking", "on"));
                }
                self.queue.push_back(token);
            }
            Some("end") => {
                return Some(message["handoffData"].as_str().map(str::to_owned));
            }
            Some("play" | "sendDigits" | "language") => {}
            _ => {
                self.run.note(Event::Warned(64107));
                ours.push(
                    json!({"type": "error", "description": format!("Invalid message received: {text}")}),
                );
            }
        }
        None
    }

    /// Says and hears what is due.
    fn advance(&mut self, ours: &mut Vec<Json>) {
        let now = Instant::now();
        while let Some(token) = self.queue.front() {
            let end = self.head + length(&token.text);
            if end > now {
                break;
            }
            let token = self.queue.pop_front().expect("the token");
            self.head = end;
            self.heard(end, &token.text);
            ours.push(info("tokensPlayed", &token.text));
            self.said.push_str(&token.text);
            if token.last && self.queue.is_empty() {
                self.silent(ours);
            }
        }
        while let Some((at, _)) = self.caller.front()
            && *at <= now
        {
            ours.extend(self.caller.pop_front().map(|(_, message)| message));
        }
    }

    fn silent(&mut self, ours: &mut Vec<Json>) {
        self.said.clear();
        if self.since.take().is_some() {
            ours.push(info("agentSpeaking", "off"));
        }
    }

    /// The caller speaks: over us, where that is allowed.
    fn speak(&mut self, words: &str, ours: &mut Vec<Json>) {
        self.advance(ours);
        let now = Instant::now();
        ours.push(info("clientSpeaking", "on"));
        if let Some(token) = self.queue.front().filter(|token| token.interruptible) {
            let letters = (now - self.head).as_millis() / LETTER.as_millis();
            let part: String = token.text.chars().take(letters as usize).collect();
            // Up to the last whole word.
            let part = part.rfind(' ').map_or("", |at| &part[..at]).to_owned();
            self.heard(now, &part);
            let heard = format!("{}{part}", self.said).trim().to_owned();
            let after = self.since.map_or(0, |since| (now - since).as_millis());
            self.queue.clear();
            self.silent(ours);
            self.run.note(Event::Interrupted(heard.clone()));
            ours.push(json!({"type": "interrupt", "utteranceUntilInterrupt": heard,
                "durationUntilInterruptMs": after.to_string()}));
        }
        let all: Vec<&str> = words.split_whitespace().collect();
        let mut at = now;
        for count in 1..=all.len() {
            at += WORD;
            let last = count == all.len();
            if last || self.partials {
                let prompt = json!({"type": "prompt", "voicePrompt": all[..count].join(" "), "lang": "en-US",
                    "last": last, "streamSid": "unheard of"});
                self.caller.push_back((at, prompt));
            }
        }
        self.caller.push_back((at, info("clientSpeaking", "off")));
    }

    fn heard(&self, at: Instant, words: &str) {
        if !words.is_empty() {
            let at = at - self.run.began;
            self.run.seen.send_modify(|seen| seen.words.push((at, words.to_owned())));
        }
    }
}

fn length(text: &str) -> Duration {
    LETTER * u32::try_from(text.chars().count()).expect("a short text")
}

fn info(name: &str, value: &str) -> Json {
    json!({"type": "info", "name": name, "value": value, "ts": 1_752_091_234_567_u64})
}
