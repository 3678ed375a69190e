//! Where prompts come from: the files in the binary, and a folder that may be laid over them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use minijinja::{Error, ErrorKind, TemplateSource};

use super::Medium;

#[derive(rust_embed::Embed)]
#[folder = "../prompts"]
struct Embedded;

/// Files by name, `<language>/<file>`; a file of the folder hides the one of the same name below it.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    base: Arc<BTreeMap<String, String>>,
    overlay: Option<PathBuf>,
}

impl Layers {
    /// The prompts in the binary.
    pub fn embedded() -> Self {
        let files = Embedded::iter().filter_map(|name| {
            let file = Embedded::get(&name)?;
            Some((name.into_owned(), String::from_utf8_lossy(&file.data).into_owned()))
        });
        Self::of(files.collect())
    }

    /// Prompts from memory, by name: `en/booked.j2`.
    pub fn of(files: BTreeMap<String, String>) -> Self {
        Self { base: Arc::new(files), overlay: None }
    }

    /// The same with the folder `DIR/<language>/` laid over them. It need not exist yet.
    #[must_use]
    pub fn with_overlay(self, folder: impl Into<PathBuf>) -> Self {
        Self { overlay: Some(folder.into()), ..self }
    }

    /// The same without the folder.
    pub(super) fn built_in(&self) -> Self {
        Self { base: Arc::clone(&self.base), overlay: None }
    }

    pub(super) fn has_overlay(&self) -> bool {
        self.overlay.is_some()
    }

    /// The text of a file, the folder's first.
    pub(super) fn read(&self, name: &str) -> std::io::Result<Option<Cow<'_, str>>> {
        match self.laid_over(name)? {
            Some(text) => Ok(Some(Cow::Owned(text))),
            None => Ok(self.base.get(name).map(|text| Cow::Borrowed(text.as_str()))),
        }
    }

    /// The text of a file that is no prompt, the folder's first; `None` where neither has it.
    ///
    /// # Errors
    /// The folder's cannot be read.
    pub fn text(&self, name: &str) -> std::io::Result<Option<String>> {
        Ok(self.read(name)?.map(Cow::into_owned))
    }

    /// The languages in either layer.
    pub(super) fn languages(&self) -> Vec<String> {
        let languages: BTreeSet<String> =
            self.templates().iter().filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect();
        languages.into_iter().collect()
    }

    /// The names of all templates in either layer.
    pub(super) fn templates(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> =
            self.base.keys().filter(|name| is_template(name)).cloned().collect();
        for language in self.overlay.iter().flat_map(|folder| entries(folder)) {
            for file in self.overlay.iter().flat_map(|folder| entries(&folder.join(&language))) {
                let name = format!("{language}/{file}");
                if is_template(&name) {
                    names.insert(name);
                }
            }
        }
        names
    }

    /// The file of a prompt: the folder's before the binary's, the medium's own before the one for both. A slot
    /// without its own `invalid_<slot>` has the general one.
    pub(super) fn find(&self, prompt: &str, language: &str, medium: Medium) -> Option<String> {
        let general = prompt.starts_with("invalid_").then_some("invalid");
        self.file(prompt, language, medium).or_else(|| self.file(general?, language, medium))
    }

    fn file(&self, prompt: &str, language: &str, medium: Medium) -> Option<String> {
        let names = [format!("{language}/{prompt}.{}.j2", medium.name()), format!("{language}/{prompt}.j2")];
        let over = names.iter().find(|name| {
            is_plain(name) && self.overlay.as_ref().is_some_and(|folder| folder.join(name).is_file())
        });
        over.or_else(|| names.iter().find(|name| self.base.contains_key(*name))).cloned()
    }

    /// A template for minijinja, which asks again whether it still stands as it was whenever it is used.
    pub(super) fn source(self: &Arc<Self>, name: &str) -> Result<Option<TemplateSource>, Error> {
        let text = self.read(name).map_err(|error| {
            Error::new(ErrorKind::InvalidOperation, "the file cannot be read").with_source(error)
        })?;
        let Some(text) = text.map(Cow::into_owned) else { return Ok(None) };
        let source = TemplateSource::new(text.clone());
        if self.overlay.is_none() {
            return Ok(Some(source));
        }
        let (layers, name) = (Arc::clone(self), name.to_owned());
        Ok(Some(source.with_uptodate_check(move || {
            layers.read(&name).is_ok_and(|now| now.as_deref() == Some(text.as_str()))
        })))
    }

    fn laid_over(&self, name: &str) -> std::io::Result<Option<String>> {
        let Some(folder) = self.overlay.as_ref().filter(|_| is_plain(name)) else { return Ok(None) };
        match std::fs::read_to_string(folder.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A language, a slash and a file, and nothing that leads elsewhere.
fn is_plain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter))
    };
    name.split_once('/').is_some_and(|(language, file)| part(language) && part(file))
}

fn is_template(name: &str) -> bool {
    is_plain(name) && name.ends_with(".j2")
}

/// The names in a folder; one that is not there has none.
fn entries(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}
