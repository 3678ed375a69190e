//! Making text harmless and tidy: no value can format, break or disguise the message it stands in.

/// Letters that turn the direction of the text around them, and other letters without a shape.
const INVISIBLE: [char; 14] = [
    '\u{200b}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2060}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
];

/// A value on one line, without what WhatsApp reads as formatting. Addresses of pages keep their `_` and `~`.
pub(super) fn harmless(value: &str) -> String {
    let words =
        value.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter_map(|word| {
            let address = word.starts_with("https://") || word.starts_with("http://");
            let word: String = word
                .chars()
                .filter_map(|letter| match letter {
                    '*' | '`' => None,
                    '_' if !address => Some(' '),
                    '~' if !address => None,
                    letter if INVISIBLE.contains(&letter) => None,
                    letter => Some(letter),
                })
                .collect();
            let word = word.trim();
            (!word.is_empty()).then(|| word.to_owned())
        });
    let line = words.collect::<Vec<_>>().join(" ");
    line.trim_start_matches(['>', '#', ' '])
        .strip_prefix("- ")
        .unwrap_or(line.trim_start_matches(['>', '#', ' ']))
        .to_owned()
}

/// A chat message without the blank space that templates leave: single gaps, at most one empty line.
pub(super) fn tidy(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = one_line(line);
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// Everything on one line, with single gaps.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same with a capital first letter.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
