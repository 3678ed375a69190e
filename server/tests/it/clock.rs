//! Time that is pinned, and time that is moved by hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Europe::Lisbon;
use innkeeper::clock::{Clock, ManualClock, PinnedClock, SystemClock};

use crate::rig::{morning, standing_clock};

#[test]
fn a_pinned_clock_keeps_its_day_and_goes_on_with_the_time_of_day() {
    let day = NaiveDate::from_ymd_opt(2026, 12, 1).expect("a day");
    let clock = PinnedClock::new(day, Lisbon);
    assert_eq!(clock.today(Lisbon), day);
    let real = SystemClock.now().with_timezone(&Lisbon).time();
    let pinned = clock.now().with_timezone(&Lisbon);
    assert_eq!(pinned.date_naive(), day);
    assert!((pinned.time() - real).abs() < TimeDelta::seconds(5));
    assert!(clock.now() <= clock.now());
}

#[test]
fn the_day_is_the_hotels() {
    let clock = ManualClock::new("2026-07-01T23:30:00Z".parse().expect("an instant"));
    assert_eq!(clock.today(Lisbon).to_string(), "2026-07-02");
}

#[tokio::test]
async fn sleepers_wake_in_the_order_of_their_times() {
    let clock = standing_clock();
    let woken = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for seconds in [3, 1, 2, 9] {
        let (clock, woken) = (clock.clone(), Arc::clone(&woken));
        tasks.push(tokio::spawn(async move {
            clock.sleep(Duration::from_secs(seconds)).await;
            woken.lock().expect("a list").push(seconds);
        }));
    }
    clock.waited_for(4).await;
    clock.advance(Duration::from_secs(3));
    assert_eq!(clock.sleepers(), 1);
    let late = tasks.pop().expect("the last one");
    for task in tasks {
        task.await.expect("a sleeper");
    }
    assert_eq!(*woken.lock().expect("a list"), [1, 2, 3]);
    late.abort();
    assert!(late.await.expect_err("an aborted task").is_cancelled());
    assert_eq!(clock.sleepers(), 0, "a dropped sleeper leaves");
}

#[tokio::test]
async fn an_instant_that_has_passed_is_not_waited_for() {
    let clock = standing_clock();
    clock.sleep_until(morning()).await;
    clock.sleep_until(morning() - TimeDelta::hours(1)).await;
    SystemClock.sleep_until(SystemClock.now() - TimeDelta::hours(1)).await;
}
