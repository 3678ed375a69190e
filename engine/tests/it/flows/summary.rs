//! Checked flows in lines, for snapshots.

use std::fmt::Write as _;

use innkeeper_engine::flow::{
    Action, Does, Event, Flow, FlowId, Form, Go, Handlers, Input, Invoke, Run, SlotId, State, StateId,
    Transition,
};
use innkeeper_engine::{Flows, Merge};

/// Every flow in lines: its slots, its states, and where they go.
pub(super) fn summary(flows: &Flows) -> String {
    let mut text = String::new();
    for flow in flows.get("conversation").into_iter().chain(flows.iter()) {
        Summary { flows, flow, text: &mut text }.flow();
    }
    text
}

struct Summary<'s> {
    flows: &'s Flows,
    flow: &'s Flow,
    text: &'s mut String,
}

impl Summary<'_> {
    fn flow(&mut self) {
        let flow = self.flow;
        let initial = flow.state_name(flow.initial).unwrap();
        writeln!(self.text, "{} begins in {initial}", flow.name).unwrap();
        for (name, slot) in &flow.slots {
            let kind = serde_json::to_string(&slot.kind).unwrap();
            let optional = if slot.optional { " optional" } else { "" };
            let remember = if slot.remember { " remember" } else { "" };
            let default = slot.default.as_ref().map(|default| format!(" default {}", default.source()));
            let merge =
                if slot.merge == Merge::Replace { String::new() } else { format!(" {:?}", slot.merge) };
            let list = slot.list.map(|list| format!(" from {}", flow.result_name(list).unwrap()));
            let sets = if slot.sets.is_empty() {
                String::new()
            } else {
                format!(" sets {}", self.slots(&slot.sets))
            };
            let rest = [default.unwrap_or_default(), merge, list.unwrap_or_default(), sets].concat();
            writeln!(self.text, "  slot {name}{optional}{remember}{rest} {kind}").unwrap();
        }
        for (name, produced) in &flow.results {
            let by: Vec<&str> = produced.by.iter().map(|state| &**flow.state_name(*state).unwrap()).collect();
            writeln!(self.text, "  result {name} of {}", by.join(", ")).unwrap();
        }
        self.handlers("  ", &flow.on);
        for (name, state) in &flow.states {
            let depth = std::iter::successors(state.parent, |above| flow.state(*above)?.parent).count();
            let indent = "  ".repeat(depth + 1);
            let form = self.form(state);
            writeln!(self.text, "{indent}{name}: {form}").unwrap();
            let below = format!("{indent}  ");
            for (when, actions) in [("entry", &state.entry), ("exit", &state.exit)] {
                if !actions.is_empty() {
                    let actions = self.actions(actions);
                    writeln!(self.text, "{below}{when} {}", actions.trim_end()).unwrap();
                }
            }
            if !state.always.is_empty() {
                let cases = self.cases(&state.always);
                writeln!(self.text, "{below}always → {cases}").unwrap();
            }
            for after in &state.after {
                let cases = self.cases(&after.cases);
                writeln!(self.text, "{below}after {} ms → {cases}", after.delay_ms).unwrap();
            }
            self.handlers(&below, &state.on);
        }
    }

    fn form(&self, state: &State) -> String {
        match &state.form {
            Form::Atomic(does) => self.does(does),
            Form::Compound { states: _, initial, done } => {
                let done =
                    if done.is_empty() { String::new() } else { format!(" done → {}", self.cases(done)) };
                format!("begins in {}{done}", self.state(*initial))
            }
            Form::Parallel { states: _, done } => {
                let done =
                    if done.is_empty() { String::new() } else { format!(" done → {}", self.cases(done)) };
                format!("all at once{done}")
            }
            Form::History { deep, default } => {
                let kind = if *deep { "deep" } else { "shallow" };
                format!("{kind} history, first {}", self.states(default))
            }
        }
    }

    fn does(&self, does: &Does) -> String {
        match does {
            Does::Rest => "rests".to_owned(),
            Does::Held => "is held".to_owned(),
            Does::Collect { slots, then } => format!("collects {} → {}", self.slots(slots), self.cases(then)),
            Does::Invoke(invoke) => self.invoke(invoke),
            Does::Run(run) => self.run(run),
            Does::Confirm { paths: _, prompt, sends: Some(sends), yes, no } => {
                let (yes, no) = (self.cases(yes), self.cases(no));
                format!("sends {} to {} after {prompt} yes → {yes} no → {no}", sends.prompt, sends.to)
            }
            Does::Confirm { paths, prompt, sends: None, yes, no } => {
                let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
                format!("{prompt} {} yes → {} no → {}", paths.join(", "), self.cases(yes), self.cases(no))
            }
            Does::Ask { prompt, then } => format!("asks {prompt} → {}", self.cases(then)),
            Does::Final { outcome, output } => {
                let output = output.as_ref().map(|output| format!(" returns {}", output.source()));
                format!("ends {outcome}{}", output.unwrap_or_default())
            }
        }
    }

    fn invoke(&self, invoke: &Invoke) -> String {
        let with: Vec<String> =
            invoke.with.iter().map(|(name, value)| format!("{name}={}", value.source())).collect();
        let mut text = format!("calls {}({})", invoke.tool, with.join(", "));
        write!(text, " required [{}] from [{}]", invoke.required.join(", "), self.inputs(&invoke.inputs))
            .unwrap();
        if let Some(each) = &invoke.each {
            write!(text, " for each {} in {}", each.item, each.list.source()).unwrap();
        }
        if invoke.writes {
            text.push_str(" writes");
        }
        if let Some(save) = invoke.save {
            write!(text, " saves {}", self.flow.result_name(save).unwrap()).unwrap();
        }
        if let Some(fresh) = invoke.fresh_for_ms {
            write!(text, " fresh {fresh} ms").unwrap();
        }
        if invoke.retry.times > 0 {
            write!(text, " retries {} after {} ms", invoke.retry.times, invoke.retry.backoff_ms).unwrap();
        }
        if let Some(timeout) = invoke.retry.timeout_ms {
            write!(text, " waits {timeout} ms").unwrap();
        }
        if let Some(cache) = invoke.cache_ms {
            write!(text, " cached {cache} ms").unwrap();
        }
        write!(text, " done → {}", self.cases(&invoke.done)).unwrap();
        for (name, cases) in [("error", &invoke.error), ("unknown", &invoke.unknown)] {
            if !cases.is_empty() {
                write!(text, " {name} → {}", self.cases(cases)).unwrap();
            }
        }
        text
    }

    fn run(&self, run: &Run) -> String {
        let other = self.flow_of(run.flow);
        let with: Vec<String> = run
            .with
            .iter()
            .map(|(slot, value)| format!("{}={}", other.slot_name(*slot).unwrap(), value.source()))
            .collect();
        let mut text =
            format!("runs {}({}) from [{}]", other.name, with.join(", "), self.inputs(&run.inputs));
        if let Some(each) = &run.each {
            write!(text, " for each {} in {}", each.item, each.list.source()).unwrap();
        }
        if let Some(save) = run.save {
            write!(text, " saves {}", self.flow.result_name(save).unwrap()).unwrap();
        }
        write!(text, " done → {}", self.cases(&run.done)).unwrap();
        text
    }

    fn inputs(&self, inputs: &[Input]) -> String {
        let names: Vec<&str> = inputs
            .iter()
            .map(|input| match input {
                Input::Slot(slot) => self.flow.slot_name(*slot).unwrap().as_ref(),
                Input::Result(result) => self.flow.result_name(*result).unwrap().as_ref(),
            })
            .collect();
        names.join(", ")
    }

    fn handlers(&mut self, indent: &str, handlers: &Handlers) {
        for (event, then) in handlers {
            let name = match event {
                Event::Named(event) => self.flows.event(*event).unwrap().to_string(),
                event => format!("{event:?}"),
            };
            let cases = self.cases(then);
            writeln!(self.text, "{indent}on {name} → {cases}").unwrap();
        }
    }

    fn cases(&self, cases: &[Transition]) -> String {
        let cases: Vec<String> = cases
            .iter()
            .map(|case| {
                let mut text = String::new();
                if let Some(guard) = &case.guard {
                    write!(text, "if {} ", guard.source()).unwrap();
                }
                text.push_str(&self.actions(&case.actions));
                for (is, word) in
                    [(case.say_again, "say again "), (case.ask_again, "ask again "), (case.reenter, "anew ")]
                {
                    if is {
                        text.push_str(word);
                    }
                }
                let root = self.flows.get("conversation").unwrap();
                match &case.go {
                    Go::Stay => text.push_str("stay"),
                    Go::To(states) => text.push_str(&self.states(states)),
                    Go::Root(state) => {
                        write!(text, "conversation.{}", root.state_name(*state).unwrap()).unwrap()
                    }
                    Go::Run(flow) => write!(text, "run {}", self.flow_of(*flow).name).unwrap(),
                    Go::RunRoot(state) => {
                        write!(text, "run conversation.{}", root.state_name(*state).unwrap()).unwrap();
                    }
                    Go::RunRequested => text.push_str("run what was asked for"),
                    Go::Queue => text.push_str("let it wait"),
                    Go::Undo => text.push_str("take it back"),
                    Go::NextPage => text.push_str("next page"),
                    Go::PreviousPage => text.push_str("previous page"),
                }
                text
            })
            .collect();
        cases.join(" | ")
    }

    fn actions(&self, actions: &[Action]) -> String {
        let mut text = String::new();
        for action in actions {
            match action {
                Action::Say(prompt) => write!(text, "say {prompt} ").unwrap(),
                Action::Clear(slots) => write!(text, "clear {} ", self.slots(slots)).unwrap(),
                Action::Set { slot, value } => {
                    write!(text, "set {}={} ", self.slots(&[*slot]), value.source()).unwrap();
                }
                Action::Raise(event) => write!(text, "raise {} ", self.flows.event(*event).unwrap()).unwrap(),
            }
        }
        text
    }

    /// Flows are numbered by their names.
    fn flow_of(&self, id: FlowId) -> &Flow {
        let mut all: Vec<&Flow> = self.flows.iter().chain(self.flows.get("conversation")).collect();
        all.sort_by_key(|flow| flow.name.to_string());
        all[id.index()]
    }

    fn state(&self, state: StateId) -> &str {
        self.flow.state_name(state).unwrap()
    }

    fn states(&self, states: &[StateId]) -> String {
        states.iter().map(|state| self.state(*state)).collect::<Vec<&str>>().join(" and ")
    }

    fn slots(&self, slots: &[SlotId]) -> String {
        slots
            .iter()
            .map(|slot| self.flow.slot_name(*slot).unwrap().as_ref())
            .collect::<Vec<&str>>()
            .join(", ")
    }
}
