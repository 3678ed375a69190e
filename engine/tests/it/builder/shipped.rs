//! The shipped flow for booking a room, in Rust.

use std::time::Duration;

use innkeeper_engine::DateBound;
use innkeeper_engine::flow::Event;
use innkeeper_engine::flow::builder::{
    FlowBuilder, ask, choice, choice_from, collect, confirm, date_range, end, integer, invoke, party,
    person_name, phone, rest, say_again, send, stay, to,
};

pub(super) fn book_room() -> FlowBuilder {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let several = || to("several_rooms").when("rooms and rooms > 1");
    FlowBuilder::new("book_room")
        .description(
            "The guest wants a room for some nights, or wants to know what is free and what it costs.",
        )
        .examples([
            "I need a room for two nights",
            "do you have anything free next weekend",
            "can I book a double with a sea view from the 12th to the 14th",
            "what would a room for three cost tomorrow night",
            "is there a room for two adults and a child on Friday",
            "we'd like to stay with you over New Year",
            "any vacancies in the first week of March",
            "I want to make a reservation",
            "do you have a twin with a garden view",
            "what is the price of the family room",
            "how much is a suite",
        ])
        .slot("stay", date_range().min(DateBound::Today(0)).max_nights(30))
        .slot("guests", party().min(1).max(12))
        .slot("view", choice(["sea", "garden", "city"]).optional())
        .slot("rooms", integer().min(1).max(50).unit(["room", "rooms"]).optional())
        .slot("room", choice_from("offers.rooms", "offer_id", "name").words(["room_type", "view"]))
        .slot(
            "alternative",
            choice_from("offers.alternatives", "alternative_id", "name")
                .words(["room_type", "view"])
                .sets(["stay", "view"]),
        )
        .slot("name", person_name().default("guest.name").remember())
        .slot("phone", phone().default("guest.phone").remember())
        .initial("details")
        .on(Event::Cancel, to("dropped"))
        .on(Event::Bye, to("closing").say("nothing_booked"))
        .on(Event::Price, [stay().when("quote").say("price_is"), stay().say("price_with_rooms")])
        .state("details", collect(["stay", "guests", "view"]).then([several(), to("checking")]))
        .state(
            "checking",
            invoke("get_room_availability")
                .with("start_date", "stay.check_in")
                .with("end_date", "stay.check_out")
                .with("guests", "guests")
                .with("view", "view")
                .save("offers")
                .fresh_for(minutes(5))
                .retry_after(2, Duration::from_millis(300))
                .done([
                    to("choosing").when("offers.rooms | length > 0"),
                    to("too_many").when("offers.reason == 'party_too_large'"),
                    to("sold_out").when("offers.alternatives | length > 0"),
                    to("nothing_free"),
                ])
                .error([
                    to("details")
                        .when("error.code in ['past_date', 'too_far_ahead']")
                        .say("dates_not_sold")
                        .clear(["stay"]),
                    to("details").when("error.code == 'unknown_view'").say("no_such_view").clear(["view"]),
                    to("hand_over").say("tool_failed"),
                ]),
        )
        .state(
            "choosing",
            collect(["room"])
                .then("quoting")
                .on(Event::Affirm, stay().say("which_room").ask_again(false))
                .on(Event::Deny, stay().say("none_of_these").ask_again(false))
                .on(Event::Price, say_again().ask_again(false)),
        )
        .state(
            "quoting",
            invoke("quote_stay")
                .with("room_id", "room.room_id")
                .with("start_date", "stay.check_in")
                .with("end_date", "stay.check_out")
                .with("guests", "guests")
                .save("quote")
                .fresh_for(minutes(15))
                .retry_after(2, Duration::from_millis(300))
                .done("who")
                .error([
                    to("checking").when("error.code == 'room_unavailable'").say("just_taken").clear(["room"]),
                    to("trouble"),
                ]),
        )
        .state(
            "who",
            collect(["name", "phone"])
                .then("confirming")
                .on(Event::Deny, stay().say("needs_contact").ask_again(false)),
        )
        .state(
            "confirming",
            confirm(["stay", "guests", "room", "quote.total", "name", "phone"])
                .yes([several(), to("booking")])
                .no("changing")
                .on(Event::Change, "changing"),
        )
        .state("changing", ask("what_to_change").then("confirming").on(Event::Deny, "confirming"))
        .state(
            "booking",
            invoke("create_booking")
                .with("room_id", "room.room_id")
                .with("dates", "stay")
                .with("customer_name", "name")
                .with("phone_number", "phone")
                .with("guests", "guests")
                .with("quote_id", "quote.quote_id")
                .save("booking")
                .retry_after(2, Duration::from_millis(500))
                .done([to("booked_in_a_call").when("guest.reach.whatsapp"), to("booked")])
                .error([
                    to("unsure").when("error.code == 'outcome_unknown'"),
                    to("checking").when("error.code == 'room_unavailable'").say("just_taken").clear(["room"]),
                    to("quoting")
                        .when("error.code in ['quote_expired', 'quote_mismatch', 'unknown_quote']")
                        .say("price_expired"),
                    to("trouble"),
                ]),
        )
        .state(
            "sold_out",
            collect(["alternative"])
                .say("sold_out")
                .then("checking")
                .on(Event::Affirm, stay().say("which_alternative").ask_again(false))
                .on(Event::Price, say_again().ask_again(false))
                .on(Event::Deny, stay().say("none_of_these").ask_again(false)),
        )
        .state("nothing_free", ask("nothing_free").then("checking").on(Event::Deny, "dropped"))
        .state(
            "too_many",
            ask("party_too_large").then("checking").on(Event::Affirm, "hand_over").on(Event::Deny, "dropped"),
        )
        .state("several_rooms", rest().say("several_rooms").goes_on("hand_over"))
        .state("unsure", rest().say("booking_unsure").goes_on("hand_over"))
        .state("trouble", rest().say("could_not_book").goes_on("hand_over"))
        .state("booked", end("done").say("booked"))
        .state("dropped", end("abandoned").say("dropped"))
        .state(
            "booked_in_a_call",
            send("booking_details", "whatsapp")
                .say("booked")
                .yes("details_sent")
                .no("details_kept")
                .on(Event::Cancel, "details_kept")
                .on(Event::Thank, "details_kept")
                .on(Event::Unclear, "details_kept")
                .on("quiet", "details_kept")
                .on(Event::Bye, to("closing").say("goodbye")),
        )
        .state("details_sent", end("done").say("details_sent"))
        .state("details_kept", end("done").say("details_kept"))
}
