//! A voice of every vendor, and somebody who listens to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use innkeeper::clock::ManualClock;
use innkeeper::tts::live::{Keep, Limits, LiveVoice, Mouth, Order, Spoken, UtteranceId};
use innkeeper::tts::{DeepgramLive, ElevenLabsLive, RealtimeLive};
use secrecy::SecretString;

use crate::rig::standing_clock;
use crate::support::voices::{KEY, Manner, VoicesDouble};

/// What comes of anything here comes within this time, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) const LIMITS: Limits =
    Limits { connect: Duration::from_secs(2), silent: Duration::from_millis(1000) };

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vendor {
    Deepgram,
    ElevenLabs,
    OpenAi,
}

pub(super) const VENDORS: [Vendor; 3] = [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::OpenAi];

/// How an utterance ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Failed(String),
}

/// A vendor's double on a clock that stands still.
pub(super) struct Booth {
    pub(super) clock: ManualClock,
    pub(super) double: VoicesDouble,
    pub(super) voice: Arc<dyn LiveVoice>,
}

/// Somebody who listens.
pub(super) struct Ear {
    pub(super) mouth: Mouth,
    /// All sound of every utterance so far.
    pub(super) heard: BTreeMap<u64, Vec<u8>>,
    pub(super) ends: BTreeMap<u64, End>,
    /// The utterances in the order they ended in.
    pub(super) order: Vec<u64>,
}

impl Booth {
    pub(super) async fn open(vendor: Vendor, manner: Manner) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = standing_clock();
        let double = VoicesDouble::start(Arc::new(clock.clone()), manner).await;
        let voice = voice(vendor, &double, &clock, KEY);
        Self { clock, double, voice }
    }

    pub(super) async fn listen(&self) -> Ear {
        Ear::new(self.voice.open().await.expect("a session"))
    }
}

pub(super) fn voice(
    vendor: Vendor,
    double: &VoicesDouble,
    clock: &ManualClock,
    key: &str,
) -> Arc<dyn LiveVoice> {
    let (key, clock) = (SecretString::from(key), Arc::new(clock.clone()));
    match vendor {
        Vendor::Deepgram => {
            Arc::new(DeepgramLive::new(&double.deepgram(), &key, "aura-2-thalia-en", LIMITS, clock))
        }
        Vendor::ElevenLabs => Arc::new(ElevenLabsLive::new(
            &double.elevenlabs(),
            key,
            "eleven_flash_v2_5",
            "a voice",
            LIMITS,
            clock,
        )),
        Vendor::OpenAi => Arc::new(RealtimeLive::new(
            &double.openai(),
            Some(&key),
            "gpt-realtime",
            "marin",
            "Say exactly this.",
            LIMITS,
            clock,
        )),
    }
}

impl Ear {
    pub(super) fn new(mouth: Mouth) -> Self {
        Self { mouth, heard: BTreeMap::new(), ends: BTreeMap::new(), order: Vec::new() }
    }

    pub(super) async fn say(&self, utterance: u64, text: &str) {
        self.say_and(Keep::Never, utterance, text).await;
    }

    pub(super) async fn say_and(&self, keep: Keep, utterance: u64, text: &str) {
        let order = Order::Say { utterance: UtteranceId(utterance), text: text.to_owned(), keep };
        self.mouth.orders.send(order).await.expect("a session");
    }

    pub(super) async fn cancel(&self, upto: u64) {
        self.mouth.orders.send(Order::Cancel { upto: UtteranceId(upto) }).await.expect("a session");
    }

    /// Waits until all orders were taken.
    pub(super) async fn taken(&self) {
        while self.mouth.orders.capacity() < self.mouth.orders.max_capacity() {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn next(&mut self) -> Option<Spoken> {
        let spoken =
            tokio::time::timeout(PATIENCE, self.mouth.spoken.recv()).await.expect("sound in time")?;
        self.note(&spoken);
        Some(spoken)
    }

    /// Takes what is there already.
    pub(super) fn drain(&mut self) {
        while let Ok(spoken) = self.mouth.spoken.try_recv() {
            self.note(&spoken);
        }
    }

    fn note(&mut self, spoken: &Spoken) {
        let id = spoken.utterance().0;
        assert!(!self.ends.contains_key(&id), "nothing comes of {id} after its end");
        match spoken {
            Spoken::Sound { bytes, .. } => {
                assert!(!bytes.is_empty());
                self.heard.entry(id).or_default().extend_from_slice(bytes);
            }
            Spoken::Done { .. } => self.end(id, End::Done),
            Spoken::Failed { reason, .. } => self.end(id, End::Failed(reason.clone())),
        }
    }

    fn end(&mut self, id: u64, end: End) {
        self.ends.insert(id, end);
        self.order.push(id);
    }

    /// Listens until an utterance is over.
    pub(super) async fn end_of(&mut self, utterance: u64) -> End {
        while !self.ends.contains_key(&utterance) {
            self.next().await.expect("a session");
        }
        self.ends[&utterance].clone()
    }

    /// Lets time go on until an utterance is over.
    pub(super) async fn end_by(&mut self, clock: &ManualClock, utterance: u64) -> End {
        // So slowly that what is on its way arrives.
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        let waiting = async {
            while !self.ends.contains_key(&utterance) {
                clock.advance(Duration::from_millis(20));
                ticks.tick().await;
                self.drain();
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("an end in time");
        self.ends[&utterance].clone()
    }

    pub(super) fn sound(&self, utterance: u64) -> &[u8] {
        self.heard.get(&utterance).map_or(&[], Vec::as_slice)
    }
}
