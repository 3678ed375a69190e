//! Who understands: the embedded extractor first, a language model where the extractor is unsure.
//!
//! The model copies words and picks acts; what it says is checked before anything is believed. Words that the
//! guest did not say are dropped, the rest is parsed by the extractor, by type. What the extractor found itself
//! stays as it is. A model never says yes: agreeing is not among the acts it may pick, and no yes or no is parsed
//! out of its words.

use std::sync::Arc;

use innkeeper_engine::{Act, By, Expecting, Kind, Question, ScopedSlot, Understanding};
use minijinja::{Environment, context};

use super::decide::ReadOut;
use super::extract::{Extractor, Reading, asks_for};
use super::token::{Token, TokenKind, tokens};
use crate::llm::{Brief, Copied, LanguageModel};

/// What a model is told, unless the house says it otherwise.
const INSTRUCTIONS: &str = include_str!("../../../prompts/en/understand.j2");
/// The name of the template.
const TEMPLATE: &str = "understand.j2";
/// The most options of a choice that a model is shown.
const OPTIONS_MAX: usize = 12;

/// The acts that a model may pick, besides starting a flow.
const ACTS: [(&str, Act); 13] = [
    ("deny", Act::Deny),
    ("cancel", Act::Cancel),
    ("change", Act::Change),
    ("undo", Act::Undo),
    ("more", Act::More),
    ("repeat", Act::Repeat),
    ("help", Act::Help),
    ("human", Act::Human),
    ("greet", Act::Greet),
    ("thank", Act::Thank),
    ("bye", Act::Bye),
    ("question", Act::Question),
    ("wait", Act::Wait),
];

/// Understands messages.
#[derive(Clone, Debug)]
pub struct Understander {
    extractor: Extractor,
    model: Option<Arc<dyn LanguageModel>>,
    instructions: Environment<'static>,
}

/// Instructions that are no template.
#[derive(Debug, thiserror::Error)]
#[error("the model's instructions cannot be read")]
pub struct InstructionsFault(#[from] minijinja::Error);

impl Understander {
    /// Understands by rules, and asks `model` where they are unsure.
    pub fn new(extractor: Extractor, model: Option<Arc<dyn LanguageModel>>) -> Self {
        let mut instructions = Environment::new();
        if let Err(error) = instructions.add_template(TEMPLATE, INSTRUCTIONS) {
            tracing::error!(%error, "the built-in instructions cannot be read: no model is asked");
        }
        Self { extractor, model, instructions }
    }

    /// The same, with other instructions for the model.
    ///
    /// # Errors
    /// The text is no template.
    pub fn instructed(mut self, template: String) -> Result<Self, InstructionsFault> {
        self.instructions.add_template_owned(TEMPLATE, template)?;
        Ok(self)
    }

    pub(super) fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// Whether a message asks how something is spelled.
    pub fn asks_to_spell(&self, said: &str) -> bool {
        self.extractor.asks_to_spell(said)
    }

    /// What a message means. A model that fails, for whatever reason, leaves what the rules understood.
    pub async fn understand(&self, question: &Question) -> Understanding {
        self.read(question, Reading::default()).await.understanding
    }

    /// The same of words that came from a recogniser: its slips are put right first. Of a list the guest heard `at_once`
    /// items at once, where not all of them were given.
    pub async fn understand_spoken(&self, question: &Question, at_once: Option<usize>) -> Understanding {
        let reading = Reading { at_once, ..Reading::default() };
        match self.extractor.mended(question) {
            Some(said) => self.read(&Question { said, ..question.clone() }, reading).await.understanding,
            None => self.read(question, reading).await.understanding,
        }
    }

    pub(super) async fn read(&self, question: &Question, reading: Reading) -> ReadOut {
        let out = self.extractor.read(question, reading);
        let Some(model) = &self.model else { return out };
        if out.understanding.sure || question.kept || question.said.trim().is_empty() {
            return out;
        }
        let Some(brief) = self.brief(question) else { return out };
        match model.understand(&brief).await {
            Ok(copied) => self.merge(out, &copied, question),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the language model gave no answer; the rules' understanding stands"
                );
                out
            }
        }
    }

    fn brief(&self, question: &Question) -> Option<Brief> {
        let slots = askable(question);
        let described: Vec<_> = slots
            .iter()
            .map(|slot| {
                let items = slot.items.iter().flatten().take(OPTIONS_MAX);
                let options: Vec<String> = items.map(|item| item.label.clone()).collect();
                context! { name => slot.name.clone(), kind => slot.kind.name(), options => options }
            })
            .collect();
        let starts = question.starts.iter().filter(|start| question.flow.as_ref() != Some(&start.flow));
        let mut acts: Vec<_> = ACTS.iter().map(|(name, _)| context! { name => *name }).collect();
        acts.extend(starts.clone().map(|start| {
            context! { name => format!("start:{}", start.flow), description => start.description.clone() }
        }));
        let expecting = match &question.expecting {
            Expecting::Slot(slot) => Some(&**slot),
            Expecting::Anything | Expecting::Confirmation | Expecting::Change => None,
        };
        let facts = context! {
            today => question.today.to_string(),
            expecting => expecting,
            slots => described,
            acts => acts,
        };
        let template = self.instructions.get_template(TEMPLATE).ok()?;
        let instructions = match template.render(facts) {
            Ok(instructions) => instructions,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the model's instructions cannot be rendered"
                );
                return None;
            }
        };
        let names = ACTS.iter().map(|(name, _)| (*name).to_owned());
        Some(Brief {
            instructions,
            said: question.said.clone(),
            slots: slots.iter().map(|slot| slot.name.clone()).collect(),
            acts: names.chain(starts.map(|start| format!("start:{}", start.flow))).collect(),
        })
    }

    /// Adds to what the rules found what the model copied, as far as it can be believed.
    fn merge(&self, mut out: ReadOut, copied: &Copied, question: &Question) -> ReadOut {
        let understood = &mut out.understanding;
        let mut acts: Vec<Act> =
            understood.acts.iter().filter(|act| **act != Act::Unclear).cloned().collect();
        let decided =
            acts.iter().any(|act| matches!(act, Act::Affirm | Act::Deny | Act::Cancel | Act::Start(_)));
        let mut added = false;
        for name in &copied.acts {
            let Some(act) = act(name, question) else { continue };
            let decides = matches!(act, Act::Deny | Act::Cancel | Act::Start(_));
            if !(acts.contains(&act) || decided && decides) {
                acts.push(act);
                added = true;
            }
        }
        if acts.iter().any(|act| matches!(act, Act::Start(_))) && !understood.acts.contains(&Act::Question) {
            // What the model calls a question is the wish itself.
            acts.retain(|act| *act != Act::Question);
        }
        let started = acts.iter().find_map(|act| match act {
            Act::Start(flow) => question.starts.iter().find(|start| start.flow == *flow),
            _ => None,
        });
        let scope = match started {
            Some(start) if question.scope.is_empty() || question.flow.is_some() => &start.slots,
            _ => &question.scope,
        };
        let said = words(&question.said);
        for (name, words) in &copied.words {
            let Some(slot) = scope.iter().find(|slot| slot.name == *name) else { continue };
            if understood.slots.contains_key(name) || slot.kind == Kind::Boolean || !is_said(&said, words) {
                continue;
            }
            if let Some(heard) = self.parse(slot, words, question) {
                understood.slots.insert(name.clone(), heard);
                added = true;
            }
        }
        if added {
            understood.sure = true;
            understood.by = By::Model;
            understood.acts = acts;
        }
        out
    }

    /// The value of copied words, parsed by the type of their slot alone.
    fn parse(&self, slot: &ScopedSlot, words: &str, question: &Question) -> Option<innkeeper_engine::Heard> {
        let expected = asks_for(&question.expecting, &slot.name);
        let bare_number = tokens(words).iter().all(|token| !token.is_word());
        if bare_number
            && !expected
            && !matches!(
                slot.kind,
                Kind::DateRange { .. } | Kind::Date { .. } | Kind::Phone | Kind::Reference
            )
        {
            return None;
        }
        let alone = Question {
            said: words.to_owned(),
            button: None,
            today: question.today,
            expecting: Expecting::Slot(slot.name.as_str().into()),
            unanswered: Vec::new(),
            flow: question.flow.clone(),
            scope: vec![slot.clone()],
            starts: Vec::new(),
            page: 0,
            among: Vec::new(),
            kept: false,
            besides: Vec::new(),
        };
        self.extractor.read(&alone, Reading::default()).understanding.slots.shift_remove(&slot.name)
    }
}

/// The slots that words may be copied for: of the flow under way, else of all flows that can be asked for.
fn askable(question: &Question) -> Vec<&ScopedSlot> {
    if question.flow.is_some() || !question.scope.is_empty() {
        return question.scope.iter().collect();
    }
    let mut slots: Vec<&ScopedSlot> = Vec::new();
    for slot in question.starts.iter().flat_map(|start| &start.slots) {
        if !slots.iter().any(|known| known.name == slot.name) {
            slots.push(slot);
        }
    }
    slots
}

fn act(name: &str, question: &Question) -> Option<Act> {
    if let Some(flow) = name.strip_prefix("start:") {
        let known =
            question.starts.iter().any(|start| start.flow == flow) && question.flow.as_deref() != Some(flow);
        return known.then(|| Act::Start(flow.to_owned()));
    }
    ACTS.iter().find(|(known, _)| *known == name).map(|(_, act)| act.clone())
}

/// The words and numbers of a text, without signs and capitals.
fn words(text: &str) -> Vec<String> {
    let is_sign = |token: &Token| matches!(token.kind, TokenKind::Sign(_));
    tokens(text).into_iter().filter(|token| !is_sign(token)).map(|token| token.text).collect()
}

/// Whether the copied words stand in the message in one piece, from the beginning of a word to the end of one;
/// capitals, spaces and signs do not matter.
fn is_said(said: &[String], copied: &str) -> bool {
    let wanted: String = words(copied).concat();
    if wanted.is_empty() {
        return false;
    }
    (0..said.len()).any(|from| {
        let mut rest = wanted.as_str();
        for word in &said[from..] {
            let Some(after) = rest.strip_prefix(word.as_str()) else { return false };
            if after.is_empty() {
                return true;
            }
            rest = after;
        }
        false
    })
}
