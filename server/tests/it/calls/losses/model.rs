//! A language model that adds nothing, and can be lost.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use innkeeper::clock::Clock;
use innkeeper::llm::{LanguageModel, OpenAiCompatible, Settings};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::loss::{Loss, Presence};

/// How long it may take: `[llm] timeout_ms`.
const LIMIT: Duration = Duration::from_secs(4);

/// A language model. Clones share it.
#[derive(Clone)]
pub(super) struct Model {
    /// Whether it is there.
    pub(super) presence: Presence,
    clock: Arc<dyn Clock>,
    asked: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Model {
    /// Starts it; what asks it comes, too.
    pub(super) async fn start(clock: Arc<dyn Clock>) -> (Self, Arc<dyn LanguageModel>) {
        let presence = Presence::default();
        let model = Self { presence, clock, asked: Arc::default(), open: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let routes = Router::new().route("/v1/chat/completions", post(answer)).with_state(model.clone());
        tokio::spawn(model.presence.clone().serve(listener, routes));
        let settings = Settings {
            base_url: format!("http://{address}/v1"),
            api_key: Some("a key".into()),
            model: "a model".to_owned(),
            timeout: LIMIT,
        };
        (model, Arc::new(OpenAiCompatible::new(settings).expect("a client")))
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether it is asked something and does not answer because it is lost.
    pub(super) fn withholds(&self) -> bool {
        self.presence.now() != Loss::None && self.open.load(Ordering::Relaxed) > 0
    }
}

/// A request that is being answered.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer(State(model): State<Model>) -> Response {
    model.asked.fetch_add(1, Ordering::Relaxed);
    model.open.fetch_add(1, Ordering::Relaxed);
    let _open = Open(Arc::clone(&model.open));
    let content = json!({"words": {}, "acts": []}).to_string();
    let choice =
        json!({"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"});
    let well = Json(json!({"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}));
    match model.presence.now() {
        Loss::None => well.into_response(),
        Loss::Slow => {
            model.clock.sleep(model.presence.later()).await;
            well.into_response()
        }
        // The connection breaks before the answer is whole.
        Loss::Refused | Loss::Cut => {
            Body::from_stream(futures::stream::iter([Err::<Vec<u8>, _>(io::Error::other("cut"))]))
                .into_response()
        }
        Loss::Hangs => std::future::pending().await,
        Loss::Error => (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response(),
        Loss::Garbage => "}{".into_response(),
    }
}
