//! The command `understand`: one JSON line in, what it means out.

use chrono::NaiveDate;
use indexmap::IndexMap;
use innkeeper_engine::{Act, By, Expecting, Heard, Item, Kind, Options, Question, ScopedSlot, Startable};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::decide::ReadOut;
use super::extract::{Extractor, Reading};
use super::model::Understander;
use super::stay::Asked;
use super::words::Says;

/// A line that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the line is not {{\"today\",\"asked\",\"system\",\"user\"}}: {0}")]
pub struct LineFault(#[from] serde_json::Error);

/// One line of the command's input.
#[derive(Debug, Deserialize)]
struct Line {
    /// The day that relative dates count from.
    today: NaiveDate,
    /// The slots that were asked for.
    #[serde(default)]
    asked: Vec<String>,
    /// What was said to the guest before.
    #[serde(default)]
    system: Option<String>,
    /// The guest's words.
    user: String,
}

/// Understands one line: `{"today","asked":[…],"system","user"}` becomes
/// `{"slots":{…},"acts":[…],"sure":…,"by":…}`. Days are extracted and not judged: one before today stays.
///
/// # Errors
/// The line is not such an object.
pub async fn line(understander: &Understander, text: &str) -> Result<String, LineFault> {
    let turn = serde_json::from_str::<Line>(text)?.turn(understander.extractor());
    let out = understander.read(&turn.question, turn.reading).await;
    Ok(turn.answer(&out).to_string())
}

/// A line as a question, and what its context says about yes and no.
struct Turn {
    question: Question,
    reading: Reading,
    context: Context,
}

/// What was said to the guest before, and so what a yes or a no to it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    /// Nothing.
    Nothing,
    /// A read-back: what is said instead of a yes corrects it.
    ReadBack,
    /// Whether to go on: what is said instead of a no goes on.
    Proposal,
    /// A question for values.
    Request,
    /// Whether there is anything else.
    MoreWishes,
    /// An offer, or a statement.
    Offer,
}

impl Line {
    fn turn(self, extractor: &Extractor) -> Turn {
        let system = self.system.unwrap_or_default();
        let has = |name: &str| self.asked.iter().any(|asked| asked == name);
        let asked = if has("check_in") || has("stay") || has("date") || has("dates") {
            Asked::Stay
        } else if has("check_out") {
            Asked::Departure
        } else if has("nights") {
            Asked::Nights
        } else {
            Asked::No
        };
        let context = if has("affirm") || has("negate") || has("confirm") {
            Context::ReadBack
        } else if !self.asked.is_empty() {
            Context::Request
        } else {
            extractor.context(&system)
        };
        let slot = self.asked.iter().find_map(|name| slot_of(name));
        let expecting = match (slot, context) {
            (Some(slot), _) => Expecting::Slot(slot.into()),
            (None, Context::ReadBack | Context::Proposal) => Expecting::Confirmation,
            (None, _) => Expecting::Anything,
        };
        let question = Question {
            said: self.user,
            button: None,
            today: self.today,
            expecting,
            flow: None,
            scope: scope(),
            unanswered: Vec::new(),
            starts: starts(),
            page: 0,
            among: Vec::new(),
            kept: false,
            besides: Vec::new(),
        };
        Turn { question, reading: Reading { asked: Some(asked), everything: true, at_once: None }, context }
    }
}

impl Turn {
    fn answer(&self, out: &ReadOut) -> Json {
        let acts = self.acts(out);
        let slots = slots(out, self.context == Context::Nothing);
        let by = match out.understanding.by {
            By::Rules => "rules",
            By::Model => "model",
        };
        json!({ "slots": slots, "acts": acts, "sure": out.understanding.sure, "by": by })
    }

    /// The acts by their fixed names. A yes to an offer chooses; a change of what was read back denies it.
    fn acts(&self, out: &ReadOut) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        };
        let heard = &out.understanding.acts;
        let valued = !out.understanding.slots.is_empty();
        let agrees = out.agreed && !out.refused;
        let goes_on = self.context == Context::Proposal
            && !out.refused
            && (valued || out.started)
            && !heard.iter().any(|act| matches!(act, Act::Question | Act::More | Act::Cancel | Act::Bye));
        match self.context {
            Context::ReadBack | Context::Proposal | Context::Request if agrees || goes_on => add("affirm"),
            Context::ReadBack if valued && !out.refused => {
                add("deny");
                add("change");
            }
            Context::MoreWishes if heard.contains(&Act::Bye) && !agrees => add("deny"),
            _ => {}
        }
        let more = heard.contains(&Act::More);
        for act in heard {
            let name = match (act, self.context) {
                (Act::Affirm, Context::Offer) => "choose",
                (Act::Affirm, Context::MoreWishes) if valued || out.started || out.approve => continue,
                (Act::Affirm, _) => "affirm",
                (Act::Deny, Context::Offer) if more => continue,
                (Act::Deny, _) => "deny",
                (Act::Cancel, _) => "cancel",
                (Act::Change, _) => "change",
                (Act::Undo, _) => "undo",
                (Act::Choose, _) => "choose",
                (Act::More | Act::Previous | Act::Question | Act::Price, _) => "question",
                (Act::Wait, _) => "wait",
                (Act::Repeat, _) => "repeat",
                (Act::Help, _) => "help",
                (Act::Human, _) => "human",
                (Act::Greet, _) => "greet",
                (Act::Thank, _) => "thank",
                (Act::Bye, _) => "bye",
                (Act::Start(flow), _) => {
                    add(&format!("start:{flow}"));
                    continue;
                }
                (Act::StartAnother(_), _) => continue,
                (Act::Unclear, _) => "unclear",
            };
            add(name);
        }
        names
    }
}

impl Extractor {
    /// What was said before, by how a receptionist says it.
    fn context(&self, system: &str) -> Context {
        let words = system.to_lowercase();
        let says = |what| self.says(&words, what);
        if words.trim().is_empty() {
            Context::Nothing
        } else if says(Says::Done) {
            if says(Says::MoreWishes) { Context::MoreWishes } else { Context::Offer }
        } else if says(Says::ReadBack) && (!says(Says::Offer) || says(Says::Stay)) {
            Context::ReadBack
        } else if says(Says::Proposal) {
            Context::Proposal
        } else if says(Says::MoreWishes) {
            Context::MoreWishes
        } else if says(Says::Stay) && !says(Says::Offer) {
            Context::ReadBack
        } else {
            Context::Offer
        }
    }
}

/// The slot of the demonstration flow that a name, ours or another's, means.
fn slot_of(name: &str) -> Option<&'static str> {
    match name {
        "stay" | "check_in" | "check_out" | "nights" | "date" | "dates" => Some("stay"),
        "guests" | "party" | "people" | "adults" | "children" | "number" => Some("guests"),
        "view" => Some("view"),
        "room" | "rooms" => Some("rooms"),
        "name" | "first_name" | "last_name" => Some("name"),
        "phone" | "phone_number" => Some("phone"),
        _ => None,
    }
}

fn scope() -> Vec<ScopedSlot> {
    let slot = |name: &str, kind: Kind, items: Option<Vec<Item>>, optional: bool| ScopedSlot {
        name: name.to_owned(),
        kind,
        items,
        value: None,
        optional,
    };
    let views = Options::Fixed(["sea", "garden", "city"].map(str::to_owned).to_vec());
    let items = views.items(None);
    let unit = ["room", "rooms"].map(str::to_owned).to_vec();
    vec![
        slot("stay", Kind::DateRange { min: None, max_nights: None }, None, false),
        slot("guests", Kind::Party { min: 1, max: 12 }, None, false),
        slot("view", Kind::Choice(views), items, true),
        slot("rooms", Kind::Integer { min: Some(1), max: None, unit }, None, false),
        slot("name", Kind::PersonName, None, false),
        slot("phone", Kind::Phone, None, false),
    ]
}

fn starts() -> Vec<Startable> {
    let start = |flow: &str, description: &str, examples: &[&str]| Startable {
        flow: flow.to_owned(),
        description: description.to_owned(),
        examples: examples.iter().map(|example| (*example).to_owned()).collect(),
        slots: Vec::new(),
    };
    vec![
        start(
            "book_room",
            "The guest wants a room for some nights.",
            &[
                "I need a room for two nights",
                "do you have anything free next weekend",
                "I'd like to book a room",
                "make a reservation",
                "is there a room available",
            ],
        ),
        start(
            "cancel_booking",
            "The guest wants to cancel a booking.",
            &["cancel my booking", "I have to cancel my reservation", "please cancel the room I booked"],
        ),
        start(
            "find_booking",
            "The guest wants to see a booking that was made.",
            &["I want to check my reservation", "what did I book", "find my booking", "my existing booking"],
        ),
        start(
            "hotel_question",
            "The guest asks something about the hotel.",
            &[
                "do you have parking",
                "what time is breakfast",
                "are pets allowed",
                "is there wifi",
                "where are you",
            ],
        ),
    ]
}

/// The slots as programs see them: only what was said.
fn slots(out: &ReadOut, turn_is_open: bool) -> Json {
    let mut slots = Map::new();
    for (name, heard) in &out.understanding.slots {
        slots.insert(name.clone(), value(heard));
    }
    let range = out.understanding.slots.values().find_map(|heard| match heard {
        Heard::DateRange(range) => Some(*range),
        _ => None,
    });
    // A day by itself, with no word of a stay anywhere, is a day.
    let lone = !out.placed && !out.started && turn_is_open && slots.len() == 1 && out.days.len() == 1;
    if lone
        && slots.contains_key("stay")
        && let [day] = out.days.as_slice()
    {
        return json!({ "date": day });
    }
    let placed =
        |day: &NaiveDate| range.is_some_and(|range| [range.check_in, range.check_out].contains(&Some(*day)));
    if let Some(day) = out.days.iter().find(|day| !placed(day)) {
        slots.insert("date".to_owned(), json!(day));
    }
    Json::Object(slots)
}

/// What was heard, in the shapes of slot values.
fn value(heard: &Heard) -> Json {
    match heard {
        Heard::DateRange(range) => json!(range),
        Heard::Date(day) => json!(day),
        Heard::Party { adults: None, children: None, total } => json!(total),
        Heard::Party { adults: Some(adults), children: None | Some(0), total: None } => json!(adults),
        Heard::Party { adults, children, total } => party(*adults, *children, *total),
        Heard::Choice(text) | Heard::Text(text) => json!(text),
        Heard::Boolean(yes) => json!(yes),
        Heard::Integer(number) => json!(number),
        Heard::Among(keys) => json!(keys),
        Heard::NoPreference | Heard::NoSuchDay { .. } | Heard::Anew => Json::Null,
    }
}

fn party(adults: Option<u32>, children: Option<u32>, total: Option<u32>) -> Json {
    let adults = adults.or_else(|| total.map(|total| total.saturating_sub(children.unwrap_or(0))));
    let children = children.or_else(|| Some(total?.saturating_sub(adults?)));
    let mut people = IndexMap::new();
    people.extend(adults.map(|count| ("adults", count)));
    people.extend(children.filter(|count| *count > 0 || adults.is_none()).map(|count| ("children", count)));
    match (people.get("children"), adults) {
        (None, Some(adults)) => json!(adults),
        _ => json!(people),
    }
}
