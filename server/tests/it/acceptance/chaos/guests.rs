//! The guests of a run: what they say, and when.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use innkeeper::clock::{Clock as _, SystemClock};

use super::pause;
use super::provider::Said;
use super::world::World;
use crate::support::dice::Dice;

/// What guests ask who do not book. They get out of nobody's way.
const QUESTIONS: [&str; 6] =
    ["What time is breakfast?", "Is there parking?", "Hello!", "a room", "When can we check in?", "for two"];

const MONTHS: [&str; 11] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
];

const VIEWS: [&str; 3] = ["sea", "garden", "city"];

/// The name that every booking is made in.
pub(super) const NAME: &str = "Ana Silva";

/// What a guest reads who has booked.
pub(super) const BOOKED: &str = "Your reference is";

/// So many messages a guest who wants to book writes at most.
const MOST: usize = 12;

/// How long a guest waits for an answer before they write on.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);

/// A guest and what they said.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// The digits of their number.
    pub(super) guest: String,
    pub(super) said: Vec<Said>,
    /// Whether they wanted to book.
    pub(super) books: bool,
}

pub(super) struct Guests<'a> {
    world: &'a World,
    /// So many messages are to be sent in all.
    messages: usize,
    seed: u64,
    sent: AtomicUsize,
    next: AtomicUsize,
    scripts: Mutex<Vec<Script>>,
}

impl<'a> Guests<'a> {
    pub(super) fn new(world: &'a World, messages: usize, seed: u64) -> Self {
        let (sent, next) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { world, messages, seed, sent, next, scripts: Mutex::default() }
    }

    /// Is one guest after the other until enough was said.
    pub(super) async fn write(&self) {
        while self.sent.load(Ordering::Relaxed) < self.messages {
            let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
            let mut dice = Dice::new(self.seed ^ (u64::try_from(number).expect("small") << 20));
            let guest = format!("346{number:08}");
            let books = dice.chance(40);
            let said = if books { self.book(&guest, dice).await } else { self.ask(&guest, dice).await };
            self.scripts.lock().expect("scripts").push(Script { guest, said, books });
        }
    }

    /// Who said what.
    pub(super) fn scripts(&self) -> Vec<Script> {
        self.scripts.lock().expect("scripts").clone()
    }

    fn says(&self, guest: &str, text: String) -> Said {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let said = Said { id: self.world.provider.id(number), guest: guest.to_owned(), text };
        self.world.provider.hears(&said);
        said
    }

    /// A guest who asks everything at once, in pieces; what they say comes up to five places out of order.
    async fn ask(&self, guest: &str, mut dice: Dice) -> Vec<Said> {
        let mut said: Vec<Said> = (0..3 + dice.below(8))
            .map(|_| self.says(guest, QUESTIONS[dice.below(QUESTIONS.len())].to_owned()))
            .collect();
        dice.jostle(&mut said, 5);
        let mut rest = said.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((1 + dice.below(3)).min(rest.len()));
            let dice = Dice::new(dice.roll());
            if now.len() > 1 && self.world.provider.never_gives_up() && now.len().is_multiple_of(2) {
                self.world.bring(now, dice).await;
            } else {
                let all = now.iter().map(|one| {
                    let mut dice = dice.clone();
                    let dice = Dice::new(dice.roll() ^ u64::try_from(one.id.len()).expect("small"));
                    self.world.bring(std::slice::from_ref(one), dice)
                });
                futures::future::join_all(all).await;
            }
            rest = later;
        }
        self.answered(guest, 0).await;
        said
    }

    /// A guest who books, and says what is asked for.
    async fn book(&self, guest: &str, mut dice: Dice) -> Vec<Said> {
        let mut all = Vec::new();
        while all.len() < MOST {
            let phone = self.reads(guest);
            let has_booked = phone.iter().any(|text| text.contains(BOOKED));
            let text = if has_booked { "Thank you!".to_owned() } else { wish(phone.last(), &mut dice) };
            let said = self.says(guest, text);
            self.world.bring(std::slice::from_ref(&said), Dice::new(dice.roll())).await;
            all.push(said);
            if has_booked {
                break;
            }
            self.answered(guest, phone.len()).await;
        }
        all
    }

    /// Waits for something new on the guest's telephone, for as long as a guest waits.
    async fn answered(&self, guest: &str, before: usize) {
        let asked = SystemClock.now();
        let phone = self.world.provider.phone_of(guest);
        while self.world.provider.phones().count(&phone) <= before
            && self.world.since(asked) < ANSWERED_WITHIN
        {
            pause(20).await;
        }
        // A second bubble comes right after the first.
        pause(20).await;
    }

    fn reads(&self, guest: &str) -> Vec<String> {
        self.world.provider.phones().reads(&self.world.provider.phone_of(guest))
    }
}

/// What somebody says who wants to book and reads this.
fn wish(last: Option<&String>, dice: &mut Dice) -> String {
    let last = last.map_or("", String::as_str);
    if last.contains("Shall I book this") {
        return "Yes, please.".to_owned();
    }
    if last.contains("Which one would you like") {
        return "1".to_owned();
    }
    if last.contains("Under which name") {
        return format!("{NAME}.");
    }
    let (day, nights) = (1 + dice.below(24), 1 + dice.below(3));
    let (month, view) = (MONTHS[dice.below(MONTHS.len())], VIEWS[dice.below(VIEWS.len())]);
    format!("Hi, a room with a {view} view for two from {day} to {} {month} please.", day + nights)
}
