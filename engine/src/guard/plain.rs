//! Conditions of a plain form, decided where the facts are.
//!
//! Most guards compare a name with a constant or ask whether there is anything. Those are read here once and decided
//! without minijinja; wherever the two could differ they are left to it. A debug build decides every guard both ways.

use serde_json::Value as Json;

use super::{Path, Root};

/// A condition of a plain form.
#[derive(Clone, Debug)]
pub(super) enum Plain {
    Any(Box<Plain>, Box<Plain>),
    All(Box<Plain>, Box<Plain>),
    Not(Box<Plain>),
    /// Whether there is anything.
    There(Path),
    Compared(Term, Comparison, Constant),
    /// Whether it is one of these.
    Among(Path, Vec<String>),
}

/// What is compared.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Value(Path),
    Length(Path),
}

#[derive(Clone, Debug)]
pub(super) enum Constant {
    Number(i64),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Same,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A fact where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact<'f> {
    /// There is none.
    Absent,
    Json(&'f Json),
    Text(&'f str),
    Number(i64),
    Truth(bool),
    /// Something with parts.
    Parts,
}

impl Plain {
    /// Reads a condition; `None` where it is of another form.
    pub(super) fn read(source: &str, root_of: &impl Fn(&str) -> Option<Root>) -> Option<Self> {
        let mut reader = Reader { tokens: tokens(source)?, place: 0, root_of };
        let read = reader.any()?;
        (reader.place == reader.tokens.len()).then_some(read)
    }

    /// Whether it holds; `None` where that is for minijinja to say.
    pub(super) fn holds<'f>(&self, fact: &impl Fn(&Path) -> Option<Fact<'f>>) -> Option<bool> {
        match self {
            Self::Any(one, other) => Some(one.holds(fact)? || other.holds(fact)?),
            Self::All(one, other) => Some(one.holds(fact)? && other.holds(fact)?),
            Self::Not(one) => Some(!one.holds(fact)?),
            Self::There(path) => fact(path)?.is_true(),
            Self::Compared(term, comparison, constant) => match (term, constant) {
                (Term::Value(path), Constant::Number(constant)) => {
                    Some(comparison.of(&fact(path)?.number()?, constant))
                }
                (Term::Length(path), Constant::Number(constant)) => {
                    Some(comparison.of(&fact(path)?.length()?, constant))
                }
                (Term::Value(path), Constant::Text(constant)) if comparison.is_of_same() => {
                    Some(comparison.of(fact(path)?.text()?, constant.as_str()))
                }
                _ => None,
            },
            Self::Among(path, texts) => {
                let text = fact(path)?.text()?;
                Some(texts.iter().any(|known| known == text))
            }
        }
    }
}

impl Comparison {
    fn is_of_same(self) -> bool {
        matches!(self, Self::Same | Self::Other)
    }

    fn of<T: Ord + ?Sized>(self, one: &T, other: &T) -> bool {
        match self {
            Self::Same => one == other,
            Self::Other => one != other,
            Self::Less => one < other,
            Self::AtMost => one <= other,
            Self::More => one > other,
            Self::AtLeast => one >= other,
        }
    }
}

impl<'f> Fact<'f> {
    /// JSON that may be there.
    pub(crate) fn of(json: Option<&'f Json>) -> Self {
        json.map_or(Self::Absent, Self::Json)
    }

    fn is_true(self) -> Option<bool> {
        Some(match self {
            Self::Absent | Self::Json(Json::Null) => false,
            Self::Json(Json::Bool(truth)) => *truth,
            Self::Json(Json::Number(number)) => number.as_i64()? != 0,
            Self::Json(Json::String(text)) => !text.is_empty(),
            Self::Json(Json::Array(list)) => !list.is_empty(),
            Self::Json(Json::Object(fields)) => !fields.is_empty(),
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => number != 0,
            Self::Truth(truth) => truth,
            Self::Parts => true,
        })
    }

    fn number(self) -> Option<i64> {
        match self {
            Self::Json(json) => json.as_i64(),
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    fn text(self) -> Option<&'f str> {
        match self {
            Self::Json(json) => json.as_str(),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn length(self) -> Option<i64> {
        let length = match self {
            Self::Json(Json::Array(list)) => list.len(),
            Self::Json(Json::Object(fields)) => fields.len(),
            Self::Json(Json::String(text)) => text.chars().count(),
            Self::Text(text) => text.chars().count(),
            _ => return None,
        };
        i64::try_from(length).ok()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Number(i64),
    Text(String),
    Sign(&'static str),
}

const SIGNS: &[&str] = &["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", "|", "."];

/// The parts of a source; `None` where there is anything else in it.
fn tokens(source: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut left = source.trim_start();
    while let Some(first) = left.chars().next() {
        let (token, length) = if first.is_ascii_alphabetic() || first == '_' {
            let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
            let length = left.find(|character| !is_part(character)).unwrap_or(left.len());
            (Token::Word(left.get(..length)?.to_owned()), length)
        } else if first.is_ascii_digit() {
            let length = left.find(|character: char| !character.is_ascii_digit()).unwrap_or(left.len());
            (Token::Number(left.get(..length)?.parse().ok()?), length)
        } else if first == '\'' || first == '"' {
            let text = left.get(1..)?;
            let length = text.find(first)?;
            let text = text.get(..length).filter(|text| !text.contains('\\'))?;
            (Token::Text(text.to_owned()), length + 2)
        } else {
            let sign = SIGNS.iter().find(|sign| left.starts_with(**sign))?;
            (Token::Sign(sign), sign.len())
        };
        let rest = left.get(length..)?;
        // A number that goes on is no whole one, or none at all.
        if matches!(token, Token::Number(_))
            && rest.starts_with(|next: char| next == '.' || next == '_' || next.is_alphabetic())
        {
            return None;
        }
        tokens.push(token);
        left = rest.trim_start();
    }
    Some(tokens)
}

/// Words that are no names.
const WORDS: &[&str] = &[
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None", "loop",
    "self",
];

struct Reader<'r, R> {
    tokens: Vec<Token>,
    place: usize,
    root_of: &'r R,
}

impl<R: Fn(&str) -> Option<Root>> Reader<'_, R> {
    fn any(&mut self) -> Option<Plain> {
        let mut read = self.all()?;
        while self.word("or") {
            read = Plain::Any(Box::new(read), Box::new(self.all()?));
        }
        Some(read)
    }

    fn all(&mut self) -> Option<Plain> {
        let mut read = self.not()?;
        while self.word("and") {
            read = Plain::All(Box::new(read), Box::new(self.not()?));
        }
        Some(read)
    }

    fn not(&mut self) -> Option<Plain> {
        if self.word("not") { Some(Plain::Not(Box::new(self.not()?))) } else { self.compared() }
    }

    fn compared(&mut self) -> Option<Plain> {
        if self.sign("(") {
            let read = self.any()?;
            return self.sign(")").then_some(read);
        }
        let path = self.path()?;
        if self.word("in") {
            return Some(Plain::Among(path, self.texts()?));
        }
        let term = if self.sign("|") {
            self.word("length").then_some(Term::Length(path))?
        } else {
            Term::Value(path)
        };
        let Some(comparison) = self.comparison() else {
            return match term {
                Term::Value(path) => Some(Plain::There(path)),
                Term::Length(_) => None,
            };
        };
        let constant = match self.next()? {
            Token::Number(number) => Constant::Number(number),
            Token::Text(text) => Constant::Text(text),
            Token::Word(_) | Token::Sign(_) => return None,
        };
        Some(Plain::Compared(term, comparison, constant))
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        let mut opened = self.sign("[");
        while opened {
            let Token::Text(text) = self.next()? else { return None };
            texts.push(text);
            opened = self.sign(",");
        }
        (!texts.is_empty() && self.sign("]")).then_some(texts)
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let all = [
            ("==", Comparison::Same),
            ("!=", Comparison::Other),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        all.into_iter().find(|(sign, _)| self.sign(sign)).map(|(_, comparison)| comparison)
    }

    fn path(&mut self) -> Option<Path> {
        let mut path = vec![self.name()?];
        while self.sign(".") {
            path.push(self.name()?);
        }
        Path::bound(&path, self.root_of)
    }

    fn name(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(word) if !WORDS.contains(&word.as_str()) => Some(word),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.place)?.clone();
        self.place += 1;
        Some(token)
    }

    fn word(&mut self, word: &str) -> bool {
        self.takes(|token| matches!(token, Token::Word(known) if known == word))
    }

    fn sign(&mut self, sign: &str) -> bool {
        self.takes(|token| matches!(token, Token::Sign(known) if *known == sign))
    }

    fn takes(&mut self, is_it: impl Fn(&Token) -> bool) -> bool {
        let found = self.tokens.get(self.place).is_some_and(is_it);
        self.place += usize::from(found);
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::{Fact, Plain};
    use crate::guard::{ENVIRONMENT, Root};
    use crate::slot::found;

    fn any_fact() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (-2_i64..4).prop_map(Json::from),
            Just(json!(1.5)),
            prop_oneof![Just(""), Just("a"), Just("bc"), Just("ä")].prop_map(Json::from),
            Just(json!([])),
            Just(json!({})),
        ];
        let inner = prop_oneof![
            leaf.clone(),
            proptest::collection::vec(leaf.clone(), 1..4).prop_map(Json::from),
            leaf.clone().prop_map(|field| json!({ "x": field })),
        ];
        prop_oneof![inner.clone(), inner.prop_map(|field| json!({ "x": field, "y": 1 }))]
    }

    fn any_guard() -> impl Strategy<Value = String> {
        let path = || {
            prop_oneof![Just("a"), Just("b"), Just("a.x"), Just("b.x.x"), Just("absent"), Just("a.none_such")]
        };
        let sign = || prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
        let constant =
            || prop_oneof![Just("0"), Just("1"), Just("3"), Just("'a'"), Just("\"bc\""), Just("''")];
        let leaf = prop_oneof![
            path().prop_map(str::to_owned),
            (path(), sign(), constant())
                .prop_map(|(path, sign, constant)| format!("{path} {sign} {constant}")),
            (path(), sign(), constant())
                .prop_map(|(path, sign, constant)| format!("{path}|length{sign}{constant}")),
            path().prop_map(|path| format!("{path} in ['a', 'ä']")),
        ];
        leaf.prop_recursive(3, 12, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} and {other}")),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} or {other}")),
                inner.clone().prop_map(|one| format!("not {one}")),
                inner.prop_map(|one| format!("({one})")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_decided_here_minijinja_decides_alike(guard in any_guard(), a in any_fact(), b in any_fact()) {
            let facts = json!({ "a": a, "b": b });
            let plain = Plain::read(&guard, &|_| Some(Root::Item)).expect("a plain form");
            let fact = |path: &super::Path| {
                Some(Fact::of(facts.get(&*path.name).and_then(|fact| found(fact, &path.fields))))
            };
            let theirs = ENVIRONMENT.compile_expression_owned(guard.clone())?.eval(minijinja::Value::from(minijinja::value::Serde(&facts)));
            let theirs = theirs.is_ok_and(|value| value.is_true());
            if let Some(ours) = plain.holds(&fact) {
                prop_assert_eq!(ours, theirs, "{} over {}", guard, facts);
            }
        }

        #[test]
        fn whatever_is_read_is_a_plain_form_or_none(source in "[a-c.()'\\[\\]|=<>!, 0-9]{0,20}") {
            _ = Plain::read(&source, &|_| Some(Root::Item));
        }
    }

    #[test]
    fn other_forms_are_left_to_minijinja() {
        let others = [
            "a + 1",
            "a[0]",
            "a | first",
            "a is defined",
            "a == b",
            "a in b",
            "1 < a",
            "a == 1.5",
            "a == -1",
            "a ~ 'b'",
            "a if b",
            "true",
            "a == 'it\\'s'",
            "a not in ['b']",
            "a < 1 < 2",
            "f(a)",
            "a |length",
            "",
            "a and",
            "a == 1_0",
        ];
        for other in others {
            assert!(Plain::read(other, &|_| Some(Root::Item)).is_none(), "{other}");
        }
        let ours =
            ["a", "a.b and not c", "a | length > 0", "a.b == 'c' or (a in ['b', 'c'])", "silence <= 1"];
        for ours in ours {
            assert!(Plain::read(ours, &|_| Some(Root::Item)).is_some(), "{ours}");
        }
    }
}
