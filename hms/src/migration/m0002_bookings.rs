//! What was sold, to whom, and the record of it.

use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::*};

use super::{index, of_hotel, to, unique};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut table in [customers(), bookings(), room_nights(), quotes(), audit_log(), idempotency_keys()] {
            manager.create_table(table.take()).await?;
        }
        unique(manager, "customers_phone_name", "customers", &["hotel_id", "phone", "name_key"]).await?;
        unique(manager, "bookings_reference", "bookings", &["hotel_id", "reference"]).await?;
        manager.create_index(index("bookings_phone", "bookings", &["hotel_id", "phone"])).await?;
        manager
            .create_index(index("room_nights_by_night", "room_nights", &["hotel_id", "night", "room_id"]))
            .await?;
        manager.create_index(index("room_nights_by_booking", "room_nights", &["booking_id"])).await?;
        keep_the_log_append_only(manager).await
    }
}

fn customers() -> TableCreateStatement {
    Table::create()
        .table("customers")
        .col(big_pk_auto("id"))
        .col(of_hotel())
        .col(text("phone"))
        .col(text("name"))
        .col(text("name_key"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(&mut to("customers", "hotel_id", "hotels"))
        .to_owned()
}

fn bookings() -> TableCreateStatement {
    stay_of(Table::create().table("bookings").col(text("id").primary_key()).col(of_hotel()))
        .col(text("reference"))
        .col(big_integer("customer_id"))
        .col(text("customer_name"))
        .col(text("phone"))
        .col(string_len("status", 16))
        .col(timestamp_with_time_zone("free_until"))
        .col(big_integer("late_fee_minor"))
        .col(big_integer_null("charged_fee_minor"))
        .col(text_null("quote_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("cancelled_at"))
        .foreign_key(&mut to("bookings", "hotel_id", "hotels"))
        .foreign_key(&mut to("bookings", "customer_id", "customers"))
        .foreign_key(&mut to("bookings", "room_id", "rooms"))
        .to_owned()
}

fn room_nights() -> TableCreateStatement {
    Table::create()
        .table("room_nights")
        .col(big_integer("room_id"))
        .col(date("night"))
        .col(of_hotel())
        .col(text("booking_id"))
        .primary_key(Index::create().col("room_id").col("night"))
        .foreign_key(&mut to("room_nights", "room_id", "rooms"))
        .foreign_key(&mut to("room_nights", "booking_id", "bookings"))
        .to_owned()
}

fn quotes() -> TableCreateStatement {
    stay_of(Table::create().table("quotes").col(text("id").primary_key()).col(of_hotel()))
        .col(text("booking_id"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone("accepted_at"))
        .foreign_key(&mut to("quotes", "booking_id", "bookings"))
        .to_owned()
}

fn audit_log() -> TableCreateStatement {
    Table::create()
        .table("audit_log")
        .col(big_pk_auto("id"))
        .col(of_hotel())
        .col(timestamp_with_time_zone("at"))
        .col(text("action"))
        .col(text("subject"))
        .col(text("detail"))
        .to_owned()
}

fn idempotency_keys() -> TableCreateStatement {
    Table::create()
        .table("idempotency_keys")
        .col(of_hotel())
        .col(text("key"))
        .col(text("tool"))
        .col(text("arguments_hash"))
        .col(text("response"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("hotel_id").col("key"))
        .to_owned()
}

/// The table with a room, a stay, a party and a price.
fn stay_of(table: &mut TableCreateStatement) -> TableCreateStatement {
    table
        .col(big_integer("room_id"))
        .col(date("arrival"))
        .col(date("departure"))
        .col(integer("adults"))
        .col(integer("children"))
        .col(big_integer("total_minor"))
        .col(text("currency"))
        .check(Expr::col("arrival").lt(Expr::col("departure")))
        .to_owned()
}

async fn keep_the_log_append_only(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Sqlite => &[
            "CREATE TRIGGER audit_log_is_not_altered BEFORE UPDATE ON audit_log
             BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END",
            "CREATE TRIGGER audit_log_is_not_deleted BEFORE DELETE ON audit_log
             BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END",
        ],
        _ => &[
            "CREATE FUNCTION audit_log_refuses() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$",
            "CREATE TRIGGER audit_log_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
             FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuses()",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
