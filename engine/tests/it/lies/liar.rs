//! What the liar puts into a conversation: answers that fit, answers that do not, and everything out of turn.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use indexmap::IndexMap;
use innkeeper_engine::{
    Act, By, Call, DateRange, Effect, Flows, Guest, Heard, Input, Outcome, Position, Question, Understanding,
    Waiting,
};
use serde_json::json;

use crate::inn::guest::{Dice, anything, known, wavering, willing};
use crate::inn::{Set, hotel};
use crate::talk::day;

pub(crate) struct Liar {
    pub(crate) now: DateTime<Utc>,
    wish: String,
    wishes: Vec<String>,
    open: Vec<Call>,
    answered: Vec<u32>,
    says: u32,
    last: Option<Input>,
    /// How many answers in a hundred are as a good guest means them.
    honest: usize,
}

impl Liar {
    pub(crate) fn new(set: &Set, dice: &mut Dice) -> Self {
        Self {
            now: "2026-12-01T10:00:00Z".parse().unwrap(),
            wish: dice.pick(&set.wishes).unwrap().clone(),
            wishes: set.wishes.clone(),
            open: Vec::new(),
            answered: Vec::new(),
            says: 0,
            last: None,
            honest: [20, 50, 80, 95][dice.below(4)],
        }
    }

    pub(crate) fn time_passes(&mut self, dice: &mut Dice) {
        let seconds = if dice.percent(3) { 60 * [1, 6, 16, 120, 4000][dice.below(5)] } else { 5 };
        self.now += TimeDelta::seconds(seconds);
    }

    pub(crate) fn saw(&mut self, input: &Input, effects: &[Effect]) {
        if let Input::Answered { call, .. } = input {
            self.open.retain(|open| open.id != *call);
            self.answered.push(*call);
        }
        for effect in effects {
            match effect {
                Effect::Call(call) => self.open.push(call.clone()),
                Effect::Say(say) => self.says = say.id,
                Effect::Understand
                | Effect::Send(_)
                | Effect::Remember { .. }
                | Effect::HandOver
                | Effect::End => {}
            }
        }
        self.last = Some(input.clone());
    }

    pub(crate) fn lie(&mut self, flows: &Flows, position: &Position, dice: &mut Dice) -> Input {
        if dice.percent(10) {
            return self.out_of_turn(flows, position, dice);
        }
        match position.waiting() {
            Waiting::Guest { .. } => match position.unconveyed() {
                Some(say) if dice.percent(70) => Input::Conveyed { say },
                _ => match dice.below(20) {
                    0 => Input::Silence,
                    1 => Input::Due,
                    2 => event(dice),
                    3 if dice.percent(30) => Input::Unreadable,
                    _ => said(dice),
                },
            },
            Waiting::Meaning { .. } | Waiting::Kept { .. } => {
                let question = position.ask(flows, innkeeper_engine::Moment { at: self.now, today: day(1) });
                match question {
                    Some(question) => Input::Understood(self.answer(&question, flows, position, dice).into()),
                    None => Input::Silence,
                }
            }
            Waiting::Answers => match dice.pick(&self.open).cloned() {
                Some(call) => Input::Answered { call: call.id, outcome: outcome(&call, dice) },
                None => Input::Due,
            },
            Waiting::Person => event(dice),
            Waiting::Over { .. } => said(dice),
        }
    }

    fn out_of_turn(&self, flows: &Flows, position: &Position, dice: &mut Dice) -> Input {
        match dice.below(12) {
            0 => Input::Silence,
            1 => Input::Due,
            2 => event(dice),
            3 => Input::Conveyed {
                say: u32::try_from(dice.below(usize::try_from(self.says).unwrap() + 2)).unwrap(),
            },
            4 => {
                let call = dice.pick(&self.answered).copied().unwrap_or(7);
                Input::Answered { call, outcome: garbage(dice) }
            }
            5 => Input::Answered { call: u32::try_from(dice.below(12)).unwrap(), outcome: garbage(dice) },
            6 => Input::Unreadable,
            7 => said(dice),
            8 => Input::Guest(if dice.percent(50) { known(dice.below(4)) } else { Guest::default() }),
            9 => Input::Understood(
                Understanding { acts: vec![Act::Affirm], ..Understanding::default() }.into(),
            ),
            10 => Input::Understood(self.wild(flows, position, dice).into()),
            _ => self.last.clone().unwrap_or(Input::Silence),
        }
    }

    fn answer(
        &self,
        question: &Question,
        flows: &Flows,
        position: &Position,
        dice: &mut Dice,
    ) -> Understanding {
        if dice.percent(self.honest) {
            let mut means = willing(question, flows, position, &self.wish, &IndexMap::new());
            if dice.percent(4) {
                // A yes that is none, or one with something more.
                means.acts.extend(
                    [Act::Deny, Act::Cancel, Act::Change, Act::Question, Act::Undo]
                        .get(dice.below(5))
                        .cloned(),
                );
            }
            if dice.percent(4)
                && let Some(slot) = dice.pick(&question.scope)
                && let Some(heard) = anything(&slot.kind, slot.items.as_deref(), dice)
            {
                means.slots.insert(slot.name.clone(), heard);
            }
            return means;
        }
        if dice.percent(50) {
            return wavering(question, flows, position, &self.wish, dice);
        }
        self.wild(flows, position, dice)
    }

    /// Any slots, any values, any acts.
    fn wild(&self, flows: &Flows, position: &Position, dice: &mut Dice) -> Understanding {
        let mut means = Understanding {
            sure: dice.percent(50),
            by: if dice.percent(50) { By::Rules } else { By::Model },
            ..Understanding::default()
        };
        let running: Vec<String> = position.active(flows).into_iter().map(|(flow, _)| flow).collect();
        for _ in 0..dice.below(4) {
            let flow = match dice.below(4) {
                0 => dice.pick(&self.wishes),
                _ => dice.pick(&running),
            };
            let Some(flow) = flow.and_then(|flow| flows.get(flow)) else { continue };
            let names: Vec<&Arc<str>> = flow.slots.keys().collect();
            let Some(name) = dice.pick(&names) else { continue };
            let heard = match dice.below(3) {
                0 => nonsense(dice),
                _ => anything(&flow.slots[&***name].kind, None, dice).unwrap_or_else(|| nonsense(dice)),
            };
            means.slots.insert(name.to_string(), heard);
        }
        if dice.percent(5) {
            means.slots.insert("no_such_slot".to_owned(), nonsense(dice));
        }
        for _ in 0..dice.below(4) {
            let act = match dice.below(20) {
                0..=4 => Act::Affirm,
                5 => Act::Deny,
                6 => Act::Cancel,
                7 => Act::Change,
                8 => Act::Undo,
                9 => Act::Choose,
                10 => Act::More,
                11 => Act::Repeat,
                12 => Act::Help,
                13 if dice.percent(30) => Act::Human,
                14 => [Act::Greet, Act::Thank][dice.below(2)].clone(),
                15 if dice.percent(30) => Act::Bye,
                16 => Act::Question,
                17 | 18 => Act::Start(dice.pick(&self.wishes).unwrap().clone()),
                19 => Act::Start(["conversation", "no_such_flow", ""][dice.below(3)].to_owned()),
                _ => Act::Unclear,
            };
            means.acts.push(act);
        }
        means
    }
}

fn said(dice: &mut Dice) -> Input {
    let text = ["so", "", "the double with the sea view, please", "\u{0}\u{ffff}"][dice.below(4)].to_owned();
    Input::Said { text, button: dice.percent(20).then(|| "yes".to_owned()) }
}

fn event(dice: &mut Dice) -> Input {
    let names = ["given_back", "payment_received", "price_changed", "no_such_event", ""];
    let data =
        [json!({ "ok": true }), json!(null), json!({ "ok": false, "x": [1, 2] })][dice.below(3)].clone();
    Input::Event { name: names[dice.below(5)].to_owned(), data }
}

fn outcome(call: &Call, dice: &mut Dice) -> Outcome {
    if dice.percent(80) {
        return hotel::answer(call);
    }
    garbage(dice)
}

fn garbage(dice: &mut Dice) -> Outcome {
    let codes = [
        "room_unavailable",
        "quote_expired",
        "quote_mismatch",
        "unknown_view",
        "past_date",
        "not_found",
        "stay_started",
        "outcome_unknown",
        "not_confirmed",
        "",
    ];
    match dice.below(4) {
        0 | 1 => Outcome::Error { code: codes[dice.below(codes.len())].to_owned(), message: "no".to_owned() },
        2 => Outcome::Unknown { message: "no answer".to_owned() },
        _ => {
            let results = [
                json!(null),
                json!([]),
                json!(3.5),
                json!("rooms"),
                json!({ "rooms": 3, "bookings": "many", "questions": {} }),
                json!({ "rooms": [{}], "bookings": [{}], "questions": [{}], "alternatives": [null] }),
                json!({ "rooms": [{ "offer_id": 7, "room_id": null, "name": ["x"] }], "quote_id": [], "total": -1 }),
                json!({ "bookings": [{ "booking_id": "b-7", "reference": "BR7QK2" }, { "booking_id": "b-7" }] }),
            ];
            Outcome::Ok { result: Arc::new(results[dice.below(results.len())].clone()) }
        }
    }
}

/// A value that fits nothing, or only by chance.
fn nonsense(dice: &mut Dice) -> Heard {
    let far = [NaiveDate::MAX, NaiveDate::MIN, day(1), day(31)];
    let date = |dice: &mut Dice| if dice.percent(50) { Some(far[dice.below(4)]) } else { None };
    let count = |dice: &mut Dice| [None, Some(0), Some(2), Some(u32::MAX)][dice.below(4)];
    match dice.below(10) {
        0 => Heard::DateRange(DateRange { check_in: date(dice), check_out: date(dice), nights: count(dice) }),
        1 => Heard::Date(far[dice.below(4)]),
        2 => Heard::Party { adults: count(dice), children: count(dice), total: count(dice) },
        3 => Heard::Choice(["double-sea", "b-1", "parking", "sea", ""][dice.below(5)].to_owned()),
        4 => Heard::Boolean(dice.percent(50)),
        5 => Heard::Integer([i64::MIN, -1, 0, 7, i64::MAX][dice.below(5)]),
        6 => Heard::Text(["", " ", "Ana Lind"][dice.below(3)].to_owned()),
        7 => Heard::Text("x".repeat(5000)),
        8 => Heard::Anew,
        _ => Heard::NoPreference,
    }
}
