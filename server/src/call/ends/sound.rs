//! A line that carries sound, with ears and a voice between it and the call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::Outlet;
use crate::call::machine::Event;
use crate::call::pace::Asks;
use crate::call::playback::{Playback, ToSay};
use crate::call::script::{Line, LineId, Told};
use crate::channel::line::{FromSound, ToSound};
use crate::clock::{Clock, later};
use crate::stt::Hints;
use crate::stt::live::{Feed, Heard, LiveRecogniser, Session};
use crate::tts::live::{Fixed, Keep, LiveVoice, Mouth, Order, Spoken, UtteranceId};

/// So much sound may wait for the ears; the oldest is given up.
const UNHEARD_MOST: usize = 125;

/// How long a voice may make no sound before it counts as lost.
const MUTE: Duration = Duration::from_secs(4);

/// How long a sound that is kept ready may take to be made.
const MAKING: Duration = Duration::from_secs(20);

/// Who hears and who speaks.
pub(in crate::call) struct Hearing {
    pub(in crate::call) ears: Option<Arc<dyn LiveRecogniser>>,
    pub(in crate::call) voice: Option<Arc<dyn LiveVoice>>,
    /// What is said to every caller.
    pub(in crate::call) fixed: Arc<Fixed>,
}

/// Sounds by their prompts.
type Sounds = HashMap<&'static str, Arc<[u8]>>;

/// Sounds that are there when no voice is. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::call) struct Kept(Arc<Mutex<Sounds>>);

impl Kept {
    /// The sound of a prompt.
    pub(in crate::call) fn get(&self, prompt: &str) -> Option<Arc<[u8]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(prompt).cloned()
    }

    /// Has a voice make the sound of a prompt.
    pub(in crate::call) async fn fill(
        &self,
        prompt: &'static str,
        words: &str,
        voice: &dyn LiveVoice,
        clock: &dyn Clock,
    ) {
        let made = tokio::select! {
            made = made(words, voice) => made,
            () = clock.sleep(MAKING) => None,
        };
        match made {
            Some(sound) => {
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                kept.insert(prompt, sound.into());
            }
            None => tracing::warn!(prompt, "the voice did not say what is kept ready for when it is gone"),
        }
    }
}

async fn made(words: &str, voice: &dyn LiveVoice) -> Option<Vec<u8>> {
    let mut mouth = voice.open().await.ok()?;
    let said = Order::Say { utterance: UtteranceId(1), text: words.to_owned(), keep: Keep::Disk };
    mouth.orders.send(said).await.ok()?;
    let mut sound = Vec::new();
    while let Some(spoken) = mouth.spoken.recv().await {
        match spoken {
            Spoken::Sound { bytes, .. } => sound.extend(bytes),
            Spoken::Done { .. } => return (!sound.is_empty()).then_some(sound),
            Spoken::Failed { .. } => return None,
        }
    }
    None
}

/// Our end of a line that carries sound.
pub(in crate::call) struct SoundEnd {
    signals: mpsc::Receiver<FromSound>,
    orders: Outlet<ToSound>,
    /// What goes to the ears.
    feed: Option<Outlet<Feed>>,
    heard: Option<mpsc::Receiver<Heard>>,
    /// What goes to the voice.
    say: Option<Outlet<Order>>,
    spoken: Option<mpsc::Receiver<Spoken>>,
    playback: Playback,
    /// What is said to every caller, and may be remembered.
    fixed: Arc<Fixed>,
    clock: Arc<dyn Clock>,
    happened: VecDeque<Event>,
    speaks: bool,
    is_gone: bool,
}

impl SoundEnd {
    /// Our end of this line. What cannot be opened is told as lost.
    pub(in crate::call) async fn open(
        signals: mpsc::Receiver<FromSound>,
        orders: mpsc::Sender<ToSound>,
        hearing: &Hearing,
        hints: &Hints,
        clock: Arc<dyn Clock>,
        ahead: Duration,
    ) -> Self {
        let (ears, mouth) = tokio::join!(listening(hearing, hints), speaking(hearing));
        let mut happened = VecDeque::new();
        let (feed, heard) = match ears {
            Some(Session { feed, heard }) => (Some(Outlet::new(feed)), Some(heard)),
            None => {
                happened.push_back(Event::LostEars);
                (None, None)
            }
        };
        let (say, spoken) = match mouth {
            Some(Mouth { orders, spoken }) => (Some(Outlet::new(orders)), Some(spoken)),
            None => {
                happened.push_back(Event::LostVoice);
                (None, None)
            }
        };
        Self {
            signals,
            orders: Outlet::new(orders),
            feed,
            heard,
            say,
            spoken,
            playback: Playback::new(ahead),
            fixed: Arc::clone(&hearing.fixed),
            clock,
            happened,
            speaks: false,
            is_gone: false,
        }
    }

    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.happened.pop_front() {
                return event;
            }
            for order in self.playback.send(self.clock.now()) {
                self.orders.push(order);
            }
            if self.speaks && self.playback.is_over() {
                self.speaks = false;
                return Event::Played;
            }
            let clock = Arc::clone(&self.clock);
            let mute = self.playback.starved_since().map(|since| later(since, MUTE));
            let until = [self.playback.next(), mute].into_iter().flatten().min();
            tokio::select! {
                signal = self.signals.recv(), if !self.is_gone => self.signalled(signal),
                heard = next_of(&mut self.heard) => self.heard(heard),
                spoken = next_of(&mut self.spoken) => self.spoken(spoken),
                () = self.orders.flush_one() => {}
                () = flush(&mut self.feed) => {}
                () = flush(&mut self.say) => {}
                () = wait(clock, until) => self.passed(),
            }
        }
    }

    fn passed(&mut self) {
        let now = self.clock.now();
        self.playback.passed(now);
        if self.playback.starved_since().is_some_and(|since| later(since, MUTE) <= now) {
            self.lose_voice();
        }
    }

    fn signalled(&mut self, signal: Option<FromSound>) {
        match signal {
            Some(FromSound::Sound(sound)) => {
                if let Some(feed) = &mut self.feed {
                    if feed.len() >= UNHEARD_MOST {
                        feed.drop_oldest();
                    }
                    feed.push(Feed::Sound(sound));
                }
            }
            Some(FromSound::Digit(digit)) => self.happened.push_back(Event::Digit(digit)),
            Some(FromSound::Mark(name)) => self.playback.mark(&name, self.clock.now()),
            Some(FromSound::Stopped) | None => {
                self.is_gone = true;
                self.happened.push_back(Event::HungUp);
            }
        }
    }

    fn heard(&mut self, heard: Option<Heard>) {
        let event = match heard {
            Some(Heard::TurnStarted) => Event::TurnStarted,
            Some(Heard::Partial { words }) => Event::Partial(words),
            Some(Heard::EagerEnd { words }) => Event::EagerEnd(words),
            Some(Heard::Resumed) => Event::Resumed,
            Some(Heard::TurnEnded { words, confidence: _ }) => Event::TurnEnded(words),
            Some(Heard::Lost { reason }) => {
                tracing::error!(reason, "a call is not heard any more");
                (self.heard, self.feed) = (None, None);
                Event::LostEars
            }
            None => {
                (self.heard, self.feed) = (None, None);
                Event::LostEars
            }
        };
        self.happened.push_back(event);
    }

    fn spoken(&mut self, spoken: Option<Spoken>) {
        let now = self.clock.now();
        match spoken {
            Some(Spoken::Sound { utterance, bytes }) => self.playback.sound(utterance, &bytes),
            Some(Spoken::Done { utterance }) => self.playback.done(utterance, now),
            Some(Spoken::Failed { utterance, reason }) => {
                tracing::warn!(reason, "something could not be spoken");
                if self.playback.failed(utterance, now) {
                    self.lose_voice();
                }
            }
            None => self.lose_voice(),
        }
    }

    fn lose_voice(&mut self) {
        if self.spoken.take().is_some() {
            self.say = None;
            self.playback.forget();
            self.happened.push_back(Event::LostVoice);
        }
    }

    pub(super) fn say(&mut self, lines: &[Line]) {
        for line in lines {
            self.speaks = true;
            let orders = self.playback.say(line);
            self.order(orders);
        }
    }

    pub(super) fn say_kept(&mut self, line: &Line, sound: &[u8]) {
        self.speaks = true;
        let orders = self.playback.say_sound(line, sound);
        self.order(orders);
    }

    pub(super) fn prepare(&mut self, texts: &[String]) {
        for text in texts {
            let orders = self.playback.prepare(text);
            self.order(orders);
        }
    }

    pub(super) fn forget(&mut self) {
        let upto = self.playback.forget();
        self.call_off(upto);
    }

    pub(super) fn hush(&mut self) {
        // What the line has not taken yet need not be cleared.
        self.orders.retain(|_| false);
        let (clear, upto) = self.playback.hush(self.clock.now());
        self.orders.push(clear);
        self.call_off(upto);
    }

    pub(super) fn go_on(&mut self) {
        // Its end may have been heard while it was not known whether the caller speaks.
        self.speaks = true;
        let orders = self.playback.go_on();
        self.order(orders);
    }

    pub(super) fn give_up(&mut self) -> Vec<LineId> {
        self.speaks = false;
        self.playback.give_up()
    }

    pub(super) fn told(&mut self) -> Vec<Told> {
        self.playback.told()
    }

    pub(super) fn tune(&mut self, asks: Asks, terms: Vec<String>) {
        if let Some(feed) = &mut self.feed {
            feed.push(Feed::Thresholds(asks.thresholds()));
            feed.push(Feed::Terms(terms));
        }
    }

    pub(super) async fn close(&mut self) {
        self.orders.flush().await;
    }

    fn call_off(&mut self, upto: Option<UtteranceId>) {
        if let (Some(say), Some(upto)) = (&mut self.say, upto) {
            say.retain(|order| match order {
                Order::Say { utterance, .. } => *utterance > upto,
                Order::Cancel { .. } => true,
            });
            say.push(Order::Cancel { upto });
        }
    }

    fn order(&mut self, orders: Vec<ToSay>) {
        let now = self.clock.now();
        for ToSay { utterance, text } in orders {
            match &mut self.say {
                Some(say) => {
                    let keep = self.fixed.keep(&text);
                    say.push(Order::Say { utterance, text, keep });
                }
                // Nobody can say it.
                None => _ = self.playback.failed(utterance, now),
            }
        }
    }
}

async fn listening(hearing: &Hearing, hints: &Hints) -> Option<Session> {
    let ears = hearing.ears.as_ref()?;
    let opened = ears.open(hints).await;
    opened
        .inspect_err(|fault| {
            tracing::error!(error = %crate::fault::chain(fault), "a call cannot be heard");
        })
        .ok()
}

async fn speaking(hearing: &Hearing) -> Option<Mouth> {
    let voice = hearing.voice.as_ref()?;
    let opened = voice.open().await;
    opened
        .inspect_err(|fault| {
            tracing::error!(error = %crate::fault::chain(fault), "nothing can be said in a call");
        })
        .ok()
}

/// What comes next; nothing ever from what is not there.
async fn next_of<T>(receiver: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match receiver {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    }
}

async fn flush<T>(outlet: &mut Option<Outlet<T>>) {
    match outlet {
        Some(outlet) => outlet.flush_one().await,
        None => std::future::pending().await,
    }
}

async fn wait(clock: Arc<dyn Clock>, until: Option<DateTime<Utc>>) {
    match until {
        Some(until) => clock.sleep_until(until).await,
        None => std::future::pending().await,
    }
}
