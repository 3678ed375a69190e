//! The mark that somebody writes, kept up while a guest waits.

use std::sync::Arc;
use std::time::Duration;

use super::Channel;
use crate::clock::Clock;

/// How long after one mark the next is set: before the first is gone.
const REFRESH: Duration = Duration::from_secs(20);

/// So many marks at most: who has waited longer than that waits for more than a reply.
const MOST: usize = 6;

/// Marks a guest's message as read and shows that somebody writes until `answered`. A provider that does not take a
/// mark is not asked again for this message.
pub async fn keep_typing(
    channel: Arc<dyn Channel>,
    clock: Arc<dyn Clock>,
    provider_id: String,
    answered: impl Future<Output = ()> + Send,
) {
    let marks = async {
        for _ in 0..MOST {
            if let Err(fault) = channel.typing(&provider_id).await {
                tracing::debug!(%fault, "a guest does not see that somebody writes");
                return;
            }
            clock.sleep(REFRESH).await;
        }
    };
    let (marks, answered) = (std::pin::pin!(marks), std::pin::pin!(answered));
    futures::future::select(marks, answered).await;
}
