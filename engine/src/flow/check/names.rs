//! Whether everything that is named exists: states, flows, slots, results, facts and their fields.

use super::arguments;
use super::cases::EVENTS;
use super::draft::{Draft, DraftCase, DraftDoes, DraftGo, DraftHandlers, DraftSlot};
use super::formula::Formula;
use super::near::nearest;
use super::report::Report;
use super::world::{ERROR, FACTS, PROMPT_VARIABLES, World};
use crate::flow::error::Rule;
use crate::flow::raw::{At, Spot};
use crate::flow::{Event, ROOT};

/// Checks the names in one flow.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, flow: &Draft) {
    let mut names = Names { report, world, flow };
    names.own_names();
    names.slots();
    names.handlers(&flow.on);
    for state in flow.states.values() {
        names.handlers(&state.on);
        match &state.does {
            DraftDoes::Collect { slots, then } => {
                for slot in slots {
                    names.slot(slot);
                }
                names.cases(then, false);
            }
            DraftDoes::Invoke(invoke) => {
                for (_, formula) in &invoke.with {
                    names.formula(formula, false);
                }
                arguments::check(names.report, world, flow, invoke);
                names.cases(&invoke.done, false);
                names.cases(&invoke.error, true);
            }
            DraftDoes::Confirm { paths, yes, no } => {
                for path in paths {
                    names.path(path, false);
                }
                names.cases(yes, false);
                names.cases(no, false);
            }
            DraftDoes::Ask { then, .. } | DraftDoes::Always(then) => names.cases(then, false),
            DraftDoes::Wait | DraftDoes::Final(_) | DraftDoes::Unread => {}
        }
    }
}

struct Names<'n, 's, 'w> {
    report: &'n mut Report<'s>,
    world: &'n World<'w>,
    flow: &'n Draft,
}

impl Names<'_, '_, '_> {
    /// Slots and results share one space of names with the facts.
    fn own_names(&mut self) {
        for (name, slot) in &self.flow.slots {
            self.reserved(&At::new(name.clone(), slot.at));
        }
        for result in self.flow.results() {
            self.reserved(result);
            if let Some(slot) = self.flow.slots.get(&result.value) {
                let message = format!("`{}` is already the name of a slot", result.value);
                let help = format!("the slot is at {}", self.report.whereabouts(slot.at));
                self.report.add(result.at, Rule::Duplicate, message, Some(help));
            }
        }
        if let Some(initial) = &self.flow.initial
            && !self.flow.states.contains_key(&initial.value)
            && !self.flow.strange
        {
            let message = format!("`{}` has no state `{}`", self.flow.name.value, initial.value);
            let states = self.flow.states.keys().map(String::as_str);
            self.report.unknown(initial, Rule::UnknownState, message, "its states", states);
        }
    }

    fn reserved(&mut self, name: &At<String>) {
        let taken = name.value == ERROR
            || FACTS.contains(&name.value.as_str())
            || PROMPT_VARIABLES.contains(&name.value.as_str())
            || self.world.prompts.given.contains(&name.value);
        if taken {
            let message = format!("`{}` already means something in every flow", name.value);
            self.report.add(name.at, Rule::BadName, message, Some("choose another name".to_owned()));
        }
    }

    fn slots(&mut self) {
        for (name, slot) in &self.flow.slots {
            if let Some(default) = &slot.default {
                self.formula(default, false);
            }
            self.list(name, slot);
        }
    }

    /// A choice's list must be a list of objects with the fields that are named.
    fn list(&mut self, name: &str, slot: &DraftSlot) {
        let Some(list) = &slot.list else { return };
        for set in &list.sets {
            self.slot(set);
        }
        let Some(result) = list.from.value.first() else { return };
        if !self.flow.has_result(result) {
            if !self.flow.strange {
                let at = Spot { end: list.from.at.start + result.len(), ..list.from.at };
                let message = format!("no state saves a result as `{result}`");
                let results = self.flow.results().map(|result| result.value.as_str());
                let name = At::new(result.clone(), at);
                self.report.unknown(&name, Rule::UnknownName, message, "results", results);
            }
            return;
        }
        let before = self.path(&list.from, false);
        let (Some(kind), true) = (&slot.kind, before) else { return };
        let Some(items) = self.world.items(self.flow, kind) else {
            let path = list.from.value.join(".");
            let message = format!("`{path}` is not a list");
            let help = Some(format!("the choice `{name}` needs a list of objects"));
            self.report.add(list.from.at, Rule::BadList, message, help);
            return;
        };
        let types = items.types();
        if !types.is_empty() && !types.contains("object") {
            let message = format!("the items of `{}` are no objects", list.from.value.join("."));
            self.report.add(list.from.at, Rule::BadList, message, None);
            return;
        }
        for field in list.fields.iter().chain(&list.sets) {
            let known_set = self.flow.slots.contains_key(&field.value);
            if let super::schema::Field::Missing(known) = items.field(&field.value)
                && (known_set || !list.sets.iter().any(|set| set.at == field.at))
            {
                let message =
                    format!("the items of `{}` have no field `{}`", list.from.value.join("."), field.value);
                self.report.unknown(field, Rule::BadList, message, "their fields", known);
            }
        }
    }

    fn handlers(&mut self, handlers: &DraftHandlers) {
        for (event, cases) in handlers {
            self.cases(cases, event.value == Event::ToolFailed);
        }
    }

    fn cases(&mut self, cases: &[DraftCase], error: bool) {
        for case in cases {
            if let Some(guard) = &case.guard {
                self.formula(guard, error);
            }
            for slot in &case.clear {
                self.slot(slot);
            }
            match &case.go {
                DraftGo::Target(target) => self.target(target),
                DraftGo::Run(flow) if flow.value != "requested" => self.run(flow),
                DraftGo::Run(_) | DraftGo::Stay | DraftGo::NextPage | DraftGo::Unread => {}
            }
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
            .or_else(|| super::near::meant(&target.value, "states here", own));
        self.report.add(target.at, Rule::UnknownState, message, help);
    }

    fn run(&mut self, flow: &At<String>) {
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

    fn slot(&mut self, slot: &At<String>) {
        if self.flow.slots.contains_key(&slot.value) || self.flow.slots_unread {
            return;
        }
        let slots = self.flow.slots.keys().map(String::as_str);
        let message = format!("`{}` has no slot `{}`", self.flow.name.value, slot.value);
        self.report.unknown(slot, Rule::UnknownSlot, message, "its slots", slots);
    }

    fn formula(&mut self, formula: &Formula, error: bool) {
        for path in formula.paths(self.report) {
            self.path(&path, error);
        }
    }

    /// Whether the path's beginning and its fields exist.
    fn path(&mut self, path: &At<Vec<String>>, error: bool) -> bool {
        let Some(name) = path.value.first() else { return true };
        let known = self.flow.slots.contains_key(name)
            || self.flow.has_result(name)
            || FACTS.contains(&name.as_str())
            || (error && name == ERROR);
        if !known {
            self.unknown_name(name, path, error);
            return false;
        }
        let Err(missing) = self.world.path(self.flow, &path.value) else { return true };
        let offset = missing.owner.len() + 1;
        let at = if path.at.end - path.at.start == path.value.join(".").len() {
            let start = path.at.start + offset;
            Spot { start, end: start + missing.field.len(), ..path.at }
        } else {
            path.at
        };
        let known = missing.known.iter().map(String::as_str);
        let message = format!("`{}` has no field `{}`", missing.owner, missing.field);
        let field = At::new(missing.field.clone(), at);
        if missing.known.is_empty() {
            self.report.add(at, Rule::UnknownField, message, Some("it has no fields".to_owned()));
        } else {
            self.report.unknown(&field, Rule::UnknownField, message, "its fields", known);
        }
        false
    }

    fn unknown_name(&mut self, name: &str, path: &At<Vec<String>>, error: bool) {
        if self.flow.strange || self.flow.slots_unread {
            return;
        }
        let end = (path.at.start + name.len()).min(path.at.end);
        let at = match path.value.join(".").len() == path.at.end - path.at.start {
            true => Spot { end, ..path.at },
            false => path.at,
        };
        if name == ERROR && !error {
            let help = format!("only `error:` of a call and `on: {}` know it", event_name(Event::ToolFailed));
            self.report.add(at, Rule::UnknownName, "there is no `error` here", Some(help));
            return;
        }
        let names: Vec<&str> = self
            .flow
            .slots
            .keys()
            .chain(self.flow.results().map(|result| &result.value))
            .map(String::as_str)
            .chain(FACTS.iter().copied())
            .chain(error.then_some(ERROR))
            .collect();
        let message = format!("`{name}` is no slot, no result and no fact of `{}`", self.flow.name.value);
        let name = At::new(name.to_owned(), at);
        self.report.unknown(&name, Rule::UnknownName, message, "known here", names.iter().copied());
    }
}

fn event_name(event: Event) -> &'static str {
    EVENTS.iter().find(|(_, known)| *known == event).map_or("", |(name, _)| *name)
}
