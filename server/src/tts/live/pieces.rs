//! A reply in pieces: each is said, marked and kept by itself.

use std::collections::HashSet;

use super::Keep;

/// A first piece longer than this is cut at a clause, so that sound starts early; in letters.
const FIRST: usize = 48;

/// Any other piece longer than this is cut at a clause.
const LONG: usize = 140;

/// No piece that was cut is shorter than this.
const SHORT: usize = 12;

/// Words that a full stop follows in the middle of a sentence.
const ABBREVIATIONS: [&str; 12] =
    ["mr", "mrs", "ms", "dr", "st", "no", "nr", "e.g", "i.e", "approx", "ca", "tel"];

/// The pieces of a reply, at the ends of sentences and of long clauses. Joined they are the reply.
pub fn pieces(reply: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = reply;
    while !rest.is_empty() {
        let (sentence, after) = rest.split_at(sentence_end(rest));
        rest = after;
        let mut sentence = sentence;
        let mut longest = if pieces.is_empty() { FIRST } else { LONG };
        while letters(sentence) > longest {
            let Some(end) = clause_end(sentence, longest == FIRST) else { break };
            let (clause, others) = sentence.split_at(end);
            pieces.push(clause);
            (sentence, longest) = (others, LONG);
        }
        // White space at the end belongs to the last piece.
        pieces.push(sentence);
    }
    pieces
}

/// The pieces that are the same for every guest, and may be kept on disk.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    pieces: HashSet<String>,
}

impl Fixed {
    /// All pieces of these texts, wherever in a reply they stand.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut fixed = HashSet::new();
        for text in texts {
            let mut rest = text;
            while !rest.is_empty() {
                // As the beginning of a reply, and after something.
                let end = sentence_end(rest);
                fixed.extend(pieces(&rest[..end]).into_iter().map(said));
                fixed.extend(later_pieces(&rest[..end]).into_iter().map(said));
                rest = &rest[end..];
            }
        }
        fixed.remove("");
        Self { pieces: fixed }
    }

    /// How long the sound of a piece is of use: one that is not fixed may hold a guest's words.
    pub fn keep(&self, piece: &str) -> Keep {
        if self.pieces.contains(piece.trim()) { Keep::Disk } else { Keep::Never }
    }

    /// All of them, in order.
    pub fn pieces(&self) -> Vec<&str> {
        let mut pieces: Vec<&str> = self.pieces.iter().map(String::as_str).collect();
        pieces.sort_unstable();
        pieces
    }
}

/// The pieces of a sentence that does not begin a reply.
fn later_pieces(sentence: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = sentence;
    while letters(rest) > LONG {
        let Some(end) = clause_end(rest, false) else { break };
        let (clause, others) = rest.split_at(end);
        pieces.push(clause);
        rest = others;
    }
    pieces.push(rest);
    pieces
}

/// Letters without the white space behind them.
fn letters(text: &str) -> usize {
    text.trim_end().chars().count()
}

fn said(piece: &str) -> String {
    piece.trim().to_owned()
}

/// Where the first sentence ends, with the white space behind it.
fn sentence_end(text: &str) -> usize {
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '.' | '!' | '?' | '…' | '\n')) {
        let mut end = at + c.len_utf8();
        let closing = |c: char| matches!(c, '"' | '”' | '’' | '\'' | ')' | '.' | '!' | '?' | '…');
        end += text[end..].find(|c| !closing(c)).unwrap_or(text.len() - end);
        let gap = text[end..].find(|c: char| !c.is_whitespace()).unwrap_or(text.len() - end);
        let next = text[end + gap..].chars().next();
        let ends = match c {
            '\n' => true,
            _ if gap == 0 && next.is_some() => false,
            // “Really?” she asked.
            _ if next.is_some_and(char::is_lowercase) => false,
            '.' => !is_abbreviated(&text[..at]),
            _ => true,
        };
        if ends {
            return end + gap;
        }
    }
    text.len()
}

/// Whether a full stop after this shortens a word.
fn is_abbreviated(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let is_letter = word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I";
    is_letter || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

/// Where a clause of a long sentence ends: the first that is long enough, or the last before it is too long.
fn clause_end(sentence: &str, first: bool) -> Option<usize> {
    let marks = sentence.char_indices().filter(|(_, c)| matches!(c, ',' | ';' | ':' | '–' | '—'));
    let ends = marks.filter_map(|(at, c)| {
        let end = at + c.len_utf8();
        let gap = sentence[end..].find(|c: char| !c.is_whitespace())?;
        let count = sentence[..end].chars().count();
        let left = letters(&sentence[end + gap..]);
        (gap > 0 && count >= SHORT && left >= SHORT).then_some((count, end + gap))
    });
    let mut fitting = ends.filter(|(count, _)| first || *count <= LONG).map(|(_, end)| end);
    if first { fitting.next() } else { fitting.next_back() }
}
