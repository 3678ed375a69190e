//! Sets of facts that a text shows, and what is left of two of them where either may be said.

use std::collections::BTreeMap;

/// A fact: a name and the fields below it, for example `quote`, `total`.
pub(in crate::reply) type Path = Vec<String>;

/// How a text shows the value of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    /// There is none on this way, so that nothing is to be shown.
    Absent,
    /// It can be read.
    Whole,
}

/// What a text says of a fact.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    value: Option<Value>,
    /// Whether there are words for whether it holds.
    told: bool,
}

/// What a text is sure to show.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    facts: BTreeMap<Path, Known>,
    /// Whether it is sure to have a letter or a digit.
    pub(super) words: bool,
}

impl Shown {
    /// A text without facts.
    pub(super) fn said(words: bool) -> Self {
        Self { words, ..Self::default() }
    }

    /// A fact as it is.
    pub(super) fn fact(path: Path) -> Self {
        let mut shown = Self::said(true);
        shown.value(path, Value::Whole);
        shown
    }

    /// Notes what is said of a fact's value.
    pub(super) fn value(&mut self, path: Path, value: Value) {
        let known = self.facts.entry(path).or_default();
        known.value = known.value.max(Some(value));
        known.told |= value == Value::Whole;
    }

    /// Notes that there are words for whether a fact holds.
    pub(super) fn told(&mut self, path: Path) {
        self.facts.entry(path).or_default().told = true;
    }

    /// Both texts, one after the other.
    pub(super) fn and(mut self, other: Self) -> Self {
        for (path, theirs) in other.facts {
            let known = self.facts.entry(path).or_default();
            known.value = known.value.max(theirs.value);
            known.told |= theirs.told;
        }
        self.words |= other.words;
        self
    }

    /// What is sure where either of both may be said: what one shows counts where the other has nothing to show.
    pub(super) fn or(self, other: Self) -> Self {
        let mut both = Self { facts: BTreeMap::new(), words: self.words && other.words };
        for path in self.facts.keys().chain(other.facts.keys()) {
            let (one, another) = (self.known(path), other.known(path));
            let value = match (one.value, another.value) {
                (Some(one), Some(another)) => Some(one.max(another)),
                (Some(_) | None, None) | (None, Some(_)) => None,
            };
            let known = Known { value, told: one.told && another.told };
            if known.value.is_some() || known.told {
                both.facts.insert(path.clone(), known);
            }
        }
        both
    }

    /// What is said of a fact: of itself, or of what it is a part of.
    fn known(&self, path: &[String]) -> Known {
        let mut known = self.facts.get(path).copied().unwrap_or_default();
        for above in (1..path.len()).filter_map(|length| self.facts.get(&path[..length])) {
            known.value = known.value.max(above.value);
            known.told |= above.value == Some(Value::Whole);
        }
        known
    }

    /// Only what lies at or below a fact, and no words: of a text that is not said where that is empty.
    pub(super) fn below(mut self, path: &[String]) -> Self {
        self.facts.retain(|fact, _| fact.starts_with(path));
        self.words = false;
        self
    }

    /// The facts that are shown whole, and those whose truth is told.
    pub(super) fn into_facts(self) -> (Vec<Path>, Vec<Path>) {
        let whole = self.facts.iter().filter(|(_, known)| known.value == Some(Value::Whole));
        let told = self.facts.iter().filter(|(_, known)| known.told);
        (whole.map(|(path, _)| path.clone()).collect(), told.map(|(path, _)| path.clone()).collect())
    }
}
