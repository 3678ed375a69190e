//! Texts that conditions compare with: where all that there can be is known, they are among it.

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr};
use minijinja::machinery::parse_expr;

use super::draft::{Draft, DraftDoes};
use super::formula::Formula;
use super::near::{meant, nearest};
use super::report::Report;
use super::world::{OUTCOME, Scope, Type, World};
use crate::flow::error::Rule;
use crate::flow::raw::Spot;
use crate::slot::{Kind, Options};

/// Outcomes that mean the same wherever flows end.
const CUSTOMARY: [&str; 2] = ["done", "abandoned"];

/// An outcome of so few letters is near to too many others.
const SHORT: usize = 4;

/// Checks the comparisons in an expression. `ran` is the flow that was run before it.
pub(super) fn check(
    report: &mut Report<'_>,
    world: &World<'_>,
    flow: &Draft,
    formula: &Formula,
    scope: Scope<'_>,
    ran: Option<&Draft>,
) {
    for (at, expression) in formula.lines() {
        let Ok(tree) = parse_expr(expression.source()) else { continue };
        let mut compared = Vec::new();
        comparisons(&tree, &mut compared);
        for (path, text) in compared {
            let Some(known) = possible(world, flow, scope, ran, &path) else { continue };
            if known.contains(&text) {
                continue;
            }
            let path = path.join(".");
            let known = known.iter().map(String::as_str);
            let help = meant(&text, "it can be", known);
            let spot = quoted(at, report.text_at(at), &text);
            report.add(spot, Rule::UnknownOption, format!("`{path}` is never `{text}`"), help);
        }
    }
}

/// Reports an outcome that is nearly a customary one, and that nobody asks for.
pub(super) fn outcomes(report: &mut Report<'_>, world: &World<'_>, flow: &Draft) {
    for state in flow.states.values() {
        let DraftDoes::Final { outcome, .. } = &state.does else { continue };
        let text = outcome.value.as_str();
        let Some(near) = nearest(text, CUSTOMARY).filter(|near| *near != text) else { continue };
        // "none" is a word of its own.
        if text.chars().count() <= SHORT {
            continue;
        }
        let asked = world.drafts.values().flat_map(Draft::cases).any(|(_, case)| {
            let guard = case.guard.as_ref().and_then(|guard| guard.expression.as_ref());
            guard.is_some_and(|guard| {
                let source = guard.source();
                source.contains(&format!("'{text}'")) || source.contains(&format!("\"{text}\""))
            })
        });
        if !asked {
            let message = format!("nobody asks for the outcome `{text}`");
            report.add(outcome.at, Rule::UnknownOption, message, Some(format!("did you mean `{near}`?")));
        }
    }
}

/// All texts that a path can be, where they are known.
fn possible(
    world: &World<'_>,
    flow: &Draft,
    scope: Scope<'_>,
    ran: Option<&Draft>,
    path: &[String],
) -> Option<Vec<String>> {
    if flow.strange || flow.slots_unread {
        return None;
    }
    if path == [OUTCOME] {
        let ran = ran.filter(|ran| !ran.strange)?;
        let mut outcomes = Vec::new();
        for state in ran.states.values() {
            match &state.does {
                DraftDoes::Final { outcome, .. } => outcomes.push(outcome.value.clone()),
                DraftDoes::Unread => return None,
                DraftDoes::Collect { .. }
                | DraftDoes::Invoke(_)
                | DraftDoes::Run(_)
                | DraftDoes::Confirm { .. }
                | DraftDoes::Ask { .. }
                | DraftDoes::Rest { .. }
                | DraftDoes::Held
                | DraftDoes::Compound { .. }
                | DraftDoes::Parallel { .. }
                | DraftDoes::History { .. } => {}
            }
        }
        return Some(outcomes);
    }
    match world.path(flow, scope, path).ok()? {
        Type::Slot(Kind::Choice(Options::Fixed(options))) => Some(options.clone()),
        Type::Schema(schema) => Some(schema.options()?.into_iter().map(str::to_owned).collect()),
        Type::Any | Type::Slot(_) | Type::Text(_) | Type::Integer | Type::Number | Type::Truth => None,
    }
}

/// Every path with a text that it is compared with.
fn comparisons(tree: &Expr<'_>, found: &mut Vec<(Vec<String>, String)>) {
    match tree {
        Expr::UnaryOp(unary) => comparisons(&unary.expr, found),
        Expr::BinOp(both) => {
            match both.op {
                BinOpKind::Eq | BinOpKind::Ne => {
                    equal(&both.left, &both.right, found);
                    equal(&both.right, &both.left, found);
                }
                BinOpKind::In => among(&both.left, &both.right, found),
                _ => {}
            }
            comparisons(&both.left, found);
            comparisons(&both.right, found);
        }
        Expr::Compare(compare) => {
            if let [only] = compare.ops.as_slice() {
                match only.op {
                    CompareOpKind::Eq | CompareOpKind::Ne => {
                        equal(&compare.expr, &only.expr, found);
                        equal(&only.expr, &compare.expr, found);
                    }
                    CompareOpKind::In | CompareOpKind::NotIn => among(&compare.expr, &only.expr, found),
                    _ => {}
                }
            }
        }
        Expr::IfExpr(either) => {
            comparisons(&either.test_expr, found);
            comparisons(&either.true_expr, found);
            either.false_expr.iter().for_each(|other| comparisons(other, found));
        }
        _ => {}
    }
}

fn equal(path: &Expr<'_>, text: &Expr<'_>, found: &mut Vec<(Vec<String>, String)>) {
    if let (Some(path), Some(text)) = (path_of(path), text_of(text)) {
        found.push((path, text));
    }
}

fn among(path: &Expr<'_>, list: &Expr<'_>, found: &mut Vec<(Vec<String>, String)>) {
    let items = match list {
        Expr::List(list) => &list.items,
        Expr::Tuple(tuple) => &tuple.items,
        _ => return,
    };
    items.iter().for_each(|text| equal(path, text, found));
}

fn path_of(expression: &Expr<'_>) -> Option<Vec<String>> {
    match expression {
        Expr::Var(variable) => Some(vec![variable.id.to_owned()]),
        Expr::GetAttr(attribute) => {
            let mut path = path_of(&attribute.expr)?;
            path.push(attribute.name.to_owned());
            Some(path)
        }
        _ => None,
    }
}

fn text_of(expression: &Expr<'_>) -> Option<String> {
    match expression {
        Expr::Const(constant) => constant.value.as_str().map(str::to_owned),
        _ => None,
    }
}

/// The place of a text between marks, without them.
fn quoted(at: Spot, written: &str, text: &str) -> Spot {
    let found = ['\'', '"'].iter().find_map(|mark| written.find(&format!("{mark}{text}{mark}")));
    match found {
        Some(start) => Spot { start: at.start + start + 1, end: at.start + start + 1 + text.len(), ..at },
        None => at,
    }
}
