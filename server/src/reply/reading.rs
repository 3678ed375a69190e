//! What a prompt is sure to show, whichever way its conditions go: read from its syntax tree, with everything it
//! includes, imports and extends, and never by rendering it.

mod evaluate;
mod shown;

use std::collections::BTreeMap;
use std::ops::Range;

use minijinja::machinery::{Span, ast, parse};
use minijinja::syntax::SyntaxConfig;

use self::evaluate::Evaluation;
use super::{Layers, Medium};

pub(super) use self::shown::Path;

/// All templates as trees, by name (`en/booked.j2`). One that cannot be parsed is not among them.
pub(super) struct Trees<'a>(BTreeMap<&'a str, ast::Stmt<'a>>);

/// What one prompt does with facts.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The facts that are read from outside, each with where it stands; those of included files have no place here.
    pub(super) mentions: Vec<(Path, Option<Range<usize>>)>,
    /// Facts that are shown whole on every way, as far as there is something to show.
    pub(super) whole: Vec<Path>,
    /// Facts whose truth has words for it on every way.
    pub(super) truths: Vec<Path>,
    /// Whether there are words at all on some way.
    pub(super) has_words: bool,
}

impl<'a> Trees<'a> {
    /// Parses every template that can be parsed.
    pub(super) fn of(layers: &'a Layers) -> Self {
        let trees = layers
            .templates()
            .into_iter()
            .filter_map(|(name, text)| Some((name, parse(text, name, SyntaxConfig::default()).ok()?)));
        Self(trees.collect())
    }

    /// Reads one template as it is said in this medium; `None` where it cannot be parsed.
    pub(super) fn read(&self, name: &str, medium: Medium) -> Option<Reading> {
        let tree = self.0.get(name)?;
        let mut evaluation = Evaluation::new(self, name, medium);
        let shown = evaluation.template(tree);
        let (whole, truths) = shown.into_facts();
        Some(Reading { mentions: evaluation.mentions, whole, truths, has_words: evaluation.has_words })
    }

    fn get(&self, name: &str) -> Option<&ast::Stmt<'a>> {
        self.0.get(name)
    }
}

/// The bytes of a place in a template.
fn bytes(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}
