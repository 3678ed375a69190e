//! What Twilio's own voice says where ours cannot. The words are prompts.

use std::sync::Arc;

use chrono::NaiveDate;
use indexmap::IndexMap;
use innkeeper_engine::Say;
use serde_json::Value as Json;

use crate::message::ChannelName;
use crate::reply::{CurrentReplies, Listener, Medium};

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sentence {
    /// As many calls are on as may be.
    Busy,
    /// Calls cannot be taken: something is not configured.
    Unavailable,
    /// The call was lost and cannot go on.
    Lost,
    /// The call was lost, and the front desk is called.
    LostToDesk,
    /// Nobody at the front desk answered.
    Unanswered,
}

impl Sentence {
    fn prompt(self) -> &'static str {
        match self {
            Self::Busy => "call_busy",
            Self::Unavailable => "call_unavailable",
            Self::Lost => "call_lost",
            Self::LostToDesk => "call_lost_to_desk",
            Self::Unanswered => "call_unanswered",
        }
    }
}

/// The sentences in one language.
#[derive(Clone, Debug)]
pub struct Words {
    replies: Arc<CurrentReplies>,
    house: Arc<IndexMap<String, Json>>,
    /// As BCP 47 has it: what Twilio's voice is asked for.
    spoken: String,
    /// The prompts' language.
    language: String,
}

impl Words {
    /// The sentences in the language of calls, as BCP 47 has it; in the first that there is where that one is missing.
    pub fn new(replies: Arc<CurrentReplies>, house: IndexMap<String, Json>, spoken: &str) -> Self {
        let languages = replies.now().languages();
        let is_it = |language: &&String| {
            spoken.split('-').next().is_some_and(|first| first.eq_ignore_ascii_case(language))
        };
        let language = languages.iter().find(is_it).or(languages.first()).cloned().unwrap_or_default();
        Self { replies, house: Arc::new(house), spoken: spoken.to_owned(), language }
    }

    /// The language that Twilio's voice speaks.
    pub(super) fn spoken(&self) -> &str {
        &self.spoken
    }

    /// A sentence; nothing where its prompt is broken.
    pub(super) fn say(&self, sentence: Sentence) -> Option<String> {
        let listener = Listener {
            medium: Medium::Voice,
            language: &self.language,
            today: NaiveDate::default(),
            house: &self.house,
            limits: ChannelName::Twilio.limits(),
            spelled: false,
        };
        match self.replies.now().render(&[Say::given(sentence.prompt(), IndexMap::new())], &listener) {
            Ok(said) => said.into_iter().next().map(|reply| reply.text),
            Err(fault) => {
                tracing::error!(%fault, "a caller could not be told something");
                None
            }
        }
    }
}
