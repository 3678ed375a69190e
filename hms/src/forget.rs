//! Forgetting a customer: bookings and the audit log stay, and nobody can tell any more whose they were.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use serde_json::Value as Json;

use crate::entity::{Scoped, booking, customer, idempotency_key};
use crate::{Fault, Hotel, ledger};

const DOING: &str = "forgetting a customer";

/// What stands in place of a name or a number. No name and no number can be written like this.
const NOBODY: &str = "—";

/// By what a customer's bookings are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// The numbers they were made under, E.164.
    pub phones: Vec<String>,
    /// What the keys of the calls that made them begin with.
    pub keys: Vec<String>,
}

impl Hotel {
    /// Takes name and number out of a customer's bookings, wherever they are stored. Says how many bookings there were.
    ///
    /// # Errors
    /// The database does not answer; then nothing is forgotten.
    pub async fn forget(&self, whom: &Whom) -> Result<usize, Fault> {
        let house = self.house().await?;
        let tx = self.database().begin().await?;
        let bookings = self.bookings_of(&tx, whom).await?;
        let ids: Vec<&str> = bookings.iter().map(|booking| booking.id.as_str()).collect();
        for booking in &bookings {
            self.forget_customer(&tx, booking.customer_id).await?;
        }
        booking::Entity::update_many()
            .col_expr(booking::Column::CustomerName, Expr::value(NOBODY))
            .col_expr(booking::Column::Phone, Expr::value(NOBODY))
            .filter(booking::Column::HotelId.eq(self.id()))
            .filter(booking::Column::Id.is_in(ids.iter().copied()))
            .exec(&tx)
            .await
            .map_err(Fault::doing(DOING))?;
        self.forget_answers(&tx, &ids).await?;
        for id in &ids {
            ledger::add(&tx, self.id(), house.now, "forgotten", id, serde_json::json!({})).await?;
        }
        tx.commit().await.map_err(Fault::doing(DOING))?;
        Ok(ids.len())
    }

    async fn bookings_of(&self, tx: &DatabaseTransaction, whom: &Whom) -> Result<Vec<booking::Model>, Fault> {
        let mut made = BTreeSet::new();
        for key in &whom.keys {
            let answers = idempotency_key::Entity::of(self.id())
                .filter(idempotency_key::Column::Key.starts_with(key.as_str()))
                .all(tx)
                .await
                .map_err(Fault::doing(DOING))?;
            made.extend(answers.iter().filter_map(|answer| {
                let answer: Json = serde_json::from_str(&answer.response).ok()?;
                Some(answer.get("booking_id")?.as_str()?.to_owned())
            }));
        }
        let theirs = Condition::any()
            .add(booking::Column::Phone.is_in(whom.phones.iter().map(String::as_str)))
            .add(booking::Column::Id.is_in(made));
        booking::Entity::of(self.id()).filter(theirs).all(tx).await.map_err(Fault::doing(DOING))
    }

    /// A customer's name and number are a key together: what stands in their place is the customer's own.
    async fn forget_customer(&self, tx: &DatabaseTransaction, id: i64) -> Result<(), Fault> {
        customer::Entity::update_many()
            .col_expr(customer::Column::Name, Expr::value(NOBODY))
            .col_expr(customer::Column::NameKey, Expr::value(id.to_string()))
            .col_expr(customer::Column::Phone, Expr::value(NOBODY))
            .filter(customer::Column::HotelId.eq(self.id()))
            .filter(customer::Column::Id.eq(id))
            .exec(tx)
            .await
            .map(drop)
            .map_err(Fault::doing(DOING))
    }

    /// Answers that are kept for repeated calls say the name too.
    async fn forget_answers(&self, tx: &DatabaseTransaction, bookings: &[&str]) -> Result<(), Fault> {
        for id in bookings {
            let answers = idempotency_key::Entity::of(self.id())
                .filter(idempotency_key::Column::Response.contains(*id))
                .all(tx)
                .await
                .map_err(Fault::doing(DOING))?;
            for answer in answers {
                let Ok(mut response) = serde_json::from_str::<Json>(&answer.response) else { continue };
                if let Some(fields) = response.as_object_mut() {
                    for field in ["customer_name", "phone_number"] {
                        if let Some(value) = fields.get_mut(field) {
                            *value = Json::from(NOBODY);
                        }
                    }
                }
                idempotency_key::Entity::update_many()
                    .col_expr(idempotency_key::Column::Response, Expr::value(response.to_string()))
                    .filter(idempotency_key::Column::HotelId.eq(self.id()))
                    .filter(idempotency_key::Column::Key.eq(answer.key))
                    .exec(tx)
                    .await
                    .map_err(Fault::doing(DOING))?;
            }
        }
        Ok(())
    }
}
