//! Good flows with slips in them: never a panic, and whatever is still accepted names only what exists.

use innkeeper_engine::Flows;
use innkeeper_engine::flow::{Action, Does, Form, Go, Transition};
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{BOOK_ROOM, check_text, tools};

/// What is wrong with an accepted set of flows, if anything: names that do not exist, and cases that leave a gap.
fn flaw(flows: &Flows) -> Option<String> {
    let root = flows.get("conversation")?;
    for flow in flows.iter().chain([root]) {
        if flow.state(flow.initial).is_none() {
            return Some(format!("{} begins nowhere", flow.name));
        }
        let mut taken: Vec<&Transition> = flow.on.values().flatten().collect();
        for (name, state) in &flow.states {
            taken.extend(state.on.values().chain(state.after.iter().map(|after| &after.cases)).flatten());
            taken.extend(&state.always);
            let complete = match &state.form {
                Form::Compound { initial, done, .. } => {
                    if flow.state(*initial).is_none_or(|initial| initial.parent.is_none()) {
                        return Some(format!("{name} begins outside of it"));
                    }
                    vec![done]
                }
                Form::Parallel { done, .. } => vec![done],
                Form::History { default, .. } => {
                    if default.is_empty() || default.iter().any(|state| flow.state(*state).is_none()) {
                        return Some(format!("{name} leads nowhere"));
                    }
                    vec![]
                }
                Form::Atomic(Does::Collect { slots, then }) => {
                    if slots.iter().any(|slot| flow.slot(*slot).is_none()) {
                        return Some(format!("{name} collects what is no slot"));
                    }
                    vec![then]
                }
                Form::Atomic(Does::Ask { then, .. }) => vec![then],
                Form::Atomic(Does::Confirm { yes, no, .. }) => vec![yes, no],
                Form::Atomic(Does::Invoke(invoke)) => {
                    taken.extend(invoke.error.iter().chain(&invoke.unknown));
                    if !tools().contains_key(&*invoke.tool) {
                        return Some(format!("{name} calls {}", invoke.tool));
                    }
                    vec![&invoke.done]
                }
                Form::Atomic(Does::Run(run)) => vec![&run.done],
                Form::Atomic(Does::Rest | Does::Held | Does::Final { .. }) => vec![],
            };
            if complete.iter().any(|cases| cases.last().is_some_and(|last| last.guard.is_some())) {
                return Some(format!("{name} may go nowhere"));
            }
            taken.extend(complete.into_iter().flatten());
        }
        for case in taken {
            let exists = match &case.go {
                Go::To(states) => {
                    !states.is_empty() && states.iter().all(|state| flow.state(*state).is_some())
                }
                Go::Root(state) | Go::RunRoot(state) => root.state(*state).is_some(),
                Go::Run(other) => other.index() <= flows.iter().count(),
                Go::Stay | Go::RunRequested | Go::Queue | Go::Undo | Go::NextPage | Go::PreviousPage => true,
            };
            let acts = case.actions.iter().all(|action| match action {
                Action::Clear(slots) => slots.iter().all(|slot| flow.slot(*slot).is_some()),
                Action::Set { slot, .. } => flow.slot(*slot).is_some(),
                Action::Raise(event) => flows.event(*event).is_some(),
                Action::Say(_) => true,
            });
            if !exists || !acts {
                return Some(format!("{case:?} of {}", flow.name));
            }
        }
    }
    None
}

/// A change that an author's slip could make.
#[derive(Clone, Debug)]
enum Slip {
    Delete(Index),
    Double(Index),
    Swap(Index, Index),
    Indent(Index, bool),
    Cut(Index),
    Character(Index, char),
    Word(Index, Index),
}

fn slip() -> impl Strategy<Value = Slip> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Slip::Delete),
        index().prop_map(Slip::Double),
        (index(), index()).prop_map(|(one, other)| Slip::Swap(one, other)),
        (index(), any::<bool>()).prop_map(|(line, deeper)| Slip::Indent(line, deeper)),
        index().prop_map(Slip::Cut),
        (
            index(),
            prop_oneof![Just('{'), Just(']'), Just(':'), Just('"'), Just('&'), Just('é'), any::<char>()]
        )
            .prop_map(|(at, character)| Slip::Character(at, character)),
        (index(), index()).prop_map(|(from, to)| Slip::Word(from, to)),
    ]
}

impl Slip {
    fn make(&self, text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.is_empty() {
            return String::new();
        }
        match self {
            Self::Delete(line) => {
                lines.remove(line.index(lines.len()));
            }
            Self::Double(line) => {
                let line = line.index(lines.len());
                lines.insert(line, lines[line].clone());
            }
            Self::Swap(one, other) => {
                let (one, other) = (one.index(lines.len()), other.index(lines.len()));
                lines.swap(one, other);
            }
            Self::Indent(line, deeper) => {
                let line = line.index(lines.len());
                lines[line] = match deeper {
                    true => format!("  {}", lines[line]),
                    false => lines[line].strip_prefix("  ").unwrap_or(&lines[line]).to_owned(),
                };
            }
            Self::Cut(line) => {
                let line = line.index(lines.len());
                let half = lines[line].chars().count() / 2;
                lines[line] = lines[line].chars().take(half).collect();
            }
            Self::Character(at, character) => {
                let mut characters: Vec<char> = text.chars().collect();
                let at = at.index(characters.len());
                characters[at] = *character;
                return characters.into_iter().collect();
            }
            Self::Word(from, to) => {
                let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
                let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
                if words.is_empty() {
                    return text.to_owned();
                }
                return text.replacen(words[from.index(words.len())], words[to.index(words.len())], 1);
            }
        }
        lines.join("\n") + "\n"
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_accepted_names_only_what_exists(
        good in prop::sample::select(vec![
            BOOK_ROOM,
            include_str!("good/every_form.yaml"),
            include_str!("good/statechart.yaml"),
            include_str!("good/together.yaml"),
            include_str!("good/histories.yaml"),
        ]),
        slips in prop::collection::vec(slip(), 1..4),
    ) {
        let text = slips.iter().fold(good.to_owned(), |text, slip| slip.make(&text));
        match check_text(&text) {
            Ok(flows) => prop_assert_eq!(flaw(&flows), None),
            Err(mistakes) => {
                prop_assert!(!mistakes.0.is_empty());
                // Every place can be shown.
                prop_assert!(mistakes.to_string().len() > mistakes.0.len());
                let mut shown = String::new();
                let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none());
                prop_assert!(handler.render_report(&mut shown, &mistakes.into_shown()).is_ok());
            }
        }
    }
}
