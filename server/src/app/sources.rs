//! The flows that run: those in the binary, what is laid over them, and the check of all that is authored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use innkeeper_engine::flow::Source;
use innkeeper_engine::{Flows, Prompts};
use rust_embed::RustEmbed;

use super::StartFault;
use super::language::replies;
use crate::config::Config;
use crate::conversation::WHATSAPP;
use crate::mistakes::Wrong;
use crate::reply::Replies;
use crate::tools::HotelTools;
use crate::versions::Authored;

/// The flows in the binary.
#[derive(RustEmbed)]
#[folder = "../flows"]
struct BuiltIn;

/// Flows and prompts without a mistake.
pub(super) struct Right {
    /// What is said.
    pub(super) replies: Replies,
    /// Everything the flows are checked from.
    pub(super) authored: Authored,
    /// The flows.
    pub(super) flows: Flows,
}

/// Checks the flows and the prompts as they are now, for a hotel with these tools.
pub(super) fn right(config: &Config, tools: &HotelTools) -> Result<Right, StartFault> {
    let mut wrong = Wrong::default();
    let replies = replies(config, &mut wrong)?;
    let (sources, tools) = (sources(config)?, tools.catalog().clone());
    let prompts = Prompts { ways: [WHATSAPP.to_owned()].into(), ..replies.catalog() };
    let authored = Authored { sources, tools, prompts };
    match authored.check() {
        Ok(flows) if wrong.is_empty() => Ok(Right { replies, authored, flows }),
        Ok(_) => Err(wrong.into()),
        Err(mistakes) => Err(Wrong { flows: Some(mistakes), ..wrong }.into()),
    }
}

/// The built-in flows, each replaced by the file of the same name in the configured folder, and that folder's own. A
/// file's name is the same with either of its ends, `.yaml` and `.yml`.
fn sources(config: &Config) -> Result<Vec<Source>, StartFault> {
    let mut own: BTreeMap<PathBuf, Source> = BTreeMap::new();
    if let Some(folder) = &config.flows {
        let fault = |path: &Path| {
            let path = path.display().to_string();
            move |source| StartFault::File { path, source }
        };
        for entry in std::fs::read_dir(folder).map_err(fault(folder))? {
            let path = entry.map_err(fault(folder))?.path();
            if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
                let text = std::fs::read_to_string(&path).map_err(fault(&path))?;
                let file = path.display().to_string();
                own.insert(path, Source { file, text });
            }
        }
    }
    let is_replaced = |name: &str| {
        let stem = Path::new(name).file_stem();
        own.keys().any(|path| path.file_stem() == stem)
    };
    let built_in = BuiltIn::iter().filter(|name| name.ends_with(".yaml") && !is_replaced(name));
    let built_in: BTreeMap<String, Source> = built_in
        .filter_map(|name| {
            let file = BuiltIn::get(&name)?;
            let text = String::from_utf8_lossy(&file.data).into_owned();
            Some((name.to_string(), Source { file: format!("flows/{name}"), text }))
        })
        .collect();
    Ok(built_in.into_values().chain(own.into_values()).collect())
}
