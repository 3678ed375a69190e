//! A message as words, numbers and signs.

/// One word, number or sign of a message.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Lower case, without apostrophes.
    pub(super) text: String,
    /// Where it begins in the message, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    pub(super) kind: TokenKind,
    /// Whether it begins with a capital letter.
    pub(super) capital: bool,
    /// Whether it had an apostrophe.
    pub(super) apostrophe: bool,
    /// Whether white space, or nothing, stands before it.
    pub(super) spaced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    /// Digits.
    Number(i64),
    /// Digits with `st`, `nd`, `rd` or `th`.
    Ordinal(u32),
    Sign(char),
}

impl Token {
    pub(super) fn is_word(&self) -> bool {
        self.kind == TokenKind::Word
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.kind == TokenKind::Sign(sign)
    }
}

/// Splits a message. Letters and digits part ("5pm" is two tokens), "3rd" and "p.m." are one.
pub(super) fn tokens(message: &str) -> Vec<Token> {
    let mut found = Vec::with_capacity(message.len() / 4 + 1);
    let mut spaced = true;
    let mut at = 0;
    while let Some(first) = message[at..].chars().next() {
        let rest = &message[at..];
        if first.is_whitespace() {
            spaced = true;
            at += first.len_utf8();
            continue;
        }
        let token = if first.is_ascii_digit() {
            number(rest, at, spaced)
        } else if first.is_alphabetic() {
            word(rest, at, spaced)
        } else {
            let sign = match first {
                '–' | '—' | '‐' | '‑' | '−' => '-',
                '’' | '‘' | '`' => '\'',
                other => other,
            };
            Token {
                text: sign.to_string(),
                start: at,
                end: at + first.len_utf8(),
                kind: TokenKind::Sign(sign),
                capital: false,
                apostrophe: false,
                spaced,
            }
        };
        at = token.end;
        spaced = false;
        found.push(token);
    }
    found
}

fn number(rest: &str, start: usize, spaced: bool) -> Token {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let text = &rest[..digits];
    let value = text.parse::<i64>().unwrap_or(i64::MAX);
    let after = &rest[digits..];
    let letters: String =
        after.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let ordinal = matches!(letters.as_str(), "st" | "nd" | "rd" | "th") && value <= 9999;
    let kind = match u32::try_from(value) {
        Ok(value) if ordinal => TokenKind::Ordinal(value),
        _ => TokenKind::Number(value),
    };
    let end = if ordinal { digits + 2 } else { digits };
    Token { text: text.to_owned(), start, end: start + end, kind, capital: false, apostrophe: false, spaced }
}

fn word(rest: &str, start: usize, spaced: bool) -> Token {
    let mut text = String::new();
    let mut end = 0;
    let mut apostrophe = false;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next_is_letter = chars.peek().is_some_and(|(_, next)| next.is_alphabetic());
        if c.is_alphabetic() {
            text.extend(c.to_lowercase());
        } else if matches!(c, '\'' | '’' | '‘' | '`') && next_is_letter {
            apostrophe = true;
        } else {
            break;
        }
        end = at + c.len_utf8();
    }
    if is_dotted(&rest[end..], &text) {
        text.push('m');
        end += 2;
        if rest[end..].starts_with('.') {
            end += 1;
        }
    }
    let capital = rest.chars().next().is_some_and(char::is_uppercase);
    Token { text, start, end: start + end, kind: TokenKind::Word, capital, apostrophe, spaced }
}

/// Whether `text` is the first letter of "a.m." or "p.m.", and `after` the rest of it.
fn is_dotted(after: &str, text: &str) -> bool {
    let mut rest = after.chars();
    matches!(text, "a" | "p")
        && rest.next() == Some('.')
        && matches!(rest.next(), Some('m' | 'M'))
        && !rest.next().is_some_and(char::is_alphanumeric)
}
