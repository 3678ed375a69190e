//! The compact form that positions and logs are kept in: postcard, with dates as numbers.
//!
//! postcard writes no field names and tags enums with a number, so the types it is used on must not leave fields out
//! and must not be tagged by name. Where JSON needs another shape, the type tells the two apart.

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

/// JSON inside a binary form.
mod compact {
    use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
    use serde::ser::SerializeTuple;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Map, Number, Value as Json};

    /// No JSON of ours is deeper; bytes that say so are no JSON.
    const DEEPEST: u8 = 128;

    const NULL: u8 = 0;
    const FALSE: u8 = 1;
    const TRUE: u8 = 2;
    const WHOLE: u8 = 3;
    const BELOW_ZERO: u8 = 4;
    const FRACTION: u8 = 5;
    const TEXT: u8 = 6;
    const LIST: u8 = 7;
    const FIELDS: u8 = 8;

    /// JSON to write.
    pub(super) struct Compact<'j>(pub(super) &'j Json);

    impl Serialize for Compact<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Json::Null => NULL.serialize(serializer),
                Json::Bool(false) => FALSE.serialize(serializer),
                Json::Bool(true) => TRUE.serialize(serializer),
                Json::Number(number) => match (number.as_u64(), number.as_i64()) {
                    (Some(whole), _) => pair(serializer, WHOLE, &whole),
                    (None, Some(below)) => pair(serializer, BELOW_ZERO, &below),
                    (None, None) => pair(serializer, FRACTION, &number.as_f64().unwrap_or_default()),
                },
                Json::String(text) => pair(serializer, TEXT, text),
                Json::Array(list) => pair(serializer, LIST, &List(list)),
                Json::Object(fields) => pair(serializer, FIELDS, &Fields(fields)),
            }
        }
    }

    fn pair<S: Serializer, T: Serialize>(serializer: S, what: u8, value: &T) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&what)?;
        pair.serialize_element(value)?;
        pair.end()
    }

    struct List<'j>(&'j [Json]);

    impl Serialize for List<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.iter().map(Compact))
        }
    }

    struct Fields<'j>(&'j Map<String, Json>);

    impl Serialize for Fields<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(name, json)| (name, Compact(json))))
        }
    }

    /// JSON that was read.
    pub(super) struct Read(pub(super) Json);

    impl<'de> Deserialize<'de> for Read {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(Part { left: DEEPEST }.deserialize(deserializer)?))
        }
    }

    /// A value in which there may be so many more levels.
    #[derive(Clone, Copy)]
    struct Part {
        left: u8,
    }

    impl<'de> DeserializeSeed<'de> for Part {
        type Value = Json;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
            // What it is, and what follows from that: where nothing follows the second is not read.
            deserializer.deserialize_tuple(2, self)
        }
    }

    impl<'de> Visitor<'de> for Part {
        type Value = Json;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("compact JSON")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Json, A::Error> {
            let cut = || A::Error::custom("JSON that is cut off");
            let what: u8 = parts.next_element()?.ok_or_else(cut)?;
            Ok(match what {
                NULL => Json::Null,
                FALSE => Json::Bool(false),
                TRUE => Json::Bool(true),
                WHOLE => Json::from(parts.next_element::<u64>()?.ok_or_else(cut)?),
                BELOW_ZERO => Json::from(parts.next_element::<i64>()?.ok_or_else(cut)?),
                FRACTION => {
                    let number = Number::from_f64(parts.next_element()?.ok_or_else(cut)?);
                    Json::Number(number.ok_or_else(|| A::Error::custom("no number of JSON"))?)
                }
                TEXT => Json::String(parts.next_element()?.ok_or_else(cut)?),
                LIST => parts.next_element_seed(Items(self.below()?))?.ok_or_else(cut)?,
                FIELDS => parts.next_element_seed(Named(self.below()?))?.ok_or_else(cut)?,
                _ => return Err(A::Error::custom("no kind of JSON")),
            })
        }
    }

    impl Part {
        fn below<E: serde::de::Error>(self) -> Result<Self, E> {
            let left = self.left.checked_sub(1).ok_or_else(|| E::custom("JSON that is too deep"))?;
            Ok(Self { left })
        }
    }

    struct Items(Part);

    impl<'de> DeserializeSeed<'de> for Items {
        type Value = Json;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
            deserializer.deserialize_seq(self)
        }
    }

    impl<'de> Visitor<'de> for Items {
        type Value = Json;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element_seed(self.0)? {
                list.push(item);
            }
            Ok(Json::Array(list))
        }
    }

    struct Named(Part);

    impl<'de> DeserializeSeed<'de> for Named {
        type Value = Json;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    impl<'de> Visitor<'de> for Named {
        type Value = Json;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("fields")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
            let mut named = Map::new();
            while let Some(name) = fields.next_key::<String>()? {
                named.insert(name, fields.next_value_seed(self.0)?);
            }
            Ok(Json::Object(named))
        }
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
