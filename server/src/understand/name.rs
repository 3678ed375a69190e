//! People's names.

use super::lexicon::{Class, Lexicon, Meaning};
use super::sentence::{Sentence, Taken};

/// The most words of a name.
const NAME_WORDS_MAX: usize = 5;

impl Sentence<'_> {
    /// A person's name as it was said: after "my name is", "under" and the like, or as the answer.
    pub(super) fn person_name(&mut self, lexicon: &Lexicon, asked: bool) -> Option<String> {
        if let Some(name) = self.name_in_parts() {
            return Some(name);
        }
        let (from, end) = self
            .introduced(lexicon, asked)
            .or_else(|| self.signed())
            .or_else(|| self.for_somebody())
            .or_else(|| if asked { self.answered_name(lexicon) } else { None })?;
        self.name(from, end)
    }

    /// "June Carter", "Sunday Okafor", "Will": an answer in capitals that begins with a word which means something else,
    /// too. To be read before days are.
    pub(super) fn ambiguous_name(&mut self, lexicon: &Lexicon) -> Option<String> {
        let opening = [Class::Hedge, Class::ThisIs, Class::NameIs, Class::Comma, Class::Colon];
        let from = (0..self.len()).find(|at| !self.any(*at, &opening))?;
        let end = (from..self.len()).find(|at| self.ends(*at)).unwrap_or(self.len());
        let is_unknown = |at: usize| self.meaning(at) == Meaning::default();
        let is_capital = |at: usize| {
            let atom = &self.atoms[at];
            atom.end == atom.first + 1
                && self.is_word(at)
                && self.token(at).is_some_and(|token| token.capital)
        };
        let first = self.meaning(from);
        let dated = first.month.is_some() || first.weekday.is_some();
        // "Hope Summers"
        let filler = end > from + 1
            && first.is(Class::Filler)
            && first.classes.count_ones() == 1
            && (from + 1..end).all(is_unknown)
            && lexicon.acts_at(&self.tokens, self.atoms[from].first).next().is_none();
        let alone = end == from + 1 && end == self.len() && first.weekday.is_none();
        let named = alone || (from + 1..end).any(is_unknown);
        let fits = end - from <= NAME_WORDS_MAX && (from..end).all(is_capital);
        (fits && named && (dated || filler || first.is(Class::Aux))).then(|| self.name(from, end))?
    }

    /// The words between two atoms as a name; takes them.
    fn name(&mut self, from: usize, end: usize) -> Option<String> {
        self.take(from, end, Taken::Name);
        let name = self.text(from, end).trim_matches(|c: char| !c.is_alphanumeric() && c != '.');
        (!name.is_empty()).then(|| name.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// "First name Ana, last name Reis".
    fn name_in_parts(&mut self) -> Option<String> {
        let part = |class: Class| {
            let at = (0..self.len()).find(|at| self.is(*at, class))?;
            let from = self.after_introduction(at + 1);
            let end = self.name_end(from, true);
            (end > from).then_some((from, end))
        };
        let (given, family) = part(Class::GivenName).zip(part(Class::FamilyName))?;
        let given = self.name(given.0, given.1)?;
        let family = self.name(family.0, family.1)?;
        Some(format!("{given} {family}"))
    }

    fn introduced(&self, lexicon: &Lexicon, asked: bool) -> Option<(usize, usize)> {
        for at in 0..self.len() {
            if self.is_taken(at) {
                continue;
            }
            let introduced = self.is(at, Class::NameIs);
            let presented = self.is(at, Class::ThisIs)
                && (at == 0
                    || !self.is_word(at - 1)
                    || self.is(at - 1, Class::Hedge)
                    || self.is_greeting(at - 1));
            if !introduced && !presented {
                continue;
            }
            let from = self.after_introduction(at + 1);
            let end = self.name_end(from, introduced || asked);
            // "the name is wrong"
            let says = self
                .atoms
                .get(from)
                .and_then(|atom| lexicon.acts_at(&self.tokens, atom.first).map(|act| act.end).max());
            if end > from && says.is_some_and(|says| says >= self.atoms[end - 1].end) {
                continue;
            }
            if end == from {
                if let Some(of) = self.name_of_somebody(from).filter(|_| introduced) {
                    return Some(of);
                }
                continue;
            }
            let capitals =
                (from..end).all(|at| !self.is_word(at) || self.token(at).is_some_and(|token| token.capital));
            let closed = self.ends(end)
                || end > from + 1
                || self.any(end, &[Class::And, Class::Here, Class::For, Class::Hedge]);
            if introduced || (asked && closed) || (capitals && closed && !self.is_sentence_word(from)) {
                return Some(self.said_in_full(from, end));
            }
        }
        None
    }

    /// Past "is", colons and titles.
    fn after_introduction(&self, from: usize) -> usize {
        let mut at = from;
        while self.any(at, &[Class::Colon, Class::NameIs, Class::ThisIs])
            || self.tokens_are(at, &["is", "be"])
        {
            at += 1;
        }
        self.after_titles(at)
    }

    /// Past "Dr.", and past "Mr and Mrs".
    fn after_titles(&self, from: usize) -> usize {
        let mut at = from;
        while self.is(at, Class::Title) {
            at += 1;
            at += usize::from(self.tokens_are(at, &["."]));
            at += usize::from(self.is(at, Class::And) && self.is(at + 1, Class::Title));
        }
        at
    }

    /// "Under my husband's name, Peter Schmidt", "under the company: Acme Ltd": what stands after the sign, in capitals.
    fn name_of_somebody(&self, from: usize) -> Option<(usize, usize)> {
        let sign = (from..from + 4).find(|at| self.any(*at, &[Class::Comma, Class::Colon, Class::Stop]))?;
        let of = (from..sign).any(|at| self.any(at, &[Class::My, Class::The]));
        let start = self.after_titles(sign + 1);
        let end = self.name_end(start, false);
        (of && !self.is(sign, Class::Stop) && end > start).then_some((start, end))
    }

    /// "Bond, James Bond" is James Bond.
    fn said_in_full(&self, from: usize, end: usize) -> (usize, usize) {
        let text = |at: usize| self.token(at).map(|token| &token.text);
        let full = end + 1;
        let full_end = self.name_end(full, false);
        let repeats = end == from + 1
            && self.is(end, Class::Comma)
            && full_end > full + 1
            && text(full_end - 1) == text(from);
        if repeats { (full, full_end) } else { (from, end) }
    }

    /// "a room for Ada Byron": two or three capitalised words that mean nothing else.
    fn for_somebody(&self) -> Option<(usize, usize)> {
        (0..self.len()).find_map(|at| {
            let from = if self.is(at + 1, Class::Title) { at + 2 } else { at + 1 };
            let capital = |at: usize| self.token(at).is_some_and(|token| token.capital);
            let end =
                (from..from + 3).take_while(|at| capital(*at) && self.is_name_word(*at, false)).last()? + 1;
            let closed = self.ends(end)
                || self.is_taken(end)
                || self.any(
                    end,
                    &[
                        Class::On,
                        Class::At,
                        Class::And,
                        Class::From,
                        Class::Hedge,
                        Class::To,
                        Class::Filler,
                        Class::For,
                    ],
                );
            (self.is(at, Class::For) && end - from >= 2 && closed).then_some((from, end))
        })
    }

    /// "Ada Byron here", "Ada Byron is my name".
    fn signed(&self) -> Option<(usize, usize)> {
        let here = (1..self.len())
            .find(|at| self.is(*at, Class::Here) && !self.is(*at, Class::NameIs) && !self.is_taken(*at))?;
        let here_end = if self.is(here - 1, Class::Comma) { here - 1 } else { here };
        let mut from = here_end;
        while from > 0
            && here_end - from < 3
            && self.is_name_word(from - 1, true)
            && !self.is_greeting(from - 1)
        {
            from -= 1;
        }
        let opens = from == 0 || self.ends(from - 1) || self.is_greeting(from - 1);
        (from < here_end && opens).then_some((from, here_end))
    }

    fn answered_name(&self, lexicon: &Lexicon) -> Option<(usize, usize)> {
        let mut from = 0;
        while from < self.len()
            && (self.any(
                from,
                &[
                    Class::Hedge,
                    Class::Comma,
                    Class::ThisIs,
                    Class::NameIs,
                    Class::Stop,
                    Class::For,
                    Class::Colon,
                ],
            ) || self.is_greeting(from)
                || self.is_yes(lexicon, from))
        {
            from += 1;
        }
        from = self.after_titles(from);
        if (0..self.len()).any(|at| self.tokens_are(at, &["@"])) {
            // An address is no name.
            return None;
        }
        if self.any(from, &[Class::Wh, Class::Aux])
            && !self.token(from).is_some_and(|token| token.capital && from > 0)
        {
            let named = self.token(from + 1).is_some_and(|token| token.capital) && self.ends(from + 2);
            if !named {
                return None;
            }
        }
        let first = self.atoms.get(from)?.first;
        let phrase = lexicon.acts_at(&self.tokens, first).map(|act| act.end).max();
        let end = self.name_end(from, true);
        if end == from || phrase.is_some_and(|phrase| phrase >= self.atoms[end - 1].end) {
            return None;
        }
        let long = self.name_words(from, end) > NAME_WORDS_MAX;
        let capitals =
            (from..end).all(|at| self.token(at).is_some_and(|token| token.capital || !token.is_word()));
        let followed =
            self.is(end, Class::And) || self.any(end, &[Class::Hedge, Class::Here]) || self.is_taken(end);
        let closed = self.ends(end)
            || self.tokens_are(end, &["thanks", "thank", "please"])
            || (followed && (capitals || end > from + 1));
        (!long && (closed || capitals)).then_some((from, end))
    }

    /// Where the name that begins at an atom ends.
    fn name_end(&self, from: usize, plain: bool) -> usize {
        let mut end = from;
        while end < self.len() && self.name_words(from, end) <= NAME_WORDS_MAX {
            let initial_dot = end > from
                && self.is(end, Class::Stop)
                && self.token(end - 1).is_some_and(|token| token.text.len() == 1)
                && self.is_name_word(end + 1, plain);
            let hyphen = end > from
                && self.is(end, Class::Dash)
                && !self.spaced(end)
                && !self.spaced(end + 1)
                && self.is_word(end + 1);
            if initial_dot || hyphen || self.is_name_word(end, plain) {
                end += 1;
            } else {
                break;
            }
        }
        end
    }

    fn name_words(&self, from: usize, end: usize) -> usize {
        (from..end).filter(|at| self.is_word(*at)).count()
    }

    /// A word that can be part of a name; `plain` allows it in lower case.
    fn is_name_word(&self, at: usize, plain: bool) -> bool {
        if !self.is_word(at) || self.is_taken(at) {
            return false;
        }
        let capital = self.token(at).is_some_and(|token| token.capital);
        let meaning = self.meaning(at);
        let known = meaning != Meaning::default();
        let particle = self.tokens_are(
            at,
            &[
                "van", "von", "de", "der", "den", "del", "della", "di", "da", "la", "le", "bin", "al", "el",
                "st", "dos",
            ],
        );
        if known && !particle {
            // "Will", "May" and "April" are names too, written with a capital after another name word.
            return capital
                && at > 0
                && !meaning.is(Class::Me)
                && self.atoms[at].end == self.atoms[at].first + 1
                && !self.any(at, &[Class::And, Class::Hedge, Class::Stay])
                && meaning.number.is_none()
                && (self.any(at - 1, &[Class::NameIs, Class::ThisIs])
                    || (self.is_word(at - 1) && self.meaning(at - 1).classes == 0))
                && !meaning.is(Class::For)
                && !meaning.is(Class::From)
                && !meaning.is(Class::On);
        }
        capital || plain || particle
    }

    fn is_greeting(&self, at: usize) -> bool {
        self.tokens_are(
            at,
            &[
                "hi",
                "hello",
                "hey",
                "yes",
                "yeah",
                "sure",
                "ok",
                "okay",
                "oh",
                "good",
                "morning",
                "evening",
                "afternoon",
            ],
        )
    }

    fn is_yes(&self, lexicon: &Lexicon, at: usize) -> bool {
        let Some(atom) = self.atoms.get(at) else { return false };
        lexicon
            .acts_at(&self.tokens, atom.first)
            .any(|act| act.act == super::words::Phrase::Yes && act.end == atom.end)
            && at + 1 < self.len()
    }

    /// The first word of a sentence has a capital anyway.
    fn is_sentence_word(&self, at: usize) -> bool {
        at == 0 || self.is(at - 1, Class::Stop)
    }
}
