//! `innkeeper mcp`: the hotel as an MCP server on standard input and output.

use std::sync::Arc;

use innkeeper_hms::mcp::HotelMcp;
use rmcp::ServiceExt as _;

use super::{CommandFault, Ending, other};
use crate::app;
use crate::config::Config;

/// Serves until the client closes standard input.
pub(super) async fn run(config: Config) -> Result<Ending, CommandFault> {
    let hotel = app::hotel(&config).await?;
    let server = HotelMcp::new(Arc::new(hotel));
    let service = server.serve(rmcp::transport::stdio()).await.map_err(other)?;
    service.waiting().await.map_err(other)?;
    Ok(Ending::Fine)
}
