//! Flow files as trees that can be edited and written again. What is written is JSON, which is YAML.

use std::fmt;

use innkeeper_engine::flow::Source;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::json;

/// A value of a flow file. Mappings keep their order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// Anything that is no list and no mapping, as JSON.
    Leaf(serde_json::Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn read(text: &str) -> Self {
        serde_saphyr::from_str(text).unwrap()
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Leaf(json!(text))
    }

    /// A mapping written as JSON or YAML.
    pub(crate) fn of(text: &str) -> Self {
        Self::read(text)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            Self::Leaf(_) | Self::List(_) => None,
        }
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Map(entries) => entries.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value),
            Self::Leaf(_) | Self::List(_) => None,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Self) {
        let Self::Map(entries) = self else { return };
        match entries.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => entries.push((name.to_owned(), value)),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Self> {
        let Self::Map(entries) = self else { return None };
        let place = entries.iter().position(|(key, _)| key == name)?;
        Some(entries.remove(place).1)
    }

    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            Self::Leaf(_) | Self::List(_) => &[],
        }
    }

    pub(crate) fn entries_mut(&mut self) -> Option<&mut Vec<(String, Self)>> {
        match self {
            Self::Map(entries) => Some(entries),
            Self::Leaf(_) | Self::List(_) => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Leaf(json) => json.as_str(),
            Self::List(_) | Self::Map(_) => None,
        }
    }

    /// A mapping at the end of a path of keys.
    pub(crate) fn at_mut(&mut self, path: &[String]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, key| node.get_mut(key))
    }

    /// Changes every leaf, with the key it is under; keys of mappings can be changed too.
    pub(crate) fn each_text(&mut self, under: &str, change: &mut dyn FnMut(&str, &mut String)) {
        match self {
            Self::Leaf(serde_json::Value::String(text)) => change(under, text),
            Self::Leaf(_) => {}
            Self::List(items) => items.iter_mut().for_each(|item| item.each_text(under, change)),
            Self::Map(entries) => entries.iter_mut().for_each(|(key, value)| value.each_text(key, change)),
        }
    }

    fn write(&self, to: &mut String) {
        match self {
            Self::Leaf(json) => to.push_str(&json.to_string()),
            Self::List(items) => {
                to.push('[');
                for (place, item) in items.iter().enumerate() {
                    to.push_str(if place > 0 { ", " } else { "" });
                    item.write(to);
                }
                to.push(']');
            }
            Self::Map(entries) => {
                to.push('{');
                for (place, (key, value)) in entries.iter().enumerate() {
                    to.push_str(if place > 0 { ", " } else { "" });
                    to.push_str(&json!(key).to_string());
                    to.push_str(": ");
                    value.write(to);
                }
                to.push('}');
            }
        }
    }

    pub(crate) fn source(&self, file: &str) -> Source {
        let mut text = String::new();
        self.write(&mut text);
        Source { file: file.to_owned(), text }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(json!(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(json!(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(json!(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(json!(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::text(value))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(serde_json::Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry::<String, Node>()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}
