//! What can be done to calls over Twilio's REST API.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::call::Command;
use super::exchange::Exchange;
use super::wire::decoded;

impl Exchange {
    /// `POST /2010-04-01/Accounts/{account}/Calls/{call}.json`, to be served where the server looks for the REST API.
    pub(crate) fn rest(&self) -> Router {
        Router::new()
            .route("/2010-04-01/Accounts/{account}/Calls/{call}", post(change))
            .with_state(self.clone())
    }
}

async fn change(
    State(exchange): State<Exchange>,
    Path((account, call)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let ours = &exchange.0.account;
    let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", ours.sid, ours.token)));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if account != ours.sid || given != Some(&expected) {
        return error(StatusCode::UNAUTHORIZED, 20003);
    }
    let sid = call.strip_suffix(".json").unwrap_or_default();
    let Some(commands) = exchange.0.calls().get(sid).cloned() else {
        return error(StatusCode::NOT_FOUND, 20404);
    };
    let form = decoded(&body);
    let field = |name: &str| form.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    let command = match (field("Status").as_deref(), field("Twiml")) {
        (Some("completed"), _) => Command::Replace("<Response><Hangup/></Response>".to_owned()),
        (_, Some(twiml)) if super::parse(&twiml).is_ok() => Command::Replace(twiml),
        _ => return error(StatusCode::BAD_REQUEST, 21218),
    };
    let _ = commands.send(command);
    axum::Json(json!({"sid": sid, "status": "in-progress"})).into_response()
}

fn error(status: StatusCode, code: u32) -> Response {
    (status, axum::Json(json!({"code": code, "status": status.as_u16(), "message": "+34600000001"})))
        .into_response()
}
