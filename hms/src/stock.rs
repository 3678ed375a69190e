//! What changes seldom: rooms, prices and rules, kept in memory until somebody changes them.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder};

use crate::cancellation::CancellationRule;
use crate::entity::{Scoped, hotel, policy, room, room_type};
use crate::tariff::Tariff;
use crate::{Currency, Fault};

/// The rooms, prices and rules of one revision of the hotel.
pub(crate) struct Stock {
    revision: i64,
    currency: Currency,
    /// In the hotel's own order.
    pub(crate) types: Vec<room_type::Model>,
    /// In the order of their numbers.
    pub(crate) rooms: Vec<room::Model>,
    pub(crate) tariff: Tariff,
    pub(crate) cancellation: CancellationRule,
}

/// The stock that was read last. The database counts the hotel's revision up with every change to
/// a table that is read here, whoever makes it, so a kept stock is never an old one.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<Option<Arc<Stock>>>>);

impl Shelf {
    /// The stock of the hotel's present revision, read again only if that is new.
    pub(crate) async fn stock(
        &self,
        db: &impl ConnectionTrait,
        hotel: &hotel::Model,
        currency: Currency,
    ) -> Result<Arc<Stock>, Fault> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_present = |stock: &Arc<Stock>| (stock.revision, stock.currency) == (hotel.revision, currency);
        if let Some(stock) = kept.filter(is_present) {
            return Ok(stock);
        }
        let stock = Arc::new(Stock::load(db, hotel, currency).await?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stock.clone());
        Ok(stock)
    }
}

impl Stock {
    async fn load(
        db: &impl ConnectionTrait,
        hotel: &hotel::Model,
        currency: Currency,
    ) -> Result<Self, Fault> {
        let types = room_type::Entity::of(hotel.id)
            .order_by_asc(room_type::Column::Position)
            .order_by_asc(room_type::Column::Id)
            .all(db)
            .await
            .map_err(Fault::doing("reading room types"))?;
        let rooms = room::Entity::of(hotel.id)
            .order_by_asc(room::Column::Number)
            .all(db)
            .await
            .map_err(Fault::doing("reading rooms"))?;
        let cancellation = policy::Entity::of(hotel.id)
            .filter(policy::Column::Code.eq("cancellation"))
            .one(db)
            .await
            .map_err(Fault::doing("reading the cancellation policy"))?;
        Ok(Self {
            revision: hotel.revision,
            currency,
            types,
            rooms,
            tariff: Tariff::load(db, hotel.id, currency).await?,
            cancellation: CancellationRule::from(cancellation),
        })
    }
}
