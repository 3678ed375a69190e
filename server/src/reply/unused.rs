//! Prompts in a folder that nothing says: mostly a name that is misspelt.

use std::collections::BTreeSet;
use std::fmt;

use super::{Medium, Replies};

/// A file that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// The file.
    pub file: String,
    /// Why nothing says it.
    pub why: &'static str,
    /// The name that was probably meant.
    pub near: Option<String>,
}

impl fmt::Display for Unused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.file, self.why)?;
        match &self.near {
            Some(near) => write!(formatter, "; did you mean `{near}`?"),
            None => Ok(()),
        }
    }
}

impl Replies {
    /// The files of the folder that flows which say these prompts never come to.
    pub fn unused(&self, said: &BTreeSet<String>) -> Vec<Unused> {
        let (templates, astray) = self.layers.laid_over();
        let mut unused: Vec<Unused> = astray
            .iter()
            .map(|path| Unused {
                file: path.display().to_string(),
                why: "prompts are looked for in a folder for each language, for example `en`",
                near: None,
            })
            .collect();
        let all = self.layers.templates();
        let built_in: BTreeSet<&str> = all
            .keys()
            .filter(|name| self.layers.is_built_in(name))
            .filter_map(|name| Some(prompt_of(name.split_once('/')?.1)))
            .collect();
        for template in templates {
            let Some((_, file)) = template.split_once('/') else { continue };
            let prompt = prompt_of(file);
            let included = || all.iter().any(|(other, text)| *other != template && text.contains(file));
            if said.contains(prompt) || built_in.contains(prompt) || included() {
                continue;
            }
            let known = said.iter().map(String::as_str).chain(built_in.iter().copied());
            unused.push(Unused {
                file: self.layers.place(template),
                why: match file.starts_with('_') {
                    true => "no prompt includes it",
                    false => "no flow says it",
                },
                near: innkeeper_engine::flow::nearest(prompt, known).map(str::to_owned),
            });
        }
        unused
    }
}

/// The name of the prompt that a file is for.
fn prompt_of(file: &str) -> &str {
    let stem = file.trim_end_matches(".j2");
    [Medium::Chat, Medium::Voice]
        .iter()
        .find_map(|medium| stem.strip_suffix(medium.name())?.strip_suffix('.'))
        .unwrap_or(stem)
}
