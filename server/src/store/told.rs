//! Guests whom nobody vouches for, found by a number that they told.
//!
//! What they said is sealed, each conversation under a key of its own, so that no index of numbers gives it away: every
//! such conversation is read. That is done for forgetting only.

use std::collections::{BTreeSet, HashSet};

use innkeeper_engine::runtime::{Entry, Store as _};
use innkeeper_engine::{Heard, Input};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::entity::{conversation, guest};
use super::{Database, Fault, guests};
use crate::message::{GuestIds, GuestKey};

const DOING: &str = "looking for guests who told a number";

impl Database {
    /// Everybody who told this number, in E.164, and whose own number no channel vouches for. Whoever has a number of
    /// their own told somebody else's.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn everybody_who_told(&self, number: &str) -> Result<Vec<GuestKey>, Fault> {
        let mut told = BTreeSet::new();
        let mut vouched = HashSet::new();
        for row in guest::Entity::find().all(self.reader()).await.map_err(Fault::doing(DOING))? {
            if row.phone.is_some() {
                vouched.insert(row.id);
                continue;
            }
            let remembered = guests::remembered(self.reader(), &row).await?;
            if remembered.values().any(|value| value.as_str() == Some(number)) {
                told.insert(row.id);
            }
        }
        let conversations: Vec<(String, String)> = conversation::Entity::find()
            .select_only()
            .columns([conversation::Column::Id, conversation::Column::Guest])
            .filter(conversation::Column::Forgotten.eq(false))
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing(DOING))?;
        for (id, guest) in conversations {
            let is_vouched =
                vouched.contains(&guest) || GuestIds::of(&GuestKey::new(guest.as_str())).phone().is_some();
            if !is_vouched && !told.contains(&guest) && self.has_told(&id, number).await? {
                told.insert(guest);
            }
        }
        Ok(told.into_iter().map(GuestKey::new).collect())
    }

    async fn has_told(&self, conversation: &str, number: &str) -> Result<bool, Fault> {
        let is_number = |heard: &Heard| matches!(heard, Heard::Text(text) if text == number);
        let log = self.log(conversation).await?;
        Ok(log.iter().flat_map(|(_, logged)| logged).any(|logged| {
            matches!(&logged.entry, Entry::Input(Input::Understood(understood))
                if understood.slots.values().any(is_number))
        }))
    }
}
