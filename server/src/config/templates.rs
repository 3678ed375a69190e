//! Templates that a provider approved: what may be sent to a guest who has been silent for a day.

use std::collections::BTreeMap;

use super::layers::Layers;

/// The templates of one account, by what they are for.
///
/// What a message is for is the name of its prompt (`booked`), or one of `answer`, `reminder`, `hand_off` and `notice`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates(BTreeMap<String, ApprovedTemplate>);

/// A template that a provider approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedTemplate {
    /// Its name at the provider; Twilio's is `HX…`.
    pub name: String,
    /// Its language as the provider writes it.
    pub language: String,
    /// What is filled into its gaps, in order: names of values.
    pub variables: Vec<String>,
}

impl Templates {
    /// Templates by what they are for.
    pub fn of(templates: impl IntoIterator<Item = (String, ApprovedTemplate)>) -> Self {
        Self(templates.into_iter().collect())
    }

    /// The template for the first of these purposes that has one.
    pub fn find(&self, purposes: &[String]) -> Option<&ApprovedTemplate> {
        purposes.iter().find_map(|purpose| self.0.get(purpose))
    }

    /// Reads the tables `[<section>.templates.<purpose>]`.
    pub(super) fn read(layers: &mut Layers, section: &str) -> Self {
        let prefix = format!("{section}.templates.");
        let mut purposes: Vec<String> = layers
            .keys_below(&prefix)
            .iter()
            .filter_map(|key| Some(key.split_once('.')?.0.to_owned()))
            .collect();
        purposes.dedup();
        let mut templates = BTreeMap::new();
        for purpose in purposes {
            let key = |name: &str| format!("{prefix}{purpose}.{name}");
            let name = layers.text(&key("name")).unwrap_or_default();
            let language = layers.text(&key("language")).unwrap_or_else(|| "en".to_owned());
            let variables = layers.text(&key("variables")).unwrap_or_default();
            let variables = variables.split(',').map(str::trim).filter(|name| !name.is_empty());
            let variables = variables.map(str::to_owned).collect();
            if name.is_empty() {
                // It is switched off.
                continue;
            }
            templates.insert(purpose, ApprovedTemplate { name, language, variables });
        }
        Self(templates)
    }
}

/// Whether a key is of a template, whatever it is for.
pub(super) fn is_of_template(key: &str) -> bool {
    let parts: Vec<&str> = key.split('.').collect();
    matches!(
        parts.as_slice(),
        ["twilio" | "meta", "templates", purpose, "name" | "language" | "variables"] if !purpose.is_empty()
    )
}
