//! Selling a room for a stay.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};
use serde::{Deserialize, Serialize};

use crate::customer::{self, PersonName};
use crate::entity::{Scoped, booking, quote, room, room_night};
use crate::hotel::ATTEMPTS;
use crate::house::House;
use crate::idempotency::{self, Call};
use crate::quote::Promise;
use crate::refusal::Halt;
use crate::{
    CancellationTerms, Fault, Hotel, IdempotencyKey, Money, Outcome, Party, Phone, Refusal, Stay, Wish, ids,
    ledger,
};

pub use crate::entity::booking::BookingStatus;

const DOING: &str = "booking a room";

/// What somebody wants to book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBooking {
    /// Who books.
    pub customer: PersonName,
    /// Under which number.
    pub phone: Phone,
    /// The number of the room.
    pub room: String,
    /// When.
    pub stay: Stay,
    /// Who comes; none means as quoted, or the usual party of the room.
    pub party: Option<Party>,
    /// The quote whose price is to be kept.
    pub quote_id: Option<String>,
}

/// A room that was sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Booking {
    /// What to give `cancel_booking`.
    pub booking_id: String,
    /// What to tell the guest: six letters and digits without 0, 1, I and O.
    pub reference: String,
    /// Where the booking stands.
    pub status: BookingStatus,
    /// The name on the booking.
    pub customer_name: String,
    /// The number it was made under, E.164.
    pub phone_number: String,
    /// The room.
    pub room_id: String,
    /// The number on its door.
    pub room_number: String,
    /// What it is called: `Double, sea view`.
    pub room_name: String,
    /// The code of its type.
    pub room_type: String,
    /// What its windows look at.
    pub view: String,
    /// The first night.
    #[schemars(with = "String", extend("format" = "date"))]
    pub start_date: NaiveDate,
    /// The day of leaving.
    #[schemars(with = "String", extend("format" = "date"))]
    pub end_date: NaiveDate,
    /// How many nights.
    pub nights: u32,
    /// Who comes.
    pub guests: Party,
    /// What the whole stay costs, all taxes in.
    pub total: Money,
    /// What giving it up would cost.
    pub cancellation: CancellationTerms,
}

impl Hotel {
    /// Books a room: the nights, the customer, the record and the answer in one transaction. The
    /// same key with the same wish answers the same and books nothing more.
    ///
    /// # Errors
    /// The database does not answer, or others write to the same rows without end.
    pub async fn book(
        &self,
        wanted: &NewBooking,
        key: Option<&IdempotencyKey>,
    ) -> Result<Outcome<Booking>, Fault> {
        let house = self.house().await?;
        let call = Call::new("create_booking", key, &wanted.canonical());
        for _ in 0..ATTEMPTS {
            let tx = self.database().begin().await?;
            let booked = self.book_in(&tx, &house, wanted, &call).await;
            if let Some(settled) = self.settle(tx, DOING, booked).await {
                return Outcome::from(self.with_a_way_on(&house, settled).await);
            }
        }
        Err(Fault::Contended { doing: DOING, attempts: ATTEMPTS })
    }

    async fn book_in(
        &self,
        tx: &DatabaseTransaction,
        house: &House,
        wanted: &NewBooking,
        call: &Call<'_>,
    ) -> Result<Booking, Halt> {
        if let Some(earlier) = idempotency::earlier(tx, self.id(), call).await? {
            return Ok(earlier);
        }
        match self.sell(tx, house, wanted, call).await {
            // On PostgreSQL each statement sees what was committed before it: the same call may have
            // been carried out by a repetition of it since the key was looked up.
            Err(Halt::Refused(refusal)) => match idempotency::earlier(tx, self.id(), call).await? {
                Some(earlier) => Ok(earlier),
                None => Err(Halt::Refused(refusal)),
            },
            sold => sold,
        }
    }

    async fn sell(
        &self,
        tx: &DatabaseTransaction,
        house: &House,
        wanted: &NewBooking,
        call: &Call<'_>,
    ) -> Result<Booking, Halt> {
        let room = house.room_numbered(&wanted.room)?;
        let promise =
            wanted.quote_id.as_deref().map(|id| house.kept_promise(id, room, wanted)).transpose()?;
        let (party, price) = house.price_for(
            room,
            wanted.stay,
            wanted.party.or(promise.as_ref().map(|promise| promise.party)),
        )?;
        if self.is_taken(tx, room, wanted.stay).await? {
            return Err(taken(house, room, wanted.stay)?.into());
        }
        if let Some(quote_id) = &wanted.quote_id
            && self.is_used(tx, quote_id).await?
        {
            return Err(Refusal::QuoteUsed { asked: quote_id.clone() }.into());
        }
        let category = house.category_of(room)?;
        let total = promise.as_ref().map_or(price.total.minor, |promise| promise.total_minor);
        let booking = Booking {
            booking_id: ids::booking_id(self.ids.as_ref()),
            reference: ids::reference(self.ids.as_ref()),
            status: BookingStatus::Confirmed,
            customer_name: wanted.customer.to_string(),
            phone_number: wanted.phone.to_string(),
            room_id: room.number.clone(),
            room_number: room.number.clone(),
            room_name: category.name(),
            room_type: category.kind.code.clone(),
            view: room.view.clone(),
            start_date: wanted.stay.arrival(),
            end_date: wanted.stay.departure(),
            nights: wanted.stay.nights(),
            guests: party,
            total: house.currency.amount(total),
            cancellation: house.stock.cancellation.terms(
                wanted.stay.arrival(),
                house.zone,
                &price,
                house.currency,
            ),
        };
        self.insert(tx, house.now, room, wanted, &booking, promise.as_ref()).await?;
        idempotency::remember(tx, self.id(), call, &booking, house.now).await?;
        Ok(booking)
    }

    async fn insert(
        &self,
        tx: &DatabaseTransaction,
        now: DateTime<Utc>,
        room: &room::Model,
        wanted: &NewBooking,
        made: &Booking,
        promise: Option<&Promise>,
    ) -> Result<(), Fault> {
        let (adults, children) = people(made.guests);
        let customer = customer::known_or_new(tx, self.id(), &wanted.customer, &wanted.phone, now).await?;
        let row = booking::ActiveModel {
            id: Set(made.booking_id.clone()),
            hotel_id: Set(self.id()),
            reference: Set(made.reference.clone()),
            customer_id: Set(customer),
            customer_name: Set(made.customer_name.clone()),
            phone: Set(made.phone_number.clone()),
            room_id: Set(room.id),
            arrival: Set(made.start_date),
            departure: Set(made.end_date),
            adults: Set(adults),
            children: Set(children),
            status: Set(made.status),
            total_minor: Set(made.total.minor),
            currency: Set(made.total.currency.to_string()),
            free_until: Set(made.cancellation.free_until),
            late_fee_minor: Set(made.cancellation.fee_after.minor),
            charged_fee_minor: Set(None),
            quote_id: Set(wanted.quote_id.clone()),
            created_at: Set(now),
            cancelled_at: Set(None),
        };
        booking::Entity::insert(row).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
        let nights = wanted.stay.each_night().map(|night| room_night::ActiveModel {
            room_id: Set(room.id),
            night: Set(night),
            hotel_id: Set(self.id()),
            booking_id: Set(made.booking_id.clone()),
        });
        room_night::Entity::insert_many(nights)
            .exec_without_returning(tx)
            .await
            .map_err(Fault::doing(DOING))?;
        if let (Some(promise), Some(quote_id)) = (promise, &wanted.quote_id) {
            let accepted = quote::ActiveModel {
                id: Set(quote_id.clone()),
                hotel_id: Set(self.id()),
                booking_id: Set(made.booking_id.clone()),
                room_id: Set(room.id),
                arrival: Set(made.start_date),
                departure: Set(made.end_date),
                adults: Set(adults),
                children: Set(children),
                total_minor: Set(promise.total_minor),
                currency: Set(made.total.currency.to_string()),
                expires_at: Set(promise.expires_at),
                accepted_at: Set(now),
            };
            quote::Entity::insert(accepted).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
        }
        let detail = serde_json::json!({
            "status": [null, "confirmed"], "room": room.number, "arrival": made.start_date,
            "departure": made.end_date, "total_minor": made.total.minor,
        });
        ledger::add(tx, self.id(), now, "booking_created", &made.booking_id, detail).await
    }

    async fn is_taken(
        &self,
        tx: &DatabaseTransaction,
        room: &room::Model,
        stay: Stay,
    ) -> Result<bool, Fault> {
        let night = room_night::Entity::of(self.id())
            .filter(room_night::Column::RoomId.eq(room.id))
            .filter(room_night::Column::Night.gte(stay.arrival()))
            .filter(room_night::Column::Night.lt(stay.departure()))
            .one(tx)
            .await
            .map_err(Fault::doing(DOING))?;
        Ok(night.is_some())
    }

    async fn is_used(&self, tx: &DatabaseTransaction, quote_id: &str) -> Result<bool, Fault> {
        let used = quote::Entity::of(self.id())
            .filter(quote::Column::Id.eq(quote_id))
            .one(tx)
            .await
            .map_err(Fault::doing(DOING))?;
        Ok(used.is_some())
    }

    /// A refusal because the room is taken, completed with what is free, now that no transaction is
    /// open.
    async fn with_a_way_on<T>(&self, house: &House, settled: Result<T, Halt>) -> Result<T, Halt> {
        let Err(Halt::Refused(refusal)) = settled else {
            return settled;
        };
        match *refusal {
            Refusal::RoomUnavailable { room, stay, .. } => {
                let room = house.room_numbered(&room)?;
                let party = Party::usual_for(house.category_of(room)?.max_guests());
                Err(self.way_on(house, room, stay, party).await?.into())
            }
            other => Err(other.into()),
        }
    }

    /// The refusal of a room that is taken, with what is free instead.
    pub(crate) async fn way_on(
        &self,
        house: &House,
        room: &room::Model,
        stay: Stay,
        party: Party,
    ) -> Result<Refusal, Halt> {
        let wish = Wish { stay, room_type: None, view: None, party: Some(party) };
        let near = self.availability_in(house, &wish).await?;
        let category = house.category_of(room)?;
        let mut rooms = near.rooms;
        // What is most like the lost room comes first.
        rooms.sort_by_key(|offer| (offer.room_type != category.kind.code, offer.view != room.view));
        Ok(Refusal::RoomUnavailable {
            room: room.number.clone(),
            name: category.name(),
            stay,
            rooms,
            alternatives: near.alternatives,
        })
    }
}

impl House {
    /// The promise of a quote, if it is this hotel's, still holds and is about the same things.
    fn kept_promise(
        &self,
        quote_id: &str,
        room: &room::Model,
        wanted: &NewBooking,
    ) -> Result<Promise, Refusal> {
        let promise = Promise::opened(quote_id, &self.hotel.quote_secret)
            .ok_or_else(|| Refusal::UnknownQuote { asked: quote_id.to_owned() })?;
        let differs = |field, quoted: &dyn ToString, asked: &dyn ToString| {
            let (quoted, asked) = (quoted.to_string(), asked.to_string());
            (quoted != asked).then_some(Refusal::QuoteMismatch { field, quoted, asked })
        };
        let party = wanted.party.unwrap_or(promise.party);
        let differences = [
            differs("room_id", &promise.room, &room.number),
            differs("start_date", &promise.stay.arrival(), &wanted.stay.arrival()),
            differs("end_date", &promise.stay.departure(), &wanted.stay.departure()),
            differs("guests", &promise.party, &party),
        ];
        if let Some(difference) = differences.into_iter().flatten().next() {
            return Err(difference);
        }
        if promise.expires_at < self.now {
            return Err(Refusal::QuoteExpired { expired_at: promise.expires_at, now: self.now });
        }
        Ok(promise)
    }
}

impl NewBooking {
    fn canonical(&self) -> serde_json::Value {
        serde_json::json!({
            "customer_name": self.customer.to_string(), "phone_number": self.phone, "room_id": self.room,
            "stay": self.stay, "guests": self.party, "quote_id": self.quote_id,
        })
    }
}

/// The stay of a booking.
pub(crate) fn stay_of(booking: &booking::Model) -> Result<Stay, Fault> {
    Stay::new(booking.arrival, booking.departure)
        .map_err(|_| Fault::Unreadable { what: "stay of booking", value: booking.id.clone() })
}

/// The party of a booking.
pub(crate) fn party_of(booking: &booking::Model) -> Result<Party, Fault> {
    let number = |value: i32| u32::try_from(value).ok();
    number(booking.adults)
        .zip(number(booking.children))
        .and_then(|(adults, children)| Party::new(adults, children).ok())
        .ok_or_else(|| Fault::Unreadable { what: "party of booking", value: booking.id.clone() })
}

/// A party as two columns.
fn people(party: Party) -> (i32, i32) {
    let column = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    (column(party.adults()), column(party.children()))
}

fn taken(house: &House, room: &room::Model, stay: Stay) -> Result<Refusal, Fault> {
    Ok(Refusal::RoomUnavailable {
        room: room.number.clone(),
        name: house.category_of(room)?.name(),
        stay,
        rooms: Vec::new(),
        alternatives: Vec::new(),
    })
}
