//! Finding a guest's bookings: by number, or by reference and surname.

use chrono::NaiveDate;
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use crate::booking::{BookingStatus, party_of, stay_of};
use crate::cancellation::fee_at;
use crate::entity::{Scoped, booking};
use crate::house::House;
use crate::words::{contains_words, folded};
use crate::{Currency, Fault, Hotel, Money, Party, Phone};

/// What opens somebody's bookings: the number they were made under, or a reference with the surname
/// on it. Whatever else is given must fit too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    phone: Option<Phone>,
    reference: Option<String>,
    surname: Option<String>,
    include_past: bool,
}

/// Bookings, the next arrival first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FoundBookings {
    /// What was found; empty also when the reference and the surname do not belong together.
    pub bookings: Vec<FoundBooking>,
}

/// One booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FoundBooking {
    /// What to give `cancel_booking`.
    pub booking_id: String,
    /// What the guest was told.
    pub reference: String,
    /// The name on the booking.
    pub customer_name: String,
    /// What the room is called: `Double, sea view`.
    pub room_name: String,
    /// The number on its door.
    pub room_number: String,
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
    /// Who comes.
    pub guests: Party,
    /// What the whole stay costs, all taxes in.
    pub total: Money,
    /// Where the booking stands.
    pub status: BookingStatus,
    /// What cancelling would cost now; what it did cost, if it was cancelled.
    pub cancellation_fee: Money,
}

impl Search {
    /// A search, if what is given is enough to open bookings.
    pub fn new(phone: Option<Phone>, reference: Option<String>, surname: Option<String>) -> Option<Self> {
        let enough = phone.is_some() || (reference.is_some() && surname.is_some());
        enough.then_some(Self { phone, reference, surname, include_past: false })
    }

    /// The same, also for stays that are over and bookings that were cancelled.
    pub fn with_past(self, include_past: bool) -> Self {
        Self { include_past, ..self }
    }
}

impl Hotel {
    /// The bookings that a search opens: those still to come, unless it asks for all.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn find(&self, search: &Search) -> Result<FoundBookings, Fault> {
        let house = self.house().await?;
        let mut query = booking::Entity::of(self.id());
        if let Some(phone) = &search.phone {
            query = query.filter(booking::Column::Phone.eq(phone.as_str()));
        }
        if let Some(reference) = &search.reference {
            query = query.filter(booking::Column::Reference.eq(spelled(reference)));
        }
        if !search.include_past {
            query = query
                .filter(booking::Column::Status.eq(BookingStatus::Confirmed))
                .filter(booking::Column::Departure.gte(house.today()));
        }
        let rows = query
            .order_by_asc(booking::Column::Arrival)
            .order_by_asc(booking::Column::Id)
            .all(self.database().reader())
            .await
            .map_err(Fault::doing("finding bookings"))?;
        let bears = |row: &&booking::Model| {
            search.surname.as_deref().is_none_or(|surname| bears_surname(&row.customer_name, surname))
        };
        let bookings = rows.iter().filter(bears).map(|row| found(row, &house)).collect::<Result<_, _>>()?;
        Ok(FoundBookings { bookings })
    }
}

fn found(row: &booking::Model, house: &House) -> Result<FoundBooking, Fault> {
    let stay = stay_of(row)?;
    let room = house.room_with_id(row.room_id)?;
    let category = house.category_of(room)?;
    let currency = Currency::parse(&row.currency).unwrap_or(house.currency);
    Ok(FoundBooking {
        booking_id: row.id.clone(),
        reference: row.reference.clone(),
        customer_name: row.customer_name.clone(),
        room_name: category.name(),
        room_number: room.number.clone(),
        room_type: category.kind.code.clone(),
        view: room.view.clone(),
        start_date: stay.arrival(),
        end_date: stay.departure(),
        guests: party_of(row)?,
        total: currency.amount(row.total_minor),
        status: row.status,
        cancellation_fee: currency.amount(fee_at(row, house.now)),
    })
}

/// A reference as it is stored, however it was said or typed.
fn spelled(reference: &str) -> String {
    reference.chars().filter(char::is_ascii_alphanumeric).map(|sign| sign.to_ascii_uppercase()).collect()
}

/// Whether a surname, of one word or several, is in a name; the given name alone is none.
fn bears_surname(name: &str, surname: &str) -> bool {
    let name = folded(name);
    let after_the_first = if name.len() > 1 { &name[1..] } else { &name[..] };
    contains_words(after_the_first, &folded(surname))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surname_is_known_in_any_spelling_and_a_given_name_is_none() {
        assert!(bears_surname("Ana García López", "garcia"));
        assert!(bears_surname("Ana García López", "García-López"));
        assert!(bears_surname("Jürgen Weiß", "WEISS"));
        assert!(bears_surname("Madonna", "madonna"));
        assert!(!bears_surname("Ana García López", "Ana"));
        assert!(!bears_surname("Ana García López", ""));
        assert!(!bears_surname("Ana García López", "Gar"));
    }

    #[test]
    fn a_reference_is_known_however_it_is_said() {
        assert_eq!(spelled("b-r 7 q x 2"), "BR7QX2");
    }
}
