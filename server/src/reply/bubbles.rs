//! Bubbles: a reply in as few messages as are read with ease.

use super::split::{split, units};
use crate::message::Limits;

/// A bubble of at most so many units is read at a glance.
const EASY: usize = 350;

/// So is one of at most so many lines.
const EASY_LINES: usize = 6;

/// Cuts a reply into bubbles: one where it is read with ease, else two with the cut at a paragraph, and more only where
/// the channel takes no longer ones. With something to press, the last one fits above that.
pub fn bubbles(text: &str, pressable: bool, limits: &Limits) -> Vec<String> {
    let Some(most) = limits.text else { return vec![text.to_owned()] };
    let text = text.trim();
    let last = if pressable { most.min(limits.body) } else { most };
    if is_easy(text) && units(text) <= last {
        return vec![text.to_owned()];
    }
    let paragraphs = text.match_indices("\n\n").map(|(at, gap)| (at, at + gap.len()));
    let halves = paragraphs
        .map(|(end, start)| (text[..end].trim_end(), text[start..].trim_start()))
        .filter(|(one, other)| !one.is_empty() && !other.is_empty())
        .filter(|(one, other)| units(one) <= most && units(other) <= last)
        .min_by_key(|(one, other)| units(one).max(units(other)));
    if let Some((one, other)) = halves {
        return vec![one.to_owned(), other.to_owned()];
    }
    if units(text) <= last {
        return vec![text.to_owned()];
    }
    let mut pieces = split(text, most);
    match pieces.pop() {
        // What is above the buttons is cut once more.
        Some(end) if units(&end) > last => pieces.extend(split(&end, last)),
        Some(end) => pieces.push(end),
        None => {}
    }
    pieces
}

fn is_easy(text: &str) -> bool {
    units(text) <= EASY || text.lines().filter(|line| !line.trim().is_empty()).count() <= EASY_LINES
}
