//! What commands need that work on flows and conversations while nobody talks.

use innkeeper_engine::{Flows, Moment};

use super::sources::{Right, right};
use super::{StartFault, clock_of, connected, database, house, zone_of};
use crate::config::Config;
use crate::reply::Unused;
use crate::store::Database;
use crate::versions::Authored;

/// What is needed to work on live and recorded conversations while nobody talks: flows, tables, time.
pub struct Workbench {
    /// The configured flows.
    pub flows: Flows,
    /// Everything they are checked from.
    pub authored: Authored,
    /// The program's own tables.
    pub store: Database,
    /// Now, where the hotel is.
    pub moment: Moment,
}

/// Opens the tables and checks the flows.
///
/// # Errors
/// Every mistake in flows and prompts, or what cannot be opened.
pub async fn workbench(config: &Config) -> Result<Workbench, StartFault> {
    let tools = connected(config).await?;
    let zone = zone_of(&house(&tools).await?)?;
    let Right { authored, flows, .. } = right(config, &tools)?;
    let clock = clock_of(config, zone);
    let moment = Moment { at: clock.now(), today: clock.today(zone) };
    Ok(Workbench { flows, authored, store: database(config, clock).await?, moment })
}

/// The flows, checked against the configured hotel's tools and the prompts; and the prompts that nothing says.
///
/// # Errors
/// Every mistake in them and in the prompts, or what keeps them from being checked.
pub async fn checked(config: &Config) -> Result<(Flows, Vec<Unused>), StartFault> {
    let tools = connected(config).await?;
    let Right { replies, flows, .. } = right(config, &tools)?;
    let unused = replies.unused(flows.prompts());
    Ok((flows, unused))
}
