//! Edits of slots: one is called otherwise, or is gone, wherever a flow speaks of it.

use super::kinds::{EXPRESSIONS, TARGETS, fresh, slots};
use super::tree::Node;
use crate::inn::guest::Dice;

pub(super) fn rename_slot(flow: &mut Node, dice: &mut Dice, tells: bool) -> Option<String> {
    let old = dice.pick(&slots(flow))?.clone();
    let new = fresh("called", dice);
    let entry = flow.get_mut("slots")?.entries_mut()?.iter_mut().find(|(name, _)| *name == old)?;
    entry.0.clone_from(&new);
    if tells {
        if let Some(kind) = entry.1.as_str() {
            entry.1 = Node::of(&format!("{{ type: {kind} }}"));
        }
        entry.1.set("was", Node::List(vec![Node::text(&old)]));
    }
    rename_below(flow, "", &old, &new);
    Some(format!("{old} → {new}"))
}

fn rename_below(node: &mut Node, under: &str, old: &str, new: &str) {
    match node {
        Node::Leaf(serde_json::Value::String(text)) => {
            let named = ["collect", "clear", "sets"].contains(&under) && text == old;
            let path = under == "confirm" && (text == old || text.starts_with(&format!("{old}.")));
            if named {
                *text = new.to_owned();
            } else if path || EXPRESSIONS.contains(&under) || under.starts_with("value ") {
                *text = renamed(text, old, new);
            }
        }
        Node::Leaf(_) => {}
        Node::List(items) => items.iter_mut().for_each(|item| rename_below(item, under, old, new)),
        Node::Map(entries) => {
            for (key, value) in entries {
                if under == "set" && key == old {
                    *key = new.to_owned();
                }
                let inner = match under {
                    "with" | "set" => format!("value {key}"),
                    // `output:` is an expression or a mapping of them.
                    _ if key == "output" => "value output".to_owned(),
                    _ if under == "value output" => format!("value {key}"),
                    _ => key.clone(),
                };
                rename_below(value, &inner, old, new);
            }
        }
    }
}

/// An expression in which a name at the beginning of a path is another.
fn renamed(text: &str, old: &str, new: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    while let Some(place) = rest.find(old) {
        let (before, after) = (&rest[..place], &rest[place + old.len()..]);
        let inside = before.ends_with(is_word)
            || before.ends_with(['.', '\'', '"'])
            || (before.is_empty() && out.ends_with(['.', '_']));
        let begins = !inside;
        let ends = !after.starts_with(is_word) && !after.starts_with(['\'', '"']);
        out.push_str(before);
        out.push_str(if begins && ends { new } else { old });
        rest = after;
    }
    out.push_str(rest);
    out
}

pub(super) fn remove_slot(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let gone = dice.pick(&slots(flow))?.clone();
    flow.get_mut("slots")?.remove(&gone);
    drop_below(flow, &gone);
    Some(gone)
}

fn drop_below(node: &mut Node, gone: &str) {
    match node {
        Node::Leaf(_) => {}
        Node::List(items) => {
            items.retain(|item| item.as_str() != Some(gone));
            items.iter_mut().for_each(|item| drop_below(item, gone));
        }
        Node::Map(entries) => {
            entries.retain(|(key, value)| {
                key == gone || value.as_str() != Some(gone) || TARGETS.contains(&key.as_str())
            });
            entries.iter_mut().for_each(|(_, value)| drop_below(value, gone));
        }
    }
}
