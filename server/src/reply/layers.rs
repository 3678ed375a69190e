//! Where prompts come from: the files in the binary, and a folder that may be laid over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Medium;

#[derive(rust_embed::Embed)]
#[folder = "../prompts"]
struct Embedded;

/// Files by name, `<language>/<file>`; a file of the folder hides the one of the same name below it. The folder is read
/// once: what is edited there later counts where it is read again.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    base: Arc<BTreeMap<String, String>>,
    overlay: Option<Arc<Overlay>>,
}

/// A folder as it was when it was read.
#[derive(Debug)]
struct Overlay {
    folder: PathBuf,
    files: BTreeMap<String, String>,
    /// Templates that lie where none is looked for.
    astray: Vec<PathBuf>,
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

    /// The same with the folder `DIR/<language>/` laid over them, as it is now.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read; with its path.
    pub fn with_overlay(self, folder: impl Into<PathBuf>) -> Result<Self, (PathBuf, std::io::Error)> {
        let folder = folder.into();
        let (mut files, mut astray) = (BTreeMap::new(), Vec::new());
        for language in entries(&folder)? {
            let path = folder.join(&language);
            if !path.is_dir() {
                if is_authored(&language) {
                    astray.push(path);
                }
                continue;
            }
            for file in entries(&path)? {
                let (name, path) = (format!("{language}/{file}"), path.join(&file));
                if is_plain(&name) && is_authored(&file) && path.is_file() {
                    files.insert(name, std::fs::read_to_string(&path).map_err(|error| (path, error))?);
                }
            }
        }
        Ok(Self { overlay: Some(Arc::new(Overlay { folder, files, astray })), ..self })
    }

    /// The same without the folder.
    pub(super) fn built_in(&self) -> Self {
        Self { base: Arc::clone(&self.base), overlay: None }
    }

    pub(super) fn has_overlay(&self) -> bool {
        self.overlay.is_some()
    }

    /// The text of a file, the folder's first; `None` where neither has it.
    pub fn text(&self, name: &str) -> Option<&str> {
        let over = self.overlay.as_ref().and_then(|overlay| overlay.files.get(name));
        over.or_else(|| self.base.get(name)).map(String::as_str)
    }

    /// What mistakes call a file: its path in the folder, or in the sources where it is the binary's.
    pub fn place(&self, name: &str) -> String {
        match self.overlay.as_ref().filter(|overlay| overlay.files.contains_key(name)) {
            Some(overlay) => overlay.folder.join(name).display().to_string(),
            None => format!("prompts/{name}"),
        }
    }

    /// The folder's templates, and those that lie beside a language's folder.
    pub(super) fn laid_over(&self) -> (Vec<&str>, &[PathBuf]) {
        let Some(overlay) = &self.overlay else { return (Vec::new(), &[]) };
        (overlay.files.keys().map(String::as_str).filter(|name| is_template(name)).collect(), &overlay.astray)
    }

    /// Whether a file is the binary's.
    pub(super) fn is_built_in(&self, name: &str) -> bool {
        self.base.contains_key(name)
    }

    /// The languages in either layer.
    pub(super) fn languages(&self) -> Vec<String> {
        let languages: BTreeSet<String> =
            self.templates().keys().filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect();
        languages.into_iter().collect()
    }

    /// All templates with their texts.
    pub(super) fn templates(&self) -> BTreeMap<&str, &str> {
        let base = self.base.iter();
        let over = self.overlay.iter().flat_map(|overlay| &overlay.files);
        base.chain(over)
            .filter(|(name, _)| is_template(name))
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect()
    }

    /// The file of a prompt: the folder's before the binary's, the medium's own before the one for both. A slot
    /// without its own `invalid_<slot>` has the general one.
    pub(super) fn find(&self, prompt: &str, language: &str, medium: Medium) -> Option<String> {
        let general = prompt.starts_with("invalid_").then_some("invalid");
        self.file(prompt, language, medium).or_else(|| self.file(general?, language, medium))
    }

    fn file(&self, prompt: &str, language: &str, medium: Medium) -> Option<String> {
        let names = [format!("{language}/{prompt}.{}.j2", medium.name()), format!("{language}/{prompt}.j2")];
        let over = names
            .iter()
            .find(|name| self.overlay.as_ref().is_some_and(|over| over.files.contains_key(*name)));
        over.or_else(|| names.iter().find(|name| self.base.contains_key(*name))).cloned()
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

/// Whether somebody writes such files, and no editor beside them.
fn is_authored(file: &str) -> bool {
    !file.starts_with('.') && (file.ends_with(".j2") || file.ends_with(".yaml"))
}

/// The names in a folder, in their order.
fn entries(folder: &Path) -> Result<BTreeSet<String>, (PathBuf, std::io::Error)> {
    let wrong = |error| (folder.to_owned(), error);
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        names.extend(entry.map_err(wrong)?.file_name().into_string().ok());
    }
    Ok(names)
}
