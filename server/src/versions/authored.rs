//! Everything a version of the flows is checked from, and the form it is stored in.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_engine::flow::{Mistakes, Source};
use innkeeper_engine::{Flows, PromptKey, Prompts, Tool, Tools};
use serde::{Deserialize, Serialize};

use crate::store::{Fault, FlowVersionRow};

/// Everything a version of the flows is checked from.
#[derive(Clone, Debug)]
pub struct Authored {
    /// The files.
    pub sources: Vec<Source>,
    /// The tools there are.
    pub tools: Tools,
    /// The prompts there are.
    pub prompts: Prompts,
}

/// Why what a version is checked from cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum AuthoredFault {
    /// It is no text of its form.
    #[error("what a version of the flows was checked from cannot be read or written")]
    Shape(#[from] serde_json::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Fault),
}

/// A file as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    file: String,
    text: String,
}

/// The prompts as they are stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalog {
    languages: Vec<String>,
    channels: Vec<String>,
    given: BTreeSet<String>,
    /// By language and channel: the prompts with the variables they use.
    found: BTreeMap<String, BTreeMap<String, BTreeMap<String, BTreeSet<String>>>>,
}

/// A version with everything it is checked from, for a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    version: String,
    sources: String,
    tools: String,
    prompts: String,
}

impl Authored {
    /// Checks the flows.
    ///
    /// # Errors
    /// All mistakes in them.
    pub fn check(&self) -> Result<Flows, Mistakes> {
        Flows::check(&self.sources, &self.tools, &self.prompts)
    }

    /// From the stored form.
    ///
    /// # Errors
    /// It is no such form.
    pub fn of(row: &FlowVersionRow) -> Result<Self, AuthoredFault> {
        Self::read(&row.sources, &row.tools, &row.prompts)
    }

    /// From texts as [`Self::texts`] makes them.
    ///
    /// # Errors
    /// They are no such texts.
    pub fn read(sources: &str, tools: &str, prompts: &str) -> Result<Self, AuthoredFault> {
        let sources: Vec<File> = serde_json::from_str(sources)?;
        let tools: Vec<Tool> = serde_json::from_str(tools)?;
        let catalog: Catalog = serde_json::from_str(prompts)?;
        let mut prompts = Prompts {
            languages: catalog.languages,
            channels: catalog.channels,
            given: catalog.given,
            ..Prompts::default()
        };
        for (language, channels) in catalog.found {
            for (channel, found) in channels {
                for (name, variables) in found {
                    let key = PromptKey { name, language: language.clone(), channel: channel.clone() };
                    prompts.found.insert(key, variables);
                }
            }
        }
        Ok(Self {
            sources: sources.into_iter().map(|File { file, text }| Source { file, text }).collect(),
            tools: tools.into_iter().map(|tool| (tool.name.clone(), tool)).collect(),
            prompts,
        })
    }

    /// The stored form: the files, the tools with their schemas, the prompts with the variables they use.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn texts(&self) -> Result<[String; 3], AuthoredFault> {
        let files: Vec<File> = self
            .sources
            .iter()
            .map(|source| File { file: source.file.clone(), text: source.text.clone() })
            .collect();
        let tools: Vec<&Tool> = self.tools.values().collect();
        // What prompts show and which ways there are is judged once, before a version is used.
        let Prompts { languages, channels, found, given, shown: _, ways: _ } = self.prompts.clone();
        let mut catalog = Catalog { languages, channels, given, found: BTreeMap::new() };
        for (PromptKey { name, language, channel }, variables) in found {
            catalog.found.entry(language).or_default().entry(channel).or_default().insert(name, variables);
        }
        Ok([serde_json::to_string(&files)?, serde_json::to_string(&tools)?, serde_json::to_string(&catalog)?])
    }
}

impl Exported {
    /// A version as it is stored.
    pub fn of(row: FlowVersionRow) -> Self {
        let FlowVersionRow { version, sources, tools, prompts, .. } = row;
        Self { version, sources, tools, prompts }
    }

    /// Which it is.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it is checked from.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn authored(&self) -> Result<Authored, AuthoredFault> {
        Authored::read(&self.sources, &self.tools, &self.prompts)
    }
}
