//! The booking that is played beside other libraries (`peers/conversation.json`), through the driver and the store in
//! memory: turns a second, what a conversation takes, stored and alive, what turn 500 costs beside turn 10, and how fast
//! logs are gone through again.
//!
//! A turn is an understood input and the tools' small answers, without rendering. `--json` prints the lines that
//! `peers/README.md` describes; `--turns` measures speed alone, `--few` little of it, for a profiler.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![expect(clippy::panic, reason = "a benchmark that cannot begin stops")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use innkeeper_engine::flow::Source;
use innkeeper_engine::runtime::{
    Arrival, Ask, Completed, Driver, MemoryStore, Performer, Revision, Store, against, replay,
};
use innkeeper_engine::{
    Act, By, Call, Expecting, Flows, Guest, Heard, Input, Moment, Outcome, PromptKey, Prompts, Say, Tool,
    Tools, Understanding, Waiting,
};
use serde_json::{Value as Json, json};

/// The allocator of the program that runs conversations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Conversations that are under way at once.
const AT_ONCE: usize = 256;

fn main() {
    let has = |name: &str| std::env::args().any(|argument| argument == name);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let played: Json = serde_json::from_str(include_str!("peers/conversation.json")).expect("JSON");
    let flows = flows();
    let desk = Desk::new(&flows, &played);
    let bench = Bench { flows, desk, played, json: has("--json"), few: has("--few"), speed: has("--turns") };
    runtime.block_on(async {
        bench.scenes().await;
        if !bench.speed {
            // What is alive is measured first: later the process has memory to use again.
            bench.live().await;
            bench.sizes().await;
            bench.long().await;
        }
        bench.throughput().await;
    });
}

/// So many recorded conversations are compared.
const COMPARED: usize = 2_000;

struct Bench {
    flows: Flows,
    desk: Desk,
    played: Json,
    json: bool,
    few: bool,
    /// Only the speed of turns.
    speed: bool,
}

impl Bench {
    fn tell(&self, measure: &str, value: f64, unit: &str, n: usize, note: &str) {
        if self.json {
            let line = json!({ "who": "Innkeeper", "store": "memory", "measure": measure, "value": value,
                "unit": unit, "n": n, "note": note });
            println!("{line}");
        } else {
            println!("{measure:<26} {value:>12.1} {unit:<8} n={n} {note}");
        }
    }

    /// It is the same work: every scene asks what it asks everywhere.
    async fn scenes(&self) {
        let booking = [("booking", &self.played["booking"])];
        let others = self.played["scenes"].as_object().into_iter().flatten();
        for (name, scene) in booking.into_iter().chain(others.map(|(name, scene)| (name.as_str(), scene))) {
            let (driver, store) = self.fresh();
            let mut conveyed = None;
            for turn in scene.as_array().into_iter().flatten() {
                let completed = self.turn(&driver, &store, "scene", &key(&turn["said"]), conveyed).await;
                conveyed = completed.position.unconveyed();
                let asked = asked(&completed);
                // A choice that is still offered after a correction stays: nobody has to choose it again.
                let keeps = asked == "confirm" && turn["asks"] == "room";
                assert!(keeps || turn["asks"] == *asked, "{name}: {turn}, and not {asked}");
            }
        }
    }

    fn fresh(&self) -> (Driver, MemoryStore<Arc<str>>) {
        (Driver::new(self.flows.clone()), MemoryStore::default())
    }

    /// What the guest says in the booking, turn by turn.
    fn booking(&self) -> Vec<String> {
        self.played["booking"].as_array().into_iter().flatten().map(|turn| key(&turn["said"])).collect()
    }

    async fn throughput(&self) {
        let said = self.booking();
        let batches = if self.few { 8 } else { 60 };
        let (mut cpu, mut clock, mut bulk, mut compared) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let changed = flows_with("yes: { target: booking }", "yes: { say: booked, target: booking }");
        for round in 0..if self.few { 2 } else { 6 } {
            let (driver, store) = self.fresh();
            let begun = (processor(), Instant::now());
            for batch in 0..batches {
                let ids: Vec<String> = (0..AT_ONCE).map(|number| format!("{batch}-{number}")).collect();
                let mut conveyed = vec![None; AT_ONCE];
                for said in &said {
                    for (id, conveyed) in ids.iter().zip(&mut conveyed) {
                        let completed = self.turn(&driver, &store, id, said, *conveyed).await;
                        *conveyed = completed.position.unconveyed();
                    }
                }
            }
            let turns = (batches * AT_ONCE * said.len()) as f64;
            let spent = (processor() - begun.0, begun.1.elapsed());
            let (mut replayed_in, mut compared_in, mut compared_turns) =
                (Duration::ZERO, Duration::ZERO, 0.0);
            if !self.speed {
                let mut logs = Vec::new();
                for batch in 0..batches {
                    for number in 0..AT_ONCE {
                        logs.push(store.log(&format!("{batch}-{number}")).await.expect("a log"));
                    }
                }
                let flows = driver.versions.current();
                let begun = processor();
                let mut pasts: Vec<Vec<Revision>> = Vec::new();
                for log in logs {
                    let replayed = replay::<std::convert::Infallible>(&flows, None, log).expect("a past");
                    assert_eq!(replayed.revisions.len(), said.len() + 1);
                    // The others would only take memory.
                    if pasts.len() < COMPARED {
                        pasts.push(replayed.revisions);
                    }
                }
                let replayed = processor();
                for past in &pasts {
                    assert_eq!(against(&changed, past).len(), 1, "the last turn says more");
                }
                compared_in = processor() - replayed;
                replayed_in = replayed - begun;
                compared_turns = (pasts.len() * said.len()) as f64;
            }
            // The first round warms up.
            if round > 0 {
                cpu.push(turns / spent.0.as_secs_f64());
                clock.push(turns / spent.1.as_secs_f64());
                bulk.push(turns / replayed_in.as_secs_f64());
                compared.push(compared_turns / compared_in.as_secs_f64());
            }
        }
        let n = batches * AT_ONCE * said.len();
        let note = format!("median of {}, by CPU time; {:.0} by the clock", cpu.len(), median(clock));
        self.tell("turns_per_second", median(cpu), "turns/s", n, &note);
        if self.speed {
            return;
        }
        self.tell(
            "replay_turns_per_second",
            median(bulk),
            "turns/s",
            n,
            "logs gone through again, by CPU time",
        );
        let note =
            "recorded conversations on changed flows, with the line that made the difference, by CPU time";
        self.tell(
            "against_turns_per_second",
            median(compared),
            "turns/s",
            n.min(COMPARED * said.len()),
            note,
        );
    }

    async fn sizes(&self) {
        let (driver, store) = self.fresh();
        let mut conveyed = None;
        for said in self.booking() {
            conveyed = self.turn(&driver, &store, "c", &said, conveyed).await.position.unconveyed();
        }
        self.size(&store, "c", "bytes_6_turns");
    }

    /// The guest changes the number of guests again and again at the choice of a room.
    async fn long(&self) {
        let first = usize::try_from(self.played["undecided"]["first"].as_u64().unwrap_or(3)).unwrap_or(3);
        let undecided = self.played["undecided"]["then"].as_array().cloned().unwrap_or_default();
        let then: Vec<String> = undecided.iter().map(|turn| key(&turn["said"])).collect();
        let booking = self.booking();
        let mut ratios = Vec::new();
        for round in 0..if self.few { 2 } else { 7 } {
            const MANY: usize = 100;
            let (driver, store) = self.fresh();
            let ids: Vec<String> = (0..MANY).map(|number| format!("l{number}")).collect();
            let (mut early, mut late) = (Duration::ZERO, Duration::ZERO);
            for turn in 0..500 {
                let said = booking.get(turn).filter(|_| turn < first).unwrap_or(&then[turn % then.len()]);
                let begun = processor();
                for id in &ids {
                    self.turn(&driver, &store, id, said, None).await;
                }
                match turn {
                    5..25 => early += processor() - begun,
                    480..500 => late += processor() - begun,
                    _ => {}
                }
            }
            if round == 0 {
                self.size(&store, "l0", "bytes_500_turns");
            } else {
                ratios.push(late.as_secs_f64() / early.as_secs_f64());
            }
        }
        let rounds = ratios.len();
        let note =
            format!("turns 481-500 beside 6-25 of the same conversations, by CPU time, median of {rounds}");
        self.tell("turn_500_over_10", median(ratios), "ratio", 100, &note);
    }

    /// What 10,000 conversations take that wait at the third turn.
    async fn live(&self) {
        let (driver, store) = self.fresh();
        let before = resident();
        for number in 0..10_000 {
            for said in self.booking().iter().take(3) {
                self.turn(&driver, &store, &format!("v{number}"), said, None).await;
            }
        }
        if let (Some(before), Some(after)) = (before, resident()) {
            let grown = after.saturating_sub(before) as f64;
            self.tell(
                "live_10000",
                grown,
                "bytes",
                10_000,
                "growth of the process at the third turn, logs included",
            );
        }
    }

    fn size(&self, store: &MemoryStore<Arc<str>>, id: &str, measure: &str) {
        let (position, log) = store.size(id).expect("a form").expect("a conversation");
        let note = format!("{position} of position, {log} of log");
        self.tell(measure, (position + log) as f64, "bytes", 1, &note);
    }

    async fn turn(
        &self,
        driver: &Driver,
        store: &MemoryStore<Arc<str>>,
        id: &str,
        said: &str,
        conveyed: Option<u32>,
    ) -> Completed<Arc<str>> {
        let mut inputs = Vec::with_capacity(2);
        inputs.extend(conveyed.map(|say| Input::Conveyed { say }));
        inputs.push(Input::Said { text: said.to_owned(), button: None });
        let arrival = Arrival { message: None, inputs, moment: self.desk.moment };
        driver.turn(store, &self.desk, id, arrival, None).await.expect("a turn")
    }
}

/// What a conversation asks now, in the words of the scenes.
fn asked(completed: &Completed<Arc<str>>) -> String {
    match completed.position.waiting() {
        Waiting::Guest { expecting: Expecting::Slot(slot), .. } => slot.to_string(),
        Waiting::Guest { expecting: Expecting::Confirmation, .. } => "confirm".to_owned(),
        _ => completed.outgoing.last().map(|prompt| prompt.to_string()).unwrap_or_default(),
    }
}

/// What stands for an understood message in a guest's words.
fn key(said: &Json) -> String {
    said.to_string()
}

struct Desk {
    moment: Moment,
    /// What every message of the scenes means.
    meanings: BTreeMap<String, Arc<Understanding>>,
    full_view: String,
    nothing: Arc<Json>,
    availability: Arc<Json>,
    quote: Arc<Json>,
    booking: Arc<Json>,
}

impl Desk {
    fn new(flows: &Flows, played: &Json) -> Self {
        let mut meanings = BTreeMap::new();
        let scenes = played["scenes"].as_object().into_iter().flatten().map(|(_, scene)| scene);
        let all = [&played["booking"], &played["undecided"]["then"]].into_iter().chain(scenes);
        for turn in all.filter_map(Json::as_array).flatten() {
            meanings.insert(key(&turn["said"]), Arc::new(meaning(flows, &turn["said"])));
        }
        let answer = |tool: &str| Arc::new(played["tools"][tool].clone());
        Self {
            moment: Moment {
                at: "2026-12-01T10:00:00Z".parse().expect("an instant"),
                today: "2026-12-01".parse().expect("a day"),
            },
            meanings,
            full_view: played["full_view"].as_str().unwrap_or_default().to_owned(),
            nothing: Arc::new(json!({ "rooms": [] })),
            availability: answer("get_room_availability"),
            quote: answer("quote_stay"),
            booking: answer("create_booking"),
        }
    }
}

/// A message as the rules of understanding would hand it over.
fn meaning(flows: &Flows, said: &Json) -> Understanding {
    let slots = flows.get("book").map(|flow| &flow.slots);
    let heard = said["slots"].as_object().into_iter().flatten().filter_map(|(name, value)| {
        let kind = &slots?.get(name.as_str())?.kind;
        Some((name.clone(), Heard::from_json(kind, value)?))
    });
    let act = match said["intent"].as_str() {
        Some("yes") => Act::Affirm,
        Some("no") => Act::Deny,
        _ => Act::Start("book".to_owned()),
    };
    Understanding { slots: heard.collect(), acts: vec![act], sure: true, by: By::Rules }
}

impl Performer for Desk {
    type Outgoing = Arc<str>;
    type Fault = std::convert::Infallible;

    fn now(&self) -> Moment {
        self.moment
    }

    async fn sleep(&self, _duration: Duration) {}

    async fn guest(&self, _known: Option<&Guest>) -> Option<Guest> {
        None
    }

    async fn understand(&self, ask: Ask<'_>) -> Arc<Understanding> {
        self.meanings.get(ask.said()).cloned().unwrap_or_default()
    }

    async fn call(&self, call: &Call, _key: &str) -> Outcome {
        let result = match &*call.tool {
            "get_room_availability"
                if call.arguments.get("view").is_some_and(|view| *view == *self.full_view) =>
            {
                &self.nothing
            }
            "get_room_availability" => &self.availability,
            "quote_stay" => &self.quote,
            _ => &self.booking,
        };
        Outcome::Ok { result: Arc::clone(result) }
    }

    async fn render(&self, says: &[Say]) -> Result<Vec<Arc<str>>, std::convert::Infallible> {
        Ok(says.last().map(|say| Arc::clone(&say.prompt)).into_iter().collect())
    }
}

fn flows() -> Flows {
    flows_with("", "")
}

/// The flows with one place in the booking rewritten.
fn flows_with(from: &str, to: &str) -> Flows {
    let source = |file: &str, text: &str| Source { file: file.to_owned(), text: text.to_owned() };
    let sources = [
        source("conversation.yaml", include_str!("conversation.yaml")),
        source("book.yaml", &include_str!("book.yaml").replacen(from, to, 1)),
    ];
    Flows::check(&sources, &tools(), &prompts()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn tools() -> Tools {
    let tool = |name: &str, read_only: bool, properties: Json| Tool {
        name: name.to_owned(),
        input_schema: json!({ "type": "object", "properties": properties }),
        output_schema: None,
        read_only,
    };
    let text = || json!({ "type": "string" });
    let any = || json!({});
    let stay = || json!({ "start_date": text(), "end_date": text(), "guests": any(), "view": text(), "room_id": any() });
    let tools = [
        tool("get_room_availability", true, stay()),
        tool("quote_stay", true, stay()),
        tool(
            "create_booking",
            false,
            json!({ "room_id": any(), "dates": any(), "customer_name": text(), "phone_number": text(), "guests": any(),
                "quote_id": any() }),
        ),
    ];
    tools.into_iter().map(|tool| (tool.name.clone(), tool)).collect()
}

fn prompts() -> Prompts {
    let names = "ask_stay ask_guests ask_view ask_room ask_name ask_phone invalid_stay invalid_guests invalid_view \
        invalid_room invalid_name invalid_phone invalid confirm_book what_to_change sold_out booked dropped rephrase nudge \
        tool_failed handing_over";
    let key = |name: &str| PromptKey {
        name: name.to_owned(),
        language: "en".to_owned(),
        channel: "chat".to_owned(),
    };
    Prompts {
        languages: vec!["en".to_owned()],
        channels: vec!["chat".to_owned()],
        found: names.split_whitespace().map(|name| (key(name), Default::default())).collect(),
        ..Prompts::default()
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// The time this process had a core (Linux); by the clock where that is not known.
fn processor() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let spent = std::fs::read_to_string("/proc/self/schedstat")
        .ok()
        .and_then(|line| line.split_whitespace().next()?.parse().ok());
    spent.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

/// Resident memory in bytes (Linux).
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
