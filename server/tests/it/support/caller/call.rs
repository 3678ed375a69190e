//! One call: what the caller does, what happens to them, and the TwiML that is followed.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::exchange::Exchange;
use super::play::Piece;
use super::sign::sign;
use super::twiml::{Element, parse};
use super::wire::Socket;
use super::{relay, stream};

/// How long a test waits, on the busiest machine; of a paused clock, whatever that is.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the caller does.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Speaks, after what was spoken before: µ-law for a stream.
    Sound(Vec<u8>),
    /// Speaks: words for a session.
    Words(String),
    /// Presses a key.
    Press(char),
    /// Hangs up.
    HangUp,
    /// The network breaks.
    Cut,
    /// The network takes nothing of ours any more, or does again.
    Stall(bool),
    /// Sends this as it is.
    Raw(String),
    /// Other TwiML is to be followed.
    Replace(String),
}

/// How far a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The webhook was not answered yet, or what the answer says is being done.
    #[default]
    Between,
    /// A socket is open.
    Connected,
    /// It is over.
    Over,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A webhook was answered, with this TwiML.
    Answered(u16, String),
    /// A socket was opened.
    Opened,
    /// A socket was refused, with this status.
    Refused(Option<u16>),
    /// The play head passed a mark, or it was given back at once.
    Mark(String),
    /// A clear came when so much was queued.
    Cleared(Duration),
    /// Something was not as Twilio wants it: the code.
    Warned(u32),
    /// The caller was silenced by speaking: so much had been heard.
    Interrupted(String),
    /// The server closed the socket.
    Closed,
    /// Twilio's own voice said this.
    Said(String),
    /// A number was called, under this one.
    Dialled(String, Option<String>),
    /// We ended the call by TwiML or REST.
    HungUp,
}

/// What is known about a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) stage: Stage,
    /// What happened, and when since it rang.
    pub(crate) events: Vec<(Duration, Event)>,
    /// What was heard, by when since it rang.
    pub(crate) heard: Vec<Piece>,
    /// The words that were heard, and when they ended.
    pub(crate) words: Vec<(Duration, String)>,
    /// So many frames were sent.
    pub(crate) frames: u64,
}

impl Seen {
    /// How much was heard, in milliseconds.
    pub(crate) fn heard_ms(&self) -> usize {
        self.heard.iter().map(|piece| piece.bytes).sum::<usize>() / 8
    }

    /// What was heard, without its pauses.
    pub(crate) fn sound(&self) -> Vec<u8> {
        self.heard.iter().flat_map(|piece| piece.sound.iter().copied()).collect()
    }

    /// The marks that were given back, in order.
    pub(crate) fn marks(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Mark(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }

    /// When something happened first.
    pub(crate) fn when(&self, is_it: impl Fn(&Event) -> bool) -> Option<Duration> {
        self.events.iter().find(|(_, event)| is_it(event)).map(|(at, _)| *at)
    }

    /// Whether something happened.
    pub(crate) fn has(&self, event: &Event) -> bool {
        self.events.iter().any(|(_, other)| other == event)
    }
}

/// A call, as the caller has it. Dropping it leaves the call as it is.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its id.
    pub(crate) sid: String,
    commands: mpsc::UnboundedSender<Command>,
    seen: watch::Receiver<Seen>,
}

impl Call {
    pub(super) fn new(
        sid: String,
        commands: mpsc::UnboundedSender<Command>,
        seen: watch::Receiver<Seen>,
    ) -> Self {
        Self { sid, commands, seen }
    }

    /// Speaks sound, after what was spoken before.
    pub(crate) fn speak(&self, sound: &[u8]) {
        self.command(Command::Sound(sound.to_vec()));
    }

    /// Speaks words, where words are carried.
    pub(crate) fn say(&self, words: &str) {
        self.command(Command::Words(words.to_owned()));
    }

    /// Presses a key.
    pub(crate) fn press(&self, key: char) {
        self.command(Command::Press(key));
    }

    /// Hangs up.
    pub(crate) fn hang_up(&self) {
        self.command(Command::HangUp);
    }

    /// The network between Twilio and the server breaks: nobody says goodbye.
    pub(crate) fn cut(&self) {
        self.command(Command::Cut);
    }

    /// The network takes nothing of the server's any more, or does again; the caller's frames still come.
    pub(crate) fn stall(&self, stalls: bool) {
        self.command(Command::Stall(stalls));
    }

    /// Sends a message as it is.
    pub(crate) fn raw(&self, message: &str) {
        self.command(Command::Raw(message.to_owned()));
    }

    /// What is known now.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Something of what is known now.
    pub(crate) fn peek<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.borrow())
    }

    /// What is known once something is so.
    pub(crate) async fn until(&self, is_so: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.clone();
        match timeout(PATIENCE, seen.wait_for(is_so)).await {
            Ok(Ok(found)) => found.clone(),
            Ok(Err(_)) | Err(_) => panic!("it never came about; {:?}", self.seen.borrow().events),
        }
    }

    /// What is known once the call is over.
    pub(crate) async fn over(&self) -> Seen {
        self.until(|seen| seen.stage == Stage::Over).await
    }

    fn command(&self, command: Command) {
        // A call that is over obeys nobody.
        let _ = self.commands.send(command);
    }
}

/// A call, as the exchange has it.
pub(super) struct Run {
    pub(super) exchange: Exchange,
    pub(super) sid: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) began: Instant,
    pub(super) seen: watch::Sender<Seen>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) number: u64,
}

/// How a socket ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What follows in the TwiML is done.
    Next,
    /// The same, after we said what goes to the action.
    Handed(Option<String>),
    /// The caller hung up.
    Gone,
    /// Other TwiML is done.
    Replaced(String),
}

impl Run {
    pub(super) async fn call(mut self) {
        let url = format!("{}/twilio/voice", self.exchange.0.account.public);
        let mut document = self.ask(&url, "ringing", &[]).await;
        while let Some(root) = document.take() {
            document = self.follow(root).await;
        }
        self.exchange.0.calls().remove(&self.sid);
        self.seen.send_modify(|seen| seen.stage = Stage::Over);
    }

    /// Asks the server what to do.
    async fn ask(&mut self, url: &str, status: &str, more: &[(&str, &str)]) -> Option<Element> {
        let mut form = self.exchange.form(&self.sid, &self.from, &self.to, status);
        form.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let Some((code, body)) = self.exchange.post(url, &form).await else {
            self.note(Event::Warned(11200));
            return None;
        };
        self.note(Event::Answered(code, body.clone()));
        if code != 200 {
            self.note(Event::Warned(11200));
            return None;
        }
        match parse(&body) {
            Ok(root) if root.name == "Response" => Some(root),
            Ok(_) | Err(_) => {
                self.note(Event::Warned(12100));
                None
            }
        }
    }

    /// Does what a document says; another one that takes its place.
    async fn follow(&mut self, root: Element) -> Option<Element> {
        for verb in root.children {
            match verb.name.as_str() {
                "Say" => self.note(Event::Said(verb.text.clone())),
                "Hangup" => {
                    self.note(Event::HungUp);
                    return None;
                }
                "Redirect" => return self.ask(&verb.text, "in-progress", &[]).await,
                "Dial" => {
                    let caller_id = verb.attribute("callerId").map(str::to_owned);
                    self.note(Event::Dialled(verb.text.clone(), caller_id));
                    let dialled = self.exchange.0.manner.dialled.clone();
                    if let Some(action) = verb.attribute("action") {
                        let more = [("DialCallStatus", dialled.as_str()), ("DialCallSid", "CA-dialled")];
                        return self.ask(action, "in-progress", &more).await;
                    }
                }
                "Connect" => {
                    let noun = verb.children.first().expect("<Connect> holds something").clone();
                    let outcome = match noun.name.as_str() {
                        "Stream" => self.stream(&noun).await,
                        "ConversationRelay" => self.relay(&noun).await,
                        other => panic!("<Connect> holds <{other}>"),
                    };
                    self.seen.send_modify(|seen| seen.stage = Stage::Between);
                    let handed = match outcome {
                        Outcome::Gone => return None,
                        Outcome::Replaced(document) => {
                            return Some(parse(&document).expect("the document that takes its place"));
                        }
                        Outcome::Next => None,
                        Outcome::Handed(data) => Some(data),
                    };
                    if let Some(action) = verb.attribute("action") {
                        let data = handed.clone().flatten().unwrap_or_default();
                        let more = match &handed {
                            Some(_) => vec![("SessionStatus", "ended"), ("HandoffData", data.as_str())],
                            None => vec![("SessionStatus", "failed"), ("ErrorCode", "64105")],
                        };
                        return self.ask(action, "in-progress", &more).await;
                    }
                }
                other => panic!("a verb nobody expects: <{other}>"),
            }
        }
        None
    }

    /// Opens a socket as Twilio does.
    async fn open(&mut self, url: &str) -> Option<Socket> {
        if !url.starts_with("wss://") || url.contains('?') {
            self.note(Event::Warned(31920));
            return None;
        }
        let signed = (self.exchange.0.manner.signed_as)(url);
        let signature = sign(&self.exchange.0.account.token, &signed, &[]);
        let path = self.exchange.path(url)?.to_owned();
        match self.exchange.0.wire.open(url, &path, Some(&signature)).await {
            Ok(socket) => {
                self.note(Event::Opened);
                self.seen.send_modify(|seen| seen.stage = Stage::Connected);
                Some(socket)
            }
            Err(status) => {
                self.note(Event::Refused(status));
                self.note(Event::Warned(31920));
                None
            }
        }
    }

    async fn stream(&mut self, noun: &Element) -> Outcome {
        if let Some(status) = noun.attribute("statusCallback") {
            let form = self.exchange.form(&self.sid, &self.from, &self.to, "in-progress");
            let form = [form, vec![("StreamEvent".to_owned(), "stream-started".to_owned())]].concat();
            let (exchange, status) = (self.exchange.clone(), status.to_owned());
            tokio::spawn(async move { exchange.post(&status, &form).await });
        }
        match self.open(noun.wants("url")).await {
            Some(socket) => stream::run(self, socket, noun.parameters()).await,
            None => Outcome::Next,
        }
    }

    async fn relay(&mut self, noun: &Element) -> Outcome {
        match self.open(noun.wants("url")).await {
            Some(socket) => relay::run(self, socket, noun).await,
            None => Outcome::Next,
        }
    }

    pub(super) fn note(&self, event: Event) {
        let at = Instant::now() - self.began;
        self.seen.send_modify(|seen| seen.events.push((at, event)));
    }
}
