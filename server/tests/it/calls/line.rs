//! A line that carries sound, with ears that hear what a test says and a voice whose words are counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use innkeeper::call::{Calls, Phase};
use innkeeper::channel::line::{BYTES_PER_MS, Call, Callee as _, FromSound, Line, ToSound};
use innkeeper::clock::ManualClock;
use innkeeper::message::ChannelName;
use innkeeper::speech::SpeechFault;
use innkeeper::stt::Hints;
use innkeeper::stt::live::{Feed, Heard, LiveRecogniser, Session};
use innkeeper::tts::live::{LiveVoice, Mouth, Order, Spoken};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::rig::{Hotel, Switch, caller};
use crate::rig::PATIENCE;

/// So long a byte of words is spoken.
const MS_PER_LETTER: usize = 60;

/// So often the far end looks.
const TICK_MS: u64 = 10;

/// Ears that hear what a test says.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    /// What the session that is open says, and what it was fed.
    open: Mutex<Option<mpsc::Sender<Heard>>>,
    pub(crate) fed: Arc<Mutex<Vec<Feed>>>,
}

#[async_trait]
impl LiveRecogniser for Ears {
    async fn open(&self, _hints: &Hints) -> Result<Session, SpeechFault> {
        let (feed, mut fed) = mpsc::channel(64);
        let (says, heard) = mpsc::channel(64);
        *self.open.lock().expect("a session") = Some(says);
        let all = Arc::clone(&self.fed);
        tokio::spawn(async move {
            while let Some(feed) = fed.recv().await {
                all.lock().expect("a list").push(feed);
            }
        });
        Ok(Session { feed, heard })
    }
}

/// A voice that says everything at once, and writes down what it was told.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    pub(crate) told: Arc<Mutex<Vec<Order>>>,
    lost: Mutex<Option<mpsc::Sender<()>>>,
}

#[async_trait]
impl LiveVoice for Voice {
    fn identity(&self) -> &str {
        "a test's"
    }

    async fn open(&self) -> Result<Mouth, SpeechFault> {
        let (orders, mut ordered) = mpsc::channel::<Order>(64);
        let (spoken, sounds) = mpsc::channel(64);
        let (lose, mut lost) = mpsc::channel(1);
        *self.lost.lock().expect("a way") = Some(lose);
        let told = Arc::clone(&self.told);
        tokio::spawn(async move {
            loop {
                let order = tokio::select! {
                    order = ordered.recv() => order,
                    _ = lost.recv() => None,
                };
                let Some(order) = order else { return };
                told.lock().expect("a list").push(order.clone());
                if let Order::Say { utterance, text, .. } = order {
                    let bytes = vec![1; text.len() * MS_PER_LETTER * BYTES_PER_MS];
                    let _ = spoken.send(Spoken::Sound { utterance, bytes }).await;
                    let _ = spoken.send(Spoken::Done { utterance }).await;
                }
            }
        });
        Ok(Mouth { orders, spoken: sounds })
    }
}

impl Voice {
    /// What it was told to say.
    pub(crate) fn texts(&self) -> Vec<String> {
        let told = self.told.lock().expect("a list");
        let text =
            |order: &Order| if let Order::Say { text, .. } = order { Some(text.clone()) } else { None };
        told.iter().filter_map(text).collect()
    }

    /// The provider is gone.
    pub(crate) async fn goes_away(&self) {
        let lose = self.lost.lock().expect("a way").take().expect("an open session");
        lose.send(()).await.expect("a session");
    }
}

/// A hotel with ears and a voice.
pub(crate) struct Sounding {
    pub(crate) hotel: Hotel,
    pub(crate) ears: Arc<Ears>,
    pub(crate) voice: Arc<Voice>,
    calls: Calls,
}

impl Sounding {
    pub(crate) async fn open() -> Self {
        let hotel = Hotel::open().await;
        let (ears, voice) = (Arc::new(Ears::default()), Arc::new(Voice::default()));
        let calls = hotel.calls.clone().with_speech(
            Some(Arc::<Ears>::clone(&ears)),
            Some(Arc::<Voice>::clone(&voice)),
            Hints::default(),
        );
        calls.keep_ready().await;
        voice.told.lock().expect("a list").clear();
        Self { hotel, ears, voice, calls }
    }

    pub(crate) fn rings(&self, id: &str, number: &str) -> Handset {
        self.rings_with(id, number, Switch::default())
    }

    pub(crate) fn rings_with(&self, id: &str, number: &str, switch: Switch) -> Handset {
        let (to_us, signals) = mpsc::channel(256);
        let (orders, from_us) = mpsc::channel(256);
        let control = Arc::new(switch);
        let call = Call {
            id: id.to_owned(),
            channel: ChannelName::Call,
            caller: caller(number),
            control: Arc::<Switch>::clone(&control) as _,
            line: Line::Sound { signals, orders },
        };
        let calls = self.calls.clone();
        let task = tokio::spawn(async move { calls.take(call).await });
        Handset {
            clock: self.hotel.clock.clone(),
            ears: Arc::clone(&self.ears),
            signals: to_us,
            orders: from_us,
            fifo: VecDeque::new(),
            played: 0,
            cleared: 0,
            control,
            task,
        }
    }
}

/// A caller's end of the line: plays what comes, first in first out, and gives marks back.
pub(crate) struct Handset {
    clock: ManualClock,
    ears: Arc<Ears>,
    signals: mpsc::Sender<FromSound>,
    orders: mpsc::Receiver<ToSound>,
    fifo: VecDeque<ToSound>,
    /// Bytes that were played.
    pub(crate) played: usize,
    /// Times that everything was dropped.
    pub(crate) cleared: usize,
    pub(crate) control: Arc<Switch>,
    task: JoinHandle<()>,
}

impl Handset {
    /// Time passes at the far end.
    pub(crate) async fn passes(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(TICK_MS) {
            self.settles().await;
            self.clock.advance(Duration::from_millis(TICK_MS));
            let mut left = usize::try_from(TICK_MS).expect("few") * BYTES_PER_MS;
            while let Some(order) = self.fifo.front_mut() {
                match order {
                    ToSound::Sound(bytes) if left > 0 => {
                        let some = bytes.len().min(left);
                        bytes.drain(..some);
                        left -= some;
                        self.played += some;
                        if bytes.is_empty() {
                            self.fifo.pop_front();
                        }
                    }
                    ToSound::Mark(name) => {
                        let name = std::mem::take(name);
                        self.fifo.pop_front();
                        let _ = self.signals.send(FromSound::Mark(name)).await;
                    }
                    ToSound::Sound(_) | ToSound::Clear => break,
                }
            }
        }
        self.settles().await;
    }

    /// Takes what came meanwhile.
    pub(crate) async fn settles(&mut self) {
        for _ in 0..30 {
            tokio::task::yield_now().await;
            while let Ok(order) = self.orders.try_recv() {
                if order == ToSound::Clear {
                    self.cleared += 1;
                    for dropped in std::mem::take(&mut self.fifo) {
                        if let ToSound::Mark(name) = dropped {
                            let _ = self.signals.send(FromSound::Mark(name)).await;
                        }
                    }
                } else {
                    self.fifo.push_back(order);
                }
            }
        }
    }

    /// Plays until it is the caller's turn.
    pub(crate) async fn hears(&mut self, hotel: &Hotel) {
        hotel.is(Phase::Talking).await;
        for _ in 0..4000 {
            self.passes(TICK_MS).await;
            if hotel.phase() == Phase::Listening {
                return;
            }
        }
        panic!("it never ends");
    }

    pub(crate) async fn heard(&self, heard: Heard) {
        let mut says = None;
        while says.is_none() {
            tokio::task::yield_now().await;
            says = self.ears.open.lock().expect("a session").clone();
        }
        let says = says.expect("open ears");
        says.send(heard).await.expect("a call");
    }

    /// The caller says something, all of it.
    pub(crate) async fn says(&mut self, words: &str) {
        self.heard(Heard::TurnStarted).await;
        self.passes(300).await;
        self.heard(Heard::Partial { words: words.to_owned() }).await;
        self.passes(300).await;
        self.heard(Heard::TurnEnded { words: words.to_owned(), confidence: Some(0.9) }).await;
        self.settles().await;
    }

    /// The caller presses a key.
    pub(crate) async fn presses(&mut self, digit: char) {
        let _ = self.signals.send(FromSound::Digit(digit)).await;
        self.settles().await;
    }

    pub(crate) async fn hangs_up(self) {
        let _ = self.signals.send(FromSound::Stopped).await;
        drop(self.orders);
        self.ears.open.lock().expect("a session").take();
        tokio::time::timeout(PATIENCE, self.task).await.expect("an end").expect("no panic");
    }

    /// The ears' provider is gone.
    pub(crate) fn goes_deaf(&self) {
        self.ears.open.lock().expect("a session").take();
    }
}
