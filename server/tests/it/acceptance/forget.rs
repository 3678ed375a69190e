//! A guest asks to be forgotten.

use super::program::{Ran, bookings, chat, innkeeper, run};
use crate::rig::Folder;

const PHONE: &str = "+351912345678";

async fn forget(folder: &Folder, whom: &str) -> Ran {
    let mut command = innkeeper(folder);
    command.args(["forget", whom]);
    run(command, &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_is_erased_everywhere_and_the_booking_stays() {
    let folder = Folder::new();
    let talk = ["a double with a sea view for two, 12 to 14 December, name is Ana Zephyrina Silva", "yes"];
    let turns = chat(innkeeper(&folder), &["--from", PHONE], &talk).await;
    assert_eq!(turns[1]["tools"][0]["name"], "create_booking");
    let names = ["Zephyrina", PHONE];
    let holds = |name: &str| {
        let files = ["it.db", "it.db-wal"].map(|file| std::fs::read(folder.file(file)).unwrap_or_default());
        files.iter().any(|bytes| bytes.windows(name.len()).any(|part| part == name.as_bytes()))
    };
    assert!(names.iter().all(|name| holds(name)), "the hotel knows who comes");

    let ran = forget(&folder, PHONE).await;
    assert!(ran.status.success(), "{}{}", ran.output, ran.errors);
    assert!(ran.output.contains("1 conversation, 2 messages, 2 replies"), "{}", ran.output);
    assert!(ran.output.contains("1 booking has no name"), "{}", ran.output);
    for name in names {
        assert!(!holds(name), "{name} is in no file");
    }
    let left = bookings(&folder).await;
    assert_eq!((left.len(), &left[0]["start_date"]), (1, &"2026-12-12".into()), "the room stays sold");
    assert_eq!(left[0]["customer_name"], "—");

    let ran = forget(&folder, PHONE).await;
    assert_eq!(ran.status.code(), Some(1), "{}", ran.output);
    assert!(ran.output.contains("Nobody is known as"), "{}", ran.output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_only_told_a_number_is_found_by_it() {
    let folder = Folder::new();
    let talk =
        ["a double with a sea view for two, 12 to 14 December, name is Ana Zephyrina Silva", PHONE, "yes"];
    chat(innkeeper(&folder), &[], &talk).await;
    let others = "+351911111111";
    chat(innkeeper(&folder), &["--from", others], &["what time is breakfast"]).await;
    let ran = forget(&folder, PHONE).await;
    assert!(ran.status.success(), "{}{}", ran.output, ran.errors);
    assert!(ran.output.contains("1 conversation, 3 messages"), "{}", ran.output);
    assert!(ran.output.contains("1 booking has no name"), "{}", ran.output);
    let ran = forget(&folder, others).await;
    assert!(ran.output.contains("1 conversation, 1 message"), "nobody else was: {}", ran.output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_say_who_they_are_is_somebody_new_each_time() {
    let folder = Folder::new();
    let talk =
        ["a double with a sea view for two, 12 to 14 December, name is Ana Zephyrina Silva", PHONE, "yes"];
    chat(innkeeper(&folder), &[], &talk).await;
    let turns = chat(innkeeper(&folder), &[], &["hello"]).await;
    let said = turns[0]["replies"].to_string();
    assert!(!said.contains("Ana"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_known_however_it_is_written() {
    let numbers = [(PHONE, "+351 912-345 678"), (PHONE, "00351 (912) 345.678"), (PHONE, "912 345 678")];
    for (number, written) in numbers {
        let folder = Folder::new();
        chat(innkeeper(&folder), &["--from", number], &["what time is breakfast"]).await;
        let ran = forget(&folder, written).await;
        assert!(ran.status.success(), "{written}: {}{}", ran.output, ran.errors);
        assert!(ran.output.contains("1 conversation, 1 message, 1 reply"), "{written}: {}", ran.output);
        let ran = forget(&folder, written).await;
        assert!(ran.output.contains(&format!("Nobody is known as {number}.")), "{written}: {}", ran.output);
    }
    let folder = Folder::new();
    for (written, why) in [("12345", "or as it is dialled in PT"), ("+12", "7 to 15 digits")] {
        let ran = forget(&folder, written).await;
        assert_eq!(ran.status.code(), Some(2), "{}", ran.output);
        assert!(
            ran.errors.contains(&format!("{written}: expected")) && ran.errors.contains(why),
            "{}",
            ran.errors
        );
    }
}
