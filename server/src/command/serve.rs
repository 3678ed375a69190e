//! `innkeeper serve`: everything.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{CommandFault, Ending};
use crate::app::App;
use crate::clock::SystemClock;
use crate::config::Config;

/// Serves until it is told to stop.
pub(super) async fn run(config: Config) -> Result<Ending, CommandFault> {
    let app = App::open(&config).await?;
    let stop = CancellationToken::new();
    let listener = TcpListener::bind(config.server.bind).await.map_err(|error| {
        CommandFault::Other(format!(
            "[server] bind {}: {error}; is innkeeper running already? Another port: INNKEEPER__SERVER__BIND=127.0.0.1:8081",
            config.server.bind
        ))
    })?;
    let address = listener.local_addr()?;
    let routes = app.routes(&config, &stop).await?;
    app.reload(&config, Arc::new(SystemClock), &stop);
    // Whoever closed its output wants it to serve all the same.
    writeln!(
        std::io::stdout(),
        "Innkeeper is listening. Open http://{address}/ to talk to the receptionist."
    )
    .ok();
    let stopped = stop.clone();
    // Twenty milliseconds of a call's sound do not wait for the answer to those before.
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "what is said on a connection may wait for answers");
        }
    });
    let served = axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    tokio::spawn(async move {
        told_to_stop().await;
        stop.cancel();
    });
    served.await?;
    app.close().await;
    Ok(Ending::Fine)
}

/// Ctrl-C, or what a service manager sends.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "Ctrl-C is not heard");
        std::future::pending::<()>().await;
    }
}
