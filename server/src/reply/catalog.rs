//! The list of prompts with the variables each of them uses, and what it shows.

use std::sync::Arc;

use innkeeper_engine::{PromptKey, Prompts, Shown};
use minijinja::Environment;

use super::reading::Trees;
use super::{Layers, Medium};

/// What every prompt may say besides what flows know: the house.
const GIVEN: [&str; 1] = ["hotel"];

/// What a model reads and no guest: no flow can say it.
const FOR_MODELS: [&str; 3] = ["understand", "rephrase", "read_aloud"];

/// What templates have that no flow gives them.
const OF_TEMPLATES: [&str; 6] = ["caller", "kwargs", "loop", "self", "super", "varargs"];

const MEDIA: [Medium; 2] = [Medium::Chat, Medium::Voice];

pub(super) fn of(layers: &Layers, environment: &Environment<'static>) -> Prompts {
    let mut prompts = Prompts {
        languages: layers.languages(),
        channels: MEDIA.map(|medium| medium.name().to_owned()).to_vec(),
        found: Default::default(),
        shown: Default::default(),
        ways: Default::default(),
        given: GIVEN.map(str::to_owned).into(),
    };
    let trees = Trees::of(layers);
    for template in layers.templates().into_keys() {
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
                let reading = trees.read(&file, medium);
                let read = reading.iter().flat_map(|reading| &reading.mentions);
                let names = read.filter_map(|(path, _)| path.first()).filter(|name| {
                    !OF_TEMPLATES.contains(&name.as_str())
                        && !environment.globals().any(|(global, _)| global == name.as_str())
                });
                prompts.found.insert(key.clone(), names.cloned().collect());
                if let (Some(reading), Some(text)) = (reading, layers.text(&file)) {
                    let mentions = reading.mentions.into_iter();
                    let shown = Shown {
                        file: layers.place(&file),
                        text: Arc::from(text),
                        mentions: mentions.filter_map(|(path, at)| Some((path, at?))).collect(),
                        whole: reading.whole.into_iter().collect(),
                        truths: reading.truths.into_iter().collect(),
                        has_words: reading.has_words,
                    };
                    prompts.shown.insert(key, shown);
                }
            }
        }
    }
    prompts
}
