//! The edits of flows that are tried: what somebody does to a file between two days.

use serde_json::json;

use super::slots::{remove_slot, rename_slot};
use super::tree::Node;
use crate::inn::guest::Dice;

/// The flow files of a set under edit.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) files: Vec<(String, Node)>,
    /// What was done.
    pub(crate) done: Vec<String>,
}

/// Keys under which a text may name states.
pub(super) const TARGETS: [&str; 12] = [
    "target", "done", "error", "unknown", "yes", "no", "initial", "always", "default", "state", "before",
    "passed",
];
/// Keys under which texts are expressions.
pub(super) const EXPRESSIONS: [&str; 4] = ["guard", "default", "each", "holds"];

/// One kind of edit: changes a flow, and says what it did. `None` where it cannot be done to this flow.
type Edit = fn(&mut Node, &mut Dice) -> Option<String>;

const EDITS: [(&str, Edit); 19] = [
    ("rename a state", |flow, dice| rename_state(flow, dice, false)),
    ("rename a state and say so", |flow, dice| rename_state(flow, dice, true)),
    ("put in a collect", put_in_collect),
    ("put in a collect", put_in_collect),
    ("put in a collect of what is known", put_in_known),
    ("put in a question", put_in_ask),
    ("remove a state", remove_state),
    ("reorder the states", reorder),
    ("collect one more slot", one_more_slot),
    ("add a slot", add_slot),
    ("rename a slot", |flow, dice| rename_slot(flow, dice, false)),
    ("rename a slot and say so", |flow, dice| rename_slot(flow, dice, true)),
    ("remove a slot", remove_slot),
    ("another prompt", another_prompt),
    ("another guard", another_guard),
    ("other bounds", other_bounds),
    ("other times", other_times),
    ("split a collect", split_collect),
    ("wrap the states", wrap),
];

impl Files {
    /// An edit of this file, and maybe one more of any file, the root chart's seldom.
    pub(crate) fn edited(&self, file: &str, dice: &mut Dice) -> Self {
        let mut files = self.clone();
        let place = files.files.iter().position(|(name, _)| name == file).unwrap();
        if dice.percent(4) {
            files.another_flow(place, dice);
        } else {
            for _ in 0..4 {
                if files.done.is_empty() {
                    files.edit(place, dice);
                }
            }
        }
        if dice.percent(50) {
            let place = dice.below(files.files.len());
            if files.files[place].0 != "conversation.yaml" || dice.percent(30) {
                files.edit(place, dice);
            }
        }
        files
    }

    fn edit(&mut self, place: usize, dice: &mut Dice) {
        let (name, edit) = EDITS[dice.below(EDITS.len())];
        let flow = &mut self.files[place];
        if let Some(what) = edit(&mut flow.1, dice) {
            self.done.push(format!("{}: {name}: {what}", flow.0));
        }
    }

    /// Adds a flow, renames this one, or removes it.
    fn another_flow(&mut self, place: usize, dice: &mut Dice) {
        match dice.below(3) {
            0 => {
                let text = "{ flow: extra, description: more, slots: { size: integer }, \
                    states: { asking: { collect: [size], target: over }, over: { final: done } } }";
                self.files.push(("extra.yaml".to_owned(), Node::of(text)));
                self.done.push("a flow more".to_owned());
            }
            1 if self.files[place].0 != "conversation.yaml" => {
                let gone = self.files.remove(place);
                self.done.push(format!("{} is gone", gone.0));
            }
            _ if self.files[place].0 != "conversation.yaml" => {
                let old = self.files[place].1.get("flow").and_then(Node::as_str).unwrap().to_owned();
                let new = format!("{old}_anew");
                self.files[place].1.set("flow", Node::text(&new));
                self.files[place].1.set("was", Node::List(vec![Node::text(&old)]));
                for (_, file) in &mut self.files {
                    file.each_text("", &mut |key, text| {
                        if key == "run" && *text == old {
                            text.clone_from(&new);
                        }
                    });
                }
                self.done.push(format!("{old} is called {new}"));
            }
            _ => {}
        }
    }
}

/// The paths to every mapping of states, and the states in it.
fn states(flow: &Node) -> Vec<(Vec<String>, String)> {
    fn below(node: &Node, path: &[String], all: &mut Vec<(Vec<String>, String)>) {
        let Some(states) = node.get("states") else { return };
        let mut path = path.to_vec();
        path.push("states".to_owned());
        for (name, state) in states.entries() {
            all.push((path.clone(), name.clone()));
            let mut inner = path.clone();
            inner.push(name.clone());
            below(state, &inner, all);
        }
    }
    let mut all = Vec::new();
    below(flow, &[], &mut all);
    all
}

pub(super) fn slots(flow: &Node) -> Vec<String> {
    flow.get("slots")
        .map_or_else(Vec::new, |slots| slots.entries().iter().map(|(name, _)| name.clone()).collect())
}

/// Everything that names the state `old` names `new`.
fn retarget(flow: &mut Node, old: &str, new: &str) {
    retarget_below(flow, "", old, new);
}

fn retarget_below(node: &mut Node, under: &str, old: &str, new: &str) {
    match node {
        Node::Leaf(serde_json::Value::String(text)) => {
            if text == old
                && (TARGETS.contains(&under) || under.starts_with("on ") || under.starts_with("after "))
            {
                *text = new.to_owned();
            }
        }
        Node::Leaf(_) => {}
        Node::List(items) => items.iter_mut().for_each(|item| retarget_below(item, under, old, new)),
        Node::Map(entries) => {
            for (key, value) in entries {
                if key == "slots" || key == "set" || key == "with" {
                    continue;
                }
                let inner = match under {
                    "on" | "after" => format!("{under} {key}"),
                    _ => key.clone(),
                };
                retarget_below(value, &inner, old, new);
            }
        }
    }
}

fn pick_state(flow: &Node, dice: &mut Dice) -> Option<(Vec<String>, String)> {
    dice.pick(&states(flow)).cloned()
}

pub(super) fn fresh(prefix: &str, dice: &mut Dice) -> String {
    format!("{prefix}_{}", dice.below(1000))
}

fn rename_state(flow: &mut Node, dice: &mut Dice, tells: bool) -> Option<String> {
    let (path, old) = pick_state(flow, dice)?;
    let new = fresh("renamed", dice);
    let states = flow.at_mut(&path)?.entries_mut()?;
    let entry = states.iter_mut().find(|(name, _)| *name == old)?;
    entry.0.clone_from(&new);
    if tells {
        entry.1.set("was", Node::List(vec![Node::text(&old)]));
    }
    retarget(flow, &old, &new);
    Some(format!("{old} → {new}"))
}

/// Puts a state in before another one: whatever led there leads to it first.
fn put_in(flow: &mut Node, dice: &mut Dice, state: impl FnOnce(&str) -> Node) -> Option<String> {
    let (path, before) = pick_state(flow, dice)?;
    let new = fresh("put_in", dice);
    let first = flow.at_mut(&path)?.entries().first().map(|(name, _)| name.clone())?;
    retarget(flow, &before, &new);
    let mut parent = path.clone();
    parent.pop();
    let around = flow.at_mut(&parent)?;
    if around.get("initial").is_none() && first == before && around.get("parallel").is_none() {
        around.set("initial", Node::text(&new));
    }
    let states = flow.at_mut(&path)?.entries_mut()?;
    let place = states.iter().position(|(name, _)| *name == before)?;
    states.insert(place + dice.below(2), (new.clone(), state(&before)));
    Some(format!("{new} before {before}"))
}

fn new_slot(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let name = fresh("wish", dice);
    let kinds = [
        "boolean",
        "{ type: integer, min: 1, max: 9 }",
        "{ type: text }",
        "date",
        "{ type: choice, options: [this, that] }",
    ];
    let kind = kinds[dice.below(kinds.len())];
    let node = if kind.starts_with('{') { Node::of(kind) } else { Node::text(kind) };
    if flow.get("slots").is_none() {
        flow.set("slots", Node::Map(Vec::new()));
    }
    flow.get_mut("slots")?.set(&name, node);
    Some(name)
}

fn put_in_collect(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let slot = new_slot(flow, dice)?;
    put_in(flow, dice, |target| Node::of(&format!("{{ collect: [{slot}], target: {target} }}")))
}

fn put_in_known(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let slot = dice.pick(&slots(flow))?.clone();
    put_in(flow, dice, |target| Node::of(&format!("{{ collect: [{slot}], target: {target} }}")))
}

fn put_in_ask(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    if slots(flow).is_empty() {
        return None;
    }
    put_in(flow, dice, |target| Node::of(&format!("{{ ask: anything_else, target: {target} }}")))
}

/// Removes a state: what led to it leads to where it led.
fn remove_state(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let (path, gone) = pick_state(flow, dice)?;
    let state = flow.at_mut(&path)?.get(&gone)?.clone();
    let next = ["target", "done", "yes"].iter().find_map(|key| first_target(state.get(key)?));
    flow.at_mut(&path)?.remove(&gone);
    retarget(flow, &gone, &next?);
    Some(gone)
}

fn first_target(cases: &Node) -> Option<String> {
    match cases {
        Node::Leaf(_) => cases.as_str().map(str::to_owned),
        Node::List(items) => first_target(items.last()?),
        Node::Map(_) => first_target(cases.get("target")?),
    }
}

fn reorder(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let (path, _) = pick_state(flow, dice)?;
    let mut parent = path.clone();
    parent.pop();
    let around = flow.at_mut(&parent)?;
    if around.get("initial").is_none() && around.get("parallel").is_none() {
        let first = around.get("states")?.entries().first()?.0.clone();
        around.set("initial", Node::text(&first));
    }
    let states = flow.at_mut(&path)?.entries_mut()?;
    let turn = dice.below(states.len());
    states.rotate_left(turn);
    Some(format!("turned by {turn}"))
}

fn collects(flow: &Node) -> Vec<(Vec<String>, String)> {
    let mut all = states(flow);
    all.retain(|(path, name)| {
        let state = path.iter().try_fold(flow, |node, key| node.get(key)).and_then(|states| states.get(name));
        state.is_some_and(|state| state.get("collect").is_some())
    });
    all
}

fn one_more_slot(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let (path, state) = dice.pick(&collects(flow)).cloned()?;
    let slot = new_slot(flow, dice)?;
    let Node::List(slots) = flow.at_mut(&path)?.get_mut(&state)?.get_mut("collect")? else { return None };
    let place = dice.below(slots.len() + 1);
    slots.insert(place, Node::text(&slot));
    Some(format!("{slot} in {state}"))
}

fn add_slot(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let slot = new_slot(flow, dice)?;
    let slots = flow.get_mut("slots")?.entries_mut()?;
    let last = slots.len() - 1;
    slots[..=last].rotate_right(1);
    Some(slot)
}

fn another_prompt(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let mut count = 0;
    flow.each_text("", &mut |key, _| count += usize::from(key == "say" || key == "ask"));
    let wanted = dice.below(count.max(1));
    let (mut seen, mut what) = (0, None);
    flow.each_text("", &mut |key, text| {
        if key == "say" || key == "ask" {
            if seen == wanted {
                what = Some(format!("{text} → other_words"));
                *text = "other_words".to_owned();
            }
            seen += 1;
        }
    });
    what
}

fn another_guard(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let mut count = 0;
    flow.each_text("", &mut |key, _| count += usize::from(key == "guard"));
    if count == 0 {
        return None;
    }
    let (wanted, form) = (dice.below(count), dice.below(3));
    let (mut seen, mut what) = (0, None);
    flow.each_text("", &mut |key, text| {
        if key == "guard" {
            if seen == wanted {
                *text = [
                    format!("not ({text})"),
                    format!("({text}) and today"),
                    format!("({text}) or unclear > 7"),
                ][form]
                    .clone();
                what = Some(text.clone());
            }
            seen += 1;
        }
    });
    what
}

fn other_bounds(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let name = dice.pick(&slots(flow))?.clone();
    let slot = flow.get_mut("slots")?.get_mut(&name)?;
    let kind = slot.get("type").and_then(Node::as_str).map(str::to_owned)?;
    match kind.as_str() {
        "date_range" => slot.set("max_nights", Node::Leaf(json!([2, 10, 1][dice.below(3)]))),
        "party" => slot.set("max", Node::Leaf(json!([1, 4, 30][dice.below(3)]))),
        "integer" => slot.set("max", Node::Leaf(json!([2, 5, 100][dice.below(3)]))),
        "choice" if slot.get("options").is_some() => slot.set("options", Node::of("[garden, harbour]")),
        _ => {
            let optional = slot.remove("optional").is_none();
            if optional {
                slot.set("optional", Node::Leaf(json!(true)));
            }
        }
    }
    Some(name)
}

fn other_times(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let mut all = states(flow);
    all.retain(|(path, name)| {
        let state =
            path.iter().try_fold(&*flow, |node, key| node.get(key)).and_then(|states| states.get(name));
        state.is_some_and(|state| state.get("invoke").is_some())
    });
    let (path, name) = dice.pick(&all).cloned()?;
    let state = flow.at_mut(&path)?.get_mut(&name)?;
    match dice.below(3) {
        0 => state.set("fresh_for", Node::text("90s")),
        1 => state.set("retry", Node::of("{ times: 1, backoff: 100ms }")),
        _ => _ = state.remove("fresh_for"),
    }
    Some(name)
}

/// A state that collects several slots becomes two.
fn split_collect(flow: &mut Node, dice: &mut Dice) -> Option<String> {
    let (path, name) = dice.pick(&collects(flow)).cloned()?;
    let second = fresh("then", dice);
    let states = flow.at_mut(&path)?.entries_mut()?;
    let place = states.iter().position(|(known, _)| *known == name)?;
    let mut rest = states[place].1.clone();
    rest.remove("say");
    rest.remove("was");
    let Node::List(slots) = rest.get_mut("collect")? else { return None };
    if slots.len() < 2 {
        return None;
    }
    let first: Vec<Node> = slots.drain(..1).collect();
    states[place].1.set("collect", Node::List(first));
    states[place].1.set("target", Node::text(&second));
    states.insert(place + 1, (second.clone(), rest));
    Some(format!("{name} and {second}"))
}

/// All states of the flow but its ends come into a compound one.
fn wrap(flow: &mut Node, _: &mut Dice) -> Option<String> {
    if flow.get("flow").and_then(Node::as_str) == Some("conversation")
        || flow.get("states")?.get("wrapped").is_some()
    {
        return None;
    }
    let initial = flow.get("initial").cloned();
    let states = flow.remove("states")?;
    let first = states.entries().first()?.0.clone();
    let (outside, inside): (Vec<_>, Vec<_>) =
        states.entries().iter().cloned().partition(|(_, state)| state.get("final").is_some());
    let mut around = Node::Map(vec![("initial".to_owned(), initial.unwrap_or_else(|| Node::text(&first)))]);
    around.set("states", Node::Map(inside));
    let mut all = vec![("wrapped".to_owned(), around)];
    all.extend(outside);
    flow.set("states", Node::Map(all));
    flow.set("initial", Node::text("wrapped"));
    Some("all".to_owned())
}
