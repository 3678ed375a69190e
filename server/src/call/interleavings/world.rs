//! One call: the far end, the voice, the hotel and the caller, each by chance, and what must be so after every event.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use statig::blocking::{InitializedStateMachine, IntoStateMachineExt as _};

use super::far::{FarEnd, KEPT, slots, sound};
use super::oracle::Oracle;
use super::voice::{Manner, Voice};
use crate::call::ends::Sounding;
use crate::call::keys::Keys;
use crate::call::machine::{After, Call, Event, Phase, State, Thought, Turn, Wait, Wish};
use crate::call::pace::{Asks, Manners};
use crate::call::said::{HUNG_UP, INTERRUPTED, Said};
use crate::call::script::Told;
use crate::call::turns::{Place, Record, Reply};
use crate::channel::line::{FromSound, ToSound};
use crate::config::CallPace;
use crate::message::ConversationId;
use crate::store::Listened;
use crate::stt::live::Heard;
use crate::tts::live::{Order, Spoken};

/// No call lasts so long, in milliseconds, however it goes.
const ENDLESS: i64 = 15 * 60 * 1000;

/// So many things happen in no millisecond.
const SPINNING: usize = 2000;

/// A sequence of numbers that follows from its seed.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.roll() % most.max(1) as u64).expect("a small number")
    }

    pub(super) fn upto(&mut self, most: u32) -> u32 {
        u32::try_from(self.roll() % (u64::from(most) + 1)).expect("a small number")
    }

    /// A time below another.
    pub(super) fn ms(&mut self, most: usize) -> i64 {
        i64::try_from(self.below(most + 1)).expect("a short time")
    }

    /// Whether something of so many per cent comes about.
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What came about in calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    calls: u64,
    events: u64,
    clears: u64,
    whole: u64,
    part: u64,
    resumed: u64,
    booked: u64,
    unheard_yes: u64,
    ended_by_silence: u64,
    said_again: u64,
    ears_lost: u64,
    voices_lost: u64,
    bridged: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.events += other.events;
        self.clears += other.clears;
        self.whole += other.whole;
        self.part += other.part;
        self.resumed += other.resumed;
        self.booked += other.booked;
        self.unheard_yes += other.unheard_yes;
        self.ended_by_silence += other.ended_by_silence;
        self.said_again += other.said_again;
        self.ears_lost += other.ears_lost;
        self.voices_lost += other.voices_lost;
        self.bridged += other.bridged;
    }

    /// Whether nothing that is judged never happened.
    pub(super) fn is_everything(&self) -> bool {
        let all = [
            self.clears,
            self.whole,
            self.part,
            self.resumed,
            self.booked,
            self.unheard_yes,
            self.ended_by_silence,
            self.said_again,
            self.ears_lost,
            self.voices_lost,
            self.bridged,
        ];
        all.iter().all(|count| *count > 0)
    }
}

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

/// What is done beside speaking.
#[derive(Debug)]
enum Job {
    Turn { turn: Turn, since: i64, supposed: Option<Vec<String>> },
    Records,
    Transfer,
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

struct Supposing {
    words: String,
    done: Option<i64>,
    texts: Option<Vec<String>>,
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
        let mut dice = Dice(seed);
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

    /// What the caller, the line and the providers do by themselves.
    fn plan(&mut self) {
        let mut at = 0;
        for _ in 0..self.dice.below(9) {
            at += *self.dice.one_of(&[0, 10, 200, 900, 2500, 5000]);
            at += self.dice.ms(800);
            match self.dice.below(20) {
                0..=13 => at = self.speaks(at),
                14 | 15 => at = self.presses(at),
                16 => {
                    // Ears that do not keep to any order.
                    let words = self.words();
                    let heard = match self.dice.below(5) {
                        0 => Heard::TurnStarted,
                        1 => Heard::Partial { words },
                        2 => Heard::EagerEnd { words },
                        3 => Heard::Resumed,
                        _ => Heard::TurnEnded { words, confidence: None },
                    };
                    self.comes(at, Coming::FromEars(Some(heard)));
                }
                17 => {
                    self.is_calm = false;
                    self.comes(at, Coming::Stalls(true));
                    let long = *self.dice.one_of(&[50, 400, 4000]);
                    at += long;
                    self.comes(at, Coming::Stalls(false));
                }
                18 => self.comes(at, Coming::FromEars(None)),
                _ => self.comes(at, Coming::FromVoice(None)),
            }
        }
        if self.dice.chance(80) {
            at += self.dice.ms(6000);
            let end = self.dice.chance(80).then_some(FromSound::Stopped);
            self.comes(at, Coming::HangsUp);
            let home = self.home();
            self.comes(at + home, Coming::FromLine(end));
        }
    }

    fn words(&mut self) -> String {
        let all = ["", "mhm", "ok", "yes", "yes", "yes", "no", "two nights", "three", "a person please"];
        (*self.dice.one_of(&all)).to_owned()
    }

    fn speaks(&mut self, mut at: i64) -> i64 {
        let words = self.words();
        self.comes(at, Coming::FromEars(Some(Heard::TurnStarted)));
        for _ in 0..self.dice.below(3) {
            at += self.dice.ms(600);
            self.comes(at, Coming::FromEars(Some(Heard::Partial { words: words.clone() })));
        }
        while self.dice.chance(35) {
            at += self.dice.ms(300);
            self.comes(at, Coming::FromEars(Some(Heard::EagerEnd { words: words.clone() })));
            if self.dice.chance(50) {
                at += self.dice.ms(300);
                self.comes(at, Coming::FromEars(Some(Heard::Resumed)));
            }
        }
        at += self.dice.ms(400);
        self.comes(at, Coming::FromEars(Some(Heard::TurnEnded { words, confidence: None })));
        at
    }

    fn presses(&mut self, mut at: i64) -> i64 {
        for _ in 0..=self.dice.below(3) {
            at += self.dice.ms(900);
            let key = *self.dice.one_of(&['1', '2', '3', '#', '*']);
            self.comes(at, Coming::FromLine(Some(FromSound::Digit(key))));
        }
        at
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

    /// Whether sound may be sent now.
    fn is_fresh(&mut self, bytes: &[u8]) -> Result<(), String> {
        let all = slots(bytes);
        let Some(first) = all.first().copied() else { return Ok(()) };
        self.traces(|| format!("sends {first:?}, {} ms", all.len()));
        if self.is_hushed {
            return Err(format!("{first:?} is sent after a clear"));
        }
        if first.utterance == KEPT {
            self.tally.bridged += 1;
            return Ok(());
        }
        if let Some(dead) = all.iter().find(|slot| self.oracle.is_dead(slot.utterance)) {
            return Err(format!("{dead:?} is of what was called off"));
        }
        let Some((text, word)) = self.oracle.word(first) else {
            return Err(format!("{first:?} is of nothing"));
        };
        if let Some((was, heard)) = self.left_at
            && was == text
        {
            self.left_at = None;
            self.tally.resumed += 1;
            // A chunk, the doubt about the way, the way home and a word that is cut in two are said again at most.
            if self.is_calm && word + 4 < heard {
                return Err(format!("it goes on at word {word} although {heard} were heard"));
            }
            // Of a voice that leaves words out nothing is to be gone on with.
            if self.is_calm && word > heard {
                return Err(format!("it goes on at word {word} although only {heard} were heard"));
            }
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

    fn grant(&mut self, wish: Wish) -> Result<(), String> {
        let now = at(self.now);
        match wish {
            Wish::Think(turn) => self.think(turn)?,
            Wish::Suppose(words) => self.suppose(&words),
            Wish::Forget => self.forget(),
            Wish::Speak => {
                let Some(lines) = self.said.lines() else { return Ok(()) };
                self.is_hushed = false;
                self.since = None;
                for line in &lines {
                    self.oracle.says(&line.text);
                    let text = self.oracle.number(&line.text).ok_or("nobody knows what is said")?;
                    self.tally.said_again += u64::from(self.lines.insert(line.id.0, text).is_some());
                    self.saying.push(text);
                }
                self.sounding.say(&lines, now);
            }
            Wish::Hush => {
                self.is_hushed = true;
                self.clears += 1;
                self.tally.clears += 1;
                self.plays();
                self.sounding.hush(now);
                for order in self.sounding.voice.iter().flatten() {
                    if let Order::Cancel { upto } = order {
                        self.oracle.called_off(u32::try_from(upto.0).expect("few"));
                    }
                }
                if self.sounding.line.iter().any(|order| *order != ToSound::Clear) {
                    return Err("something waits beside the clear".to_owned());
                }
            }
            Wish::GoOn => {
                self.is_hushed = false;
                self.since = None;
                self.plays();
                self.sounding.go_on(now);
                // What is left of the first line that was not heard whole.
                let open = self.saying.iter().copied();
                let open = open.filter(|text| self.oracle.heard_whole(*text).is_none()).min();
                let first = open.filter(|_| !self.coming.values().any(is_to_far_end));
                self.left_at = first.map(|text| (text, self.oracle.heard_words(text)));
            }
            Wish::GiveUp => self.give_up(INTERRUPTED)?,
            Wish::Filler | Wish::SayKept(_) => {
                self.is_hushed = false;
                let line = self.said.phrase("kept".to_owned());
                self.sounding.say_kept(&line, &sound(KEPT, 0..700), now);
            }
            Wish::Say(_) => {
                self.is_hushed = false;
                let text = self.text();
                let line = self.said.phrase(text);
                self.oracle.says(&line.text);
                self.sounding.say(std::slice::from_ref(&line), now);
            }
            Wish::Wait(wait, long) => {
                self.waits.insert(wait, self.now + millis(long));
            }
            Wish::Stop(wait) => {
                self.waits.remove(&wait);
            }
            Wish::Tune(asks) => self.sounding.tune(asks, self.said.terms()),
            Wish::Transfer => self.start(Job::Transfer),
            Wish::HangUp => {}
        }
        self.ordered();
        Ok(())
    }

    /// Tells the oracle what the voice was just asked for.
    fn ordered(&mut self) {
        for order in self.sounding.voice.iter().flatten() {
            if let Order::Say { utterance, text, .. } = order {
                let id = u32::try_from(utterance.0).expect("few utterances");
                self.oracle.ordered(id, text, self.voice.length(text));
            }
        }
    }

    fn text(&mut self) -> String {
        let words = 1 + self.dice.below(9);
        let lengths: Vec<usize> = (0..words).map(|_| self.dice.below(7)).collect();
        self.oracle.text(lengths)
    }

    fn start(&mut self, job: Job) {
        self.jobs.push_back(job);
        self.go_to_work();
    }

    fn go_to_work(&mut self) {
        if self.job.is_none()
            && let Some(job) = self.jobs.pop_front()
        {
            let takes = match &job {
                Job::Turn { .. } if self.dice.chance(20) => self.dice.ms(3000),
                Job::Turn { .. } | Job::Records | Job::Transfer => self.dice.ms(20),
            };
            self.job = Some((self.now + takes, job));
        }
    }

    fn think(&mut self, turn: Turn) -> Result<(), String> {
        self.wanted = None;
        self.collect()?;
        let supposed = match self.supposed.take() {
            Some(supposed) if matches!(&turn, Turn::Words(words) if *words == supposed.words) => {
                supposed.texts
            }
            Some(other) => {
                self.supposed = Some(other);
                self.forget();
                None
            }
            None => None,
        };
        let since = self.since.take().unwrap_or(self.now);
        self.open_turns += 1;
        self.turns_begun += 1;
        self.record()?;
        self.start(Job::Turn { turn, since, supposed });
        Ok(())
    }

    fn suppose(&mut self, words: &str) {
        self.forget();
        if self.job.is_some() || self.said.has_records() {
            self.wanted = Some(words.to_owned());
            return;
        }
        let done = Some(self.now + self.dice.ms(60));
        let texts = self.texts();
        self.supposed = Some(Supposing { words: words.trim().to_owned(), done, texts: Some(texts) });
    }

    fn forget(&mut self) {
        self.wanted = None;
        if self.supposed.take().is_some() {
            self.sounding.forget();
        }
    }

    fn texts(&mut self) -> Vec<String> {
        (0..=self.dice.below(2)).map(|_| self.text()).collect()
    }

    fn give_up(&mut self, why: &'static str) -> Result<(), String> {
        let cut = self.sounding.give_up();
        self.saying.clear();
        self.left_at = None;
        for line in &cut {
            if let Some(text) = self.lines.get(&line.0) {
                self.oracle.given_up(*text);
            }
        }
        let told = self.sounding.told();
        let told = self.said.cut(&cut, told, why);
        self.tells(told)
    }

    /// What was told is judged: at once what was heard whole, the rest when the far end is silent.
    fn tells(&mut self, told: Vec<Told>) -> Result<(), String> {
        self.plays();
        for told in told {
            self.traces(|| format!("told: {told:?}"));
            let Some(&text) = self.lines.get(&told.id.0) else { continue };
            let (words, is_whole) = told.words();
            if is_whole {
                self.tally.whole += 1;
                if self.oracle.heard_whole(text).is_none_or(|heard| heard > self.now) {
                    return Err(format!("{told:?} was not heard whole; {}", self.oracle.about(text)));
                }
            } else {
                self.tally.part += u64::from(!words.is_empty());
                self.unjudged.push(told);
            }
        }
        Ok(())
    }

    fn judge(&mut self) -> Result<(), String> {
        for told in std::mem::take(&mut self.unjudged) {
            let text = self.lines[&told.id.0];
            let judged = self.oracle.judge(text, &told)?;
            // Of the first piece of a voice nobody knows how long it will be.
            let guessed = judged.told * self.voice.length("a").saturating_sub(66) / 66;
            if judged.told > judged.heard + 1 + guessed {
                return Err(format!("{told:?}: {judged:?}; {}", self.oracle.about(text)));
            }
            if self.is_calm && judged.heard > judged.told + 1 {
                return Err(format!("{told:?}: {judged:?}, more was heard; {}", self.oracle.about(text)));
            }
        }
        Ok(())
    }

    fn collect(&mut self) -> Result<(), String> {
        let told = self.sounding.told();
        let told = told.into_iter().filter(|told| self.said.note(told, INTERRUPTED)).collect();
        self.tells(told)
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

    /// Writes down what was heard: of every message once.
    fn record(&mut self) -> Result<(), String> {
        for Record { entry, listened } in self.said.records() {
            let key = (entry.at.revision, entry.which);
            let (text, known) = self.messages.get_mut(&key).ok_or("a record of nothing")?;
            if known.is_some() {
                return Err(format!("{key:?} is recorded twice"));
            }
            if let Listened::Whole(when) = &listened {
                let heard = self.oracle.heard_whole(*text);
                if heard.is_none_or(|heard| heard > ms(*when)) {
                    return Err(format!("{key:?} counts as heard at {when}, and was at {heard:?}"));
                }
            }
            *known = Some(listened);
        }
        Ok(())
    }

    fn done(&mut self, job: Job) -> Result<Option<Event>, String> {
        match job {
            Job::Records => Ok(None),
            Job::Transfer => {
                Ok(Some(if self.dice.chance(50) { Event::Transferred } else { Event::Unreached }))
            }
            Job::Turn { turn, since, supposed } => {
                self.turns_done += 1;
                self.open_turns -= 1;
                let is_superseded = self.open_turns > 0;
                let Some(reply) = self.answer(&turn, since, supposed)? else {
                    return Ok((!is_superseded).then_some(Event::Failed));
                };
                let thought = reply.thought.clone();
                self.said.replied(reply);
                if is_superseded {
                    self.said.drop_reply(INTERRUPTED);
                    return Ok(None);
                }
                Ok(Some(Event::Thought(thought)))
            }
        }
    }

    /// The hotel's answer to a turn; `None` is a failure.
    fn answer(
        &mut self,
        turn: &Turn,
        since: i64,
        supposed: Option<Vec<String>>,
    ) -> Result<Option<Reply>, String> {
        let mut after = After::Listen;
        let is_yes = matches!(turn, Turn::Words(words) if words == "yes");
        let mut is_news = false;
        match turn {
            Turn::Silence(times) if *times >= 4 => {
                after = After::HangUp;
                self.tally.ended_by_silence += 1;
            }
            Turn::Called | Turn::Silence(_) => {}
            Turn::Words(_) | Turn::Keys { .. } => match self.dice.below(40) {
                0 if supposed.is_none() => return Ok(None),
                1 => after = After::HangUp,
                2 => after = After::Person,
                _ => {}
            },
        }
        if is_yes && !self.read_back.is_empty() {
            is_news = self.conveyed(since)?;
        }
        let texts = supposed.unwrap_or_else(|| if self.dice.chance(4) { Vec::new() } else { self.texts() });
        self.replies += 1;
        for (which, text) in texts.iter().enumerate() {
            let text = self.oracle.number(text).ok_or("nobody knows what is to be said")?;
            self.messages.insert((self.replies, which), (text, None));
        }
        let asks = *self.dice.one_of(&[Asks::Anything, Asks::YesNo, Asks::YesNo, Asks::Slow]);
        self.read_back = match asks {
            Asks::YesNo => (0..texts.len()).map(|which| (self.replies, which)).collect(),
            Asks::Anything | Asks::Short | Asks::Slow => Vec::new(),
        };
        let keys = match asks {
            Asks::YesNo => Keys::YesNo,
            Asks::Anything => Keys::Nothing,
            Asks::Short | Asks::Slow => Keys::Count,
        };
        let speaks = !texts.is_empty();
        let at =
            Place { conversation: ConversationId::new("one"), revision: self.replies, count: texts.len() };
        let thought = Thought { speaks, asks, keys, after };
        Ok(Some(Reply { texts, at, thought, terms: Vec::new(), is_news }))
    }

    /// Whether the read-back that is open counts as conveyed to somebody who began to speak then; books if it does.
    fn conveyed(&mut self, since: i64) -> Result<bool, String> {
        let read_back = std::mem::take(&mut self.read_back);
        let mut is_conveyed = true;
        for key in &read_back {
            let (text, listened) = &self.messages[key];
            let is_in_time = matches!(listened, Some(Listened::Whole(when)) if ms(*when) <= since);
            is_conveyed &= is_in_time;
            if is_in_time && self.oracle.heard_whole(*text).is_none_or(|heard| heard > since) {
                return Err(format!("{key:?} was conveyed, and not heard before {since}"));
            }
        }
        if is_conveyed {
            self.bookings += 1;
            self.tally.booked += 1;
        } else {
            self.tally.unheard_yes += 1;
        }
        Ok(is_conveyed)
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
