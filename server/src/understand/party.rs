//! Parties: "2 adults and a child", "my wife and I", "family of four", "just me".

use innkeeper_engine::Party;

use super::lexicon::Class;
use super::sentence::{Sentence, Taken};

/// The most people that a bare number can mean.
const PARTY_MAX: i64 = 60;

/// Who is as old counts as an adult.
pub(super) const ADULT_AGE: i64 = 18;

/// As much of a party as was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PartySaid {
    pub(super) adults: Option<u32>,
    pub(super) children: Option<u32>,
    pub(super) total: Option<u32>,
}

#[derive(Debug, Default)]
struct Count {
    adults: Option<i64>,
    relations: i64,
    children: Option<i64>,
    total: Option<i64>,
    me: bool,
    /// The children are among the total.
    among: bool,
    /// The total is of a family or a group with the children.
    grouped: bool,
    /// There are others, and nobody said how many: "the kids".
    uncounted: bool,
}

/// A noun for people and how many of them one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noun {
    Adults(i64),
    Children(i64),
    Relations(i64),
    People,
}

impl Sentence<'_> {
    /// Reads everybody who travels and takes their atoms.
    pub(super) fn party(&mut self, known: Option<Party>, asked: bool) -> Option<PartySaid> {
        let mut count = Count::default();
        let mut at = 0;
        while at < self.len() {
            let end = self
                .counted_people(at, known, &mut count)
                .or_else(|| self.number_of_people(at, &mut count))
                .or_else(|| self.named_people(at, asked, &mut count))
                .or_else(|| self.group(at, &mut count));
            if let Some(end) = end {
                self.take(at, end, Taken::Party);
                at = end;
            } else {
                at += 1;
            }
        }
        if asked && count.is_empty() {
            self.bare_party(&mut count);
        }
        count.said()
    }

    fn noun(&self, at: usize) -> Option<Noun> {
        use Class::{
            Adult, Child, Couple, Parents, People, RelationAdult, RelationAdults, RelationChild,
            RelationChildren,
        };
        let meaning = self.meaning(at);
        if meaning.is(Adult) {
            Some(Noun::Adults(1))
        } else if meaning.is(Couple) {
            Some(Noun::Adults(2))
        } else if meaning.is(Child) || meaning.is(RelationChild) || meaning.is(RelationChildren) {
            Some(Noun::Children(1))
        } else if meaning.is(RelationAdult) || meaning.is(RelationAdults) {
            Some(Noun::Relations(1))
        } else if meaning.is(Parents) {
            Some(Noun::Relations(2))
        } else if meaning.is(People) {
            Some(Noun::People)
        } else {
            None
        }
    }

    /// "2 adults", "three small children", "no kids", "two more people", "two are children".
    fn counted_people(&self, at: usize, known: Option<Party>, count: &mut Count) -> Option<usize> {
        use Class::{Aux, Child, More, Not, Which};
        if self.is(at, Not) && self.is(at + 1, Child) {
            count.children = Some(0);
            return Some(at + 2);
        }
        let number = self.number(at).filter(|number| (0..=PARTY_MAX).contains(number))?;
        if at.checked_sub(1).is_some_and(|before| {
            self.any(before, &[Not, Class::InsteadOf]) && !self.is(before, Class::Correction)
        }) {
            let denied = self.noun(at + 1).map(|_| at + 2);
            return denied.filter(|_| number > 0);
        }
        let mut noun_at = at + 1;
        if let Some(end) = self.aged_child(noun_at) {
            count.children = Some(count.children.unwrap_or(0) + number);
            return Some(end);
        }
        if self.is(noun_at, Class::Dash) {
            noun_at += 1;
        }
        let added = at.checked_sub(1).is_some_and(|before| self.is(before, Class::Add));
        let more = self.is(noun_at, More) || added;
        noun_at += usize::from(self.is(noun_at, More));
        let before = at.checked_sub(1);
        let a_child = self.is(noun_at + 1, Class::Article) && self.is(noun_at + 2, Child);
        let which = self.is(noun_at, Which) && (a_child || self.any(noun_at + 1, &[Aux, Child]));
        if which && count.total.is_none() {
            // "3, one of them a baby"
            count.total = (0..at)
                .rev()
                .find(|at| self.stands_alone(*at + 1) && self.number(*at).is_some())
                .and_then(|at| self.number(at));
        }
        noun_at += usize::from(which) + usize::from(which && a_child);
        let among =
            (which || before.is_some_and(|at| self.is(at, Which))) && number < count.total.unwrap_or(0);
        if among && self.is(noun_at, Aux) {
            noun_at += 1;
        }
        for _ in 0..2 {
            let plain = self.meaning(noun_at).classes == 0
                || self.any(noun_at, &[Class::My, Class::Other, Class::Filler]);
            let child = self.is(noun_at, Child) && self.is(noun_at + 1, Child);
            if child
                || (self.noun(noun_at).is_none()
                    && plain
                    && self.is_word(noun_at)
                    && self.number(noun_at).is_none())
            {
                noun_at += 1;
            }
        }
        let noun = self.noun(noun_at)?;
        if more {
            let known = known?;
            match noun {
                Noun::Children(_) => {
                    count.adults = Some(known.adults.into());
                    count.children = Some(i64::from(known.children) + number);
                }
                Noun::Adults(_) | Noun::Relations(_) | Noun::People => {
                    count.adults = Some(i64::from(known.adults) + number);
                    count.children = Some(known.children.into());
                }
            }
            return Some(noun_at + 1);
        }
        // "a family of five, three kids"
        let grouped = count.grouped
            && matches!(noun, Noun::Children(_))
            && !before.is_some_and(|at| self.any(at, &[Class::And, Class::Join]));
        count.among |= among || grouped && number < count.total.unwrap_or(0);
        match noun {
            Noun::Adults(each) => count.adults = Some(count.adults.unwrap_or(0) + number * each),
            Noun::Children(each) => count.children = Some(count.children.unwrap_or(0) + number * each),
            Noun::Relations(each) => {
                count.relations += number * each;
                count.me |= before.is_some_and(|at| self.companion(at));
            }
            Noun::People => count.total = Some(number),
        }
        // "from 8 people to just 7"
        let moved = noun_at + 1;
        let last = if self.is(moved + 1, Class::Hedge) || self.is(moved + 1, Class::Group) {
            moved + 2
        } else {
            moved + 1
        };
        if self.is(moved, Class::To)
            && noun == Noun::People
            && let Some(number) = self.number(last).filter(|number| (1..=PARTY_MAX).contains(number))
            && self.stands_alone(last + 1)
        {
            count.total = Some(number);
            return Some(last + 1);
        }
        Some(noun_at + 1)
    }

    /// "the number of people is 6", "change the number of guests to 8".
    fn number_of_people(&self, at: usize, count: &mut Count) -> Option<usize> {
        use Class::{People, ThisIs, To};
        let of_people = self.is(at, People)
            && at.checked_sub(2).is_some_and(|before| {
                self.tokens_are(before, &["number", "amount"]) && self.is(before + 1, Class::Of)
            });
        if !of_people {
            return None;
        }
        let number_at = (at + 1..at + 6).find(|at| self.number(*at).is_some() || self.ends(*at))?;
        let number = self.number(number_at).filter(|number| (1..=PARTY_MAX).contains(number))?;
        let linked = self.any(number_at - 1, &[To, ThisIs, Class::Group, Class::Aux, Class::Hedge])
            || self.tokens_are(number_at - 1, &["is", "be"]);
        (linked && self.stands_alone(number_at + 1)).then(|| {
            count.total = Some(number);
            number_at + 1
        })
    }

    /// "my wife and I", "a baby", "our daughter", "a couple", "just me".
    fn named_people(&self, at: usize, asked: bool, count: &mut Count) -> Option<usize> {
        use Class::{And, Article, Comma, Couple, For, Group, Join, Me, My, OnlyMe, The, ThisIs};
        if self.is_taken(at) {
            return None;
        }
        let before = at.checked_sub(1);
        let next_joins = |end: usize| {
            self.any(end, &[And, Join]) || (self.is(end, Comma) && self.any(end + 1, &[My, And]))
        };
        if self.is(at, OnlyMe) {
            if next_joins(at + 1) && self.lists(at + 2) {
                count.me = true;
            } else if count.adults.is_none() && count.relations == 0 {
                count.adults = Some(1);
            }
            return Some(at + 1);
        }
        if self.is(at, Class::Both) {
            count.total = Some(2);
            return Some(at + 1);
        }
        if self.is(at, Me) {
            let after = next_joins(at + 1) && self.lists(at + 2);
            let tail = before.is_some_and(|at| self.any(at, &[And, Comma]))
                && at.checked_sub(2).is_some_and(|at| self.taken(at) == Some(Taken::Party));
            if after || tail {
                count.me = true;
                return Some(at + 1);
            }
            return None;
        }
        let determined = self.any(at, &[My, Article, The]);
        if determined && let Some(end) = self.aged_child(at + 1) {
            if let Some((children, end)) = self.several_children(end) {
                count.children = Some(count.children.unwrap_or(0) + children);
                return Some(end);
            }
            count.children = Some(count.children.unwrap_or(0) + 1);
            return Some(end);
        }
        let mut noun_at = if determined { at + 1 } else { at };
        while self.noun(noun_at).is_none()
            && noun_at < at + 3
            && self.is_word(noun_at)
            && self.meaning(noun_at).classes == 0
            && self.meaning(noun_at).number.is_none()
        {
            noun_at += 1;
        }
        let noun = self.noun(noun_at)?;
        if self.is(noun_at, Class::People) || (!determined && noun == Noun::Adults(1)) {
            return None;
        }
        let end = noun_at + 1;
        if self.any(noun_at, &[Couple]) {
            let opened = asked
                || (next_joins(end) && self.lists(end + 1))
                || before.is_some_and(|at| {
                    self.any(at, &[For, Group, ThisIs, Class::We]) || self.tokens_are(at, &["as"])
                });
            if !opened || self.any(end, &[Class::Night, Class::Day, Class::Week]) {
                return None;
            }
        }
        let linked = asked
            || next_joins(end)
            || before.is_some_and(|at| self.any(at, &[And, Join, For, Group, ThisIs, Class::Not]))
            || before.is_some_and(|b| {
                self.is(b, Comma) && b.checked_sub(1).is_some_and(|b| self.taken(b) == Some(Taken::Party))
            });
        let named = determined || asked || self.is(noun_at, Couple);
        if !linked || (!named && !before.is_some_and(|at| self.any(at, &[And, Join, Comma]))) {
            return None;
        }
        if let Some((children, end)) = self.several_children(noun_at) {
            count.children = Some(count.children.unwrap_or(0) + children);
            return Some(end);
        }
        if self.any(noun_at, &[Class::Children, Class::RelationAdults]) {
            count.uncounted = true;
            return Some(end);
        }
        // "three of us, incl. a toddler"
        let within = before.is_some_and(|at| {
            self.is(at, Class::Which)
                || self.is(at, Class::Stop) && at.checked_sub(1).is_some_and(|at| self.is(at, Class::Which))
        });
        count.among |= within && matches!(noun, Noun::Children(_)) && count.total.unwrap_or(0) > 1;
        match noun {
            Noun::Adults(each) => count.adults = Some(count.adults.unwrap_or(0) + each),
            Noun::Children(each) => count.children = Some(count.children.unwrap_or(0) + each),
            Noun::Relations(each) => {
                count.relations += each;
                count.me |= before.is_some_and(|at| self.companion(at)) && count.adults.is_none();
            }
            Noun::People => return None,
        }
        Some(end)
    }

    /// "8-year-old", "three month old": where a child that is told by its age ends.
    fn aged_child(&self, at: usize) -> Option<usize> {
        let age = self.meaning(at).number.filter(|age| (0..ADULT_AGE).contains(age))?;
        let years = if self.is(at + 1, Class::Dash) { at + 2 } else { at + 1 };
        (age > 0 && self.taken(at) == Some(Taken::Amount) && self.is(years, Class::Years))
            .then_some(years + 1)
    }

    /// "with", after which the speaker is one of the party too.
    fn companion(&self, at: usize) -> bool {
        self.is(at, Class::Join) && !self.tokens_are(at, &["and"]) && !self.is_sign(at)
            || (self.is(at, Class::My) && at.checked_sub(1).is_some_and(|at| self.companion(at)))
    }

    /// Whether somebody else of a party is named at the atom.
    fn lists(&self, at: usize) -> bool {
        let at = if self.is(at, Class::And) { at + 1 } else { at };
        let at = if self.any(at, &[Class::My, Class::Article, Class::The]) || self.number(at).is_some() {
            at + 1
        } else {
            at
        };
        let at = if self.number(at).is_some() { at + 1 } else { at };
        (at..at + 3).take_while(|at| self.is_word(*at)).any(|at| self.noun(at).is_some())
    }

    /// "for two", "party of six", "we are three".
    fn group(&self, at: usize, count: &mut Count) -> Option<usize> {
        use Class::{For, Group};
        if !self.any(at, &[For, Group]) || count.total.is_some() || count.adults.is_some() {
            return None;
        }
        let number_at = if self.any(at + 1, &[Group, Class::The, Class::Hedge]) { at + 2 } else { at + 1 };
        let number = self.number(number_at).filter(|number| (1..=PARTY_MAX).contains(number))?;
        let named = self
            .atoms
            .get(at)
            .and_then(|atom| self.tokens.get(atom.end - 1))
            .is_some_and(|token| token.text == "of");
        if !self.stands_alone(number_at + 1) && !named {
            return None;
        }
        count.total = Some(number);
        count.grouped = named;
        Some(number_at + 1)
    }

    /// Whether a number before the atom counts nothing that is named there.
    pub(super) fn stands_alone(&self, at: usize) -> bool {
        use Class::{
            Aged, And, At, But, For, From, Group, Hedge, In, Join, Leave, Me, On, Option, Or, Part, Star,
            This, ThisIs, Total, Until, We,
        };
        let meaning = self.meaning(at);
        if self.any(
            at,
            &[
                Class::Night,
                Class::Day,
                Class::Week,
                Option,
                Class::One,
                Star,
                Part,
                Class::Dash,
                Class::Slash,
                Class::NotADay,
            ],
        ) {
            return false;
        }
        self.ends(at)
            || self.is_taken(at)
            || self.any(
                at,
                &[
                    And,
                    On,
                    At,
                    From,
                    Until,
                    In,
                    Total,
                    For,
                    Join,
                    Hedge,
                    But,
                    Or,
                    Class::The,
                    Class::Next,
                    This,
                    Class::Arrive,
                    Leave,
                    We,
                    Me,
                    ThisIs,
                    Aged,
                    Group,
                    Class::Not,
                ],
            )
            || meaning.weekday.is_some()
            || meaning.month.is_some()
            || meaning.days.is_some()
            || (self.is(at, Class::Filler) && meaning.classes.count_ones() == 1 && !self.is_unit_like(at))
    }

    /// Nouns of the filler list that a number before them counts.
    pub(super) fn is_unit_like(&self, at: usize) -> bool {
        let nouns = ["room", "hotel", "thing", "place", "date", "number", "name", "night", "day"];
        self.token(at).is_some_and(|token| nouns.iter().any(|noun| token.text.starts_with(noun)))
    }

    /// A bare number where a party was asked for.
    fn bare_party(&mut self, count: &mut Count) {
        // "about four" is no time of day here
        let number = |at: usize| {
            let hour = self.taken(at) == Some(Taken::Amount)
                && at > 0
                && self.is(at - 1, Class::Roughly)
                && [at - 1, at + 1].iter().all(|at| self.taken(*at).is_none());
            if hour { self.meaning(at).number } else { self.number(at) }
        };
        if let [Some(adults), Some(children)] = [number(0), number(2)]
            && self.tokens_are(1, &["+"])
            && self.len() == 3
        {
            (count.adults, count.children) = (Some(adults), Some(children));
            self.take(0, 3, Taken::Party);
            return;
        }
        // "six or seven", "12 to 14"
        let is_either = |at: usize| {
            let joins = |at: usize| self.any(at, &[Class::Or, Class::To, Class::Until]);
            joins(at + 1) && number(at + 2).is_some() || at > 1 && joins(at - 1) && number(at - 2).is_some()
        };
        let found = (0..self.len()).find(|at| {
            let before = at.checked_sub(1);
            number(*at).is_some_and(|number| (1..=PARTY_MAX).contains(&number))
                && !is_either(*at)
                && self.stands_alone(*at + 1)
                && !before.is_some_and(|at| self.is(at, Class::Option) && !self.tokens_are(at, &["no"]))
        });
        if let Some(at) = found {
            count.total = number(at);
            self.take(at, at + 1, Taken::Party);
        }
    }
}

impl Count {
    fn is_empty(&self) -> bool {
        self.adults.is_none()
            && self.relations == 0
            && self.children.is_none()
            && self.total.is_none()
            && !self.me
    }

    fn said(self) -> Option<PartySaid> {
        if self.is_empty() || self.uncounted && self.children.is_none() && self.total.is_none() {
            return None;
        }
        let others = self.relations + i64::from(self.me);
        let mut adults = match (self.adults, others) {
            (None, 0) => None,
            (adults, others) => Some(adults.unwrap_or(0) + others),
        };
        let mut total = self.total;
        if let (Some(people), Some(children), None, false) = (total, self.children, adults, self.among)
            && children > 0
        {
            (adults, total) = (Some(people), None);
        }
        if let (Some(people), Some(grown)) = (total, adults) {
            // "two people, just myself and my wife"; "4 people: my wife, our kids"
            if grown + self.children.unwrap_or(0) >= people {
                total = None;
            } else if self.adults.is_none() {
                adults = None;
            }
        }
        let count = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        Some(PartySaid { adults: count(adults), children: count(self.children), total: count(total) })
    }
}
