//! What came of listening to voice notes: written down, so that a turn that is begun again is the same turn.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Content, opened};
use crate::message::{GuestKey, Heard, MessageId};
use crate::store::entity::inbox::{Column, Entity};
use crate::store::seal::Record;
use crate::store::{Database, Fault, keys};

impl Database {
    /// Writes down what came of listening to a message. A message that was forgotten stays forgotten.
    ///
    /// # Errors
    /// The database fails.
    pub async fn heard(&self, message: MessageId, heard: &Heard) -> Result<(), Fault> {
        let doing = "writing down what was heard";
        let transaction = self.begin().await?;
        let row = Entity::find_by_id(message.0).one(&*transaction).await.map_err(Fault::doing(doing))?;
        let Some(row) = row else { return Ok(()) };
        let key = keys::one(&*transaction, &row.guest).await?;
        let (Some(sealed), Some(key)) = (row.content, key) else { return Ok(()) };
        let mut content: Content = key.open_json(Record::Inbound, &row.provider_id, 0, &sealed)?;
        content.heard = Some(heard.clone());
        let content = key.seal_json(Record::Inbound, &row.provider_id, 0, &content)?;
        Entity::update_many()
            .col_expr(Column::Content, content.into())
            .filter(Column::Id.eq(message.0))
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        transaction.commit().await.map_err(Fault::doing(doing))
    }

    /// What came of listening to the guest's message before this one.
    ///
    /// # Errors
    /// The database fails.
    pub async fn heard_before(&self, guest: &GuestKey, message: MessageId) -> Result<Option<Heard>, Fault> {
        let row = Entity::find()
            .filter(Column::Guest.eq(guest.as_str()))
            .filter(Column::Id.lt(message.0))
            .order_by_desc(Column::Id)
            .limit(1)
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking for the message before"))?;
        Ok(opened(self.reader(), row).await?.pop().and_then(|row| row.heard))
    }
}
