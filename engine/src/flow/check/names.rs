//! Whether everything that is named exists: slots, results, facts and their fields; what states name is in `targets`.

use std::collections::HashMap;

use super::arguments;
use super::cases::{EVENTS, meant_event};
use super::draft::{
    Demands, Draft, DraftAction, DraftCase, DraftDoes, DraftEach, DraftEvent, DraftHandlers, DraftInvoke,
    DraftRun, DraftSlot,
};
use super::formula::{Formula, Shape};
use super::keys::event_name;
use super::literals;
use super::report::Report;
use super::schema::Field;
use super::targets;
use super::values::misfit;
use super::world::{ERROR, EVENT, OUTCOME, PROMPT_VARIABLES, Scope, World, facts};
use crate::flow::error::Rule;
use crate::flow::raw::{At, Spot};
use crate::flow::{Event, ROOT};
use crate::guard::NAMES;

/// Checks the names in one flow.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, flow: &Draft) {
    targets::check(report, world, flow);
    let mut names = Names { report, world, flow, ran: None };
    names.own_names();
    names.slots();
    names.handlers(&flow.on);
    let nothing = Scope::default();
    for state in flow.states.values() {
        names.actions(&state.entry, nothing);
        names.actions(&state.exit, nothing);
        names.handlers(&state.on);
        names.cases(&state.always, nothing);
        for after in &state.after {
            names.cases(&after.cases, nothing);
        }
        match &state.does {
            DraftDoes::Collect { slots, then } => {
                for slot in slots {
                    names.slot(slot);
                }
                names.cases(then, nothing);
            }
            DraftDoes::Invoke(invoke) => {
                names.each(invoke.each.as_ref());
                for (_, formula) in &invoke.with {
                    names.formula(formula, Scope::of_item(invoke.each.as_ref()));
                }
                arguments::check(names.report, world, flow, invoke);
                names.only_reads(invoke);
                names.cases(&invoke.done, nothing);
                let failed = Scope { error: true, ..nothing };
                names.cases(&invoke.error, failed);
                names.cases(&invoke.unknown, failed);
            }
            DraftDoes::Run(run) => {
                names.each(run.each.as_ref());
                names.run_with(run);
                names.ran = world.drafts.get(&run.flow.value);
                names.cases(&run.done, Scope { outcome: true, ..nothing });
                names.ran = None;
            }
            DraftDoes::Confirm { paths, sends: _, yes, no } => {
                for path in paths {
                    names.path(path, nothing);
                }
                names.cases(yes, nothing);
                names.cases(no, nothing);
            }
            DraftDoes::Ask { then, .. } => names.cases(then, nothing),
            DraftDoes::Final { output, .. } => {
                if let Some(output) = output {
                    names.formula(output, nothing);
                }
            }
            DraftDoes::Compound { done, .. } | DraftDoes::Parallel { done } => names.cases(done, nothing),
            DraftDoes::Rest { .. } | DraftDoes::Held | DraftDoes::History { .. } | DraftDoes::Unread => {}
        }
    }
    literals::outcomes(names.report, world, flow);
    names.properties();
    names.earlier();
}

struct Names<'n, 's, 'w> {
    report: &'n mut Report<'s>,
    world: &'n World<'w>,
    flow: &'n Draft,
    /// The flow that was run before what is looked at.
    ran: Option<&'n Draft>,
}

impl Names<'_, '_, '_> {
    /// Slots, results and items share one space of names with the facts.
    fn own_names(&mut self) {
        for (name, slot) in &self.flow.slots {
            self.reserved(&At::new(name.clone(), slot.at));
        }
        for result in self.flow.results() {
            self.reserved(result);
            self.not_a_slot(result);
        }
        let items = self.flow.states.values().filter_map(|state| match &state.does {
            DraftDoes::Invoke(invoke) => invoke.each.as_ref(),
            DraftDoes::Run(run) => run.each.as_ref(),
            _ => None,
        });
        for each in items {
            self.reserved(&each.item);
            self.not_a_slot(&each.item);
            if let Some(result) = self.flow.results().find(|result| result.value == each.item.value) {
                let message = format!("`{}` is already the name of a result", result.value);
                let help = format!("the result is at {}", self.report.whereabouts(result.at));
                self.report.add(each.item.at, Rule::Duplicate, message, Some(help));
            }
        }
    }

    fn not_a_slot(&mut self, name: &At<String>) {
        if let Some(slot) = self.flow.slots.get(&name.value) {
            let message = format!("`{}` is already the name of a slot", name.value);
            let help = format!("the slot is at {}", self.report.whereabouts(slot.at));
            self.report.add(name.at, Rule::Duplicate, message, Some(help));
        }
    }

    fn reserved(&mut self, name: &At<String>) {
        let taken = NAMES.iter().any(|(known, _)| *known == name.value)
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
                self.formula(default, Scope::default());
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
        let before = self.path(&list.from, Scope::default());
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
            if let Field::Missing(known) = items.field(&field.value)
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
            let scope = Scope {
                error: event.value == DraftEvent::Own(Event::ToolFailed),
                event: matches!(
                    event.value,
                    DraftEvent::Named(_) | DraftEvent::Own(Event::Any | Event::Start | Event::Wish)
                ),
                ..Scope::default()
            };
            self.cases(cases, scope);
        }
    }

    fn cases(&mut self, cases: &[DraftCase], scope: Scope<'_>) {
        for case in cases {
            if let Some(guard) = &case.guard {
                self.formula(guard, scope);
            }
            self.actions(&case.actions, scope);
        }
    }

    fn actions(&mut self, actions: &[DraftAction], scope: Scope<'_>) {
        for action in actions {
            match action {
                DraftAction::Say(_) => {}
                DraftAction::Clear(slots) => {
                    for slot in slots {
                        self.slot(slot);
                    }
                }
                DraftAction::Set(slot, value) => {
                    self.slot(slot);
                    self.formula(value, scope);
                    let kind = self.flow.slots.get(&slot.value).and_then(|slot| slot.kind.as_ref());
                    if let Some(kind) = kind
                        && let Some((why, help)) = misfit(self.world, self.flow, scope, kind, value)
                    {
                        let message = format!("the slot `{}` is a {}, and {why}", slot.value, kind.name());
                        self.report.add(value.at, Rule::WrongType, message, help);
                    }
                }
                DraftAction::Raise(event) => self.raised(event),
            }
        }
    }

    fn raised(&mut self, event: &At<String>) {
        if self.world.events.contains(&event.value) || !self.world.whole {
            return;
        }
        let (message, help) = match EVENTS.iter().any(|(name, _)| *name == event.value) {
            true => (
                format!("`{}` is what a guest does, and cannot be raised", event.value),
                Some("raise an event of your own: `events: […]`".to_owned()),
            ),
            false => (
                format!("there is no named event `{}`", event.value),
                meant_event(&event.value, self.world.events),
            ),
        };
        self.report.add(event.at, Rule::UnknownEvent, message, help);
    }

    fn each(&mut self, each: Option<&DraftEach>) {
        let Some(each) = each else { return };
        self.formula(&each.list, Scope::default());
        let source = match &each.list.shape {
            Shape::Line(Some(expression)) => expression.source(),
            Shape::Map(_) => {
                return self.report.add(
                    each.list.at,
                    Rule::BadList,
                    "`each` needs a list, not a mapping",
                    None,
                );
            }
            Shape::Line(None) | Shape::List(_) => return,
        };
        let given = self.world.line(self.flow, Scope::default(), source);
        let types = given.json_types();
        if !types.is_empty() && !types.contains(&"array") {
            let message = format!("`each` needs a list, and `{source}` is {}", given.described());
            self.report.add(each.list.at, Rule::BadList, message, None);
        }
    }

    /// What only a tool that changes nothing may have.
    fn only_reads(&mut self, invoke: &DraftInvoke) {
        if self.world.tool(&invoke.tool.value).is_none_or(|tool| tool.read_only) {
            return;
        }
        let tool = &invoke.tool.value;
        if let Some(each) = &invoke.each {
            let message =
                format!("`{tool}` writes, and `each` calls everything at once without a yes to each");
            let help = Some("put the call with its read-back into a flow, and run that for each".to_owned());
            self.report.add(each.at, Rule::Conflict, message, help);
        }
        if let Some(cache) = &invoke.cache {
            let message = format!("`{tool}` writes: its answer cannot be used again");
            self.report.add(cache.at, Rule::Conflict, message, Some("leave `cache` out".to_owned()));
        }
    }

    /// What a flow that is run is given must be slots of it, of their types.
    fn run_with(&mut self, run: &DraftRun) {
        let scope = Scope::of_item(run.each.as_ref());
        let other = self.world.drafts.get(&run.flow.value).filter(|_| run.flow.value != ROOT);
        for (slot, value) in &run.with {
            self.formula(value, scope);
            let Some(other) = other else { continue };
            match other.slots.get(&slot.value) {
                Some(known) => {
                    if let Some(kind) = &known.kind
                        && let Some((why, help)) = misfit(self.world, self.flow, scope, kind, value)
                    {
                        let message = format!(
                            "the slot `{}` of `{}` is a {}, and {why}",
                            slot.value,
                            run.flow.value,
                            kind.name()
                        );
                        self.report.add(value.at, Rule::ArgumentType, message, help);
                    }
                }
                None if other.slots_unread => {}
                None => {
                    let message = format!("`{}` has no slot `{}`", run.flow.value, slot.value);
                    let slots = other.slots.keys().map(String::as_str);
                    self.report.unknown(slot, Rule::UnknownSlot, message, "its slots", slots);
                }
            }
        }
    }

    /// What slots and states were called in earlier versions is no other's name, now or then.
    fn earlier(&mut self) {
        let flow = self.flow;
        let slots: Vec<(&str, &[At<String>])> =
            flow.slots.iter().map(|(name, slot)| (name.as_str(), slot.was.as_slice())).collect();
        let states: Vec<(&str, &[At<String>])> =
            flow.states.iter().map(|(name, state)| (name.as_str(), state.was.as_slice())).collect();
        for (kind, named) in [("slot", slots), ("state", states)] {
            let mut before: HashMap<&str, &str> = HashMap::new();
            for (name, was) in &named {
                for earlier in *was {
                    let earlier_name = earlier.value.as_str();
                    if named.iter().any(|(known, _)| *known == earlier_name) {
                        let message = format!("`{earlier_name}` is the name of a {kind} still");
                        self.report.add(earlier.at, Rule::Conflict, message, None);
                    } else if let Some(other) = before.insert(earlier_name, name) {
                        let message = format!("the {kind} `{other}` was called `{earlier_name}` too");
                        self.report.add(earlier.at, Rule::Conflict, message, None);
                    }
                }
            }
        }
    }

    /// What properties speak of.
    fn properties(&mut self) {
        for property in &self.flow.properties {
            let (states, condition): (Vec<&At<String>>, _) = match &property.demands {
                Demands::Never { states, guard } => (states.iter().collect(), guard.as_ref()),
                Demands::Holds { states, holds } => (states.iter().collect(), Some(holds)),
                Demands::Passed { before, passed } => (before.iter().chain(passed).collect(), None),
                Demands::Confirmed { tool } => {
                    self.called(tool);
                    (Vec::new(), None)
                }
                Demands::NeverCalled { tool, guard } => {
                    self.called(tool);
                    (Vec::new(), guard.as_ref())
                }
            };
            for state in states {
                targets::own_state(self.report, self.flow, state);
            }
            for (_, name) in condition.into_iter().flat_map(|condition| condition.facts()) {
                if self.flow.has_name(&name.value) || self.flow.strange || self.flow.slots_unread {
                    continue;
                }
                let message =
                    format!("`{}` is no slot and no result of `{}`", name.value, self.flow.name.value);
                self.report.unknown(
                    name,
                    Rule::UnknownName,
                    message,
                    "known here",
                    self.flow.names().map(String::as_str),
                );
            }
        }
    }

    /// A tool that a property speaks of must be called by the flow.
    fn called(&mut self, tool: &At<String>) {
        let unread = self.flow.states.values().any(|state| matches!(state.does, DraftDoes::Unread));
        if unread || self.flow.invokes().any(|(_, invoke)| invoke.tool.value == tool.value) {
            return;
        }
        let tools = self.flow.invokes().map(|(_, invoke)| invoke.tool.value.as_str());
        let message = format!("`{}` calls no tool `{}`", self.flow.name.value, tool.value);
        self.report.unknown(tool, Rule::UnknownTool, message, "its tools", tools);
    }

    fn slot(&mut self, slot: &At<String>) {
        if self.flow.slots.contains_key(&slot.value) || self.flow.slots_unread {
            return;
        }
        let slots = self.flow.slots.keys().map(String::as_str);
        let message = format!("`{}` has no slot `{}`", self.flow.name.value, slot.value);
        self.report.unknown(slot, Rule::UnknownSlot, message, "its slots", slots);
    }

    fn formula(&mut self, formula: &Formula, scope: Scope<'_>) {
        for path in formula.paths(self.report) {
            self.path(&path, scope);
        }
        literals::check(self.report, self.world, self.flow, formula, scope, self.ran);
    }

    /// Whether the path's beginning and its fields exist.
    fn path(&mut self, path: &At<Vec<String>>, scope: Scope<'_>) -> bool {
        let Some(name) = path.value.first() else { return true };
        if !self.flow.has_name(name) && !scope.knows(name) {
            self.unknown_name(name, path, scope);
            return false;
        }
        let Err(missing) = self.world.path(self.flow, scope, &path.value) else { return true };
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

    fn unknown_name(&mut self, name: &str, path: &At<Vec<String>>, scope: Scope<'_>) {
        if self.flow.strange || self.flow.slots_unread {
            return;
        }
        let end = (path.at.start + name.len()).min(path.at.end);
        let at = match path.value.join(".").len() == path.at.end - path.at.start {
            true => Spot { end, ..path.at },
            false => path.at,
        };
        let elsewhere = match name {
            ERROR => {
                Some(format!("only `error:` of a call and `on: {}` know it", event_name(Event::ToolFailed)))
            }
            OUTCOME => Some("only `done:` of a flow that was run knows it".to_owned()),
            EVENT => Some("only `on:` of a named event, of `start` and of `wish` knows it".to_owned()),
            _ => None,
        };
        if elsewhere.is_some() {
            self.report.add(at, Rule::UnknownName, format!("there is no `{name}` here"), elsewhere);
            return;
        }
        let mut names: Vec<&str> = self.flow.names().map(String::as_str).collect();
        for fact in facts().chain([ERROR, OUTCOME, EVENT]).filter(|fact| scope.knows(fact)) {
            names.push(fact);
        }
        names.extend(scope.item.map(|(item, _)| item));
        let message = format!("`{name}` is no slot, no result and no fact of `{}`", self.flow.name.value);
        let name = At::new(name.to_owned(), at);
        self.report.unknown(&name, Rule::UnknownName, message, "known here", names);
    }
}
