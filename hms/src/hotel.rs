//! A hotel that is open: its rows, its clock and its ids.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::database::Database;
use crate::entity::hotel;
use crate::house::{self, House};
use crate::refusal::Halt;
use crate::stock::Shelf;
use crate::{Clock, Fault, Ids, RandomIds, SystemClock, seed};

/// How often a change is tried when other writers come first.
pub(crate) const ATTEMPTS: u32 = 8;

/// How to open a hotel.
pub struct Opening {
    /// `sqlite://file`, `sqlite::memory:` or `postgres://…`.
    pub database_url: String,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where new ids come from.
    pub ids: Arc<dyn Ids>,
    /// What to do about an empty database.
    pub seeding: Seeding,
}

/// What to do about a database that holds no hotel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeding {
    /// Write the demonstration hotel into it.
    IfEmpty,
    /// Refuse to open.
    Never,
}

/// One hotel: every question and every change goes through here.
#[derive(Clone)]
pub struct Hotel {
    id: i64,
    database: Database,
    clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    shelf: Shelf,
}

/// What dates and numbers without more are read by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// The business date.
    pub today: NaiveDate,
    /// ISO 3166 country of two letters: numbers without `+` are from here.
    pub country: String,
}

impl Opening {
    /// The machine's clock, random ids, and the demonstration hotel where there is none.
    pub fn of(database_url: impl Into<String>) -> Self {
        Self {
            database_url: database_url.into(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            seeding: Seeding::IfEmpty,
        }
    }

    /// The same with another clock.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same with other ids.
    pub fn with_ids(self, ids: Arc<dyn Ids>) -> Self {
        Self { ids, ..self }
    }

    /// The same with another wish about empty databases.
    pub fn with_seeding(self, seeding: Seeding) -> Self {
        Self { seeding, ..self }
    }
}

impl Hotel {
    /// Connects, brings the tables up to date, and finds the hotel or seeds it.
    ///
    /// # Errors
    /// The database cannot be opened or updated, or it is empty and may not be seeded.
    pub async fn open(opening: Opening) -> Result<Self, Fault> {
        let database = Database::open(&opening.database_url).await?;
        let id = match (first_hotel(&database).await?, opening.seeding) {
            (Some(id), _) => id,
            (None, Seeding::Never) => return Err(Fault::NoHotel),
            (None, Seeding::IfEmpty) => {
                seed::write(&database, opening.ids.as_ref()).await?;
                first_hotel(&database).await?.ok_or(Fault::NoHotel)?
            }
        };
        Ok(Self { id, database, clock: opening.clock, ids: opening.ids, shelf: Shelf::default() })
    }

    /// The same hotel on another clock.
    #[must_use]
    pub fn at(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Now, to the second: every database keeps that much.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(0)
    }

    /// The hotel's business date: today in its time zone.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn business_date(&self) -> Result<NaiveDate, Fault> {
        Ok(self.whereabouts().await?.today)
    }

    /// Today at the hotel, and its country.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn whereabouts(&self) -> Result<Whereabouts, Fault> {
        let row = house::hotel_row(self.database.reader(), self.id).await?;
        let today = self.now().with_timezone(&house::zone_of(&row)?).date_naive();
        Ok(Whereabouts { today, country: row.country })
    }

    /// Closes the database connections; for a clean end of the program.
    ///
    /// # Errors
    /// The database does not let go.
    pub async fn close(&self) -> Result<(), Fault> {
        self.database.close().await.map_err(Fault::doing("closing"))
    }

    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Ends a transaction: keeps it if its work was done, drops it otherwise. `None` means that
    /// another writer was faster and the work should be begun again.
    pub(crate) async fn settle<T>(
        &self,
        tx: DatabaseTransaction,
        doing: &'static str,
        work: Result<T, Halt>,
    ) -> Option<Result<T, Halt>> {
        let settled = match work {
            Ok(done) => tx.commit().await.map_err(Fault::doing(doing)).map(|()| done).map_err(Halt::Fault),
            Err(halt) => match (tx.rollback().await, halt) {
                (Err(source), Halt::Refused(_)) => Err(Halt::Fault(Fault::Database { doing, source })),
                (_, halt) => Err(halt),
            },
        };
        match settled {
            Err(Halt::Fault(fault)) if fault.is_conflict() => None,
            settled => Some(settled),
        }
    }

    /// What the hotel has and asks for, as it is now.
    pub(crate) async fn house(&self) -> Result<House, Fault> {
        House::load(self.database.reader(), &self.shelf, self.id, self.now()).await
    }
}

async fn first_hotel(database: &Database) -> Result<Option<i64>, Fault> {
    hotel::Entity::find()
        .select_only()
        .column(hotel::Column::Id)
        .filter(hotel::Column::Id.gt(0))
        .order_by_asc(hotel::Column::Id)
        .into_tuple()
        .one(database.reader())
        .await
        .map_err(Fault::doing("looking for the hotel"))
}
