//! What giving up a booking costs, and giving it up.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use crate::booking::{BookingStatus, stay_of};
use crate::entity::{Scoped, booking, policy, room_night};
use crate::hotel::ATTEMPTS;
use crate::house::House;
use crate::idempotency::{self, Call};
use crate::refusal::Halt;
use crate::tariff::Price;
use crate::{Currency, Fault, Hotel, IdempotencyKey, Money, Outcome, Refusal, ledger};

const DOING: &str = "cancelling a booking";

/// Until when cancelling is free, and what it costs after that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancellationTerms {
    /// The last instant, UTC, at which cancelling is free.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub free_until: DateTime<Utc>,
    /// What cancelling costs after that.
    pub fee_after: Money,
    /// The hotel's rule in words.
    pub policy: String,
}

/// A booking that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancellation {
    /// The booking.
    pub booking_id: String,
    /// What the guest was told.
    pub reference: String,
    /// Always `cancelled`.
    pub status: BookingStatus,
    /// What cancelling cost.
    pub fee: Money,
    /// What the room is called.
    pub room_name: String,
    /// The first night given up.
    #[schemars(with = "String", extend("format" = "date"))]
    pub start_date: NaiveDate,
    /// The day the guest would have left.
    #[schemars(with = "String", extend("format" = "date"))]
    pub end_date: NaiveDate,
    /// When it was cancelled first.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub cancelled_at: DateTime<Utc>,
}

/// The hotel's rule about giving up a booking.
#[derive(Clone, Debug)]
pub(crate) struct CancellationRule {
    days_before: u64,
    hour: u32,
    fee_nights: usize,
    text: String,
}

impl From<Option<policy::Model>> for CancellationRule {
    /// Without a rule, cancelling is free until the day of arrival begins, and after.
    fn from(policy: Option<policy::Model>) -> Self {
        let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
        let text = policy.as_ref().map(|policy| policy.description.clone()).unwrap_or_default();
        let field = |pick: fn(&policy::Model) -> Option<i32>| number(policy.as_ref().and_then(pick));
        Self {
            days_before: u64::from(field(|policy| policy.free_until_days)),
            hour: field(|policy| policy.free_until_hour).min(23),
            fee_nights: field(|policy| policy.fee_nights) as usize,
            text,
        }
    }
}

impl CancellationRule {
    /// The terms of a stay that begins on `arrival` and costs `price`.
    pub(crate) fn terms(
        &self,
        arrival: NaiveDate,
        zone: Tz,
        price: &Price,
        currency: Currency,
    ) -> CancellationTerms {
        let fee: i64 = price.lines.iter().take(self.fee_nights).map(|(_, minor)| minor).sum();
        CancellationTerms {
            free_until: self.free_until(arrival, zone),
            fee_after: currency.amount(fee),
            policy: self.text.clone(),
        }
    }

    /// The rule in words.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn free_until(&self, arrival: NaiveDate, zone: Tz) -> DateTime<Utc> {
        let day = arrival.checked_sub_days(Days::new(self.days_before)).unwrap_or(arrival);
        let local = day.and_time(NaiveTime::from_hms_opt(self.hour, 0, 0).unwrap_or(NaiveTime::MIN));
        // A local time that the change to summer time skips is an hour that never was: take UTC.
        zone.from_local_datetime(&local)
            .earliest()
            .map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
    }
}

/// What cancelling a booking costs at an instant: the fee charged if it was cancelled already.
pub(crate) fn fee_at(booking: &booking::Model, now: DateTime<Utc>) -> i64 {
    match booking.charged_fee_minor {
        Some(charged) => charged,
        None if now <= booking.free_until => 0,
        None => booking.late_fee_minor,
    }
}

impl Hotel {
    /// Cancels a booking and frees its nights. Cancelling again changes nothing and answers the same.
    ///
    /// # Errors
    /// The database does not answer, or others write to the same rows without end.
    pub async fn cancel(
        &self,
        booking_id: &str,
        key: Option<&IdempotencyKey>,
    ) -> Result<Outcome<Cancellation>, Fault> {
        let house = self.house().await?;
        let call = Call::new("cancel_booking", key, &serde_json::json!({ "booking_id": booking_id }));
        for _ in 0..ATTEMPTS {
            let tx = self.database().begin().await?;
            let cancelled = self.cancel_in(&tx, &house, booking_id, &call).await;
            if let Some(settled) = self.settle(tx, DOING, cancelled).await {
                return Outcome::from(settled);
            }
        }
        Err(Fault::Contended { doing: DOING, attempts: ATTEMPTS })
    }

    async fn cancel_in(
        &self,
        tx: &DatabaseTransaction,
        house: &House,
        booking_id: &str,
        call: &Call<'_>,
    ) -> Result<Cancellation, Halt> {
        if let Some(earlier) = idempotency::earlier(tx, self.id(), call).await? {
            return Ok(earlier);
        }
        let found = booking::Entity::of(self.id())
            .filter(booking::Column::Id.eq(booking_id))
            .one(tx)
            .await
            .map_err(Fault::doing(DOING))?;
        let Some(mut booking) = found else {
            return Err(Refusal::BookingNotFound { asked: booking_id.to_owned() }.into());
        };
        if booking.status == BookingStatus::Confirmed {
            if booking.arrival < house.today() {
                return Err(Refusal::StayStarted {
                    reference: booking.reference,
                    arrival: booking.arrival,
                    phone: house.hotel.phone.clone(),
                }
                .into());
            }
            booking = self.give_up(tx, booking, house.now).await?;
        }
        let cancellation = cancellation(&booking, house)?;
        idempotency::remember(tx, self.id(), call, &cancellation, house.now).await?;
        Ok(cancellation)
    }

    /// Writes the cancellation. When another did so at the same moment, theirs stands.
    async fn give_up(
        &self,
        tx: &DatabaseTransaction,
        booking: booking::Model,
        now: DateTime<Utc>,
    ) -> Result<booking::Model, Halt> {
        let fee = fee_at(&booking, now);
        let written = booking::Entity::update_many()
            .col_expr(booking::Column::Status, Expr::value(BookingStatus::Cancelled))
            .col_expr(booking::Column::ChargedFeeMinor, Expr::value(fee))
            .col_expr(booking::Column::CancelledAt, Expr::value(now))
            .filter(booking::Column::HotelId.eq(self.id()))
            .filter(booking::Column::Id.eq(&booking.id))
            .filter(booking::Column::Status.eq(BookingStatus::Confirmed))
            .exec(tx)
            .await
            .map_err(Fault::doing(DOING))?;
        if written.rows_affected == 1 {
            room_night::Entity::delete_many()
                .filter(room_night::Column::HotelId.eq(self.id()))
                .filter(room_night::Column::BookingId.eq(&booking.id))
                .exec(tx)
                .await
                .map_err(Fault::doing(DOING))?;
            let detail = serde_json::json!({ "status": ["confirmed", "cancelled"], "fee_minor": fee });
            ledger::add(tx, self.id(), now, "booking_cancelled", &booking.id, detail).await?;
        }
        booking::Entity::of(self.id())
            .filter(booking::Column::Id.eq(&booking.id))
            .one(tx)
            .await
            .map_err(Fault::doing(DOING))?
            .ok_or_else(|| Halt::from(Refusal::BookingNotFound { asked: booking.id }))
    }
}

fn cancellation(booking: &booking::Model, house: &House) -> Result<Cancellation, Fault> {
    let stay = stay_of(booking)?;
    let room = house.room_with_id(booking.room_id)?;
    Ok(Cancellation {
        booking_id: booking.id.clone(),
        reference: booking.reference.clone(),
        status: booking.status,
        fee: house.currency.amount(booking.charged_fee_minor.unwrap_or(0)),
        room_name: house.category_of(room)?.name(),
        start_date: stay.arrival(),
        end_date: stay.departure(),
        cancelled_at: booking.cancelled_at.unwrap_or(house.now),
    })
}
