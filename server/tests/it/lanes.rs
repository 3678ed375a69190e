//! Lanes: a guest is waited for, answered in order, and never forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use innkeeper::clock::ManualClock;
use innkeeper::inbox::{Inbox, Taken};
use innkeeper::message::{ChannelName, Content, GuestKey, Inbound, Kind};
use innkeeper::store::{Database, Outcome};
use innkeeper::turn::{Lanes, Pace, Receipt};

use crate::rig::{
    Fault, Folder, PATIENCE, Parrot, ana, ben, database, media, standing_clock, text_from, until,
};

/// Ends in time: a test that waits for ever says nothing.
trait InTime {
    async fn in_time(self);
}

impl InTime for Receipt {
    async fn in_time(self) {
        tokio::time::timeout(PATIENCE, self.ended()).await.expect("an outcome in time");
    }
}

/// A hotel with an inbox and nobody to send what it says.
struct Lobby {
    clock: ManualClock,
    store: Database,
    parrot: Arc<Parrot>,
    lanes: Lanes,
    inbox: Inbox,
    _folder: Arc<Folder>,
}

impl Lobby {
    async fn open() -> Self {
        Self::open_in(Arc::new(Folder::new())).await
    }

    async fn open_in(folder: Arc<Folder>) -> Self {
        let clock = standing_clock();
        let store = database(&folder, &clock).await;
        let parrot = Parrot::new(store.clone());
        let lanes = Lanes::new(store.clone(), parrot.clone(), Arc::new(clock.clone()), Pace::CHAT);
        let inbox = Inbox::new(store.clone(), lanes.clone());
        Self { clock, store, parrot, lanes, inbox, _folder: folder }
    }

    async fn hear(&self, guest: &GuestKey, id: &str, text: &str) -> Receipt {
        self.hear_all(&text_from(guest, id, text)).await
    }

    async fn hear_all(&self, inbound: &Inbound) -> Receipt {
        match self.inbox.take(inbound).await.expect("no fault") {
            Taken::Waits(receipt) => receipt,
            Taken::Unanswered | Taken::Repeat => unreachable!("a new message waits"),
        }
    }

    fn pass(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }

    async fn outcomes(&self) -> BTreeMap<Outcome, u64> {
        self.store.outcomes().await.expect("counts")
    }

    async fn said_to(&self, guest: &GuestKey) -> Vec<String> {
        let rows = self.store.outgoing_to(guest).await.expect("rows");
        rows.into_iter().map(|row| row.text).collect()
    }

    async fn lanes_close(&self) {
        until("every lane is closed", async || self.lanes.open() == 0).await;
    }
}

#[tokio::test]
async fn a_whole_sentence_is_answered_at_once() {
    let lobby = Lobby::open().await;
    lobby.hear(&ana(), "1", "Do you have a room for tonight?").await.in_time().await;
    assert_eq!(lobby.said_to(&ana()).await, ["You said: Do you have a room for tonight?"]);
    assert_eq!(lobby.outcomes().await, BTreeMap::from([(Outcome::Answered, 1)]));
}

#[tokio::test]
async fn whole_answers_are_answered_at_once() {
    let lobby = Lobby::open().await;
    let whole = [
        "yes",
        "No",
        "2",
        "12-14",
        "ok",
        "a double with a sea view from friday to sunday for my wife and me",
    ];
    for (i, text) in whole.into_iter().enumerate() {
        lobby.hear(&ana(), &i.to_string(), text).await.in_time().await;
    }
    assert_eq!(lobby.parrot.texts(whole.len()).await, whole);
}

#[tokio::test]
async fn fragments_are_one_turn_after_the_guest_has_finished() {
    let lobby = Lobby::open().await;
    let first = lobby.hear(&ana(), "1", "hi").await;
    lobby.clock.waited_for(1).await;
    lobby.pass(1000);
    let second = lobby.hear(&ana(), "2", "a room for two").await;
    until("it waits for the second", async || lobby.clock.sleepers() == 1).await;
    lobby.pass(1199);
    assert!(lobby.said_to(&ana()).await.is_empty(), "the wait begins anew with every fragment");
    until("it still waits", async || lobby.clock.sleepers() == 1).await;
    lobby.pass(1);
    first.in_time().await;
    second.in_time().await;
    assert_eq!(lobby.said_to(&ana()).await, ["You said: hi\na room for two"]);
    let outcomes = BTreeMap::from([(Outcome::Answered, 1), (Outcome::Merged, 1)]);
    assert_eq!(lobby.outcomes().await, outcomes);
    lobby.lanes_close().await;
}

#[tokio::test]
async fn a_fragment_that_ends_the_sentence_ends_the_wait() {
    let lobby = Lobby::open().await;
    let first = lobby.hear(&ana(), "1", "a room").await;
    lobby.hear(&ana(), "2", "for two, please.").await.in_time().await;
    first.in_time().await;
    assert_eq!(lobby.parrot.texts(1).await, ["a room\nfor two, please."]);
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_the_cap() {
    let lobby = Lobby::open().await;
    let mut receipts = Vec::new();
    for i in 0..6 {
        receipts.push(lobby.hear(&ana(), &i.to_string(), "and").await);
        until("it waits", async || lobby.clock.sleepers() == 1).await;
        lobby.pass(1000);
    }
    for receipt in receipts {
        receipt.in_time().await;
    }
    let turns = lobby.parrot.texts(1).await;
    assert_eq!(turns, ["and\nand\nand\nand\nand\nand"], "six seconds after the first");
}

#[tokio::test]
async fn what_comes_while_a_turn_is_answered_waits_for_the_next_one_in_order() {
    let lobby = Lobby::open().await;
    lobby.parrot.close_gate();
    let first = lobby.hear(&ana(), "1", "A room, please.").await;
    lobby.parrot.turns(1).await;
    let second = lobby.hear(&ana(), "2", "with a view").await;
    let third = lobby.hear(&ana(), "3", "and breakfast.").await;
    assert!(lobby.said_to(&ana()).await.is_empty());
    lobby.parrot.let_go(2);
    for receipt in [first, second, third] {
        receipt.in_time().await;
    }
    let said = ["You said: A room, please.", "You said: with a view\nand breakfast."];
    assert_eq!(lobby.said_to(&ana()).await, said);
    lobby.lanes_close().await;
}

#[tokio::test]
async fn what_overtakes_a_turn_becomes_part_of_it() {
    let lobby = Lobby::open().await;
    lobby.parrot.close_gate();
    lobby.parrot.faults.lock().expect("faults").push_back(Fault::Overtaken);
    let first = lobby.hear(&ana(), "1", "A room for two, please.").await;
    lobby.parrot.turns(1).await;
    let second = lobby.hear(&ana(), "2", "No, for three!").await;
    let button = Inbound {
        content: Content::Button { id: "yes".to_owned(), title: "Yes".to_owned() },
        ..text_from(&ana(), "3", "Yes")
    };
    let third = lobby.hear_all(&button).await;
    lobby.parrot.let_go(3);
    for receipt in [first, second, third] {
        receipt.in_time().await;
    }
    assert_eq!(
        lobby.said_to(&ana()).await,
        ["You said: A room for two, please.\nNo, for three!", "You said: Yes"],
        "a button is a turn of its own"
    );
    assert_eq!(lobby.outcomes().await, [(Outcome::Answered, 2), (Outcome::Merged, 1)].into());
}

#[tokio::test]
async fn what_comes_after_a_turn_that_was_overtaken_is_the_next_one() {
    let lobby = Lobby::open().await;
    lobby.parrot.close_gate();
    lobby.parrot.faults.lock().expect("faults").push_back(Fault::Overtaken);
    let first = lobby.hear(&ana(), "1", "A room for two, please.").await;
    lobby.parrot.turns(1).await;
    let second = lobby.hear(&ana(), "2", "No, for three!").await;
    lobby.parrot.let_go(1);
    lobby.parrot.turns(2).await;
    let third = lobby.hear(&ana(), "3", "With a view!").await;
    lobby.parrot.let_go(2);
    for receipt in [first, second, third] {
        receipt.in_time().await;
    }
    let said = lobby.said_to(&ana()).await;
    assert_eq!(said, ["You said: A room for two, please.\nNo, for three!", "You said: With a view!"]);
}

#[tokio::test]
async fn guests_do_not_wait_for_each_other() {
    let lobby = Lobby::open().await;
    lobby.parrot.close_gate();
    let slow = lobby.hear(&ana(), "1", "A room, please.").await;
    lobby.hear(&ben(), "2", "A room, please.").await;
    let turns = lobby.parrot.turns(2).await;
    assert_eq!(
        turns.iter().map(|turn| &turn.guest).collect::<Vec<_>>(),
        [&ana(), &ben()],
        "both are answered at once"
    );
    lobby.parrot.let_go(2);
    slow.in_time().await;
    lobby.lanes_close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_guests_are_each_answered_in_order() {
    let lobby = Arc::new(Lobby::open().await);
    let mut guests = tokio::task::JoinSet::new();
    for number in 0..12 {
        let lobby = Arc::clone(&lobby);
        guests.spawn(async move {
            let guest = GuestKey::new(format!("whatsapp:+346000001{number:02}"));
            let mut receipts = Vec::new();
            for i in 0..8 {
                receipts.push(lobby.hear(&guest, &format!("{number}/{i}"), &format!("Message {i}.")).await);
            }
            for receipt in receipts {
                receipt.in_time().await;
            }
            let said = lobby.said_to(&guest).await.join("\n").replace("You said: ", "");
            assert_eq!(said, (0..8).map(|i| format!("Message {i}.")).collect::<Vec<_>>().join("\n"));
        });
    }
    guests.join_all().await;
    let outcomes = lobby.outcomes().await;
    assert_eq!(outcomes.get(&Outcome::Pending), None);
    assert_eq!(outcomes.values().sum::<u64>(), 96, "every message has an outcome: {outcomes:?}");
    lobby.lanes_close().await;
}

#[tokio::test]
async fn a_button_is_a_turn_of_its_own() {
    let lobby = Lobby::open().await;
    let words = lobby.hear(&ana(), "1", "hm").await;
    let button = {
        let content = Content::Button { id: "yes".to_owned(), title: "Yes, book it".to_owned() };
        Inbound { content, ..text_from(&ana(), "2", "Yes, book it") }
    };
    let pressed = lobby.hear_all(&button).await;
    words.in_time().await;
    pressed.in_time().await;
    let turns = lobby.parrot.turns(2).await;
    assert_eq!((turns[0].text.as_str(), &turns[0].button), ("hm", &None));
    assert_eq!((turns[1].text.as_str(), turns[1].button.as_deref()), ("Yes, book it", Some("yes")));
}

#[tokio::test]
async fn what_is_not_text_is_handed_on_with_its_kind() {
    let lobby = Lobby::open().await;
    let note =
        Inbound { content: Content::Audio { media: media("1", "audio/ogg") }, ..text_from(&ana(), "1", "") };
    lobby.hear_all(&note).await.in_time().await;
    let turns = lobby.parrot.turns(1).await;
    assert_eq!((turns[0].text.as_str(), turns[0].unsupported), ("", Some(Kind::Audio)));
}

#[tokio::test]
async fn a_passing_fault_is_tried_again() {
    let lobby = Lobby::open().await;
    lobby.parrot.faults.lock().expect("faults").extend([Fault::Passing, Fault::Passing]);
    let receipt = lobby.hear(&ana(), "1", "A room, please.").await;
    lobby.clock.waited_for(1).await;
    lobby.pass(500);
    lobby.parrot.turns(2).await;
    lobby.clock.waited_for(1).await;
    lobby.pass(1000);
    receipt.in_time().await;
    assert_eq!(lobby.said_to(&ana()).await, ["You said: A room, please."]);
    assert_eq!(lobby.parrot.turns(3).await.last().expect("a turn").attempts, 3);
}

#[tokio::test]
async fn a_message_that_cannot_be_answered_goes_to_a_person_with_one_apology() {
    for faults in [vec![Fault::Passing; 4], vec![Fault::Lasting], vec![Fault::Panic]] {
        let lobby = Lobby::open().await;
        let tries = faults.len();
        lobby.parrot.faults.lock().expect("faults").extend(faults);
        let receipt = lobby.hear(&ana(), "1", "A room, please.").await;
        for i in 1..tries {
            lobby.parrot.turns(i).await;
            lobby.clock.waited_for(1).await;
            lobby.pass(30_000);
        }
        receipt.in_time().await;
        assert_eq!(lobby.said_to(&ana()).await, ["Sorry, a person will answer you."]);
        assert_eq!(lobby.outcomes().await, BTreeMap::from([(Outcome::HandedOver, 1)]));
        let missed = lobby.store.missed().await.expect("rows");
        let missed: Vec<&str> = missed.iter().map(|turn| turn.text.as_str()).collect();
        assert_eq!(missed, ["A room, please."], "a person has it");
        // The next message is answered as ever.
        lobby.hear(&ana(), "2", "Hello?").await.in_time().await;
        assert_eq!(lobby.outcomes().await.get(&Outcome::Answered), Some(&1));
    }
}

#[tokio::test]
async fn what_was_forgotten_leaves_room_for_what_nobody_answered_since() {
    let lobby = Lobby::open().await;
    let more_than_listed = 201;
    let faults = vec![Fault::Lasting; more_than_listed + 1];
    lobby.parrot.faults.lock().expect("faults").extend(faults);
    for i in 0..more_than_listed {
        lobby.hear(&ana(), &i.to_string(), "A room, please.").await.in_time().await;
    }
    lobby.hear(&ben(), "last", "Two rooms, please.").await.in_time().await;
    lobby.store.forget_guest(&ana()).await.expect("no fault");
    let missed = lobby.store.missed().await.expect("rows");
    let missed: Vec<&str> = missed.iter().map(|turn| turn.text.as_str()).collect();
    assert_eq!(missed, ["Two rooms, please."]);
}

#[tokio::test]
async fn what_a_crash_left_over_is_answered_in_order_after_the_start() {
    let folder = Arc::new(Folder::new());
    {
        let lobby = Lobby::open_in(Arc::clone(&folder)).await;
        lobby.parrot.close_gate();
        // A turn of two fragments is under way, and more has come.
        let _ = lobby.hear(&ana(), "1", "a room").await;
        let _ = lobby.hear(&ana(), "2", "for two.").await;
        lobby.parrot.turns(1).await;
        let _ = lobby.hear(&ana(), "3", "With a view.").await;
        let _ = lobby.hear(&ben(), "4", "Hello.").await;
        lobby.parrot.turns(2).await;
        lobby.store.close().await.expect("closed");
    }
    let lobby = Lobby::open_in(folder).await;
    assert_eq!(lobby.inbox.recover(&[ChannelName::Twilio]).await.expect("no fault"), 3);
    lobby.lanes_close().await;
    assert_eq!(lobby.said_to(&ana()).await, ["You said: a room\nfor two.", "You said: With a view."]);
    assert_eq!(lobby.said_to(&ben()).await, ["You said: Hello."]);
    let outcomes = BTreeMap::from([(Outcome::Answered, 3), (Outcome::Merged, 1)]);
    assert_eq!(lobby.outcomes().await, outcomes);
    assert!(matches!(
        lobby.inbox.take(&text_from(&ana(), "1", "a room")).await.expect("no fault"),
        Taken::Repeat
    ));
}

#[tokio::test]
async fn a_message_that_brings_the_program_down_every_time_is_given_to_a_person() {
    let folder = Arc::new(Folder::new());
    for _ in 0..4 {
        let lobby = Lobby::open_in(Arc::clone(&folder)).await;
        lobby.parrot.close_gate();
        if lobby.inbox.recover(&[ChannelName::Twilio]).await.expect("no fault") == 0 {
            let _ = lobby.hear(&ana(), "1", "Boom.").await;
        }
        lobby.parrot.turns(1).await;
        lobby.store.close().await.expect("closed");
    }
    let lobby = Lobby::open_in(folder).await;
    lobby.inbox.recover(&[ChannelName::Twilio]).await.expect("no fault");
    lobby.lanes_close().await;
    assert_eq!(lobby.outcomes().await, BTreeMap::from([(Outcome::HandedOver, 1)]));
}
