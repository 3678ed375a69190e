//! What is wrong with what a hotelier wrote: flows, prompts and vocabulary, all of it at once.

use std::fmt;

use innkeeper_engine::flow::{Mistake, Mistakes};
use serde::Serialize;

use crate::reply::{ReplyFault, ReplyFaults};
use crate::understand::WordsFault;

/// Every mistake in flows, prompts and vocabulary. There is at least one.
#[derive(Debug, Default)]
pub struct Wrong {
    /// In the vocabulary.
    pub words: Option<WordsFault>,
    /// In the prompts.
    pub prompts: Option<ReplyFaults>,
    /// In the flows.
    pub flows: Option<Mistakes>,
}

/// A mistake as programs read it. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The file, where there is one.
    pub file: Option<String>,
    /// The line in it.
    pub line: Option<usize>,
    /// The column in it.
    pub column: Option<usize>,
    /// Behind the last character that is meant.
    pub end: Option<Behind>,
    /// The rule that is broken.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to write.
    pub help: Option<String>,
    /// The line, and below it a pointer to what is meant.
    pub excerpt: Option<String>,
}

/// A place behind something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// What became of flows and prompts that were edited while the program runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Counts the changes that were looked into.
    pub changes: u64,
    /// What is wrong with the files as they are now; what was right before is still used.
    pub wrong: Vec<Listed>,
}

impl Wrong {
    /// Whether there is a mistake at all.
    pub fn is_empty(&self) -> bool {
        let Self { words, prompts, flows } = self;
        words.is_none() && prompts.is_none() && flows.is_none()
    }

    /// All of them, flows last.
    pub fn listed(&self) -> Vec<Listed> {
        let words = self.words.iter().map(Listed::from);
        let prompts = self.prompts.iter().flat_map(|faults| &faults.0).map(Listed::from);
        let flows = self.flows.iter().flat_map(|mistakes| &mistakes.0).map(Listed::from);
        words.chain(prompts).chain(flows).collect()
    }

    /// What is wrong with vocabulary and prompts, as text; `None` where nothing is.
    pub fn beside_flows(&self) -> Option<String> {
        let words = self.words.iter().map(|fault| format!("the vocabulary has a mistake\n{fault}"));
        let prompts = self.prompts.iter().map(|faults| format!("the prompts have mistakes\n{faults}"));
        let told: Vec<String> = words.chain(prompts).collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flows = self.flows.iter().map(|mistakes| format!("the flows have mistakes\n{mistakes}"));
        let told: Vec<String> = self.beside_flows().into_iter().chain(flows).collect();
        formatter.write_str(&told.join("\n"))
    }
}

impl std::error::Error for Wrong {}

impl Listed {
    /// A mistake without a place in its file.
    pub fn whole(rule: &'static str, file: Option<String>, message: String) -> Self {
        Self { file, line: None, column: None, end: None, rule, message, help: None, excerpt: None }
    }
}

impl From<&Mistake> for Listed {
    fn from(mistake: &Mistake) -> Self {
        let place = mistake.place.as_ref();
        Self {
            file: place.map(|place| place.file.clone()),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            end: place.map(|place| {
                let (line, column) = place.until();
                Behind { line, column }
            }),
            rule: mistake.rule.name(),
            message: mistake.message.clone(),
            help: mistake.help.clone(),
            excerpt: place.map(|place| place.excerpt()),
        }
    }
}

impl From<&ReplyFault> for Listed {
    fn from(fault: &ReplyFault) -> Self {
        match fault {
            ReplyFault::Template { place, reason } => {
                let (line, column) = place.until();
                Self {
                    line: Some(place.line),
                    column: Some(place.column),
                    end: Some(Behind { line, column }),
                    excerpt: Some(place.excerpt()),
                    ..Self::whole("prompt", Some(place.file.clone()), reason.clone())
                }
            }
            ReplyFault::File { file, reason } => Self::whole("prompt", Some(file.clone()), reason.clone()),
            ReplyFault::Missing { .. } | ReplyFault::Overtaken | ReplyFault::Unread(_) => {
                Self::whole("prompt", None, fault.to_string())
            }
        }
    }
}

impl From<&WordsFault> for Listed {
    fn from(fault: &WordsFault) -> Self {
        let known = |number: u64| usize::try_from(number).ok().filter(|number| *number > 0);
        Self {
            line: known(fault.line),
            column: known(fault.column),
            ..Self::whole("words", Some(fault.file.clone()), fault.message.clone())
        }
    }
}
