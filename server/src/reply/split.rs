//! Cutting a message that is longer than a channel takes.

/// Cuts `text` into pieces of at most `limit` UTF-16 units, which is how providers count at their strictest.
///
/// It cuts between paragraphs if it can, else between lines, sentences or words, and never inside a word, a number
/// written with gaps or a pair of formatting marks that would fit into a piece. Only white space is lost.
pub fn split(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(2);
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while units(rest) > limit {
        let end = cut(rest, limit);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece.trim_end().to_owned());
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

/// How good a place to cut is; later is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    /// Inside something that belongs together.
    Inside,
    Word,
    Sentence,
    Line,
    Paragraph,
}

/// The byte to cut at: the last of the best gaps that leave at least a quarter of a piece, else the best of all.
fn cut(text: &str, limit: usize) -> usize {
    let window = prefix(text, limit);
    let kept = spans(text);
    let gaps: Vec<(Gap, usize)> = gaps(text)
        .filter(|(_, start, _)| *start > 0 && *start <= window)
        .map(|(gap, start, end)| {
            let inside =
                kept.iter().any(|(from, to)| *from < start && end < *to && units(&text[*from..*to]) <= limit);
            (if inside { Gap::Inside } else { gap }, start)
        })
        .collect();
    let best = |least: usize| {
        gaps.iter().filter(|(gap, at)| *at >= least && *gap > Gap::Inside).max_by_key(|(gap, at)| (*gap, *at))
    };
    best(window / 4)
        .or_else(|| best(0))
        .or_else(|| gaps.iter().max_by_key(|(_, at)| *at))
        .map_or(window, |(_, at)| *at)
}

/// Every run of white space with its rank, its first byte and the byte after it.
fn gaps(text: &str) -> impl Iterator<Item = (Gap, usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text[from..].find(char::is_whitespace)?;
        let length = text[start..].find(|letter: char| !letter.is_whitespace()).unwrap_or(text.len() - start);
        from = start + length;
        let gap = &text[start..from];
        let before = text[..start].chars().next_back();
        let after = text[from..].chars().next();
        let rank = match gap.matches('\n').count() {
            0 if belongs_together(before, after) => Gap::Inside,
            0 if before.is_some_and(|letter| matches!(letter, '.' | '!' | '?' | '…')) => Gap::Sentence,
            0 => Gap::Word,
            1 => Gap::Line,
            _ => Gap::Paragraph,
        };
        Some((rank, start, from))
    })
}

/// `€ 284`, `971 123 456`.
fn belongs_together(before: Option<char>, after: Option<char>) -> bool {
    let number = |letter: char| letter.is_ascii_digit() || "€$£¥".contains(letter);
    before.is_some_and(number) && after.is_some_and(|letter| letter.is_ascii_digit())
}

/// What stands between two equal formatting marks that hug it, on one line, marks included.
fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    for mark in ['*', '_', '~', '`'] {
        let mut open: Option<usize> = None;
        let mut before = ' ';
        // The marks of an address are part of it.
        let mut in_address = false;
        let mut letters = text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let next = letters.peek().map_or(' ', |(_, next)| *next);
            if before.is_whitespace() {
                let word = text[at..].split(char::is_whitespace).next().unwrap_or_default();
                in_address = word.contains("://");
            }
            if letter == '\n' {
                open = None;
            } else if letter == mark && !in_address {
                match open {
                    Some(start) if !before.is_whitespace() && !next.is_alphanumeric() => {
                        spans.push((start, at + 1));
                        open = None;
                    }
                    None if !next.is_whitespace() && !before.is_alphanumeric() => open = Some(at),
                    _ => {}
                }
            }
            before = letter;
        }
    }
    spans
}

/// The longest prefix of at most `limit` units, in bytes; at least one letter.
fn prefix(text: &str, limit: usize) -> usize {
    let mut count = 0;
    for (at, letter) in text.char_indices() {
        count += letter.len_utf16();
        if count > limit && at > 0 {
            return at;
        }
    }
    text.len()
}

pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}
