//! Who may know whom: the sources are read, and whoever names a module above or beside its place is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The modules of the server from above to below. Each may name those of its own layer and of the layers below it,
/// and no two may lead back to each other. A channel is one thing, what every channel does another.
const LAYERS: [&[&str]; 9] = [
    &["main", "lib"],
    &["command"],
    &["cli", "replay"],
    &["app"],
    &["call", "channel::twilio", "channel::meta", "channel::local", "console", "http"],
    &["conversation", "mistakes"],
    &["tools", "reply", "inbox", "outbox", "understand", "turn", "versions", "notes"],
    &["channel", "llm", "stt", "tts", "store"],
    &["clock", "config", "fault", "message", "mortal", "multipart", "socket", "speech"],
];

/// Who builds vendors' things.
const BUILDER: &str = "app";

/// Roles whose submodules are vendors, and what those are called elsewhere.
const ROLES: [(&str, &[&str]); 4] = [
    ("channel", &["twilio", "meta", "Twilio"]),
    ("llm", &["openai_compatible", "OpenAiCompatible"]),
    ("stt", &["deepgram", "deepgram_live", "flux", "openai", "realtime"]),
    ("tts", &["deepgram", "deepgram_live", "elevenlabs", "openai", "realtime"]),
];

/// Who may name the hotel's crate.
const KNOW_THE_HOTEL: [&str; 3] = ["app.rs", "command/mcp.rs", "command/hotel.rs"];

/// What a pure function has no use for.
const IMPURE: [&str; 21] = [
    "async",
    "await",
    "tokio",
    "futures",
    "SystemTime",
    "Instant",
    "Local",
    "rand",
    "uuid",
    "getrandom",
    "thread",
    "spawn",
    "env",
    "fs",
    "net",
    "process",
    "io",
    "println",
    "eprintln",
    "panic",
    "unwrap",
];

/// A source file.
struct Source {
    /// Below `src`.
    path: String,
    /// The code without comments and without the insides of texts.
    code: String,
    /// The code without comments.
    code_and_texts: String,
}

fn sources(package: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).expect("a source");
        let path = file.strip_prefix(&root).expect("below src").to_str().expect("UTF-8").to_owned();
        Source { path, code: code(&text, false), code_and_texts: code(&text, true) }
    };
    let mut sources: Vec<Source> = files.into_iter().map(read).collect();
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!sources.is_empty(), "{package} has sources");
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Rust without its comments; texts are emptied unless they are kept.
fn code(text: &str, keeps_texts: bool) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = &rest[block_comment(rest)..];
        } else if let Some(length) = literal(rest, code.chars().next_back()) {
            code.push_str(if keeps_texts { &rest[..length] } else { "\"\"" });
            rest = &rest[length..];
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    code
}

/// The length of the block comment that begins here; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of the text or character that begins here, if one does.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r')).filter(|_| !in_word);
    if let Some(raw) = raw {
        let hashes = raw.bytes().take_while(|byte| *byte == b'#').count();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = text.len() - raw.len() + hashes + 1;
            return Some(begin + text[begin..].find(&end).expect("the end of a raw text") + end.len());
        }
    }
    let quote = text.chars().next()?;
    // A quote that is not closed after one character is a lifetime.
    let lifetime = quote == '\'' && !text[1..].starts_with('\\') && text[1..].chars().nth(1) != Some('\'');
    if (quote != '"' && quote != '\'') || lifetime {
        return None;
    }
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    Some(end.expect("the end of a text").0 + 1)
}

/// The words of code.
fn words(code: &str) -> BTreeSet<&str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect()
}

/// The paths that code names after `crate::` or `super::`, from the crate's root, groups written out.
fn paths(source: &Source) -> BTreeSet<Vec<String>> {
    let place = module(&source.path);
    let mut found = BTreeSet::new();
    for begin in ["crate", "super"] {
        for (at, _) in source.code.match_indices(&format!("{begin}::")) {
            let before = source.code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let root = if begin == "crate" { Vec::new() } else { place.clone() };
            // `super::` takes away the module itself as often as it is repeated.
            follow(&source.code[at..], root, &mut found);
        }
    }
    found
}

/// Follows one path of a `use` or an expression.
fn follow(text: &str, mut path: Vec<String>, found: &mut BTreeSet<Vec<String>>) {
    let mut rest = text.trim_start();
    loop {
        if let Some(group) = rest.strip_prefix('{') {
            for member in members(group) {
                follow(member, path.clone(), found);
            }
            return;
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        match &rest[..end] {
            "crate" | "self" | "" => {}
            "super" => {
                path.pop();
            }
            name => path.push(name.to_owned()),
        }
        match rest[end..].strip_prefix("::") {
            Some(more) => rest = more.trim_start(),
            None => break,
        }
    }
    found.insert(path);
}

/// The parts of a group, up to its closing brace.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut parts) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                if !group[begin..at].trim().is_empty() {
                    parts.push(&group[begin..at]);
                }
                begin = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    parts
}

/// The path of the module in a file.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// The name under which a path stands in [`LAYERS`].
fn layered(path: &[String]) -> Option<String> {
    let [first, rest @ ..] = path else { return None };
    let vendor = rest.first().map(|second| format!("{first}::{second}"));
    let known = |name: &String| LAYERS.iter().any(|layer| layer.contains(&name.as_str()));
    vendor.filter(known).or_else(|| Some(first.clone()))
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn the_engine_and_the_hotel_know_nobody_of_ours() {
    for package in ["engine", "hms"] {
        for source in sources(package) {
            let ours = ["innkeeper", "innkeeper_engine", "innkeeper_hms"];
            let named: Vec<&str> =
                words(&source.code).into_iter().filter(|word| ours.contains(word)).collect();
            assert!(named.is_empty(), "{package}/src/{} names {named:?}", source.path);
        }
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).expect("a manifest");
        let depends = manifest.lines().any(|line| line.starts_with("innkeeper"));
        assert!(!depends, "{package} depends on none of our crates");
    }
}

#[test]
fn the_engine_has_not_heard_of_a_hotel_nor_the_hotel_of_a_conversation() {
    let unheard: [(&str, &[&str]); 2] =
        [("engine", &["hotel", "whatsapp", "twilio"]), ("hms", &["conversation", "whatsapp", "twilio"])];
    for (package, unheard) in unheard {
        for source in sources(package) {
            let code = source.code_and_texts.to_lowercase();
            let heard: Vec<&&str> = unheard.iter().filter(|word| code.contains(**word)).collect();
            assert!(heard.is_empty(), "{package}/src/{} has heard of {heard:?}", source.path);
        }
    }
}

#[test]
fn the_engine_outside_its_driver_is_pure() {
    for source in sources("engine").iter().filter(|source| !source.path.starts_with("runtime/")) {
        let impure: Vec<&str> =
            words(&source.code).into_iter().filter(|word| IMPURE.contains(word)).collect();
        assert!(impure.is_empty(), "engine/src/{} has {impure:?}", source.path);
        assert!(!source.code.contains("::now"), "engine/src/{} asks what time it is", source.path);
    }
}

#[test]
fn only_the_assembly_and_two_commands_know_the_hotel() {
    for source in sources("server") {
        let knows = words(&source.code).contains("innkeeper_hms");
        let may = KNOW_THE_HOTEL.contains(&source.path.as_str());
        assert!(!knows || may, "server/src/{} names the hotel's crate; ask over MCP", source.path);
    }
}

#[test]
fn only_the_assembly_knows_vendors() {
    for source in sources("server") {
        let place = module(&source.path);
        for (role, vendors) in ROLES {
            if place[0] == BUILDER || place[0] == role {
                continue;
            }
            for path in paths(&source).iter().filter(|path| path[..1] == [role]) {
                let named = path[1..].iter().find(|name| vendors.contains(&name.as_str()));
                assert!(named.is_none(), "server/src/{} names {}", source.path, path.join("::"));
            }
        }
    }
}

#[test]
fn modules_of_the_server_know_only_what_is_below_them() {
    let mut knows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources("server") {
        let place = layered(&module(&source.path)).expect("a module");
        let own = layer(&place).unwrap_or_else(|| panic!("server/src/{}: give {place} a layer", source.path));
        for path in paths(&source) {
            let Some(other) = layered(&path).filter(|other| *other != place) else { continue };
            // The name may be of an item in the crate's root.
            let Some(theirs) = layer(&other) else { continue };
            // A folder's own file lists what is in it.
            let lists = other.starts_with(&format!("{place}::"));
            assert!(
                theirs >= own || lists,
                "server/src/{}: {place} names {}, which is above it",
                source.path,
                path.join("::")
            );
            if !lists {
                knows.entry(place.clone()).or_default().insert(other);
            }
        }
    }
    assert!(knows["app"].contains("conversation"), "the imports are read: {knows:?}");
    for start in knows.keys() {
        let mut reached: BTreeSet<&String> = BTreeSet::new();
        let mut next: Vec<&String> = knows[start].iter().collect();
        while let Some(module) = next.pop() {
            assert_ne!(module, start, "{start} leads back to itself: {knows:#?}");
            if reached.insert(module) {
                next.extend(knows.get(module).into_iter().flatten());
            }
        }
    }
}

#[test]
fn the_reader_of_sources_reads_them() {
    let source = Source {
        path: "outbox.rs".to_owned(),
        code: code(
            "use crate::{clock::Clock, store::{self, Row}}; // crate::app\nlet a = '\"'; super::http::Gate; \"crate::cli\"",
            false,
        ),
        code_and_texts: String::new(),
    };
    let read: Vec<String> = paths(&source).iter().map(|path| path.join("::")).collect();
    assert_eq!(read, ["clock::Clock", "http::Gate", "store", "store::Row"]);
    let read = code("fn a<'a>(x: &'a str) { r#\"async\"# /* await */ }", false);
    assert_eq!(words(&read).into_iter().collect::<Vec<_>>(), ["a", "fn", "str", "x"]);
}
