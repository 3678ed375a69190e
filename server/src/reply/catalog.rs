//! The list of prompts with the variables each of them uses.

use std::collections::BTreeSet;

use innkeeper_engine::{PromptKey, Prompts};
use minijinja::Environment;

use super::{Layers, Medium};

/// What every prompt may say besides what flows know: the house.
const GIVEN: [&str; 1] = ["hotel"];

/// What a model reads and no guest: no flow can say it.
const FOR_MODELS: [&str; 3] = ["understand", "rephrase", "read_aloud"];

const MEDIA: [Medium; 2] = [Medium::Chat, Medium::Voice];

pub(super) fn of(layers: &Layers, environment: &Environment<'static>) -> Prompts {
    let mut prompts = Prompts {
        languages: layers.languages(),
        channels: MEDIA.map(|medium| medium.name().to_owned()).to_vec(),
        found: Default::default(),
        given: GIVEN.map(str::to_owned).into(),
    };
    for template in layers.templates() {
        let Some((language, name)) = template.split_once('/') else { continue };
        let stem = name.trim_end_matches(".j2");
        if stem.starts_with('_') || FOR_MODELS.contains(&stem) {
            continue;
        }
        for medium in MEDIA {
            let prompt = MEDIA
                .iter()
                .find_map(|other| stem.strip_suffix(&format!(".{}", other.name())))
                .unwrap_or(stem);
            if let Some(file) = layers.find(prompt, language, medium) {
                let key = PromptKey {
                    name: prompt.to_owned(),
                    language: language.to_owned(),
                    channel: medium.name().to_owned(),
                };
                let mut seen = BTreeSet::new();
                prompts.found.insert(key, variables(environment, &file, &mut seen));
            }
        }
    }
    prompts
}

/// The variables that a template needs, with those of the templates it includes unless it sets them for them.
fn variables(
    environment: &Environment<'static>,
    name: &str,
    seen: &mut BTreeSet<String>,
) -> BTreeSet<String> {
    let Ok(template) = environment.get_template(name) else { return BTreeSet::new() };
    if !seen.insert(name.to_owned()) {
        return BTreeSet::new();
    }
    let mut used: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
    let tags = tags(template.source());
    let set: BTreeSet<&str> =
        tags.iter().filter(|tag| matches!(tag.keyword, "set" | "for")).flat_map(Tag::names).collect();
    for tag in tags.iter().filter(|tag| matches!(tag.keyword, "include" | "import" | "from" | "extends")) {
        for included in tag.texts() {
            let included = match name.split_once('/') {
                Some((language, _)) if !included.contains('/') => format!("{language}/{included}"),
                _ => included.to_owned(),
            };
            let theirs = variables(environment, &included, seen);
            used.extend(theirs.into_iter().filter(|variable| !set.contains(variable.as_str())));
        }
    }
    for (global, _) in environment.globals() {
        used.remove(global);
    }
    used
}

/// A `{% … %}`.
struct Tag<'a> {
    keyword: &'a str,
    rest: &'a str,
}

impl<'a> Tag<'a> {
    /// What stands in quotes.
    fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.rest.split(['"', '\'']).skip(1).step_by(2)
    }

    /// The names that a `set` or a `for` brings into being.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        let end = match self.keyword {
            "for" => self.rest.find(" in "),
            _ => self.rest.find('='),
        };
        self.rest[..end.unwrap_or(self.rest.len())].split(',').map(str::trim)
    }
}

fn tags(source: &str) -> Vec<Tag<'_>> {
    source
        .split("{%")
        .skip(1)
        .filter_map(|rest| {
            let inside = rest.split_once("%}")?.0.trim_matches(['-', '+']).trim();
            let (keyword, rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
            Some(Tag { keyword, rest })
        })
        .collect()
}
