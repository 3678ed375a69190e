//! One message on its way through the grammar: its atoms, and which of them are already understood.

use super::lexicon::{Atom, Class, Lexicon, Meaning};
use super::token::{Token, TokenKind, tokens};

/// What an atom was understood as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A time of day, a price, an age: something that is a number and not what was asked for.
    Amount,
    Day,
    Nights,
    Party,
    Number,
    Choice,
    Name,
    Contact,
}

/// A message and what became of its atoms.
#[derive(Debug)]
pub(super) struct Sentence<'a> {
    pub(super) said: &'a str,
    pub(super) tokens: Vec<Token>,
    pub(super) atoms: Vec<Atom>,
    taken: Vec<Option<Taken>>,
    /// Prices that were named, in hundredths.
    pub(super) prices: Vec<i64>,
    /// Whether a day was said of when the guest decides.
    pub(super) puts_off: bool,
}

impl<'a> Sentence<'a> {
    pub(super) fn new(lexicon: &Lexicon, said: &'a str) -> Self {
        let tokens = tokens(said);
        let atoms = lexicon.atoms(&tokens);
        let taken = vec![None; atoms.len()];
        let mut sentence = Self { said, tokens, atoms, taken, prices: Vec::new(), puts_off: false };
        sentence.set_amounts_aside();
        sentence.set_past_aside();
        sentence
    }

    pub(super) fn len(&self) -> usize {
        self.atoms.len()
    }

    pub(super) fn meaning(&self, at: usize) -> Meaning {
        self.atoms.get(at).map(|atom| atom.meaning).unwrap_or_default()
    }

    pub(super) fn is(&self, at: usize, class: Class) -> bool {
        self.meaning(at).is(class)
    }

    pub(super) fn any(&self, at: usize, classes: &[Class]) -> bool {
        let meaning = self.meaning(at);
        classes.iter().any(|class| meaning.is(*class))
    }

    /// Whether the message, or the sentence, ends before the atom.
    pub(super) fn ends(&self, at: usize) -> bool {
        at >= self.len() || self.any(at, &[Class::Stop, Class::Comma])
    }

    /// A cardinal number that nothing else has taken.
    pub(super) fn number(&self, at: usize) -> Option<i64> {
        if self.is_taken(at) { None } else { self.meaning(at).number }
    }

    pub(super) fn is_taken(&self, at: usize) -> bool {
        self.taken.get(at).is_some_and(Option::is_some)
    }

    pub(super) fn taken(&self, at: usize) -> Option<Taken> {
        self.taken.get(at).copied().flatten()
    }

    pub(super) fn take(&mut self, from: usize, end: usize, what: Taken) {
        for slot in self.taken.iter_mut().take(end).skip(from) {
            slot.get_or_insert(what);
        }
    }

    /// The first token of an atom.
    pub(super) fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(self.atoms.get(at)?.first)
    }

    /// A word that the language file does not know, or knows only as something else than filler.
    pub(super) fn is_word(&self, at: usize) -> bool {
        self.token(at).is_some_and(Token::is_word)
    }

    pub(super) fn is_digits(&self, at: usize) -> bool {
        self.atoms.get(at).is_some_and(|atom| atom.digits)
    }

    /// Whether white space stands before the atom.
    pub(super) fn spaced(&self, at: usize) -> bool {
        self.token(at).is_none_or(|token| token.spaced)
    }

    /// The message's words from one atom up to another, as they were said.
    pub(super) fn text(&self, from: usize, end: usize) -> &'a str {
        let first = self.atoms.get(from).and_then(|atom| self.tokens.get(atom.first));
        let last = end.checked_sub(1).and_then(|last| self.atoms.get(last));
        let last = last.and_then(|atom| self.tokens.get(atom.end.saturating_sub(1)));
        match (first, last) {
            (Some(first), Some(last)) => self.said.get(first.start..last.end).unwrap_or_default(),
            _ => "",
        }
    }

    /// Times of day, prices, ages, ratings and other numbers that count nothing a guest is asked for; people who are
    /// asked first, and do not come for that.
    fn set_amounts_aside(&mut self) {
        let mut at = 0;
        while at < self.len() {
            let end = self
                .clock(at)
                .or_else(|| self.price(at))
                .or_else(|| self.other_amount(at))
                .or_else(|| self.consulted(at));
            if let Some(end) = end {
                self.take(at, end, Taken::Amount);
                at = end;
            } else {
                at += 1;
            }
        }
    }

    /// Where the time of day that begins at an atom ends.
    fn clock(&self, at: usize) -> Option<usize> {
        use Class::{At, Colon, Dot, For, HalfDay, MinutesPast, Part, The, TimeOfDay};
        if self.is(at, Part) && self.is(at + 1, MinutesPast) && self.number(at + 2).is_some() {
            return Some(self.after_clock(at + 3));
        }
        let hour = self.number(at)?;
        if !(0..=2400).contains(&hour) {
            return None;
        }
        if self.is(at + 1, Colon) && !self.spaced(at + 2) && self.number(at + 2).is_some() {
            return Some(self.after_clock(at + 3));
        }
        let dotted = self.is(at + 1, Dot) && self.number(at + 2).is_some();
        let end = if dotted { at + 3 } else { at + 1 };
        let marked = |end: usize| {
            self.is(end, HalfDay)
                || (self.tokens_are(end, &["in"]) && self.is(end + 1, The) && self.is(end + 2, TimeOfDay))
                || (self.is(end, At) && self.is(end + 1, TimeOfDay))
        };
        if marked(end) {
            return Some(self.after_clock(end));
        }
        if hour < 60
            && self.is(at + 1, MinutesPast)
            && self.number(at + 2).is_some_and(|other| other <= 24)
            && (marked(at + 3) || self.is(at + 3, TimeOfDay) && !self.counts_nights(at + 3))
        {
            return Some(self.after_clock(at + 3));
        }
        let two = self.number(at + 1).is_some_and(|minutes| minutes < 60)
            && self.is_digits(at)
            && self.is_digits(at + 1)
            && hour <= 24;
        if two && marked(at + 2) {
            return Some(self.after_clock(at + 2));
        }
        let before = at.checked_sub(1)?;
        let at_word = self.is(before, At) && !self.is(before, For);
        let alone = |end: usize| {
            let stay = self.meaning(end).month.is_some()
                || self.any(end, &[Class::Slash, Class::Dash, Class::Adult, Class::Child, Class::People])
                || self.counts_nights(end)
                || self.is(end, Class::Day);
            !stay
                && (self.ends(end)
                    || !self.is_word(end)
                    || (self.is(end, Class::Filler) && !self.is_unit_like(end))
                    || self.any(end, &[TimeOfDay]))
        };
        if at_word && two && alone(at + 2) {
            return Some(self.after_clock(at + 2));
        }
        let at_word = at_word && !self.tokens_are(before, &["on"]);
        (at_word && hour <= 24 && !dotted && alone(at + 1)).then(|| self.after_clock(at + 1))
    }

    fn counts_nights(&self, at: usize) -> bool {
        self.is(at, Class::Night) && !self.tokens_are(at, &["night"])
    }

    /// Where a time of day that seems to end at `end` really does: "5 p.m.", "8 in the morning".
    fn after_clock(&self, mut end: usize) -> usize {
        use Class::{At, HalfDay, The, TimeOfDay};
        if self.is(end, HalfDay) {
            end += 1;
        }
        if self.tokens_are(end, &["in"]) && self.is(end + 1, The) && self.is(end + 2, TimeOfDay) {
            end += 3;
        } else if self.is(end, At) && self.is(end + 1, TimeOfDay) {
            end += 2;
        } else if self.is(end, TimeOfDay) {
            end += 1;
        }
        end
    }

    /// Where the price that begins at an atom ends; remembers its amount.
    fn price(&mut self, at: usize) -> Option<usize> {
        use Class::{Currency, CurrencySign, Dot};
        let signed = self.is(at, CurrencySign) || (self.is(at, Currency) && self.is_digits(at + 1));
        let from = if signed { at + 1 } else { at };
        let mut amount = self.number(from).filter(|_| self.is_digits(from) || !signed)?;
        let mut end = from + 1;
        while self.tokens_are(end, &[","]) && !self.spaced(end + 1) && self.token(end + 1)?.text.len() == 3 {
            amount = amount.checked_mul(1000)?.checked_add(self.number(end + 1)?)?;
            end += 2;
        }
        let mut minor = amount.checked_mul(100)?;
        if self.is(end, Dot) && self.token(end + 1).is_some_and(|token| token.text.len() <= 2) {
            let cents = self.number(end + 1)?;
            let tenths = self.token(end + 1).is_some_and(|token| token.text.len() == 1);
            minor = minor.checked_add(if tenths { cents * 10 } else { cents })?;
            end += 2;
        }
        let named = self.any(end, &[Currency, CurrencySign]);
        if !signed && !named {
            return None;
        }
        self.prices.push(minor);
        Some(if named { end + 1 } else { end })
    }

    /// Where a rating, an age, a duration in hours or a fraction ends.
    fn other_amount(&self, at: usize) -> Option<usize> {
        use Class::{Aged, And, Comma, Dot, Hours, Star, Years};
        if self.tokens_are(at, &["("])
            && at.checked_sub(1).is_some_and(|before| self.is_child(before))
            && let Some((_, end)) = self.ages(at)
        {
            return Some(end);
        }
        if self.is(at, Aged) {
            let mut end = at + 1;
            while self.number(end).is_some() || (end > at + 1 && self.any(end, &[And, Comma])) {
                end += 1;
            }
            return self.number(at + 1).map(|_| if self.number(end - 1).is_some() { end } else { end - 1 });
        }
        self.number(at)?;
        if self.any(at + 1, &[Hours, Star, Years]) || self.tokens_are(at + 1, &["%"]) {
            return Some(at + 2);
        }
        if self.tokens_are(at + 1, &["-"]) && self.any(at + 2, &[Star, Years]) {
            return Some(at + 3);
        }
        // "4.5" is no count; "14.12." is a day, and "14.12.2026" too.
        let inner = at.checked_sub(1).is_some_and(|before| self.is(before, Dot));
        let decimal = !inner && self.is(at + 1, Dot) && self.number(at + 2).is_some();
        let date = self.is(at + 3, Dot)
            || (self.is(at + 3, Class::Stop) && self.token(at + 2).is_some_and(|t| t.text.len() == 2));
        (decimal && !date).then_some(at + 3)
    }

    /// Where "ask my wife", which begins at an atom, ends.
    pub(super) fn consulted(&self, at: usize) -> Option<usize> {
        if !self.is(at, Class::Consult) {
            return None;
        }
        let mut who = at + 1;
        while who <= at + 2 && self.any(who, &[Class::My, Class::The]) {
            who += 1;
        }
        let person = self.any(
            who,
            &[
                Class::RelationAdult,
                Class::RelationAdults,
                Class::RelationChild,
                Class::RelationChildren,
                Class::Parents,
                Class::Family,
            ],
        ) || self.tokens_are(who, &["him", "her", "them", "boss"]);
        person.then_some(who + 1)
    }

    /// Whether the atom is exactly one of these words or signs.
    pub(super) fn tokens_are(&self, at: usize, words: &[&str]) -> bool {
        let Some(atom) = self.atoms.get(at) else { return false };
        atom.end == atom.first + 1
            && self.tokens.get(atom.first).is_some_and(|token| words.contains(&token.text.as_str()))
    }

    /// Whether the atom's token is a sign.
    pub(super) fn is_sign(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| matches!(token.kind, TokenKind::Sign(_)))
    }
}
