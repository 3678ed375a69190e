//! Answers of reading tools that may be used again for a while (`cache:` on a call).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;

use crate::effect::Call;

/// The most answers that are kept; the oldest go first.
const MOST: usize = 4096;

/// Answers by tool and arguments, for all conversations.
#[derive(Debug, Default)]
pub struct Cache {
    kept: Mutex<HashMap<String, Kept>>,
}

#[derive(Debug)]
struct Kept {
    until: DateTime<Utc>,
    result: Arc<Json>,
}

impl Cache {
    /// The answer to the same call, if it may still be used.
    pub(super) fn get(&self, call: &Call, now: DateTime<Utc>) -> Option<Arc<Json>> {
        call.cache_ms.filter(|_| !call.writes)?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key(call)).filter(|kept| now < kept.until).map(|kept| Arc::clone(&kept.result))
    }

    /// Keeps an answer for as long as the call allows.
    pub(super) fn put(&self, call: &Call, result: &Arc<Json>, now: DateTime<Utc>) {
        let Some(ms) = call.cache_ms.filter(|_| !call.writes) else { return };
        let until = TimeDelta::try_milliseconds(ms).and_then(|delta| now.checked_add_signed(delta));
        let Some(until) = until else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, kept| now < kept.until);
        }
        if kept.len() >= MOST
            && let Some(oldest) = kept.iter().min_by_key(|(_, kept)| kept.until).map(|(key, _)| key.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(key(call), Kept { until, result: Arc::clone(result) });
    }
}

/// The same for the same arguments, in whatever order they were written.
fn key(call: &Call) -> String {
    let mut arguments: Vec<(&str, &Json)> =
        call.arguments.iter().map(|(name, value)| (&**name, value)).collect();
    arguments.sort_unstable_by_key(|(name, _)| *name);
    let mut key = call.tool.to_string();
    for (name, value) in arguments {
        key.push('\n');
        key.push_str(name);
        key.push('=');
        key.push_str(&value.to_string());
    }
    key
}
