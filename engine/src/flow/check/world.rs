//! What a flow's names stand for: its slots, its results, the facts, and everything outside of it.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;

use super::draft::{Draft, DraftDoes, DraftEach, DraftInvoke, DraftSlot};
use super::formula::{Formula, single_path};
use super::near::nearest;
use super::schema::{Field, Schema};
use crate::catalog::{Prompts, Tool, Tools};
use crate::flow::ROOT;
use crate::flow::raw::Spot;
use crate::guard::NAMES;
use crate::slot::{Kind, Options};

/// The fact that only what answers a failure can read.
pub(super) const ERROR: &str = "error";

/// The fact that only what follows a flow that was run can read.
pub(super) const OUTCOME: &str = "outcome";

/// The fact that only what answers a named event can read.
pub(super) const EVENT: &str = "event";

/// The fields of [`ERROR`].
const ERROR_FIELDS: &[&str] = &["code", "message"];

/// The fact about the guest.
const GUEST: &str = "guest";

/// The field of [`GUEST`] with the ways by which something can be sent to them.
const REACH: &str = "reach";

const GUEST_REACH: &str = "guest.reach";

/// What there is of every guest; what flows remember comes to that.
const GUEST_FIELDS: &[&str] = &["known", "phone", REACH];

/// Facts that every expression can read besides slots and results.
pub(super) fn facts() -> impl Iterator<Item = &'static str> + Clone {
    NAMES.iter().map(|(name, _)| *name).filter(|name| ![ERROR, OUTCOME, EVENT].contains(name))
}

/// What an expression can read where it stands, besides slots, results and [`facts`].
#[derive(Clone, Copy, Default)]
pub(super) struct Scope<'w> {
    /// Whether there is a failure.
    pub(super) error: bool,
    /// Whether a flow was run.
    pub(super) outcome: bool,
    /// Whether there is a named event.
    pub(super) event: bool,
    /// The item of a list, and the list.
    pub(super) item: Option<(&'w str, &'w Formula)>,
}

impl<'w> Scope<'w> {
    /// What is given along can read: the item, where there is one.
    pub(super) fn of_item(each: Option<&'w DraftEach>) -> Self {
        Self { item: each.map(|each| (each.item.value.as_str(), &each.list)), ..Self::default() }
    }

    /// Whether a name that is no slot and no result means something here.
    pub(super) fn knows(&self, name: &str) -> bool {
        match name {
            ERROR => self.error,
            OUTCOME => self.outcome,
            EVENT => self.event,
            name => facts().any(|fact| fact == name) || self.item.is_some_and(|(item, _)| item == name),
        }
    }
}

/// Variables that every prompt can use besides slots and results.
pub(super) const PROMPT_VARIABLES: &[&str] = &[
    "asked", "channel", "error", "flows", "guest", "invalid", "items", "kind", "language", "more", "page",
    "silence", "slot", "spelled", "today", "unclear",
];

/// All flows that could be read, and what they may name.
pub(super) struct World<'w> {
    pub(super) drafts: &'w IndexMap<String, Draft>,
    /// Flows that a file switches off, and where.
    pub(super) off: &'w HashMap<String, Spot>,
    pub(super) tools: &'w Tools,
    pub(super) prompts: &'w Prompts,
    /// Whether every file could be read, so that what is not there is really not there.
    pub(super) whole: bool,
    /// The named events that flows declare.
    pub(super) events: &'w BTreeSet<String>,
}

/// What an expression yields, as far as it is known.
#[derive(Clone, Debug)]
pub(super) enum Type<'w> {
    /// Nothing is known.
    Any,
    /// The value of a slot.
    Slot(&'w Kind),
    /// A part of a tool's result.
    Schema(Schema<'w>),
    /// A text; a literal one is known.
    Text(Option<String>),
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Truth,
}

/// A field that is not there.
pub(super) struct NoField {
    /// The path up to what lacks it.
    pub(super) owner: String,
    /// The field.
    pub(super) field: String,
    /// The fields that are there.
    pub(super) known: Vec<String>,
}

impl<'w> World<'w> {
    /// The root chart.
    pub(super) fn root(&self) -> Option<&'w Draft> {
        self.drafts.get(ROOT)
    }

    /// A tool by its name.
    pub(super) fn tool(&self, name: &str) -> Option<&'w Tool> {
        self.tools.get(name)
    }

    /// Whether a call is of a tool that is not known to only read.
    pub(super) fn call_writes(&self, invoke: &DraftInvoke) -> bool {
        self.tool(&invoke.tool.value).is_none_or(|tool| !tool.read_only)
    }

    /// Whether a state makes such a call.
    pub(super) fn writes(&self, does: &DraftDoes) -> bool {
        matches!(does, DraftDoes::Invoke(invoke) if self.call_writes(invoke))
    }

    /// The schema of a flow's result, open when a tool that makes it says nothing.
    pub(super) fn result(&self, flow: &'w Draft, name: &str) -> Schema<'w> {
        let makers = flow
            .states
            .values()
            .filter(|state| state.saves.as_ref().is_some_and(|saves| saves.value == name));
        Schema::any_of(makers.map(|state| {
            let tool = match &state.does {
                DraftDoes::Invoke(invoke) if invoke.each.is_none() => self.tool(&invoke.tool.value),
                _ => None,
            };
            tool.and_then(|tool| tool.output_schema.as_ref()).map_or_else(|| Schema::any_of([]), Schema::of)
        }))
    }

    /// The type of a path that begins with a slot, a result or a fact; an unknown beginning is of any type.
    ///
    /// # Errors
    /// [`NoField`] for the first field that is not there.
    pub(super) fn path(
        &self,
        flow: &'w Draft,
        scope: Scope<'_>,
        path: &[String],
    ) -> Result<Type<'w>, NoField> {
        let [name, fields @ ..] = path else { return Ok(Type::Any) };
        if let Some(slot) = flow.slots.get(name) {
            return self.slot_path(flow, slot, name, fields);
        }
        if flow.has_result(name) {
            return descend(self.result(flow, name), name, fields);
        }
        if let Some((_, list)) = scope.item.filter(|(item, _)| item == name) {
            return match self.item(flow, list) {
                Some(item) => descend(item, name, fields),
                None => Ok(Type::Any),
            };
        }
        let (known, itself): (&[&str], Type<'w>) = match name.as_str() {
            GUEST => return self.guest_path(fields).map(|()| Type::Any),
            ERROR => (ERROR_FIELDS, Type::Any),
            "today" | OUTCOME => (&[], Type::Text(None)),
            "unclear" | "silence" | "waiting" => (&[], Type::Integer),
            "busy" | "undoable" => (&[], Type::Truth),
            _ => return Ok(Type::Any),
        };
        match fields {
            [] => Ok(itself),
            [field] if known.contains(&field.as_str()) => Ok(Type::Text(None)),
            [field, ..] => Err(NoField {
                owner: name.clone(),
                field: field.clone(),
                known: known.iter().map(|field| (*field).to_owned()).collect(),
            }),
        }
    }

    /// Whether that may be known of a guest. A program can tell more of them than flows remember, and more ways than
    /// flows send by: only what looks like one of those, misspelt, is missing.
    fn guest_path(&self, fields: &[String]) -> Result<(), NoField> {
        if !self.whole || self.drafts.values().any(|flow| flow.strange || flow.slots_unread) {
            return Ok(());
        }
        let flows = self.drafts.values();
        let (owner, field, known): (&str, &String, BTreeSet<&str>) = match fields {
            [] => return Ok(()),
            [reach, way, ..] if reach == REACH => {
                let sends =
                    flows.flat_map(|flow| flow.states.values()).filter_map(|state| match &state.does {
                        DraftDoes::Confirm { sends, .. } => Some(sends.as_ref()?.to.value.as_str()),
                        _ => None,
                    });
                (GUEST_REACH, way, sends.collect())
            }
            [field, ..] => {
                let slots = flows.flat_map(|flow| &flow.slots);
                let remembered = slots.filter(|(_, slot)| slot.remember).map(|(name, _)| name.as_str());
                (GUEST, field, remembered.chain(GUEST_FIELDS.iter().copied()).collect())
            }
        };
        if known.contains(field.as_str()) || nearest(field, known.iter().copied()).is_none() {
            return Ok(());
        }
        let known = known.into_iter().map(str::to_owned).collect();
        Err(NoField { owner: owner.to_owned(), field: field.clone(), known })
    }

    fn slot_path(
        &self,
        flow: &'w Draft,
        slot: &'w DraftSlot,
        name: &str,
        fields: &[String],
    ) -> Result<Type<'w>, NoField> {
        let Some(kind) = &slot.kind else { return Ok(Type::Any) };
        let known: &[&str] = match kind {
            Kind::DateRange { .. } => &["check_in", "check_out"],
            Kind::Party { .. } => &["adults", "children"],
            Kind::Choice(Options::From { .. }) => {
                return match self.items(flow, kind) {
                    Some(items) => descend(items, name, fields),
                    None => Ok(Type::Any),
                };
            }
            Kind::Choice(Options::Fixed(_))
            | Kind::Date { .. }
            | Kind::Boolean
            | Kind::Integer { .. }
            | Kind::Text { .. }
            | Kind::PersonName
            | Kind::Phone
            | Kind::Reference => &[],
        };
        match fields {
            [] => Ok(Type::Slot(kind)),
            [field] if known.contains(&field.as_str()) => Ok(match kind {
                Kind::Party { .. } => Type::Integer,
                _ => Type::Text(None),
            }),
            [first, rest @ ..] => {
                let known_first = known.contains(&first.as_str());
                let (owner, field) = match rest {
                    [second, ..] if known_first => (format!("{name}.{first}"), second),
                    _ => (name.to_owned(), first),
                };
                let known = if known_first { &[] } else { known };
                Err(NoField {
                    owner,
                    field: field.clone(),
                    known: known.iter().map(|field| (*field).to_owned()).collect(),
                })
            }
        }
    }

    /// The schema of the item of a list that something is done for; `None` when nothing is known about it.
    pub(super) fn item(&self, flow: &'w Draft, list: &Formula) -> Option<Schema<'w>> {
        let path = single_path(list.expression.as_ref()?.source())?;
        match self.path(flow, Scope::default(), &path) {
            Ok(Type::Schema(list)) => list.items(),
            _ => None,
        }
    }

    /// The schema of the items of a choice's list; `None` when the list is wrong, which is reported elsewhere.
    pub(super) fn items(&self, flow: &'w Draft, kind: &Kind) -> Option<Schema<'w>> {
        let Kind::Choice(Options::From { result, path, .. }) = kind else { return None };
        if !flow.has_result(result) {
            return None;
        }
        match descend(self.result(flow, result), result, path) {
            Ok(Type::Schema(list)) => list.items(),
            Ok(_) => Some(Schema::any_of([])),
            Err(_) => None,
        }
    }

    /// The type of an expression: known for a path and for a literal.
    pub(super) fn line(&self, flow: &'w Draft, scope: Scope<'_>, source: &str) -> Type<'w> {
        let source = source.trim();
        let quoted = |mark: char| {
            source.strip_prefix(mark)?.strip_suffix(mark).filter(|inside| !inside.contains(mark))
        };
        if let Some(text) = quoted('\'').or_else(|| quoted('"')) {
            return Type::Text(Some(text.to_owned()));
        }
        if matches!(source, "true" | "false") {
            return Type::Truth;
        }
        if source.parse::<i64>().is_ok() {
            return Type::Integer;
        }
        if source.starts_with(|first: char| first.is_ascii_digit() || first == '-')
            && source.parse::<f64>().is_ok()
        {
            return Type::Number;
        }
        match single_path(source) {
            Some(path) => self.path(flow, scope, &path).unwrap_or(Type::Any),
            None => Type::Any,
        }
    }
}

fn descend<'w>(schema: Schema<'w>, name: &str, fields: &[String]) -> Result<Type<'w>, NoField> {
    let mut schema = schema;
    let mut owner = name.to_owned();
    for field in fields {
        schema = match schema.field(field) {
            Field::Found(found) => found,
            Field::Open => return Ok(Type::Any),
            Field::Missing(known) => {
                return Err(NoField {
                    owner,
                    field: field.clone(),
                    known: known.into_iter().map(str::to_owned).collect(),
                });
            }
        };
        owner = format!("{owner}.{field}");
    }
    Ok(Type::Schema(schema))
}

impl Type<'_> {
    /// What it is called in a sentence.
    pub(super) fn described(&self) -> String {
        match self {
            Self::Any => "anything".to_owned(),
            Self::Slot(kind) => format!("a {}", kind.name()),
            Self::Schema(schema) => described(schema),
            Self::Text(_) => "a string".to_owned(),
            Self::Integer => "an integer".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Truth => "a boolean".to_owned(),
        }
    }

    /// The JSON types its values have; none means any.
    pub(super) fn json_types(&self) -> Vec<&str> {
        match self {
            Self::Any => Vec::new(),
            Self::Slot(kind) => match kind {
                Kind::DateRange { .. } => vec!["object"],
                Kind::Party { .. } => vec!["integer", "object"],
                Kind::Boolean => vec!["boolean"],
                Kind::Integer { .. } => vec!["integer"],
                Kind::Choice(Options::From { .. }) => Vec::new(),
                Kind::Choice(Options::Fixed(_))
                | Kind::Date { .. }
                | Kind::Text { .. }
                | Kind::PersonName
                | Kind::Phone
                | Kind::Reference => vec!["string"],
            },
            Self::Schema(schema) => schema.types().into_iter().collect(),
            Self::Text(_) => vec!["string"],
            Self::Integer => vec!["integer"],
            Self::Number => vec!["number"],
            Self::Truth => vec!["boolean"],
        }
    }
}

/// What a schema is called in a sentence: `an integer`, `a string or an object`.
pub(super) fn described(schema: &Schema<'_>) -> String {
    let types: Vec<String> = schema
        .types()
        .into_iter()
        .map(|name| match name {
            "string" if schema.format().is_some() => format!("a {}", schema.format().unwrap_or("string")),
            "array" => "a list".to_owned(),
            "integer" | "object" => format!("an {name}"),
            name => format!("a {name}"),
        })
        .collect();
    if types.is_empty() { "anything".to_owned() } else { types.join(" or ") }
}
