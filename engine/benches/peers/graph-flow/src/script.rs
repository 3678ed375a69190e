//! `conversation.json`: what the guest says, what must be asked, and what the hotel's tools answer.

use std::collections::BTreeMap;
use std::hint::black_box;

use serde::Deserialize;
use serde_json::Value;

/// One message, already understood, and the question that must follow.
#[derive(Clone, Deserialize)]
pub struct Turn {
    /// `{"slots": {…}}`, `{"intent": "yes"}` or both.
    pub said: Value,
    /// The question's name.
    pub asks: String,
}

/// The conversation that never ends.
#[derive(Deserialize)]
pub struct Undecided {
    /// How many turns of the booking it begins with.
    pub first: usize,
    /// What follows, again and again.
    pub then: Vec<Turn>,
}

/// The answers of the hotel's tools.
#[derive(Deserialize)]
pub struct Answers {
    /// `{"rooms": […]}`
    pub get_room_availability: Value,
    /// `{"quote_id", "total"}`
    pub quote_stay: Value,
    /// `{"booking_id", "reference"}`
    pub create_booking: Value,
}

/// The whole file.
#[derive(Deserialize)]
pub struct Script {
    /// What the tools answer.
    pub tools: Answers,
    /// The view for which there is no room.
    pub full_view: String,
    /// The conversation of six turns.
    pub booking: Vec<Turn>,
    /// The conversation of any number of turns.
    pub undecided: Undecided,
    /// The conversations that show that everybody does the same work.
    pub scenes: BTreeMap<String, Vec<Turn>>,
}

impl Script {
    /// The `number`th turn, from 1, of the conversation that never ends.
    pub fn undecided_turn(&self, number: usize) -> &Turn {
        let Undecided { first, then } = &self.undecided;
        if number <= *first { &self.booking[number - 1] } else { &then[(number - first - 1) % then.len()] }
    }
}

/// The hotel's three tools: small functions in this process.
pub struct Hotel {
    answers: Answers,
    full_view: String,
}

impl Hotel {
    /// The tools that give the script's answers.
    pub fn of(script: &Script) -> Self {
        let Answers { get_room_availability, quote_stay, create_booking } = &script.tools;
        let answers = Answers {
            get_room_availability: get_room_availability.clone(),
            quote_stay: quote_stay.clone(),
            create_booking: create_booking.clone(),
        };
        Self { answers, full_view: script.full_view.clone() }
    }

    /// The free rooms.
    pub fn get_room_availability(&self, start_date: &str, end_date: &str, guests: u64, view: &str) -> Value {
        black_box((start_date, end_date, guests));
        if view == self.full_view {
            serde_json::json!({ "rooms": [] })
        } else {
            self.answers.get_room_availability.clone()
        }
    }

    /// The price of a room.
    pub fn quote_stay(&self, room_id: &str, start_date: &str, end_date: &str, guests: u64) -> Value {
        black_box((room_id, start_date, end_date, guests));
        self.answers.quote_stay.clone()
    }

    /// The booking itself.
    pub fn create_booking(
        &self,
        room_id: &str,
        dates: &Stay,
        customer_name: &str,
        phone_number: &str,
        guests: u64,
        quote_id: &str,
    ) -> Value {
        black_box((room_id, dates, customer_name, phone_number, guests, quote_id));
        self.answers.create_booking.clone()
    }
}

/// The nights, as they stand in the state.
#[derive(Deserialize)]
pub struct Stay {
    /// The first day.
    pub check_in: String,
    /// The day after the last night.
    pub check_out: String,
}
