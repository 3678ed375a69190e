//! What counts as a yes to a read-back: words that agree to it, and say nothing else that could matter.

use innkeeper_engine::{Act, Expecting, Heard, Question, Understanding};
use serde::Deserialize;

use super::act::ActsSaid;
use super::decide::{HeardValues, ReadOut};
use super::extract::{Extractor, Reading, holds_any, topic};
use super::lexicon::{Class, split};
use super::sentence::Sentence;
use super::words::Phrase;

/// Words that may be said with a yes, and are none by themselves.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Assent {
    /// Words of whoever likes what was read back: "great" says nothing of having it done.
    #[serde(default)]
    praise: Vec<String>,
    /// Words that say that something was heard: with thanks behind they close the talk.
    #[serde(default)]
    received: Vec<String>,
    /// Phrases that order what was read back; with a goodbye only these, and a plain yes, are one.
    #[serde(default)]
    orders: Vec<String>,
}

impl Extractor {
    /// Takes away a yes to a read-back that is none: one that depends on something, puts off, thanks or takes leave.
    pub(super) fn weigh_yes(
        &self,
        question: &Question,
        sentence: &Sentence<'_>,
        left_over: usize,
        reading: Reading,
        out: &mut ReadOut,
    ) {
        if question.expecting != Expecting::Confirmation || reading.everything {
            return;
        }
        // "And I need a cot": whether there is one is asked of the house.
        let nothing_more = out.understanding.slots.is_empty()
            && out.understanding.acts.iter().all(|act| matches!(act, Act::Affirm | Act::Unclear));
        if left_over > 0 && nothing_more && holds_any(&split(&question.said), &self.requests) {
            out.understanding.acts = vec![Act::Question];
            out.understanding.sure = true;
            return;
        }
        if !out.understanding.acts.contains(&Act::Affirm) {
            return;
        }
        let understanding = &mut out.understanding;
        // "Yes, if breakfast is included", "yes, and a cot": no plain yes.
        if left_over > 0 || self.is_conditional(&question.said) {
            understanding.acts.retain(|act| *act != Act::Affirm);
            understanding.sure = false;
            if understanding.acts.is_empty() && understanding.slots.is_empty() {
                understanding.acts.push(Act::Unclear);
            }
        } else if !out.yes && understanding.slots.is_empty() && !self.approves(question, sentence) {
            understanding.acts.retain(|act| *act != Act::Affirm);
            let takes_leave = [Act::Thank, Act::Bye].iter().any(|act| understanding.acts.contains(act));
            if !takes_leave {
                understanding.acts.push(Act::Repeat);
            }
        }
    }

    /// Whether a message at a read-back says when a yes will come: "I'll confirm on Friday". The day of "yes, tomorrow" may
    /// be that, too, and is none of the stay.
    pub(super) fn puts_off(
        &self,
        question: &Question,
        reading: Reading,
        sentence: &Sentence<'_>,
        acts: &ActsSaid,
        heard: &mut HeardValues,
    ) -> bool {
        if question.expecting != Expecting::Confirmation || reading.everything {
            return false;
        }
        let days = || (0..sentence.len()).map(|at| sentence.meaning(at));
        let is_near = days().any(|day| day.days.is_some() || day.weekday.is_some())
            && !days().any(|day| day.ordinal.is_some() || day.month.is_some());
        let alone = is_near && !heard.placed && sentence.is_nothing_but(acts, &self.lexicon);
        let in_passing = (heard.in_passing || alone) && (acts.yes || acts.approve);
        if in_passing {
            heard.slots.retain(|_, heard| !matches!(heard, Heard::DateRange(_)));
            heard.changed = false;
        }
        in_passing || sentence.puts_off
    }

    /// Whether approval without the word "yes" agrees to what was read back.
    fn approves(&self, question: &Question, sentence: &Sentence<'_>) -> bool {
        let said = split(&question.said);
        let orders: Vec<Vec<String>> = self.assent.orders.iter().map(|phrase| split(phrase)).collect();
        if holds_any(&said, &orders) {
            return true;
        }
        let mut manners = vec![false; sentence.tokens.len()];
        let (mut thanks, mut leaves) = (false, false);
        for act in sentence.act_phrases(&self.lexicon) {
            let (thank, bye) = (act.act == Phrase::Thank, act.act == Phrase::Bye);
            thanks |= thank;
            leaves |= bye;
            if thank || bye {
                manners.iter_mut().take(act.end).skip(act.first).for_each(|token| *token = true);
            }
        }
        if leaves {
            return false;
        }
        let listed = |list: &[String], word: &str| list.iter().any(|other| other == word);
        let (mut praises, mut receives, mut more) = (false, false, false);
        for (at, token) in sentence.tokens.iter().enumerate() {
            if !token.is_word() || manners.get(at).copied().unwrap_or(false) {
                continue;
            }
            let (praise, received) =
                (listed(&self.assent.praise, &token.text), listed(&self.assent.received, &token.text));
            praises |= praise;
            receives |= received;
            let hedge = sentence.atom_at(at).is_some_and(|at| sentence.is(at, Class::Hedge));
            more |= !praise && !received && !hedge;
        }
        let trails_off = question.said.trim_end().ends_with("..") || question.said.trim_end().ends_with('…');
        more || (!thanks && !trails_off && (receives || !praises))
    }

    /// Whether a message puts conditions or puts off.
    fn is_conditional(&self, said: &str) -> bool {
        holds_any(&split(said), &self.lexicon.conditions)
    }

    /// "Yes, cancel it" to "shall I cancel it?" is no change of mind.
    pub(super) fn drop_own_cancel(&self, question: &Question, out: &mut ReadOut) {
        if question.expecting == Expecting::Confirmation
            && out.understanding.acts.contains(&Act::Affirm)
            && self.speaks_of_its_own(question)
        {
            out.understanding.acts.retain(|act| *act != Act::Cancel);
        }
    }

    /// Whether every word that could mean to stop is one that guests ask for the flow under way with.
    fn speaks_of_its_own(&self, question: &Question) -> bool {
        let topic = topic(question.starts.iter().filter(|start| Some(&start.flow) == question.flow.as_ref()));
        split(&question.said).iter().filter(|word| self.stops(word)).all(|word| topic.contains(word))
    }
}

/// "I'll confirm tomorrow" is no yes: the guest wants time.
pub(super) fn put_off(understanding: &mut Understanding) {
    understanding.acts.retain(|act| !matches!(act, Act::Affirm | Act::Unclear));
    if understanding.acts.is_empty() && understanding.slots.is_empty() {
        understanding.acts.push(Act::Wait);
        understanding.sure = true;
    }
}
