//! What guards, arguments and prompts see of a running flow.
//!
//! A [`View`] borrows it while a step runs; a [`Snapshot`] keeps it, which costs a few reference counts, because positions
//! are shared. Neither copies a value before somebody asks for it.

use std::cell::OnceCell;
use std::sync::Arc;

use chrono::NaiveDate;
use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use serde_json::{Value as Json, json};

use crate::effect::{Expecting, Origin};
use crate::flow::{Flow, SlotId};
use crate::guard::{Fact, Path, Root};
use crate::position::{Frame, Guest, Position, States, plain};
use crate::slot::{Item, Kind, Options, Places, Value, below, found, part};

/// Facts as they are now.
pub(crate) struct View<'a> {
    pub(crate) flow: &'a Arc<Flow>,
    pub(crate) frame: &'a Frame,
    pub(crate) guest: &'a Arc<Guest>,
    pub(crate) now: Now,
    /// The item of an `each`, with its name.
    pub(crate) item: Option<(Arc<str>, Arc<Json>)>,
    /// The named event that is handled.
    pub(crate) event: Option<Arc<Json>>,
    /// States that are active besides the ones that the active atomic states tell of.
    pub(crate) between: States,
    context: OnceCell<minijinja::Value>,
}

/// What changes from turn to turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) today: NaiveDate,
    pub(crate) unclear: u32,
    pub(crate) silence: u32,
    pub(crate) busy: bool,
    pub(crate) undoable: bool,
    pub(crate) waiting: usize,
}

/// Facts as they were.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    flow: Arc<Flow>,
    holds: Holds,
    now: Now,
    item: Option<(Arc<str>, Arc<Json>)>,
    event: Option<Arc<Json>>,
    between: States,
}

/// Where the facts of a snapshot are.
#[derive(Clone, Debug)]
enum Holds {
    /// In a position that has its flow.
    Position(Position),
    /// In a copy of their own.
    Copy(Box<(Frame, Arc<Guest>)>),
}

impl<'a> View<'a> {
    pub(crate) fn new(flow: &'a Arc<Flow>, frame: &'a Frame, guest: &'a Arc<Guest>, now: Now) -> Self {
        Self {
            flow,
            frame,
            guest,
            now,
            item: None,
            event: None,
            between: States::new(),
            context: OnceCell::new(),
        }
    }

    /// The value at a path; [`Json::Null`] where there is none.
    pub(crate) fn at(&self, path: &Path) -> Json {
        match path.root {
            Root::Slot(slot) => self.frame.slots.get(slot).map_or(Json::Null, |value| value.at(&path.fields)),
            Root::Result(result) => {
                self.frame.result(result).map_or(Json::Null, |saved| below(&saved.value, &path.fields))
            }
            Root::Item => match &self.item {
                Some((_, item)) => below(item, &path.fields),
                None => Json::Null,
            },
            other => below(&self.other(other), &path.fields),
        }
    }

    /// The fact at a path where it is; `None` for one that is put together when it is asked for.
    pub(crate) fn fact(&self, path: &Path) -> Option<Fact<'_>> {
        let fields = path.fields.as_slice();
        Some(match path.root {
            Root::Slot(slot) => match self.frame.slots.get(slot) {
                Some(value) => value.fact(fields)?,
                None => Fact::Absent,
            },
            Root::Result(result) => {
                Fact::of(self.frame.result(result).and_then(|saved| found(&saved.value, fields)))
            }
            Root::Item => Fact::of(self.item.as_ref().and_then(|(_, item)| found(item, fields))),
            Root::Event => Fact::of(self.event.as_ref().and_then(|event| found(event, fields))),
            Root::Error => match (&self.frame.error, fields) {
                (Some(failure), [field]) if **field == *"code" => Fact::Text(&failure.code),
                (Some(failure), [field]) if **field == *"message" => Fact::Text(&failure.message),
                (Some(_), []) => Fact::Parts,
                _ => Fact::Absent,
            },
            Root::Outcome if fields.is_empty() => {
                self.frame.outcome.as_deref().map_or(Fact::Absent, Fact::Text)
            }
            Root::Unclear if fields.is_empty() => Fact::Number(self.now.unclear.into()),
            Root::Silence if fields.is_empty() => Fact::Number(self.now.silence.into()),
            Root::Waiting if fields.is_empty() => Fact::Number(i64::try_from(self.now.waiting).ok()?),
            Root::Busy if fields.is_empty() => Fact::Truth(self.now.busy),
            Root::Undoable if fields.is_empty() => Fact::Truth(self.now.undoable),
            Root::Guest => match fields {
                [field] if **field == *"phone" => {
                    self.guest.phone.as_deref().map_or(Fact::Absent, Fact::Text)
                }
                [field] if **field == *"known" => Fact::Truth(!self.guest.remembered.is_empty()),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// What a call is given that is told the value at a path, `Some(None)` for null; `None` for what is put together when
    /// it is asked for.
    pub(crate) fn given(&self, path: &Arc<Path>) -> Option<Option<Origin>> {
        let path = Arc::clone(path);
        match path.root {
            Root::Slot(slot) => Some(match self.frame.slots.get(slot) {
                Some(value) if !value.is_null_at(&path.fields) => Some(Origin::Slot(value.clone(), path)),
                _ => None,
            }),
            Root::Result(result) => Some(self.frame.result(result).and_then(|saved| {
                let part = found(&saved.value, &path.fields)?;
                (!part.is_null()).then(|| Origin::Result(Arc::clone(&saved.value), path))
            })),
            _ => None,
        }
    }

    /// Whether a call was given the very value that is at a path now. Another may be equal to it.
    pub(crate) fn still_gives(&self, path: &Arc<Path>, given: &Origin) -> bool {
        match (path.root, given) {
            (Root::Slot(slot), Origin::Slot(value, from)) => {
                Arc::ptr_eq(path, from) && self.frame.slots.get(slot).is_some_and(|now| now.means(value))
            }
            (Root::Result(result), Origin::Result(whole, from)) => {
                Arc::ptr_eq(path, from)
                    && self.frame.result(result).is_some_and(|now| Arc::ptr_eq(&now.value, whole))
            }
            _ => false,
        }
    }

    /// Whether the value at a path is `given`, which is not null.
    pub(crate) fn is(&self, path: &Path, given: &Json) -> bool {
        !given.is_null()
            && match path.root {
                Root::Slot(slot) => {
                    self.frame.slots.get(slot).is_some_and(|value| value.is_at(&path.fields, given))
                }
                Root::Result(result) => self
                    .frame
                    .result(result)
                    .and_then(|saved| found(&saved.value, &path.fields))
                    .is_some_and(|known| known == given),
                _ => self.at(path) == *given,
            }
    }

    fn other(&self, root: Root) -> Json {
        match root {
            Root::Slot(_) | Root::Result(_) | Root::Item => Json::Null,
            Root::Guest => self.guest.json(),
            Root::Error => match &self.frame.error {
                Some(failure) => json!({ "code": &*failure.code, "message": &*failure.message }),
                None => Json::Null,
            },
            Root::Outcome => self.frame.outcome.as_deref().map_or(Json::Null, Json::from),
            Root::Event => self.event.as_ref().map_or(Json::Null, |event| (**event).clone()),
            Root::Active => {
                let mut active = self.frame.configuration(self.flow);
                active.extend(self.between.iter().copied());
                active.sort_unstable();
                active.dedup();
                active
                    .into_iter()
                    .filter_map(|state| self.flow.state_name(state))
                    .map(|name| json!(**name))
                    .collect()
            }
            Root::Today => json!(self.now.today),
            Root::Unclear => self.now.unclear.into(),
            Root::Silence => self.now.silence.into(),
            Root::Busy => self.now.busy.into(),
            Root::Undoable => self.now.undoable.into(),
            Root::Waiting => self.now.waiting.into(),
        }
    }

    /// What minijinja evaluates over.
    pub(crate) fn context(&self) -> minijinja::Value {
        self.context.get_or_init(|| minijinja::Value::from_object(self.snapshot())).clone()
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            flow: Arc::clone(self.flow),
            holds: Holds::Copy(Box::new((self.frame.clone(), Arc::clone(self.guest)))),
            now: self.now,
            item: self.item.clone(),
            event: self.event.clone(),
            between: plain(&self.between),
        }
    }
}

impl Snapshot {
    /// The facts of a flow that runs in a position, or has just ended in it.
    pub(crate) fn of(flow: &Arc<Flow>, position: Position, now: Now, event: Option<Arc<Json>>) -> Self {
        let (flow, holds) = (Arc::clone(flow), Holds::Position(position));
        Self { flow, holds, now, item: None, event, between: States::new() }
    }

    fn frame(&self) -> &Frame {
        match &self.holds {
            Holds::Position(position) => position.about(self.flow.id).unwrap_or_else(|| position.frame()),
            Holds::Copy(copy) => &copy.0,
        }
    }

    fn guest(&self) -> &Arc<Guest> {
        match &self.holds {
            Holds::Position(position) => &position.guest,
            Holds::Copy(copy) => &copy.1,
        }
    }

    fn view(&self) -> View<'_> {
        View {
            item: self.item.clone(),
            event: self.event.clone(),
            between: plain(&self.between),
            ..View::new(&self.flow, self.frame(), self.guest(), self.now)
        }
    }

    /// All facts by name; a question's slot and its kind among them.
    pub(crate) fn json(&self, expecting: &Expecting) -> IndexMap<String, Json> {
        let view = self.view();
        let mut facts = IndexMap::new();
        for (name, saved) in self.flow.results.keys().zip(&self.frame().results) {
            if let Some(saved) = saved {
                facts.insert(name.to_string(), (*saved.value).clone());
            }
        }
        for (slot, value) in self.frame().slots.iter() {
            if let Some(name) = self.flow.slot_name(slot) {
                facts.insert(name.to_string(), value.json());
            }
        }
        for (name, root) in crate::guard::NAMES {
            let value = view.other(*root);
            if !value.is_null() {
                facts.insert((*name).to_owned(), value);
            }
        }
        if let Some((name, item)) = &self.item {
            facts.insert(name.to_string(), (**item).clone());
        }
        if let Expecting::Slot(name) = expecting {
            facts.insert("slot".to_owned(), json!(**name));
            facts.insert("kind".to_owned(), json!(self.kind(name)));
        }
        facts
    }

    /// What flows call the kind of a slot.
    pub(crate) fn kind(&self, slot: &str) -> Option<&'static str> {
        self.flow.slots.get(slot).map(|slot| slot.kind.name())
    }

    /// The list of a choice slot as it is offered; empty for other kinds. Those that the guest has said it is one of
    /// are all of the first page, and come first on the others.
    pub(crate) fn items(&self, slot: &str, page: u32) -> Vec<Item> {
        let Some(id) = self.flow.slot_id(slot) else { return Vec::new() };
        let mut items = self.flow.slot(id).and_then(|slot| items_of(slot, self.frame())).unwrap_or_default();
        let wanted = foremost(id, &mut items, self.frame());
        if page == 0 && wanted > 0 {
            items.truncate(wanted);
        }
        items
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.flow.name == other.flow.name
            && self.frame() == other.frame()
            && self.guest() == other.guest()
            && self.now == other.now
            && self.item == other.item
            && self.event == other.event
            && self.between == other.between
    }
}

impl Object for Snapshot {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        let name = key.as_str()?;
        if let Some((item, value)) = &self.item
            && &**item == name
        {
            return Some(Seen::value(value));
        }
        if let Some(slot) = self.flow.slot_id(name)
            && let Some(value) = self.frame().slots.get(slot)
        {
            return Some(match value {
                Value::Choice(item) => {
                    let (whole, places) = item.record.place();
                    Seen::shown(&item.record, whole, places.into())
                }
                other => minijinja::Value::from(minijinja::value::Serde(other.json())),
            });
        }
        if let Some(result) = self.flow.results.get_index_of(name)
            && let Some(saved) = self.frame().results.get(result).and_then(Option::as_ref)
        {
            return Some(Seen::value(&saved.value));
        }
        let (_, root) = crate::guard::NAMES.iter().find(|(known, _)| *known == name)?;
        match self.view().other(*root) {
            Json::Null => None,
            json => Some(minijinja::Value::from(minijinja::value::Serde(json))),
        }
    }
}

/// JSON as minijinja sees it, looked into where it is.
#[derive(Debug)]
struct Seen {
    whole: Arc<Json>,
    /// Places from the whole to the part.
    places: Places,
}

impl Seen {
    fn value(json: &Arc<Json>) -> minijinja::Value {
        Self::shown(json, json, Places::new())
    }

    fn shown(part: &Json, whole: &Arc<Json>, places: Places) -> minijinja::Value {
        match part {
            Json::Array(_) | Json::Object(_) => {
                minijinja::Value::from_object(Self { whole: Arc::clone(whole), places })
            }
            scalar => minijinja::Value::from(minijinja::value::Serde(scalar)),
        }
    }

    fn part(&self) -> &Json {
        part(&self.whole, &self.places)
    }

    /// Something in it; undefined where no place has so great a number.
    fn below(&self, place: usize, part: &Json) -> minijinja::Value {
        let Ok(place) = u32::try_from(place) else { return minijinja::Value::UNDEFINED };
        let mut places = plain(&self.places);
        places.push(place);
        Self::shown(part, &self.whole, places)
    }
}

impl Object for Seen {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.part() {
            Json::Array(_) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        match self.part() {
            Json::Array(items) => {
                let place = key.as_usize()?;
                Some(self.below(place, items.get(place)?))
            }
            Json::Object(fields) => {
                let name = key.as_str()?;
                let place = fields.keys().position(|known| known == name)?;
                Some(self.below(place, fields.get(name)?))
            }
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.part() {
            Json::Array(items) => Enumerator::Seq(items.len()),
            Json::Object(fields) => {
                Enumerator::Values(fields.keys().map(|name| minijinja::Value::from(name.as_str())).collect())
            }
            _ => Enumerator::NonEnumerable,
        }
    }
}

/// The list of a choice as it stands: `None` while its result does not exist; empty for other kinds.
pub(crate) fn items_of(slot: &crate::flow::Slot, frame: &Frame) -> Option<Vec<Item>> {
    match &slot.kind {
        Kind::Choice(options) => options.items(list_of(slot, frame)),
        _ => Some(Vec::new()),
    }
}

/// Puts the items that the guest has said it is one of first. How many there are: none where the list has none, or no
/// other.
pub(crate) fn foremost(slot: SlotId, items: &mut [Item], frame: &Frame) -> usize {
    let Some(among) = frame.among.as_ref().filter(|among| among.slot == slot) else { return 0 };
    let is_wanted = |item: &Item| among.keys.iter().any(|key| **key == item.key);
    let wanted = items.iter().filter(|item| is_wanted(item)).count();
    if wanted == items.len() {
        return 0;
    }
    items.sort_by_key(|item| !is_wanted(item));
    wanted
}

/// Whether there is a list to choose from: always, unless it is in a result that does not exist yet.
pub(crate) fn has_items(slot: &crate::flow::Slot, frame: &Frame) -> bool {
    match &slot.kind {
        Kind::Choice(Options::From { .. }) => list_of(slot, frame).is_some(),
        _ => true,
    }
}

/// An item of a choice's list by its key.
pub(crate) fn item_of(slot: &crate::flow::Slot, frame: &Frame, key: &str) -> Option<Arc<Item>> {
    match &slot.kind {
        Kind::Choice(Options::Fixed(_)) => slot.fixed.iter().find(|item| item.key == key).cloned(),
        Kind::Choice(options @ Options::From { .. }) => {
            options.item_of(key, list_of(slot, frame)).map(Arc::new)
        }
        _ => None,
    }
}

fn list_of<'f>(slot: &crate::flow::Slot, frame: &'f Frame) -> Option<&'f Arc<Json>> {
    Some(&frame.result(slot.list?)?.value)
}
