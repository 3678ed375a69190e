//! What the console's routes say when they do not do what was asked, and who may ask.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::fault::chain;

/// A request that is not done, with the sentence that says why.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    sentence: String,
}

impl Refusal {
    /// The request itself is wrong.
    pub(super) fn wrong(sentence: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, sentence: sentence.into() }
    }

    /// There is no conversation with that id.
    pub(super) fn unknown() -> Self {
        let sentence = "There is no such conversation here. Begin a new one.".to_owned();
        Self { status: StatusCode::NOT_FOUND, sentence }
    }

    /// It comes from a page of another site.
    pub(super) fn foreign() -> Self {
        let sentence = "Another site's page cannot talk to the receptionist.".to_owned();
        Self { status: StatusCode::FORBIDDEN, sentence }
    }

    /// The conversation is not where the request takes it to be.
    pub(super) fn moved_on(sentence: &str) -> Self {
        Self { status: StatusCode::CONFLICT, sentence: sentence.to_owned() }
    }

    /// Something failed here. What it was is in the log, and only there.
    pub(super) fn fault(doing: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        report(doing, error);
        let sentence = "The reception cannot reach its books at the moment. Please try again.".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, sentence }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.sentence}))).into_response()
    }
}

/// Writes a fault and its causes to the log.
pub(super) fn report(doing: &'static str, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error = chain(error), "{doing}");
}

/// Lets only the console's own pages, and programs that are no browsers, change anything.
///
/// A browser says where a request comes from (`Sec-Fetch-Site`, which no page can set; older ones `Origin`); a program
/// has no cookie of the console's that a foreign page could use.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    if *request.method() != Method::GET && *request.method() != Method::HEAD && !is_own(request.headers()) {
        return Refusal::foreign().into_response();
    }
    next.run(request).await
}

/// Whether a request comes from one of the console's own pages, or from no browser.
pub(super) fn is_own(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin
        .to_str()
        .ok()
        .and_then(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")))
        .zip(host)
        .is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host))
}

/// Keeps answers about conversations out of caches, and from being taken for anything but what they are.
pub(super) async fn private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
