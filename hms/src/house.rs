//! The hotel's facts at one moment, and the words that mean its rooms.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::{Scoped, hotel, room, room_night, room_type};
use crate::stay::add_days;
use crate::stock::{Shelf, Stock};
use crate::words::folded_line;
use crate::{Currency, Fault, Refusal, Stay};

/// The hotel's facts at one moment.
pub(crate) struct House {
    pub(crate) hotel: hotel::Model,
    pub(crate) now: DateTime<Utc>,
    pub(crate) zone: Tz,
    pub(crate) currency: Currency,
    pub(crate) stock: Arc<Stock>,
}

/// Rooms that are sold as the same thing: one type with one view.
#[derive(Clone)]
pub(crate) struct Category<'house> {
    pub(crate) kind: &'house room_type::Model,
    pub(crate) view: &'house str,
    /// In the order of their numbers; never empty.
    pub(crate) rooms: Vec<&'house room::Model>,
}

/// Which nights of which rooms are taken, between two dates.
pub(crate) struct Occupancy(HashSet<(i64, NaiveDate)>);

impl House {
    pub(crate) async fn load(
        db: &impl ConnectionTrait,
        shelf: &Shelf,
        id: i64,
        now: DateTime<Utc>,
    ) -> Result<Self, Fault> {
        let hotel = hotel_row(db, id).await?;
        let currency = Currency::parse(&hotel.currency)
            .ok_or_else(|| Fault::Unreadable { what: "currency", value: hotel.currency.clone() })?;
        Ok(Self {
            zone: zone_of(&hotel)?,
            currency,
            now,
            stock: shelf.stock(db, &hotel, currency).await?,
            hotel,
        })
    }

    /// The civil date at the hotel.
    pub(crate) fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }

    /// The last day that may be a departure.
    pub(crate) fn horizon(&self) -> NaiveDate {
        add_days(self.today(), i64::from(self.hotel.horizon_days)).unwrap_or(NaiveDate::MAX)
    }

    /// Every type and view that there are rooms of, types in order, views by name.
    pub(crate) fn categories(&self) -> Vec<Category<'_>> {
        let mut categories = Vec::new();
        for kind in &self.stock.types {
            let mut views: Vec<&str> = self
                .stock
                .rooms
                .iter()
                .filter(|room| room.room_type_id == kind.id)
                .map(|room| room.view.as_str())
                .collect();
            views.sort_unstable();
            views.dedup();
            categories.extend(views.into_iter().map(|view| {
                let alike = |room: &&room::Model| room.room_type_id == kind.id && room.view == view;
                Category { kind, view, rooms: self.stock.rooms.iter().filter(alike).collect() }
            }));
        }
        categories
    }

    /// Every view there is, by name.
    pub(crate) fn views(&self) -> Vec<&str> {
        let mut views: Vec<&str> = self.stock.rooms.iter().map(|room| room.view.as_str()).collect();
        views.sort_unstable();
        views.dedup();
        views
    }

    /// The room type that `asked` means: its code or name, with or without the word room.
    pub(crate) fn type_called(&self, asked: &str) -> Result<&room_type::Model, Refusal> {
        let wanted = without(&folded_line(asked), &["rooms", "room"]);
        let means = |kind: &&room_type::Model| {
            [&kind.code, &kind.name].iter().any(|name| {
                let name = without(&folded_line(name), &["rooms", "room"]);
                name == wanted || format!("{name}s") == wanted
            })
        };
        self.stock.types.iter().find(means).ok_or_else(|| Refusal::UnknownRoomType {
            asked: asked.to_owned(),
            known: self.stock.types.iter().map(|kind| kind.code.clone()).collect(),
        })
    }

    /// The view that `asked` means, with or without the word view.
    pub(crate) fn view_called(&self, asked: &str) -> Result<&str, Refusal> {
        let wanted = without(&folded_line(asked), &["views", "view"]);
        self.views().into_iter().find(|view| folded_line(view) == wanted).ok_or_else(|| {
            Refusal::UnknownView {
                asked: asked.to_owned(),
                known: self.views().into_iter().map(str::to_owned).collect(),
            }
        })
    }

    /// The room with this number on its door.
    pub(crate) fn room_numbered(&self, asked: &str) -> Result<&room::Model, Refusal> {
        let wanted = without(&folded_line(asked), &["room"]);
        self.stock.rooms.iter().find(|room| folded_line(&room.number) == wanted).ok_or_else(|| {
            Refusal::UnknownRoom {
                asked: asked.to_owned(),
                first: self.stock.rooms.first().map(|room| room.number.clone()).unwrap_or_default(),
                last: self.stock.rooms.last().map(|room| room.number.clone()).unwrap_or_default(),
            }
        })
    }

    /// The type and view a room is sold as.
    pub(crate) fn category_of(&self, room: &room::Model) -> Result<Category<'_>, Fault> {
        self.categories()
            .into_iter()
            .find(|category| category.kind.id == room.room_type_id && category.view == room.view)
            .ok_or_else(|| Fault::Unreadable { what: "room type of room", value: room.number.clone() })
    }

    /// The room of a booking.
    pub(crate) fn room_with_id(&self, id: i64) -> Result<&room::Model, Fault> {
        self.stock
            .rooms
            .iter()
            .find(|room| room.id == id)
            .ok_or_else(|| Fault::Unreadable { what: "room of a booking", value: id.to_string() })
    }

    /// Whether the hotel sells these dates at all.
    pub(crate) fn check_dates(&self, stay: Stay) -> Result<(), Refusal> {
        if stay.arrival() < self.today() {
            return Err(Refusal::PastDate { arrival: stay.arrival(), today: self.today() });
        }
        if stay.departure() > self.horizon() {
            return Err(Refusal::TooFarAhead { departure: stay.departure(), last: self.horizon() });
        }
        Ok(())
    }
}

impl Category<'_> {
    /// The same for every date: `double-sea`.
    pub(crate) fn offer_id(&self) -> String {
        format!("{}-{}", self.kind.code, self.view)
    }

    /// What it is called: `Double, sea view`.
    pub(crate) fn name(&self) -> String {
        format!("{}, {} view", self.kind.name, self.view)
    }

    /// How many people may sleep in one of its rooms.
    pub(crate) fn max_guests(&self) -> u32 {
        u32::try_from(self.kind.max_guests).unwrap_or(0)
    }
}

impl Occupancy {
    /// The taken nights from `from` up to, not including, `until`.
    pub(crate) async fn between(
        db: &impl ConnectionTrait,
        hotel: i64,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Self, Fault> {
        let taken: Vec<(i64, NaiveDate)> = room_night::Entity::of(hotel)
            .select_only()
            .columns([room_night::Column::RoomId, room_night::Column::Night])
            .filter(room_night::Column::Night.gte(from))
            .filter(room_night::Column::Night.lt(until))
            .into_tuple()
            .all(db)
            .await
            .map_err(Fault::doing("reading taken nights"))?;
        Ok(Self(taken.into_iter().collect()))
    }

    /// Whether nobody has any night of the stay in this room.
    pub(crate) fn is_free(&self, room: &room::Model, stay: Stay) -> bool {
        stay.each_night().all(|night| !self.0.contains(&(room.id, night)))
    }
}

pub(crate) async fn hotel_row(db: &impl ConnectionTrait, id: i64) -> Result<hotel::Model, Fault> {
    hotel::Entity::find_by_id(id)
        .one(db)
        .await
        .map_err(Fault::doing("reading the hotel"))?
        .ok_or(Fault::NoHotel)
}

pub(crate) fn zone_of(hotel: &hotel::Model) -> Result<Tz, Fault> {
    Tz::from_str(&hotel.time_zone)
        .map_err(|_| Fault::Unreadable { what: "time zone", value: hotel.time_zone.clone() })
}

/// The text without these words at its start or end.
fn without(text: &str, words: &[&str]) -> String {
    let mut kept: Vec<&str> = text.split(' ').collect();
    kept.retain(|word| !words.contains(word));
    kept.join(" ")
}
