//! A hotel with an MCP client in front of it, at nine in the morning of 1 December 2026.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_hms::mcp::HotelMcp;
use innkeeper_hms::{FixedClock, Hotel, Opening, SeededIds};
use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject, RequestMetaObject, Tool};
use rmcp::service::{Peer, RunningService};
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};

use crate::place::Place;
use crate::schema_check;

pub(crate) struct Desk {
    pub(crate) hotel: Arc<Hotel>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) tools: Vec<Tool>,
    client: RunningService<RoleClient, ()>,
}

pub(crate) fn nine_o_clock() -> DateTime<Utc> {
    "2026-12-01T09:00:00Z".parse().unwrap()
}

impl Desk {
    /// A desk in memory.
    pub(crate) async fn new() -> Self {
        Self::at(&Place::memory()).await
    }

    pub(crate) async fn at(place: &Place) -> Self {
        Self::seeded(place, 1).await
    }

    /// A desk whose ids follow from a seed.
    pub(crate) async fn seeded(place: &Place, seed: u64) -> Self {
        let clock = Arc::new(FixedClock::at(nine_o_clock()));
        let opening =
            Opening::of(&place.url).with_clock(clock.clone()).with_ids(Arc::new(SeededIds::new(seed)));
        let hotel = Arc::new(Hotel::open(opening).await.unwrap());
        let (near, far) = tokio::io::duplex(1 << 16);
        let server = HotelMcp::new(hotel.clone());
        tokio::spawn(async move { server.serve(far).await.unwrap().waiting().await });
        let client = ().serve(near).await.unwrap();
        let tools = client.list_all_tools().await.unwrap();
        Self { hotel, clock, tools, client }
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    pub(crate) fn peer(&self) -> Peer<RoleClient> {
        self.client.peer().clone()
    }

    /// The result of a call, or its error text; either is checked against what tools promise.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        self.call_with_meta(tool, arguments, None).await
    }

    pub(crate) async fn call_with_meta(
        &self,
        tool: &str,
        arguments: Value,
        meta: Option<Value>,
    ) -> Result<Value, String> {
        let mut request = request(tool, arguments);
        request.meta = meta.map(|meta| serde_json::from_value::<RequestMetaObject>(meta).unwrap());
        let answer = self.client.call_tool(request).await.unwrap();
        let promised = self.tools.iter().find(|known| known.name == tool).unwrap();
        checked(promised, answer)
    }

    /// The result of a call that must succeed.
    pub(crate) async fn done(&self, tool: &str, arguments: Value) -> Value {
        self.call(tool, arguments.clone()).await.unwrap_or_else(|text| panic!("{tool} {arguments}: {text}"))
    }

    /// The error text of a call that must be refused with this code.
    pub(crate) async fn refused(&self, code: &str, tool: &str, arguments: Value) -> String {
        let text = match self.call(tool, arguments.clone()).await {
            Ok(result) => panic!("{tool} {arguments} was not refused: {result}"),
            Err(text) => text,
        };
        assert!(text.starts_with(&format!("{code}: ")), "{tool} {arguments}: {text}");
        text
    }

    pub(crate) async fn book(&self, room: &str, start: &str, end: &str) -> Value {
        self.done("create_booking", ana(room, start, end)).await
    }

    /// How many rooms each offer has free.
    pub(crate) async fn free(&self, start: &str, end: &str) -> Vec<(String, u64)> {
        let found = self.done("get_room_availability", json!({ "start_date": start, "end_date": end })).await;
        let offers = found["rooms"].as_array().unwrap().clone();
        let free =
            |offer: &Value| (offer["offer_id"].as_str().unwrap().to_owned(), offer["free"].as_u64().unwrap());
        offers.iter().map(free).collect()
    }
}

/// A booking by Ana García López.
pub(crate) fn ana(room: &str, start: &str, end: &str) -> Value {
    json!({
        "customer_name": "Ana García López", "phone_number": "+351 912 345 678", "room_id": room,
        "dates": { "start_date": start, "end_date": end },
    })
}

/// The same arguments with one more, or another value for one.
pub(crate) fn with(mut arguments: Value, name: &str, value: impl Into<Value>) -> Value {
    arguments[name] = value.into();
    arguments
}

/// The same arguments without one.
pub(crate) fn without(mut arguments: Value, name: &str) -> Value {
    arguments.as_object_mut().unwrap().remove(name);
    arguments
}

pub(crate) fn request(tool: &str, arguments: Value) -> CallToolRequestParams {
    let arguments: JsonObject = serde_json::from_value(arguments).unwrap();
    CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments)
}

/// A result that keeps its tool's promises: structure that fits the output schema and the same as
/// text, or an error of one text that begins with a code and says what to do next.
pub(crate) fn checked(tool: &Tool, answer: CallToolResult) -> Result<Value, String> {
    let text = answer.content[0].as_text().unwrap().text.clone();
    assert_eq!(answer.content.len(), 1, "{text}");
    if answer.is_error == Some(true) {
        assert_eq!(answer.structured_content, None, "an error is only text");
        let (code, sentence) = text.split_once(": ").unwrap_or_else(|| panic!("no code: {text}"));
        assert!(code.chars().all(|sign| sign.is_ascii_lowercase() || sign == '_'), "{text}");
        assert!(sentence.contains(';') || sentence.contains("; "), "no next step: {text}");
        return Err(text);
    }
    let structure = answer.structured_content.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), structure);
    let schema = Value::Object(tool.output_schema.as_ref().unwrap().as_ref().clone());
    schema_check::check(&schema, &structure);
    Ok(structure)
}
