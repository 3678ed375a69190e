//! The good flows of the checker's tests, in Rust.

use std::time::Duration;

use chrono::NaiveDate;
use innkeeper_engine::flow::Event;
use innkeeper_engine::flow::builder::{
    Always, FlowBuilder, Formula, Never, ask, back, boolean, choice, choice_from, clear, collect, compound,
    confirm, date, date_range, deep_back, end, held, integer, invoke, next_page, parallel, party,
    person_name, phone, previous_page, queue, raise, reference, rest, run, run_flow, run_requested,
    say_again, set, stay, text, to, to_all, undo, wait,
};
use innkeeper_engine::{DateBound, Merge};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

pub(super) fn book_room() -> FlowBuilder {
    FlowBuilder::new("book_room")
        .description("The guest wants a room for some nights.")
        .examples(["I need a room for two nights", "do you have anything free next weekend"])
        .slot("stay", date_range().min(DateBound::Today(0)).max_nights(30))
        .slot("guests", party().min(1).max(12))
        .slot("view", choice(["sea", "garden", "city"]).optional())
        .slot("room", choice_from("offers.rooms", "offer_id", "name"))
        .slot(
            "alternative",
            choice_from("offers.alternatives", "alternative_id", "name").sets(["stay", "view"]),
        )
        .slot("name", person_name().default("guest.name").remember())
        .slot("phone", phone().default("guest.phone").remember())
        .initial("details")
        .on(Event::Cancel, to("dropped"))
        .state("details", collect(["stay", "guests", "view"]).then("checking"))
        .state(
            "checking",
            invoke("get_room_availability")
                .with("start_date", "stay.check_in")
                .with("end_date", "stay.check_out")
                .with("guests", "guests")
                .with("view", "view")
                .save("offers")
                .fresh_for(5 * MINUTE)
                .retry_after(2, Duration::from_millis(300))
                .done([to("choosing").when("offers.rooms | length > 0"), to("sold_out")]),
        )
        .state("choosing", collect(["room"]).then("quoting"))
        .state(
            "quoting",
            invoke("quote_stay")
                .with("room_id", "room.room_id")
                .with("start_date", "stay.check_in")
                .with("end_date", "stay.check_out")
                .with("guests", "guests")
                .save("quote")
                .done("who"),
        )
        .state("who", collect(["name", "phone"]).then("confirming"))
        .state(
            "confirming",
            confirm(["stay", "guests", "room", "quote.total", "name", "phone"]).yes("booking").no("changing"),
        )
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
                .done("booked")
                .error([
                    to("checking").when("error.code == 'room_unavailable'").say("just_taken").clear(["room"]),
                    to("trouble"),
                ]),
        )
        .state("sold_out", collect(["alternative"]).say("sold_out").then("checking"))
        .state("changing", ask("what_to_change").then("confirming"))
        .state("trouble", rest().say("could_not_book").goes_on("hand_over"))
        .state("booked", end("done").say("booked"))
        .state("dropped", end("abandoned").say("dropped"))
}

pub(super) fn every_form() -> FlowBuilder {
    let last_day = NaiveDate::from_ymd_opt(2030, 12, 31).unwrap();
    FlowBuilder::new("every_form")
        .description("The guest wants everything at once.")
        .examples(["everything please"])
        .slot("nights", integer().min(1).max(30).unit(["night", "nights"]))
        .slot("vegan", boolean())
        .slot("day", date().min(DateBound::Today(1)).max(DateBound::On(last_day)))
        .slot("since", date().min(DateBound::Today(-3)).max(DateBound::Today(0)))
        .slot("stay", date_range())
        .slot("people", party())
        .slot("tea", choice(["green", "black", "no"]))
        .slot("wish", text().max_length(80).optional())
        .slot("code", reference())
        .slot("room", choice_from("offers.rooms", "offer_id", "name").words(["room_type", "view"]))
        .state(
            "first",
            collect(["nights", "vegan"]).say("hello").then([
                to("first").when("nights > 7 and not vegan").say("long_stay").clear(["nights"]),
                to("second"),
            ]),
        )
        .state("second", rest().always([to("third").when("vegan"), to("third")]))
        .state(
            "third",
            collect(["day", "tea", "stay", "people", "wish"])
                .then("looking")
                .on(Event::Affirm, next_page())
                .on(Event::Deny, stay().ask_again(false))
                .on(Event::Change, say_again().ask_again(true))
                .on(Event::Question, run_flow("breakfast"))
                .on(Event::Start, stay().say("busy")),
        )
        .state(
            "looking",
            invoke("get_room_availability")
                .with("start_date", "stay.check_in")
                .with("end_date", "'2026-12-24'")
                .with(
                    "guests",
                    Formula::map([("adults", "people.adults or 2".into()), ("children", Formula::from(0))]),
                )
                .with("room_type", "'double' if people else 'single'")
                .with("accessible", true)
                .save("offers")
                .fresh_for(HOUR)
                .retry(1)
                .done("choosing")
                .error([to("first").when("error.code == 'none_free'")]),
        )
        .state("choosing", collect(["room"]).then("waiting"))
        .state(
            "waiting",
            wait()
                .on(Event::Thank, "confirming")
                .on(Event::ToolFailed, to("ended").when("error.code == 'odd'")),
        )
        .state(
            "confirming",
            confirm(["stay", "room", "people", "guest.name", "guest.phone"])
                .yes([to("hand_over").when("room.total.minor > 1000000"), to("writing")])
                .no(stay().say("what_then")),
        )
        .state(
            "writing",
            invoke("create_booking")
                .with("customer_name", "guest.name")
                .with("phone_number", "guest.phone")
                .with("room_id", "room.room_id")
                .with(
                    "dates",
                    Formula::map([("start_date", "stay.check_in"), ("end_date", "stay.check_out")]),
                )
                .with("guests", "people")
                .with("notes", Formula::list(["'late'", "'quiet'"]))
                .done("ended"),
        )
        .state("ended", end("done").say("bye"))
}

pub(super) fn breakfast() -> FlowBuilder {
    FlowBuilder::new("breakfast").description("The guest wants breakfast.").state("only", end("done"))
}

pub(super) fn statechart() -> FlowBuilder {
    FlowBuilder::new("statechart")
        .description("The guest wants a stay with everything around it.")
        .events(["payment_received", "price_changed"])
        .slot("stay", date_range())
        .slot("guests", party())
        .slot("nights", integer().merge(Merge::Max))
        .slot("remarks", text().merge(Merge::Append).optional())
        .slot("first", date().merge(Merge::Min))
        .slot("count", integer().merge(Merge::Sum).optional())
        .slot("code", reference().merge(Merge::Keep).optional())
        .slot("topic", text().optional())
        .slot("eggs", integer())
        .slot("paid", boolean().optional())
        .never(Never::in_state(["ordered"]).guard("not eggs").because("an order needs a number of eggs"))
        .never(Never::in_state(["ordered", "closed"]).guard("not (stay and guests)"))
        .never(Never::unconfirmed("order_breakfast"))
        .never(Never::called("order_breakfast").guard("not confirmed(eggs)"))
        .always(Always::in_state(["reading"], "stay and guests and eggs"))
        .always(Always::passed(["ordering"], ["reading"]))
        .always(Always::in_state(["looked_up"], "offers and not stale(offers)"))
        .on(Event::Cancel, to("dropped"))
        .on("price_changed", stay().set("paid", false))
        .state("main", main_of_statechart())
        .state("aside", ask("what_else").then("back").on(Event::Deny, "step_back"))
        .state(
            "ordering",
            invoke("order_breakfast")
                .with("eggs", "eggs")
                .done("ordered")
                .error("asking")
                .unknown("hand_over"),
        )
        .state(
            "ordered",
            wait()
                .always(to("closed").when("paid"))
                .on("payment_received", to("closed").when("event.data.ok").say("thanks").set("paid", true))
                .on(Event::Any, stay().say("something_happened"))
                .on(Event::Undo, undo())
                .after(30 * SECOND, stay().when("today").raise("price_changed")),
        )
        .state("too_many", rest().say("too_many").goes_on("dropped"))
        .state("closed", end("done").output(Formula::map([("nights", "nights"), ("eggs", "eggs")])))
        .state("dropped", end("abandoned"))
}

fn main_of_statechart() -> innkeeper_engine::flow::builder::AnyState {
    let asking = compound()
        .exit([clear(["count"])])
        .state("stays", collect(["stay", "guests"]).then("looking"))
        .state(
            "looking",
            invoke("get_room_availability")
                .with("start_date", "stay.check_in")
                .with("end_date", "stay.check_out")
                .with("guests", "guests")
                .save("offers")
                .timeout(5 * SECOND)
                .cache(10 * MINUTE)
                .retry(1)
                .done("looked_up")
                .error("dropped")
                .unknown("dropped"),
        )
        .state("looked_up", end("known"))
        .done("rest");
    compound()
        .say("welcome")
        .entry([set("count", 0), raise("price_changed")])
        .initial("asking")
        .done([to("too_many").when("eggs > 12"), to("ordering")])
        .on(Event::Change, to("fresh").reenter())
        .on(Event::Question, to("aside"))
        .after(10 * MINUTE, stay().say("still_there"))
        .after(24 * HOUR, to("dropped"))
        .state("fresh", rest().entry([clear(["remarks"])]).goes_on("asking"))
        .state("asking", asking)
        .state("rest", collect(["eggs", "nights", "remarks", "first"]).then("reading"))
        .state("reading", confirm(["stay", "guests", "eggs"]).yes("all_read").no(to("rest").clear(["eggs"])))
        .state("all_read", end("read"))
        .state("back", deep_back(["asking"]))
        .state("step_back", back(["rest"]))
        .into()
}

pub(super) fn conversation_of_statechart() -> FlowBuilder {
    FlowBuilder::root()
        .events(["given_back"])
        .on(Event::Start, [queue().when("busy").say("later"), run_requested()])
        .on(Event::Wish, run_requested())
        .on(Event::Undo, [undo().when("undoable"), stay().say("nothing_to_undo")])
        .on(Event::Repeat, say_again())
        .on(Event::More, next_page())
        .on(Event::Previous, previous_page())
        .on(Event::Wait, stay().say("take_your_time").ask_again(false))
        .on(Event::Price, stay().say("price"))
        .on(Event::Help, stay().say("help"))
        .on(Event::Human, run_flow("with_person"))
        .on(Event::Cancel, to("idle"))
        .on(Event::Unclear, [stay().when("unclear < 3").say("say_it_again"), to("hand_over")])
        .on(Event::Silence, [stay().when("silence < 2").say("still_there"), to("closing")])
        .on(Event::ToolFailed, to("hand_over").say("tool_failed"))
        .state("idle", wait())
        .state("hand_over", rest().say("handing_over").goes_on("with_person"))
        .state("with_person", held().on("given_back", to("returned").say("here_again")))
        .state("returned", end("returned"))
        .state("closing", end("closed"))
}

pub(super) fn histories() -> FlowBuilder {
    let counting = compound()
        .initial("counted")
        .done("reading")
        .state("counted", collect(["eggs"]).then("enough"))
        .state("enough", end("enough"));
    let main = compound()
        .initial("naming")
        .done("ordering")
        .on(Event::Question, "aside")
        .on(Event::Help, "aside_shortly")
        .state("naming", collect(["name"]).then("counted"))
        .state("counting", counting)
        .state("reading", confirm(["name", "eggs"]).yes("said").no("naming"))
        .state("said", end("said"))
        .state("back", deep_back(["naming"]))
        .state("back_shortly", back(["naming"]));
    FlowBuilder::new("histories")
        .description("The guest asks something in the middle of everything.")
        .slot("name", person_name())
        .slot("eggs", integer())
        .state("main", main)
        .state("aside", ask("what_else").then("back"))
        .state("aside_shortly", ask("what_else").then("back_shortly"))
        .state(
            "ordering",
            invoke("order_breakfast")
                .with("eggs", "eggs")
                .with("remarks", "name")
                .done("last")
                .error("trouble"),
        )
        .state("trouble", ask("try_again").then("naming").on(Event::Deny, "last"))
        .state("last", end("done"))
}

pub(super) fn together() -> FlowBuilder {
    let breakfast = compound()
        .state("asking_eggs", collect(["eggs"]).then("eggs_known"))
        .state("eggs_known", end("known"));
    let tea_time =
        compound().state("asking_tea", collect(["tea"]).then("tea_known")).state("tea_known", end("known"));
    FlowBuilder::new("together")
        .description("The guest wants several things arranged.")
        .slot("stay", date_range())
        .slot("guests", party())
        .slot("eggs", integer())
        .slot("tea", boolean())
        .slot("rounds", integer().optional())
        .state("start", collect(["stay", "guests"]).then("arranging"))
        .state(
            "arranging",
            parallel()
                .done("rooms")
                .on(Event::Change, to_all(["asking_eggs", "tea_known"]))
                .state("breakfast", breakfast)
                .state("tea_time", tea_time),
        )
        .state(
            "rooms",
            invoke("get_room_availability")
                .with("start_date", "stay.check_in")
                .with("end_date", "stay.check_out")
                .save("offers")
                .done("prices"),
        )
        .state(
            "prices",
            invoke("quote_stay")
                .each("offers.rooms", "offer")
                .with("room_id", "offer.room_id")
                .with("start_date", "stay.check_in")
                .with("end_date", "stay.check_out")
                .save("quotes")
                .done("orders"),
        )
        .state(
            "orders",
            run("breakfast_for")
                .each("offers.rooms", "offer")
                .with("eggs", "eggs")
                .with("name", "offer.name")
                .save("ordered")
                .done([to("one_more").when("outcome == 'done'").set("rounds", 1), to("ended")]),
        )
        .state("one_more", run("breakfast_for").with("eggs", "eggs + 1").done("ended"))
        .state("ended", end("done").say("all_done").output("ordered"))
}

pub(super) fn breakfast_for() -> FlowBuilder {
    FlowBuilder::new("breakfast_for")
        .description("The guest wants breakfast for a room.")
        .slot("eggs", integer())
        .slot("name", text().optional())
        .state("asking", collect(["eggs", "name"]).then("reading"))
        .state("reading", confirm(["eggs"]).yes("ordering").no("given_up"))
        .state(
            "ordering",
            invoke("order_breakfast").with("eggs", "eggs").save("order").done("ordered").error("given_up"),
        )
        .state("ordered", end("done").output(Formula::map([("eggs", "eggs")])))
        .state("given_up", end("given_up").output("none"))
}

/// The root chart of the cases that bring none.
pub(super) fn conversation() -> FlowBuilder {
    FlowBuilder::root()
        .on(Event::Start, run_requested())
        .on(Event::Repeat, say_again())
        .on(Event::More, next_page())
        .on(Event::Help, stay().say("help"))
        .on(Event::Human, to("hand_over"))
        .on(Event::Cancel, to("idle"))
        .on(Event::Unclear, [stay().when("unclear < 3").say("say_it_again"), to("hand_over")])
        .on(Event::Silence, [stay().when("silence < 2").say("still_there"), to("closing")])
        .on(Event::ToolFailed, to("hand_over").say("tool_failed"))
        .state("idle", wait())
        .state("hand_over", end("handed_over").say("handing_over"))
        .state("closing", end("closed"))
}
