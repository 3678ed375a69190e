//! Writing calls that may be repeated: what a key was used for, and what was answered.

use std::fmt;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::entity::{Scoped, idempotency_key};
use crate::refusal::Halt;
use crate::{Fault, Refusal, ids};

const LONGEST_KEY: usize = 200;
const DOING: &str = "remembering an answer";

/// A caller's name for one call, the same in every repetition of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key of at most 200 signs, none of them a control character; `None` for anything else.
    pub fn parse(written: &str) -> Option<Self> {
        let key = written.trim();
        let fits =
            !key.is_empty() && key.chars().count() <= LONGEST_KEY && !key.chars().any(char::is_control);
        fits.then(|| Self(key.to_owned()))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// One writing call: its tool, its key, and the hash of its arguments in one order and spelling.
pub(crate) struct Call<'key> {
    tool: &'static str,
    key: Option<&'key IdempotencyKey>,
    arguments_hash: String,
}

impl<'key> Call<'key> {
    pub(crate) fn new(
        tool: &'static str,
        key: Option<&'key IdempotencyKey>,
        canonical: &serde_json::Value,
    ) -> Self {
        let digest = Sha256::new().chain_update(tool).chain_update(canonical.to_string()).finalize();
        Self { tool, key, arguments_hash: ids::hex(&digest) }
    }
}

/// What the call answered before, if it was carried out.
pub(crate) async fn earlier<T: DeserializeOwned>(
    tx: &DatabaseTransaction,
    hotel: i64,
    call: &Call<'_>,
) -> Result<Option<T>, Halt> {
    let Some(key) = call.key else { return Ok(None) };
    let found = idempotency_key::Entity::of(hotel)
        .filter(idempotency_key::Column::Key.eq(&key.0))
        .one(tx)
        .await
        .map_err(Fault::doing(DOING))?;
    let Some(found) = found else { return Ok(None) };
    if found.arguments_hash != call.arguments_hash {
        return Err(Refusal::IdempotencyConflict { key: key.to_string() }.into());
    }
    let answer = serde_json::from_str(&found.response)
        .map_err(|_| Fault::Unreadable { what: "answer to idempotency key", value: key.to_string() })?;
    Ok(Some(answer))
}

/// Notes what the call answered, in the transaction that made it true.
pub(crate) async fn remember<T: Serialize>(
    tx: &DatabaseTransaction,
    hotel: i64,
    call: &Call<'_>,
    answer: &T,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let Some(key) = call.key else { return Ok(()) };
    let response = serde_json::to_string(answer)
        .map_err(|_| Fault::Unreadable { what: "answer to idempotency key", value: key.to_string() })?;
    let row = idempotency_key::ActiveModel {
        hotel_id: Set(hotel),
        key: Set(key.0.clone()),
        tool: Set(call.tool.to_owned()),
        arguments_hash: Set(call.arguments_hash.clone()),
        response: Set(response),
        created_at: Set(now),
    };
    idempotency_key::Entity::insert(row).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
    Ok(())
}
