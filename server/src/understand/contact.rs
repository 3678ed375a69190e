//! Telephone numbers and booking references.

use innkeeper_engine::PHONE_DIGITS_MAX;
use phonenumber::{PhoneNumber, country};

use super::lexicon::Class;
use super::sentence::{Sentence, Taken};
use super::token::TokenKind;
use super::words::Digits;

impl Sentence<'_> {
    /// A telephone number as E.164.
    pub(super) fn phone(
        &mut self,
        words: &Digits,
        region: Option<country::Id>,
        asked: bool,
    ) -> Option<String> {
        let spoken = self.spoken_phone(words).filter(|(.., digits)| asked || is_long(digits));
        let written = self.written_phone(asked);
        // "plus 49, 89, 12345678" is one number where it was asked for.
        let holds = |whole: &(usize, usize, String), part: &(usize, usize, String)| {
            whole.0 <= part.0 && part.1 <= whole.1 && whole.2.starts_with('+')
        };
        let (first, end, digits) = match (written, spoken) {
            (Some(written), Some(spoken)) if asked && holds(&spoken, &written) => spoken,
            (Some(written), Some(spoken)) if self.is_said_further(&written, &spoken, words) => spoken,
            (Some(number), _) | (None, Some(number)) => number,
            (None, None) => return None,
        };
        let number = e164(&digits, region, asked)?;
        let from = self.atoms.iter().position(|atom| atom.first >= first)?;
        let to = self.atoms.iter().rposition(|atom| atom.end <= end)? + 1;
        self.take(from, to, Taken::Contact);
        Some(number)
    }

    /// "00351 912 double three 4 5 678": the digits that were written are the beginning of what is said with words.
    fn is_said_further(
        &self,
        written: &(usize, usize, String),
        spoken: &(usize, usize, String),
        words: &Digits,
    ) -> bool {
        let said = self.tokens.get(spoken.0..spoken.1).unwrap_or_default();
        spoken.0 <= written.0
            && written.1 <= spoken.1
            && spoken.2.len() <= PHONE_DIGITS_MAX + 2
            && said
                .iter()
                .any(|token| words.times.contains_key(&token.text) || words.names.contains_key(&token.text))
            && !said.iter().any(|token| token.is_sign(','))
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
