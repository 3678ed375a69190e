//! Calls with patience: cached answers, time-outs, repetitions.

use std::time::Duration;

use futures::future::{Either, select};

use super::{Cache, Performer};
use crate::effect::Call;
use crate::input::Outcome;

/// Makes a call as often and as patiently as it asks for. Only a call that brought no answer is repeated, and one that
/// writes only where its tool does nothing twice under the same key.
pub(super) async fn make<P: Performer>(cache: &Cache, performer: &P, call: &Call, key: &str) -> Outcome {
    if let Some(result) = cache.get(call, performer.now().at) {
        return Outcome::Ok { result };
    }
    let repeatable = !call.writes || performer.honours_keys(&call.tool);
    let mut pause = Duration::from_millis(call.retry.backoff_ms);
    let mut left = if repeatable { call.retry.times } else { 0 };
    loop {
        let outcome = once(performer, call, key).await;
        match &outcome {
            Outcome::Ok { result } => {
                cache.put(call, result, performer.now().at);
                return outcome;
            }
            Outcome::Error { .. } => return outcome,
            Outcome::Unknown { .. } if left == 0 => return outcome,
            Outcome::Unknown { .. } => {
                left -= 1;
                performer.sleep(pause).await;
                pause = pause.saturating_mul(2);
            }
        }
    }
}

async fn once<P: Performer>(performer: &P, call: &Call, key: &str) -> Outcome {
    let Some(patience) = call.retry.timeout_ms else {
        return performer.call(call, key).await;
    };
    let answer = std::pin::pin!(performer.call(call, key));
    let end = std::pin::pin!(performer.sleep(Duration::from_millis(patience)));
    match select(answer, end).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => Outcome::Unknown { message: format!("no answer within {patience} ms") },
    }
}
