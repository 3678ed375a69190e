//! Whether the states and flows that are named exist, and fit into the chart where they stand.

use super::cases::REQUESTED;
use super::draft::{Draft, DraftCase, DraftDoes, DraftGo, DraftRun};
use super::near::{meant, nearest};
use super::report::Report;
use super::world::World;
use crate::flow::ROOT;
use crate::flow::error::Rule;
use crate::flow::raw::At;

/// Checks one flow.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, flow: &Draft) {
    let mut targets = Targets { report, world, flow };
    if let Some(initial) = &flow.initial {
        own_state(targets.report, flow, initial);
    }
    for (_, case) in flow.cases() {
        targets.case(case);
    }
    for (index, (name, state)) in flow.states.iter().enumerate() {
        match &state.does {
            DraftDoes::Compound { initial, done } => targets.compound(index, name, initial.as_ref(), done),
            DraftDoes::Parallel { done } => targets.parallel(index, name, done),
            DraftDoes::History { default, .. } => targets.history(index, name, default),
            DraftDoes::Run(run) => {
                targets.flow(&run.flow);
                targets.output(run, state.saves.as_ref());
            }
            DraftDoes::Final { output, .. } => {
                if let (Some(output), Some(parent)) = (output, state.parent) {
                    let parent = flow.state_name(parent);
                    let message =
                        format!("`{name}` ends `{parent}`, and only what ends the flow has an `output`");
                    targets.report.add(output.at, Rule::Conflict, message, None);
                }
            }
            DraftDoes::Collect { .. }
            | DraftDoes::Invoke(_)
            | DraftDoes::Confirm { .. }
            | DraftDoes::Ask { .. }
            | DraftDoes::Rest { .. }
            | DraftDoes::Held
            | DraftDoes::Unread => {}
        }
    }
}

/// Reports a name that no state of the flow has.
pub(super) fn own_state(report: &mut Report<'_>, flow: &Draft, name: &At<String>) {
    if !flow.states.contains_key(&name.value) && !flow.strange {
        let message = format!("`{}` has no state `{}`", flow.name.value, name.value);
        let states = flow.states.keys().map(String::as_str);
        report.unknown(name, Rule::UnknownState, message, "its states", states);
    }
}

struct Targets<'n, 's, 'w> {
    report: &'n mut Report<'s>,
    world: &'n World<'w>,
    flow: &'n Draft,
}

impl Targets<'_, '_, '_> {
    fn case(&mut self, case: &DraftCase) {
        match &case.go {
            DraftGo::Target(targets) => {
                for target in targets {
                    self.target(target);
                }
                self.together(targets);
            }
            DraftGo::Run(flow) if flow.value != REQUESTED => self.digression(flow),
            DraftGo::Run(_)
            | DraftGo::Stay
            | DraftGo::Queue
            | DraftGo::Undo
            | DraftGo::NextPage
            | DraftGo::PreviousPage
            | DraftGo::Unread => {}
        }
    }

    fn target(&mut self, target: &At<String>) {
        let own = self.flow.states.keys().map(String::as_str);
        let root = self.world.root();
        let of_root = root.into_iter().flat_map(|root| root.states.keys().map(String::as_str));
        if own.clone().chain(of_root.clone()).any(|state| state == target.value) {
            return;
        }
        let everything_read = !self.flow.strange && root.is_some_and(|root| !root.strange);
        if !everything_read && nearest(&target.value, own.clone()).is_none() {
            return;
        }
        let message = format!("there is no state `{}`", target.value);
        let help = nearest(&target.value, own.clone().chain(of_root))
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(|| meant(&target.value, "states here", own));
        self.report.add(target.at, Rule::UnknownState, message, help);
    }

    /// Several targets are states of this flow, in different regions of one parallel state.
    fn together(&mut self, targets: &[At<String>]) {
        let [_, _, ..] = targets else { return };
        let mut known = Vec::new();
        for target in targets {
            match self.flow.states.get_index_of(&target.value) {
                Some(index) => known.push((index, target)),
                None if self.world.root().is_some_and(|root| root.states.contains_key(&target.value)) => {
                    let message = format!("`{}` is a state of the root chart, and goes alone", target.value);
                    self.report.add(target.at, Rule::Conflict, message, None);
                    return;
                }
                None => return,
            }
        }
        for (number, (index, target)) in known.iter().enumerate() {
            let apart = known.iter().take(number).find(|(other, _)| !self.is_beside(*index, *other));
            if let Some((_, other)) = apart {
                let message = format!("`{}` and `{}` are not active at once", other.value, target.value);
                let help = "several targets are in different regions of one state with `parallel: true`";
                self.report.add(target.at, Rule::Conflict, message, Some(help.to_owned()));
                return;
            }
        }
    }

    /// Whether two states are in different regions of one parallel state.
    fn is_beside(&self, one: usize, other: usize) -> bool {
        let above: Vec<usize> = self.flow.ancestors(other).collect();
        if one == other || above.contains(&one) {
            return false;
        }
        let common = self.flow.ancestors(one).find(|state| above.contains(state) || *state == other);
        common.is_some_and(|common| {
            common != other && matches!(self.flow.does(common), Some(DraftDoes::Parallel { .. }))
        })
    }

    /// What a transition runs and comes back from: a flow, or a state of the root chart.
    fn digression(&mut self, flow: &At<String>) {
        let root = self.world.root();
        let of_root = root.is_some_and(|root| root.states.contains_key(&flow.value));
        if !self.world.drafts.contains_key(&flow.value) && of_root {
            return;
        }
        self.flow(flow);
    }

    fn flow(&mut self, flow: &At<String>) {
        if flow.value == ROOT {
            let help = Some("to go back to it, name one of its states: `target: …`".to_owned());
            self.report.add(flow.at, Rule::Conflict, "the root chart is always running", help);
        } else if let Some(off) = self.world.off.get(&flow.value) {
            let help = format!("it is switched off at {}", self.report.whereabouts(*off));
            let message = format!("the flow `{}` is switched off", flow.value);
            self.report.add(flow.at, Rule::UnknownFlow, message, Some(help));
        } else if !self.world.drafts.contains_key(&flow.value) && self.world.whole {
            let flows = self.world.drafts.keys().map(String::as_str).filter(|name| *name != ROOT);
            let message = format!("there is no flow `{}`", flow.value);
            self.report.unknown(flow, Rule::UnknownFlow, message, "flows", flows);
        }
    }

    /// A result that is saved must be returned by something.
    fn output(&mut self, run: &DraftRun, saves: Option<&At<String>>) {
        let (Some(saves), Some(other)) = (saves, self.world.drafts.get(&run.flow.value)) else { return };
        let returns = other
            .states
            .values()
            .any(|state| matches!(state.does, DraftDoes::Final { output: Some(_), .. } | DraftDoes::Unread));
        if !returns && !other.strange && run.flow.value != ROOT {
            let message = format!("`{}` returns nothing that could be saved", run.flow.value);
            let help = Some(format!("give a final state of `{}` an `output`", run.flow.value));
            self.report.add(saves.at, Rule::Missing, message, help);
        }
    }

    fn compound(&mut self, index: usize, name: &str, initial: Option<&At<String>>, done: &[DraftCase]) {
        if let Some(initial) = initial {
            match self.flow.states.get_index_of(&initial.value) {
                Some(state) if self.flow.ancestors(state).any(|above| above == index) => {}
                Some(_) => {
                    let message = format!("`{}` is not in the state `{name}`", initial.value);
                    let names: Vec<&str> =
                        self.flow.children(Some(index)).map(|child| self.flow.state_name(child)).collect();
                    self.report.unknown(initial, Rule::UnknownState, message, "its states", names);
                }
                None => {
                    if !self.flow.strange {
                        let message = format!("there is no state `{}`", initial.value);
                        let states = self.flow.states.keys().map(String::as_str);
                        self.report.unknown(initial, Rule::UnknownState, message, "states", states);
                    }
                }
            }
        } else if self.flow.first_of(Some(index)).is_none()
            && self.flow.children(Some(index)).next().is_some()
        {
            let at = self.flow.states.get_index(index).map_or(self.flow.name.at, |(_, state)| state.at);
            self.report.add(at, Rule::Missing, format!("`{name}` has only history states"), None);
        }
        let last = self.flow.children(Some(index)).find(|child| self.is_final(*child));
        let parent = self.flow.states.get_index(index).and_then(|(_, state)| state.parent);
        let region = parent.and_then(|parent| self.flow.does(parent));
        match (last.and_then(|last| self.flow.states.get_index(last)), done.first()) {
            (Some((last, state)), None) if !matches!(region, Some(DraftDoes::Parallel { .. })) => {
                let message = format!("`{last}` ends `{name}`, which has no `done`, so nothing follows");
                self.report.add(state.at, Rule::Missing, message, Some(format!("give `{name}` a `done`")));
            }
            (None, Some(done)) if !self.is_unsure(index) => {
                let message = format!("this `done` is never taken: no state of `{name}` is final");
                let help = Some("end it in a state of it with `final: …`".to_owned());
                self.report.add(done.at, Rule::Unreachable, message, help);
            }
            _ => {}
        }
    }

    fn parallel(&mut self, index: usize, name: &str, done: &[DraftCase]) {
        let Some((_, state)) = self.flow.states.get_index(index) else { return };
        let is_history = |child: &usize| matches!(self.flow.does(*child), Some(DraftDoes::History { .. }));
        let regions: Vec<usize> =
            self.flow.children(Some(index)).filter(|child| !is_history(child)).collect();
        if regions.len() == 1 {
            let help = Some("a second one, or no `parallel`".to_owned());
            self.report.add(state.at, Rule::Missing, format!("`{name}` has only one region"), help);
        }
        for region in &regions {
            if let (true, Some((region, state))) =
                (self.is_final(*region), self.flow.states.get_index(*region))
            {
                let help = Some("put it into a region: a state with states".to_owned());
                let message = format!("`{region}` ends `{name}` before its other regions began");
                self.report.add(state.at, Rule::Conflict, message, help);
                return;
            }
        }
        let endless = regions.iter().find(|region| !self.can_end(**region));
        match (endless.and_then(|region| self.flow.states.get_index(*region)), done.first()) {
            (Some((region, _)), Some(done)) => {
                let message =
                    format!("this `done` is never taken: the region `{region}` of `{name}` never ends");
                let help = Some(format!("end `{region}` in a state of it with `final: …`"));
                self.report.add(done.at, Rule::Unreachable, message, help);
            }
            (None, None) if regions.len() > 1 && !regions.iter().any(|region| self.is_unsure(*region)) => {
                let message =
                    format!("all regions of `{name}` end, and it has no `done`, so nothing follows");
                self.report.add(state.at, Rule::Missing, message, Some("`done: <a state>`".to_owned()));
            }
            _ => {}
        }
    }

    fn is_final(&self, state: usize) -> bool {
        matches!(self.flow.does(state), Some(DraftDoes::Final { .. }))
    }

    /// Whether a state or one directly in it could not be read.
    fn is_unsure(&self, state: usize) -> bool {
        self.flow.strange
            || std::iter::once(state)
                .chain(self.flow.children(Some(state)))
                .any(|state| matches!(self.flow.does(state), Some(DraftDoes::Unread)))
    }

    /// Whether a region can be in a final state.
    fn can_end(&self, region: usize) -> bool {
        match self.flow.does(region) {
            Some(DraftDoes::Parallel { .. }) => {
                self.flow.children(Some(region)).all(|region| self.can_end(region))
            }
            _ => self.is_unsure(region) || self.flow.children(Some(region)).any(|child| self.is_final(child)),
        }
    }

    fn history(&mut self, index: usize, name: &str, default: &[At<String>]) {
        let Some((_, state)) = self.flow.states.get_index(index) else { return };
        let Some(parent) = state.parent else {
            let message = format!("`{name}` remembers what nothing is in");
            let help = "a history is about the state it stands in: put it into one with `states`".to_owned();
            return self.report.add(state.at, Rule::Conflict, message, Some(help));
        };
        for target in default {
            own_state(self.report, self.flow, target);
            let Some(target_index) = self.flow.states.get_index_of(&target.value) else { continue };
            let parent_name = self.flow.state_name(parent);
            if target_index == index || !self.flow.ancestors(target_index).any(|above| above == parent) {
                let message =
                    format!("`{}` is not in `{parent_name}`, which `{name}` is about", target.value);
                self.report.add(target.at, Rule::Conflict, message, None);
            } else if matches!(self.flow.does(target_index), Some(DraftDoes::History { .. })) {
                let message = format!("`{}` is a history too", target.value);
                self.report.add(target.at, Rule::Conflict, message, Some("name a state".to_owned()));
            }
        }
        self.together(default);
    }
}
