//! `innkeeper mcp`: the hotel as an MCP server on standard input and output.

use std::sync::Arc;

use innkeeper_hms::mcp::HotelMcp;
use rmcp::ServiceExt as _;

use super::{CommandFault, Ending};
use crate::app;
use crate::config::Config;
use crate::fault::chain;

/// Serves until the client closes standard input.
pub(super) async fn run(config: Config) -> Result<Ending, CommandFault> {
    let hotel = app::hotel(&config).await?;
    let server = HotelMcp::new(Arc::new(hotel));
    let other = |error: &(dyn std::error::Error + 'static)| CommandFault::Other(chain(error));
    let service = server.serve(rmcp::transport::stdio()).await.map_err(|error| other(&error))?;
    service.waiting().await.map_err(|error| other(&error))?;
    Ok(Ending::Fine)
}
