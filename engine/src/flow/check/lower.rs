//! From drafts without mistakes to the checked form: names become numbers.

use std::sync::Arc;

use indexmap::IndexSet;
use serde_json::json;

use super::Source;
use super::cases::REQUESTED;
use super::draft::{
    Draft, DraftAction, DraftCase, DraftDoes, DraftEach, DraftEvent, DraftGo, DraftHandlers, DraftInvoke,
    DraftRun, DraftSends, DraftState,
};
use super::formula::Formula;
use super::prompts::{self, consent};
use super::schema::Schema;
use super::version::{meaning, version};
use super::world::World;
use crate::flow::raw::{At, Spot};
use crate::flow::{
    Action, After, Does, Each, Event, EventId, Flow, FlowId, Flows, Form, Go, Handlers, Input, Invoke, Named,
    Places, Produced, ROOT, ResultId, Run, Sends, Slot, SlotId, Span, State, StateId, Transition,
};
use crate::guard::{Expression, NAMES, Path, Root};
use crate::slot::Kind;

/// The checked form of all flows, in the order of their names.
pub(super) fn flows(world: &World<'_>, sources: &[Source]) -> Flows {
    let events: IndexSet<Arc<str>> = world.events.iter().map(|event| Arc::from(event.as_str())).collect();
    let mut flows: Named<Arc<Flow>> = Named::default();
    for (number, (name, draft)) in world.drafts.iter().enumerate() {
        let lower = Lower { world, draft, events: &events, results: results(draft), sources };
        flows.insert(Arc::from(name.as_str()), Arc::new(lower.flow(FlowId::at(number))));
    }
    let root = FlowId::at(world.drafts.get_index_of(ROOT).unwrap_or_default());
    let mut checked = Flows { flows, root, events, version: Arc::from(""), prompts: prompts::names(world) };
    let meanings: Vec<String> = checked.flows.values().map(|flow| meaning(&checked, flow)).collect();
    for (flow, meaning) in checked.flows.values_mut().zip(meanings) {
        if let Some(flow) = Arc::get_mut(flow) {
            flow.meaning = meaning.into();
        }
    }
    checked.version = version(world, &checked).into();
    checked
}

/// What saves a result under each name, in the order of the states.
fn results(draft: &Draft) -> Named<Produced> {
    let mut results: Named<Produced> = Named::default();
    for (number, state) in draft.states.values().enumerate() {
        if let Some(saves) = &state.saves {
            let by = &mut results
                .entry(Arc::from(saves.value.as_str()))
                .or_insert_with(|| Produced { by: Vec::new() })
                .by;
            by.push(StateId::at(number));
        }
    }
    results
}

struct Lower<'l, 'w> {
    world: &'l World<'w>,
    draft: &'l Draft,
    events: &'l IndexSet<Arc<str>>,
    results: Named<Produced>,
    sources: &'l [Source],
}

impl Lower<'_, '_> {
    fn flow(self, id: FlowId) -> Flow {
        let draft = self.draft;
        let slots = draft.slots.iter().filter_map(|(name, slot)| {
            let kind = slot.kind.clone()?;
            let slot = Slot {
                fixed: if let Kind::Choice(options) = &kind { options.fixed() } else { Vec::new() },
                kind,
                optional: slot.optional,
                default: slot.default.as_ref().and_then(|default| self.expression(default, None)),
                remember: slot.remember,
                merge: slot.merge,
                list: slot.result().and_then(|result| self.result(result)),
                sets: slot.list.as_ref().map(|list| self.slots(&list.sets)).unwrap_or_default(),
                ask: format!("ask_{name}").into(),
                invalid: format!("invalid_{name}").into(),
                was: shared(&slot.was),
            };
            Some((Arc::from(name.as_str()), slot))
        });
        let states = draft.states.iter().enumerate().filter_map(|(number, (name, state))| {
            Some((Arc::from(name.as_str()), self.state(number, state)?))
        });
        let mut flow = Flow {
            name: draft.name.value.as_str().into(),
            id,
            description: draft.description.clone(),
            examples: draft.examples.clone(),
            slots: slots.collect(),
            states: states.collect(),
            top: draft.children(None).map(StateId::at).collect(),
            initial: StateId::at(draft.start().unwrap_or_default()),
            on: self.handlers(&draft.on),
            was: shared(&draft.was),
            meaning: Arc::from(""),
            wished: Arc::new(json!({ "flow": draft.name.value })),
            has_history: draft.states.values().any(|state| matches!(state.does, DraftDoes::History { .. })),
            deciding: Box::default(),
            has_eventless: false,
            covering: Box::default(),
            places: Arc::new(self.places()),
            results: self.results.clone(),
        };
        flow.deciding = flow.all_deciding();
        flow.has_eventless = flow.states.values().any(|state| !state.always.is_empty());
        flow.covering = flow.all_covering();
        flow
    }

    fn places(&self) -> Places {
        let draft = self.draft;
        let source = self.sources.get(draft.name.at.file);
        Places {
            file: source.map_or("", |source| source.file.as_str()).into(),
            text: source.map_or("", |source| source.text.as_str()).into(),
            flow: span(draft.name.at),
            slots: draft.slots.values().map(|slot| span(slot.at)).collect(),
            states: draft.states.values().map(|state| span(state.at)).collect(),
        }
    }

    fn state(&self, number: usize, state: &DraftState) -> Option<State> {
        let after = state
            .after
            .iter()
            .map(|after| After { delay_ms: after.delay.value, cases: self.transitions(&after.cases, true) });
        Some(State {
            parent: state.parent.map(StateId::at),
            form: self.form(number, state)?,
            entry: self.actions(&state.entry),
            exit: self.actions(&state.exit),
            on: self.handlers(&state.on),
            always: self.transitions(&state.always, true),
            after: after.collect(),
            was: shared(&state.was),
        })
    }

    fn form(&self, number: usize, state: &DraftState) -> Option<Form> {
        let children = || self.draft.children(Some(number)).map(StateId::at).collect();
        Some(Form::Atomic(match &state.does {
            DraftDoes::Compound { initial, done } => {
                let initial = match initial {
                    Some(initial) => self.state_of(initial),
                    None => self.draft.first_of(Some(number)).map(StateId::at),
                };
                let done = self.transitions(done, false);
                return Some(Form::Compound { states: children(), initial: initial?, done });
            }
            DraftDoes::Parallel { done } => {
                return Some(Form::Parallel { states: children(), done: self.transitions(done, false) });
            }
            DraftDoes::History { deep, default } => {
                let default = default.iter().filter_map(|target| self.state_of(target)).collect();
                return Some(Form::History { deep: *deep, default });
            }
            DraftDoes::Collect { slots, then } => {
                Does::Collect { slots: self.slots(slots), then: self.transitions(then, false) }
            }
            DraftDoes::Invoke(invoke) => Does::Invoke(Box::new(self.call(invoke, state.saves.as_ref()))),
            DraftDoes::Run(run) => Does::Run(Box::new(self.run(run, state.saves.as_ref())?)),
            DraftDoes::Confirm { paths, sends, yes, no } => Does::Confirm {
                paths: paths
                    .iter()
                    .filter_map(|path| Path::bound(&path.value, |name| self.root_of(name, None)))
                    .collect(),
                prompt: match sends {
                    Some(sends) => consent(&sends.to.value),
                    None => format!("confirm_{}", self.draft.name.value),
                }
                .into(),
                sends: sends.as_ref().map(|DraftSends { prompt, to }| Sends {
                    prompt: prompt.value.as_str().into(),
                    to: to.value.as_str().into(),
                }),
                yes: self.transitions(yes, false),
                no: self.transitions(no, false),
            },
            DraftDoes::Ask { prompt, then } => {
                Does::Ask { prompt: prompt.value.as_str().into(), then: self.transitions(then, false) }
            }
            DraftDoes::Rest { .. } => Does::Rest,
            DraftDoes::Held => Does::Held,
            DraftDoes::Final { outcome, output } => Does::Final {
                outcome: outcome.value.as_str().into(),
                output: output.as_ref().and_then(|output| self.expression(output, None)),
            },
            DraftDoes::Unread => return None,
        }))
    }

    fn call(&self, invoke: &DraftInvoke, saves: Option<&At<String>>) -> Invoke {
        let tool = self.world.tool(&invoke.tool.value);
        let required = tool.map(|tool| Schema::of(&tool.input_schema).required()).unwrap_or_default();
        let each = invoke.each.as_ref().and_then(|each| self.each(each));
        let with: Vec<(Arc<str>, Expression)> = invoke
            .with
            .iter()
            .filter_map(|(name, value)| {
                Some((name.value.as_str().into(), self.expression(value, each.as_ref())?))
            })
            .collect();
        Invoke {
            tool: invoke.tool.value.as_str().into(),
            inputs: self.inputs(each.as_ref(), with.iter().map(|(_, value)| value)),
            with,
            required: required.into_iter().map(Arc::from).collect(),
            each,
            save: saves.and_then(|saves| self.result(&saves.value)),
            fresh_for_ms: invoke.fresh_for_ms,
            retry: invoke.retry,
            cache_ms: invoke.cache.as_ref().map(|cache| cache.value),
            writes: self.world.call_writes(invoke),
            done: self.transitions(&invoke.done, false),
            error: self.transitions(&invoke.error, false),
            unknown: self.transitions(&invoke.unknown, false),
        }
    }

    fn run(&self, run: &DraftRun, saves: Option<&At<String>>) -> Option<Run> {
        let (number, _, other) = self.world.drafts.get_full(&run.flow.value)?;
        let each = run.each.as_ref().and_then(|each| self.each(each));
        let with: Vec<(SlotId, Expression)> = run
            .with
            .iter()
            .filter_map(|(slot, value)| {
                let slot = SlotId::at(other.slots.get_index_of(&slot.value)?);
                Some((slot, self.expression(value, each.as_ref())?))
            })
            .collect();
        Some(Run {
            flow: FlowId::at(number),
            inputs: self.inputs(each.as_ref(), with.iter().map(|(_, value)| value)),
            with,
            each,
            save: saves.and_then(|saves| self.result(&saves.value)),
            done: self.transitions(&run.done, false),
        })
    }

    fn each(&self, each: &DraftEach) -> Option<Each> {
        Some(Each { list: self.expression(&each.list, None)?, item: each.item.value.as_str().into() })
    }

    /// The slots and results that expressions read, each once.
    fn inputs<'e>(&self, each: Option<&'e Each>, with: impl Iterator<Item = &'e Expression>) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        for expression in each.map(|each| &each.list).into_iter().chain(with) {
            let names = expression.paths().iter().filter_map(|path| path.first());
            let found = names.filter_map(|name| match self.root_of(name, None)? {
                Root::Slot(slot) => Some(Input::Slot(slot)),
                Root::Result(result) => Some(Input::Result(result)),
                _ => None,
            });
            for input in found {
                if !inputs.contains(&input) {
                    inputs.push(input);
                }
            }
        }
        inputs
    }

    fn handlers(&self, handlers: &DraftHandlers) -> Handlers {
        let handler = |(event, cases): &(At<DraftEvent>, Vec<DraftCase>)| {
            let event = match &event.value {
                DraftEvent::Own(event) => *event,
                DraftEvent::Named(name) => Event::Named(self.event(name)?),
            };
            // A guest who was answered is asked again; what comes by itself interrupts nobody.
            let quiet = matches!(event, Event::Named(_) | Event::Any | Event::Wish);
            Some((event, self.transitions(cases, quiet)))
        };
        handlers.iter().filter_map(handler).collect()
    }

    fn transitions(&self, cases: &[DraftCase], quiet: bool) -> Vec<Transition> {
        cases.iter().filter_map(|case| self.transition(case, quiet)).collect()
    }

    fn transition(&self, case: &DraftCase, quiet: bool) -> Option<Transition> {
        let go = match &case.go {
            DraftGo::Stay => Go::Stay,
            DraftGo::NextPage => Go::NextPage,
            DraftGo::PreviousPage => Go::PreviousPage,
            DraftGo::Queue => Go::Queue,
            DraftGo::Undo => Go::Undo,
            DraftGo::Run(flow) if flow.value == REQUESTED => Go::RunRequested,
            DraftGo::Run(flow) => match self.world.drafts.get_index_of(&flow.value) {
                Some(flow) => Go::Run(FlowId::at(flow)),
                None => Go::RunRoot(self.state_of_root(flow)?),
            },
            DraftGo::Target(targets) => {
                let own: Vec<StateId> = targets.iter().filter_map(|target| self.state_of(target)).collect();
                if own.len() == targets.len() {
                    Go::To(own)
                } else {
                    Go::Root(self.state_of_root(targets.first()?)?)
                }
            }
            DraftGo::Unread => return None,
        };
        let stays = go == Go::Stay;
        Some(Transition {
            guard: case.guard.as_ref().and_then(|guard| self.expression(guard, None)),
            actions: self.actions(&case.actions),
            say_again: case.say_again,
            ask_again: case.ask_again.unwrap_or(stays && !case.say_again && !quiet),
            reenter: case.reenter,
            go,
            at: span(case.at),
        })
    }

    fn actions(&self, actions: &[DraftAction]) -> Vec<Action> {
        let action = |action: &DraftAction| {
            Some(match action {
                DraftAction::Say(prompt) => Action::Say(prompt.value.as_str().into()),
                DraftAction::Clear(slots) => Action::Clear(self.slots(slots)),
                DraftAction::Set(slot, value) => {
                    Action::Set { slot: self.slot(&slot.value)?, value: self.expression(value, None)? }
                }
                DraftAction::Raise(event) => Action::Raise(self.event(&event.value)?),
            })
        };
        actions.iter().filter_map(action).collect()
    }

    fn expression(&self, formula: &Formula, each: Option<&Each>) -> Option<Expression> {
        formula.expression.clone().map(|expression| expression.bound(|name| self.root_of(name, each)))
    }

    /// What a name stands for.
    fn root_of(&self, name: &str, each: Option<&Each>) -> Option<Root> {
        if each.is_some_and(|each| *each.item == *name) {
            return Some(Root::Item);
        }
        let slot = || self.slot(name).map(Root::Slot);
        let result = || self.result(name).map(Root::Result);
        let fact = || NAMES.iter().find(|(known, _)| *known == name).map(|(_, root)| *root);
        slot().or_else(result).or_else(fact)
    }

    fn slot(&self, name: &str) -> Option<SlotId> {
        self.draft.slots.get_index_of(name).map(SlotId::at)
    }

    fn slots(&self, names: &[At<String>]) -> Vec<SlotId> {
        names.iter().filter_map(|name| self.slot(&name.value)).collect()
    }

    fn result(&self, name: &str) -> Option<ResultId> {
        self.results.get_index_of(name).map(ResultId::at)
    }

    fn state_of(&self, name: &At<String>) -> Option<StateId> {
        self.draft.states.get_index_of(&name.value).map(StateId::at)
    }

    fn state_of_root(&self, name: &At<String>) -> Option<StateId> {
        self.world.root()?.states.get_index_of(&name.value).map(StateId::at)
    }

    fn event(&self, name: &str) -> Option<EventId> {
        self.events.get_index_of(name).map(EventId::at)
    }
}

fn span(spot: Spot) -> Span {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: byte(spot.start), end: byte(spot.end) }
}

fn shared(names: &[At<String>]) -> Vec<Arc<str>> {
    names.iter().map(|name| name.value.as_str().into()).collect()
}
