//! Flows with one mistake each: it is found, once, at its place, and nothing else is.
//!
//! The place is written below the offending line: `#   ^ unknown_state` with the caret under the first character that is
//! wrong, or `#< unknown_key` where that is the first of its line.

use innkeeper_engine::flow::Source;

use super::{check, sources};
use crate::files;

/// What a file says about itself: where its mistakes are, and which rule each breaks.
fn expected(name: &str, text: &str) -> Vec<(String, usize, usize, String)> {
    let mut expected = Vec::new();
    for source in sources(name, text) {
        let mut above = 0;
        for (number, line) in source.text.lines().enumerate() {
            let marker = line.strip_prefix('#').and_then(|rest| match rest.strip_prefix('<') {
                Some(rule) => Some((1, rule)),
                None => rest
                    .trim_start_matches(' ')
                    .strip_prefix('^')
                    .map(|rule| (line.find('^').unwrap() + 1, rule)),
            });
            match marker {
                Some((column, rule)) => {
                    expected.push((source.file.clone(), above, column, rule.trim().to_owned()));
                }
                None => above = number + 1,
            }
        }
    }
    expected
}

fn files() -> Vec<Source> {
    files::sources("tests/it/flows/broken/one")
}

#[test]
fn every_seeded_mistake_is_found_once_at_its_place_and_nothing_else_is() {
    let files = files();
    assert!(files.len() >= 60, "only {} files", files.len());
    let mut wrong = String::new();
    for Source { file: name, text } in &files {
        let expected = expected(name, text);
        assert_eq!(expected.len(), 1, "{name} says one mistake of itself");
        let (found, told) = match check(name, text) {
            Ok(_) => (Vec::new(), String::new()),
            Err(mistakes) => {
                let found = mistakes.0.iter().map(|mistake| {
                    let place = mistake.place.as_ref();
                    let (file, line, column) = place.map_or((String::new(), 0, 0), |place| {
                        (place.file.clone(), place.line, place.column)
                    });
                    (file, line, column, mistake.rule.name().to_owned())
                });
                (found.collect(), mistakes.to_string())
            }
        };
        if found != expected {
            wrong.push_str(&format!("{name} expects {expected:?}, and found are {found:?}\n{told}\n\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_rule_about_flows_is_broken_by_some_file() {
    let broken: std::collections::BTreeSet<String> = files()
        .iter()
        .flat_map(|case| expected(&case.file, &case.text))
        .map(|(_, _, _, rule)| rule)
        .collect();
    let rules = [
        "argument_type",
        "bad_expression",
        "bad_list",
        "bad_name",
        "conflict",
        "dead_end",
        "duplicate",
        "loop",
        "missing",
        "missing_argument",
        "missing_prompt",
        "never_filled",
        "no_last_case",
        "prompt_variable",
        "syntax",
        "unconfirmed",
        "unknown_argument",
        "unknown_event",
        "unknown_field",
        "unknown_flow",
        "unknown_key",
        "unknown_name",
        "unknown_option",
        "unknown_slot",
        "unknown_state",
        "unknown_tool",
        "unknown_type",
        "unknown_way",
        "unreachable",
        "violated",
        "wrong_type",
    ];
    let missing: Vec<&str> = rules.into_iter().filter(|rule| !broken.contains(*rule)).collect();
    assert!(missing.is_empty(), "no file breaks {missing:?}");
}
