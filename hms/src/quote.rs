//! The exact price of one room for one stay, and the promise to keep it for a while.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::Sha256;

use crate::entity::room;
use crate::house::{House, Occupancy};
use crate::refusal::Halt;
use crate::tariff::Price;
use crate::{CancellationTerms, Fault, Hotel, Money, Outcome, Party, Refusal, Stay};

pub use crate::tariff::TaxLine;

const SEAL_BYTES: usize = 12;

/// What a stay in a room costs, night by night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quote {
    /// What to give `create_booking` so that the price is kept.
    pub quote_id: String,
    /// The room.
    pub room_id: String,
    /// What it is called: `Double, sea view`.
    pub room_name: String,
    /// The first night.
    #[schemars(with = "String", extend("format" = "date"))]
    pub start_date: NaiveDate,
    /// The day of leaving.
    #[schemars(with = "String", extend("format" = "date"))]
    pub end_date: NaiveDate,
    /// How many nights.
    pub nights: u32,
    /// Whom it is for.
    pub guests: Party,
    /// Each night.
    pub lines: Vec<QuoteLine>,
    /// Taxes and levies.
    pub taxes: Vec<TaxLine>,
    /// All nights together.
    pub accommodation: Money,
    /// The total shared over the nights.
    pub nightly: Money,
    /// What the whole stay costs, all taxes in.
    pub total: Money,
    /// The currency of every amount.
    #[schemars(with = "String")]
    pub currency: crate::Currency,
    /// Until when the price is kept, UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: DateTime<Utc>,
    /// What giving the booking up would cost.
    pub cancellation: CancellationTerms,
}

/// The price of one night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QuoteLine {
    /// The night, by the date of its evening.
    #[schemars(with = "String", extend("format" = "date"))]
    pub date: NaiveDate,
    /// Its price.
    pub price: Money,
}

/// A quote read back from its id: what was promised, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) room: String,
    pub(crate) stay: Stay,
    pub(crate) party: Party,
    pub(crate) total_minor: i64,
    pub(crate) expires_at: DateTime<Utc>,
}

impl Hotel {
    /// The price of a room for a stay, if the room is free. Nothing is stored: the quote's id holds
    /// the promise, sealed with the hotel's secret.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn quote(&self, room: &str, stay: Stay, party: Option<Party>) -> Result<Outcome<Quote>, Fault> {
        Outcome::from(self.quote_room(room, stay, party).await)
    }

    async fn quote_room(&self, room: &str, stay: Stay, party: Option<Party>) -> Result<Quote, Halt> {
        let house = self.house().await?;
        let room = house.room_numbered(room)?;
        let (party, price) = house.price_for(room, stay, party)?;
        let taken =
            Occupancy::between(self.database().reader(), self.id(), stay.arrival(), stay.departure()).await?;
        if !taken.is_free(room, stay) {
            return Err(self.way_on(&house, room, stay, party).await?.into());
        }
        let expires_at = house.now + TimeDelta::minutes(i64::from(house.hotel.quote_minutes));
        let promise =
            Promise { room: room.number.clone(), stay, party, total_minor: price.total.minor, expires_at };
        Ok(Quote {
            quote_id: promise.sealed(&house.hotel.quote_secret),
            room_id: room.number.clone(),
            room_name: house.category_of(room)?.name(),
            start_date: stay.arrival(),
            end_date: stay.departure(),
            nights: stay.nights(),
            guests: party,
            lines: price
                .lines
                .iter()
                .map(|(date, minor)| QuoteLine { date: *date, price: house.currency.amount(*minor) })
                .collect(),
            nightly: price.total.shared_over(stay.nights()),
            accommodation: price.accommodation,
            total: price.total,
            currency: house.currency,
            expires_at,
            cancellation: house.stock.cancellation.terms(stay.arrival(), house.zone, &price, house.currency),
            taxes: price.taxes,
        })
    }
}

impl House {
    /// The party and the price of a room for a stay, or why it is not sold so.
    pub(crate) fn price_for(
        &self,
        room: &room::Model,
        stay: Stay,
        party: Option<Party>,
    ) -> Result<(Party, Price), Halt> {
        self.check_dates(stay)?;
        let category = self.category_of(room)?;
        let party = party.unwrap_or_else(|| Party::usual_for(category.max_guests()));
        if party.guests() > category.max_guests() {
            let larger = self
                .stock
                .types
                .iter()
                .filter(|kind| i64::from(kind.max_guests) >= i64::from(party.guests()));
            return Err(Refusal::PartyTooLarge {
                party,
                room: room.number.clone(),
                max_guests: category.max_guests(),
                larger: larger.map(|kind| kind.code.clone()).collect(),
            }
            .into());
        }
        let restricted = |rule| Halt::from(Refusal::Restricted { room: room.number.clone(), stay, rule });
        if let Some(rule) = self.stock.tariff.broken_rule(&category, stay) {
            return Err(restricted(rule));
        }
        let price = self.stock.tariff.price(&category, stay, party);
        price.map(|price| (party, price)).ok_or_else(|| restricted(crate::tariff::ArrivalRule::NotSold))
    }
}

impl Promise {
    /// The promise as an id that only this hotel can have made.
    pub(crate) fn sealed(&self, secret: &str) -> String {
        let open = format!(
            "q.{}.{}.{}.{}.{}.{}.{}",
            self.room,
            self.stay.arrival().format("%Y%m%d"),
            self.stay.nights(),
            self.party.adults(),
            self.party.children(),
            self.total_minor,
            self.expires_at.timestamp(),
        );
        let seal = mac(secret, &open).finalize().into_bytes();
        format!("{open}.{}", crate::ids::hex(&seal[..SEAL_BYTES]))
    }

    /// The promise behind an id; `None` when the hotel did not make it.
    pub(crate) fn opened(id: &str, secret: &str) -> Option<Self> {
        let (open, seal) = id.trim().rsplit_once('.')?;
        mac(secret, open).verify_truncated_left(&unhex(seal)?).ok()?;
        let mut fields = open.rsplitn(7, '.');
        let expires_at = DateTime::from_timestamp(fields.next()?.parse().ok()?, 0)?;
        let total_minor = fields.next()?.parse().ok()?;
        let children = fields.next()?.parse().ok()?;
        let adults = fields.next()?.parse().ok()?;
        let nights: i64 = fields.next()?.parse().ok()?;
        let arrival = NaiveDate::parse_from_str(fields.next()?, "%Y%m%d").ok()?;
        let room = fields.next()?.strip_prefix("q.")?.to_owned();
        let stay = Stay::new(arrival, crate::stay::add_days(arrival, nights)?).ok()?;
        Some(Self { room, stay, party: Party::new(adults, children).ok()?, total_minor, expires_at })
    }
}

/// The seal of a text; a key may have any length, so making one cannot fail.
fn mac(secret: &str, open: &str) -> Hmac<Sha256> {
    let mut key = [0; 64];
    for (place, byte) in key.iter_mut().zip(secret.bytes()) {
        *place = byte;
    }
    let mut mac = Hmac::<Sha256>::new(&key.into());
    mac.update(open.as_bytes());
    mac
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * SEAL_BYTES || !text.is_ascii() {
        return None;
    }
    (0..SEAL_BYTES).map(|byte| u8::from_str_radix(text.get(2 * byte..2 * byte + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise() -> Promise {
        let day = |day| NaiveDate::from_ymd_opt(2026, 12, day).unwrap();
        Promise {
            room: "204".into(),
            stay: Stay::new(day(12), day(14)).unwrap(),
            party: Party::new(2, 1).unwrap(),
            total_minor: 28_400,
            expires_at: DateTime::from_timestamp(1_796_500_000, 0).unwrap(),
        }
    }

    #[test]
    fn a_quote_comes_back_from_its_id() {
        let id = promise().sealed("secret");
        assert_eq!(Promise::opened(&id, "secret"), Some(promise()));
    }

    #[test]
    fn a_changed_price_or_another_hotels_quote_is_no_quote() {
        let id = promise().sealed("secret");
        assert_eq!(Promise::opened(&id.replace("28400", "00001"), "secret"), None);
        assert_eq!(Promise::opened(&id, "another"), None);
        for scrap in ["", "q", "q.204", "é.é", "q.204.20261212.2.2.0.1.1.zz"] {
            assert_eq!(Promise::opened(scrap, "secret"), None, "{scrap}");
        }
    }
}
