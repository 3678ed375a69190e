//! Whether read-backs show what a yes to them confirms, and whether questions say anything: a yes to words that did not
//! name a value is no yes to that value.

use std::collections::BTreeSet;
use std::ops::Range;

use super::draft::{Draft, DraftDoes};
use super::prompts::consent;
use super::report::Report;
use super::world::{Scope, Type, World};
use crate::catalog::{PromptKey, Shown};
use crate::flow::error::{Place, Rule};
use crate::slot::{Kind, Options};

/// How a value may be shown.
enum Ways {
    /// Any of these is enough, each as a list of facts that are all shown.
    Any { ways: Vec<Vec<Vec<String>>>, filter: Option<&'static str> },
    /// It is a truth: its value, or words for either way.
    Truth,
    /// It is a record of which nothing is known but its name: some field of it.
    Part,
}

/// Checks the questions of all flows.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>) {
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for flow in world.drafts.values() {
        for state in flow.states.values() {
            match &state.does {
                DraftDoes::Confirm { sends: None, paths, .. } => {
                    let name = format!("confirm_{}", flow.name.value);
                    wordless(report, world, &mut told, &name);
                    for path in paths {
                        unshown(report, world, flow, &mut told, &name, &path.value);
                    }
                }
                DraftDoes::Confirm { sends: Some(sends), .. } => {
                    wordless(report, world, &mut told, &consent(&sends.to.value));
                }
                DraftDoes::Ask { prompt, .. } => wordless(report, world, &mut told, &prompt.value),
                DraftDoes::Collect { slots, .. } => {
                    for slot in slots {
                        wordless(report, world, &mut told, &format!("ask_{}", slot.value));
                    }
                }
                DraftDoes::Invoke(_)
                | DraftDoes::Run(_)
                | DraftDoes::Rest { .. }
                | DraftDoes::Held
                | DraftDoes::Final { .. }
                | DraftDoes::Compound { .. }
                | DraftDoes::Parallel { .. }
                | DraftDoes::History { .. }
                | DraftDoes::Unread => {}
            }
        }
    }
}

/// The files of a prompt, each once where it is for several channels.
fn of_name<'w>(world: &World<'w>, name: &str) -> impl Iterator<Item = (&'w PromptKey, &'w Shown)> {
    world.prompts.shown.iter().filter(move |(key, _)| key.name == name)
}

/// Reports a question without a word.
fn wordless(report: &mut Report<'_>, world: &World<'_>, told: &mut BTreeSet<(String, String)>, name: &str) {
    for (_, shown) in of_name(world, name).filter(|(_, shown)| !shown.has_words) {
        if told.insert((shown.file.clone(), String::new())) {
            let message = format!("the prompt `{name}` says nothing, and an answer to it would count");
            let help = "write what the guest is asked".to_owned();
            report.add_in(place(shown, first_words(&shown.text)), Rule::NotShown, message, Some(help));
        }
    }
}

/// Reports a value that a read-back leaves out.
fn unshown(
    report: &mut Report<'_>,
    world: &World<'_>,
    flow: &Draft,
    told: &mut BTreeSet<(String, String)>,
    name: &str,
    path: &[String],
) {
    if flow.strange || flow.slots_unread || path.first().is_none_or(|first| !flow.has_name(first)) {
        return;
    }
    let ways = ways(world, flow, path);
    for (key, shown) in of_name(world, name).filter(|(_, shown)| shown.has_words) {
        let dotted = path.join(".");
        if is_shown(shown, path, &ways) || !told.insert((shown.file.clone(), dotted.clone())) {
            continue;
        }
        let medium = &key.channel;
        let message = match mention(shown, path) {
            Some(_) => format!("the read-back `{name}` does not show `{dotted}` on every way ({medium})"),
            None => format!("the read-back `{name}` does not show `{dotted}` ({medium})"),
        };
        let at = mention(shown, path).unwrap_or_else(|| first_words(&shown.text));
        let help = format!("a yes to it confirms `{dotted}`: write {}", suggestion(&ways, &dotted));
        report.add_in(place(shown, at), Rule::NotShown, message, Some(help));
    }
}

/// How a value of that kind may be shown.
fn ways(world: &World<'_>, flow: &Draft, path: &[String]) -> Ways {
    let field = |name: &str| path.iter().cloned().chain([name.to_owned()]).collect::<Vec<String>>();
    let any = |ways: Vec<Vec<Vec<String>>>, filter| Ways::Any {
        ways: [vec![vec![path.to_vec()]], ways].concat(),
        filter,
    };
    let both = |one: &str, other: &str, filter| any(vec![vec![field(one), field(other)]], Some(filter));
    match world.path(flow, Scope::default(), path) {
        Ok(Type::Slot(kind)) => match kind {
            Kind::DateRange { .. } => both("check_in", "check_out", "date_range"),
            Kind::Party { .. } => both("adults", "children", "party"),
            Kind::Boolean => Ways::Truth,
            Kind::Date { .. } => any(Vec::new(), Some("day")),
            Kind::Phone => any(Vec::new(), Some("phone")),
            Kind::Reference => any(Vec::new(), Some("code")),
            Kind::Choice(Options::Fixed(_)) | Kind::Integer { .. } | Kind::Text { .. } | Kind::PersonName => {
                any(Vec::new(), None)
            }
            // The whole record is reached by its fields alone.
            Kind::Choice(Options::From { .. }) => Ways::Part,
        },
        Ok(Type::Schema(schema)) => match flow.slots.get(path.first().map_or("", String::as_str)) {
            Some(slot) if path.len() == 1 => match &slot.kind {
                Some(Kind::Choice(Options::From { label, .. })) => {
                    Ways::Any { ways: vec![vec![field(label)]], filter: None }
                }
                Some(_) | None => Ways::Part,
            },
            Some(_) | None => {
                let fields = schema.properties();
                let has = |one: &str, other: &str| fields.contains(&one) && fields.contains(&other);
                if has("minor", "currency") {
                    any(Vec::new(), Some("money"))
                } else if has("check_in", "check_out") {
                    both("check_in", "check_out", "date_range")
                } else if schema.types().iter().eq([&"boolean"]) {
                    Ways::Truth
                } else if fields.is_empty() {
                    any(Vec::new(), None)
                } else {
                    Ways::Part
                }
            }
        },
        Ok(Type::Any | Type::Text(_) | Type::Integer | Type::Number | Type::Truth) | Err(_) => Ways::Part,
    }
}

/// Whether a value is shown in one of its ways.
fn is_shown(shown: &Shown, path: &[String], ways: &Ways) -> bool {
    let whole = |path: &[String]| (1..=path.len()).any(|length| shown.whole.contains(&path[..length]));
    match ways {
        Ways::Any { ways, .. } => ways.iter().any(|all| all.iter().all(|path| whole(path))),
        Ways::Truth => whole(path) || shown.truths.contains(path),
        Ways::Part => whole(path) || shown.whole.iter().any(|shown| shown.starts_with(path)),
    }
}

/// What to write so that a value is shown.
fn suggestion(ways: &Ways, dotted: &str) -> String {
    match ways {
        Ways::Any { ways, filter } => {
            let path =
                ways.first().and_then(|all| all.first()).map_or(dotted.to_owned(), |path| path.join("."));
            match filter {
                Some(filter) => format!("`{{{{ {path} | {filter} }}}}`"),
                None => format!("`{{{{ {path} }}}}`"),
            }
        }
        Ways::Truth => {
            format!("`{{% if {dotted} %}}with{{% else %}}without{{% endif %}}`, in words of your own")
        }
        Ways::Part => format!("a field of it, for example `{{{{ {dotted}.name }}}}`"),
    }
}

/// Where the value, or something of it, is read without being shown on every way.
fn mention(shown: &Shown, path: &[String]) -> Option<Range<usize>> {
    let at_all = |related: &dyn Fn(&[String]) -> bool| {
        shown.mentions.iter().find(|(mentioned, _)| related(mentioned)).map(|(_, at)| at.clone())
    };
    at_all(&|mentioned| mentioned.starts_with(path))
        .or_else(|| at_all(&|mentioned| path.starts_with(mentioned)))
}

/// The first line that is not blank; an empty file has none.
fn first_words(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    let start = if start == text.len() { 0 } else { start };
    let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
    start..end
}

fn place(shown: &Shown, at: Range<usize>) -> Place {
    Place::new(&shown.file, &shown.text, at.start, at.end)
}
