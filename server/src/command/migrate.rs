//! `innkeeper flows migrate`: live conversations go to the flows as they are now, or back.

use innkeeper_engine::Way;
use innkeeper_engine::runtime::Versions;
use serde_json::json;

use super::differing::told;
use super::print::{counted, out, outln};
use super::{CommandFault, Ending, pretty, shown};
use crate::app::{self, StartFault, Workbench};
use crate::cli;
use crate::config::Config;
use crate::versions::{self, EndedLost, Moved, Plan};

/// Plans, moves, or puts back.
pub(super) async fn run(config: Config, options: cli::Migrate) -> Result<Ending, CommandFault> {
    let bench = match app::workbench(&config).await {
        Ok(bench) => bench,
        Err(StartFault::Wrong(wrong)) => return Ok(shown(wrong)),
        Err(fault) => return Err(fault.into()),
    };
    let ending = if options.back { back(&bench, options.json).await } else { forth(&bench, &options).await };
    bench.store.close().await?;
    ending
}

async fn forth(bench: &Workbench, options: &cli::Migrate) -> Result<Ending, CommandFault> {
    let Workbench { flows, authored, store, moment } = bench;
    let versions = Versions::new(flows.clone());
    let plan = versions::plan(store, &versions, &versions.current(), *moment).await?;
    if options.plan {
        if options.json {
            outln!("{}", pretty(&json!({ "plan": plan, "counts": counts(&plan) }))?);
        } else {
            show(&plan);
        }
        return Ok(if stuck(&plan) == 0 { Ending::Fine } else { Ending::NotFine });
    }
    // Any program on this database must be able to make the version before a conversation is on it.
    versions::keep(store, flows, authored).await.map_err(StartFault::from)?;
    store.use_versions([flows.version()]).await?;
    let (mut moved, mut went_on, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for planned in &plan.conversations {
        let list = match versions::move_planned(store, planned, *moment).await? {
            Moved::Moved => &mut moved,
            Moved::MovedOn => &mut went_on,
            Moved::Refused => &mut refused,
        };
        list.push(planned);
    }
    let mut ended = 0;
    if options.end_lost {
        let mut staying = Vec::new();
        for planned in refused {
            match versions::end_lost(store, planned).await? {
                EndedLost::Ended => ended += 1,
                EndedLost::WentOn => went_on.push(planned),
                EndedLost::NotLost => staying.push(planned),
            }
        }
        refused = staying;
    }
    if options.json {
        let ids = |list: &[&versions::Planned]| -> Vec<String> {
            list.iter().map(|planned| planned.conversation.clone()).collect()
        };
        let line = json!({
            "version": plan.version, "already": plan.already, "moved": ids(&moved), "went_on": ids(&went_on),
            "refused": refused, "ended": ended,
        });
        outln!("{}", pretty(&line)?);
    } else {
        for planned in &refused {
            outln!("stays    {} ({})", planned.conversation, name(planned.way));
            planned.notes.iter().for_each(|note| outln!("         {note}"));
        }
        for planned in &went_on {
            outln!("stays    {}: it went on meanwhile; run this again", planned.conversation);
        }
        if ended > 0 {
            let ended = counted(
                ended,
                "conversation whose flows are lost is",
                "conversations whose flows are lost are",
            );
            outln!("{ended} ended.");
        }
        outln!(
            "{} moved to version {}, {} on it, {}.",
            counted(moved.len() as u64, "conversation is", "conversations are"),
            plan.version,
            counted(plan.already as u64, "was", "were"),
            staying(refused.len() + went_on.len())
        );
    }
    Ok(if refused.is_empty() && went_on.is_empty() { Ending::Fine } else { Ending::NotFine })
}

async fn back(bench: &Workbench, as_json: bool) -> Result<Ending, CommandFault> {
    let Workbench { flows, store, moment, .. } = bench;
    let versions = Versions::new(flows.clone());
    let all = versions::back(store, &versions, *moment).await?;
    let staying_on = all.iter().filter(|backed| backed.not.is_some()).count();
    if as_json {
        outln!("{}", pretty(&all)?);
    } else {
        for backed in &all {
            match &backed.not {
                Some(why) => outln!("stays    {}: {why}", backed.conversation),
                None => outln!(
                    "back     {} on version {} in {}",
                    backed.conversation,
                    backed.version,
                    backed.state.as_deref().unwrap_or_default()
                ),
            }
        }
        let back = counted((all.len() - staying_on) as u64, "conversation is", "conversations are");
        outln!("{back} put back, {}.", staying(staying_on));
    }
    Ok(if staying_on == 0 { Ending::Fine } else { Ending::NotFine })
}

fn show(plan: &Plan) {
    for planned in &plan.conversations {
        let state = planned.state.as_deref().unwrap_or("?");
        outln!(
            "{:<11}  {} from version {}: {state}",
            name(planned.way),
            planned.conversation,
            planned.version
        );
        planned.notes.iter().for_each(|note| outln!("             {note}"));
        for difference in &planned.differences {
            out!("{}", told(difference, "             "));
        }
    }
    outln!(
        "To version {}: {} the same, {} mapped, {} need a rule, {} impossible; {} are on it already.",
        plan.version,
        plan.count(Way::Same),
        plan.count(Way::Mapped),
        plan.count(Way::NeedsRule),
        plan.count(Way::Impossible),
        plan.already
    );
}

fn counts(plan: &Plan) -> serde_json::Value {
    json!({
        "already": plan.already, "same": plan.count(Way::Same), "mapped": plan.count(Way::Mapped),
        "needs_rule": plan.count(Way::NeedsRule), "impossible": plan.count(Way::Impossible),
    })
}

fn stuck(plan: &Plan) -> usize {
    plan.count(Way::NeedsRule) + plan.count(Way::Impossible)
}

fn name(way: Way) -> &'static str {
    match way {
        Way::Same => "same",
        Way::Mapped => "mapped",
        Way::NeedsRule => "needs rule",
        Way::Impossible => "impossible",
    }
}

/// How many conversations were left alone.
fn staying(many: usize) -> String {
    counted(many as u64, "stays where it is", "stay where they are")
}
