//! Flow files: what the checker makes of good ones, and what it says about broken ones.
//!
//! A case is a file under `flows/`. Its comments may say `# prompts: ask_stay booked:total,name ask_room@chat`, which
//! are then the only prompts there are (with the variables each uses), and `# === name.yaml`, after which another file
//! begins. A case without a root chart of its own gets the one in `flows/conversation.yaml`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use innkeeper_engine::flow::{Does, Go, Handlers, Mistakes, Rule, Source, State, Transition};
use innkeeper_engine::{Flows, PromptKey, Prompts, Tool, Tools};
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;
use proptest::sample::Index;

const ROOT_CHART: &str = include_str!("flows/conversation.yaml");
const BOOK_ROOM: &str = include_str!("flows/good/book_room.yaml");
const TOOLS: &str = include_str!("flows/tools.json");

/// The tools of a small hotel.
pub fn tools() -> Tools {
    let list: serde_json::Value = serde_json::from_str(TOOLS).unwrap();
    list.as_array()
        .unwrap()
        .iter()
        .map(|tool| {
            let tool = Tool {
                name: tool["name"].as_str().unwrap().to_owned(),
                input_schema: tool["input"].clone(),
                output_schema: tool.get("output").cloned(),
                read_only: tool["read_only"].as_bool().unwrap(),
            };
            (tool.name.clone(), tool)
        })
        .collect()
}

/// The files of a case.
fn sources(file: &str, text: &str) -> Vec<Source> {
    let mut sources = vec![Source { file: file.to_owned(), text: String::new() }];
    for line in text.lines() {
        match line.strip_prefix("# === ") {
            Some(name) => sources.push(Source { file: name.to_owned(), text: String::new() }),
            None => {
                let source = sources.last_mut().unwrap();
                source.text.push_str(line);
                source.text.push('\n');
            }
        }
    }
    if !text.lines().any(|line| line.starts_with("flow: conversation") || line == "# no root chart") {
        sources.push(Source { file: "conversation.yaml".to_owned(), text: ROOT_CHART.to_owned() });
    }
    sources
}

/// The prompts of a case; without a word about them, none is required.
fn prompts(text: &str) -> Prompts {
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# prompts:")).collect();
    if lines.is_empty() {
        return Prompts::default();
    }
    let channels = ["chat", "voice"];
    let mut prompts = Prompts {
        languages: vec!["en".to_owned()],
        channels: channels.map(str::to_owned).to_vec(),
        ..Prompts::default()
    };
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        let (name, variables) = word.split_once(':').unwrap_or((word, ""));
        let (name, only) = match name.split_once('@') {
            Some((name, channel)) => (name, Some(channel)),
            None => (name, None),
        };
        let variables: BTreeSet<String> =
            variables.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        for channel in channels.into_iter().filter(|channel| only.is_none_or(|only| only == *channel)) {
            let key = PromptKey {
                name: name.to_owned(),
                language: "en".to_owned(),
                channel: channel.to_owned(),
            };
            prompts.found.insert(key, variables.clone());
        }
    }
    prompts
}

fn check(file: &str, text: &str) -> Result<Flows, Mistakes> {
    Flows::check(&sources(file, text), &tools(), &prompts(text))
}

fn check_text(text: &str) -> Result<Flows, Mistakes> {
    check("flow.yaml", text)
}

fn rules(text: &str) -> Vec<Rule> {
    match check_text(text) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0.iter().map(|mistake| mistake.rule).collect(),
    }
}

#[test]
fn good_flows_become_what_they_say() {
    insta::glob!("flows/good/*.yaml", |path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        match check(name, &text) {
            Ok(flows) => insta::assert_snapshot!(summary(&flows)),
            Err(mistakes) => panic!("{name} is good, but:\n{mistakes}"),
        }
    });
}

#[test]
fn broken_flows_are_told_every_mistake_with_its_place() {
    insta::glob!("flows/broken/*.yaml", |path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        match check(name, &text) {
            Ok(_) => panic!("{name} is broken, and nothing was found"),
            Err(mistakes) => {
                let rules: Vec<&str> = mistakes.0.iter().map(|mistake| mistake.rule.name()).collect();
                insta::assert_snapshot!(format!("{mistakes}\n\n{}", rules.join(" ")));
            }
        }
    });
}

/// Every flow in lines: its slots, its states, and where they go.
fn summary(flows: &Flows) -> String {
    let mut text = String::new();
    for flow in flows.get("conversation").into_iter().chain(flows.iter()) {
        writeln!(text, "{} begins in {}", flow.name, flow.initial).unwrap();
        for (name, slot) in &flow.slots {
            let kind = serde_json::to_string(&slot.kind).unwrap();
            let optional = if slot.optional { " optional" } else { "" };
            let remember = if slot.remember { " remember" } else { "" };
            let default = slot.default.as_ref().map(|default| format!(" default {}", default.source()));
            writeln!(text, "  slot {name}{optional}{remember}{} {kind}", default.unwrap_or_default()).unwrap();
        }
        handlers(&mut text, "  ", &flow.on);
        for (name, state) in &flow.states {
            let say = state.say.as_ref().map(|say| format!(" says {say},")).unwrap_or_default();
            writeln!(text, "  {name}:{say} {}", doing(state)).unwrap();
            handlers(&mut text, "    ", &state.on);
        }
    }
    text
}

fn doing(state: &State) -> String {
    match &state.does {
        Does::Collect { slots, then } => format!("collects {} → {}", slots.join(", "), cases(then)),
        Does::Invoke(invoke) => {
            let with: Vec<String> =
                invoke.with.iter().map(|(name, value)| format!("{name}={}", value.source())).collect();
            let mut text = format!("calls {}({})", invoke.tool, with.join(", "));
            write!(text, " required [{}]", invoke.required.join(", ")).unwrap();
            if invoke.writes {
                text.push_str(" writes");
            }
            if let Some(save) = &invoke.save {
                write!(text, " saves {save}").unwrap();
            }
            if let Some(fresh) = invoke.fresh_for_ms {
                write!(text, " fresh {fresh} ms").unwrap();
            }
            if invoke.retry.times > 0 {
                write!(text, " retries {} after {} ms", invoke.retry.times, invoke.retry.backoff_ms).unwrap();
            }
            write!(text, " done → {}", cases(&invoke.done)).unwrap();
            if !invoke.error.is_empty() {
                write!(text, " error → {}", cases(&invoke.error)).unwrap();
            }
            text
        }
        Does::Confirm { paths, yes, no } => {
            let paths: Vec<String> = paths.iter().map(|path| path.join(".")).collect();
            format!("confirms {} yes → {} no → {}", paths.join(", "), cases(yes), cases(no))
        }
        Does::Ask { prompt, then } => format!("asks {prompt} → {}", cases(then)),
        Does::Always(then) => format!("goes on → {}", cases(then)),
        Does::Wait => "waits".to_owned(),
        Does::Final(outcome) => format!("ends {outcome}"),
    }
}

fn handlers(text: &mut String, indent: &str, handlers: &Handlers) {
    for (event, then) in handlers {
        writeln!(text, "{indent}on {event:?} → {}", cases(then)).unwrap();
    }
}

fn cases(cases: &[Transition]) -> String {
    let cases: Vec<String> = cases
        .iter()
        .map(|case| {
            let mut text = String::new();
            if let Some(guard) = &case.guard {
                write!(text, "if {} ", guard.source()).unwrap();
            }
            if let Some(say) = &case.say {
                write!(text, "say {say} ").unwrap();
            }
            if case.say_again {
                text.push_str("say again ");
            }
            if case.ask_again {
                text.push_str("ask again ");
            }
            if !case.clear.is_empty() {
                write!(text, "clear {} ", case.clear.join(", ")).unwrap();
            }
            match &case.go {
                Go::Stay => text.push_str("stay"),
                Go::State(state) => text.push_str(state),
                Go::Root(state) => write!(text, "conversation.{state}").unwrap(),
                Go::Run(flow) => write!(text, "run {flow}").unwrap(),
                Go::RunRequested => text.push_str("run what was asked for"),
                Go::NextPage => text.push_str("next page"),
            }
            text
        })
        .collect();
    cases.join(" | ")
}
