//! A performer that needs nothing but functions.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::oneshot;

use super::{Ask, Functions, Performer};
use crate::effect::{Call, Question, Say};
use crate::input::{Moment, Outcome, Understanding};
use crate::position::Guest;

/// Performs in this process: tools are [`Functions`], understanding is a function, and what goes out is what is to be
/// said, for the caller to put into words.
pub struct InProcess<U, N> {
    functions: Functions,
    understand: U,
    now: N,
    guest: Guest,
}

impl<U, N> InProcess<U, N>
where
    U: Fn(&Question) -> Understanding + Send + Sync,
    N: Fn() -> Moment + Send + Sync,
{
    /// Calls these functions, understands by `understand`, and takes the time from `now`.
    pub fn new(functions: Functions, understand: U, now: N) -> Self {
        Self { functions, understand, now, guest: Guest::default() }
    }

    /// The guest that every conversation is with; without it nothing is known about them.
    #[must_use]
    pub fn with_guest(mut self, guest: Guest) -> Self {
        self.guest = guest;
        self
    }
}

impl<U, N> fmt::Debug for InProcess<U, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InProcess").field("functions", &self.functions).finish_non_exhaustive()
    }
}

impl<U, N> Performer for InProcess<U, N>
where
    U: Fn(&Question) -> Understanding + Send + Sync,
    N: Fn() -> Moment + Send + Sync,
{
    type Outgoing = Say;
    type Fault = Infallible;

    fn now(&self) -> Moment {
        (self.now)()
    }

    /// Waits on a thread of its own, so that it needs no runtime.
    async fn sleep(&self, duration: Duration) {
        let (over, waited) = oneshot::channel();
        let waiting = std::thread::Builder::new().spawn(move || {
            std::thread::sleep(duration);
            // Nobody may be waiting any more.
            let _ = over.send(());
        });
        if waiting.is_ok() {
            let _ = waited.await;
        }
    }

    async fn guest(&self, known: Option<&Guest>) -> Option<Guest> {
        (known != Some(&self.guest)).then(|| self.guest.clone())
    }

    async fn understand(&self, ask: Ask<'_>) -> Arc<Understanding> {
        Arc::new(ask.question().map(|question| (self.understand)(&question)).unwrap_or_default())
    }

    async fn call(&self, call: &Call, key: &str) -> Outcome {
        self.functions.call(call, key).await
    }

    async fn render(&self, says: &[Say]) -> Result<Vec<Say>, Infallible> {
        Ok(says.to_vec())
    }
}
