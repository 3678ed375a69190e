//! Language models: what one is asked here, and what it may answer.
//!
//! A model never decides. It copies words out of what a guest said, slot by slot, and picks acts from a list; our
//! own parsers turn those words into values. Nothing here is trusted by whoever asks.

mod openai_compatible;

use std::fmt::Debug;

use async_trait::async_trait;
use indexmap::IndexMap;

pub use openai_compatible::{OpenAiCompatible, Settings};

/// A language model.
#[async_trait]
pub trait LanguageModel: Debug + Send + Sync {
    /// Finds the guest's words for each slot of the brief, and the acts.
    ///
    /// # Errors
    /// The model could not be reached, took too long, or answered something else.
    async fn understand(&self, brief: &Brief) -> Result<Copied, ModelFault>;

    /// Says a text in other words, as the instructions have it. Nothing of them is believed.
    ///
    /// # Errors
    /// The model could not be reached, took too long, or says nothing. One that is only asked to understand says nothing.
    async fn phrase(&self, _instructions: &str, _text: &str) -> Result<String, ModelFault> {
        Err(ModelFault::Garbled { reason: "it says nothing".to_owned() })
    }
}

/// What a model is asked about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// What it must do, in its own language.
    pub instructions: String,
    /// The guest's words.
    pub said: String,
    /// The slots it may copy words for, by name.
    pub slots: Vec<String>,
    /// The acts it may pick.
    pub acts: Vec<String>,
}

/// What a model answered: words that it says it copied, and acts that it picked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Words by slot.
    pub words: IndexMap<String, String>,
    /// Acts by name.
    pub acts: Vec<String>,
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelFault {
    /// No answer within the time-out.
    #[error("no answer within {limit_ms} ms")]
    TimedOut {
        /// The time-out.
        limit_ms: u128,
    },
    /// It could not be reached.
    #[error("the model cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It refused.
    #[error("the model answered {status} ({code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its own code for the error.
        code: String,
    },
    /// Its answer is not the one that was asked for.
    #[error("the answer is not of the form that was asked for: {reason}")]
    Garbled {
        /// What is wrong with it.
        reason: String,
    },
}
