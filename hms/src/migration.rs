//! The tables, as they came to be.

mod m0001_hotel;
mod m0002_bookings;

use sea_orm_migration::prelude::*;

/// Brings the hotel's tables up to date, remembering in a table of its own what was done: other
/// tables may live in the same database.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_hotel::Migration), Box::new(m0002_bookings::Migration)]
    }

    fn migration_table_name() -> DynIden {
        "hms_migrations".into_iden()
    }
}

/// A column that names the hotel a row belongs to.
fn of_hotel() -> ColumnDef {
    ColumnDef::new("hotel_id").big_integer().not_null().to_owned()
}

/// A key from a column of `table` to the `id` of another table.
fn to(table: &'static str, column: &'static str, other: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, column).to(other, "id").to_owned()
}

/// A unique index over columns of `table`.
async fn unique(
    manager: &SchemaManager<'_>,
    name: &str,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    manager.create_index(index(name, table, columns).unique().to_owned()).await
}

/// An index over columns of `table`.
fn index(name: &str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}
