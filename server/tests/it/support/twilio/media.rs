//! Files that guests sent: the address that the webhook names, and the host it leads to.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{StreamExt as _, stream};

use super::rest::unauthorized;
use super::{ACCOUNT, TwilioDouble};

/// What a file's host does.
#[derive(Clone, Debug)]
pub(crate) enum Trick {
    Honest,
    /// It is not there for so many requests.
    NotYet(usize),
    /// It leads to an address that is somebody else's.
    LeadsTo(String),
    /// It leads to itself.
    Circles,
    /// So many bytes, announced or not.
    Huge {
        announced: bool,
    },
    /// The connection breaks in the middle.
    Cut,
}

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: String,
    pub(super) trick: Trick,
}

/// More than anybody may send.
const HUGE: usize = 17 * 1024 * 1024;

impl TwilioDouble {
    /// Keeps a file; gives the address that a webhook names.
    pub(crate) fn holds(&self, bytes: &[u8], content_type: &str, trick: Trick) -> String {
        let mut exchange = self.exchange();
        exchange.files.push(File { bytes: bytes.to_vec(), content_type: content_type.to_owned(), trick });
        let number = exchange.files.len() - 1;
        format!("{}/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/{number}", self.base_url())
    }

    /// The numbers of the files that it was told to delete.
    pub(crate) fn deleted(&self) -> Vec<usize> {
        self.exchange().deleted.clone()
    }

    fn file(&self, number: usize) -> Option<File> {
        self.exchange().files.get(number).cloned()
    }
}

/// The host that files are on; it takes nobody's credentials.
pub(super) fn store(double: TwilioDouble) -> Router {
    Router::new().route("/{number}", get(serve)).with_state(double)
}

/// `GET …/Media/{number}`.
pub(super) async fn redirect(
    State((double, store)): State<(TwilioDouble, SocketAddr)>,
    Path((account, _, number)): Path<(String, String, usize)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = unauthorized(&account, &headers) {
        return refusal;
    }
    let Some(file) = double.file(number) else { return StatusCode::NOT_FOUND.into_response() };
    let to = match file.trick {
        Trick::NotYet(left) if left > 0 => {
            double.exchange().files[number].trick = Trick::NotYet(left - 1);
            return StatusCode::NOT_FOUND.into_response();
        }
        Trick::LeadsTo(to) => to,
        Trick::Circles => {
            format!("{}/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/{number}", double.base_url())
        }
        Trick::NotYet(_) | Trick::Honest | Trick::Huge { .. } | Trick::Cut => {
            format!("http://{store}/{number}?Expires=1&Signature=x")
        }
    };
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
}

/// `DELETE …/Media/{number}`.
pub(super) async fn delete(
    State((double, _)): State<(TwilioDouble, SocketAddr)>,
    Path((account, _, number)): Path<(String, String, usize)>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = unauthorized(&account, &headers) {
        return refusal;
    }
    if double.file(number).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    double.exchange().deleted.push(number);
    StatusCode::NO_CONTENT.into_response()
}

async fn serve(
    State(double): State<TwilioDouble>,
    Path(number): Path<usize>,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        return (StatusCode::BAD_REQUEST, "only one way of authorization is allowed").into_response();
    }
    let Some(file) = double.file(number) else { return StatusCode::NOT_FOUND.into_response() };
    let body = match file.trick {
        Trick::Huge { announced: true } => Body::from(vec![0; HUGE]),
        Trick::Huge { announced: false } => {
            let pieces = (0..HUGE / 65_536).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![0; 65_536])));
            Body::from_stream(stream::iter(pieces))
        }
        Trick::Cut => {
            let half = Bytes::copy_from_slice(&file.bytes[..file.bytes.len() / 2]);
            let breaks = stream::once(async {
                // What was there goes out first.
                tokio::task::yield_now().await;
                Err("the connection breaks")
            });
            Body::from_stream(stream::once(async { Ok(half) }).chain(breaks))
        }
        Trick::Honest | Trick::NotYet(_) | Trick::LeadsTo(_) | Trick::Circles => Body::from(file.bytes),
    };
    ([(header::CONTENT_TYPE, file.content_type)], body).into_response()
}
