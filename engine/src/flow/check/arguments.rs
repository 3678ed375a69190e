//! Whether a tool exists, and takes the arguments that a flow gives it.

use super::draft::{Draft, DraftInvoke};
use super::formula::{Formula, Shape, single_path};
use super::near::listed;
use super::report::Report;
use super::schema::{Field, Schema};
use super::world::{Scope, Type, World, described};
use crate::flow::error::Rule;
use crate::flow::raw::{At, Spot};
use crate::slot::{Kind, Options};

/// Checks one call.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, flow: &Draft, invoke: &DraftInvoke) {
    let Some(tool) = world.tool(&invoke.tool.value) else {
        let tools = world.tools.keys().map(String::as_str);
        let message = format!("there is no tool `{}`", invoke.tool.value);
        report.unknown(&invoke.tool, Rule::UnknownTool, message, "tools", tools);
        return;
    };
    let input = Schema::of(&tool.input_schema);
    let scope = Scope::of_item(invoke.each.as_ref());
    let mut arguments = Arguments { report, world, flow, scope };
    let given: Vec<(&At<String>, &Formula)> = invoke.with.iter().map(|(name, value)| (name, value)).collect();
    arguments.object(&input, &given, invoke.tool.at, &format!("`{}`", tool.name));
}

struct Arguments<'a, 's, 'w> {
    report: &'a mut Report<'s>,
    world: &'a World<'w>,
    flow: &'a Draft,
    scope: Scope<'a>,
}

impl Arguments<'_, '_, '_> {
    /// Checks what is given against the fields of an object.
    fn object(&mut self, schema: &Schema<'_>, given: &[(&At<String>, &Formula)], at: Spot, owner: &str) {
        let required = schema.required();
        let mut meant = Vec::new();
        for (name, value) in given {
            match schema.field(&name.value) {
                Field::Found(field) => {
                    let needed = required.contains(&name.value.as_str());
                    self.value(&field, value, &name.value, owner, needed);
                }
                Field::Open => {}
                Field::Missing(known) => {
                    let free = known
                        .iter()
                        .copied()
                        .filter(|known| !given.iter().any(|(name, _)| name.value == *known));
                    meant.extend(super::near::nearest(&name.value, free.clone()));
                    let message = format!("{owner} has no argument `{}`", name.value);
                    self.report.unknown(name, Rule::UnknownArgument, message, "not given yet", free);
                }
            }
        }
        let missing: Vec<&str> = required
            .into_iter()
            .filter(|name| !given.iter().any(|(given, _)| given.value == *name) && !meant.contains(name))
            .collect();
        if !missing.is_empty() {
            let message = format!("{owner} needs {}", listed(&missing));
            let help = missing.iter().map(|name| format!("{name}: …")).collect::<Vec<_>>().join(", ");
            self.report.add(at, Rule::MissingArgument, message, Some(format!("`with: {{ {help} }}`")));
        }
    }

    /// Checks one value against its schema.
    fn value(&mut self, schema: &Schema<'_>, value: &Formula, name: &str, owner: &str, required: bool) {
        let expected = schema.types();
        match &value.shape {
            Shape::Map(entries) => {
                if !expected.is_empty() && !expected.contains("object") {
                    return self.mismatch(value.at, name, owner, schema, "this is a mapping", None);
                }
                let given: Vec<_> = entries.iter().map(|(name, value)| (name, value)).collect();
                self.object(schema, &given, value.at, &format!("`{name}` of {owner}"));
            }
            Shape::List(items) => {
                if !expected.is_empty() && !expected.contains("array") {
                    return self.mismatch(value.at, name, owner, schema, "this is a list", None);
                }
                if let Some(schema) = schema.items() {
                    for item in items {
                        self.value(&schema, item, name, owner, false);
                    }
                }
            }
            Shape::Line(None) => {}
            Shape::Line(Some(expression)) => {
                let source = expression.source();
                let given = self.world.line(self.flow, self.scope, source);
                if !fits(&given, schema) {
                    let help = match &given {
                        Type::Slot(Kind::DateRange { .. }) if expected.contains("string") => {
                            Some(format!("`{source}.check_in` or `{source}.check_out`"))
                        }
                        _ => None,
                    };
                    let given = format!("`{source}` is {}", given.described());
                    return self.mismatch(value.at, name, owner, schema, &given, help);
                }
                if let Some(needed) = of_another_format(&given, schema) {
                    let given = format!("`{source}` is {}", given.described());
                    let help = Some(format!("give it a {needed}"));
                    return self.mismatch(value.at, name, owner, schema, &given, help);
                }
                if let Some(help) = other_fields(&given, schema, source) {
                    let given = format!("`{source}` has other fields");
                    let help = Some(help);
                    return self.mismatch(value.at, name, owner, schema, &given, help);
                }
                if self.options(value.at, name, owner, schema, &given) && required {
                    self.optional(value.at, source, name, owner);
                }
            }
        }
    }

    fn mismatch(
        &mut self,
        at: Spot,
        name: &str,
        owner: &str,
        schema: &Schema<'_>,
        given: &str,
        help: Option<String>,
    ) {
        let message = format!("the argument `{name}` of {owner} is {}, and {given}", described(schema));
        self.report.add(at, Rule::ArgumentType, message, help);
    }

    /// Texts that are known must be among those the tool takes.
    fn options(&mut self, at: Spot, name: &str, owner: &str, schema: &Schema<'_>, given: &Type<'_>) -> bool {
        let Some(taken) = schema.options() else { return true };
        let texts: Vec<&str> = match given {
            Type::Slot(Kind::Choice(Options::Fixed(options))) => options.iter().map(String::as_str).collect(),
            Type::Text(Some(text)) => vec![text],
            _ => return true,
        };
        let refused: Vec<&str> = texts.into_iter().filter(|text| !taken.contains(text)).collect();
        if refused.is_empty() {
            return true;
        }
        let message = format!("the argument `{name}` of {owner} does not take {}", listed(&refused));
        self.report.add(at, Rule::ArgumentType, message, Some(format!("it takes {}", listed(&taken))));
        false
    }

    /// What a guest may leave empty cannot be what a tool needs.
    fn optional(&mut self, at: Spot, source: &str, name: &str, owner: &str) {
        let Some(slot) = single_path(source).and_then(|path| path.into_iter().next()) else { return };
        if self.flow.slots.get(&slot).is_some_and(|slot| slot.optional) {
            let message = format!("{owner} needs `{name}`, and the slot `{slot}` is optional");
            let help = format!("make `{slot}` a required slot, or give a value for none: `{source} or …`");
            self.report.add(at, Rule::NeverFilled, message, Some(help));
        }
    }
}

/// What an argument needs whose text is of a format (JSON Schema `format`) that the values of a slot never have.
fn of_another_format(given: &Type<'_>, schema: &Schema<'_>) -> Option<&'static str> {
    let Type::Slot(kind) = given else { return None };
    let (needed, has) = match schema.format()? {
        "date" => ("date", matches!(kind, Kind::Date { .. })),
        "phone" => ("telephone number", matches!(kind, Kind::Phone)),
        _ => return None,
    };
    let is_text = given.json_types() == ["string"];
    (is_text && !has).then_some(needed)
}

/// What to write instead of a slot whose fields have other names than those the tool knows, if they have.
fn other_fields(given: &Type<'_>, schema: &Schema<'_>, source: &str) -> Option<String> {
    let (field, fields) = match given {
        Type::Slot(Kind::DateRange { .. }) => ("check_in", "check_in` and `check_out"),
        _ => return None,
    };
    let Field::Missing(known) = schema.field(field) else { return None };
    let written: Vec<String> = known.iter().map(|name| format!("{name}: {source}.…")).collect();
    Some(format!("a stay has `{fields}`; write `{{ {} }}`", written.join(", ")))
}

/// Whether values of a type can be what a schema asks for. What is not known fits.
fn fits(given: &Type<'_>, schema: &Schema<'_>) -> bool {
    let expected = schema.types();
    let given = given.json_types();
    expected.is_empty()
        || given.is_empty()
        || given.iter().any(|name| {
            expected.contains(name)
                || (*name == "integer" && expected.contains("number"))
                || (*name == "number" && expected.contains("integer"))
        })
}
