//! What people say on the telephone who only show that they listen, by language.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Layers, ReplyFault};

/// The name of the file, below the language.
const FILE: &str = "calls.yaml";

/// The file as authored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Authored {
    /// Words that are no turn of their own.
    back_channels: Vec<String>,
}

/// Reads the file of every language that has one.
pub(super) fn read(layers: &Layers, faults: &mut Vec<ReplyFault>) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for language in layers.languages() {
        let file = format!("{language}/{FILE}");
        match layers.text(&file) {
            None => {}
            Some(yaml) => match serde_saphyr::from_str::<Authored>(yaml) {
                Ok(authored) => _ = all.insert(language.clone(), authored.back_channels),
                Err(error) => {
                    faults.push(ReplyFault::File { file: layers.place(&file), reason: error.to_string() })
                }
            },
        }
    }
    all
}
