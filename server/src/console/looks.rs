//! When whoever watches a page has something to look at.

use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, StreamExt as _, stream};

use super::Desk;

/// How often whoever watches looks, whatever this program knows: another one on the same database may know more.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Now, whenever something was written, and from time to time. It ends with the program: a page that stays open keeps
/// nobody from stopping.
pub(super) fn looks(desk: &Desk) -> impl Stream<Item = ()> + Send + use<> {
    let clock = Arc::clone(&desk.receptionist.clock);
    let changes = desk.receptionist.store.changes();
    let looks = stream::unfold((changes, false), move |(mut changes, waits)| {
        let clock = Arc::clone(&clock);
        async move {
            if waits {
                tokio::select! {
                    changed = changes.changed() => changed.ok()?,
                    () = clock.sleep(LOOK_EVERY) => {}
                }
            }
            changes.mark_unchanged();
            Some(((), (changes, true)))
        }
    });
    looks.take_until(desk.stop.clone().cancelled_owned())
}

/// Tells a page to look, `changed` with nothing else, each time.
pub(super) fn told(looks: impl Stream<Item = ()> + Send + 'static) -> Response {
    let events = looks.map(|()| Event::default().event("changed").json_data(()));
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}
