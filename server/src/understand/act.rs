//! What a guest does with a message: agrees, refuses, cancels, asks, greets.

use super::lexicon::{Class, FoundAct, Lexicon};
use super::sentence::{Sentence, Taken};
use super::words::Phrase;

/// The acts that the words say by themselves, before anyone knows what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ActsSaid {
    pub(super) yes: bool,
    /// Approval without the word "yes": "sounds good".
    pub(super) approve: bool,
    pub(super) no: bool,
    pub(super) cancel: bool,
    pub(super) change: bool,
    /// Takes back what was said last.
    pub(super) undo: bool,
    pub(super) more: bool,
    pub(super) repeat: bool,
    pub(super) help: bool,
    pub(super) human: bool,
    pub(super) greet: bool,
    pub(super) thank: bool,
    pub(super) bye: bool,
    /// Wants a moment.
    pub(super) wait: bool,
    /// Not now, which is a no, too.
    pub(super) later: bool,
    /// Asks what they said or chose themselves.
    pub(super) recall: bool,
    /// Asks what it costs.
    pub(super) price: bool,
    pub(super) no_preference: bool,
    /// A question about something that no value answers.
    pub(super) question: bool,
    /// That question begins with what, where, when or the like.
    pub(super) wh_question: bool,
    /// Tokens that belong to one of these.
    pub(super) tokens: Vec<bool>,
    /// Words that nobody understood.
    pub(super) left_over: usize,
    /// Whether the whole message is these acts and filler.
    pub(super) whole: bool,
}

/// One clause: the tokens between two full stops.
#[derive(Clone, Copy, Debug)]
struct Clause {
    first: usize,
    end: usize,
    asks: bool,
}

impl Sentence<'_> {
    /// Reads the acts; values have taken their atoms before.
    pub(super) fn acts(&self, lexicon: &Lexicon) -> ActsSaid {
        let found = self.act_phrases(lexicon);
        let mut said = ActsSaid { tokens: vec![false; self.tokens.len()], ..ActsSaid::default() };
        for at in 0..self.len() {
            if let Some(end) = self.consulted(at) {
                said.wait = true;
                let (first, last) = (self.atoms[at].first, self.atoms[end - 1].end);
                said.tokens.iter_mut().take(last).skip(first).for_each(|token| *token = true);
            }
        }
        let mut before = 0;
        for clause in self.clauses() {
            self.clause_acts(clause, &found, before, lexicon, &mut said);
            before += self.content(clause.first, clause.end, lexicon, &said.tokens);
        }
        said.left_over = self.content(0, self.tokens.len(), lexicon, &said.tokens);
        said.whole = said.left_over == 0 && (0..self.len()).all(|at| !self.is_taken(at));
        said
    }

    /// Whether all words of the message belong to these acts, or say a day; beside a goodbye, or carry nothing.
    pub(super) fn is_nothing_but(&self, acts: &ActsSaid, lexicon: &Lexicon) -> bool {
        self.tokens.iter().zip(&acts.tokens).enumerate().all(|(at, (token, act))| {
            let day = self.atom_at(at).is_some_and(|atom| {
                self.taken(atom) == Some(Taken::Day) || self.meaning(atom).days.is_some()
            });
            let carries_nothing = acts.bye && lexicon.filler.contains(&token.text);
            *act || day || carries_nothing || !token.is_word()
        })
    }

    /// The longest phrases, left to right; several acts may share one.
    pub(super) fn act_phrases(&self, lexicon: &Lexicon) -> Vec<FoundAct> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let end = lexicon.acts_at(&self.tokens, at).map(|act| act.end).max();
            if let Some(end) = end {
                found.extend(lexicon.acts_at(&self.tokens, at).filter(|act| act.end == end));
                at = end;
            } else {
                at += 1;
            }
        }
        found
    }

    fn clauses(&self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        let mut first = 0;
        for at in 0..=self.len() {
            let stop = at == self.len() || self.is(at, Class::Stop);
            if !stop {
                continue;
            }
            let end = self.atoms.get(at).map_or(self.tokens.len(), |atom| atom.first);
            if end > first {
                clauses.push(Clause { first, end, asks: self.tokens_are(at, &["?"]) });
            }
            first = self.atoms.get(at).map_or(end, |atom| atom.end);
        }
        clauses
    }

    fn clause_acts(
        &self,
        clause: Clause,
        found: &[FoundAct],
        before: usize,
        lexicon: &Lexicon,
        said: &mut ActsSaid,
    ) {
        let mut leading = true;
        let mut chained = false;
        let mut other = false;
        let mut at = clause.first;
        while at < clause.end {
            let here: Vec<FoundAct> = found.iter().filter(|act| act.first == at).copied().collect();
            let Some(end) = here.iter().map(|act| act.end).max() else {
                let hedge = self.atom_at(at).is_some_and(|atom| {
                    self.any(atom, &[Class::Hedge, Class::Comma, Class::But])
                        || (chained && self.is(atom, Class::Filler) && self.is(atom, Class::Me))
                });
                leading &= hedge;
                at += 1;
                continue;
            };
            let rest = self.rest(end, clause, found, lexicon);
            for act in &here {
                let taken = self.act(*act, leading, rest, before, clause, said);
                if taken {
                    other |= matches!(
                        act.act,
                        Phrase::More
                            | Phrase::Repeat
                            | Phrase::Recall
                            | Phrase::Help
                            | Phrase::Human
                            | Phrase::Cancel
                            | Phrase::Undo
                            | Phrase::NoPreference
                    ) || act.act == Phrase::Wait && rest.words == 0 && !rest.parted;
                    for token in said.tokens.iter_mut().take(act.end).skip(act.first) {
                        *token = true;
                    }
                    chained = true;
                }
            }
            let taken = here.iter().any(|act| said.tokens.get(act.first).copied().unwrap_or(false));
            leading &= taken;
            at = end;
        }
        said.approve |= before <= 2 && !clause.asks && self.praises(clause);
        self.question(clause, other, lexicon, said);
    }

    /// "that one looks really good to me": praise and nothing else, up to the first comma.
    fn praises(&self, clause: Clause) -> bool {
        let Some(first) = self.atom_at(clause.first) else { return false };
        let words: Vec<usize> = (first..self.len())
            .take_while(|at| self.atoms[*at].first < clause.end && !self.is(*at, Class::Comma))
            .collect();
        words.iter().any(|at| self.is(*at, Class::Praise))
            && words.iter().all(|at| {
                self.any(*at, &[Class::Praise, Class::Praising, Class::Hedge])
                    && !self.is_negation(*at)
                    && !self.is_taken(*at)
            })
            && !self.any(first, &[Class::Wh, Class::Aux])
    }

    /// Whether an act's phrase counts where it stands; notes it.
    fn act(
        &self,
        act: FoundAct,
        leading: bool,
        rest: Rest,
        before: usize,
        clause: Clause,
        said: &mut ActsSaid,
    ) -> bool {
        let trusted = leading && before <= 2;
        let (flag, counts) = match act.act {
            Phrase::Yes => (&mut said.yes, trusted && (!clause.asks || rest.words > 1 || rest.parted)),
            Phrase::Approve => {
                let asks = clause.asks && !rest.parted;
                (&mut said.approve, trusted && rest.clause_content == 0 && !rest.valued && !asks)
            }
            Phrase::No => (&mut said.no, leading),
            Phrase::Later => {
                said.no |= leading;
                (&mut said.later, leading)
            }
            Phrase::Recall => (&mut said.recall, rest.clause_content == 0),
            Phrase::NotNo => return leading,
            Phrase::Cancel => {
                let asked = clause.asks && rest.words > 2;
                (&mut said.cancel, leading && rest.clause_content == 0 && !asked)
            }
            Phrase::Change => (&mut said.change, true),
            Phrase::Undo => (&mut said.undo, leading && rest.clause_content == 0 && !rest.valued),
            Phrase::More => (&mut said.more, !said.no || clause.asks),
            Phrase::Repeat => (&mut said.repeat, true),
            Phrase::Help => {
                let options = said.more;
                (&mut said.help, leading && rest.words <= 1 && !options)
            }
            // "I need to speak to my wife"
            Phrase::Human => {
                let atoms = self.atom_at(act.first).zip(self.atom_at(act.end - 1));
                let consults =
                    atoms.is_some_and(|(first, last)| (first..=last).any(|at| self.consulted(at).is_some()));
                (&mut said.human, !consults)
            }
            Phrase::Greet => (&mut said.greet, leading || act.first == 0),
            Phrase::Thank => (&mut said.thank, true),
            Phrase::Bye => (&mut said.bye, true),
            Phrase::Wait => (&mut said.wait, leading || act.first == 0),
            // Only where it is the whole message.
            Phrase::Previous => return false,
            Phrase::Price => (&mut said.price, rest.clause_content == 0),
            Phrase::Ask => (&mut said.question, !rest.valued && rest.words > 0 && !clause.asks),
            Phrase::NoPreference => {
                let word = act.end == act.first + 1;
                (&mut said.no_preference, !word || (leading && rest.clause_content == 0 && rest.words <= 2))
            }
        };
        *flag |= counts;
        counts
    }

    /// What follows a phrase up to the next comma, "but" or full stop.
    fn rest(&self, from: usize, clause: Clause, found: &[FoundAct], lexicon: &Lexicon) -> Rest {
        let mut end = from;
        while end < clause.end {
            let parted =
                self.atom_at(end).is_some_and(|atom| self.any(atom, &[Class::Comma, Class::But, Class::And]));
            let phrase = found.iter().any(|act| {
                act.first == end
                    && matches!(act.act, Phrase::Thank | Phrase::Yes | Phrase::Approve | Phrase::Bye)
            });
            if parted || phrase {
                break;
            }
            end += 1;
        }
        let none = vec![false; self.tokens.len()];
        let valued = (from..end).any(|token| self.atom_at(token).is_some_and(|atom| self.is_taken(atom)));
        Rest {
            clause_content: self.content(from, end, lexicon, &none),
            words: end - from,
            valued,
            parted: end < clause.end,
        }
    }

    fn question(&self, clause: Clause, other: bool, lexicon: &Lexicon, said: &mut ActsSaid) {
        let Some(mut at) = self.atom_at(clause.first) else { return };
        while self.any(at, &[Class::Hedge, Class::Comma]) || self.token_of_act(at, said) {
            at += 1;
        }
        let starts = |class| {
            self.is(at, class)
                || ((self.any(at, &[Class::Hedge]) || self.tokens_are(at, &["and"]))
                    && self.is(at + 1, class))
        };
        let wh = starts(Class::Wh) && !self.tokens_are(at + 1, &["about", "bout"]);
        let aux = starts(Class::Aux) && !self.is(at, Class::Not);
        if other || !(wh || aux || clause.asks) {
            return;
        }
        let content = self.content(clause.first, clause.end, lexicon, &said.tokens);
        let valued = (0..self.len()).any(|at| {
            self.is_taken(at)
                && self.atoms.get(at).is_some_and(|atom| atom.first >= clause.first && atom.end <= clause.end)
        });
        if wh
            || (content > 0 && (aux || clause.asks))
            || (!valued && clause.asks && !said.yes && !said.no && self.words(clause) > 1)
        {
            said.question = true;
            said.wh_question |= wh;
        }
    }

    fn words(&self, clause: Clause) -> usize {
        self.tokens.iter().take(clause.end).skip(clause.first).filter(|token| token.is_word()).count()
    }

    fn token_of_act(&self, at: usize, said: &ActsSaid) -> bool {
        self.atoms.get(at).is_some_and(|atom| said.tokens.get(atom.first).copied().unwrap_or(false))
    }

    /// The atom that a token belongs to.
    pub(super) fn atom_at(&self, token: usize) -> Option<usize> {
        let at = self.atoms.partition_point(|atom| atom.end <= token);
        (at < self.len()).then_some(at)
    }

    /// How many words of a stretch of tokens carry something that nobody has understood.
    pub(super) fn content(&self, from: usize, end: usize, lexicon: &Lexicon, acts: &[bool]) -> usize {
        (from..end)
            .filter(|at| {
                let Some(token) = self.tokens.get(*at) else { return false };
                let Some(atom) = self.atom_at(*at) else { return false };
                let known = self.atoms[atom].meaning.classes != 0;
                let number = matches!(
                    token.kind,
                    super::token::TokenKind::Number(_) | super::token::TokenKind::Ordinal(_)
                );
                (token.is_word() || number)
                    && !acts.get(*at).copied().unwrap_or(false)
                    && !self.is_taken(atom)
                    && !lexicon.filler.contains(&token.text)
                    && (number || !known)
            })
            .count()
    }
}

/// What follows a phrase in its clause.
#[derive(Clone, Copy, Debug)]
struct Rest {
    clause_content: usize,
    words: usize,
    /// Whether a value stands there.
    valued: bool,
    /// Whether more follows after it.
    parted: bool,
}
