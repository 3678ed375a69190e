//! Which saying of a conversation a guest means who presses or answers one of our messages.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::outbox::{Column, Entity};
use super::{Database, Fault, OutboxRow, read};
use crate::message::{ChannelName, ConversationId, GuestKey};

const DOING: &str = "looking for what a guest points at";

/// A saying is looked for among this many last messages of its conversation.
const WITHIN: u64 = 200;

/// A message of ours that a guest points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The conversation that said it.
    pub conversation: ConversationId,
    /// The revision that said it.
    pub revision: u64,
    /// Whether that revision was the last that said anything.
    pub is_last: bool,
}

impl Database {
    /// The message that carries a saying of a guest's conversation.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn offered(
        &self,
        guest: &GuestKey,
        conversation: &ConversationId,
        say: u32,
    ) -> Result<Option<Offered>, Fault> {
        let guest = self.resolved(guest).await?;
        let rows: Vec<(i64, String)> = Entity::find()
            .select_only()
            .column(Column::Revision)
            .column(Column::Says)
            .filter(Column::Conversation.eq(conversation.as_str()))
            .filter(Column::Guest.eq(guest.as_str()))
            .order_by_desc(Column::Id)
            .limit(WITHIN)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing(DOING))?;
        let Some(last) = rows.iter().map(|(revision, _)| *revision).max() else { return Ok(None) };
        for (revision, says) in rows {
            if read::<Vec<u32>>("the sayings of a message", &says)?.contains(&say) {
                return Ok(Some(Offered {
                    conversation: conversation.clone(),
                    revision: revision.unsigned_abs(),
                    is_last: revision == last,
                }));
            }
        }
        Ok(None)
    }

    /// The message of ours that a guest got under a provider's id.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn offered_under(
        &self,
        guest: &GuestKey,
        channel: ChannelName,
        provider_id: &str,
    ) -> Result<Option<Offered>, Fault> {
        let guest = self.resolved(guest).await?;
        let row: Option<(Option<String>, String)> = Entity::find()
            .select_only()
            .column(Column::Conversation)
            .column(Column::Says)
            .filter(Column::ProviderId.eq(provider_id))
            .filter(Column::Channel.eq(channel.as_str()))
            .filter(Column::Guest.eq(guest.as_str()))
            .into_tuple()
            .one(self.reader())
            .await
            .map_err(Fault::doing(DOING))?;
        let Some((Some(conversation), says)) = row else { return Ok(None) };
        let Some(say) = read::<Vec<u32>>("the sayings of a message", &says)?.last().copied() else {
            return Ok(None);
        };
        self.offered(&guest, &ConversationId::new(conversation), say).await
    }

    /// The last message of a conversation, with what can be pressed below it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn last_outgoing(&self, conversation: &ConversationId) -> Result<Option<OutboxRow>, Fault> {
        let row = Entity::find()
            .filter(Column::Conversation.eq(conversation.as_str()))
            .order_by_desc(Column::Id)
            .one(self.reader())
            .await
            .map_err(Fault::doing(DOING))?;
        Ok(super::outbox::opened(self.reader(), row).await?.pop())
    }
}
