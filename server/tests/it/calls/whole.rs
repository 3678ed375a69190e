//! Whole calls to a booking, with sound: recordings of guests who really spoke and were really recognised, slips
//! included, played through Twilio, the recogniser and the voice with everything late by chance.
//!
//! A recording (`whole/*.yaml`) says what was said, when, and what was heard of it when; `tests/speech/calls.py` makes
//! them. What the guest heard, what the hotel was asked and what stands in its books must be the same whatever was late.

mod stage;
mod told;

use serde::Deserialize;

use self::stage::{Late, Stage};
use crate::support::ears::recorded::{Event, Recording};

/// The seeds of what is late.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Somebody's call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Guest {
    /// Their name, for whoever reads.
    guest: String,
    /// What Twilio says they call from.
    from: String,
    /// How slowly they spoke, for what makes the recording.
    #[serde(rename = "pace")]
    _pace: Option<f64>,
    /// How loud the line was, for the same.
    #[serde(rename = "noise")]
    _noise: Option<f64>,
    turns: Vec<Spoken>,
}

/// Something that is said.
#[derive(Clone, Debug, Deserialize)]
struct Spoken {
    said: String,
    when: String,
    #[serde(flatten)]
    recording: Recording,
}

/// When something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// After a reply was heard to its end.
    Asked,
    /// So many milliseconds into what is said.
    Into(u64),
}

impl Spoken {
    fn when(&self) -> When {
        match self.when.strip_suffix(" ms into it") {
            Some(ms) => When::Into(ms.parse().expect("milliseconds")),
            None => {
                assert_eq!(self.when, "asked");
                When::Asked
            }
        }
    }

    /// What was heard of it in the end.
    fn heard(&self) -> &str {
        let mut events = self.recording.events.iter();
        events.rfind(|told| told.event == Event::EndOfTurn).map_or("", |told| told.heard.as_str())
    }
}

/// Everything that is of interest about a call.
async fn held(guest: &Guest, by: &'static str, late: Late) -> String {
    let stage = Stage::set(guest, by, late).await;
    let mut call = stage.rings(&guest.from).await;
    let mut unsaid = Vec::new();
    for spoken in &guest.turns {
        call.waits(spoken.when()).await;
        if !call.says(&spoken.recording).await {
            unsaid.push(spoken.said.as_str());
        }
    }
    call.ends().await;
    let told = stage.told(guest, &call).await;
    assert!(unsaid.is_empty(), "the hotel hung up before {unsaid:?}:\n{}\n{told}", stage.happened());
    told
}

fn check(name: &str, text: &str) {
    let guest: Guest = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime")
    };
    let first = runtime().block_on(held(&guest, "flux", Late::NEVER));
    insta::with_settings!({ description => &guest.guest, omit_expression => true }, {
        insta::assert_snapshot!(name, first);
    });
    for seed in SEEDS {
        let other = runtime().block_on(held(&guest, "flux", Late::by(seed)));
        assert_eq!(other, first, "{name}: what is late by {seed} changed it");
    }
    let other = runtime().block_on(held(&guest, "v1", Late::by(5)));
    assert_eq!(other, first, "{name}: another recogniser changed it");
}

#[test]
fn a_guest_who_translates_books_what_she_corrected_into_the_read_back() {
    check("ines", include_str!("whole/ines.yaml"));
}

#[test]
fn a_guest_who_changes_the_day_in_a_sentence_and_chooses_into_the_offers_books_that() {
    check("buck", include_str!("whole/buck.yaml"));
}

#[test]
fn a_guest_on_a_noisy_line_who_moves_the_whole_stay_books_the_new_one() {
    check("rajesh", include_str!("whole/rajesh.yaml"));
}

#[test]
fn a_guest_who_is_one_more_than_he_said_books_for_all() {
    check("meyer", include_str!("whole/meyer.yaml"));
}
