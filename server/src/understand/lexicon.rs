//! What the words of a language mean to the grammar: a message becomes a row of atoms.
//!
//! An atom is a number or the longest known phrase; it carries the classes of its words. The grammar of dates,
//! parties and numbers is written over atoms and never looks at letters.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::feast::Feast;
use super::token::{Token, TokenKind, tokens};
use super::words::{Digits, Phrase, Words};

/// A class of words that the grammar knows, as `words.yaml` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub(super) enum Class {
    Article,
    The,
    Of,
    On,
    At,
    Roughly,
    For,
    In,
    From,
    Until,
    To,
    And,
    Or,
    But,
    Arrive,
    Leave,
    This,
    Next,
    AfterNext,
    Past,
    Night,
    Day,
    Week,
    Month,
    Fortnight,
    Weekend,
    Overnight,
    Tonight,
    Only,
    Now,
    TimeOfDay,
    HalfDay,
    Hours,
    Part,
    MinutesPast,
    Ago,
    FromNow,
    FromThen,
    Not,
    InsteadOf,
    Unfit,
    Move,
    More,
    Less,
    Total,
    Adult,
    Child,
    Children,
    People,
    RelationAdult,
    RelationAdults,
    Parents,
    RelationChild,
    RelationChildren,
    Me,
    OnlyMe,
    We,
    My,
    Couple,
    Family,
    Both,
    Group,
    Join,
    Aged,
    Years,
    Which,
    Currency,
    Star,
    NotADay,
    Option,
    One,
    Last,
    SecondLast,
    Middle,
    Other,
    Cheapest,
    Dearest,
    That,
    Take,
    NameIs,
    GivenName,
    FamilyName,
    ThisIs,
    Here,
    DigitWord,
    LetterWord,
    Reference,
    Wh,
    Aux,
    Hedge,
    Correction,
    Meant,
    Bed,
    Stay,
    Aspect,
    Praise,
    Praising,
    All,
    Add,
    Title,
    Consult,
    Decide,
    Going,
    Gone,
    Unfixed,
    // Signs and shapes, which no file of words names.
    #[serde(skip)]
    Comma,
    #[serde(skip)]
    Stop,
    #[serde(skip)]
    Dash,
    #[serde(skip)]
    Slash,
    #[serde(skip)]
    Dot,
    #[serde(skip)]
    Colon,
    #[serde(skip)]
    CurrencySign,
    #[serde(skip)]
    Filler,
    #[serde(skip)]
    Possessive,
}

/// What one phrase means; several things at once where it is ambiguous.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Meaning {
    pub(super) classes: u128,
    /// Classes that tell when and whether something happens; a word of these alone is unknown to the rest.
    pub(super) about: u128,
    pub(super) number: Option<i64>,
    pub(super) ordinal: Option<u32>,
    pub(super) weekday: Option<u8>,
    pub(super) month: Option<u8>,
    /// Days from today.
    pub(super) days: Option<i64>,
    /// A day that comes every year.
    pub(super) feast: Option<Feast>,
}

/// A number, a sign, or the longest known phrase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom {
    /// The first token.
    pub(super) first: usize,
    /// The token after the last one.
    pub(super) end: usize,
    pub(super) meaning: Meaning,
    /// Whether the number was written in digits.
    pub(super) digits: bool,
}

/// All words of a language by what they mean.
#[derive(Clone, Debug)]
pub(super) struct Lexicon {
    phrases: HashMap<String, Vec<(Vec<String>, Meaning)>>,
    acts: HashMap<String, Vec<ActPhrase>>,
    pub(super) filler: HashSet<String>,
    /// Phrases that make a yes depend on something, or put it off.
    pub(super) conditions: Vec<Vec<String>>,
    /// Phrases that do something only where they are the whole message.
    alone: BTreeMap<Phrase, HashSet<Vec<String>>>,
    /// A word and the word that it is the same as.
    pub(super) same: HashMap<String, String>,
    same_keys: HashSet<String>,
    /// How telephone numbers are said.
    pub(super) digits: Digits,
    /// What things are called by their kind.
    pub(super) kinds: BTreeMap<String, HashSet<String>>,
    wishes: HashMap<String, Vec<(Vec<String>, String)>>,
    /// A synonym and the option's own words.
    pub(super) synonyms: HashMap<String, Vec<String>>,
}

#[derive(Clone, Debug)]
struct ActPhrase {
    words: Vec<String>,
    act: Phrase,
}

/// A phrase of the acts found in a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundAct {
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) act: Phrase,
}

impl Class {
    fn bit(self) -> u128 {
        1 << (self as u8)
    }
}

impl Meaning {
    pub(super) fn is(&self, class: Class) -> bool {
        (self.classes | self.about) & class.bit() != 0
    }

    fn merge(&mut self, other: Self) {
        self.classes |= other.classes;
        self.about |= other.about;
        self.number = self.number.or(other.number);
        self.ordinal = self.ordinal.or(other.ordinal);
        self.weekday = self.weekday.or(other.weekday);
        self.month = self.month.or(other.month);
        self.days = self.days.or(other.days);
        self.feast = self.feast.or(other.feast);
    }

    fn of(class: Class) -> Self {
        if matches!(class, Class::Decide | Class::Going | Class::Gone | Class::Unfixed) {
            return Self { about: class.bit(), ..Self::default() };
        }
        Self { classes: class.bit(), ..Self::default() }
    }
}

impl Lexicon {
    pub(super) fn new(words: &Words) -> Self {
        let mut lexicon = Self {
            phrases: HashMap::new(),
            acts: HashMap::new(),
            conditions: words.conditions.iter().map(|phrase| split(phrase)).collect(),
            alone: words
                .alone
                .iter()
                .map(|(act, phrases)| (*act, phrases.iter().map(|phrase| split(phrase)).collect()))
                .collect(),
            filler: words.filler.iter().flat_map(|phrase| split(phrase)).collect(),
            same: HashMap::new(),
            same_keys: words.same.keys().cloned().collect(),
            digits: words.digits.clone(),
            kinds: words
                .kinds
                .iter()
                .map(|(thing, kinds)| (thing.clone(), kinds.iter().cloned().collect()))
                .collect(),
            wishes: HashMap::new(),
            synonyms: HashMap::new(),
        };
        for (phrase, number) in &words.numbers {
            lexicon.add(phrase, Meaning { number: Some(*number), ..Meaning::default() });
        }
        for (phrase, ordinal) in &words.ordinals {
            lexicon.add(phrase, Meaning { ordinal: Some(*ordinal), ..Meaning::default() });
        }
        for (index, names) in (0u8..).zip(&words.weekdays.value) {
            for name in names {
                lexicon.add(name, Meaning { weekday: Some(index), ..Meaning::default() });
            }
        }
        for (index, names) in (1u8..).zip(&words.months.value) {
            for name in names {
                lexicon.add(name, Meaning { month: Some(index), ..Meaning::default() });
            }
        }
        for (phrase, days) in &words.days {
            lexicon.add(phrase, Meaning { days: Some(*days), ..Meaning::default() });
        }
        for (phrase, day) in &words.holidays {
            lexicon.add(phrase, Meaning { feast: Feast::parse(&day.value), ..Meaning::default() });
        }
        for (class, phrases) in &words.grammar {
            for phrase in phrases {
                lexicon.add(phrase, Meaning::of(*class));
            }
        }
        for (act, phrases) in &words.acts {
            for phrase in phrases {
                lexicon.add_act(*act, phrase);
            }
        }
        for (option, others) in &words.synonyms {
            for other in others {
                let key = split(other).join(" ");
                lexicon.synonyms.entry(key).or_default().push(split(option).join(" "));
            }
        }
        for (word, others) in &words.same {
            for other in others {
                lexicon.same.insert(split(other).join(" "), word.clone());
            }
        }
        for (word, phrases) in &words.wishes {
            for phrase in phrases {
                let mut phrase = split(phrase).into_iter();
                if let Some(first) = phrase.next() {
                    lexicon.wishes.entry(first).or_default().push((phrase.collect(), word.clone()));
                }
            }
        }
        for list in lexicon.phrases.values_mut() {
            list.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        }
        for list in lexicon.acts.values_mut() {
            list.sort_by_key(|phrase| std::cmp::Reverse(phrase.words.len()));
        }
        for list in lexicon.wishes.values_mut() {
            list.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        }
        lexicon
    }

    fn add(&mut self, phrase: &str, meaning: Meaning) {
        let mut words = split(phrase).into_iter();
        let Some(first) = words.next() else { return };
        let rest: Vec<String> = words.collect();
        let list = self.phrases.entry(first).or_default();
        match list.iter_mut().find(|(words, _)| *words == rest) {
            Some((_, known)) => known.merge(meaning),
            None => list.push((rest, meaning)),
        }
    }

    fn add_act(&mut self, act: Phrase, phrase: &str) {
        let mut words = split(phrase).into_iter();
        if let Some(first) = words.next() {
            let phrase = ActPhrase { words: words.collect(), act };
            self.acts.entry(first).or_default().push(phrase);
        }
    }

    /// Whether words are unified to this one.
    pub(super) fn is_same_key(&self, word: &str) -> bool {
        self.same_keys.contains(word)
    }

    /// The atoms of a message.
    pub(super) fn atoms(&self, tokens: &[Token]) -> Vec<Atom> {
        let mut atoms = Vec::with_capacity(tokens.len());
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let atom = match token.kind {
                TokenKind::Word => self.phrase(tokens, at),
                TokenKind::Number(number) => {
                    Atom::of(at, Meaning { number: Some(number), ..Meaning::default() }, true)
                }
                TokenKind::Ordinal(ordinal) => {
                    Atom::of(at, Meaning { ordinal: Some(ordinal), ..Meaning::default() }, true)
                }
                TokenKind::Sign(sign) => Atom::of(at, sign_meaning(sign, tokens, at), false),
            };
            at = atom.end;
            atoms.push(atom);
        }
        atoms
    }

    fn phrase(&self, tokens: &[Token], at: usize) -> Atom {
        let token = &tokens[at];
        let mut atom = Atom::of(at, Meaning::default(), false);
        if let Some(list) = self.phrases.get(&token.text)
            && let Some((end, meaning)) =
                list.iter().find_map(|(words, meaning)| Some((follow(tokens, at + 1, words)?, *meaning)))
        {
            atom.end = end;
            atom.meaning = meaning;
        }
        if token.apostrophe && atom.end == at + 1 {
            atom.meaning.weekday = None;
            if token.text.ends_with('s') {
                atom.meaning.classes |= Class::Possessive.bit();
            }
        }
        if let Some(tens @ 20..=90) = atom.meaning.number
            && let Some((end, units)) = self.units(tokens, atom.end)
            && tens % 10 == 0
        {
            atom.end = end;
            atom.meaning.number = Some(tens + units);
        }
        if self.filler.contains(&token.text) && atom.end == at + 1 {
            atom.meaning.classes |= Class::Filler.bit();
        }
        atom
    }

    fn units(&self, tokens: &[Token], at: usize) -> Option<(usize, i64)> {
        let at = if tokens.get(at)?.is_sign('-') { at + 1 } else { at };
        let list = self.phrases.get(&tokens.get(at)?.text)?;
        let number = list.iter().find(|(words, _)| words.is_empty())?.1.number?;
        (1..=9).contains(&number).then_some((at + 1, number))
    }

    /// Whether a message is a phrase that does this only where it is the whole message.
    pub(super) fn is_alone(&self, act: Phrase, said: &str) -> bool {
        let said: Vec<String> =
            split(said).into_iter().filter(|word| word.chars().any(char::is_alphanumeric)).collect();
        self.alone.get(&act).is_some_and(|phrases| phrases.contains(&said))
    }

    /// The phrases of acts that begin at a token, longest first.
    pub(super) fn acts_at<'a>(
        &'a self,
        tokens: &'a [Token],
        at: usize,
    ) -> impl Iterator<Item = FoundAct> + 'a {
        let list = tokens.get(at).and_then(|token| self.acts.get(&token.text));
        list.into_iter().flatten().filter_map(move |phrase| {
            let end = follow(tokens, at + 1, &phrase.words)?;
            Some(FoundAct { first: at, end, act: phrase.act })
        })
    }

    /// The word that the phrase beginning at a token stands for when a wish is recognised, and where it ends.
    pub(super) fn wish_at(&self, tokens: &[Token], at: usize) -> Option<(&str, usize)> {
        let list = self.wishes.get(&tokens.get(at)?.text)?;
        list.iter().find_map(|(words, word)| Some((word.as_str(), follow(tokens, at + 1, words)?)))
    }
}

impl Atom {
    fn of(at: usize, meaning: Meaning, digits: bool) -> Self {
        Self { first: at, end: at + 1, meaning, digits }
    }
}

/// The words of a phrase, as tokens have them.
pub(super) fn split(phrase: &str) -> Vec<String> {
    tokens(phrase).into_iter().filter(|token| token.text != "-").map(|token| token.text).collect()
}

/// Where `words` end when they stand at `at`; a hyphen may stand between words.
fn follow(tokens: &[Token], mut at: usize, words: &[String]) -> Option<usize> {
    for word in words {
        let token = tokens.get(at)?;
        let joined = token.is_sign('-') && !token.spaced;
        if joined {
            at += 1;
        }
        if tokens.get(at)?.text != *word {
            return None;
        }
        at += 1;
    }
    Some(at)
}

fn sign_meaning(sign: char, tokens: &[Token], at: usize) -> Meaning {
    let number = |token: &Token| matches!(token.kind, TokenKind::Number(_));
    let inside = !tokens[at].spaced
        && at.checked_sub(1).is_some_and(|before| number(&tokens[before]))
        && tokens.get(at + 1).is_some_and(|next| !next.spaced && number(next));
    match sign {
        ',' | '(' | ')' | '"' => Meaning::of(Class::Comma),
        '.' if inside => Meaning::of(Class::Dot),
        '.' | '!' | '?' | ';' | '…' => Meaning::of(Class::Stop),
        '-' | '~' => Meaning::of(Class::Dash),
        '/' => Meaning::of(Class::Slash),
        ':' => Meaning::of(Class::Colon),
        '€' | '$' | '£' | '¥' => Meaning::of(Class::CurrencySign),
        '&' | '+' => Meaning { classes: Class::And.bit() | Class::Join.bit(), ..Meaning::default() },
        '#' => Meaning::of(Class::Option),
        _ => Meaning::default(),
    }
}
