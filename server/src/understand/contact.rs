//! Names, telephone numbers and booking references.

use innkeeper_engine::PHONE_DIGITS_MAX;
use phonenumber::{PhoneNumber, country};

use super::lexicon::{Class, Lexicon};
use super::sentence::{Sentence, Taken};
use super::token::TokenKind;
use super::words::Digits;

/// The most words of a name.
const NAME_WORDS_MAX: usize = 5;

impl Sentence<'_> {
    /// A person's name as it was said: after "my name is", "under" and the like, or as the answer.
    pub(super) fn person_name(&mut self, lexicon: &Lexicon, asked: bool) -> Option<String> {
        let (from, end) = self
            .introduced(asked)
            .or_else(|| self.signed())
            .or_else(|| self.for_somebody())
            .or_else(|| if asked { self.answered_name(lexicon) } else { None })?;
        self.take(from, end, Taken::Name);
        let name = self.text(from, end).trim_matches(|c: char| !c.is_alphanumeric() && c != '.');
        (!name.is_empty()).then(|| name.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn introduced(&self, asked: bool) -> Option<(usize, usize)> {
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
            let mut from = at + 1;
            while self.any(from, &[Class::Colon, Class::NameIs])
                || self.tokens_are(from, &["is", "be"])
                || self.is(from, Class::ThisIs)
            {
                from += 1;
            }
            let end = self.name_end(from, introduced || asked);
            if end == from {
                continue;
            }
            let capitals =
                (from..end).all(|at| !self.is_word(at) || self.token(at).is_some_and(|token| token.capital));
            let closed = self.ends(end)
                || end > from + 1
                || self.any(end, &[Class::And, Class::Here, Class::For, Class::Hedge]);
            if introduced || (asked && closed) || (capitals && closed && !self.is_sentence_word(from)) {
                return Some((from, end));
            }
        }
        None
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
        let long = end - from > NAME_WORDS_MAX;
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
        while end < self.len() && end - from <= NAME_WORDS_MAX {
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

    /// A word that can be part of a name; `plain` allows it in lower case.
    fn is_name_word(&self, at: usize, plain: bool) -> bool {
        if !self.is_word(at) || self.is_taken(at) {
            return false;
        }
        let capital = self.token(at).is_some_and(|token| token.capital);
        let meaning = self.meaning(at);
        let known = meaning != super::lexicon::Meaning::default();
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

    /// A telephone number as E.164.
    pub(super) fn phone(
        &mut self,
        words: &Digits,
        region: Option<country::Id>,
        asked: bool,
    ) -> Option<String> {
        let (first, end, digits) = self
            .written_phone(asked)
            .or_else(|| self.spoken_phone(words).filter(|(.., digits)| asked || is_long(digits)))?;
        let number = e164(&digits, region, asked)?;
        let from = self.atoms.iter().position(|atom| atom.first >= first)?;
        let to = self.atoms.iter().rposition(|atom| atom.end <= end)? + 1;
        self.take(from, to, Taken::Contact);
        Some(number)
    }

    /// Tokens that look like a telephone number, and its digits. Too many are one that is refused, where one was asked for.
    fn written_phone(&self, asked: bool) -> Option<(usize, usize, String)> {
        let mut at = 0;
        while at < self.tokens.len() {
            let mut digits = String::new();
            let mut end = at;
            let mut groups: Vec<usize> = Vec::new();
            let mut signs = String::new();
            while let Some(token) = self.tokens.get(end) {
                match token.kind {
                    TokenKind::Number(_) => {
                        digits.push_str(&token.text);
                        groups.push(token.text.len());
                    }
                    TokenKind::Sign('+') if digits.is_empty() => digits.push('+'),
                    TokenKind::Sign(sign @ ('-' | '.' | '(' | ')')) if end > at || sign == '(' => {
                        signs.push(sign)
                    }
                    TokenKind::Word | TokenKind::Ordinal(_) | TokenKind::Sign(_) => break,
                }
                end += 1;
            }
            while end > at
                && self.tokens[end - 1].kind != TokenKind::Number(i64::MAX)
                && !matches!(self.tokens[end - 1].kind, TokenKind::Number(_))
            {
                end -= 1;
            }
            let count = digits.bytes().filter(u8::is_ascii_digit).count();
            let date = groups.len() == 3
                && count <= 8
                && groups.iter().all(|len| matches!(len, 1 | 2 | 4))
                && !digits.starts_with('+');
            if count >= 7 && (asked || count <= PHONE_DIGITS_MAX) && !date && end > at {
                return Some((at, end, digits));
            }
            at = end.max(at + 1);
        }
        None
    }

    /// "oh seven seven double zero …", "nine hundred, five five five …".
    fn spoken_phone(&self, words: &Digits) -> Option<(usize, usize, String)> {
        let mut best: Option<(usize, usize, String)> = None;
        let mut at = 0;
        while at < self.len() {
            let (end, digits) = self.spoken_digits(at, words);
            let count = digits.bytes().filter(u8::is_ascii_digit).count();
            if count >= 7 && best.as_ref().is_none_or(|(_, _, known)| known.len() < digits.len()) {
                best = Some((self.atoms[at].first, self.atoms[end - 1].end, digits));
            }
            at = end.max(at + 1);
        }
        best
    }

    /// The digits that are said from an atom on, and where they end.
    fn spoken_digits(&self, at: usize, words: &Digits) -> (usize, String) {
        let mut digits = String::new();
        let mut times = 1;
        let mut end = at;
        // So many noughts stand for a number that may still come: "nine hundred and twelve".
        let mut open = 0;
        while let Some(token) = self.token(end) {
            let text = token.text.as_str();
            let joins = open > 0 && self.is(end, Class::And) && token.is_word();
            if let Some(count) = words.times.get(text) {
                times = *count;
            } else if matches!(text, "plus" | "+") && digits.is_empty() {
                digits.push('+');
            } else if let Some(name) = words.names.get(text) {
                digits.extend(std::iter::repeat_n(name.as_str(), times));
                (times, open) = (1, 0);
            } else if let Some(noughts) = words.noughts.get(text).filter(|_| end > at && open == 0) {
                digits.push_str(noughts);
                open = noughts.len();
            } else if let Some(number) = self.meaning(end).number {
                let text = if self.is_digits(end) { text.to_owned() } else { number.to_string() };
                let follows_and = self.tokens_are(end - usize::from(end > at), &["and"]);
                if open >= text.len() && (text.len() > 1 || follows_and) {
                    digits.truncate(digits.len() - text.len());
                }
                digits.extend(std::iter::repeat_n(text, times));
                (times, open) = (1, 0);
            } else if end > at && self.any(end, &[Class::Comma, Class::Dash]) {
                open = 0;
            } else if !joins {
                break;
            }
            end += 1;
        }
        (end, digits)
    }

    /// A booking reference: letters and digits, upper case.
    pub(super) fn reference(&mut self, asked: bool) -> Option<String> {
        let mut at = 0;
        while at < self.len() {
            let announced = at.checked_sub(1).is_some_and(|before| self.announces_reference(before));
            if let Some((code, end)) = self.code(at, asked || announced) {
                self.take(at, end, Taken::Contact);
                return Some(code);
            }
            at += 1;
        }
        None
    }

    fn announces_reference(&self, at: usize) -> bool {
        let linking =
            self.any(at, &[Class::Colon, Class::ThisIs]) || self.tokens_are(at, &["is", "#", "it", "its"]);
        self.is(at, Class::Reference)
            || (linking && at.checked_sub(1).is_some_and(|at| self.announces_reference(at)))
    }

    /// The code that begins at an atom; `expected` lets spelled and all-letter codes pass.
    fn code(&self, at: usize, expected: bool) -> Option<(String, usize)> {
        if self.is_taken(at)
            || at.checked_sub(1).is_some_and(|before| !self.spaced(at) && !self.is_sign(before))
        {
            return None;
        }
        let known = self.is_word(at) && self.atoms[at].meaning != super::lexicon::Meaning::default();
        let glued_on = self.atoms.get(at + 1).is_some()
            && !self.spaced(at + 1)
            && !self.is(at + 1, Class::Stop)
            && !self.is(at + 1, Class::Comma);
        let digit = self.meaning(at).number.is_some_and(|number| (0..=9).contains(&number));
        let letter = self.token(at).is_some_and(|token| token.text.len() == 1);
        if known && !glued_on && !digit && !letter {
            return None;
        }
        let mut code = String::new();
        let mut end = at;
        let mut upper = true;
        let mut single = 0;
        while end < self.len() && !self.is_taken(end) {
            let token = self.token(end)?;
            let glued = end > at && !token.spaced;
            let piece = match token.kind {
                TokenKind::Number(_) => Some(token.text.clone()),
                TokenKind::Word if glued || end == at => Some(token.text.to_uppercase()),
                TokenKind::Word if expected && token.text.len() == 1 => Some(token.text.to_uppercase()),
                TokenKind::Word
                    if expected
                        && self.meaning(end).number.is_some_and(|number| (0..=9).contains(&number)) =>
                {
                    None
                }
                TokenKind::Word
                    if expected
                        && token.capital
                        && self.meaning(end) == super::lexicon::Meaning::default()
                        && is_upper(self.text(end, end + 1)) =>
                {
                    Some(token.text.to_uppercase())
                }
                TokenKind::Word => break,
                TokenKind::Ordinal(number) if glued => Some(format!(
                    "{number}{}",
                    self.text(end, end + 1).trim_start_matches(|c: char| c.is_ascii_digit()).to_uppercase()
                )),
                TokenKind::Sign('-')
                    if end > at
                        && self.token(end + 1).is_some_and(|next| {
                            next.is_word() || matches!(next.kind, TokenKind::Number(_))
                        }) =>
                {
                    Some(String::new())
                }
                TokenKind::Ordinal(_) | TokenKind::Sign(_) => break,
            };
            let spoken =
                self.meaning(end).number.filter(|number| (0..=9).contains(number) && token.is_word());
            if token.is_word() && spoken.is_none() {
                upper &= is_upper(self.text(end, end + 1));
            }
            match (piece, spoken) {
                (_, Some(number)) if expected => code.push_str(&number.to_string()),
                (Some(piece), _) => code.push_str(&piece),
                (None, _) => break,
            }
            single += usize::from(token.text.len() == 1 || spoken.is_some());
            end += 1;
            if !expected && self.spaced(end) {
                break;
            }
        }
        let letters = code.bytes().filter(u8::is_ascii_alphabetic).count();
        let digits = code.bytes().filter(u8::is_ascii_digit).count();
        let length = letters + digits;
        if !(4..=20).contains(&length) || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let mixed = letters > 0 && digits > 0;
        let unit = self.is_digits(at) && self.is_word(at + 1) && self.meaning(at + 1).classes != 0 && !upper;
        let word = letters > 0
            && digits == 0
            && end == at + 1
            && (self.is(at, Class::Filler) || self.meaning(at).classes != 0 || !upper);
        let spelled = single >= 4 && single * 2 >= length;
        let plausible = if expected {
            !unit
                && (mixed
                    || spelled
                    || (digits == 0 && upper && !word && length >= 5)
                    || (letters == 0 && digits >= 4))
        } else {
            mixed && upper && length >= 5 && !unit
        };
        plausible.then_some((code, end))
    }
}

fn is_upper(text: &str) -> bool {
    text.chars().all(|c| !c.is_alphabetic() || c.is_uppercase())
}

/// Whether so many digits are said one by one for nothing but a telephone number.
fn is_long(digits: &str) -> bool {
    digits.bytes().filter(u8::is_ascii_digit).count() >= 9
}

/// E.164 of digits as they were written; a number that cannot be dialled is none. Of what was asked for, one with too many
/// digits is left as it is, for the slot to refuse.
fn e164(digits: &str, region: Option<country::Id>, asked: bool) -> Option<String> {
    let written = match digits.strip_prefix("00") {
        Some(rest) if rest.len() >= 8 => format!("+{rest}"),
        _ => digits.to_owned(),
    };
    if written.trim_start_matches('+').len() > PHONE_DIGITS_MAX {
        return asked.then(|| format!("+{}", written.trim_start_matches('+')));
    }
    // With a country code, another country's trunk prefix must not be looked for in the number.
    let region = region.filter(|_| !written.starts_with('+'));
    let parsed = |written: &str| phonenumber::parse(region, written).ok();
    let number = parsed(&written)?;
    let valid = number.is_valid();
    // "Oh" may have been no digit: without it the number is one.
    let without = written.strip_prefix('0').filter(|_| !valid).and_then(parsed).filter(PhoneNumber::is_valid);
    let international = written.starts_with('+') && written.len() >= 9;
    let possible = asked && written.len() >= 7;
    let number = match without {
        Some(without) => without,
        None if valid || international || possible => number,
        None => return None,
    };
    let e164 = number.format().mode(phonenumber::Mode::E164).to_string();
    // A nought that the country does not dial, and no number without it: only a country code says whose it is.
    let is_strange = !valid && written.starts_with('0') && e164.contains(&written);
    Some(if is_strange { written } else { e164 })
}
