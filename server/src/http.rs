//! Who may reach what over HTTP.
//!
//! The public address reaches the webhooks and `/healthz`; everything else answers hosts of this machine, or a token.
//! The `Host` decides, so that a tunnel publishes nothing by accident and a web page elsewhere cannot rebind its name
//! to this machine.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use sea_orm::ActiveEnum as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::config;
use crate::store::Database;

/// What the public address may reach besides `/healthz`.
const WEBHOOKS: [&str; 2] = ["/twilio/", "/meta/"];

/// The header of `/healthz` that tells one running innkeeper from another, and from whatever else may answer.
pub const INSTANCE: &str = "x-innkeeper-instance";

/// Headers that a proxy or tunnel adds: such a request does not come from this machine, whatever its `Host` says.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-forwarded-host"];

/// The cookie that keeps a token for the console.
const TOKEN_COOKIE: &str = "innkeeper_token";

/// Who may reach what.
#[derive(Clone)]
pub struct Gate {
    token: Option<SecretString>,
}

impl Gate {
    /// The gate of a configuration.
    pub fn new(server: &config::Server) -> Self {
        Self { token: server.token.clone() }
    }

    /// Puts the gate in front of routes.
    pub fn guard(self, routes: Router) -> Router {
        routes.layer(middleware::from_fn_with_state(self, guard))
    }

    fn opens(&self, headers: &HeaderMap, query: Option<&str>) -> bool {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let cookie = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(TOKEN_COOKIE)?.strip_prefix('='));
        let asked =
            query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("token="));
        [bearer, cookie, asked].into_iter().flatten().any(|given| self.is_token(given))
    }

    /// Hashes of equal length are compared: the time it takes tells nothing about the token.
    fn is_token(&self, given: &str) -> bool {
        let wanted = self.token.as_ref().map(|token| Sha256::digest(token.expose_secret().as_bytes()));
        wanted == Some(Sha256::digest(given.as_bytes()))
    }
}

async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_public = path == "/healthz" || WEBHOOKS.iter().any(|webhooks| path.starts_with(webhooks));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    if is_public || is_local(peer, request.headers(), request.uri().host()) {
        return next.run(request).await;
    }
    let query = request.uri().query().map(str::to_owned);
    if !gate.opens(request.headers(), query.as_deref()) {
        let hint = "This address is for webhooks. Open the console on the machine itself, or set [server] token and add \
                    ?token=… to the address.\n";
        return (StatusCode::FORBIDDEN, hint).into_response();
    }
    let mut response = next.run(request).await;
    // The console's own requests then carry the token without showing it in addresses.
    if let Some(token) =
        query.as_deref().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("token=")))
        && gate.is_token(token)
        && let Ok(cookie) = format!("{TOKEN_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict").parse()
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether a request names this machine and came straight from it.
fn is_local(peer: Option<SocketAddr>, headers: &HeaderMap, uri_host: Option<&str>) -> bool {
    if peer.is_none_or(|peer| !peer.ip().to_canonical().is_loopback()) {
        return false;
    }
    if FORWARDED.iter().any(|name| headers.contains_key(*name)) {
        return false;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(uri_host).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `/healthz` (alive), `/readyz` (the database answers) and `/metrics` (Prometheus text).
pub fn health(store: Database) -> Router {
    let instance = Uuid::new_v4().simple().to_string();
    Router::new()
        .route("/healthz", get(move || async move { ([(INSTANCE, instance)], "ok\n") }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(store)
}

async fn ready(State(store): State<Database>) -> Response {
    match store.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(fault) => {
            tracing::error!(error = %crate::fault::chain(&fault), "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// Inbound messages by outcome: the sum is all that ever came, and `pending` is what still waits.
async fn metrics(State(store): State<Database>) -> Response {
    let outcomes = match store.outcomes().await {
        Ok(outcomes) => outcomes,
        Err(fault) => {
            tracing::error!(error = %crate::fault::chain(&fault), "messages could not be counted");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let mut text = String::from(
        "# HELP innkeeper_inbound_messages Inbound messages by outcome.\n# TYPE innkeeper_inbound_messages gauge\n",
    );
    for (outcome, count) in outcomes {
        text.push_str(&format!("innkeeper_inbound_messages{{outcome=\"{}\"}} {count}\n", outcome.to_value()));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
