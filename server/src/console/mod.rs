//! The web console: the chat page, the call page, the desk's page, and the routes they use.
//!
//! The chat page talks to the receptionist as a guest does and shows beside the chat what the engine does meanwhile.
//! Everything it needs is in the binary; it loads nothing from elsewhere. `openapi.json` documents the routes.

mod api;
mod assets;
mod calls;
mod happened;
mod looks;
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

use crate::channel::line::Callee;
use crate::conversation::Receptionist;
use crate::mistakes::Reloaded;
use session::Sessions;

pub use calls::Watching;

/// The longest request, in bytes: a message of WhatsApp's length in any script, and its JSON.
const LONGEST_BODY: usize = 32 * 1024;

/// What the routes share.
#[derive(Clone)]
struct Desk {
    receptionist: Arc<Receptionist>,
    sessions: Arc<Sessions>,
    reloaded: watch::Receiver<Reloaded>,
    callee: Arc<dyn Callee>,
    watching: Arc<Watching>,
    stop: CancellationToken,
}

/// The page at `/`, the one that calls at `/call`, the desk's at `/queue`, their assets, and `/api`. Calls of the page are
/// given to `callee`, and `watching` shows what goes on in them. What has no end of its own ends with `stop`.
pub fn routes(
    receptionist: Arc<Receptionist>,
    reloaded: watch::Receiver<Reloaded>,
    (callee, watching): (Arc<dyn Callee>, Arc<Watching>),
    stop: &CancellationToken,
) -> Router {
    let sessions = Arc::new(Sessions::new(Arc::clone(&receptionist)));
    let api = api().into_iter().fold(Router::new(), |router, (_, path, route)| router.route(path, route));
    api.layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn(refusal::same_origin))
        .layer(middleware::from_fn(refusal::private))
        .route("/", get(assets::page))
        .route("/queue", get(assets::queue))
        .route("/call", get(assets::call))
        .route("/assets/{*name}", get(assets::asset))
        .with_state(Desk { receptionist, sessions, reloaded, callee, watching, stop: stop.clone() })
}

/// The method and path of every route under `/api`, as in `openapi.json`.
pub fn documented() -> Vec<(&'static str, &'static str)> {
    api().into_iter().map(|(method, path, _)| (method, path)).collect()
}

fn api() -> [(&'static str, &'static str, MethodRouter<Desk>); 17] {
    [
        ("get", "/api/openapi.json", get(assets::openapi)),
        ("get", "/api/hotel", get(api::hotel)),
        ("get", "/api/flows", get(api::flows)),
        ("post", "/api/conversations", post(api::begin)),
        ("get", "/api/conversations/{id}", get(api::talk)),
        ("get", "/api/conversations/{id}/events", get(api::events)),
        ("post", "/api/conversations/{id}/turns", post(api::turn)),
        ("post", "/api/conversations/{id}/give-back", post(api::give_back)),
        ("get", "/api/calls/{id}/relay", get(calls::relay)),
        ("get", "/api/calls/{id}/events", get(calls::events)),
        ("get", "/api/queue", get(queue::queue)),
        ("get", "/api/queue/events", get(queue::events)),
        ("post", "/api/queue/left/{message}/done", post(queue::seen_to)),
        ("post", "/api/queue/missed/{message}/done", post(queue::attended)),
        ("get", "/api/queue/{id}", get(queue::open)),
        ("post", "/api/queue/{id}/take", post(queue::take)),
        ("post", "/api/queue/{id}/messages", post(queue::write)),
    ]
}
