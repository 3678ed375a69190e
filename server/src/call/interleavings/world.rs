//! One call: the far end, the voice, the hotel and the caller, each by chance, and what must be so after every event.

mod hotel;
mod judged;
mod plan;
mod wishes;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use statig::blocking::{InitializedStateMachine, IntoStateMachineExt as _};

use self::hotel::{Job, Supposing};
use super::chance::{Dice, Draws as _};
use super::far::{FarEnd, KEPT, sound};
use super::oracle::Oracle;
use super::tally::Tally;
use super::voice::{Manner, Voice};
use crate::call::ends::Sounding;
use crate::call::machine::{Call, Event, Phase, State, Wait};
use crate::call::pace::Manners;
use crate::call::said::{HUNG_UP, Said};
use crate::call::script::Told;
use crate::channel::line::{FromSound, ToSound};
use crate::config::CallPace;
use crate::store::Listened;
use crate::stt::live::Heard;
use crate::tts::live::{Order, Spoken};

/// No call lasts so long, in milliseconds, however it goes.
const ENDLESS: i64 = 15 * 60 * 1000;

/// So many things happen in no millisecond.
const SPINNING: usize = 2000;

/// What is on its way.
#[derive(Debug)]
enum Coming {
    ToFarEnd(ToSound),
    FromLine(Option<FromSound>),
    ToVoice(Order),
    FromVoice(Option<Spoken>),
    FromEars(Option<Heard>),
    /// The caller hangs up, which is known only later.
    HangsUp,
    /// The line takes orders, or does not.
    Stalls(bool),
}

/// A call.
pub(super) struct World {
    dice: Dice,
    now: i64,
    number: u64,
    coming: BTreeMap<(i64, u64), Coming>,
    machine: InitializedStateMachine<Call>,
    sounding: Sounding,
    said: Said,
    waits: BTreeMap<Wait, i64>,
    since: Option<i64>,
    job: Option<(i64, Job)>,
    jobs: VecDeque<Job>,
    open_turns: usize,
    supposed: Option<Supposing>,
    wanted: Option<String>,
    far: FarEnd,
    voice: Voice,
    oracle: Oracle,
    /// The text that each line says.
    lines: HashMap<u64, usize>,
    /// The text that each message is, and what was recorded of it.
    messages: HashMap<(u64, usize), (usize, Option<Listened>)>,
    replies: u64,
    turns_begun: usize,
    turns_done: usize,
    /// The messages of a read-back that nobody answered yet.
    read_back: Vec<(u64, usize)>,
    bookings: u64,
    /// How long the line takes there, and home, and how much that varies.
    there: (usize, usize),
    home: (usize, usize),
    arrives_there: i64,
    arrives_home: i64,
    is_stalled: bool,
    /// Whether the line was never stalled and the voice is as fast as usual: then nothing is only guessed.
    is_calm: bool,
    /// Whether nothing may be sent: the caller speaks, perhaps.
    is_hushed: bool,
    clears: u64,
    /// The texts that are being said.
    saying: Vec<usize>,
    /// Where a text was left, to be gone on with.
    left_at: Option<(usize, usize)>,
    /// What was told of lines that were cut, to be judged once the far end is silent.
    unjudged: Vec<Told>,
    tally: Tally,
    trace: Option<Vec<String>>,
}

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + ms).expect("an instant")
}

fn ms(at: DateTime<Utc>) -> i64 {
    // Whoever waits wakes up at their time or after it.
    (at.timestamp_micros() + 999).div_euclid(1000) - 1_800_000_000_000
}

impl World {
    pub(super) fn new(seed: u64, is_traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let pace = CallPace::default();
        let back_channels = ["mhm", "ok"].map(str::to_owned).into();
        let manners = Arc::new(Manners { pace, back_channels });
        let machine = Call::new(manners, false);
        let machine = machine.uninitialized_state_machine().init_with_context(&mut Vec::new());
        let is_usual = dice.chance(60);
        let manner = Manner {
            ms_per_byte: if is_usual { 66 } else { 50 + dice.below(40) },
            pace: *dice.one_of(&[2, 5, 20]),
            first: *dice.one_of(&[5, 150, 400, 1500]),
            troubles: if dice.chance(70) { 0 } else { 40 },
            leaks: dice.chance(20),
        };
        let jitter = *dice.one_of(&[0, 20, 60]);
        let mut world = Self {
            now: 0,
            number: 0,
            coming: BTreeMap::new(),
            machine,
            sounding: Sounding::new(pace.ahead, Arc::default(), Some(sound(KEPT, 0..700).into())),
            said: Said::default(),
            waits: BTreeMap::new(),
            since: None,
            job: None,
            jobs: VecDeque::new(),
            open_turns: 0,
            supposed: None,
            wanted: None,
            far: FarEnd::default(),
            voice: Voice::new(manner),
            oracle: Oracle::default(),
            lines: HashMap::new(),
            messages: HashMap::new(),
            replies: 0,
            turns_begun: 0,
            turns_done: 0,
            read_back: Vec::new(),
            bookings: 0,
            there: (dice.below(120), jitter),
            home: (dice.below(120), jitter),
            arrives_there: 0,
            arrives_home: 0,
            is_stalled: false,
            is_calm: is_usual && manner.troubles == 0,
            is_hushed: false,
            clears: 0,
            saying: Vec::new(),
            left_at: None,
            unjudged: Vec::new(),
            tally: Tally { calls: 1, ..Tally::default() },
            trace: is_traced.then(Vec::new),
            dice,
        };
        world.plan();
        world
    }

    fn comes(&mut self, at: i64, what: Coming) {
        self.number += 1;
        self.coming.insert((at, self.number), what);
    }

    fn traces(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let line = format!("{:>7} {}", self.now, what());
            trace.push(line);
        }
    }

    /// What happened in this call, to its end or to what went wrong.
    pub(super) fn traced(mut self) -> String {
        let mut all = String::new();
        let result = self.goes();
        let lines = self.trace.take().unwrap_or_default();
        for line in &lines[lines.len().saturating_sub(400)..] {
            let _ = writeln!(all, "{line}");
        }
        format!("{all}{result:?}")
    }

    /// Holds the call to its end; or says what went wrong.
    pub(super) fn run(mut self) -> Result<Tally, String> {
        self.goes()?;
        Ok(self.tally)
    }

    fn goes(&mut self) -> Result<(), String> {
        self.handle(&Event::Answered)?;
        let (mut before, mut times) = (0, 0);
        while !self.is_closed() {
            if let Some(event) = self.sounding.due(at(self.now)) {
                self.pour()?;
                self.handle(&event)?;
                continue;
            }
            self.pour()?;
            let next = self.next().ok_or("nothing will ever happen")?;
            self.now = self.now.max(next);
            times = if self.now == before { times + 1 } else { 0 };
            before = self.now;
            if times > SPINNING {
                return Err("it spins".to_owned());
            }
            if self.now > ENDLESS {
                return Err(format!("it never ends: {:?}", self.phase()));
            }
            self.happens()?;
        }
        self.finish()
    }

    fn phase(&self) -> Phase {
        Phase::of(self.machine.state())
    }

    fn is_closed(&self) -> bool {
        matches!(self.machine.state(), State::Closed {})
    }

    /// When something happens next.
    fn next(&self) -> Option<i64> {
        let times = [
            self.coming.keys().next().map(|(at, _)| *at),
            self.sounding.until().map(ms),
            self.waits.values().min().copied(),
            self.job.as_ref().map(|(at, _)| *at),
            self.supposed.as_ref().and_then(|supposed| supposed.done),
            self.far.next(),
        ];
        times.into_iter().flatten().min()
    }

    /// One of the things that are due.
    fn happens(&mut self) -> Result<(), String> {
        let now = self.now;
        self.plays();
        let due = [
            self.coming.keys().next().is_some_and(|(at, _)| *at <= now),
            self.sounding.until().is_some_and(|at| ms(at) <= now),
            self.waits.values().any(|at| *at <= now),
            self.job.as_ref().is_some_and(|(at, _)| *at <= now),
            self.supposed.as_ref().is_some_and(|supposed| supposed.done.is_some_and(|at| at <= now)),
        ];
        let first = self.dice.below(due.len());
        let Some(which) = (first..first + due.len()).map(|at| at % due.len()).find(|at| due[*at]) else {
            return Ok(());
        };
        match which {
            0 => self.came(),
            1 => {
                self.sounding.passed(at(now));
                Ok(())
            }
            2 => {
                let (wait, _) = self.waits.iter().min_by_key(|(_, at)| **at).expect("a wait");
                let wait = *wait;
                self.waits.remove(&wait);
                self.handle(&Event::Waited(wait))
            }
            3 => {
                let (_, job) = self.job.take().expect("a job");
                let event = self.done(job)?;
                self.go_to_work();
                self.settle()?;
                event.map_or(Ok(()), |event| self.handle(&event))
            }
            _ => {
                let Some(supposed) = &mut self.supposed else { return Ok(()) };
                supposed.done = None;
                let texts = supposed.texts.clone().unwrap_or_default();
                self.sounding.prepare(&texts, at(now));
                self.ordered();
                Ok(())
            }
        }
    }

    /// The far end plays up to now.
    fn plays(&mut self) {
        for mark in self.far.plays(self.now, &mut self.oracle) {
            self.gives_back(mark);
        }
    }

    fn home(&mut self) -> i64 {
        i64::try_from(self.home.0).expect("a short time") + self.dice.ms(self.home.1)
    }

    fn gives_back(&mut self, mark: String) {
        let takes = self.home();
        self.arrives_home = self.arrives_home.max(self.now + takes);
        self.comes(self.arrives_home, Coming::FromLine(Some(FromSound::Mark(mark))));
    }

    fn came(&mut self) -> Result<(), String> {
        let Some((_, coming)) = self.coming.pop_first() else { return Ok(()) };
        let now = at(self.now);
        match coming {
            Coming::ToFarEnd(order) => {
                let is_clear = order == ToSound::Clear;
                for mark in self.far.takes(order, self.now) {
                    self.gives_back(mark);
                }
                if is_clear {
                    self.judge()?;
                }
            }
            Coming::FromLine(signal) => {
                self.traces(|| format!("line: {signal:?}"));
                if !self.sounding.is_gone() {
                    self.sounding.signalled(signal, now);
                }
            }
            Coming::ToVoice(Order::Say { utterance, text, .. }) => {
                for (when, spoken) in self.voice.says(utterance, &text, self.now, &mut self.dice) {
                    self.comes(when, Coming::FromVoice(Some(spoken)));
                }
            }
            Coming::ToVoice(Order::Cancel { upto }) => self.voice.is_called_off(upto, self.now),
            Coming::FromVoice(Some(spoken)) => {
                if self.sounding.voice.is_some() && self.voice.passes(&spoken, &mut self.dice) {
                    if let Spoken::Done { utterance } = spoken {
                        self.oracle.whole(u32::try_from(utterance.0).expect("few"));
                    }
                    self.sounding.spoken(Some(spoken), now);
                }
            }
            Coming::FromVoice(None) => {
                self.traces(|| "the voice is gone".to_owned());
                self.sounding.spoken(None, now);
            }
            Coming::FromEars(heard) => {
                self.traces(|| format!("ears: {heard:?}"));
                if self.sounding.ears.is_some() {
                    self.sounding.heard(heard);
                }
            }
            Coming::HangsUp => self.far.stops(),
            Coming::Stalls(stalls) => self.is_stalled = stalls,
        }
        self.pour()
    }

    /// Gives everybody what waits for them; nothing that goes to the line may be stale.
    fn pour(&mut self) -> Result<(), String> {
        while let Some(order) = if self.is_stalled { None } else { self.sounding.line.pop_front() } {
            match &order {
                ToSound::Sound(bytes) => self.is_fresh(bytes)?,
                ToSound::Mark(name) => {
                    let generation = format!("{}:", self.clears + 1);
                    if !name.starts_with(&generation) {
                        return Err(format!("{name} is of another generation than {generation}"));
                    }
                }
                ToSound::Clear => {}
            }
            let takes = i64::try_from(self.there.0).expect("a short time") + self.dice.ms(self.there.1);
            self.arrives_there = self.arrives_there.max(self.now + takes);
            self.comes(self.arrives_there, Coming::ToFarEnd(order));
        }
        let orders: Vec<Order> = self.sounding.voice.iter_mut().flat_map(|orders| orders.drain(..)).collect();
        for order in orders {
            self.comes(self.now + 5, Coming::ToVoice(order));
        }
        if let Some(feed) = &mut self.sounding.ears {
            feed.clear();
        }
        Ok(())
    }

    fn handle(&mut self, event: &Event) -> Result<(), String> {
        let begins = matches!(
            event,
            Event::TurnStarted
                | Event::Partial(_)
                | Event::Digit(_)
                | Event::TurnEnded(_)
                | Event::Interrupted
        );
        if begins && (self.since.is_none() || *event == Event::TurnStarted) {
            self.since = Some(self.now);
        }
        self.tally.events += 1;
        match event {
            Event::LostEars => self.tally.ears_lost += 1,
            Event::LostVoice => self.tally.voices_lost += 1,
            _ => {}
        }
        let mut wishes = Vec::new();
        self.machine.handle_with_context(event, &mut wishes);
        let phase = self.phase();
        self.traces(|| format!("{event:?} -> {wishes:?} -> {phase:?}"));
        for wish in wishes {
            self.grant(wish)?;
        }
        self.settle()
    }

    fn settle(&mut self) -> Result<(), String> {
        self.collect()?;
        if self.job.is_none() && self.said.has_records() {
            self.record()?;
            self.start(Job::Records);
        }
        if self.job.is_none()
            && let Some(words) = self.wanted.take()
        {
            self.suppose(&words);
        }
        self.ordered();
        Ok(())
    }

    /// The call is over: what was begun is brought to its end, and of every message it is known what was heard.
    fn finish(&mut self) -> Result<(), String> {
        self.forget();
        self.sounding.hush(at(self.now));
        if !self.sounding.is_gone() {
            self.clears += 1;
        }
        self.give_up(HUNG_UP)?;
        self.pour()?;
        while let Some((_, job)) = self.job.take() {
            if let Job::Turn { turn, since, supposed } = job {
                self.turns_done += 1;
                self.said.drop_reply(HUNG_UP);
                if let Some(reply) = self.answer(&turn, since, supposed)? {
                    self.said.replied(reply);
                }
            }
            self.go_to_work();
        }
        self.said.end();
        self.record()?;
        if self.turns_done != self.turns_begun {
            return Err(format!("{} turns were begun and {} done", self.turns_begun, self.turns_done));
        }
        if let Some((key, _)) = self.messages.iter().find(|(_, (_, listened))| listened.is_none()) {
            return Err(format!("nobody knows what was heard of {key:?}"));
        }
        // The rest that is on its way is played.
        let later = self.now + 1000;
        while let Some(((at, _), coming)) = self.coming.pop_first().filter(|((at, _), _)| *at <= later) {
            self.now = self.now.max(at);
            self.plays();
            if matches!(coming, Coming::HangsUp) {
                self.far.stops();
            }
            if let Coming::ToFarEnd(order) = coming {
                let is_clear = order == ToSound::Clear;
                self.far.takes(order, self.now);
                if is_clear {
                    break;
                }
            }
        }
        self.judge()
    }
}

fn is_to_far_end(coming: &Coming) -> bool {
    matches!(coming, Coming::ToFarEnd(_))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).expect("a short time")
}
