//! A line that carries sound, with ears and a voice between it and the call: what [`Sounding`] decides is carried there
//! and back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::sounding::Sounding;
use crate::call::machine::Event;
use crate::call::pace::Asks;
use crate::call::script::{Line, LineId, Told};
use crate::channel::line::{FromSound, ToSound};
use crate::clock::Clock;
use crate::stt::Hints;
use crate::stt::live::{Heard, LiveRecogniser, Session};
use crate::tts::live::{Fixed, LiveVoice, Mouth, Spoken};

/// Who hears and who speaks.
pub(in crate::call) struct Hearing {
    pub(in crate::call) ears: Option<Arc<dyn LiveRecogniser>>,
    pub(in crate::call) voice: Option<Arc<dyn LiveVoice>>,
    /// What is said to every caller.
    pub(in crate::call) fixed: Arc<Fixed>,
    /// What is played where the voice is slow.
    pub(in crate::call) one_moment: Option<Arc<[u8]>>,
}

/// Our end of a line that carries sound.
pub(in crate::call) struct SoundEnd {
    signals: mpsc::Receiver<FromSound>,
    orders: mpsc::Sender<ToSound>,
    ears: Provider<Session>,
    voice: Provider<Mouth>,
    sounding: Sounding,
    clock: Arc<dyn Clock>,
}

/// A provider: what is for it waits until it is there.
enum Provider<T> {
    Opening(BoxFuture<'static, Option<T>>),
    Open(T),
    Gone,
}

/// What came from a provider.
enum Came<T, R> {
    Opened(Option<T>),
    Said(Option<R>),
}

impl<T> Provider<T> {
    /// What comes next; nothing ever from one that is gone. Nothing is lost when the waiting is given up.
    async fn comes<R>(&mut self, from: impl Fn(&mut T) -> &mut mpsc::Receiver<R>) -> Came<T, R> {
        match self {
            Self::Opening(opening) => Came::Opened(opening.await),
            Self::Open(open) => Came::Said(from(open).recv().await),
            Self::Gone => std::future::pending().await,
        }
    }

    fn open(&self) -> Option<&T> {
        match self {
            Self::Open(open) => Some(open),
            Self::Opening(_) | Self::Gone => None,
        }
    }
}

impl SoundEnd {
    /// Our end of this line. Ears and voice are opened while the call goes on; what cannot be opened is told as lost.
    pub(in crate::call) fn open(
        signals: mpsc::Receiver<FromSound>,
        orders: mpsc::Sender<ToSound>,
        hearing: Hearing,
        hints: Hints,
        clock: Arc<dyn Clock>,
        ahead: Duration,
    ) -> Self {
        let Hearing { ears, voice, fixed, one_moment } = hearing;
        let ears = Provider::Opening(Box::pin(listening(ears, hints)));
        let voice = Provider::Opening(Box::pin(speaking(voice)));
        Self { signals, orders, ears, voice, sounding: Sounding::new(ahead, fixed, one_moment), clock }
    }

    pub(super) async fn next(&mut self) -> Event {
        loop {
            let event = self.sounding.due(self.clock.now());
            self.pour();
            if let Some(event) = event {
                return event;
            }
            let (until, clock) = (self.sounding.until(), Arc::clone(&self.clock));
            let Self { signals, orders, ears, voice, sounding, .. } = self;
            let (feed, say) = (
                ears.open().filter(|_| waits(sounding.ears.as_ref())).map(|open| open.feed.clone()),
                voice.open().filter(|_| waits(sounding.voice.as_ref())).map(|open| open.orders.clone()),
            );
            let line = (!sounding.line.is_empty()).then_some(&*orders);
            tokio::select! {
                signal = signals.recv(), if !sounding.is_gone() => {
                    let now = self.clock.now();
                    self.sounding.signalled(signal, now);
                }
                came = ears.comes(|open| &mut open.heard) => self.heard(came),
                came = voice.comes(|open| &mut open.spoken) => self.spoken(came),
                () = room(line) => {}
                () = room(feed.as_ref()) => {}
                () = room(say.as_ref()) => {}
                () = wait(clock, until) => self.sounding.passed(self.clock.now()),
            }
        }
    }

    fn heard(&mut self, came: Came<Session, Heard>) {
        match came {
            Came::Opened(Some(session)) => self.ears = Provider::Open(session),
            Came::Said(Some(heard)) => self.sounding.heard(Some(heard)),
            Came::Opened(None) | Came::Said(None) => self.sounding.heard(None),
        }
    }

    fn spoken(&mut self, came: Came<Mouth, Spoken>) {
        let now = self.clock.now();
        match came {
            Came::Opened(Some(mouth)) => self.voice = Provider::Open(mouth),
            Came::Said(Some(spoken)) => self.sounding.spoken(Some(spoken), now),
            Came::Opened(None) | Came::Said(None) => self.sounding.spoken(None, now),
        }
    }

    /// Gives everybody what they take at once; a provider that is lost is let go.
    fn pour(&mut self) {
        pour(&self.orders, &mut self.sounding.line);
        match (&mut self.sounding.ears, self.ears.open()) {
            (Some(waiting), Some(open)) => pour(&open.feed, waiting),
            (Some(_), None) => {}
            (None, _) => self.ears = Provider::Gone,
        }
        match (&mut self.sounding.voice, self.voice.open()) {
            (Some(waiting), Some(open)) => pour(&open.orders, waiting),
            (Some(_), None) => {}
            (None, _) => self.voice = Provider::Gone,
        }
    }

    pub(super) fn say(&mut self, lines: &[Line]) {
        self.sounding.say(lines, self.clock.now());
        self.pour();
    }

    pub(super) fn say_kept(&mut self, line: &Line, sound: &[u8]) {
        self.sounding.say_kept(line, sound, self.clock.now());
        self.pour();
    }

    pub(super) fn prepare(&mut self, texts: &[String]) {
        self.sounding.prepare(texts, self.clock.now());
        self.pour();
    }

    pub(super) fn forget(&mut self) {
        self.sounding.forget();
        self.pour();
    }

    pub(super) fn hush(&mut self) {
        self.sounding.hush(self.clock.now());
        self.pour();
    }

    pub(super) fn go_on(&mut self) {
        self.sounding.go_on(self.clock.now());
        self.pour();
    }

    pub(super) fn give_up(&mut self) -> Vec<LineId> {
        self.sounding.give_up()
    }

    pub(super) fn told(&mut self) -> Vec<Told> {
        self.sounding.told()
    }

    pub(super) fn tune(&mut self, asks: Asks, terms: Vec<String>) {
        self.sounding.tune(asks, terms);
        self.pour();
    }

    pub(super) async fn close(&mut self) {
        while let Some(order) = self.sounding.line.pop_front() {
            if self.orders.send(order).await.is_err() {
                return;
            }
        }
    }
}

async fn listening(ears: Option<Arc<dyn LiveRecogniser>>, hints: Hints) -> Option<Session> {
    let opened = ears?.open(&hints).await;
    opened
        .inspect_err(|fault| {
            tracing::error!(error = %crate::fault::chain(fault), "a call cannot be heard");
        })
        .ok()
}

async fn speaking(voice: Option<Arc<dyn LiveVoice>>) -> Option<Mouth> {
    let opened = voice?.open().await;
    opened
        .inspect_err(|fault| {
            tracing::error!(error = %crate::fault::chain(fault), "nothing can be said in a call");
        })
        .ok()
}

/// Gives what waits, as long as it is taken.
fn pour<T>(sender: &mpsc::Sender<T>, waiting: &mut VecDeque<T>) {
    while !waiting.is_empty() {
        let Ok(place) = sender.try_reserve() else { return };
        if let Some(order) = waiting.pop_front() {
            place.send(order);
        }
    }
}

fn waits<T>(waiting: Option<&VecDeque<T>>) -> bool {
    waiting.is_some_and(|waiting| !waiting.is_empty())
}

/// Waits until something is taken; for ever where nothing is to be taken, or nobody takes anything.
async fn room<T>(taker: Option<&mpsc::Sender<T>>) {
    match taker {
        Some(taker) if taker.reserve().await.is_ok() => {}
        Some(_) | None => std::future::pending().await,
    }
}

async fn wait(clock: Arc<dyn Clock>, until: Option<DateTime<Utc>>) {
    match until {
        Some(until) => clock.sleep_until(until).await,
        None => std::future::pending().await,
    }
}
