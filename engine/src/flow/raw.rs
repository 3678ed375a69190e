//! YAML as a tree in which everything knows its place.
//!
//! The tree is read from the parser's events and not through serde, which would stop at the first mistake.
//! Anchors, aliases, tags and further documents are refused: a flow says what it says where it says it.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// Bytes of one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Spot {
    /// Which file, counted from 0.
    pub(super) file: usize,
    /// The first byte.
    pub(super) start: usize,
    /// The byte after the last.
    pub(super) end: usize,
}

/// Something and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: Spot,
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Spot,
    pub(super) data: Data,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// One value. A plain one is not quoted, and means a number, a truth or nothing if it looks like it.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written. Keys may repeat.
    Map(Vec<(At<String>, Node)>),
}

/// A refusal, with its place and its reason.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) at: Spot,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

/// A collection that is still open.
enum Open {
    List { start: usize, items: Vec<Node> },
    Map { start: usize, entries: Vec<(At<String>, Node)>, key: Option<At<String>> },
}

/// Reads the text of file number `file`. `Ok(None)` is an empty file.
///
/// # Errors
/// What YAML, or the rules of this module, refuse.
pub(super) fn read(file: usize, text: &str) -> Result<Option<Node>, Refused> {
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(file, text, &error))?;
        let at = spot(file, &span);
        let refuse = |message: &str, help| Err(Refused { at, message: message.to_owned(), help: Some(help) });
        let node = match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Comment(..) => continue,
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    return refuse(
                        "a second document begins here",
                        "a file holds one flow; move it to its own",
                    );
                }
                continue;
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) | Event::Anchor(..) => {
                return refuse("flows have no aliases", "write it out");
            }
            Event::Scalar(_, _, anchor, ref tag) if anchor != 0 || tag.is_some() => {
                return refuse("flows have no anchors and no tags", "write the value alone");
            }
            Event::SequenceStart(_, anchor, ref tag) | Event::MappingStart(_, anchor, ref tag)
                if anchor != 0 || tag.is_some() =>
            {
                return refuse("flows have no anchors and no tags", "write the value alone");
            }
            Event::Scalar(text, style, _, _) => Node {
                at,
                data: Data::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain },
            },
            Event::SequenceStart(..) => {
                refuse_as_key(&open, at)?;
                open.push(Open::List { start: at.start, items: Vec::new() });
                continue;
            }
            Event::MappingStart(..) => {
                refuse_as_key(&open, at)?;
                open.push(Open::Map { start: at.start, entries: Vec::new(), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List { start, items }) => {
                    Node { at: collection(file, text, start, at.end), data: Data::List(items) }
                }
                Some(Open::Map { start, entries, .. }) => {
                    Node { at: collection(file, text, start, at.end), data: Data::Map(entries) }
                }
                None => continue,
            },
            // The parser may learn of further events; none of them is a value.
            _ => continue,
        };
        match open.last_mut() {
            None => root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    if let Data::Scalar { text, .. } = node.data {
                        *key = Some(At { value: text, at: node.at });
                    }
                }
            },
        }
    }
    Ok(root.filter(|node| !node.is_nothing()))
}

/// A list or a mapping cannot be the key of a mapping.
fn refuse_as_key(open: &[Open], at: Spot) -> Result<(), Refused> {
    match open.last() {
        Some(Open::Map { key: None, .. }) => Err(Refused {
            at,
            message: "a key is a word, not a list or a mapping".to_owned(),
            help: Some("text that begins with `{` or `[` needs quotes"),
        }),
        _ => Ok(()),
    }
}

fn syntax(file: usize, text: &str, error: &ScanError) -> Refused {
    let start = error.marker().byte_offset().unwrap_or_else(|| {
        text.char_indices().nth(error.marker().index()).map_or(text.len(), |(offset, _)| offset)
    });
    Refused {
        at: Spot { file, start, end: start + 1 },
        message: format!("this is not YAML: {}", error.info()),
        help: Some("the cause may stand in a line above"),
    }
}

fn spot(file: usize, span: &Span) -> Spot {
    let start = span.start.byte_offset().unwrap_or_default();
    Spot { file, start, end: span.end.byte_offset().unwrap_or(start) }
}

/// The bytes of a collection without the blank space and comments after it.
fn collection(file: usize, text: &str, start: usize, end: usize) -> Spot {
    let inside = text.get(start..end).unwrap_or_default();
    Spot { file, start, end: start + inside.trim_end().len() }
}

impl Node {
    /// The text of a scalar.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            Data::List(_) | Data::Map(_) => None,
        }
    }

    /// Whether nothing is written here.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.data, Data::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// What it is, for a sentence: `the number 3`, `a list`.
    pub(super) fn described(&self) -> String {
        match &self.data {
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a mapping".to_owned(),
            Data::Scalar { .. } if self.is_nothing() => "nothing".to_owned(),
            Data::Scalar { text, plain: true } if is_truth(text) => format!("`{text}`"),
            Data::Scalar { text, plain: true } if is_number(text) => format!("the number {text}"),
            Data::Scalar { text, .. } => format!("the text `{text}`"),
        }
    }

    /// The truth that is written here: only `true` and `false` are.
    pub(super) fn truth(&self) -> Option<bool> {
        match &self.data {
            Data::Scalar { text, plain: true } if is_truth(text) => Some(text == "true"),
            _ => None,
        }
    }

    /// The whole number that is written here.
    pub(super) fn whole_number(&self) -> Option<i64> {
        match &self.data {
            Data::Scalar { text, plain: true } => text.parse().ok(),
            _ => None,
        }
    }

    /// The text that is written here: quoted, or plain and nothing else.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, plain: false } => Some(text),
            Data::Scalar { text, plain: true } => {
                (!self.is_nothing() && !is_truth(text) && !is_number(text)).then_some(text.as_str())
            }
            Data::List(_) | Data::Map(_) => None,
        }
    }
}

fn is_truth(text: &str) -> bool {
    matches!(text, "true" | "false")
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'))
        && text.parse::<f64>().is_ok()
}

impl<T> At<T> {
    pub(super) fn new(value: T, at: Spot) -> Self {
        Self { value, at }
    }
}
