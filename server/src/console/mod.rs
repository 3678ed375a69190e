//! The web console: the chat page, the desk's page, and the routes they use.
//!
//! The chat page talks to the receptionist as a guest does and shows beside the chat what the engine does meanwhile.
//! Everything it needs is in the binary; it loads nothing from elsewhere. `openapi.json` documents the routes.

mod api;
mod assets;
mod happened;
mod past;
mod queue;
mod refusal;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::conversation::Receptionist;
use crate::mistakes::Reloaded;
use session::Sessions;

/// The longest request, in bytes: a message of WhatsApp's length in any script, and its JSON.
const LONGEST_BODY: usize = 32 * 1024;

/// What the routes share.
#[derive(Clone)]
struct Desk {
    receptionist: Arc<Receptionist>,
    sessions: Arc<Sessions>,
    reloaded: watch::Receiver<Reloaded>,
    stop: CancellationToken,
}

/// The page at `/`, the desk's at `/queue`, their assets, and `/api`. Streams that have no end of their own end with
/// `stop`.
pub fn routes(
    receptionist: Arc<Receptionist>,
    reloaded: watch::Receiver<Reloaded>,
    stop: &CancellationToken,
) -> Router {
    let sessions = Arc::new(Sessions::new(Arc::clone(&receptionist)));
    let api = api().into_iter().fold(Router::new(), |router, (_, path, route)| router.route(path, route));
    api.layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn(refusal::same_origin))
        .layer(middleware::from_fn(refusal::private))
        .route("/", get(assets::page))
        .route("/queue", get(assets::queue))
        .route("/assets/{*name}", get(assets::asset))
        .with_state(Desk { receptionist, sessions, reloaded, stop: stop.clone() })
}

/// The method and path of every route under `/api`, as in `openapi.json`.
pub fn documented() -> Vec<(&'static str, &'static str)> {
    api().into_iter().map(|(method, path, _)| (method, path)).collect()
}

fn api() -> [(&'static str, &'static str, MethodRouter<Desk>); 12] {
    [
        ("get", "/api/openapi.json", get(assets::openapi)),
        ("get", "/api/hotel", get(api::hotel)),
        ("get", "/api/flows", get(api::flows)),
        ("post", "/api/conversations", post(api::begin)),
        ("get", "/api/conversations/{id}", get(api::talk)),
        ("post", "/api/conversations/{id}/turns", post(api::turn)),
        ("post", "/api/conversations/{id}/give-back", post(api::give_back)),
        ("get", "/api/queue", get(queue::queue)),
        ("get", "/api/queue/events", get(queue::events)),
        ("get", "/api/queue/{id}", get(queue::open)),
        ("post", "/api/queue/{id}/take", post(queue::take)),
        ("post", "/api/queue/{id}/messages", post(queue::write)),
    ]
}
