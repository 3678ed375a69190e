//! A voice that remembers: what was said once and is the same for everybody is there at once the next time.
//!
//! Nothing waits for the provider unless its sound is needed: a session is there before the provider's is. What several
//! calls need at the same time is made once, by the first of them, and followed by the others as it comes; when that
//! first one is interrupted, it is made to its end all the same.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::sounds::{Found, Growing, Made, Recording, SoundKey, Sounds};
use super::{Keep, LiveVoice, Mouth, Order, Spoken, UtteranceId};
use crate::fault::chain;
use crate::speech::SpeechFault;

/// Orders that wait to be taken.
const ORDERS: usize = 32;

/// Pieces of sound that wait to be taken.
const SPOKEN: usize = 16;

/// A voice with what it said before.
#[derive(Debug)]
pub struct Cached {
    voice: Arc<dyn LiveVoice>,
    sounds: Arc<Sounds>,
}

impl Cached {
    /// This voice with these sounds.
    pub fn new(voice: Arc<dyn LiveVoice>, sounds: Arc<Sounds>) -> Self {
        Self { voice, sounds }
    }
}

#[async_trait]
impl LiveVoice for Cached {
    fn identity(&self) -> &str {
        self.voice.identity()
    }

    async fn open(&self) -> Result<Mouth, SpeechFault> {
        let (orders, taken) = mpsc::channel(ORDERS);
        let (passed, spoken) = mpsc::channel(SPOKEN);
        let mut session = Session {
            voice: Arc::clone(&self.voice),
            sounds: Arc::clone(&self.sounds),
            queue: VecDeque::new(),
            out: VecDeque::new(),
            behind: Behind::Shut,
        };
        session.open();
        tokio::spawn(session.run(taken, passed));
        Ok(Mouth { orders, spoken })
    }
}

/// An utterance on its way.
struct Utterance {
    id: UtteranceId,
    text: String,
    source: Source,
}

/// Where its sound comes from.
enum Source {
    /// It was here; it is passed on when its turn comes.
    Here(Arc<[u8]>),
    /// Another call makes it; so many bytes were passed on.
    Followed(watch::Receiver<Growing>, usize),
    /// The voice makes it.
    Voice(Making),
}

/// What the voice makes.
struct Making {
    recording: Option<Recording>,
    /// Whether it was ordered.
    ordered: bool,
    /// Its sound while one before it is not over.
    held: Vec<u8>,
    /// Its end, once that is here.
    end: Option<Result<(), String>>,
}

/// The voice's own session.
enum Behind {
    Shut,
    Opening(BoxFuture<'static, Result<Mouth, SpeechFault>>),
    Open(Mouth),
}

struct Session {
    voice: Arc<dyn LiveVoice>,
    sounds: Arc<Sounds>,
    queue: VecDeque<Utterance>,
    out: VecDeque<Spoken>,
    behind: Behind,
}

enum Signal {
    Order(Option<Order>),
    Passed,
    Gone,
    Opened(Result<Mouth, SpeechFault>),
    Spoken(Option<Spoken>),
    Grown,
}

impl Session {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>, spoken: mpsc::Sender<Spoken>) {
        loop {
            self.release();
            self.order_from_voice().await;
            match self.signal(&mut orders, &spoken).await {
                Signal::Order(Some(Order::Say { utterance, text, keep })) => {
                    self.say(utterance, text, keep).await;
                }
                Signal::Order(Some(Order::Cancel { upto })) => self.cancel(upto).await,
                Signal::Order(None) | Signal::Gone => return,
                Signal::Passed | Signal::Grown => {}
                Signal::Opened(Ok(mouth)) => self.behind = Behind::Open(mouth),
                Signal::Opened(Err(fault)) => {
                    tracing::warn!(error = %chain(&fault), "a voice has no session");
                    self.lost("the provider is not connected to");
                }
                Signal::Spoken(Some(spoken)) => self.take(spoken),
                Signal::Spoken(None) => self.lost("the provider's session ended"),
            }
        }
    }

    async fn signal(&mut self, orders: &mut mpsc::Receiver<Order>, spoken: &mpsc::Sender<Spoken>) -> Signal {
        let Self { out, behind, queue, .. } = self;
        let voice = async {
            match behind {
                Behind::Open(mouth) => Signal::Spoken(mouth.spoken.recv().await),
                Behind::Opening(opening) => Signal::Opened(opening.await),
                Behind::Shut => std::future::pending().await,
            }
        };
        let grown = async {
            match queue.front_mut().map(|first| &mut first.source) {
                Some(Source::Followed(growing, _)) => {
                    // Whoever makes it says how it ended before it is gone.
                    let _ = growing.changed().await;
                    Signal::Grown
                }
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            // A cancellation comes before any sound.
            biased;
            order = orders.recv() => Signal::Order(order),
            permit = spoken.reserve(), if !out.is_empty() => match (permit, out.pop_front()) {
                (Ok(permit), Some(next)) => {
                    permit.send(next);
                    Signal::Passed
                }
                (Ok(_), None) => Signal::Passed,
                (Err(_), _) => Signal::Gone,
            },
            signal = grown => signal,
            signal = voice => signal,
        }
    }

    async fn say(&mut self, id: UtteranceId, text: String, keep: Keep) {
        let source = if keep == Keep::Never {
            Source::voice(None)
        } else {
            match self.sounds.find(SoundKey::of(self.voice.identity(), &text), keep).await {
                Found::Whole(sound) => Source::Here(sound),
                Found::Growing(growing) => Source::Followed(growing, 0),
                Found::Nothing(recording) => Source::voice(Some(recording)),
            }
        };
        self.queue.push_back(Utterance { id, text, source });
    }

    /// Orders from the voice what it has to make and was not told yet.
    async fn order_from_voice(&mut self) {
        let waits = |utterance: &Utterance| matches!(&utterance.source, Source::Voice(made) if !made.ordered);
        if !self.queue.iter().any(waits) {
            return;
        }
        if matches!(self.behind, Behind::Shut) {
            self.open();
        }
        let Behind::Open(mouth) = &self.behind else { return };
        for utterance in &mut self.queue {
            if let Source::Voice(made) = &mut utterance.source
                && !made.ordered
            {
                made.ordered = true;
                let (utterance, text) = (utterance.id, utterance.text.clone());
                // A session that is over says so by its other end.
                let _ = mouth.orders.send(Order::Say { utterance, text, keep: Keep::Never }).await;
            }
        }
    }

    async fn cancel(&mut self, upto: UtteranceId) {
        self.out.retain(|spoken| spoken.utterance() > upto);
        let mut needed = Vec::new();
        let mut ordered = false;
        for utterance in &mut self.queue {
            if utterance.id > upto {
                continue;
            }
            if let Source::Voice(made) = &mut utterance.source
                && made.ordered
                && made.end.is_none()
            {
                ordered = true;
                let recording = made.recording.take_if(|recording| recording.is_followed());
                needed.extend(recording.map(|recording| (utterance.id, recording)));
            }
        }
        self.queue.retain(|utterance| utterance.id > upto);
        match &self.behind {
            Behind::Open(mouth) if ordered && needed.is_empty() => {
                let _ = mouth.orders.send(Order::Cancel { upto }).await;
            }
            Behind::Open(_) if ordered => {
                if let Behind::Open(mouth) = std::mem::replace(&mut self.behind, Behind::Shut) {
                    tokio::spawn(finish(mouth, needed));
                }
                // The others are ordered from another session.
                for utterance in &mut self.queue {
                    if let Source::Voice(made) = &mut utterance.source
                        && made.end.is_none()
                    {
                        made.ordered = false;
                        made.held.clear();
                    }
                }
                self.open();
            }
            Behind::Open(_) | Behind::Opening(_) | Behind::Shut => {}
        }
    }

    fn open(&mut self) {
        let voice = Arc::clone(&self.voice);
        self.behind = Behind::Opening(Box::pin(async move { voice.open().await }));
    }

    /// What the voice made.
    fn take(&mut self, spoken: Spoken) {
        let id = spoken.utterance();
        let Some(utterance) = self.queue.iter_mut().find(|utterance| utterance.id == id) else { return };
        let Source::Voice(made) = &mut utterance.source else { return };
        match spoken {
            Spoken::Sound { bytes, .. } => {
                if let Some(recording) = &made.recording {
                    recording.add(&bytes);
                }
                if made.held.is_empty() {
                    made.held = bytes;
                } else {
                    made.held.extend_from_slice(&bytes);
                }
            }
            Spoken::Done { .. } => {
                if let Some(recording) = made.recording.take() {
                    recording.whole();
                }
                made.end = Some(Ok(()));
            }
            Spoken::Failed { reason, .. } => {
                made.recording = None;
                made.end = Some(Err(reason));
            }
        }
    }

    /// The voice has no session any more.
    fn lost(&mut self, reason: &str) {
        self.behind = Behind::Shut;
        for utterance in &mut self.queue {
            if let Source::Voice(made) = &mut utterance.source
                && made.end.is_none()
            {
                made.recording = None;
                made.end = Some(Err(reason.to_owned()));
            }
        }
    }

    /// Passes on what is next.
    fn release(&mut self) {
        while let Some(first) = self.queue.front_mut() {
            let utterance = first.id;
            let mut sound = Vec::new();
            let end = match &mut first.source {
                Source::Here(whole) => {
                    sound.extend_from_slice(whole);
                    Some(Ok(()))
                }
                Source::Followed(growing, passed) => {
                    let growing = growing.borrow_and_update();
                    sound.extend_from_slice(&growing.bytes[*passed..]);
                    *passed += sound.len();
                    let state = growing.state;
                    drop(growing);
                    match state {
                        Made::InPart => None,
                        Made::Whole => Some(Ok(())),
                        Made::Broken if *passed == 0 => {
                            // It is made by our own voice now.
                            first.source = Source::voice(None);
                            None
                        }
                        Made::Broken => Some(Err("whoever made it has failed".to_owned())),
                    }
                }
                Source::Voice(made) => {
                    sound = std::mem::take(&mut made.held);
                    made.end.take()
                }
            };
            if !sound.is_empty() {
                self.out.push_back(Spoken::Sound { utterance, bytes: sound });
            }
            match end {
                Some(Ok(())) => self.out.push_back(Spoken::Done { utterance }),
                Some(Err(reason)) => self.out.push_back(Spoken::Failed { utterance, reason }),
                None => return,
            }
            self.queue.pop_front();
        }
    }
}

impl Source {
    fn voice(recording: Option<Recording>) -> Self {
        Self::Voice(Making { recording, ordered: false, held: Vec::new(), end: None })
    }
}

/// Makes to their end what others listen to.
async fn finish(mut mouth: Mouth, mut needed: Vec<(UtteranceId, Recording)>) {
    while !needed.is_empty()
        && let Some(spoken) = mouth.spoken.recv().await
    {
        let id = spoken.utterance();
        let Some(at) = needed.iter().position(|(needed, _)| *needed == id) else { continue };
        match spoken {
            Spoken::Sound { bytes, .. } => needed[at].1.add(&bytes),
            Spoken::Done { .. } => needed.swap_remove(at).1.whole(),
            Spoken::Failed { .. } => drop(needed.swap_remove(at)),
        }
    }
}
