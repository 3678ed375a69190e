//! The embedded extractor: a question in, an understanding out.

use std::collections::{BTreeMap, HashSet};

use innkeeper_engine::{
    Act, DateRange, Expecting, Heard, Kind, Question, ScopedSlot, Startable, Understanding, Value,
};
use phonenumber::country;

use super::agree::{Assent, put_off};
use super::another::Another;
use super::choice::Chosen;
use super::decide::{HeardValues, ReadOut, button, finish};
use super::lexicon::{Lexicon, split};
use super::messages::SpellWords;
use super::named::NamedSlots;
use super::offered::choice_context;
use super::sentence::Sentence;
use super::several::Besides;
use super::slips::Misheard;
use super::stay::{Asked, StayContext, StaySaid};
use super::words::{Phrase, Says, Words};

/// Understands messages by rules: pure, without a model, in microseconds.
#[derive(Clone, Debug)]
pub struct Extractor {
    pub(super) lexicon: Lexicon,
    region: Option<country::Id>,
    receptionist: BTreeMap<Says, Vec<String>>,
    pub(super) misheard: Misheard,
    pub(super) assent: Assent,
    spell: SpellWords,
    named: NamedSlots,
    /// How guests begin to tell what they did before.
    told: Vec<Vec<String>>,
    /// How they ask for another booking than the one that was made.
    amending: Vec<Vec<String>>,
    pub(super) another: Another,
    /// How they ask for something that comes with a room.
    pub(super) requests: Vec<Vec<String>>,
}

/// How a message is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// What was asked about the stay, when the caller knows better than the slots do.
    pub(super) asked: Option<Asked>,
    /// Whether everything is wanted that was said: days before today, days inside questions.
    pub(super) everything: bool,
    /// How many items of a list are said at once, where not all are.
    pub(super) at_once: Option<usize>,
}

impl Extractor {
    /// An extractor for the language of `words`.
    pub fn new(words: &Words) -> Self {
        let region = words.region.as_ref().and_then(|region| region.value.parse().ok());
        Self {
            lexicon: Lexicon::new(words),
            region,
            receptionist: words.receptionist.clone(),
            misheard: words.misheard.clone(),
            assent: words.assent.clone(),
            spell: SpellWords::new(words),
            named: NamedSlots::new(&words.slot_names),
            told: words.told.iter().map(|phrase| split(phrase)).collect(),
            amending: words.amending.iter().map(|phrase| split(phrase)).collect(),
            another: Another::new(&words.another),
            requests: words.requests.iter().map(|phrase| split(phrase)).collect(),
        }
    }

    /// Whether a message asks how something is spelled.
    pub fn asks_to_spell(&self, said: &str) -> bool {
        self.spell.are_in(said)
    }

    /// The same extractor, for telephone numbers that were written without a country code in `region`
    /// (ISO 3166). An unknown region leaves it as it is.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = region.parse().ok().or(self.region);
        self
    }

    /// Whether a part of a message tells what the guest did before.
    pub(super) fn tells(&self, part: &str) -> bool {
        let words = split(part);
        self.told.iter().any(|phrase| words.starts_with(phrase))
    }

    /// Whether a receptionist's words, in lower case, do this.
    pub(super) fn says(&self, words: &str, what: Says) -> bool {
        self.receptionist.get(&what).is_some_and(|parts| parts.iter().any(|part| words.contains(part)))
    }

    /// What the message means. Never fails and never panics; what is not understood is not `sure`.
    pub fn understand(&self, question: &Question) -> Understanding {
        self.read(question, Reading::default()).understanding
    }

    pub(super) fn read(&self, question: &Question, reading: Reading) -> ReadOut {
        if let Some(understanding) = button(question) {
            return ReadOut { understanding, ..ReadOut::default() };
        }
        if question.kept {
            return ReadOut { understanding: self.kept(question), ..ReadOut::default() };
        }
        if let Some(understanding) = self.named.meant(question) {
            return ReadOut { understanding, ..ReadOut::default() };
        }
        let alone = [
            (self.asks_for_a_person(question), Act::Human),
            (!reading.everything && self.amends(question), Act::Change),
            (question.page > 0 && self.asks_of_an_offer(question, Phrase::Previous), Act::Previous),
            (self.asks_of_an_offer(question, Phrase::More), Act::More),
        ];
        if let Some((_, act)) = alone.into_iter().find(|(asks, _)| *asks) {
            let understanding = Understanding { acts: vec![act], sure: true, ..Understanding::default() };
            return ReadOut { understanding, ..ReadOut::default() };
        }
        if let Some(out) = self.asks_for_another(question, reading) {
            return out;
        }
        if !reading.everything
            && let Some((_, wishing)) = self.wish_besides_question(question)
        {
            let mut out = self.read(&Question { said: wishing.to_owned(), ..question.clone() }, reading);
            out.understanding.acts.push(Act::Question);
            return out;
        }
        let mut sentence = Sentence::new(&self.lexicon, &question.said);
        let mut heard = self.values(&mut sentence, &question.scope, question, reading);
        let mut acts = sentence.acts(&self.lexicon);
        let mut wishes: Vec<String> = self.wish(&sentence, question, &acts, &heard).into_iter().collect();
        let several = if wishes.is_empty() { Vec::new() } else { self.several_wishes(&sentence, question) };
        // What was done before is part of no wish.
        let tells = || {
            sentence
                .parts()
                .into_iter()
                .filter_map(|part| question.said.get(part))
                .any(|part| self.tells(part))
        };
        if let [(start, _)] = several.as_slice()
            && tells()
        {
            wishes = vec![start.flow.clone()];
        }
        if several.len() > 1 {
            heard = self.values_of(&several, question, reading);
            wishes = several.into_iter().map(|(start, _)| start.flow.clone()).collect();
        } else if let (Some(flow), true) =
            (wishes.first(), question.flow.is_some() || question.scope.is_empty())
            && let Some(start) = question.starts.iter().find(|start| start.flow == *flow)
        {
            sentence = Sentence::new(&self.lexicon, &question.said);
            heard = self.values(&mut sentence, &start.slots, question, reading);
            acts = sentence.acts(&self.lexicon);
        }
        if wishes.is_empty()
            && !(acts.cancel || acts.yes || acts.approve || acts.no || acts.repeat || acts.human)
            && let Some(Besides { start, said, before }) = self.wish_besides(question, reading)
        {
            sentence = Sentence::new(&self.lexicon, said);
            heard = self.values(&mut sentence, &start.slots, question, reading);
            acts = sentence.acts(&self.lexicon);
            wishes.push(start.flow.clone());
            before.into_iter().for_each(|(slot, value)| heard.put(slot, value));
        }
        let left_over = acts.left_over;
        let puts_off = self.puts_off(question, reading, &sentence, &acts, &mut heard);
        if puts_off {
            wishes.clear();
        }
        let mut out = finish(question, reading, heard, &acts, wishes);
        if puts_off {
            put_off(&mut out.understanding);
        }
        if let Some(late) = self.late_answer(question, &out) {
            return late;
        }
        self.weigh_yes(question, &sentence, left_over, reading, &mut out);
        self.drop_own_cancel(question, &mut out);
        if question.flow.is_none() && question.starts.iter().any(|start| !start.examples.is_empty()) {
            self.stop_nothing(question, &mut out.understanding);
        }
        out
    }

    /// "Stop" where nothing is under way is about no booking: only words that guests ask for a flow with are.
    fn stop_nothing(&self, question: &Question, understanding: &mut Understanding) {
        let Some(act) = understanding.acts.iter_mut().find(|act| **act == Act::Cancel) else { return };
        let topic = topic(&question.starts);
        let is_about = |word: &String| self.stops(word) && topic.contains(word);
        if !split(&question.said).iter().any(is_about) {
            *act = Act::Deny;
        }
    }

    /// Whether a message, where nothing is under way, is about a change to what was booked.
    fn amends(&self, question: &Question) -> bool {
        question.flow.is_none()
            && question.expecting == Expecting::Anything
            && holds_any(&split(&question.said), &self.amending)
    }

    /// "A person", and nothing else, where nobody asked how many come.
    fn asks_for_a_person(&self, question: &Question) -> bool {
        let counts = question.scope.iter().any(|slot| {
            asks_for(&question.expecting, &slot.name)
                && matches!(slot.kind, Kind::Party { .. } | Kind::Integer { .. })
        });
        !counts && self.lexicon.is_alone(Phrase::Human, &question.said)
    }

    /// Whether a word could mean to stop.
    pub(super) fn stops(&self, word: &str) -> bool {
        Sentence::new(&self.lexicon, word).acts(&self.lexicon).cancel
    }

    /// Reads the value of every slot, in the order in which words belong to one type rather than another.
    pub(super) fn values(
        &self,
        sentence: &mut Sentence<'_>,
        scope: &[ScopedSlot],
        question: &Question,
        reading: Reading,
    ) -> HeardValues {
        let expected = match &question.expecting {
            Expecting::Slot(name) => scope.iter().find(|slot| slot.name == **name),
            Expecting::Anything | Expecting::Confirmation | Expecting::Change => None,
        };
        let is_expected = |slot: &ScopedSlot| expected.is_some_and(|expected| expected.name == slot.name);
        let mut heard = HeardValues { expected: expected.cloned(), ..HeardValues::default() };

        if let Some(slot) = expected
            && matches!(slot.kind, Kind::PersonName)
            && let Some(name) = sentence.ambiguous_name(&self.lexicon)
        {
            heard.put(slot, Heard::Text(name));
        }
        for slot in scope.iter().filter(|slot| matches!(slot.kind, Kind::Phone)) {
            if let Some(number) = sentence.phone(&self.lexicon.digits, self.region, is_expected(slot)) {
                heard.put(slot, Heard::Text(number));
            }
        }
        for slot in scope.iter().filter(|slot| matches!(slot.kind, Kind::Reference)) {
            if let Some(code) = sentence.reference(is_expected(slot)) {
                match labelled(scope, &code).filter(|_| !is_expected(slot)) {
                    Some((listed, key)) => heard.put(listed, Heard::Choice(key)),
                    None => heard.put(slot, Heard::Text(code)),
                }
            }
        }
        for slot in scope.iter().filter(|slot| matches!(slot.kind, Kind::Choice(_)) && is_expected(slot)) {
            let context = choice_context(slot, question, true);
            let undated =
                !scope.iter().any(|slot| matches!(slot.kind, Kind::DateRange { .. } | Kind::Date { .. }));
            let chosen = context.map(|context| match sentence.choice_by_place(context) {
                Chosen::Nothing | Chosen::Several(_) if undated => sentence.choice_by_day(context.items),
                chosen => chosen,
            });
            if let Some(Chosen::One(key)) = chosen {
                heard.put(slot, Heard::Choice(key));
            }
        }
        if let Some(slot) = expected
            && matches!(slot.kind, Kind::Integer { .. })
            && let Some(number) = sentence.lone_number()
        {
            heard.put(slot, Heard::Integer(number));
        }
        self.days(sentence, scope, expected, question, reading, &mut heard);
        for slot in scope {
            if let Kind::Integer { unit, .. } = &slot.kind
                && !unit.is_empty()
                && let Some(number) = sentence
                    .integer(unit, false)
                    .or_else(|| sentence.of_kinds(&self.lexicon, unit))
                    .or_else(|| self.another.separate(sentence, unit))
            {
                heard.put(slot, Heard::Integer(number));
            }
        }
        if let Some(slot) = expected_or_first(scope, expected, |kind| matches!(kind, Kind::Party { .. })) {
            let known = match slot.value {
                Some(Value::Party(party)) => Some(party),
                _ => None,
            };
            if let Some(said) = sentence.party(known, is_expected(slot)) {
                heard.put(
                    slot,
                    Heard::Party { adults: said.adults, children: said.children, total: said.total },
                );
                self.one_for_them(sentence, scope, &mut heard);
            }
        }
        if let Some(slot) = expected
            && let Kind::Integer { unit, .. } = &slot.kind
            && !heard.has(slot)
            && let Some(number) = sentence.integer(unit, true)
        {
            heard.put(slot, Heard::Integer(number));
        }
        self.choices(sentence, scope, question, expected, reading, &mut heard);
        if let Some(slot) = expected_or_first(scope, expected, |kind| matches!(kind, Kind::PersonName))
            && !heard.has(slot)
            && let Some(name) = self.named(sentence, slot, is_expected(slot))
        {
            heard.put(slot, Heard::Text(name));
        }
        heard
    }

    /// "a room for two adults" is one room.
    fn one_for_them(&self, sentence: &Sentence<'_>, scope: &[ScopedSlot], heard: &mut HeardValues) {
        for slot in scope {
            if let Kind::Integer { unit, .. } = &slot.kind
                && !heard.has(slot)
                && sentence.has_one_of(unit)
            {
                heard.put(slot, Heard::Integer(1));
            }
        }
    }

    /// Days, for slots that are a stay or a day.
    fn days(
        &self,
        sentence: &mut Sentence<'_>,
        scope: &[ScopedSlot],
        expected: Option<&ScopedSlot>,
        question: &Question,
        reading: Reading,
        heard: &mut HeardValues,
    ) {
        let stay = expected_or_first(scope, expected, |kind| matches!(kind, Kind::DateRange { .. }));
        let known = stay.and_then(|slot| match slot.value {
            Some(Value::DateRange(range)) => Some(range),
            _ => None,
        });
        let asks_day = expected.is_some_and(|slot| matches!(slot.kind, Kind::Date { .. }));
        let asks_stay = expected.is_some_and(|slot| matches!(slot.kind, Kind::DateRange { .. }));
        let asked = reading.asked.unwrap_or(match known {
            Some(DateRange { check_in: Some(_), check_out: None, .. }) if asks_stay => Asked::Departure,
            _ if asks_stay || asks_day => Asked::Stay,
            _ => Asked::No,
        });
        let context = StayContext { today: question.today, known, asked, past: reading.everything };
        let said: StaySaid = sentence.stay(context);
        if said.is_empty() {
            return;
        }
        heard.ambiguous |= said.ambiguous;
        heard.days.clone_from(&said.days);
        heard.placed = said.placed;
        heard.in_passing = said.in_passing;
        if let Some((day, last)) = said.no_such_day {
            let asked = expected.filter(|slot| matches!(slot.kind, Kind::Date { .. }));
            if let Some(slot) = asked.or(stay) {
                heard.put(slot, Heard::NoSuchDay { day, last });
                return;
            }
        }
        let dates: Vec<&ScopedSlot> =
            scope.iter().filter(|slot| matches!(slot.kind, Kind::Date { .. })).collect();
        if asks_day && let (Some(slot), Some(day)) = (expected, said.days.first()) {
            heard.put(slot, Heard::Date(*day));
            return;
        }
        if let Some(slot) = stay {
            if said.range != DateRange::default() {
                heard.put(slot, Heard::DateRange(said.range));
            }
            return;
        }
        let open: Vec<&&ScopedSlot> = dates.iter().filter(|slot| slot.value.is_none()).collect();
        if said.ambiguous {
            return;
        }
        if open.len() == said.days.len() {
            for (slot, day) in open.into_iter().zip(&said.days) {
                heard.put(slot, Heard::Date(*day));
            }
        } else if let ([slot], [day]) = (dates.as_slice(), said.days.as_slice()) {
            heard.put(slot, Heard::Date(*day));
        } else {
            heard.ambiguous = true;
        }
    }
}

/// Whether words hold one of these phrases.
pub(super) fn holds_any(words: &[String], phrases: &[Vec<String>]) -> bool {
    phrases
        .iter()
        .any(|phrase| !phrase.is_empty() && words.windows(phrase.len()).any(|window| window == phrase))
}

/// The words that guests ask for flows with.
pub(super) fn topic<'q>(starts: impl IntoIterator<Item = &'q Startable>) -> HashSet<String> {
    starts.into_iter().flat_map(|start| &start.examples).flat_map(|example| split(example)).collect()
}

/// Whether the last question asked for this slot.
pub(super) fn asks_for(expecting: &Expecting, slot: &str) -> bool {
    matches!(expecting, Expecting::Slot(name) if **name == *slot)
}

fn expected_or_first<'a>(
    scope: &'a [ScopedSlot],
    expected: Option<&'a ScopedSlot>,
    fits: impl Fn(&Kind) -> bool,
) -> Option<&'a ScopedSlot> {
    expected
        .filter(|slot| fits(&slot.kind))
        .or_else(|| scope.iter().find(|slot| fits(&slot.kind) && slot.value.is_none()))
        .or_else(|| scope.iter().find(|slot| fits(&slot.kind)))
}

/// The expected slot first.
pub(super) fn ordered<'a>(
    scope: &'a [ScopedSlot],
    expected: Option<&'a ScopedSlot>,
) -> impl Iterator<Item = &'a ScopedSlot> {
    let rest = scope.iter().filter(move |slot| expected.is_none_or(|expected| expected.name != slot.name));
    expected.into_iter().chain(rest)
}

/// What is on a list under this code: it is picked, and not another one asked for.
fn labelled<'s>(scope: &'s [ScopedSlot], code: &str) -> Option<(&'s ScopedSlot, String)> {
    scope.iter().filter(|slot| matches!(slot.kind, Kind::Choice(_))).find_map(|slot| {
        let items = slot.items.as_deref()?;
        let item = items.iter().find(|item| item.label.eq_ignore_ascii_case(code))?;
        Some((slot, item.key.clone()))
    })
}
