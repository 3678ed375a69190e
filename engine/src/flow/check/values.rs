//! Whether a value that a flow computes can be one of a slot's.

use chrono::NaiveDate;

use super::draft::Draft;
use super::formula::{Formula, Shape};
use super::world::{Scope, Type, World};
use crate::slot::{Kind, Options};

/// Why a value cannot be one of this kind, with what may help; `None` where it can, or nobody knows.
pub(super) fn misfit<'w>(
    world: &World<'w>,
    flow: &'w Draft,
    scope: Scope<'_>,
    kind: &Kind,
    value: &Formula,
) -> Option<(String, Option<String>)> {
    let source = match &value.shape {
        Shape::List(_) => return Some(("this is a list".to_owned(), None)),
        Shape::Map(_) if matches!(kind, Kind::DateRange { .. } | Kind::Party { .. }) => return None,
        Shape::Map(_) => return Some(("this is a mapping".to_owned(), None)),
        Shape::Line(expression) => expression.as_ref()?.source(),
    };
    let given = world.line(flow, scope, source);
    let refused = |help| Some((format!("`{source}` is {}", given.described()), help));
    match (&given, kind) {
        (Type::Slot(Kind::Choice(Options::From { .. })), Kind::DateRange { .. } | Kind::Party { .. }) => {
            return refused(None);
        }
        (Type::Slot(Kind::Choice(Options::From { key, .. })), Kind::Choice(_)) => {
            return refused(Some(format!("its key is `{source}.{key}`")));
        }
        (Type::Slot(Kind::Choice(Options::From { label, .. })), _) => {
            return refused(Some(format!("for example `{source}.{label}`")));
        }
        (Type::Text(Some(text)), Kind::Date { .. }) => {
            return NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .err()
                .and_then(|_| refused(Some("a day such as `'2026-12-24'`".to_owned())));
        }
        (Type::Text(Some(text)), Kind::Choice(Options::Fixed(options))) if !options.contains(text) => {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            return Some((
                format!("`{text}` is none of its options"),
                super::near::meant(text, "options", options),
            ));
        }
        (Type::Slot(Kind::Choice(Options::Fixed(given))), Kind::Choice(Options::Fixed(options))) => {
            let other = given.iter().find(|option| !options.contains(option))?;
            return Some((format!("`{source}` can be `{other}`, which is none of its options"), None));
        }
        _ => {}
    }
    let accepted: &[&str] = match kind {
        Kind::DateRange { .. } => &["object"],
        Kind::Date { .. } => &["string"],
        Kind::Party { .. } => &["integer", "number", "object"],
        Kind::Choice(_) => &["string", "integer", "number"],
        Kind::Boolean => &["boolean"],
        Kind::Integer { .. } => &["integer", "number"],
        Kind::Text { .. } | Kind::PersonName | Kind::Phone | Kind::Reference => {
            &["string", "integer", "number"]
        }
    };
    let types = given.json_types();
    if types.is_empty() || types.iter().any(|name| accepted.contains(name)) {
        return None;
    }
    let help = match (&given, kind) {
        (Type::Slot(Kind::DateRange { .. }), Kind::Date { .. }) => {
            Some(format!("`{source}.check_in` or `{source}.check_out`"))
        }
        _ => None,
    };
    refused(help)
}
