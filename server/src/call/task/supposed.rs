//! What the answer would be to words that are perhaps not all.

use tokio::task::JoinHandle;

use super::Session;
use crate::conversation::Ahead;

/// The answer to words that are perhaps not all.
pub(super) struct Supposed {
    pub(super) words: String,
    pub(super) thinking: Thinking,
}

/// How far it is.
pub(super) enum Thinking {
    UnderWay(JoinHandle<Option<Ahead>>),
    There(Option<Box<Ahead>>),
}

impl Session {
    pub(super) fn suppose(&mut self, words: String) {
        self.forget();
        // What it rests on must be in the books.
        if self.job.is_some() || !self.records.is_empty() {
            self.wanted = Some(words);
            return;
        }
        let since = self.since.unwrap_or_else(|| self.shared.clock().now());
        let words = words.trim().to_owned();
        let thinking = tokio::spawn(self.turns.clone().suppose(words.clone(), since));
        self.supposed = Some(Supposed { words, thinking: Thinking::UnderWay(thinking) });
    }

    /// Has what would be said made ready.
    pub(super) fn prepare(&mut self, ahead: Option<Ahead>) {
        let Some(supposed) = self.supposed.as_mut() else { return };
        if let Some(ahead) = &ahead {
            let texts: Vec<String> = ahead.outgoing().iter().map(|message| message.text.clone()).collect();
            self.end.prepare(&texts);
        }
        supposed.thinking = Thinking::There(ahead.map(Box::new));
    }

    pub(super) fn forget(&mut self) {
        self.wanted = None;
        if let Some(supposed) = self.supposed.take() {
            if let Thinking::UnderWay(thought) = supposed.thinking {
                thought.abort();
            }
            self.end.forget();
        }
    }
}

impl Supposed {
    /// What is still thought about.
    pub(super) fn under_way(&mut self) -> Option<&mut JoinHandle<Option<Ahead>>> {
        match &mut self.thinking {
            Thinking::UnderWay(thought) => Some(thought),
            Thinking::There(_) => None,
        }
    }
}
