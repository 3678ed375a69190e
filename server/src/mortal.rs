//! Places at which a test lets the program die.
//!
//! Only programs that were built for tests know them: in a release there is nothing here. The environment names one
//! place and how often it is passed before, `INNKEEPER_DIES_AT=turn.committed:3`.

/// Passes a place; dies there as a power cut would if that was asked for.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "what dies in a test is no setting of the program")]
pub(crate) fn passes(place: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static END: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();
    let end = END.get_or_init(|| {
        let asked = std::env::var("INNKEEPER_DIES_AT").ok()?;
        let (place, count) = asked.split_once(':')?;
        Some((place.to_owned(), AtomicU32::new(count.parse().ok()?)))
    });
    if let Some((at, left)) = end
        && at == place
        && left.fetch_sub(1, Ordering::Relaxed) == 0
    {
        std::process::abort();
    }
}

/// Passes a place.
#[cfg(not(debug_assertions))]
pub(crate) fn passes(_place: &str) {}
