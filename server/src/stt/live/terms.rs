//! Key terms: as many as providers take.

use std::collections::HashSet;

/// All key terms of a session may have so many tokens.
const MOST_TOKENS: usize = 500;

/// The fewest characters of a token, on average: the true tokens are the provider's secret.
const CHARS_PER_TOKEN: usize = 3;

/// The first of these that a provider takes, each once.
pub(in crate::stt) fn likely(terms: &[String]) -> Vec<String> {
    let mut known = HashSet::new();
    let mut tokens = 0;
    let terms = terms.iter().map(|term| term.split_whitespace().collect::<Vec<_>>().join(" "));
    terms
        .filter(|term| !term.is_empty() && known.insert(term.to_lowercase()))
        .take_while(|term| {
            tokens += cost(term);
            tokens <= MOST_TOKENS
        })
        .collect()
}

fn cost(term: &str) -> usize {
    term.split(' ').map(|word| word.chars().count().div_ceil(CHARS_PER_TOKEN).max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::likely;

    #[test]
    fn terms_are_taken_once_and_only_as_many_as_fit() {
        let terms: Vec<String> =
            ["  Garden  Room ", "garden room", "", "Lindqvist"].iter().map(|&term| term.to_owned()).collect();
        assert_eq!(likely(&terms), ["Garden Room", "Lindqvist"]);
        let many: Vec<String> = (0..1000).map(|number| format!("term{number:04}")).collect();
        assert_eq!(likely(&many).len(), 166, "three tokens each");
    }
}
