//! Who understands: the embedded extractor first, a language model behind it.

use std::sync::Arc;

use innkeeper_engine::{Question, Understanding};

use super::extract::{Extractor, ReadOut, Reading};
use crate::llm::LanguageModel;

/// Understands messages.
#[derive(Clone, Debug)]
pub struct Understander {
    extractor: Extractor,
    model: Option<Arc<dyn LanguageModel>>,
}

impl Understander {
    /// Understands by rules, and asks `model` where they are unsure.
    pub fn new(extractor: Extractor, model: Option<Arc<dyn LanguageModel>>) -> Self {
        Self { extractor, model }
    }

    /// What a message means.
    pub async fn understand(&self, question: &Question) -> Understanding {
        self.read(question, Reading::default()).await.understanding
    }

    pub(super) async fn read(&self, question: &Question, reading: Reading) -> ReadOut {
        self.extractor.read(question, reading)
    }
}
