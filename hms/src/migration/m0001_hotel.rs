//! What the hotel has and what it asks for: rooms, prices, rules, answers.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

use super::{of_hotel, to, unique};

/// The tables whose rows a running program keeps until the hotel's revision changes.
const KEPT_IN_MEMORY: [&str; 7] =
    ["room_types", "rooms", "seasons", "nightly_rates", "restrictions", "taxes", "policies"];

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut table in [
            hotels(),
            room_types(),
            rooms(),
            seasons(),
            nightly_rates(),
            restrictions(),
            taxes(),
            policies(),
            questions(),
        ] {
            manager.create_table(table.take()).await?;
        }
        unique(manager, "hotels_code", "hotels", &["code"]).await?;
        unique(manager, "room_types_code", "room_types", &["hotel_id", "code"]).await?;
        unique(manager, "rooms_number", "rooms", &["hotel_id", "number"]).await?;
        let rate = ["season_id", "room_type_id", "view"];
        unique(manager, "nightly_rates_place", "nightly_rates", &rate).await?;
        unique(manager, "taxes_code", "taxes", &["hotel_id", "code"]).await?;
        unique(manager, "policies_code", "policies", &["hotel_id", "code"]).await?;
        unique(manager, "questions_topic", "questions", &["hotel_id", "topic"]).await?;
        count_revisions(manager).await
    }
}

fn hotels() -> TableCreateStatement {
    let texts = [
        "code",
        "name",
        "address",
        "phone",
        "email",
        "country",
        "time_zone",
        "currency",
        "check_in_time",
        "check_out_time",
        "quote_secret",
    ];
    let mut table = Table::create().table("hotels").col(big_pk_auto("id")).to_owned();
    for column in texts {
        table.col(text(column));
    }
    table.col(integer("quote_minutes")).col(big_integer("revision")).col(integer("horizon_days")).to_owned()
}

fn room_types() -> TableCreateStatement {
    owned("room_types")
        .col(text("code"))
        .col(text("name"))
        .col(text("description"))
        .col(integer("max_guests").check(Expr::col("max_guests").gt(0)))
        .col(integer("position"))
        .to_owned()
}

fn rooms() -> TableCreateStatement {
    owned("rooms")
        .col(big_integer("room_type_id"))
        .col(text("number"))
        .col(integer("floor"))
        .col(text("view"))
        .col(text("beds"))
        .col(integer("size_m2"))
        .col(boolean("accessible"))
        .foreign_key(&mut to("rooms", "room_type_id", "room_types"))
        .to_owned()
}

fn seasons() -> TableCreateStatement {
    yearly(owned("seasons").col(text("name")).col(integer("priority")).to_owned())
}

fn nightly_rates() -> TableCreateStatement {
    owned("nightly_rates")
        .col(big_integer("season_id"))
        .col(big_integer("room_type_id"))
        .col(text("view"))
        .col(big_integer("weekday_minor"))
        .col(big_integer("weekend_minor"))
        .foreign_key(&mut to("nightly_rates", "season_id", "seasons"))
        .foreign_key(&mut to("nightly_rates", "room_type_id", "room_types"))
        .to_owned()
}

fn restrictions() -> TableCreateStatement {
    yearly(
        owned("restrictions")
            .col(big_integer_null("room_type_id"))
            .col(integer("min_nights"))
            .col(boolean("closed_to_arrival"))
            .foreign_key(&mut to("restrictions", "room_type_id", "room_types"))
            .to_owned(),
    )
}

fn taxes() -> TableCreateStatement {
    owned("taxes")
        .col(text("code"))
        .col(text("name"))
        .col(string_len("basis", 16))
        .col(big_integer("amount"))
        .col(boolean("included"))
        .col(integer_null("max_nights"))
        .to_owned()
}

fn policies() -> TableCreateStatement {
    owned("policies")
        .col(text("code"))
        .col(text("title"))
        .col(text("description"))
        .col(integer_null("free_until_days"))
        .col(integer_null("free_until_hour"))
        .col(integer_null("fee_nights"))
        .to_owned()
}

fn questions() -> TableCreateStatement {
    owned("questions")
        .col(text("topic"))
        .col(text("question"))
        .col(text("answer"))
        .col(text("short_answer"))
        .col(text("keywords"))
        .col(integer("position"))
        .to_owned()
}

/// Counts a hotel's revision up whenever something changes that is kept in memory.
async fn count_revisions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let is_sqlite = manager.get_database_backend() == DbBackend::Sqlite;
    if !is_sqlite {
        db.execute_unprepared(
            "CREATE FUNCTION hotel_was_changed() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN UPDATE hotels SET revision = revision + 1; RETURN NULL; END $$",
        )
        .await?;
    }
    for table in KEPT_IN_MEMORY {
        if is_sqlite {
            for (event, row) in [("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")] {
                db.execute_unprepared(&format!(
                    "CREATE TRIGGER {table}_{event}_is_noticed AFTER {event} ON {table} BEGIN
                     UPDATE hotels SET revision = revision + 1 WHERE id = {row}.hotel_id; END"
                ))
                .await?;
            }
        } else {
            db.execute_unprepared(&format!(
                "CREATE TRIGGER {table}_is_noticed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
                 ON {table} FOR EACH STATEMENT EXECUTE FUNCTION hotel_was_changed()"
            ))
            .await?;
        }
    }
    Ok(())
}

/// A table whose rows have an id and belong to a hotel.
fn owned(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(big_pk_auto("id"))
        .col(of_hotel())
        .foreign_key(&mut to(name, "hotel_id", "hotels"))
        .to_owned()
}

/// The table with the first and last day of a part of every year.
fn yearly(mut table: TableCreateStatement) -> TableCreateStatement {
    for column in ["from_month", "from_day", "to_month", "to_day"] {
        table.col(integer(column));
    }
    table
}
