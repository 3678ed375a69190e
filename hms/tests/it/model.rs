//! Any history of bookings and cancellations against a model of thirty lines.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::json;

use crate::desk::{Desk, ana};

/// Nights before Christmas, when no rule forbids an arrival.
const DAYS: u64 = 20;

#[derive(Clone, Debug)]
enum Act {
    Book { room: usize, from: u64, nights: u64 },
    Cancel { which: usize },
    Look { from: u64, nights: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let stay = || (0..DAYS, 1..5_u64);
    prop_oneof![
        4 => (0..6_usize, stay()).prop_map(|(room, (from, nights))| Act::Book { room, from, nights }),
        2 => (0..8_usize).prop_map(|which| Act::Cancel { which }),
        2 => stay().prop_map(|(from, nights)| Act::Look { from, nights }),
    ]
}

/// The hotel as a list of who has which nights.
#[derive(Default)]
struct Model {
    stays: Vec<Option<(String, BTreeSet<NaiveDate>)>>,
}

impl Model {
    fn is_free(&self, room: &str, nights: &BTreeSet<NaiveDate>) -> bool {
        !self.stays.iter().flatten().any(|(taken, slept)| taken == room && !slept.is_disjoint(nights))
    }
}

fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 12, 1).unwrap() + Days::new(number)
}

async fn live(acts: Vec<Act>) {
    let desk = Desk::new().await;
    let rooms = desk.hotel.listing().await.unwrap().rooms;
    // The four doubles with a sea view and two others, so that stays collide.
    let few = ["203", "204", "303", "304", "101", "405"];
    let mut model = Model::default();
    let mut ids = Vec::new();
    for act in acts {
        match act {
            Act::Book { room, from, nights } => {
                let (start, end) = (day(from), day(from + nights));
                let slept: BTreeSet<NaiveDate> = (from..from + nights).map(day).collect();
                let answer =
                    desk.call("create_booking", ana(few[room], &start.to_string(), &end.to_string())).await;
                assert_eq!(answer.is_ok(), model.is_free(few[room], &slept), "{answer:?}");
                if let Ok(booking) = answer {
                    ids.push(booking["booking_id"].clone());
                    model.stays.push(Some((few[room].to_owned(), slept)));
                }
            }
            Act::Cancel { which } if !ids.is_empty() => {
                let which = which % ids.len();
                desk.done("cancel_booking", json!({ "booking_id": ids[which] })).await;
                model.stays[which] = None;
            }
            Act::Cancel { .. } => {}
            Act::Look { from, nights } => {
                let slept: BTreeSet<NaiveDate> = (from..from + nights).map(day).collect();
                let mut expected: BTreeMap<String, u64> = BTreeMap::new();
                for room in rooms.iter().filter(|room| model.is_free(&room.room_id, &slept)) {
                    *expected.entry(format!("{}-{}", room.room_type, room.view)).or_default() += 1;
                }
                let found = desk.free(&day(from).to_string(), &day(from + nights).to_string()).await;
                assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), expected);
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 32, failure_persistence: None, ..Config::default() })]

    #[test]
    fn availability_is_what_the_model_says_after_any_history(acts in prop::collection::vec(act(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(live(acts));
    }
}
