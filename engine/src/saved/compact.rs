//! JSON inside a binary form.

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
