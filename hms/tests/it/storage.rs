//! What is in the database, and what cannot get in.

use std::sync::Arc;

use innkeeper_hms::{Fault, Hotel, Opening, RandomIds, Seeding};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, FromQueryResult, Statement};
use serde_json::json;

use crate::desk::{Desk, ana};
use crate::place::{Kind, Place};

const TABLES: [&str; 15] = [
    "hotels",
    "room_types",
    "rooms",
    "seasons",
    "nightly_rates",
    "restrictions",
    "taxes",
    "policies",
    "questions",
    "customers",
    "bookings",
    "room_nights",
    "quotes",
    "audit_log",
    "idempotency_keys",
];

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

#[derive(FromQueryResult)]
struct Text {
    text: Option<String>,
}

/// How many rows a table has; the desk shows that the hotel is open all the while.
pub(crate) async fn count(place: &Place, table: &str, _open: &Desk) -> i64 {
    let db = Database::connect(&place.url).await.unwrap();
    let count = number(&db, &format!("SELECT count(*) AS number FROM {table}")).await;
    db.close().await.unwrap();
    count
}

/// Every row of every table as one text.
pub(crate) async fn fingerprint(place: &Place) -> String {
    let db = Database::connect(&place.url).await.unwrap();
    let mut rows = String::new();
    for table in TABLES {
        let query = match place.kind {
            Kind::Postgres => {
                format!("SELECT string_agg(t::text, '|' ORDER BY t::text) AS text FROM {table} t")
            }
            Kind::Sqlite => {
                let columns: Vec<Text> =
                    all(&db, &format!("SELECT quote(name) AS text FROM pragma_table_info('{table}')")).await;
                let columns: Vec<String> = columns
                    .into_iter()
                    .map(|column| format!("quote(\"{}\")", column.text.unwrap().trim_matches('\'')))
                    .collect();
                format!("SELECT group_concat({}, '|') AS text FROM {table}", columns.join("||','||"))
            }
        };
        let text = all::<Text>(&db, &query).await.remove(0).text;
        rows.push_str(&format!("{table}: {}\n", text.unwrap_or_default()));
    }
    db.close().await.unwrap();
    rows
}

async fn all<T: FromQueryResult>(db: &DatabaseConnection, query: &str) -> Vec<T> {
    T::find_by_statement(Statement::from_string(db.get_database_backend(), query)).all(db).await.unwrap()
}

async fn number(db: &DatabaseConnection, query: &str) -> i64 {
    all::<Number>(db, query).await[0].number
}

#[tokio::test]
async fn a_second_opening_finds_the_same_hotel_and_its_bookings() {
    for place in Place::all().await {
        let first = Desk::at(&place).await;
        let quote = first
            .done(
                "quote_stay",
                json!({ "room_id": "204", "start_date": "2026-12-12", "end_date": "2026-12-14" }),
            )
            .await;
        let booking = first.book("203", "2026-12-12", "2026-12-14").await;
        let second = Desk::seeded(&place, 2).await;
        let found = second.done("find_bookings", json!({ "phone": "+351912345678" })).await;
        assert_eq!(found["bookings"][0]["booking_id"], booking["booking_id"]);
        assert_eq!(count(&place, "hotels", &second).await, 1);
        assert_eq!(count(&place, "rooms", &second).await, 24);
        let mut wanted = ana("204", "2026-12-12", "2026-12-14");
        wanted["quote_id"] = quote["quote_id"].clone();
        second.done("create_booking", wanted).await;
        assert_eq!(count(&place, "quotes", &second).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn programs_that_start_at_once_on_an_empty_database_share_one_hotel() {
    for place in Place::all().await {
        let mut starting = tokio::task::JoinSet::new();
        for _ in 0..8 {
            starting.spawn(Hotel::open(Opening::of(&place.url)));
        }
        let hotels = starting.join_all().await;
        for hotel in &hotels {
            let hotel = hotel.as_ref().unwrap_or_else(|fault| panic!("{:?}: {fault:?}", place.kind));
            assert_eq!(hotel.listing().await.unwrap().rooms.len(), 24);
        }
        let desk = Desk::at(&place).await;
        assert_eq!(count(&place, "hotels", &desk).await, 1);
    }
}

#[tokio::test]
async fn an_empty_database_is_seeded_only_if_wished() {
    for place in Place::all().await {
        let never = Opening::of(&place.url).with_seeding(Seeding::Never);
        assert!(matches!(Hotel::open(never).await, Err(Fault::NoHotel)));
        let hotel = Hotel::open(Opening::of(&place.url)).await.unwrap();
        assert_eq!(hotel.listing().await.unwrap().rooms.len(), 24);
        hotel.close().await.unwrap();
        Hotel::open(Opening::of(&place.url).with_seeding(Seeding::Never)).await.unwrap();
    }
}

#[tokio::test]
async fn a_sqlite_file_uses_a_write_ahead_log_and_tables_of_others_may_live_in_it() {
    let place = Place::file();
    let others = Database::connect(format!("{}?mode=rwc", place.url)).await.unwrap();
    others.execute_unprepared("CREATE TABLE seaql_migrations (version TEXT)").await.unwrap();
    let desk = Desk::at(&place).await;
    desk.book("204", "2026-12-12", "2026-12-14").await;
    let mode: Vec<Text> = all(&others, "SELECT journal_mode AS text FROM pragma_journal_mode").await;
    assert_eq!(mode[0].text.as_deref(), Some("wal"));
    assert_eq!(number(&others, "SELECT count(*) AS number FROM hms_migrations").await, 2);
    assert_eq!(number(&others, "SELECT count(*) AS number FROM seaql_migrations").await, 0);
}

#[tokio::test]
async fn the_database_itself_refuses_a_night_sold_twice_and_an_altered_log() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        desk.book("204", "2026-12-12", "2026-12-14").await;
        let db = Database::connect(&place.url).await.unwrap();
        let again = "INSERT INTO room_nights (room_id, night, hotel_id, booking_id)
                     SELECT room_id, night, hotel_id, booking_id FROM room_nights";
        let sold_twice = db.execute_unprepared(again).await.unwrap_err();
        assert!(
            matches!(sold_twice.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))),
            "{sold_twice}"
        );
        for change in ["UPDATE audit_log SET action = 'nothing'", "DELETE FROM audit_log"] {
            let error = db.execute_unprepared(change).await.unwrap_err();
            assert!(error.to_string().contains("only added to"), "{error}");
        }
        db.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_change_made_by_another_program_is_in_the_next_answer() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let db = Database::connect(&place.url).await.unwrap();
        let wish = json!({ "start_date": "2027-02-01", "end_date": "2027-02-02", "room_type": "suite", "view": "sea" });
        let seen = async || desk.done("get_room_availability", wish.clone()).await;
        assert_eq!(seen().await["rooms"][0]["total"]["minor"], 28_400);
        let changes = [
            ("UPDATE nightly_rates SET weekday_minor = weekday_minor + 100", 28_500),
            ("UPDATE taxes SET amount = 300 WHERE code = 'city_tax'", 28_700),
            ("DELETE FROM taxes WHERE code = 'city_tax'", 28_100),
        ];
        for (change, total) in changes {
            db.execute_unprepared(change).await.unwrap();
            assert_eq!(seen().await["rooms"][0]["total"]["minor"], total, "{change}");
        }
        db.execute_unprepared("UPDATE rooms SET view = 'garden' WHERE number = '405'").await.unwrap();
        assert_eq!(seen().await["reason"], "view_unavailable");
        db.execute_unprepared("UPDATE questions SET answer = 'No.' WHERE topic = 'parking'").await.unwrap();
        let parking = desk.done("get_hotel_info", json!({ "topic": "parking" })).await;
        assert_eq!(parking["questions"][0]["answer"], "No.");
        db.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_log_names_no_person() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let booking = desk.book("204", "2026-12-12", "2026-12-14").await;
        desk.done("cancel_booking", json!({ "booking_id": booking["booking_id"] })).await;
        let rows = fingerprint(&place).await;
        let log = rows.lines().find(|line| line.starts_with("audit_log")).unwrap();
        assert!(log.contains("booking_created") && log.contains("booking_cancelled"), "{log}");
        assert!(!log.contains("Ana") && !log.contains("912345678"), "{log}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_opened_is_a_fault_with_a_cause() {
    for url in ["sqlite:///nowhere/at/all/hotel.db", "postgres://nobody@127.0.0.1:1/none", "mysql://x"] {
        let opening = Opening::of(url).with_ids(Arc::new(RandomIds));
        let Err(fault) = Hotel::open(opening).await else { panic!("{url} was opened") };
        assert!(matches!(fault, Fault::Open(_)), "{url}: {fault:?}");
    }
}
