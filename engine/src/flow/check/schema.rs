//! JSON Schemas, as far as flows ask: which fields there are, and of what type.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// How deep references may lead. A schema may refer to itself.
const DEPTH: usize = 16;

/// A schema with all its alternatives side by side: references are followed, `anyOf`, `oneOf` and `allOf` opened.
/// No alternatives means that anything goes.
#[derive(Clone, Debug)]
pub(super) struct Schema<'t> {
    /// Each alternative with the document it is from.
    parts: Vec<(&'t Json, &'t Json)>,
}

/// What a schema says about a field.
pub(super) enum Field<'t> {
    /// It is there.
    Found(Schema<'t>),
    /// It may be there.
    Open,
    /// It is not; these are.
    Missing(Vec<&'t str>),
}

impl<'t> Schema<'t> {
    /// The schema of a whole document.
    pub(super) fn of(root: &'t Json) -> Self {
        let mut parts = Vec::new();
        open(root, root, DEPTH, &mut parts);
        Self { parts }
    }

    /// One of several schemas. If one of them allows anything, so does the result.
    pub(super) fn any_of(schemas: impl IntoIterator<Item = Self>) -> Self {
        let mut parts = Vec::new();
        for schema in schemas {
            if schema.is_open() {
                return schema;
            }
            parts.extend(schema.parts);
        }
        Self { parts }
    }

    /// Whether it allows anything.
    pub(super) fn is_open(&self) -> bool {
        self.parts.is_empty()
    }

    /// What it says about the field `name`.
    pub(super) fn field(&self, name: &str) -> Field<'t> {
        if self.is_open() {
            return Field::Open;
        }
        let found: Vec<Self> = self
            .parts
            .iter()
            .filter_map(|(root, part)| {
                let field = part.get("properties")?.get(name)?;
                let mut parts = Vec::new();
                open(root, field, DEPTH, &mut parts);
                Some(Self { parts })
            })
            .collect();
        if !found.is_empty() {
            return Field::Found(Self::any_of(found));
        }
        let may_hold_more = |part: &Json| match part.get("additionalProperties") {
            Some(more) => more != &Json::Bool(false),
            None => part.get("properties").is_none() && types_of(part).is_none_or(|t| t.contains("object")),
        };
        if self.parts.iter().any(|(_, part)| may_hold_more(part)) {
            return Field::Open;
        }
        Field::Missing(self.properties())
    }

    /// The names of the fields it declares.
    pub(super) fn properties(&self) -> Vec<&'t str> {
        let names: BTreeSet<&str> = self
            .parts
            .iter()
            .filter_map(|(_, part)| part.get("properties")?.as_object())
            .flat_map(|properties| properties.keys().map(String::as_str))
            .collect();
        names.into_iter().collect()
    }

    /// The fields that must be there.
    pub(super) fn required(&self) -> Vec<&'t str> {
        self.parts
            .iter()
            .filter_map(|(_, part)| part.get("required")?.as_array())
            .flatten()
            .filter_map(Json::as_str)
            .collect()
    }

    /// The schema of a list's items; `None` if this is no list.
    pub(super) fn items(&self) -> Option<Self> {
        if self.is_open() {
            return Some(self.clone());
        }
        let lists: Vec<Self> = self
            .parts
            .iter()
            .filter(|(_, part)| {
                types_of(part).map_or_else(|| part.get("items").is_some(), |types| types.contains("array"))
            })
            .map(|(root, part)| {
                let mut parts = Vec::new();
                if let Some(items) = part.get("items") {
                    open(root, items, DEPTH, &mut parts);
                }
                Self { parts }
            })
            .collect();
        (!lists.is_empty()).then(|| Self::any_of(lists))
    }

    /// The types it allows, `null` left out; none means any.
    pub(super) fn types(&self) -> BTreeSet<&'t str> {
        let mut all = BTreeSet::new();
        for (_, part) in &self.parts {
            match types_of(part) {
                Some(types) => all.extend(types),
                None => return BTreeSet::new(),
            }
        }
        all.remove("null");
        all
    }

    /// The format of its texts, if all of them have the same.
    pub(super) fn format(&self) -> Option<&'t str> {
        let is_text = |part: &Json| types_of(part).is_none_or(|types| types.contains("string"));
        let mut formats =
            self.parts.iter().filter(|(_, part)| is_text(part)).map(|(_, part)| part.get("format")?.as_str());
        let first = formats.next()??;
        formats.all(|format| format == Some(first)).then_some(first)
    }

    /// The texts it allows, if it lists them.
    pub(super) fn options(&self) -> Option<Vec<&'t str>> {
        let mut all = Vec::new();
        for (_, part) in &self.parts {
            match (part.get("enum"), part.get("const")) {
                (Some(Json::Array(options)), _) => all.extend(options.iter().filter_map(Json::as_str)),
                (_, Some(Json::String(only))) => all.push(only.as_str()),
                _ if types_of(part).is_some_and(|types| types.iter().all(|name| *name == "null")) => {}
                _ => return None,
            }
        }
        (!all.is_empty()).then_some(all)
    }
}

/// Adds the alternatives of `node` to `parts`. What says nothing about types and fields adds nothing.
fn open<'t>(root: &'t Json, node: &'t Json, depth: usize, parts: &mut Vec<(&'t Json, &'t Json)>) {
    if depth == 0 {
        return;
    }
    if let Some(target) = node.get("$ref").and_then(Json::as_str) {
        if let Some(target) = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
            open(root, target, depth - 1, parts);
        }
        return;
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for alternative in node.get(keyword).and_then(Json::as_array).into_iter().flatten() {
            open(root, alternative, depth - 1, parts);
        }
    }
    const MEANINGFUL: [&str; 6] = ["type", "properties", "items", "enum", "const", "additionalProperties"];
    if MEANINGFUL.iter().any(|keyword| node.get(keyword).is_some()) {
        parts.push((root, node));
    }
}

/// The types a schema names, or that follow from what it lists.
fn types_of(part: &Json) -> Option<BTreeSet<&str>> {
    match part.get("type") {
        Some(Json::String(one)) => Some(BTreeSet::from([one.as_str()])),
        Some(Json::Array(several)) => Some(several.iter().filter_map(Json::as_str).collect()),
        _ => {
            let values = match (part.get("enum"), part.get("const")) {
                (Some(Json::Array(values)), _) => values.iter().collect(),
                (_, Some(value)) => vec![value],
                _ if part.get("properties").is_some() => return Some(BTreeSet::from(["object"])),
                _ if part.get("items").is_some() => return Some(BTreeSet::from(["array"])),
                _ => return None,
            };
            Some(values.into_iter().map(type_of_value).collect())
        }
    }
}

fn type_of_value(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}
