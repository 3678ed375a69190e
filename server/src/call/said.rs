//! What a call says and what was heard of it, in the books: replies, the lines they are said in, and what must be said
//! again because it tells what was done. Pure.

use super::script::{Line, LineId, Told};
use super::turns::{Book, Record, Reply};

/// Why what was said was not heard: the caller spoke.
pub(super) const INTERRUPTED: &str = "interrupted";

/// Why what was said was not heard: the caller was gone.
pub(super) const HUNG_UP: &str = "hung up";

/// What was said, is being said and is to be said.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// A reply that was not given to be said yet.
    reply: Option<Reply>,
    /// What must be said before the next reply: what it tells was done, and was not heard.
    news: Vec<Line>,
    /// The lines that tell news.
    telling: Vec<Line>,
    book: Book,
    records: Vec<Record>,
    line: u64,
}

impl Said {
    /// There is a reply; one that waited still is not said.
    pub(super) fn replied(&mut self, reply: Reply) {
        self.drop_reply(INTERRUPTED);
        self.reply = Some(reply);
    }

    /// What the answer to the reply that waits is likely to have in it.
    pub(super) fn terms(&self) -> Vec<String> {
        self.reply.as_ref().map(|reply| reply.terms.clone()).unwrap_or_default()
    }

    /// The lines to say now: what must be said before, and the reply. `None` without a reply.
    pub(super) fn lines(&mut self) -> Option<Vec<Line>> {
        let reply = self.reply.take()?;
        // What is in the reply anyway is not said twice.
        let (again, mut lines): (Vec<Line>, Vec<Line>) =
            std::mem::take(&mut self.news).into_iter().partition(|line| reply.texts.contains(&line.text));
        for line in again {
            let entry = self.book.remove(&line.id);
            self.records.extend(entry.map(|entry| Record::unsaid(&entry.at, entry.which, INTERRUPTED)));
        }
        let mut said = Vec::new();
        for (entry, text) in reply.entries() {
            let line = self.next_line(text.clone());
            self.book.insert(line.id, entry);
            said.push(line);
        }
        self.telling.clone_from(&lines);
        if reply.is_news {
            self.telling.extend(said.iter().cloned());
        }
        lines.extend(said);
        Some(lines)
    }

    /// A line that is no part of any reply: nobody needs to know whether it was heard.
    pub(super) fn phrase(&mut self, text: String) -> Line {
        self.next_line(text)
    }

    fn next_line(&mut self, text: String) -> Line {
        self.line += 1;
        Line { id: LineId(self.line), text }
    }

    /// These lines are not said any more; this is what was heard until then. Of what was done the guest hears later,
    /// unless they are gone. Returns what is final.
    pub(super) fn cut(&mut self, cut: &[LineId], told: Vec<Told>, why: &'static str) -> Vec<Told> {
        let telling = std::mem::take(&mut self.telling);
        if why == INTERRUPTED {
            self.news.extend(telling.into_iter().filter(|line| cut.contains(&line.id)));
        }
        let is_news = |told: &Told| cut.contains(&told.id) && self.news.iter().any(|line| line.id == told.id);
        let told: Vec<Told> = told.into_iter().filter(|told| !is_news(told)).collect();
        let told = told.into_iter().filter(|told| self.note(told, why)).collect();
        self.drop_reply(why);
        told
    }

    /// The reply that waits is not said: it is news, or nobody has heard it.
    pub(super) fn drop_reply(&mut self, why: &'static str) {
        let Some(reply) = self.reply.take() else { return };
        for (entry, text) in reply.entries() {
            if reply.is_news && why == INTERRUPTED {
                let line = self.next_line(text.clone());
                self.book.insert(line.id, entry);
                self.news.push(line);
            } else {
                self.records.push(Record::unsaid(&entry.at, entry.which, why));
            }
        }
    }

    /// Nobody is there any more to be told anything.
    pub(super) fn end(&mut self) {
        self.drop_reply(HUNG_UP);
        for line in std::mem::take(&mut self.news) {
            if let Some(entry) = self.book.remove(&line.id) {
                self.records.push(Record::unsaid(&entry.at, entry.which, HUNG_UP));
            }
        }
    }

    /// It became known how much of a line was heard. Whether it is a line of a reply.
    pub(super) fn note(&mut self, told: &Told, why: &'static str) -> bool {
        let entry = self.book.remove(&told.id);
        self.records.extend(entry.as_ref().map(|entry| Record::of(entry, told, why)));
        entry.is_some()
    }

    /// Whether there is something to write down.
    pub(super) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// What is to be written down.
    pub(super) fn records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }
}
