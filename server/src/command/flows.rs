//! `innkeeper flows`: every mistake explained before it runs.

use super::{CommandFault, Ending};
use crate::app::{self, StartFault};
use crate::cli;
use crate::config::Config;

/// Checks all flows and prompts.
pub(super) async fn run(config: Config, options: cli::Flows) -> Result<Ending, CommandFault> {
    match options {
        cli::Flows::Check => match app::checked(&config).await {
            Ok(flows) => {
                let names: Vec<&str> = flows.iter().map(|flow| &*flow.name).collect();
                println!(
                    "{} flows are fine: {} (version {}).",
                    names.len(),
                    names.join(", "),
                    flows.version()
                );
                Ok(Ending::Fine)
            }
            Err(StartFault::Flows(mistakes)) => {
                eprintln!("{:?}", miette::Report::new(mistakes.into_shown()));
                Ok(Ending::NotFine)
            }
            Err(StartFault::Replies(faults)) => {
                eprintln!("{faults}");
                Ok(Ending::NotFine)
            }
            Err(fault) => Err(fault.into()),
        },
    }
}
