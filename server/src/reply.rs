//! Replies: from what the engine wants said to the words a guest reads or hears.
//!
//! A prompt is a minijinja template `prompts/<language>/<name>.chat.j2`, `<name>.voice.j2`, or `<name>.j2` for both.
//! The prompts in the binary are complete; a folder may be laid over them, and what is saved there counts from the next
//! reply on, once all of it is right ([`CurrentReplies`]). Nothing is ever left out of a sentence: a fact that is missing is a fault with its line, and
//! every value is made harmless on its way in, so that no name can turn the rest of a message bold.

mod bubbles;
mod buttons;
mod catalog;
mod current;
mod filters;
mod fixed;
mod grammar;
mod layers;
mod listening;
mod neutral;
mod phrasing;
mod reading;
mod rephrase;
mod split;
mod unused;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use chrono::NaiveDate;
use indexmap::IndexMap;
use innkeeper_engine::flow::Place;
use innkeeper_engine::{Expecting, Prompts, Say};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::{Value as Json, json};

use self::grammar::Grammar;
use crate::message::{Button, ButtonTitles, Limits};

pub use self::bubbles::bubbles;
pub use self::current::CurrentReplies;
pub use self::layers::Layers;
pub use self::phrasing::{Phrasing, PhrasingFault};
pub use self::rephrase::Rephraser;
pub use self::split::split;
pub use self::unused::Unused;

/// Facts within facts are looked at so deep for what may be filled into a template.
const DEEP: usize = 2;

/// Every sentence a guest can get, in every language.
#[derive(Debug)]
pub struct Replies {
    layers: Arc<Layers>,
    titles: BTreeMap<String, ButtonTitles>,
    /// What people say who only listen.
    back_channels: BTreeMap<String, Vec<String>>,
    /// The prompts as they are now.
    prompts: Environment<'static>,
    /// The prompts in the binary alone, for when one laid over them is broken.
    built_in: Environment<'static>,
}

/// How a guest takes a reply in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// Reads it.
    Chat,
    /// Hears it.
    Voice,
}

/// Whom a reply is for, and what every prompt may say besides the facts of the conversation.
#[derive(Clone, Copy, Debug)]
pub struct Listener<'a> {
    /// How the guest takes it in.
    pub medium: Medium,
    /// The guest's language, one of [`Replies::languages`].
    pub language: &'a str,
    /// The day it is at the hotel.
    pub today: NaiveDate,
    /// Facts of the house, for example `hotel`.
    pub house: &'a IndexMap<String, Json>,
    /// What fits into one message to them.
    pub limits: &'static Limits,
    /// Whether names and codes are spelled, because they asked for that.
    pub spelled: bool,
}

/// One message to a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The words; for a chat with WhatsApp's formatting, for a voice ready to be spoken.
    pub text: String,
    /// What can be pressed instead of written.
    pub buttons: Vec<Button>,
    /// What is written on what opens a list of it.
    pub opener: String,
    /// The ids of the sayings it conveys.
    pub says: Vec<u32>,
}

/// Why there are no words for what should be said.
#[derive(Debug, thiserror::Error)]
pub enum ReplyFault {
    /// The guest has said more meanwhile: what would be said is out of date.
    #[error("the guest has said more")]
    Overtaken,
    /// Whether the guest has said more cannot be read.
    #[error("whether the guest has said more cannot be read")]
    Unread(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No file of that name.
    #[error("there is no prompt {prompt} for {medium} in {language}", medium = medium.name())]
    Missing {
        /// The prompt's name.
        prompt: String,
        /// The language looked in.
        language: String,
        /// The medium looked for.
        medium: Medium,
    },
    /// The template is broken, or a fact it needs is missing.
    #[error("{} line {}: {reason}", .place.file, .place.line)]
    Template {
        /// Where.
        place: Box<Place>,
        /// What is wrong.
        reason: String,
    },
    /// A file that is not a template cannot be used.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// Everything that is wrong with the prompts, broken templates with the line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ReplyFault::with_excerpt).collect::<Vec<_>>().join("\n"))]
pub struct ReplyFaults(pub Vec<ReplyFault>);

impl Medium {
    /// How many items of a list are offered at once; the rest comes when the guest asks for more.
    pub fn at_once(self) -> Option<usize> {
        match self {
            Self::Chat => None,
            Self::Voice => Some(2),
        }
    }

    /// What flows, prompts and file names call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Voice => "voice",
        }
    }
}

impl Replies {
    /// Reads and compiles all prompts. `titles` are the words on yes and no buttons, by language.
    ///
    /// # Errors
    /// Every template that does not compile and every grammar that is incomplete.
    pub fn new(layers: Layers, titles: BTreeMap<String, ButtonTitles>) -> Result<Self, ReplyFaults> {
        match Self::read(layers, titles) {
            (replies, None) => Ok(replies),
            (_, Some(faults)) => Err(faults),
        }
    }

    /// The same with what is wrong beside it: flows can be checked on prompts that have mistakes.
    pub fn read(layers: Layers, titles: BTreeMap<String, ButtonTitles>) -> (Self, Option<ReplyFaults>) {
        let layers = Arc::new(layers);
        let mut faults = Vec::new();
        let mut grammars = BTreeMap::new();
        for language in layers.languages() {
            match Grammar::read(&layers, &language) {
                Ok(grammar) => _ = grammars.insert(language, grammar),
                Err(fault) => faults.push(fault),
            }
        }
        let back_channels = listening::read(&layers, &mut faults);
        let grammars = Arc::new(grammars);
        let built_in = environment(Arc::new(layers.built_in()), &grammars);
        let prompts = environment(Arc::clone(&layers), &grammars);
        for name in layers.templates().into_keys() {
            if let Err(error) = prompts.get_template(name) {
                faults.push(ReplyFault::of(&error, name, &layers));
            }
        }
        let faults = (!faults.is_empty()).then_some(ReplyFaults(faults));
        (Self { layers, titles, back_channels, prompts, built_in }, faults)
    }

    /// The languages there are prompts in.
    pub fn languages(&self) -> Vec<String> {
        self.layers.languages()
    }

    /// What people say on the telephone who only show that they listen; nothing in a language that has no such list.
    pub fn back_channels(&self, language: &str) -> &[String] {
        self.back_channels.get(language).map_or(&[], Vec::as_slice)
    }

    /// All prompts with the variables they use, for the checker of flows.
    pub fn catalog(&self) -> Prompts {
        catalog::of(&self.layers, &self.prompts)
    }

    /// What one turn says, merged into one message; none if it says nothing.
    ///
    /// # Errors
    /// A prompt that is not there, or that cannot be said with these facts. A broken prompt that is laid over one in
    /// the binary is passed over for that one.
    pub fn render(&self, says: &[Say], listener: &Listener<'_>) -> Result<Vec<Reply>, ReplyFault> {
        let mut parts: Vec<String> = Vec::new();
        for say in says {
            let part = self.say(say, listener)?;
            if !part.is_empty() && !parts.contains(&part) {
                parts.push(part);
            }
        }
        let between = match listener.medium {
            Medium::Chat => "\n\n",
            Medium::Voice => " ",
        };
        let (buttons, opener) = match (listener.medium, says.last(), self.titles.get(listener.language)) {
            (Medium::Chat, Some(last), Some(titles)) => {
                (buttons::below(last, titles, listener.limits), titles.choose.clone())
            }
            (Medium::Chat | Medium::Voice, _, _) => (Vec::new(), String::new()),
        };
        let says = says.iter().map(|say| say.id).collect();
        let reply = Reply { text: parts.join(between), buttons, opener, says };
        Ok(if reply.text.is_empty() { Vec::new() } else { vec![reply] })
    }

    /// The facts of a saying as a guest reads them, by name (`hotel.name`, `quote.total`): what may be filled into a
    /// template that a provider approved. What has no short form is left out.
    pub fn values(&self, say: &Say, listener: &Listener<'_>) -> BTreeMap<String, String> {
        let facts = context(say, listener);
        let mut values = BTreeMap::new();
        for (name, fact) in &facts {
            self.value(name, fact, DEEP, &facts, &mut values);
        }
        values
    }

    fn value(
        &self,
        name: &str,
        fact: &Json,
        deep: usize,
        facts: &IndexMap<String, Json>,
        values: &mut BTreeMap<String, String>,
    ) {
        let has = |fact: &Json, field: &str| fact.get(field).is_some();
        let shown = match fact {
            Json::Object(_) if has(fact, "minor") && has(fact, "currency") => "{{ value | money }}",
            Json::Object(_) if has(fact, "check_in") && has(fact, "check_out") => "{{ value | date_range }}",
            Json::String(text) if text.parse::<NaiveDate>().is_ok() => "{{ value | day }}",
            Json::String(_) | Json::Number(_) => "{{ value }}",
            Json::Object(fields) if deep > 0 => {
                for (field, fact) in fields {
                    self.value(&format!("{name}.{field}"), fact, deep - 1, facts, values);
                }
                return;
            }
            Json::Object(_) | Json::Array(_) | Json::Bool(_) | Json::Null => return,
        };
        let mut context = facts.clone();
        context.insert("value".to_owned(), fact.clone());
        let language = facts.get("language").and_then(Json::as_str).unwrap_or_default();
        let rendered = self.prompts.render_named_str(
            &format!("{language}/value"),
            shown,
            minijinja::value::Serde(&context),
        );
        if let Ok(rendered) = rendered {
            values.insert(name.to_owned(), neutral::one_line(&rendered));
        }
    }

    fn say(&self, say: &Say, listener: &Listener<'_>) -> Result<String, ReplyFault> {
        let context = context(say, listener);
        let render = |environment: &Environment<'static>, layers: &Layers| {
            let name = layers.find(&say.prompt, listener.language, listener.medium).ok_or_else(|| {
                ReplyFault::Missing {
                    prompt: say.prompt.to_string(),
                    language: listener.language.to_owned(),
                    medium: listener.medium,
                }
            })?;
            environment
                .get_template(&name)
                .and_then(|template| template.render(minijinja::value::Serde(&context)))
                .map_err(|error| ReplyFault::of(&error, &name, layers))
        };
        let rendered = match render(&self.prompts, &self.layers) {
            Ok(rendered) => rendered,
            Err(fault) if self.layers.has_overlay() => {
                let Ok(rendered) = render(&self.built_in, &self.layers.built_in()) else { return Err(fault) };
                tracing::warn!(%fault, "a prompt cannot be used; the one in the binary is");
                rendered
            }
            Err(fault) => return Err(fault),
        };
        Ok(match listener.medium {
            Medium::Chat => neutral::tidy(&rendered),
            Medium::Voice => neutral::one_line(&rendered),
        })
    }
}

impl ReplyFault {
    fn of(error: &minijinja::Error, template: &str, layers: &Layers) -> Self {
        let reason = error
            .detail()
            .map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        let template = error.name().unwrap_or(template);
        let text: Arc<str> = Arc::from(layers.text(template).unwrap_or_default());
        let line = error.line().unwrap_or(1);
        let place = |at: Range<usize>| Place::new(&layers.place(template), &text, at.start, at.end);
        // What is unfinished is noticed behind it.
        let exact = error.range().map(place).filter(|place| place.line == line);
        Self::Template { place: Box::new(exact.unwrap_or_else(|| place(line_of(&text, line)))), reason }
    }

    /// The fault, and below it the line where it stands in a template.
    fn with_excerpt(&self) -> String {
        match self {
            Self::Template { place, .. } => format!("{self}\n{}", place.excerpt()),
            Self::Overtaken | Self::Unread(_) | Self::Missing { .. } | Self::File { .. } => self.to_string(),
        }
    }
}

/// The bytes of a line, counted from 1, without what is blank on both its sides.
fn line_of(text: &str, number: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(number.saturating_sub(1)).map(str::len).sum();
    let line = text[start..].lines().next().unwrap_or_default();
    let start = start + line.len() - line.trim_start().len();
    start..start + line.trim().len()
}

/// The facts of one saying: the house's, then the conversation's, then its own.
fn context(say: &Say, listener: &Listener<'_>) -> IndexMap<String, Json> {
    let mut facts = listener.house.clone();
    facts.insert("today".to_owned(), json!(listener.today));
    facts.extend(say.facts());
    facts.insert("channel".to_owned(), json!(listener.medium.name()));
    facts.insert("language".to_owned(), json!(listener.language));
    facts.insert("spelled".to_owned(), json!(listener.spelled));
    facts.insert("items".to_owned(), json!(say.items()));
    facts.insert("page".to_owned(), json!(say.page));
    if let Some(invalid) = &say.invalid {
        facts.insert("invalid".to_owned(), invalid.json());
    }
    if let Expecting::Slot(slot) = &say.expecting {
        facts.insert("slot".to_owned(), json!(**slot));
    }
    facts
}

fn environment(layers: Arc<Layers>, grammars: &Arc<BTreeMap<String, Grammar>>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("guest".into()));
    environment.set_path_join_callback(|name, parent| match parent.split_once('/') {
        Some((language, _)) if !name.contains('/') => format!("{language}/{name}").into(),
        _ => name.into(),
    });
    filters::add(&mut environment, grammars);
    environment.set_loader(move |name| Ok(layers.text(name).map(str::to_owned)));
    environment
}
