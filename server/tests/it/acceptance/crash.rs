//! The program dies in the middle of a writing call, and is started again.
//!
//! The hotel is the real one, behind a door that stops at one call: there the program is killed, with the call written
//! down and its answer outstanding.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use innkeeper_hms::mcp::{HotelMcp, HttpAccess, http_service};
use innkeeper_hms::{BookingStatus, FixedClock, Hotel, Opening};
use serde_json::Value as Json;
use tokio::process::Command;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::program::{ANA, Line, PATIENCE, Server, WHATSAPP};
use crate::rig::morning;
use crate::support::twilio::message;

const BODY_CAP: usize = 1 << 20;

/// Where the door stops a call, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The hotel has not heard of it.
    Before,
    /// The hotel did it, and its answer does not arrive.
    After,
}

struct Door {
    tool: &'static str,
    stop: Mutex<Option<Stop>>,
    reached: Notify,
    /// The arguments of every call of that tool.
    calls: Mutex<Vec<Json>>,
}

/// The hotel, over HTTP, behind a door.
struct Desk {
    hotel: Arc<Hotel>,
    door: Arc<Door>,
    url: String,
}

impl Desk {
    async fn open(line: &Line, tool: &'static str, stop: Stop) -> Self {
        let url = format!("sqlite://{}", line.folder.file("hotel.db").display());
        let opening = Opening::of(url).with_clock(Arc::new(FixedClock::at(morning())));
        let hotel = Arc::new(Hotel::open(opening).await.expect("a hotel"));
        let door = Arc::new(Door {
            tool,
            stop: Mutex::new(Some(stop)),
            reached: Notify::new(),
            calls: Mutex::default(),
        });
        let service =
            http_service(HotelMcp::new(hotel.clone()), HttpAccess::loopback(CancellationToken::new()));
        let routes = Router::new().nest_service("/mcp", service);
        let routes = routes.layer(middleware::from_fn_with_state(door.clone(), pass));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { hotel, door, url }
    }

    /// The program with this hotel.
    fn innkeeper(&self, line: &Line) -> Command {
        let mut command = line.innkeeper();
        command.env("INNKEEPER__HOTEL__MCP", &self.url);
        command
    }

    fn calls(&self) -> Vec<Json> {
        self.door.calls.lock().expect("calls").clone()
    }
}

async fn pass(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BODY_CAP).await.expect("a body");
    let call: Json = serde_json::from_slice(&body).unwrap_or_default();
    let request = Request::from_parts(head, Body::from(body));
    if call["method"] != "tools/call" || call["params"]["name"] != door.tool {
        return next.run(request).await;
    }
    door.calls.lock().expect("calls").push(call["params"]["arguments"].clone());
    let stop = door.stop.lock().expect("the door").take();
    match stop {
        None => next.run(request).await,
        Some(Stop::Before) => {
            door.reached.notify_one();
            std::future::pending().await
        }
        Some(Stop::After) => {
            let done = next.run(request).await;
            to_bytes(done.into_body(), BODY_CAP).await.expect("an answer");
            door.reached.notify_one();
            std::future::pending().await
        }
    }
}

const TALK: [&str; 4] = [
    "Hi, a room with a sea view for two from 12 to 14 December please.",
    "The double, please.",
    "Ana Silva.",
    "Yes, please.",
];

/// Talks until the door stops a call of that tool, kills the program there, starts it again, and counts.
async fn dies_and_goes_on(tool: &'static str, stop: Stop) -> Vec<Json> {
    let line = Line::open().await;
    let desk = Desk::open(&line, tool, stop).await;
    let mut server = Server::start(desk.innkeeper(&line)).await;
    let mut died = false;
    for (turn, text) in TALK.iter().enumerate() {
        let form = message(&turn.to_string(), ANA, text);
        assert_eq!(line.twilio.post(server.address, WHATSAPP, &form).await.0, 200);
        if !died {
            let shown = tokio::select! {
                () = desk.door.reached.notified() => false,
                _ = line.shown(ANA, turn + 1) => true,
            };
            if !shown {
                assert_eq!(line.twilio.phone_of(ANA).len(), turn, "nothing is said of what is not known yet");
                server.kill_9().await;
                died = true;
                server = Server::start(desk.innkeeper(&line)).await;
                // A second delivery of what was taken already.
                assert_eq!(line.twilio.post(server.address, WHATSAPP, &form).await.0, 200);
            }
        }
        line.shown(ANA, turn + 1).await;
    }
    assert!(died, "the door was never reached");
    line.deliver(&server, "9", ANA, "Thank you!").await;
    let shown = line.shown(ANA, TALK.len() + 1).await;
    assert_eq!(shown.len(), TALK.len() + 1, "{shown:#?}");
    assert_eq!(shown.iter().filter(|text| text.contains("Your reference is")).count(), 1, "{shown:#?}");

    let bookings =
        tokio::time::timeout(PATIENCE, desk.hotel.bookings()).await.expect("in time").expect("rows");
    let [booking] = bookings.as_slice() else { panic!("one booking: {bookings:?}") };
    assert_eq!((booking.status, booking.customer_name.as_str()), (BookingStatus::Confirmed, "Ana Silva"));
    assert!(shown[3].contains(&booking.reference), "{shown:#?}");
    assert_eq!(server.settled().await, [("answered".to_owned(), 5)]);
    desk.calls()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_before_the_hotel_hears_books_once() {
    let calls = dies_and_goes_on("create_booking", Stop::Before).await;
    assert_same_key_twice(&calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_before_it_hears_the_answer_books_once() {
    let calls = dies_and_goes_on("create_booking", Stop::After).await;
    assert_same_key_twice(&calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_while_it_looks_for_rooms_looks_again() {
    let calls = dies_and_goes_on("get_room_availability", Stop::Before).await;
    assert_eq!(calls.len(), 2, "{calls:?}");
}

fn assert_same_key_twice(calls: &[Json]) {
    let [first, second] = calls else { panic!("a call and its repetition: {calls:?}") };
    assert!(first["idempotency_key"].as_str().is_some_and(|key| !key.is_empty()), "{first}");
    assert_eq!(first, second, "the repetition is the same call under the same key");
}
