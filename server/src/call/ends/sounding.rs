//! What happens on a line that carries sound, and what goes to the line, the ears and the voice because of it. Pure:
//! what came and the time come in; events and what waits to be taken come out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::call::machine::Event;
use crate::call::pace::Asks;
use crate::call::playback::{Playback, ToSay};
use crate::call::script::{Line, LineId, Told};
use crate::channel::line::{FromSound, ToSound};
use crate::clock::later;
use crate::stt::live::{Feed, Heard};
use crate::tts::live::{Fixed, Order, Spoken, UtteranceId};

/// So much sound may wait for the ears; the oldest is given up.
const UNHEARD_MOST: usize = 125;

/// How long a voice may make no sound before something else is heard.
const SLOW: Duration = Duration::from_millis(650);

/// How long after it began to be the receptionist's turn something is heard, however late the voice was given its words.
const AT_LAST: Duration = Duration::from_millis(800);

/// How long a voice may make no sound at least, however late it was given its words.
const AT_LEAST: Duration = Duration::from_millis(250);

/// How long a voice may make no sound before it counts as lost.
const MUTE: Duration = Duration::from_secs(4);

/// A line that carries sound, with what waits to be taken.
#[derive(Debug)]
pub(in crate::call) struct Sounding {
    /// For the line.
    pub(in crate::call) line: VecDeque<ToSound>,
    /// For the ears, while there are any.
    pub(in crate::call) ears: Option<VecDeque<Feed>>,
    /// For the voice, while there is one.
    pub(in crate::call) voice: Option<VecDeque<Order>>,
    playback: Playback,
    /// What is said to every caller, and may be remembered.
    fixed: Arc<Fixed>,
    /// What is played where the voice is slow.
    one_moment: Option<Arc<[u8]>>,
    /// Since when nothing is heard by anybody: the caller has finished, or what was said has.
    quiet_since: Option<DateTime<Utc>>,
    /// Whether it was played, and the voice still made no sound.
    is_bridged: bool,
    happened: VecDeque<Event>,
    speaks: bool,
    is_gone: bool,
}

impl Sounding {
    /// A line with ears and a voice; sound is sent so far ahead, and this is played where the voice is slow.
    pub(in crate::call) fn new(ahead: Duration, fixed: Arc<Fixed>, one_moment: Option<Arc<[u8]>>) -> Self {
        Self {
            line: VecDeque::new(),
            ears: Some(VecDeque::new()),
            voice: Some(VecDeque::new()),
            playback: Playback::new(ahead),
            fixed,
            one_moment,
            quiet_since: None,
            is_bridged: false,
            happened: VecDeque::new(),
            speaks: false,
            is_gone: false,
        }
    }

    /// What happened, the oldest first; what must be sent by now waits for the line then.
    pub(in crate::call) fn due(&mut self, now: DateTime<Utc>) -> Option<Event> {
        if let Some(event) = self.happened.pop_front() {
            if matches!(event, Event::TurnEnded(_)) {
                self.quiet_since = Some(now);
            }
            return Some(event);
        }
        self.line.extend(self.playback.send(now));
        if self.speaks && self.playback.is_over() {
            self.speaks = false;
            self.quiet_since = Some(now);
            return Some(Event::Played);
        }
        None
    }

    /// When something is to be done whatever happens.
    pub(in crate::call) fn until(&self) -> Option<DateTime<Utc>> {
        let starved = self.playback.starved_since();
        let starved = starved.map(|since| match self.bridge() {
            Some(_) => self.bridged_at(since),
            None => later(since, MUTE),
        });
        [self.playback.next(), starved].into_iter().flatten().min()
    }

    /// Whether the line is gone.
    pub(in crate::call) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Time has passed.
    pub(in crate::call) fn passed(&mut self, now: DateTime<Utc>) {
        self.playback.passed(now);
        let Some(since) = self.playback.starved_since() else { return };
        if later(since, MUTE) <= now {
            self.lose_voice();
        } else if self.bridged_at(since) <= now
            && let Some(sound) = self.bridge().cloned()
        {
            self.is_bridged = true;
            self.playback.bridge(&sound);
        }
    }

    /// When something is played while the voice makes no sound since then.
    fn bridged_at(&self, starved: DateTime<Utc>) -> DateTime<Utc> {
        let slow = later(starved, SLOW);
        let at_last = self.quiet_since.map_or(slow, |quiet| later(quiet, AT_LAST));
        at_last.clamp(later(starved, AT_LEAST), slow)
    }

    /// What may be played while the voice makes no sound: once.
    fn bridge(&self) -> Option<&Arc<[u8]>> {
        self.one_moment.as_ref().filter(|_| !self.is_bridged && self.voice.is_some())
    }

    /// Something came from the line; nothing when it is gone.
    pub(in crate::call) fn signalled(&mut self, signal: Option<FromSound>, now: DateTime<Utc>) {
        match signal {
            Some(FromSound::Sound(sound)) => {
                if let Some(ears) = &mut self.ears {
                    if ears.len() >= UNHEARD_MOST {
                        ears.pop_front();
                    }
                    ears.push_back(Feed::Sound(sound));
                }
            }
            Some(FromSound::Digit(digit)) => self.happened.push_back(Event::Digit(digit)),
            Some(FromSound::Mark(name)) => self.playback.mark(&name, now),
            Some(FromSound::Stopped) | None => {
                self.is_gone = true;
                self.happened.push_back(Event::HungUp);
            }
        }
    }

    /// The ears heard something; nothing when they are gone.
    pub(in crate::call) fn heard(&mut self, heard: Option<Heard>) {
        let event = match heard {
            Some(Heard::TurnStarted) => Event::TurnStarted,
            Some(Heard::Partial { words }) => Event::Partial(words),
            Some(Heard::EagerEnd { words }) => Event::EagerEnd(words),
            Some(Heard::Resumed) => Event::Resumed,
            Some(Heard::TurnEnded { words, confidence: _ }) => Event::TurnEnded(words),
            Some(Heard::Late) => Event::Late,
            Some(Heard::Lost { reason }) => {
                tracing::error!(reason, "a call is not heard any more");
                return self.lose_ears();
            }
            None => return self.lose_ears(),
        };
        self.happened.push_back(event);
    }

    /// The voice made something; nothing when it is gone.
    pub(in crate::call) fn spoken(&mut self, spoken: Option<Spoken>, now: DateTime<Utc>) {
        match spoken {
            Some(Spoken::Sound { utterance, bytes }) => {
                self.is_bridged = false;
                self.playback.sound(utterance, &bytes);
            }
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

    fn lose_ears(&mut self) {
        if self.ears.take().is_some() {
            self.happened.push_back(Event::LostEars);
        }
    }

    fn lose_voice(&mut self) {
        if self.voice.take().is_some() {
            self.playback.forget();
            self.happened.push_back(Event::LostVoice);
        }
    }

    /// Says lines, after whatever is being said.
    pub(in crate::call) fn say(&mut self, lines: &[Line], now: DateTime<Utc>) {
        for line in lines {
            self.speaks = true;
            let orders = self.playback.say(line);
            self.order(orders, now);
        }
    }

    /// Says a line whose sound is there.
    pub(in crate::call) fn say_kept(&mut self, line: &Line, sound: &[u8], now: DateTime<Utc>) {
        self.speaks = true;
        let orders = self.playback.say_sound(line, sound);
        self.order(orders, now);
    }

    /// Makes ready what may be said next.
    pub(in crate::call) fn prepare(&mut self, texts: &[String], now: DateTime<Utc>) {
        for text in texts {
            let orders = self.playback.prepare(text);
            self.order(orders, now);
        }
    }

    /// What was made ready is not needed.
    pub(in crate::call) fn forget(&mut self) {
        let upto = self.playback.forget();
        self.call_off(upto);
    }

    /// Is silent at once: the line is cleared, then the voice called off.
    pub(in crate::call) fn hush(&mut self, now: DateTime<Utc>) {
        if self.is_gone {
            // It is silent already, and was before we knew.
            return;
        }
        // What the line has not taken yet need not be cleared.
        self.line.clear();
        let (clear, upto) = self.playback.hush(now);
        self.line.push_back(clear);
        self.call_off(upto);
    }

    /// Says what was not heard yet.
    pub(in crate::call) fn go_on(&mut self, now: DateTime<Utc>) {
        // Its end may have been heard while it was not known whether the caller speaks.
        self.speaks = true;
        let orders = self.playback.go_on();
        self.order(orders, now);
    }

    /// Says nothing more of what is left. Returns the lines that were not heard to their end.
    pub(in crate::call) fn give_up(&mut self) -> Vec<LineId> {
        self.speaks = false;
        self.playback.give_up()
    }

    /// What became known of what was heard since this was asked last.
    pub(in crate::call) fn told(&mut self) -> Vec<Told> {
        self.playback.told()
    }

    /// Hears as what is asked needs it; these words are likely.
    pub(in crate::call) fn tune(&mut self, asks: Asks, terms: Vec<String>) {
        if let Some(ears) = &mut self.ears {
            ears.extend([Feed::Thresholds(asks.thresholds()), Feed::Terms(terms)]);
        }
    }

    fn call_off(&mut self, upto: Option<UtteranceId>) {
        if let (Some(voice), Some(upto)) = (&mut self.voice, upto) {
            voice.retain(|order| match order {
                Order::Say { utterance, .. } => *utterance > upto,
                Order::Cancel { .. } => true,
            });
            voice.push_back(Order::Cancel { upto });
        }
    }

    fn order(&mut self, orders: Vec<ToSay>, now: DateTime<Utc>) {
        for ToSay { utterance, text } in orders {
            match &mut self.voice {
                Some(voice) => {
                    let keep = self.fixed.keep(&text);
                    voice.push_back(Order::Say { utterance, text, keep });
                }
                // Nobody can say it.
                None => _ = self.playback.failed(utterance, now),
            }
        }
    }
}
