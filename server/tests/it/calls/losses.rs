//! Every provider that a call leans on, lost at every moment of a booking call in every way: the guest hears something
//! within 1.2 s whenever it is the receptionist's turn, nothing is booked that was not read back to its end, and nothing
//! is booked twice.

mod guest;
mod house;
mod model;
mod time;
mod tools;

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use innkeeper::message::GuestKey;
use innkeeper::store::Status;

use self::guest::{ANA, Guest, READ_BACK, Went};
use self::house::House;
use crate::support::loss::Loss;

/// Who hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ears {
    Flux,
    V1,
    Realtime,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Voice {
    Deepgram,
    ElevenLabs,
    OpenAi,
}

/// What is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lost {
    Ears(Ears),
    Voice(Voice),
    Tools,
    Model,
    Store,
}

/// When it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Moment {
    /// Never: the call as it should be.
    Never,
    /// Before it rings.
    Ringing,
    /// Before the greeting.
    Answered,
    /// Within the greeting.
    Greeting,
    /// After it.
    Greeted,
    /// When the guest has begun to speak.
    SpeechBegins,
    /// While they speak.
    Speech,
    /// Between the end of that and the reply.
    SpeechEnds,
    /// Within the reply.
    Replying,
    /// Within the read-back.
    ReadBack,
    /// After it.
    ReadBackHeard,
    /// While they say yes.
    Yes,
    /// When they have said it.
    YesSaid,
    /// When the booking call is on its way.
    BookingAsked,
    /// When its answer is.
    BookingAnswered,
    /// While they are told.
    Booked,
    /// In silence.
    Silence,
}

const MOMENTS: [Moment; 16] = [
    Moment::Ringing,
    Moment::Answered,
    Moment::Greeting,
    Moment::Greeted,
    Moment::SpeechBegins,
    Moment::Speech,
    Moment::SpeechEnds,
    Moment::Replying,
    Moment::ReadBack,
    Moment::ReadBackHeard,
    Moment::Yes,
    Moment::YesSaid,
    Moment::BookingAsked,
    Moment::BookingAnswered,
    Moment::Booked,
    Moment::Silence,
];

const LOSSES: [Loss; 6] = [Loss::Refused, Loss::Cut, Loss::Hangs, Loss::Error, Loss::Garbage, Loss::Slow];

const LOST: [Lost; 9] = [
    Lost::Ears(Ears::Flux),
    Lost::Ears(Ears::V1),
    Lost::Ears(Ears::Realtime),
    Lost::Voice(Voice::Deepgram),
    Lost::Voice(Voice::ElevenLabs),
    Lost::Voice(Voice::OpenAi),
    Lost::Tools,
    Lost::Model,
    Lost::Store,
];

impl Moment {
    /// Whether it comes before what the guest wants is answered.
    fn is_early(self) -> bool {
        let place = |moment| MOMENTS.iter().position(|one| *one == moment);
        place(self) < place(Self::Replying)
    }
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    lost: Lost,
    loss: Loss,
    moment: Moment,
}

/// The guest hears something within this.
const BOUND: Duration = Duration::from_millis(1200);

/// Every cell.
fn table() -> Vec<Cell> {
    let mut cells = Vec::new();
    for lost in LOST {
        for loss in LOSSES {
            // A database in a file is there, or locked, or broken.
            if lost == Lost::Store && !matches!(loss, Loss::Hangs | Loss::Error | Loss::Slow) {
                continue;
            }
            cells.extend(MOMENTS.map(|moment| Cell { lost, loss, moment }));
        }
    }
    cells
}

#[expect(clippy::disallowed_methods, reason = "a test is told how much to do; the program is not")]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Holds the call of a cell. What is wrong with it, a line each; nothing where it is as it should be.
fn hold(cell: Cell) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let held = runtime.block_on(async {
        let (ears, voice) = match cell.lost {
            Lost::Ears(ears) => (ears, Voice::Deepgram),
            Lost::Voice(voice) => (Ears::Flux, voice),
            Lost::Tools | Lost::Model | Lost::Store => (Ears::Flux, Voice::Deepgram),
        };
        let house = House::open(ears, voice).await;
        let went = Guest::calls(&house, cell).await;
        judge(cell, &house, &went).await
    });
    runtime.shutdown_background();
    held
}

async fn judge(cell: Cell, house: &House, went: &Went) -> Result<String, String> {
    let bookings = house.hotel.bookings().await.expect("bookings");
    let guest = GuestKey::new(ANA);
    let rows = house.receptionist.store.outgoing_to(&guest).await.expect("rows");
    let was_read_back = rows.iter().any(|row| row.text.contains(READ_BACK) && row.status == Status::Sent);
    let mut wrong = Vec::new();
    if went.lost_at.is_none() && cell.moment != Moment::Never {
        wrong.push("the moment never came".to_owned());
    }
    let longest = if cell.moment == Moment::Never { went.longest_before } else { went.longest.0 };
    if longest > BOUND {
        wrong.push(format!("{longest:?} without a sound, up to {:?}", went.longest.1));
    }
    if bookings.len() > 1 {
        wrong.push(format!("booked twice: {bookings:?}"));
    }
    let was_agreed = was_read_back && went.said.iter().any(|words| words == "yes");
    if !(was_agreed || bookings.is_empty()) {
        wrong.push("booked without a read-back that was heard, and a yes".to_owned());
    }
    if !went.is_over {
        wrong.push("it does not end".to_owned());
    }
    if cell.moment == Moment::Never && bookings.len() != 1 {
        wrong.push("nothing was booked".to_owned());
    }
    let mut told = format!(
        "{:?} {:?} at {:?}: longest {longest:?} (before {:?}), lost at {:?}, {} booked, model asked {}, said {}",
        cell.lost,
        cell.loss,
        cell.moment,
        went.longest_before,
        went.lost_at,
        bookings.len(),
        house.model.asked(),
        went.said.len(),
    );
    if asked("INNKEEPER_LOSSES_TRACE").is_some() {
        for line in house.seen.now().lines {
            let _ = write!(told, "\n    {line}");
        }
        let _ = write!(told, "\n    {:?}\n    {:?}", went.said, went.seen.events);
        for piece in &went.seen.heard {
            let _ = write!(told, "\n    heard {:?} to {:?}", piece.at, piece.end());
        }
    }
    if wrong.is_empty() { Ok(told) } else { Err(format!("{told}: {}", wrong.join("; "))) }
}

/// The cells that are held where nobody asks for others: of every provider and kind of loss every third one, at a moment
/// that is another for each.
fn some(number: usize, cell: Cell) -> bool {
    let place = |found: Option<usize>| found.expect("a place");
    let lost = place(LOST.iter().position(|one| *one == cell.lost));
    let loss = place(LOSSES.iter().position(|one| *one == cell.loss));
    let moment = number % MOMENTS.len();
    (lost + loss).is_multiple_of(3) && (moment + 3 * loss + 5 * lost).is_multiple_of(MOMENTS.len())
}

/// Whether a cell is asked for: by words of its name with `+` between them, or `all`.
fn is_wanted(number: usize, cell: Cell, asked: Option<&str>) -> bool {
    let name = format!("{:?} {:?} {:?}", cell.lost, cell.loss, cell.moment);
    match asked {
        None => some(number, cell),
        Some("all") => true,
        Some(words) => words.split('+').all(|word| name.contains(word.trim())),
    }
}

#[test]
fn whatever_is_lost_whenever_the_guest_hears_something_soon() {
    let asked = asked("INNKEEPER_LOSSES");
    let all = table().into_iter().enumerate();
    let cells: Vec<Cell> = all
        .filter(|(number, cell)| is_wanted(*number, *cell, asked.as_deref()))
        .map(|(_, cell)| cell)
        .collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            match hold(*cell) {
                Ok(told) => println!("fine  {told}"),
                Err(told) => {
                    println!("WRONG {told}");
                    failed.lock().expect("a list").push(told);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().expect("a list");
    println!("{} calls", cells.len());
    assert!(failed.is_empty(), "{} of {} calls:\n{}", failed.len(), cells.len(), failed.join("\n"));
}

#[test]
fn a_call_in_which_nothing_is_lost_is_held_by_every_provider() {
    for lost in LOST.into_iter().filter(|lost| !matches!(lost, Lost::Tools | Lost::Store)) {
        let told = hold(Cell { lost, loss: Loss::None, moment: Moment::Never });
        println!("{}", told.unwrap_or_else(|told| panic!("{told}")));
    }
}
