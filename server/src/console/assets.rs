//! What the console serves from the binary.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// Only the console's own files run and only its own routes are asked; no page frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const PAGE: &str = "index.html";
const QUEUE: &str = "queue.html";
const CALL: &str = "call.html";
const OPENAPI: &str = "openapi.json";

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

/// The chat page.
pub(super) async fn page(headers: HeaderMap) -> Response {
    serve(PAGE, &headers)
}

/// The page of the people at the desk.
pub(super) async fn queue(headers: HeaderMap) -> Response {
    serve(QUEUE, &headers)
}

/// The page that calls.
pub(super) async fn call(headers: HeaderMap) -> Response {
    serve(CALL, &headers)
}

/// A file of the pages.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let is_page = [PAGE, QUEUE, CALL].contains(&name.as_str());
    if is_page { StatusCode::NOT_FOUND.into_response() } else { serve(&name, &headers) }
}

/// What documents the routes under `/api`.
pub(super) async fn openapi(headers: HeaderMap) -> Response {
    serve(OPENAPI, &headers)
}

fn serve(name: &str, headers: &HeaderMap) -> Response {
    let (Some(file), Some(kind)) = (Assets::get(name), content_type(name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = tag(&file);
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], file.data).into_response()
    };
    let all = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        all.insert(header::ETAG, tag);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        all.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Changes with the file: the next version of the program is noticed at once, the same one is not sent again.
fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "json" => Some("application/json"),
        _ => None,
    }
}
