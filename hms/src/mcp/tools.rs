//! The tools' names, descriptions and arguments; their input schemas are made from here.

use std::sync::Arc;

use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// What a tool is called, does and takes.
pub(super) struct Tool {
    pub(super) description: &'static str,
    pub(super) arguments: &'static [Argument],
}

/// One argument of a tool.
pub(super) struct Argument {
    pub(super) name: &'static str,
    kind: Kind,
    required: bool,
    description: &'static str,
}

enum Kind {
    Text,
    Phone,
    Date,
    Dates,
    Guests,
    YesNo,
}

const fn required(name: &'static str, kind: Kind, description: &'static str) -> Argument {
    Argument { name, kind, required: true, description }
}

const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Argument {
    Argument { name, kind, required: false, description }
}

const START: &str = "First night, YYYY-MM-DD, a civil date at the hotel, today or later.";
const END: &str = "Day of leaving, YYYY-MM-DD, after start_date; this night is not slept. At most 30 nights.";
const GUESTS: &str = "Who comes: a number of adults, or {\"adults\": 2, \"children\": 1}. Left out, rooms are priced for \
two adults (one in a single).";
const KEY: &str = "A key of your own for this call, the same whenever you repeat it: a repetition changes nothing and \
answers the same. May also be sent as _meta.idempotency_key.";

pub(super) const AVAILABILITY: Tool = Tool {
    description: "Which rooms are free for some nights: one entry for each room type and view, with a free room_id and \
the total price. When nothing is free, `reason` says why and `alternatives` names other rooms for the same dates and \
the nearest dates. Reads only.",
    arguments: &[
        required("start_date", Kind::Date, START),
        required("end_date", Kind::Date, END),
        optional(
            "room_type",
            Kind::Text,
            "Only this kind of room, by code or name, for example double; see get_hotel_info. Left out, every kind.",
        ),
        optional("guests", Kind::Guests, GUESTS),
        optional("view", Kind::Text, "Only rooms with this view, for example sea. Left out, every view."),
    ],
};

pub(super) const QUOTE: Tool = Tool {
    description: "The exact price of one free room for one stay, night by night, with taxes and cancellation terms. \
The price is kept until expires_at for a create_booking with the quote_id. Reads only: nothing is held.",
    arguments: &[
        required("room_id", Kind::Text, "A room_id that get_room_availability returned."),
        required("start_date", Kind::Date, START),
        required("end_date", Kind::Date, END),
        optional("guests", Kind::Guests, GUESTS),
    ],
};

pub(super) const BOOK: Tool = Tool {
    description: "Books a room for a guest, who must have agreed to the room, the dates and the total. Give the dates \
as `dates` or as start_date and end_date. Answers with the reference to tell the guest. When the room was taken in \
the meantime, the refusal room_unavailable names what is free instead.",
    arguments: &[
        required("customer_name", Kind::Text, "The guest's full name, as the guest gave it."),
        required(
            "phone_number",
            Kind::Phone,
            "The guest's telephone number, best with + and country; without, it is one of the hotel's country.",
        ),
        required("room_id", Kind::Text, "A room_id that get_room_availability returned."),
        optional("dates", Kind::Dates, "The stay; or give start_date and end_date instead."),
        optional("start_date", Kind::Date, "First night, YYYY-MM-DD, when `dates` is not given."),
        optional("end_date", Kind::Date, "Day of leaving, YYYY-MM-DD, when `dates` is not given."),
        optional(
            "guests",
            Kind::Guests,
            "Who comes: a number of adults, or {\"adults\": 2, \"children\": 1}. Left out, as in the quote.",
        ),
        optional("quote_id", Kind::Text, "The quote_id of quote_stay, so that the quoted price is kept."),
        optional("idempotency_key", Kind::Text, KEY),
    ],
};

pub(super) const CANCEL: Tool = Tool {
    description: "Cancels a booking and frees its room. The guest must have agreed to the cancellation_fee that \
find_bookings named. Cancelling a cancelled booking changes nothing and answers the same.",
    arguments: &[
        required("booking_id", Kind::Text, "The booking_id that create_booking or find_bookings returned."),
        optional("idempotency_key", Kind::Text, KEY),
    ],
};

pub(super) const FIND: Tool = Tool {
    description: "A guest's bookings, the next arrival first, with what cancelling each would cost now. Give the phone \
number that was verified to be the guest's, or the booking reference together with the surname. Reads only.",
    arguments: &[
        optional("phone", Kind::Phone, "The guest's verified telephone number, best with + and country."),
        optional(
            "reference",
            Kind::Text,
            "The booking reference, in any spelling; needs surname unless phone is given.",
        ),
        optional("surname", Kind::Text, "The surname on the booking; case and accents do not matter."),
        optional(
            "include_past",
            Kind::YesNo,
            "Also stays that are over and cancelled bookings. Left out, only confirmed stays to come.",
        ),
    ],
};

pub(super) const INFO: Tool = Tool {
    description: "The hotel's name, address, times, today's date there, kinds of rooms, policies, and its answers to \
guests' questions (parking, breakfast, pets and so on): all of them, or those that fit a topic. Reads only.",
    arguments: &[optional(
        "topic",
        Kind::Text,
        "What the question is about, for example parking, or the guest's own words. Left out, every question.",
    )],
};

impl Tool {
    /// The schema of the arguments; unknown ones are refused.
    pub(super) fn input_schema(&self) -> Arc<JsonObject> {
        let properties: JsonObject =
            self.arguments.iter().map(|argument| (argument.name.to_owned(), argument.schema())).collect();
        let required: Vec<&str> = self
            .arguments
            .iter()
            .filter(|argument| argument.required)
            .map(|argument| argument.name)
            .collect();
        let mut schema = JsonObject::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        schema.insert("additionalProperties".to_owned(), json!(false));
        Arc::new(schema)
    }
}

impl Argument {
    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text => json!({ "type": "string" }),
            Kind::Phone => json!({ "type": "string", "format": "phone" }),
            Kind::Date => json!({ "type": "string", "format": "date" }),
            Kind::YesNo => json!({ "type": "boolean" }),
            Kind::Dates => {
                let date = |says: &str| json!({ "type": "string", "format": "date", "description": says });
                json!({
                    "type": "object",
                    "properties": {
                        "start_date": date("First night, YYYY-MM-DD."),
                        "end_date": date("Day of leaving, YYYY-MM-DD."),
                        "check_in": date("Another name for start_date."),
                        "check_out": date("Another name for end_date."),
                    },
                    "additionalProperties": false,
                })
            }
            Kind::Guests => json!({
                "anyOf": [
                    { "type": "integer", "minimum": 1, "description": "How many adults." },
                    {
                        "type": "object",
                        "properties": {
                            "adults": { "type": "integer", "minimum": 1, "description": "How many adults." },
                            "children": { "type": "integer", "minimum": 0, "description": "How many children." },
                        },
                        "required": ["adults"],
                        "additionalProperties": false,
                    },
                ],
            }),
        };
        if let Value::Object(object) = &mut schema {
            object.insert("description".to_owned(), json!(self.description));
        }
        schema
    }
}
