//! A line that plays what it is given, first in first out, with marks, clears and a way there and back that takes time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const TEXTS: [&str; 3] = [
    "So that is a double room with a view of the sea. Shall I book it?",
    "One moment, please.",
    "It costs two hundred and forty euros in all, breakfast included.",
];

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + ms).expect("an instant")
}

/// The far end: plays eight bytes a millisecond.
#[derive(Default)]
struct FarEnd {
    /// What is under way to it, with when it arrives.
    coming: VecDeque<(i64, ToSound)>,
    fifo: VecDeque<ToSound>,
    /// Marks under way back.
    back: VecDeque<(i64, String)>,
    /// What was played.
    played: Vec<u8>,
    home: i64,
}

impl FarEnd {
    fn tick(&mut self, now: i64) {
        while self.coming.front().is_some_and(|(arrives, _)| *arrives <= now) {
            match self.coming.pop_front() {
                Some((_, ToSound::Clear)) => {
                    for order in std::mem::take(&mut self.fifo) {
                        if let ToSound::Mark(name) = order {
                            self.back.push_back((now + self.home, name));
                        }
                    }
                }
                Some((_, order)) => self.fifo.push_back(order),
                None => {}
            }
        }
        let mut left = BYTES_PER_MS;
        while let Some(order) = self.fifo.front_mut() {
            match order {
                ToSound::Mark(name) => {
                    self.back.push_back((now + self.home, std::mem::take(name)));
                    self.fifo.pop_front();
                }
                ToSound::Sound(bytes) if left > 0 => {
                    let some = bytes.len().min(left);
                    self.played.extend(bytes.drain(..some));
                    left -= some;
                    if bytes.is_empty() {
                        self.fifo.pop_front();
                    }
                }
                ToSound::Sound(_) | ToSound::Clear => return,
            }
        }
    }
}

/// What a test does to the playback in a millisecond.
#[derive(Clone, Debug)]
enum Doing {
    Nothing,
    Say(usize),
    Hush,
    GoOn,
    GiveUp,
}

fn doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        6 => Just(Doing::Nothing),
        3 => (0..TEXTS.len()).prop_map(Doing::Say),
        2 => Just(Doing::Hush),
        2 => Just(Doing::GoOn),
        1 => Just(Doing::GiveUp),
    ]
}

/// A voice: of each utterance the bytes that are still to come. A byte is the utterance's number.
#[derive(Default)]
struct Speaker {
    left: VecDeque<(UtteranceId, usize)>,
    length: BTreeMap<u64, usize>,
}

impl Speaker {
    fn say(&mut self, orders: Vec<ToSay>) {
        for order in orders {
            let bytes = order.text.len() * 64 * BYTES_PER_MS;
            self.length.insert(order.utterance.0, bytes);
            self.left.push_back((order.utterance, bytes));
        }
    }

    /// A piece of sound, faster than it is played.
    fn speak(&mut self, playback: &mut Playback, now: DateTime<Utc>) {
        let Some((utterance, left)) = self.left.front_mut() else { return };
        let some = (*left).min(30 * BYTES_PER_MS);
        let byte = u8::try_from(utterance.0 % 251).expect("a byte");
        playback.sound(*utterance, &vec![byte; some]);
        *left -= some;
        if *left == 0 {
            playback.done(*utterance, now);
            self.left.pop_front();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_counts_as_heard_that_was_not_played(
        script in proptest::collection::vec((doing(), 1_i64..900), 1..16),
        there in 0_i64..150,
        home in 0_i64..150,
    ) {
        let mut playback = Playback::new(Duration::from_millis(300));
        let mut far = FarEnd { home, ..FarEnd::default() };
        let mut voice = Speaker::default();
        let mut says: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let (mut now, mut id) = (0_i64, 0_u64);
        for (doing, wait) in script {
            match doing {
                Doing::Nothing => {}
                Doing::Say(text) => {
                    id += 1;
                    let line = Line { id: LineId(id), text: TEXTS[text].to_owned() };
                    let before: Vec<u64> = playback.pieces.iter().map(|piece| piece.utterance.0).collect();
                    let orders = playback.say(&line);
                    for (old, piece) in before.iter().zip(&playback.pieces) {
                        if *old != piece.utterance.0 {
                            let all = says.get_mut(&piece.line.0).expect("a line");
                            all.retain(|one| one != old);
                            all.push(piece.utterance.0);
                        }
                    }
                    let new = playback.pieces.iter().filter(|piece| piece.line == line.id);
                    says.insert(id, new.map(|piece| piece.utterance.0).collect());
                    voice.say(orders);
                }
                Doing::Hush => {
                    let (clear, upto) = playback.hush(at(now));
                    far.coming.push_back((now + there, clear));
                    voice.left.retain(|(utterance, _)| upto.is_none_or(|upto| *utterance > upto));
                    prop_assert!(playback.send(at(now)).is_empty(), "nothing is sent after a clear");
                }
                Doing::GoOn => {
                    let before: Vec<u64> = playback.pieces.iter().map(|piece| piece.utterance.0).collect();
                    voice.say(playback.go_on());
                    // What is said again has another number.
                    for (old, piece) in before.iter().zip(&playback.pieces) {
                        if *old != piece.utterance.0 {
                            let all = says.get_mut(&piece.line.0).expect("a line");
                            all.retain(|one| one != old);
                            all.push(piece.utterance.0);
                        }
                    }
                }
                Doing::GiveUp => {
                    playback.hush(at(now));
                    far.coming.push_back((now + there, ToSound::Clear));
                    voice.left.clear();
                    playback.give_up();
                    prop_assert!(playback.is_over());
                }
            }
            for _ in 0..wait {
                now += 1;
                if now % 10 == 0 {
                    voice.speak(&mut playback, at(now));
                }
                for order in playback.send(at(now)) {
                    far.coming.push_back((now + there, order));
                }
                far.tick(now);
                while far.back.front().is_some_and(|(arrives, _)| *arrives <= now) {
                    let (_, name) = far.back.pop_front().expect("a mark");
                    playback.mark(&name, at(now));
                }
                for told in playback.told() {
                    if matches!(told.much, Much::Whole(_)) {
                        for utterance in &says[&told.id.0] {
                            let byte = u8::try_from(utterance % 251).expect("a byte");
                            let played = far.played.iter().filter(|heard| **heard == byte).count();
                            prop_assert!(
                                played >= voice.length[utterance],
                                "{told:?}: {played} of {}", voice.length[utterance]
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Plays everything there is until then.
fn play(playback: &mut Playback, from: i64, until: i64) {
    for ms in from..until {
        for order in playback.send(at(ms)) {
            if let ToSound::Mark(name) = order {
                playback.mark(&name, at(ms));
            }
        }
    }
}

fn line(text: &str) -> Line {
    Line { id: LineId(1), text: text.to_owned() }
}

#[test]
fn sound_is_sent_a_little_ahead_and_no_more() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let order = playback.say(&line("Hello there."));
    playback.sound(order[0].utterance, &[1; 8000]);
    let sent = |orders: Vec<ToSound>| -> usize {
        let lengths =
            orders.iter().map(|order| if let ToSound::Sound(bytes) = order { bytes.len() } else { 0 });
        lengths.sum()
    };
    assert_eq!(sent(playback.send(at(0))), 2400);
    assert_eq!(sent(playback.send(at(0))), 0);
    assert_eq!(playback.next(), Some(at(1)));
    assert_eq!(sent(playback.send(at(50))), 800);
    assert_eq!(sent(playback.send(at(1000))), 2400, "nothing is made up for");
}

#[test]
fn a_mark_that_a_clear_gave_back_counts_only_if_it_could_have_been_played() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let order = playback.say(&line("Shall I book it?"));
    playback.sound(order[0].utterance, &[1; 4000]);
    playback.done(order[0].utterance, at(0));
    let marks = marks(&mut playback, 0);
    assert_eq!(marks, ["1:1:100", "1:1:200", "1:1:300"]);
    playback.hush(at(210));
    marks.iter().for_each(|mark| playback.mark(mark, at(240)));
    playback.give_up();
    let told = playback.told();
    assert_eq!(told, [Told { id: LineId(1), much: Much::Part(String::new()) }], "a fifth of it");
}

/// The marks behind what is sent now.
fn marks(playback: &mut Playback, now: i64) -> Vec<String> {
    let mark = |order| if let ToSound::Mark(name) = order { Some(name) } else { None };
    playback.send(at(now)).into_iter().filter_map(mark).collect()
}

#[test]
fn a_mark_that_a_clear_gave_back_proves_no_end() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let order = playback.say(&line("Shall I book it?"));
    playback.sound(order[0].utterance, &[1; 2400]);
    playback.done(order[0].utterance, at(0));
    let marks = marks(&mut playback, 0);
    // It could have been played long ago, on a line that begins to play at once.
    playback.mark(&marks[0], at(390));
    playback.hush(at(450));
    marks[1..].iter().for_each(|mark| playback.mark(mark, at(500)));
    assert!(!playback.is_over(), "its end may not have been played");
    playback.give_up();
    let told = playback.told();
    assert!(matches!(&told[..], [Told { much: Much::Part(_), .. }]), "{told:?}");
}

#[test]
fn of_what_the_voice_left_off_only_what_its_pace_allows_was_heard() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let order = playback.say(&line("The room costs two hundred euros in all"));
    playback.sound(order[0].utterance, &[1; 9600]);
    let marks = marks(&mut playback, 0);
    marks.iter().for_each(|mark| playback.mark(mark, at(330)));
    assert!(playback.failed(order[0].utterance, at(331)), "not even half of it was made");
    playback.give_up();
    assert_eq!(playback.told(), [Told { id: LineId(1), much: Much::Part("The".to_owned()) }]);
}

#[test]
fn what_had_no_sound_was_not_heard_however_often_the_rest_is_begun_again() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let orders = playback.say(&line("So that is a double room. Shall I book it?"));
    assert_eq!(orders.len(), 2, "a sentence each");
    playback.done(orders[0].utterance, at(0));
    playback.hush(at(10));
    assert_eq!(playback.go_on().len(), 1, "what the voice has not made yet");
    playback.give_up();
    assert_eq!(playback.told(), [Told { id: LineId(1), much: Much::Part(String::new()) }]);
}

#[test]
fn what_goes_on_begins_where_it_was_left() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let order = playback.say(&line("Shall I book it?"));
    let sound: Vec<u8> = (0..8000_u32).map(|at| u8::try_from(at / 800).expect("a byte")).collect();
    playback.sound(order[0].utterance, &sound);
    playback.done(order[0].utterance, at(0));
    let marks: Vec<ToSound> = playback.send(at(0));
    let Some(ToSound::Mark(first)) = marks.get(1) else { panic!("a mark") };
    playback.mark(first, at(120));
    playback.hush(at(130));
    assert!(playback.go_on().is_empty(), "its sound is here");
    let orders = playback.send(at(500));
    assert_eq!(orders.first(), Some(&ToSound::Sound(vec![1; 800])));
}

#[test]
fn what_the_voice_had_not_finished_is_said_again_from_the_next_word() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let order = playback.say(&line("The room costs two hundred euros in all"));
    playback.sound(order[0].utterance, &[1; 9600]);
    play(&mut playback, 0, 1000);
    let (_, upto) = playback.hush(at(1000));
    assert_eq!(upto, Some(order[0].utterance));
    let again = playback.go_on();
    assert_eq!(again.len(), 1);
    assert!(again[0].utterance > order[0].utterance, "late sound of the first is dropped");
    assert!("The room costs two hundred euros in all".ends_with(&again[0].text), "{again:?}");
    assert_ne!(again[0].text, "The room costs two hundred euros in all");
    playback.sound(order[0].utterance, &[9; 800]);
    assert!(playback.send(at(1001)).is_empty());
}

#[test]
fn what_could_not_be_spoken_was_not_heard() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let order = playback.say(&line("Shall I book it?"));
    assert!(playback.failed(order[0].utterance, at(5)));
    assert!(playback.is_over());
    assert_eq!(playback.told(), [Told { id: LineId(1), much: Much::Part(String::new()) }]);
}

#[test]
fn what_was_made_ready_is_said_without_the_voice() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let ready = playback.prepare("Shall I book it?");
    playback.sound(ready[0].utterance, &[1; 800]);
    assert!(playback.send(at(0)).is_empty(), "nobody has asked for it yet");
    assert!(playback.say(&line("Shall I book it?")).is_empty());
    assert_eq!(playback.send(at(1)).len(), 2);
    assert_eq!(playback.forget(), None);
}

#[test]
fn marks_that_never_come_hold_nothing_up() {
    let mut playback = Playback::new(Duration::from_millis(300));
    let order = playback.say(&line("Shall I book it?"));
    playback.sound(order[0].utterance, &[1; 800]);
    playback.done(order[0].utterance, at(0));
    playback.send(at(0));
    let overdue = playback.next().expect("a time");
    playback.passed(overdue);
    assert!(playback.is_over());
    assert_eq!(playback.told(), [Told { id: LineId(1), much: Much::Part(String::new()) }]);
}
