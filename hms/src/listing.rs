//! Everything at once, for the hotel's own people.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::QueryOrder;
use serde::Serialize;

use crate::booking::{BookingStatus, party_of, stay_of};
use crate::entity::{Scoped, booking};
use crate::{Currency, Fault, Hotel, Money, Party};

/// The hotel with all its rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HotelListing {
    /// What guests call the hotel.
    pub name: String,
    /// Where it stands.
    pub address: String,
    /// IANA time zone.
    pub time_zone: String,
    /// ISO 4217 currency.
    pub currency: Currency,
    /// Today at the hotel.
    pub business_date: NaiveDate,
    /// Every room, by number.
    pub rooms: Vec<RoomRow>,
}

/// One room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomRow {
    /// What to call it in tools.
    pub room_id: String,
    /// The number on its door.
    pub number: String,
    /// The floor it is on.
    pub floor: i32,
    /// The code of its type.
    pub room_type: String,
    /// What it is called: `Double, sea view`.
    pub name: String,
    /// What its windows look at.
    pub view: String,
    /// The beds in it.
    pub beds: String,
    /// Its size in square metres.
    pub size_m2: i32,
    /// Whether it is step-free.
    pub accessible: bool,
    /// How many people may sleep in it.
    pub max_guests: u32,
}

/// One booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BookingRow {
    /// Its id.
    pub booking_id: String,
    /// What the guest was told.
    pub reference: String,
    /// Where it stands.
    pub status: BookingStatus,
    /// The name on it.
    pub customer_name: String,
    /// The number it was made under, E.164.
    pub phone_number: String,
    /// The room.
    pub room_id: String,
    /// What the room is called.
    pub room_name: String,
    /// The code of the room's type.
    pub room_type: String,
    /// What its windows look at.
    pub view: String,
    /// The first night.
    pub start_date: NaiveDate,
    /// The day of leaving.
    pub end_date: NaiveDate,
    /// How many nights.
    pub nights: u32,
    /// Who comes.
    pub guests: Party,
    /// What the stay costs.
    pub total: Money,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Hotel {
    /// The hotel and every room of it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn listing(&self) -> Result<HotelListing, Fault> {
        let house = self.house().await?;
        let mut rooms = Vec::with_capacity(house.stock.rooms.len());
        for room in &house.stock.rooms {
            let category = house.category_of(room)?;
            rooms.push(RoomRow {
                room_id: room.number.clone(),
                number: room.number.clone(),
                floor: room.floor,
                room_type: category.kind.code.clone(),
                name: category.name(),
                view: room.view.clone(),
                beds: room.beds.clone(),
                size_m2: room.size_m2,
                accessible: room.accessible,
                max_guests: category.max_guests(),
            });
        }
        Ok(HotelListing {
            name: house.hotel.name.clone(),
            address: house.hotel.address.clone(),
            time_zone: house.hotel.time_zone.clone(),
            currency: house.currency,
            business_date: house.today(),
            rooms,
        })
    }

    /// Every booking there ever was, in the order of arrival.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn bookings(&self) -> Result<Vec<BookingRow>, Fault> {
        let house = self.house().await?;
        let rows = booking::Entity::of(self.id())
            .order_by_asc(booking::Column::Arrival)
            .order_by_asc(booking::Column::CreatedAt)
            .order_by_asc(booking::Column::Id)
            .all(self.database().reader())
            .await
            .map_err(Fault::doing("listing bookings"))?;
        rows.into_iter()
            .map(|row| {
                let stay = stay_of(&row)?;
                let guests = party_of(&row)?;
                let room = house.room_with_id(row.room_id)?;
                let category = house.category_of(room)?;
                Ok(BookingRow {
                    status: row.status,
                    room_id: room.number.clone(),
                    room_name: category.name(),
                    room_type: category.kind.code.clone(),
                    view: room.view.clone(),
                    start_date: stay.arrival(),
                    end_date: stay.departure(),
                    nights: stay.nights(),
                    guests,
                    total: Currency::parse(&row.currency).unwrap_or(house.currency).amount(row.total_minor),
                    created_at: row.created_at,
                    booking_id: row.id,
                    reference: row.reference,
                    customer_name: row.customer_name,
                    phone_number: row.phone,
                })
            })
            .collect()
    }
}
