//! The compact form that positions and logs are kept in: postcard, with dates as numbers and JSON as text.
//!
//! postcard writes no field names and tags enums with a number, so the types it is used on must not leave fields out
//! and must not be tagged by name. Where JSON needs another shape, the type tells the two apart.

/// Why saved bytes cannot be read, or something cannot be saved.
#[derive(Debug, thiserror::Error)]
#[error("the saved form of {what} cannot be read or written")]
pub struct BadForm {
    /// What it is the form of.
    pub what: &'static str,
    /// What postcard says.
    #[source]
    pub source: postcard::Error,
}

/// Bytes of a value.
pub(crate) fn bytes<T: serde::Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, BadForm> {
    postcard::to_allocvec(value).map_err(|source| BadForm { what, source })
}

/// A value from its bytes.
pub(crate) fn value<T: serde::de::DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, BadForm> {
    postcard::from_bytes(bytes).map_err(|source| BadForm { what, source })
}

/// A value from the beginning of bytes, with the bytes after it.
pub(crate) fn first<'b, T: serde::de::DeserializeOwned>(
    what: &'static str,
    bytes: &'b [u8],
) -> Result<(T, &'b [u8]), BadForm> {
    postcard::take_from_bytes(bytes).map_err(|source| BadForm { what, source })
}

/// JSON as text inside a binary form, as itself inside JSON.
pub(crate) mod json {
    use std::sync::Arc;

    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value as Json;

    pub(crate) fn serialize<S, J>(json: &J, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        J: Serialize,
    {
        if serializer.is_human_readable() {
            return json.serialize(serializer);
        }
        serializer.serialize_str(&serde_json::to_string(json).map_err(S::Error::custom)?)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, J: From<Shared>>(
        deserializer: D,
    ) -> Result<J, D::Error> {
        let json = if deserializer.is_human_readable() {
            Json::deserialize(deserializer)?
        } else {
            let text = <&str>::deserialize(deserializer)?;
            serde_json::from_str(text).map_err(D::Error::custom)?
        };
        Ok(J::from(Shared(json)))
    }

    /// JSON on its way into a field, shared there or not.
    pub(crate) struct Shared(Json);

    impl From<Shared> for Json {
        fn from(shared: Shared) -> Self {
            shared.0
        }
    }

    impl From<Shared> for Arc<Json> {
        fn from(shared: Shared) -> Self {
            Self::new(shared.0)
        }
    }
}

/// JSON that may not be there yet, told from one that is there and is null.
pub(crate) mod maybe_json {
    use std::sync::Arc;

    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value as Json;

    pub(crate) fn serialize<S: Serializer>(
        json: &Option<Arc<Json>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = json.as_ref().map(serde_json::to_string).transpose().map_err(S::Error::custom)?;
        text.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Json>>, D::Error> {
        let text = <Option<String>>::deserialize(deserializer)?;
        text.map(|text| serde_json::from_str(&text).map(Arc::new)).transpose().map_err(D::Error::custom)
    }
}

/// JSON by name as one text inside a binary form.
pub(crate) mod json_map {
    use indexmap::IndexMap;
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value as Json;

    pub(crate) fn serialize<S: Serializer>(
        map: &IndexMap<String, Json>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return map.serialize(serializer);
        }
        serializer.serialize_str(&serde_json::to_string(map).map_err(S::Error::custom)?)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<IndexMap<String, Json>, D::Error> {
        if deserializer.is_human_readable() {
            return IndexMap::deserialize(deserializer);
        }
        let text = <&str>::deserialize(deserializer)?;
        serde_json::from_str(text).map_err(D::Error::custom)
    }
}

/// A civil date as days from the first of January of year 1 inside a binary form, `YYYY-MM-DD` inside JSON.
pub(crate) mod date {
    use chrono::{Datelike, NaiveDate};
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return date.serialize(serializer);
        }
        date.num_days_from_ce().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        if deserializer.is_human_readable() {
            return NaiveDate::deserialize(deserializer);
        }
        let days = i32::deserialize(deserializer)?;
        NaiveDate::from_num_days_from_ce_opt(days).ok_or_else(|| D::Error::custom("no such day"))
    }
}

/// An instant as milliseconds since 1970 inside a binary form, RFC 3339 inside JSON.
pub(crate) mod instant {
    use chrono::{DateTime, Utc};
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return at.serialize(serializer);
        }
        at.timestamp_millis().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        if deserializer.is_human_readable() {
            return DateTime::deserialize(deserializer);
        }
        let millis = i64::deserialize(deserializer)?;
        DateTime::from_timestamp_millis(millis).ok_or_else(|| D::Error::custom("no such instant"))
    }
}

/// A short list, saved like any other.
pub(crate) mod few {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use smallvec::{Array, SmallVec};

    pub(crate) fn serialize<S, A>(few: &SmallVec<A>, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        A: Array,
        A::Item: Serialize,
    {
        few.as_slice().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D, A>(deserializer: D) -> Result<SmallVec<A>, D::Error>
    where
        D: Deserializer<'de>,
        A: Array,
        A::Item: Deserialize<'de>,
    {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}
