//! A guest who books by telephone, and how long they heard nothing when it was not their turn.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use innkeeper::call::Phase;

use super::house::{HELD, House, TICK};
use super::tools::Booking;
use super::{Cell, Lost, Moment};
use crate::support::caller::{Call, Seen, Stage};
use crate::support::ears::sound::Speech;
use crate::support::loss::Loss;

/// Who calls.
pub(super) const ANA: &str = "whatsapp:+34600000001";

/// What they want.
const WISH: &str =
    "a double with a sea view for two from the twelfth to the fourteenth of December my name is Ana Silva";

/// What the rules make nothing of: the language model is asked.
const ODD: &str = "well the thing is rather odd";

pub(super) const READ_BACK: &str = "Shall I book it?";

/// No call lasts longer.
const LONGEST: Duration = Duration::from_secs(240);

/// They begin so long after it is their turn.
const BREATH: Duration = Duration::from_millis(400);

/// They say no more than this.
const MOST: usize = 9;

/// So long they say nothing at the end, where that is what it is about, and else.
const QUIET: Duration = Duration::from_secs(12);
const SHORTLY: Duration = Duration::from_secs(1);

/// What a call was like.
#[derive(Debug)]
pub(super) struct Went {
    /// The longest time without a sound when it was the receptionist's turn, and when it ended, since it rang.
    pub(super) longest: (Duration, Duration),
    /// The same before anything was lost.
    pub(super) longest_before: Duration,
    /// When the provider was lost.
    pub(super) lost_at: Option<Duration>,
    /// Whether the call ended by itself, or because the guest had all they wanted; not because they gave up.
    pub(super) is_over: bool,
    /// What they said.
    pub(super) said: Vec<String>,
    pub(super) seen: Seen,
}

pub(super) struct Guest<'a> {
    house: &'a House,
    cell: Cell,
    call: Call,
    now: Duration,
    /// When the provider was lost.
    lost_at: Option<Duration>,
    booking: Option<Arc<Mutex<bool>>>,
    said: Vec<String>,
    /// Until when they speak.
    speaks_until: Duration,
    /// When they began to.
    spoke_at: Duration,
    /// Whether they said something and heard nothing since.
    is_owed: bool,
    heard: usize,
    phase: Option<Phase>,
    /// Since when it is that.
    phase_at: Duration,
    /// How much was heard when that began.
    heard_at_phase: usize,
    /// How often it was the receptionist's to speak.
    talks: usize,
    says_seen: usize,
    silence: Duration,
    longest: (Duration, Duration),
    longest_before: Duration,
    is_done: bool,
}

impl<'a> Guest<'a> {
    pub(super) async fn calls(house: &'a House, cell: Cell) -> Went {
        if cell.moment == Moment::Ringing {
            house.loses(cell.lost, cell.loss).await;
        }
        let booking = match cell.moment {
            Moment::BookingAsked => Some(house.at_booking(Booking::Asked, cell.lost, cell.loss)),
            Moment::BookingAnswered => Some(house.at_booking(Booking::Answered, cell.lost, cell.loss)),
            _ => None,
        };
        let call = house.rings(ANA).await;
        let lost_at = (cell.moment == Moment::Ringing).then_some(Duration::ZERO);
        let guest = Self {
            house,
            cell,
            call,
            now: Duration::ZERO,
            lost_at,
            booking,
            said: Vec::new(),
            speaks_until: Duration::ZERO,
            spoke_at: Duration::ZERO,
            is_owed: false,
            heard: 0,
            phase: None,
            phase_at: Duration::ZERO,
            heard_at_phase: 0,
            talks: 0,
            says_seen: 0,
            silence: Duration::ZERO,
            longest: Default::default(),
            longest_before: Duration::ZERO,
            is_done: false,
        };
        guest.holds_it().await
    }

    async fn holds_it(mut self) -> Went {
        let mut is_over = false;
        while self.now < LONGEST {
            self.house.passes().await;
            self.now += TICK;
            let (stage, heard) = self.call.peek(|seen| (seen.stage, seen.heard_ms()));
            if stage == Stage::Over || self.phase == Some(Phase::Closed) {
                is_over = true;
                break;
            }
            self.looks();
            self.listens(stage, heard);
            self.loses(stage).await;
            if self.is_done {
                is_over = true;
                break;
            }
            self.speaks();
        }
        if self.lost_at.is_some_and(|at| at + HELD <= self.now) {
            self.house.has_store().await;
        }
        self.call.hang_up();
        for _ in 0..100 {
            self.house.passes().await;
        }
        self.house.has_store().await;
        let mut left = 4000;
        while left > 0 && self.house.seen.is_held() {
            self.house.passes().await;
            std::thread::sleep(Duration::from_micros(500));
            left -= 1;
        }
        Went {
            longest: self.longest,
            longest_before: self.longest_before,
            lost_at: self.lost_at,
            is_over: is_over && left > 0,
            said: self.said,
            seen: self.call.seen(),
        }
    }

    fn looks(&mut self) {
        let phase = self.house.seen.phase();
        if phase != self.phase {
            if phase == Some(Phase::Talking) && self.phase != Some(Phase::Held) {
                self.talks += 1;
            }
            (self.phase, self.phase_at, self.heard_at_phase) = (phase, self.now, self.heard);
        }
    }

    /// Hears what came, and notes for how long nothing did.
    fn listens(&mut self, stage: Stage, heard: usize) {
        let hears = heard > self.heard;
        self.heard = heard;
        let speaks = self.now <= self.speaks_until;
        if hears && !speaks {
            self.is_owed = false;
        }
        let is_theirs = self.is_owed
            || !matches!(self.phase, Some(Phase::Listening | Phase::Closed)) && stage == Stage::Connected;
        if hears || speaks || !is_theirs {
            self.silence = Duration::ZERO;
            return;
        }
        self.silence += TICK;
        if self.lost_at.is_none() {
            self.longest_before = self.longest_before.max(self.silence);
        } else if self.silence > self.longest.0 {
            self.longest = (self.silence, self.now);
        }
    }

    /// Whether the moment has come; then the provider is lost.
    async fn loses(&mut self, stage: Stage) {
        if let Some(at) = self.lost_at {
            if self.cell.loss == Loss::Slow && self.cell.lost == Lost::Store && self.now >= at + HELD {
                self.house.has_store().await;
            }
            return;
        }
        if let Some(came) = &self.booking {
            if *came.lock().expect("a flag") {
                self.lost_at = Some(self.now);
                if self.cell.lost == Lost::Store {
                    self.house.loses(self.cell.lost, self.cell.loss).await;
                }
            }
            return;
        }
        let for_ms = |ms: u64| self.now >= self.phase_at + Duration::from_millis(ms);
        let is = |phase: Phase| self.phase == Some(phase);
        let speaks = |number: usize, ms: u64| {
            self.said.len() == number && self.now >= self.spoke_at + Duration::from_millis(ms)
        };
        let is_read_back = self.was_read_back();
        let says_yes = self.said.last().is_some_and(|words| words == "yes");
        let heard = self.heard - self.heard_at_phase;
        let comes = match self.cell.moment {
            Moment::Ringing | Moment::BookingAsked | Moment::BookingAnswered | Moment::Never => false,
            Moment::Answered => stage == Stage::Connected,
            Moment::Greeting => is(Phase::Talking) && self.talks == 1 && heard >= 500,
            Moment::Greeted => is(Phase::Listening) && self.talks == 1 && for_ms(200),
            Moment::SpeechBegins => speaks(1, 300),
            Moment::Speech => speaks(1, 2500),
            Moment::SpeechEnds => speaks(1, 0) && self.now >= self.speaks_until,
            Moment::Replying => is(Phase::Talking) && self.said.len() == 1 && self.talks >= 2 && heard >= 500,
            Moment::ReadBack => is(Phase::Talking) && is_read_back && heard >= 1500,
            Moment::ReadBackHeard => is(Phase::Listening) && is_read_back,
            Moment::Yes => says_yes && self.now >= self.spoke_at + Duration::from_millis(100),
            Moment::YesSaid => says_yes && self.now >= self.speaks_until,
            Moment::Booked => is(Phase::Talking) && says_yes && heard >= 500,
            Moment::Silence => is(Phase::Listening) && self.is_content() && for_ms(1000),
        };
        if comes {
            self.lost_at = Some(self.now);
            self.house.loses(self.cell.lost, self.cell.loss).await;
        }
    }

    /// The last thing that was said since they spoke last.
    fn last_words(&self) -> String {
        let sight = self.house.seen.now();
        sight.says[self.says_seen.min(sight.says.len())..].join(" ")
    }

    fn was_read_back(&self) -> bool {
        self.last_words().contains(READ_BACK)
    }

    /// Whether they have what they wanted and say nothing any more.
    fn is_content(&self) -> bool {
        self.said.iter().any(|words| words == "no thanks")
    }

    fn speaks(&mut self) {
        let is_theirs = self.phase == Some(Phase::Listening) && !self.is_owed;
        if !is_theirs || self.now < self.phase_at + BREATH || self.now <= self.speaks_until + BREATH {
            return;
        }
        if self.is_content() {
            let quiet = if self.cell.moment == Moment::Silence { QUIET } else { SHORTLY };
            self.is_done = self.now >= self.phase_at.max(self.speaks_until) + quiet || self.talks > 30;
            return;
        }
        if self.said.len() >= MOST {
            self.is_done = true;
            return;
        }
        let last = self.last_words();
        let has_said = |what: &str| self.said.iter().any(|words| words == what);
        let is_odd = self.cell.lost == Lost::Model && !has_said(ODD);
        let words = if is_odd && (last.contains(READ_BACK) || self.cell.moment.is_early()) {
            ODD
        } else if !has_said(WISH) {
            WISH
        } else if last.contains(READ_BACK) {
            "yes"
        } else if has_said("yes") && last.contains("WhatsApp") {
            "no thanks"
        } else if last.contains("say that again") || last.is_empty() {
            if self.said.last().is_some_and(|words| words == "yes") { "yes" } else { WISH }
        } else if has_said("yes") {
            "no thanks"
        } else {
            "the first one"
        };
        let words = words.to_owned();
        let sound = Speech::new().say(&words).sound();
        self.spoke_at = self.now;
        self.speaks_until = self.now + Duration::from_millis(sound.len() as u64 / 8);
        self.call.speak(&sound);
        self.said.push(words);
        self.says_seen = self.house.seen.says();
        self.is_owed = true;
    }
}
