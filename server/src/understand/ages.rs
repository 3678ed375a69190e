//! Children that are counted by their ages: "kids aged 4 and 7", "my boys (8 and 10)", "our 3-year-old twins".

use super::lexicon::Class;
use super::party::ADULT_AGE;
use super::sentence::Sentence;

impl Sentence<'_> {
    /// Whether the atom is a word for children.
    pub(super) fn is_child(&self, at: usize) -> bool {
        self.any(at, &[Class::Child, Class::Children, Class::RelationChild, Class::RelationChildren])
    }

    /// "Aged 4 and 7", "(8 and 10)": how many ages begin at an atom, and where they end.
    pub(super) fn ages(&self, at: usize) -> Option<(i64, usize)> {
        let bracket = self.tokens_are(at, &["("]);
        let mut first = at + usize::from(bracket);
        let told = self.is(first, Class::Aged);
        first += usize::from(told);
        if !bracket && !told {
            return None;
        }
        let (mut ages, mut end) = (0, first);
        let mut next = first;
        while self.meaning(next).number.is_some_and(|age| (0..ADULT_AGE).contains(&age)) {
            ages += 1;
            end = next + 1;
            next = end;
            while next < end + 2
                && self.any(next, &[Class::And, Class::Comma])
                && !self.tokens_are(next, &[")"])
            {
                next += 1;
            }
        }
        (ages > 0).then(|| (ages, end + usize::from(self.tokens_are(end, &[")"]))))
    }

    /// How many children a word for several of them is, with their ages, and where that ends.
    pub(super) fn several_children(&self, noun: usize) -> Option<(i64, usize)> {
        let twins = self.tokens_are(noun, &["twins"]);
        let ages = self.ages(noun + 1).filter(|(ages, _)| *ages > 1 || twins);
        let end = ages.map_or(noun + 1, |(_, end)| end);
        match ages {
            _ if twins => Some((2, end)),
            Some((ages, _)) if self.is_child(noun) => Some((ages, end)),
            Some(_) | None => None,
        }
    }
}
