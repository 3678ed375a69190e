//! Slots as written: a type, its bounds, and where a value comes from.

use chrono::NaiveDate;

use super::draft::{DraftList, DraftSlot};
use super::formula::{Formula, single_path};
use super::report::{Fields, Report};
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node};
use crate::slot::{DateBound, Kind, Merge, Options};

/// Types by the names that authors write, with the keys each has besides those of all.
pub(super) const TYPES: &[(&str, &[&str])] = &[
    ("date_range", &["min", "max_nights"]),
    ("date", &["min", "max"]),
    ("party", &["min", "max"]),
    ("choice", &["options", "from", "key", "label", "words", "sets"]),
    ("boolean", &[]),
    ("integer", &["min", "max", "unit"]),
    ("text", &["max_length"]),
    ("person_name", &[]),
    ("phone", &[]),
    ("reference", &[]),
];

const KEYS: &[&str] = &[
    "type",
    "optional",
    "default",
    "remember",
    "was",
    "merge",
    "min",
    "max",
    "max_nights",
    "max_length",
    "unit",
    "options",
    "from",
    "key",
    "label",
    "words",
    "sets",
];

pub(super) const KEYS_OF_ALL: &[&str] = &["type", "optional", "default", "remember", "merge", "was"];

/// Policies by the names that authors write, with the types each is for; none means all.
pub(super) const MERGES: &[(&str, Merge, &[&str])] = &[
    ("replace", Merge::Replace, &[]),
    ("keep", Merge::Keep, &[]),
    ("append", Merge::Append, &["text"]),
    ("max", Merge::Max, &["integer", "date"]),
    ("min", Merge::Min, &["integer", "date"]),
    ("sum", Merge::Sum, &["integer"]),
];

const MOST_PEOPLE: i64 = 12;
const MOST_CHARACTERS: usize = 500;

/// Reads a slot, long (`{ type: date, min: today }`) or short (`boolean`).
pub(super) fn read(report: &mut Report<'_>, name: &At<String>, node: &Node) -> DraftSlot {
    let mut slot = DraftSlot {
        at: name.at,
        kind: None,
        list: None,
        optional: false,
        default: None,
        remember: false,
        merge: Merge::Replace,
        was: Vec::new(),
    };
    if let Data::Scalar { .. } = node.data {
        let Some(type_name) = report.text(node, &name.value) else { return slot };
        if let Some((known, _)) = type_of(report, &type_name) {
            match known {
                "choice" => report.add(
                    node.at,
                    Rule::Missing,
                    format!("the choice `{}` has no list", name.value),
                    Some("for example `{ type: choice, options: [one, other] }`".to_owned()),
                ),
                _ => slot.kind = plain_kind(known),
            }
        }
        return slot;
    }
    let what = format!("the slot `{}`", name.value);
    let type_written = match &node.data {
        Data::Map(entries) => entries.iter().find(|(key, _)| key.value == "type"),
        Data::Scalar { .. } | Data::List(_) => None,
    };
    let own = TYPES.iter().find(|(name, _)| type_written.and_then(|(_, node)| node.text()) == Some(name));
    let shown = match own {
        Some((_, own)) => [KEYS_OF_ALL, own].concat(),
        None => KEYS.to_vec(),
    };
    let Some(fields) = report.fields_of(node, &what, KEYS, &shown) else { return slot };
    slot.optional = fields.get("optional").and_then(|n| report.truth(n, "optional")).unwrap_or(false);
    slot.remember = fields.get("remember").and_then(|n| report.truth(n, "remember")).unwrap_or(false);
    slot.was = fields.get("was").map(|node| report.texts(node, "was")).unwrap_or_default();
    slot.default = fields.get("default").and_then(|n| Formula::read(report, n, "default", true));
    let Some(type_node) = fields.get("type") else {
        if !fields.strange {
            report.add(
                name.at,
                Rule::Missing,
                format!("{what} has no `type`"),
                Some(format!("types: {}", super::near::listed(&type_names()))),
            );
        }
        return slot;
    };
    let Some(type_name) = report.text(type_node, "type") else { return slot };
    let Some((known, keys)) = type_of(report, &type_name) else { return slot };
    for (key, at) in fields.keys().filter(|(key, _)| !KEYS_OF_ALL.contains(key) && !keys.contains(key)) {
        let help = match keys {
            [] => format!("a {known} has no bounds"),
            keys => format!("a {known} can have {}", super::near::listed(keys)),
        };
        report.add(at, Rule::UnknownKey, format!("`{key}` means nothing for a {known}"), Some(help));
    }
    slot.kind = kind(report, known, &fields, &mut slot.list, name);
    slot.merge = fields.get("merge").and_then(|node| merge(report, node, known)).unwrap_or_default();
    slot
}

/// What becomes of a value when another is heard.
fn merge(report: &mut Report<'_>, node: &Node, type_name: &str) -> Option<Merge> {
    let policy = report.text(node, "merge")?;
    let Some((_, merge, types)) = MERGES.iter().find(|(known, _, _)| *known == policy.value) else {
        let names: Vec<&str> = MERGES.iter().map(|(name, _, _)| *name).collect();
        let message = format!("there is no way to merge called `{}`", policy.value);
        report.unknown(&policy, Rule::WrongType, message, "ways", names);
        return None;
    };
    if !types.is_empty() && !types.contains(&type_name) {
        let message = format!("a {type_name} cannot be merged by `{}`", policy.value);
        let help = format!("`{}` is for {}", policy.value, super::near::listed(types));
        report.add(policy.at, Rule::Conflict, message, Some(help));
        return None;
    }
    Some(*merge)
}

fn type_names() -> Vec<&'static str> {
    TYPES.iter().map(|(name, _)| *name).collect()
}

fn type_of(report: &mut Report<'_>, name: &At<String>) -> Option<(&'static str, &'static [&'static str])> {
    let found = TYPES.iter().find(|(known, _)| *known == name.value).copied();
    if found.is_none() {
        let names = type_names();
        report.unknown(
            name,
            Rule::UnknownType,
            format!("there is no slot type `{}`", name.value),
            "types",
            names.iter().copied(),
        );
    }
    found
}

/// The kind of a type that needs no keys.
fn plain_kind(name: &str) -> Option<Kind> {
    Some(match name {
        "date_range" => Kind::DateRange { min: None, max_nights: None },
        "date" => Kind::Date { min: None, max: None },
        "party" => Kind::Party { min: 1, max: u32::try_from(MOST_PEOPLE).unwrap_or(1) },
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer { min: None, max: None, unit: Vec::new() },
        "text" => Kind::Text { max_length: MOST_CHARACTERS },
        "person_name" => Kind::PersonName,
        "phone" => Kind::Phone,
        "reference" => Kind::Reference,
        _ => return None,
    })
}

fn kind(
    report: &mut Report<'_>,
    type_name: &str,
    fields: &Fields<'_>,
    list: &mut Option<DraftList>,
    slot: &At<String>,
) -> Option<Kind> {
    let mut number =
        |key: &'static str, least| fields.get(key).and_then(|node| report.number(node, key, least));
    match type_name {
        "date_range" => {
            let max_nights = number("max_nights", 1).and_then(|nights| u32::try_from(nights).ok());
            Some(Kind::DateRange { min: bound(report, fields, "min"), max_nights })
        }
        "date" => {
            let (min, max) = (bound(report, fields, "min"), bound(report, fields, "max"));
            let backwards = match (min, max) {
                (Some(DateBound::Today(min)), Some(DateBound::Today(max))) => min > max,
                (Some(DateBound::On(min)), Some(DateBound::On(max))) => min > max,
                _ => false,
            };
            ordered(report, fields, backwards);
            Some(Kind::Date { min, max })
        }
        "party" => {
            let min = number("min", 1).unwrap_or(1);
            let max = number("max", 1).unwrap_or(MOST_PEOPLE.max(min));
            ordered(report, fields, min > max);
            Some(Kind::Party { min: u32::try_from(min).ok()?, max: u32::try_from(max).ok()? })
        }
        "integer" => {
            let (min, max) = (number("min", i64::MIN), number("max", i64::MIN));
            ordered(report, fields, min.zip(max).is_some_and(|(min, max)| min > max));
            let unit = fields.get("unit").map(|node| report.texts(node, "unit")).unwrap_or_default();
            Some(Kind::Integer { min, max, unit: unit.into_iter().map(|text| text.value).collect() })
        }
        "text" => {
            let max_length = number("max_length", 1).and_then(|length| usize::try_from(length).ok());
            Some(Kind::Text { max_length: max_length.unwrap_or(MOST_CHARACTERS) })
        }
        "choice" => choice(report, fields, list, slot).map(Kind::Choice),
        other => plain_kind(other),
    }
}

fn ordered(report: &mut Report<'_>, fields: &Fields<'_>, backwards: bool) {
    if let (true, Some(at)) = (backwards, fields.get("max").or(fields.get("min")).map(|node| node.at)) {
        report.add(at, Rule::Conflict, "the largest is smaller than the smallest", None);
    }
}

/// `today`, `today+3`, `today-1` or a date.
fn bound(report: &mut Report<'_>, fields: &Fields<'_>, key: &str) -> Option<DateBound> {
    let node = fields.get(key)?;
    let text = node.scalar().map(str::trim).unwrap_or_default();
    let days = match text.strip_prefix("today").map(str::trim) {
        Some("") => Some(0),
        Some(rest) => match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
            (Some(days), _) => days.trim().parse::<u32>().ok().map(i64::from),
            (_, Some(days)) => days.trim().parse::<u32>().ok().map(|days| -i64::from(days)),
            _ => None,
        },
        None => None,
    };
    let bound = days
        .map(DateBound::Today)
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(DateBound::On));
    if bound.is_none() {
        report.wrong(
            node,
            &format!("`{key}` must be a date"),
            Some("`today`, `today+3` or a day such as `2026-12-24`".to_owned()),
        );
    }
    bound
}

fn choice(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    list: &mut Option<DraftList>,
    slot: &At<String>,
) -> Option<Options> {
    match (fields.get("options"), fields.get("from")) {
        (Some(_), Some(from)) => {
            let message = format!("the choice `{}` has two lists", slot.value);
            report.add(from.at, Rule::Conflict, message, Some("keep `options` or `from`".to_owned()));
            None
        }
        (Some(options), None) => {
            for (key, at) in fields.keys().filter(|(key, _)| ["key", "label", "words", "sets"].contains(key))
            {
                let message = format!("`{key}` is for a list that comes `from` a result");
                report.add(at, Rule::UnknownKey, message, None);
            }
            let texts = report.texts(options, "options");
            if texts.is_empty() && matches!(&options.data, Data::List(items) if items.is_empty()) {
                let message = format!("the choice `{}` has no options", slot.value);
                report.add(options.at, Rule::Missing, message, None);
            }
            (!texts.is_empty()).then(|| Options::Fixed(texts.into_iter().map(|text| text.value).collect()))
        }
        (None, Some(from)) => listed(report, fields, from, list, slot),
        (None, None) => {
            if !fields.strange {
                report.add(
                    slot.at,
                    Rule::Missing,
                    format!("the choice `{}` has no list", slot.value),
                    Some("`options: [one, other]`, or `from: result.list` with `key` and `label`".to_owned()),
                );
            }
            None
        }
    }
}

/// A list that comes from a result.
fn listed(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    from: &Node,
    list: &mut Option<DraftList>,
    slot: &At<String>,
) -> Option<Options> {
    let mut required = |key: &'static str| match fields.get(key) {
        Some(node) => report.text(node, key),
        None => {
            if !fields.strange {
                let message = format!("the choice `{}` has no `{key}`", slot.value);
                let help = match key {
                    "key" => "`key` is the field that identifies an item",
                    _ => "`label` is the field that names an item to a guest",
                };
                report.add(slot.at, Rule::Missing, message, Some(help.to_owned()));
            }
            None
        }
    };
    let (key, label) = (required("key"), required("label"));
    let words = fields.get("words").map(|node| report.texts(node, "words")).unwrap_or_default();
    let sets = fields.get("sets").map(|node| report.texts(node, "sets")).unwrap_or_default();
    let written = report.text(from, "from")?;
    let Some(path) = single_path(&written.value) else {
        report.wrong(
            from,
            "`from` must be a path to a list",
            Some("the name of a result and a field, for example `offers.rooms`".to_owned()),
        );
        return None;
    };
    let (key, label) = (key?, label?);
    let [result, rest @ ..] = path.as_slice() else { return None };
    let options = Options::From {
        result: result.clone(),
        path: rest.to_vec(),
        key: key.value.clone(),
        label: label.value.clone(),
        words: words.iter().map(|word| word.value.clone()).collect(),
        sets: sets.iter().map(|set| set.value.clone()).collect(),
    };
    let fields = [key, label].into_iter().chain(words).collect();
    *list = Some(DraftList { from: At::new(path, written.at), fields, sets });
    Some(options)
}
