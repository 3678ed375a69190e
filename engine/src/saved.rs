//! The compact form that positions and logs are kept in: postcard, with dates as numbers.
//!
//! postcard writes no field names and tags enums with a number, so the types it is used on must not leave fields out
//! and must not be tagged by name. Where JSON needs another shape, the type tells the two apart.

mod compact;
mod write;

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

/// Most of what is saved is no longer.
const USUAL: usize = 1024;

/// Puts a value at the end of bytes.
pub(crate) fn put<T: serde::Serialize>(
    bytes: &mut Vec<u8>,
    what: &'static str,
    value: &T,
) -> Result<(), BadForm> {
    write::put(bytes, value).map_err(|source| BadForm { what, source })
}

/// Puts a length at the end of bytes.
pub(crate) fn put_length(bytes: &mut Vec<u8>, length: usize) {
    write::number(bytes, length as u64);
}

/// Bytes of a value.
pub(crate) fn bytes<T: serde::Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, BadForm> {
    let mut bytes = Vec::with_capacity(USUAL);
    put(&mut bytes, what, value)?;
    Ok(bytes)
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

/// JSON as itself inside JSON; inside a binary form a number that says what it is, and then that.
pub(crate) mod json {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value as Json;

    use super::compact::{Compact, Read};

    pub(crate) fn serialize<S, J>(json: &J, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        J: AsJson,
    {
        let json = json.as_json();
        if serializer.is_human_readable() {
            json.serialize(serializer)
        } else {
            Compact(json).serialize(serializer)
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, J: From<Shared>>(
        deserializer: D,
    ) -> Result<J, D::Error> {
        let json = if deserializer.is_human_readable() {
            Json::deserialize(deserializer)?
        } else {
            Read::deserialize(deserializer)?.0
        };
        Ok(J::from(Shared(json)))
    }

    /// A field that holds JSON, shared or not.
    pub(crate) trait AsJson {
        fn as_json(&self) -> &Json;
    }

    impl AsJson for Json {
        fn as_json(&self) -> &Json {
            self
        }
    }

    impl AsJson for Arc<Json> {
        fn as_json(&self) -> &Json {
            self
        }
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

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value as Json;

    use super::compact::{Compact, Read};

    pub(crate) fn serialize<S: Serializer>(
        json: &Option<Arc<Json>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        json.as_deref().map(Compact).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Json>>, D::Error> {
        Ok(<Option<Read>>::deserialize(deserializer)?.map(|read| Arc::new(read.0)))
    }
}

/// JSON by name, as a map in either form.
pub(crate) mod json_map {
    use indexmap::IndexMap;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value as Json;

    use super::compact::{Compact, Read};

    pub(crate) fn serialize<S: Serializer>(
        map: &IndexMap<String, Json>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return map.serialize(serializer);
        }
        serializer.collect_map(map.iter().map(|(name, json)| (name, Compact(json))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<IndexMap<String, Json>, D::Error> {
        if deserializer.is_human_readable() {
            return IndexMap::deserialize(deserializer);
        }
        let map = <IndexMap<String, Read>>::deserialize(deserializer)?;
        Ok(map.into_iter().map(|(name, read)| (name, read.0)).collect())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value as Json, json};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holds {
        #[serde(with = "super::json")]
        shared: Arc<Json>,
        #[serde(with = "super::maybe_json")]
        maybe: Option<Arc<Json>>,
        after: u8,
    }

    #[derive(Debug, PartialEq, Serialize)]
    struct Many {
        large: (u64, i64, u32, i32, u16, i16, u8, i8),
        other: (bool, char, f32, f64, Option<String>, ()),
        list: Vec<(String, Option<u64>)>,
    }

    #[derive(Debug, PartialEq, Serialize)]
    enum Kinds {
        Alone,
        One(u64),
        Two(u8, i64),
        Named { list: Vec<(String, Option<u64>)> },
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            any::<String>().prop_map(Json::from),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| Json::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_comes_back_as_it_was(json in any_json(), there in any::<bool>()) {
            let holds = Holds { maybe: there.then(|| Arc::new(json.clone())), shared: Arc::new(json), after: 7 };
            let bytes = super::bytes("a test", &holds)?;
            prop_assert_eq!(&super::value::<Holds>("a test", &bytes)?, &holds);
        }

        #[test]
        fn what_is_written_is_what_postcard_writes(
            json in any_json(),
            large in any::<(u64, i64, u32, i32, u16, i16, u8, i8)>(),
            other in any::<(bool, char, f32, f64, Option<String>, ())>(),
            list in proptest::collection::vec((any::<String>(), any::<Option<u64>>()), 0..4),
        ) {
            let many = Many { large, other, list: list.clone() };
            let map: std::collections::BTreeMap<String, Option<u64>> = list.into_iter().collect();
            let several = [Some(Kinds::Alone), Some(Kinds::One(many.large.0)), None, Some(Kinds::Two(1, many.large.1)),
                Some(Kinds::Named { list: many.list.clone() })];
            let holds = Holds { maybe: Some(Arc::new(json.clone())), shared: Arc::new(json), after: 7 };
            let all = (several, many, map, holds);
            let mut bytes = vec![1, 2];
            super::put(&mut bytes, "a test", &all)?;
            prop_assert_eq!(bytes.split_off(2), postcard::to_allocvec(&all)?);
            prop_assert_eq!(bytes, [1, 2]);
        }

        #[test]
        fn any_bytes_are_json_or_refused(bytes in proptest::collection::vec(prop_oneof![0_u8..10, any::<u8>()], 0..200)) {
            _ = super::value::<Holds>("a test", &bytes);
        }
    }

    #[test]
    fn json_that_is_too_deep_is_refused() -> Result<(), super::BadForm> {
        // A list in a list in a list, and so on: each says that it is a list, and that one item follows.
        let bytes = [7_u8, 1].repeat(100_000);
        assert!(super::value::<Holds>("a test", &bytes).is_err());
        let mut deep = json!(1);
        for _ in 0..120 {
            deep = json!([deep]);
        }
        let holds = Holds { shared: Arc::new(deep), maybe: None, after: 7 };
        let bytes = super::bytes("a test", &holds)?;
        assert_eq!(super::value::<Holds>("a test", &bytes)?, holds);
        Ok(())
    }
}
