//! Replies in a language model's words, where those say the same.

use std::sync::Arc;

use super::bubbles::bubbles;
use super::phrasing::Phrasing;
use super::split::units;
use crate::llm::LanguageModel;
use crate::message::Limits;

/// A reply in other words may be so much longer, in units: twice and this.
const ROOM: usize = 120;

/// Puts replies into other words.
#[derive(Clone, Debug)]
pub struct Rephraser {
    model: Arc<dyn LanguageModel>,
    phrasing: Phrasing,
    instructions: String,
}

impl Rephraser {
    /// One that asks this model, with these instructions, and believes it as far as the phrasing goes.
    pub fn new(model: Arc<dyn LanguageModel>, phrasing: Phrasing, instructions: String) -> Self {
        Self { model, phrasing, instructions }
    }

    /// The reply in the model's words; `None` where they do not come in time, say anything else, or need more bubbles.
    pub async fn rephrased(&self, text: &str, pressable: bool, limits: &Limits) -> Option<String> {
        let said = match self.model.phrase(&self.instructions, text).await {
            Ok(said) => said,
            Err(fault) => {
                tracing::warn!(
                    error = &fault as &dyn std::error::Error,
                    "the language model gave no words; the prompt's are said"
                );
                return None;
            }
        };
        let said = said.trim();
        let fits = units(said) <= 2 * units(text) + ROOM
            && bubbles(said, pressable, limits).len() <= bubbles(text, pressable, limits).len();
        let says_the_same = self.phrasing.says_the_same(text, said);
        if !fits || !says_the_same {
            tracing::info!(fits, says_the_same, "the language model's words are not said; the prompt's are");
            return None;
        }
        (said != text).then(|| said.to_owned())
    }
}
