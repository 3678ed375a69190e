//! How a provider is lost, from a moment on.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How much later everything comes from a provider that is slow.
pub(crate) const LATER: Duration = Duration::from_secs(3);

/// How a provider is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Loss {
    /// It is there.
    #[default]
    None,
    /// Connections break, and nobody accepts another.
    Refused,
    /// Connections break; others are as they should be.
    Cut,
    /// Connections stay and are made, and nothing is ever said on them.
    Hangs,
    /// Connections end with the provider's error, and others are answered by one.
    Error,
    /// What is said cannot be read.
    Garbage,
    /// Everything comes [`LATER`].
    Slow,
}

/// Whether a provider is there. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Presence(watch::Sender<Loss>);

impl Default for Presence {
    fn default() -> Self {
        Self(watch::Sender::new(Loss::None))
    }
}

impl Presence {
    /// It is lost now.
    pub(crate) fn lose(&self, loss: Loss) {
        self.0.send_replace(loss);
    }

    /// How it is now.
    pub(crate) fn now(&self) -> Loss {
        *self.0.borrow()
    }

    /// Tells what changes from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<Loss> {
        self.0.subscribe()
    }

    /// How much later everything comes.
    pub(crate) fn later(&self) -> Duration {
        if self.now() == Loss::Slow { LATER } else { Duration::ZERO }
    }

    /// Serves until nobody is there who accepts connections.
    pub(crate) async fn serve(self, listener: TcpListener, routes: Router) {
        let mut loss = self.watch();
        tokio::select! {
            _ = async { axum::serve(listener, routes).await } => {}
            _ = loss.wait_for(|loss| *loss == Loss::Refused) => {}
        }
    }
}
