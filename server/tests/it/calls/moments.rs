//! A booking call in which the caller interrupts, or hangs up, at every moment of it.

use std::time::Duration;

use innkeeper::call::Phase;
use innkeeper::message::GuestKey;
use innkeeper::store::Status;
use innkeeper::stt::live::Heard;

use super::line::{Handset, Sounding};
use super::rig::record;

const ANA: &str = "+34600000001";
const WISH: &str =
    "a double with a sea view for two from the twelfth to the fourteenth of December, my name is Ana Silva";
const READ_BACK: &str = "Shall I book it?";

/// The sound of a letter of the voice, in bytes.
const LETTER: usize = 60 * 8;

/// So far are the moments apart, unless somebody asks for more of them.
const APART_MS: u64 = 1700;

/// No call is longer.
const LONGEST_MS: u64 = 90_000;

#[expect(clippy::disallowed_methods, reason = "a test is told how much to do; the program is not")]
fn apart_ms() -> u64 {
    let asked = std::env::var("INNKEEPER_MOMENTS_MS");
    asked.map_or(APART_MS, |text| text.parse().expect("milliseconds"))
}

/// A caller who books, until a moment.
struct Caller {
    sounding: Sounding,
    handset: Handset,
    left: u64,
    has_said_yes: bool,
}

impl Caller {
    async fn new(moment: u64) -> Self {
        let sounding = Sounding::open().await;
        let handset = sounding.rings("CA1", ANA);
        Self { sounding, handset, left: moment, has_said_yes: false }
    }

    async fn passes(&mut self, ms: u64) -> Option<()> {
        let some = ms.min(self.left);
        self.handset.passes(some).await;
        self.thinks().await;
        self.left -= some;
        (self.left > 0).then_some(())
    }

    /// What the hotel thinks about takes no time.
    async fn thinks(&self) {
        for _ in 0..200_000 {
            if self.sounding.hotel.phase() != Phase::Thinking {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn hears(&mut self) -> Option<()> {
        while self.sounding.hotel.phase() != Phase::Talking {
            self.passes(10).await?;
        }
        while self.sounding.hotel.phase() != Phase::Listening {
            self.passes(10).await?;
        }
        Some(())
    }

    async fn says(&mut self, words: &str) -> Option<()> {
        self.handset.heard(Heard::TurnStarted).await;
        self.passes(300).await?;
        self.handset.heard(Heard::Partial { words: words.to_owned() }).await;
        self.passes(300).await?;
        self.has_said_yes |= words == "yes";
        self.handset.heard(Heard::TurnEnded { words: words.to_owned(), confidence: None }).await;
        self.handset.settles().await;
        Some(())
    }

    /// The whole call; `None` where the moment came before its end.
    async fn books(&mut self) -> Option<()> {
        self.hears().await?;
        self.says(WISH).await?;
        self.hears().await?;
        while !self.was_read_back() {
            self.says("the first one").await?;
            self.hears().await?;
        }
        self.says("yes").await?;
        self.hears().await?;
        self.passes(1000).await
    }

    fn was_read_back(&self) -> bool {
        self.sounding.voice.texts().iter().any(|text| text.contains(READ_BACK))
    }

    /// Whether all that the voice was asked for was played.
    fn is_all_played(&self) -> bool {
        let all: usize = self.sounding.voice.texts().iter().map(|text| text.len() * LETTER).sum();
        self.handset.played >= all
    }

    /// Whether the hotel may book now: they said yes, or whatever they do now answers a read-back that was played whole.
    fn may_book(&self) -> bool {
        self.has_said_yes || self.was_read_back() && self.is_all_played()
    }

    /// At most one booking is there, and none where the hotel may not book.
    async fn has_booked(&self, may: bool, moment: u64) {
        let bookings = self.sounding.hotel.bookings().await;
        assert!(bookings.len() <= usize::from(may), "at {moment}: {bookings:?}");
    }

    /// Hangs up; then the books hold only what was heard. What was booked.
    async fn hangs_up(self, moment: u64) -> Vec<String> {
        let Self { sounding, handset, .. } = self;
        let played = handset.played;
        handset.hangs_up().await;
        let rows = sounding.hotel.spoken(&GuestKey::new(format!("whatsapp:{ANA}"))).await;
        let mut heard = 0;
        for row in &rows {
            let words = match row.status {
                Status::Sent => row.text.as_str(),
                Status::Cut => row.words(),
                other => panic!("at {moment}: {other:?} in {:#?}", record(&rows)),
            };
            assert!(row.text.starts_with(words), "at {moment}: {:#?}", record(&rows));
            heard += words.len();
        }
        // Of each a word may be heard in part, and what was cleared is not.
        let most = played / LETTER + 10 * rows.len();
        assert!(heard <= most, "at {moment}: {heard} of {most} letters: {:#?}", record(&rows));
        sounding.hotel.bookings().await
    }
}

#[tokio::test]
async fn who_hangs_up_at_any_moment_has_booked_once_or_not_at_all() {
    let mut moment = 150;
    let mut counts = [0; 2];
    while moment < LONGEST_MS {
        let mut caller = Caller::new(moment).await;
        let is_whole = caller.books().await.is_some();
        let has_said_yes = caller.has_said_yes;
        let bookings = caller.hangs_up(moment).await;
        assert_eq!(bookings.len(), usize::from(has_said_yes), "at {moment}: {bookings:?}");
        counts[bookings.len()] += 1;
        if is_whole {
            assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
            return;
        }
        moment += apart_ms();
    }
    panic!("the call has no end");
}

#[tokio::test]
async fn who_says_yes_at_any_moment_books_only_what_was_read_back_to_its_end() {
    let mut moment = 150;
    while moment < LONGEST_MS {
        let mut caller = Caller::new(moment).await;
        let is_whole = caller.books().await.is_some();
        let may = caller.may_book();
        let is_talking = caller.sounding.hotel.phase() == Phase::Talking;
        let cleared = caller.handset.cleared;
        caller.left = LONGEST_MS;
        caller.handset.heard(Heard::TurnStarted).await;
        caller.handset.settles().await;
        if is_talking {
            assert!(caller.handset.cleared > cleared, "at {moment}: nothing was cleared");
            let played = caller.handset.played;
            caller.passes(100).await.expect("time");
            assert_eq!(caller.handset.played, played, "at {moment}: stale sound is played");
        }
        let _ = caller.says("yes").await;
        caller.thinks().await;
        caller.passes(100).await.expect("time");
        caller.has_booked(may, moment).await;
        // They hear what there is to say to that, and the call goes on.
        let is_over = tokio::time::timeout(Duration::from_secs(60), caller.hears()).await;
        assert!(is_over.is_ok(), "at {moment}: nothing is said");
        caller.has_booked(true, moment).await;
        caller.hangs_up(moment).await;
        if is_whole {
            return;
        }
        moment += apart_ms();
    }
    panic!("the call has no end");
}

#[tokio::test]
async fn whatever_key_is_pressed_at_whatever_moment_books_only_what_was_read_back_to_its_end() {
    let mut moment = 150;
    while moment < LONGEST_MS {
        let mut caller = Caller::new(moment).await;
        let is_whole = caller.books().await.is_some();
        let may = caller.may_book();
        caller.left = LONGEST_MS;
        caller.handset.presses('1').await;
        caller.thinks().await;
        caller.passes(100).await.expect("time");
        caller.has_booked(may, moment).await;
        // Keys are waited for, and then the call goes on.
        caller.passes(3000).await.expect("time");
        let phase = caller.sounding.hotel.phase();
        assert!(matches!(phase, Phase::Talking | Phase::Listening), "at {moment}: {phase:?}");
        caller.has_booked(true, moment).await;
        caller.hangs_up(moment).await;
        if is_whole {
            return;
        }
        moment += apart_ms();
    }
    panic!("the call has no end");
}
