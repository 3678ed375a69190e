//! The hotel's tools over streamable HTTP, for both eras of the protocol.

use std::sync::Arc;

use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use super::HotelMcp;

/// A tower service to mount where the MCP endpoint should be.
pub type HotelHttp = StreamableHttpService<HotelMcp, LocalSessionManager>;

const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const LOOPBACK_ORIGINS: [&str; 6] = [
    "http://localhost:*",
    "http://127.0.0.1:*",
    "http://[::1]:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "https://[::1]:*",
];
const LARGEST_BODY_BYTES: usize = 256 * 1024;

/// From where the endpoint may be reached, and when it ends.
#[derive(Clone, Debug)]
pub struct HttpAccess {
    hosts: Vec<String>,
    origins: Vec<String>,
    stop: CancellationToken,
}

impl HttpAccess {
    /// This machine only, until `stop` is cancelled.
    pub fn loopback(stop: CancellationToken) -> Self {
        Self {
            hosts: LOOPBACK_HOSTS.map(str::to_owned).into(),
            origins: LOOPBACK_ORIGINS.map(str::to_owned).into(),
            stop,
        }
    }

    /// Also under this host name, with or without a port.
    #[must_use]
    pub fn and_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Under whatever name: for an endpoint behind a door that checks the name itself.
    #[must_use]
    pub fn under_any_host(mut self) -> Self {
        self.hosts.clear();
        self
    }

    /// Also from browser pages of this origin: scheme, host and port, `*` for any port.
    #[must_use]
    pub fn and_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }
}

/// The tools over HTTP. A request with an unknown `Host` or a foreign `Origin` is refused with 403;
/// no session is kept for either era, because no tool ever calls back.
pub fn http_service(hotel: HotelMcp, access: HttpAccess) -> HotelHttp {
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(access.hosts)
        .with_allowed_origins(access.origins)
        .enforce_origin_validation()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(LARGEST_BODY_BYTES)
        .with_cancellation_token(access.stop);
    StreamableHttpService::new(move || Ok(hotel.clone()), Arc::new(LocalSessionManager::default()), config)
}
