//! What is said and what is understood: prompts, vocabulary, and the language model if one is configured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{House, StartFault, connected, house};
use crate::config::{Config, Llm, Rephrase};
use crate::llm::{LanguageModel, OpenAiCompatible, Settings};
use crate::mistakes::Wrong;
use crate::reply::{Layers, Phrasing, Rephraser, Replies};
use crate::understand::{Extractor, MessageWords, Understander, Words};

/// Who finds out what words mean: the embedded rules, and the language model if one is configured.
///
/// # Errors
/// Mistakes in the vocabulary or in the model's instructions; a model that cannot be asked.
pub fn understander(config: &Config, house: &House) -> Result<Understander, StartFault> {
    let model = match &config.llm {
        Some(llm) => {
            let model: Arc<dyn LanguageModel> = Arc::new(OpenAiCompatible::new(settings(llm))?);
            Some(model)
        }
        None => None,
    };
    understander_with(config, house, model)
}

/// The same with a model of the caller's, or none.
///
/// # Errors
/// Mistakes in the vocabulary or in the model's instructions.
pub fn understander_with(
    config: &Config,
    house: &House,
    model: Option<Arc<dyn LanguageModel>>,
) -> Result<Understander, StartFault> {
    let layers = layers(config)?;
    let mut extractor = Extractor::new(&words(&layers)?);
    if let Some(region) = region_of(house) {
        extractor = extractor.in_region(&region);
    }
    let understander = Understander::new(extractor, model);
    let file = "en/understand.j2";
    Ok(match layers.text(file) {
        Some(template) => understander.instructed(template.to_owned())?,
        None => understander,
    })
}

/// What guests write who want no more messages.
pub(super) fn message_words(config: &Config) -> Result<MessageWords, StartFault> {
    Ok(MessageWords::new(&words(&layers(config)?)?))
}

/// Who puts replies into other words, where that is configured.
pub(super) fn rephraser(config: &Config) -> Result<Option<Rephraser>, StartFault> {
    let Some(llm) = config.llm.as_ref().filter(|llm| llm.rephrase == Rephrase::Chat) else { return Ok(None) };
    let layers = layers(config)?;
    let text = |file: &str| layers.text(file).unwrap_or_default();
    let phrasing = Phrasing::parse(text("en/phrasing.yaml"), &layers.place("en/phrasing.yaml"))?;
    let instructions = text("en/rephrase.j2").to_owned();
    let model: Arc<dyn LanguageModel> = Arc::new(OpenAiCompatible::new(settings(llm))?);
    Ok(Some(Rephraser::new(model, phrasing, instructions)))
}

/// What a model is told that reads our words aloud.
pub(super) fn instructions_to_speak(config: &Config) -> Result<String, StartFault> {
    Ok(layers(config)?.text("en/read_aloud.j2").unwrap_or_default().to_owned())
}

fn settings(llm: &Llm) -> Settings {
    Settings {
        base_url: llm.base_url.as_str().to_owned(),
        api_key: llm.api_key.clone(),
        model: llm.model.clone(),
        timeout: llm.timeout,
    }
}

fn layers(config: &Config) -> Result<Layers, StartFault> {
    let Some(folder) = &config.prompts else { return Ok(Layers::embedded()) };
    let fault = |(path, source): (PathBuf, _)| StartFault::File { path: path.display().to_string(), source };
    Layers::embedded().with_overlay(folder).map_err(fault)
}

/// What is said. Mistakes in it go to `wrong`; flows can be checked on it all the same.
pub(super) fn replies(config: &Config, wrong: &mut Wrong) -> Result<Replies, StartFault> {
    let layers = layers(config)?;
    let titles = match words(&layers) {
        Ok(words) => BTreeMap::from([("en".to_owned(), words.buttons())]),
        Err(StartFault::Words(fault)) => {
            wrong.words = Some(fault);
            BTreeMap::new()
        }
        Err(fault) => return Err(fault),
    };
    let (replies, faults) = Replies::read(layers, titles);
    wrong.prompts = faults;
    Ok(replies)
}

/// The vocabulary of the one language there is.
fn words(layers: &Layers) -> Result<Words, StartFault> {
    let file = "en/words.yaml";
    Ok(Words::parse(layers.text(file).unwrap_or_default(), &layers.place(file))?)
}

/// The country, ISO 3166, that the configured hotel is in, where its own number tells it.
///
/// # Errors
/// The hotel cannot be reached or does not answer.
pub async fn region(config: &Config) -> Result<Option<String>, StartFault> {
    Ok(region_of(&house(&connected(config).await?).await?))
}

/// The country, ISO 3166, that numbers without a country code are from: the one of the hotel's own number.
fn region_of(house: &House) -> Option<String> {
    let phone = house.get("hotel")?.get("phone")?.as_str()?;
    Some(phonenumber::parse(None, phone).ok()?.country().id()?.as_ref().to_owned())
}
