//! Turns a second of the 6-turn booking conversation through the driver and the store in memory, on one core; what a
//! conversation takes, stored and alive; what turn 500 costs beside turn 10; how fast logs are gone through again.
//!
//! A turn is an understood input and the peers' small tool answers, without rendering. `--json` prints one JSON line a
//! figure: `{"who","store","measure","value","unit","n","note"}`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use innkeeper_engine::flow::Source;
use innkeeper_engine::runtime::{
    Arrival, Ask, Completed, Driver, MemoryStore, Performer, Revision, Store, against, replay,
};
use innkeeper_engine::{
    Act, By, Call, DateRange, Flows, Guest, Heard, Input, Moment, Outcome, PromptKey, Prompts, Say, Tool,
    Tools, Understanding,
};
use serde_json::{Value as Json, json};

/// Turns of one booking.
const TURNS: usize = 6;

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let bench = Bench { flows: flows(), desk: Desk::new(), json };
    runtime.block_on(bench.run());
}

struct Bench {
    flows: Flows,
    desk: Desk,
    json: bool,
}

impl Bench {
    async fn run(&self) {
        if std::env::args().any(|argument| argument == "--turns") {
            return self.throughput().await;
        }
        // What is alive is measured first: later the process has memory to use again.
        self.live().await;
        self.throughput().await;
        self.sizes().await;
        self.long().await;
    }

    fn say(&self, measure: &str, value: f64, unit: &str, n: usize, note: &str) {
        if self.json {
            let line = json!({ "who": "innkeeper", "store": "memory", "measure": measure, "value": value,
                "unit": unit, "n": n, "note": note });
            println!("{line}");
        } else {
            println!("{measure:<28} {value:>14.1} {unit:<12} n={n} {note}");
        }
    }

    async fn throughput(&self) {
        let few = std::env::args().any(|argument| argument == "--few");
        let conversations = if few { 300 } else { 20_000 };
        let mut best: Vec<f64> = Vec::new();
        let mut bulk: Vec<f64> = Vec::new();
        let mut compared: Vec<f64> = Vec::new();
        let changed = flows_with("yes: { target: booking }", "yes: { say: booked, target: booking }");
        for round in 0..if few { 2 } else { 6 } {
            let (driver, store) = (Driver::new(self.flows.clone()), MemoryStore::default());
            let ids: Vec<String> = (0..conversations).map(|number| format!("c{number}")).collect();
            let begun = Instant::now();
            for id in &ids {
                self.booking(&driver, &store, id).await;
            }
            let rate = (conversations * TURNS) as f64 / begun.elapsed().as_secs_f64();
            // The first round warms up.
            if round > 0 {
                best.push(rate);
            }
            let mut logs = Vec::with_capacity(conversations);
            for id in &ids {
                logs.push(store.log(id).await.expect("a log"));
            }
            let flows = driver.versions.current();
            let begun = Instant::now();
            let mut pasts: Vec<Vec<Revision>> = Vec::new();
            for log in logs {
                let replayed = replay::<std::convert::Infallible>(&flows, None, log).expect("a past");
                assert_eq!(replayed.revisions.len(), TURNS + 1);
                // So many are compared; the others only take memory.
                if pasts.len() < 2_000 {
                    pasts.push(replayed.revisions);
                }
            }
            if round > 0 {
                bulk.push((conversations * TURNS) as f64 / begun.elapsed().as_secs_f64());
            }
            let begun = Instant::now();
            for past in &pasts {
                assert_eq!(against(&changed, past).len(), 1, "the last turn says more");
            }
            if round > 0 {
                compared.push((pasts.len() * TURNS) as f64 / begun.elapsed().as_secs_f64());
            }
        }
        self.say("turns", median(best), "turns/s", conversations * TURNS, "median of 5, one core");
        self.say("replay", median(bulk), "turns/s", conversations * TURNS, "median of 5, one core");
        let note = "replayed against changed flows, with the line; median of 5, one core";
        self.say("against", median(compared), "turns/s", conversations.min(2_000) * TURNS, note);
    }

    async fn sizes(&self) {
        let (driver, store) = (Driver::new(self.flows.clone()), MemoryStore::default());
        self.booking(&driver, &store, "c").await;
        self.size(&store, "c", "stored after 6 turns");
    }

    /// The guest changes the number of guests again and again at the choice of a room.
    async fn long(&self) {
        let mut ratios = Vec::new();
        for round in 0..7 {
            const MANY: usize = 200;
            let (driver, store) = (Driver::new(self.flows.clone()), MemoryStore::default());
            let ids: Vec<String> = (0..MANY).map(|number| format!("l{number}")).collect();
            for id in &ids {
                for turn in 0..3 {
                    self.turn(&driver, &store, id, turn, None).await;
                }
            }
            let (mut early, mut late) = (Duration::ZERO, Duration::ZERO);
            for turn in 3..500 {
                let begun = Instant::now();
                for id in &ids {
                    self.turn(&driver, &store, id, 6 + turn % 2, None).await;
                }
                match turn {
                    6..=14 => early += begun.elapsed(),
                    491..=499 => late += begun.elapsed(),
                    _ => {}
                }
            }
            if round > 0 {
                ratios.push(late.as_secs_f64() / early.as_secs_f64());
            } else {
                self.size(&store, "l0", "stored after 500 turns");
            }
        }
        self.say("turn 500 / turn 10", median(ratios), "ratio", 200, "nine turns around each, median of 6");
    }

    /// What 10,000 conversations take that wait for a yes.
    async fn live(&self) {
        let (driver, store) = (Driver::new(self.flows.clone()), MemoryStore::default());
        let before = resident();
        for number in 0..10_000 {
            let id = format!("v{number}");
            for turn in 0..5 {
                self.turn(&driver, &store, &id, turn, None).await;
            }
        }
        if let (Some(before), Some(after)) = (before, resident()) {
            let grown = after.saturating_sub(before) as f64;
            self.say("10,000 live conversations", grown / 1024.0, "MiB", 10_000, "growth of resident memory, with logs");
        }
    }

    fn size(&self, store: &MemoryStore<()>, id: &str, measure: &str) {
        let (position, log) = store.size(id).expect("a form").expect("a conversation");
        let note = format!("{position} of position, {log} of log");
        self.say(measure, (position + log) as f64, "bytes", 1, &note);
    }

    async fn booking(&self, driver: &Driver, store: &MemoryStore<()>, id: &str) {
        let mut unconveyed = None;
        for turn in 0..TURNS {
            let completed = self.turn(driver, store, id, turn, unconveyed).await;
            unconveyed = completed.position.unconveyed();
        }
    }

    async fn turn(
        &self,
        driver: &Driver,
        store: &MemoryStore<()>,
        id: &str,
        turn: usize,
        conveyed: Option<u32>,
    ) -> Completed<()> {
        let mut inputs = Vec::with_capacity(2);
        inputs.extend(conveyed.map(|say| Input::Conveyed { say }));
        inputs.push(Input::Said { text: SAID[turn].to_owned(), button: None });
        let arrival = Arrival { message: None, inputs, moment: self.desk.moment };
        driver.turn(store, &self.desk, id, arrival, &mut |_| {}).await.expect("a turn")
    }
}

/// What the guest says, in this order; the last two change the number of guests to and fro.
const SAID: [&str; 8] =
    ["the 12th to the 14th", "two of us", "with a view of the sea", "the double", "Ann Lee, +353861234567", "yes", "three", "two"];

struct Desk {
    moment: Moment,
    meanings: Vec<Arc<Understanding>>,
    availability: Arc<Json>,
    quote: Arc<Json>,
    booking: Arc<Json>,
}

impl Desk {
    fn new() -> Self {
        let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 12, day);
        let stay = Heard::DateRange(DateRange { check_in: day(12), check_out: day(14), nights: None });
        let party = |total| Heard::Party { adults: None, children: None, total: Some(total) };
        let text = |text: &str| Heard::Text(text.to_owned());
        let choice = |key: &str| Heard::Choice(key.to_owned());
        let means = |acts: &[Act], slots: &[(&str, Heard)]| Arc::new(Understanding {
            slots: slots.iter().map(|(name, heard)| ((*name).to_owned(), heard.clone())).collect(),
            acts: acts.to_vec(),
            sure: true,
            by: By::Rules,
        });
        let offer = |view: &str, minor: u32| {
            json!({ "offer_id": format!("double-{view}"), "room_id": format!("r-{view}"), "name": format!("Double, {view} view"),
                "view": view, "total": { "minor": minor, "currency": "EUR" } })
        };
        Self {
            moment: Moment {
                at: "2026-12-01T10:00:00Z".parse().expect("an instant"),
                today: day(1).expect("a day"),
            },
            meanings: vec![
                means(&[Act::Start("book".to_owned())], &[("stay", stay)]),
                means(&[], &[("guests", party(2))]),
                means(&[], &[("view", choice("sea"))]),
                means(&[Act::Choose], &[("room", choice("double-sea"))]),
                means(&[], &[("name", text("Ann Lee")), ("phone", text("+353861234567"))]),
                means(&[Act::Affirm], &[]),
                means(&[], &[("guests", party(3))]),
                means(&[], &[("guests", party(2))]),
            ],
            availability: Arc::new(json!({ "rooms": [offer("sea", 28_400), offer("garden", 24_000)] })),
            quote: Arc::new(json!({ "quote_id": "q-1", "total": { "minor": 28_400, "currency": "EUR" } })),
            booking: Arc::new(json!({ "booking_id": "b-1", "reference": "BR7QK" })),
        }
    }
}

impl Performer for Desk {
    type Outgoing = ();
    type Fault = std::convert::Infallible;

    fn now(&self) -> Moment {
        self.moment
    }

    async fn sleep(&self, _duration: Duration) {}

    async fn guest(&self, _known: Option<&Guest>) -> Option<Guest> {
        None
    }

    async fn understand(&self, ask: Ask<'_>) -> Arc<Understanding> {
        let turn = SAID.iter().position(|said| *said == ask.said());
        turn.and_then(|turn| self.meanings.get(turn)).cloned().unwrap_or_default()
    }

    async fn call(&self, call: &Call, _key: &str) -> Outcome {
        let result = match &*call.tool {
            "get_room_availability" => &self.availability,
            "quote_stay" => &self.quote,
            _ => &self.booking,
        };
        Outcome::Ok { result: Arc::clone(result) }
    }

    fn render(&self, says: &[Say]) -> Result<Vec<()>, std::convert::Infallible> {
        Ok(vec![(); usize::from(!says.is_empty())])
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
    let tools = [
        tool("get_room_availability", true, json!({ "start_date": text(), "end_date": text(), "guests": any(), "view": text() })),
        tool("quote_stay", true, json!({ "room_id": any(), "start_date": text(), "end_date": text(), "guests": any() })),
        tool(
            "create_booking",
            false,
            json!({ "room_id": any(), "dates": any(), "customer_name": text(), "phone_number": text(), "guests": any(), "quote_id": any() }),
        ),
    ];
    tools.into_iter().map(|tool| (tool.name.clone(), tool)).collect()
}

fn prompts() -> Prompts {
    let names = "ask_stay ask_guests ask_view ask_room ask_name ask_phone invalid_stay invalid_guests invalid_view invalid_room \
        invalid_name invalid_phone invalid confirm_book what_to_change sold_out booked dropped rephrase nudge tool_failed handing_over";
    let key = |name: &str| PromptKey { name: name.to_owned(), language: "en".to_owned(), channel: "chat".to_owned() };
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

/// Resident memory in KiB (Linux).
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
