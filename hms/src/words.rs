//! Words compared the way people mean them: without case, accents or punctuation.

/// Lower-case ASCII words of a text, accents removed and everything else a gap.
pub(crate) fn folded(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in text.chars() {
        match fold(letter) {
            Fold::Keep(letters) => last(&mut words).push_str(letters),
            Fold::Other(other) if other.is_alphanumeric() => last(&mut words).push(other),
            Fold::Other(
                '\'' | '’' | '\u{301}' | '\u{300}' | '\u{308}' | '\u{303}' | '\u{327}' | '\u{302}',
            ) => {}
            Fold::Other(_) => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The same as one text with single gaps.
pub(crate) fn folded_line(text: &str) -> String {
    folded(text).join(" ")
}

/// Whether `part` stands in `whole` as consecutive words.
pub(crate) fn contains_words(whole: &[String], part: &[String]) -> bool {
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

enum Fold {
    Keep(&'static str),
    Other(char),
}

fn last(words: &mut Vec<String>) -> &mut String {
    if words.is_empty() {
        words.push(String::new());
    }
    let end = words.len() - 1;
    &mut words[end]
}

/// One letter of the Latin alphabets of Europe without its marks.
fn fold(letter: char) -> Fold {
    let lower = letter.to_lowercase().next().unwrap_or(letter);
    Fold::Keep(match lower {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'č' | 'ċ' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' | 'ģ' | 'ġ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ł' | 'ļ' | 'ľ' => "l",
        'ñ' | 'ń' | 'ň' | 'ņ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'ŕ' | 'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ť' | 'ţ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ž' | 'ż' => "z",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        other => return Fold::Other(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_matter() {
        assert_eq!(folded_line("  GARCÍA-López "), "garcia lopez");
        assert_eq!(folded_line("O’Connor"), folded_line("o'connor"));
        assert_eq!(folded_line("Strauß Łukasz"), "strauss lukasz");
        assert_eq!(folded_line("Jose\u{301}"), "jose");
    }

    #[test]
    fn a_part_of_a_word_is_no_word() {
        let whole = folded("Maria van der Berg");
        assert!(contains_words(&whole, &folded("van der berg")));
        assert!(!contains_words(&whole, &folded("ber")));
        assert!(!contains_words(&whole, &[]));
    }
}
