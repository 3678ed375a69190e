//! Nothing that anybody writes makes the extractor fail.

use chrono::NaiveDate;
use innkeeper::understand::Extractor;
use innkeeper_engine::Expecting;
use proptest::prelude::*;

use super::{extractor, open};

/// Words that the grammar reacts to, in any order: where its index arithmetic would slip.
fn fragments() -> impl Strategy<Value = String> {
    let words = [
        "12",
        "the",
        "3rd",
        "of",
        "march",
        "to",
        "-",
        "until",
        "next",
        "friday",
        "week",
        "in",
        "two",
        "nights",
        "and",
        "for",
        "a",
        "room",
        "rooms",
        "not",
        "no",
        "yes",
        ",",
        ".",
        "?",
        "at",
        "5",
        "pm",
        "a.m.",
        "€",
        "284",
        "my",
        "wife",
        "i",
        "with",
        "kids",
        "instead of",
        "check in",
        "check-out",
        "name is",
        "Ana",
        "O'Brien",
        "+44",
        "7700",
        "B R 7",
        "second",
        "option",
        "cheapest",
        "31/02/2026",
        "99/99",
        "2026-13-45",
        "9999999999999999999999",
        "weekend",
        "from now",
        "ago",
        "more",
        "or",
        "half",
        "past",
        "à",
        "🙂",
        "1e9",
        "400",
        "weeks",
        "30",
        "february",
        "31",
        "feb",
        "december",
        "9999",
        "800 months",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..14).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_words_make_the_extractor_fail(said in fragments(), slot in 0_usize..8, kept in any::<bool>(), day in -700_000_i64..2_900_000) {
        let mut question = open(&said);
        question.today = NaiveDate::from_num_days_from_ce_opt(i32::try_from(day).unwrap()).unwrap_or(question.today);
        question.kept = kept;
        if let Some(slot) = question.scope.get(slot) {
            question.expecting = Expecting::Slot(slot.name.as_str().into());
        }
        extractor_for_all().understand(&question);
    }

    #[test]
    fn no_text_makes_the_extractor_fail(said in "\\PC{0,80}") {
        extractor_for_all().understand(&open(&said));
    }
}

fn extractor_for_all() -> &'static Extractor {
    static EXTRACTOR: std::sync::OnceLock<Extractor> = std::sync::OnceLock::new();
    EXTRACTOR.get_or_init(extractor)
}
