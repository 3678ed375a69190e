//! What came of listening to a voice note.

use serde::{Deserialize, Serialize};

/// What came of listening to a voice note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// Words.
    Words(Transcript),
    /// None.
    Nothing {
        /// Why.
        why: Unheard,
        /// Whether the note before was not understood either.
        again: bool,
    },
}

/// What was said in a recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// The words; none where nobody speaks.
    pub words: String,
    /// How sure the recogniser is of them, from 0 to 1, where it says so.
    pub confidence: Option<f64>,
    /// The language it found, where it says so.
    pub language: Option<String>,
}

/// Why nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unheard {
    /// Nobody speaks, or nobody can tell what is said, or the recording is not whole.
    Unclear,
    /// It is longer, or larger, than is listened to.
    TooLong,
    /// It is a kind of recording that cannot be played.
    Unplayable,
    /// Nobody can listen at the moment.
    Unavailable,
}

impl Heard {
    /// Words, from somebody who does not say how sure they are.
    pub fn said(words: String) -> Self {
        Self::Words(Transcript { words, confidence: None, language: None })
    }

    /// The words, if there are any.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Words(transcript) => Some(&transcript.words),
            Self::Nothing { .. } => None,
        }
    }
}
