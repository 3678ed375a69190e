//! Where prompts come from, and what the checker of flows learns about them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use innkeeper::reply::{Layers, Medium, Replies};
use innkeeper_engine::PromptKey;

use super::fixture::{render, replies, say, text};

/// A folder of one's own that goes away again.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("innkeeper-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("en")).unwrap();
        Self(folder)
    }

    pub(super) fn put(&self, file: &str, text: &str) {
        std::fs::write(self.0.join("en").join(file), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

fn of(files: &[(&str, &str)]) -> Layers {
    let grammar = ("en/grammar.yaml", include_str!("../../../../prompts/en/grammar.yaml"));
    let files = files.iter().chain([&grammar]);
    Layers::of(files.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

#[test]
fn a_medium_s_own_file_goes_before_the_one_for_both() {
    let replies = replies(of(&[("en/hello.j2", "both"), ("en/hello.voice.j2", "aloud")]));
    assert_eq!(text(&replies, &say("hello"), Medium::Chat), "both");
    assert_eq!(text(&replies, &say("hello"), Medium::Voice), "aloud");
}

#[test]
fn a_file_laid_over_goes_before_the_one_below_it_and_counts_when_it_is_read_again() {
    let folder = Folder::new("reload");
    let read = || {
        replies(
            of(&[("en/hello.chat.j2", "base {% include '_name.j2' %}"), ("en/_name.j2", "Ana")])
                .with_overlay(&folder.0)
                .unwrap(),
        )
    };
    let said = |replies: &Replies| text(replies, &say("hello"), Medium::Chat);
    let first = read();
    assert_eq!(said(&first), "base Ana");
    folder.put("_name.j2", "Bea");
    assert_eq!(said(&first), "base Ana", "what nobody has checked is not said");
    assert_eq!(said(&read()), "base Bea");
    folder.put("hello.j2", "one");
    assert_eq!(said(&read()), "one");
    std::fs::remove_file(folder.0.join("en/hello.j2")).unwrap();
    assert_eq!(said(&read()), "base Bea");
}

#[test]
fn a_prompt_that_lacks_a_fact_gives_way_to_the_one_in_the_binary() {
    let folder = Folder::new("broken");
    folder.put("hello.j2", "{{ nobody }}");
    folder.put("new.j2", "Hello {{ nobody }}");
    let replies = replies(of(&[("en/hello.j2", "base")]).with_overlay(&folder.0).unwrap());
    assert_eq!(text(&replies, &say("hello"), Medium::Chat), "base");
    let fault = render(&replies, &[say("new")], Medium::Chat).unwrap_err();
    let file = folder.0.join("en/new.j2");
    assert_eq!(
        fault.to_string(),
        format!("{} line 1: undefined value: `nobody` is undefined", file.display())
    );
}

#[test]
fn a_folder_that_is_not_there_is_no_folder_of_prompts() {
    let gone = std::env::temp_dir().join("innkeeper-no-such-prompts");
    let (path, error) = of(&[]).with_overlay(&gone).unwrap_err();
    assert_eq!((path, error.kind()), (gone, std::io::ErrorKind::NotFound));
}

#[test]
fn a_file_that_nothing_says_is_told_with_the_name_that_was_meant() {
    let folder = Folder::new("unused");
    for file in
        ["boked.chat.j2", "booked.chats.j2", "_ofer.j2", "confirm_spa.j2", "invalid_robe.j2", "_lines.j2"]
    {
        folder.put(file, "Hello {# #}");
    }
    folder.put("booked.j2", "{% include '_lines.j2' %}");
    folder.put("notes.txt", "not a prompt");
    std::fs::write(folder.0.join("booked.j2"), "Booked.").unwrap();
    let replies = replies(Layers::embedded().with_overlay(&folder.0).unwrap());
    let said = BTreeSet::from(["confirm_spa", "invalid_robe", "booked"].map(str::to_owned));
    let told: Vec<String> = replies.unused(&said).iter().map(ToString::to_string).collect();
    let told = told.join("\n").replace(&folder.0.display().to_string(), "DIR");
    insta::assert_snapshot!(told, @r"
    DIR/booked.j2: prompts are looked for in a folder for each language, for example `en`
    DIR/en/_ofer.j2: no prompt includes it; did you mean `_offer`?
    DIR/en/boked.chat.j2: no flow says it; did you mean `booked`?
    DIR/en/booked.chats.j2: no flow says it; did you mean `booked`?
    ");
}

#[test]
fn every_broken_file_is_named_at_the_start() {
    let files = of(&[("en/one.j2", "fine\n{% if %}"), ("en/two.j2", "{{ 1 | }}"), ("de/drei.j2", "gut")]);
    let faults = Replies::new(files, BTreeMap::new()).unwrap_err();
    insta::assert_snapshot!(faults);
}

#[test]
fn a_grammar_with_a_word_too_few_is_refused() {
    let grammar = include_str!("../../../../prompts/en/grammar.yaml").replace("Monday, ", "");
    let files =
        BTreeMap::from([("en/grammar.yaml".to_owned(), grammar), ("en/hello.j2".to_owned(), String::new())]);
    let faults = Replies::new(Layers::of(files), BTreeMap::new()).unwrap_err();
    assert_eq!(faults.to_string(), "prompts/en/grammar.yaml: `weekdays` has 6 words, expected 7");
}

#[test]
fn a_prompt_that_is_nowhere_is_a_fault_that_says_what_was_sought() {
    let fault =
        render(&replies(of(&[("en/hello.chat.j2", "")])), &[say("hello")], Medium::Voice).unwrap_err();
    assert_eq!(fault.to_string(), "there is no prompt hello for voice in en");
    let fault = render(&replies(Layers::embedded()), &[say("../en/booked")], Medium::Chat).unwrap_err();
    assert_eq!(fault.to_string(), "there is no prompt ../en/booked for chat in en");
}

#[test]
fn a_slot_without_a_refusal_of_its_own_has_the_general_one() {
    let replies = replies(of(&[("en/invalid.j2", "in general"), ("en/invalid_view.j2", "of views")]));
    assert_eq!(text(&replies, &say("invalid_bed"), Medium::Chat), "in general");
    assert_eq!(text(&replies, &say("invalid_view"), Medium::Chat), "of views");
}

#[test]
fn the_catalog_knows_the_variables_of_a_prompt_and_of_what_it_includes() {
    let files = of(&[
        (
            "en/hello.chat.j2",
            "{% set offer = room %}{% include '_offer.j2' %}{% for x in range(3) %}{{ x }}{% endfor %}",
        ),
        ("en/hello.voice.j2", "{{ name }}"),
        ("en/_offer.j2", "{{ offer.name }} {{ stay | date_range }}"),
    ]);
    let catalog = replies(files).catalog();
    assert_eq!(catalog.languages, ["en"]);
    assert_eq!(catalog.channels, ["chat", "voice"]);
    let key =
        |channel: &str| PromptKey { name: "hello".into(), language: "en".into(), channel: channel.into() };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let expected =
        BTreeMap::from([(key("chat"), names(&["room", "stay"])), (key("voice"), names(&["name"]))]);
    assert_eq!(catalog.found, expected);
}
