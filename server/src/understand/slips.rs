//! What a recogniser writes for what was said, put right where the slot that was asked for makes it plain.
//!
//! "To adults" answers how many come, "for nights" how long they stay, "be K 792" which booking it is. What is counted
//! tells itself what it answers, so that nothing else need have been asked; everything else is put right only where it
//! was asked for. Nothing is changed in words that were written, nor of what is known already.

use std::collections::BTreeMap;
use std::ops::Range;

use innkeeper_engine::{Expecting, Kind, Question, ScopedSlot};
use serde::Deserialize;

use super::extract::{Extractor, asks_for};
use super::lexicon::Class;
use super::sentence::Sentence;

/// A reference that is spelled has so many letters and digits.
const SPELLED: std::ops::RangeInclusive<usize> = 5..=8;

/// Words that sound like others, as `words.yaml` names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Misheard {
    /// What is written for a number word.
    numbers: BTreeMap<String, String>,
    /// Words after which such a word may stand for a number.
    after: Vec<String>,
    /// What is written for a letter.
    letters: BTreeMap<String, String>,
    /// Words after which such a word stands for itself.
    verbs: Vec<String>,
    /// Words of spelling alphabets, each for its first letter.
    alphabet: Vec<String>,
    /// What stands between a letter and a word that begins with it.
    as_in: Vec<String>,
    /// What stands before something that is spelled.
    spelled: Vec<String>,
    /// What may stand between a name and its spelling.
    between: Vec<String>,
    /// What is written for other words, of one word or a few.
    phrases: BTreeMap<String, String>,
    /// What is written for words of what is offered, where one of it was asked for.
    offered: BTreeMap<String, String>,
    /// What may follow such a word.
    beside: Vec<String>,
    /// What is said before a name.
    named: String,
    /// What stands before how long something takes.
    lasting: Vec<String>,
}

/// A phrase that is written for another has so many words at most.
const PHRASE: usize = 4;

/// A word with fewer consonants sounds like too many others.
const CONSONANTS: usize = 3;

/// Words, by their places, and what stands instead of them.
type Mend = (Range<usize>, String);

/// A word of a message, and where it is.
struct Spoken<'a> {
    /// In lower case, without the signs around it.
    word: String,
    /// The same as it was written.
    written: &'a str,
    start: usize,
    /// Whether a sign follows that ends a part of a sentence.
    ends: bool,
}

impl Extractor {
    /// The message with the recogniser's slips put right; `None` where there are none.
    pub fn mended(&self, question: &Question) -> Option<String> {
        let spoken = spoken(&question.said);
        let mut mends = self.answers(question, &spoken);
        mends.extend(self.nights(question, &spoken));
        let is_free = |(words, _): &Mend| {
            mends.iter().all(|(others, _)| others.end <= words.start || words.end <= others.start)
        };
        let phrases: Vec<Mend> = self.phrases(&spoken).into_iter().filter(is_free).collect();
        mends.extend(phrases);
        mends.sort_by_key(|(words, _)| words.start);
        let mut said = question.said.clone();
        for (words, instead) in mends.iter().rev() {
            let (Some(first), Some(last)) = (spoken.get(words.start), spoken.get(words.end - 1)) else {
                continue;
            };
            said.replace_range(first.start..last.start + last.written.len(), instead);
        }
        (!mends.is_empty()).then_some(said)
    }

    /// Words that sound like what nobody says.
    fn phrases(&self, spoken: &[Spoken<'_>]) -> Vec<Mend> {
        instead(spoken, &self.misheard.phrases, |_| true)
    }

    /// "For 3-9": three nights, where nobody has said yet, or it was said that others are meant.
    fn nights(&self, question: &Question, spoken: &[Spoken<'_>]) -> Option<Mend> {
        let is_stay = |slot: &ScopedSlot| matches!(slot.kind, Kind::DateRange { .. });
        let starts = question.starts.iter().filter(|_| question.scope.is_empty());
        if !question.scope.iter().chain(starts.flat_map(|start| &start.slots)).any(is_stay) {
            return None;
        }
        let counted = |word: &str| {
            let digit = word.strip_suffix("-9").or_else(|| word.strip_suffix("-9th"))?;
            digit.parse().ok().filter(|digit| (1_u8..=9).contains(digit))
        };
        let found = spoken.iter().enumerate().find_map(|(at, here)| {
            let count = counted(&here.word)?;
            let is_length = match at.checked_sub(1) {
                None => spoken.len() == 1,
                Some(before) => self.misheard.lasting.contains(&spoken[before].word),
            };
            // "For 3-9 December" are days.
            let is_last = here.ends || spoken.len() == at + 1;
            (is_length && is_last).then_some((at, count))
        });
        found.map(|(at, count)| (at..at + 1, format!("{count} nights")))
    }

    /// Words that sound like those of what is offered, where none of them was said.
    fn offered(&self, slot: &ScopedSlot, spoken: &[Spoken<'_>]) -> Vec<Mend> {
        let items = slot.items.as_deref().unwrap_or_default();
        let texts = items.iter().flat_map(|item| std::iter::once(&item.label).chain(&item.words));
        let words: Vec<String> = texts
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .map(str::to_lowercase)
            .collect();
        let is_offered = |word: &str| words.iter().any(|known| known == word);
        let mends = instead(spoken, &self.misheard.offered, |said| {
            said.split(' ').next_back().is_some_and(is_offered)
        });
        if !mends.is_empty() || spoken.iter().any(|word| is_offered(&word.word)) {
            return mends;
        }
        let sounds_like = |heard: &str| {
            let sound = consonants(heard);
            let beside = || std::iter::once("").chain(self.misheard.beside.iter().map(String::as_str));
            words
                .iter()
                .filter(|word| consonants(word).len() >= CONSONANTS)
                .flat_map(|word| beside().map(move |beside| format!("{word} {beside}")))
                .find(|said| consonants(said) == sound)
        };
        let windows = (1..=2)
            .rev()
            .flat_map(|many| (0..=spoken.len().saturating_sub(many)).map(move |at| at..at + many));
        let found = windows.filter(|window| window.end <= spoken.len()).find_map(|window| {
            let said = &spoken[window.clone()];
            let is_one = said[..said.len() - 1].iter().all(|word| !word.ends);
            let heard: Vec<&str> = said.iter().map(|word| word.word.as_str()).collect();
            sounds_like(&heard.join(" "))
                .filter(|_| is_one)
                .map(|instead| (window, instead.trim().to_owned()))
        });
        found.into_iter().collect()
    }

    /// Slips in the answer to what was asked, and in what counts something.
    fn answers(&self, question: &Question, spoken: &[Spoken<'_>]) -> Vec<Mend> {
        let corrects_code = |slot: &ScopedSlot| slot.kind == Kind::Reference && slot.value.is_some();
        let is_asked = |slot: &&ScopedSlot| asks_for(&question.expecting, &slot.name);
        let asked = match &question.expecting {
            Expecting::Slot(_) => question.scope.iter().find(is_asked),
            Expecting::Anything => None,
            // What is put right then may be a name, spelled.
            Expecting::Confirmation | Expecting::Change => {
                let is_name = |slot: &ScopedSlot| slot.kind == Kind::PersonName && slot.value.is_some();
                let puts_right = question.scope.iter().any(is_name);
                return if puts_right { self.spelled_instead(question, spoken) } else { Vec::new() };
            }
        };
        if let Some(slot) = asked.filter(|slot| matches!(slot.kind, Kind::Choice(_))) {
            let mends = self.offered(slot, spoken);
            if !mends.is_empty() {
                return mends;
            }
        }
        match asked.map(|slot| &slot.kind) {
            Some(Kind::Reference) => self.spelled(spoken),
            Some(Kind::Phone) => undotted(spoken),
            Some(Kind::PersonName) => {
                // A reference that was given before may be put right here, too.
                let codes = question.scope.iter().any(corrects_code).then(|| self.spelled(spoken));
                codes.filter(|codes| !codes.is_empty()).unwrap_or_else(|| self.spelled_names(spoken))
            }
            _ => {
                let open = question.scope.iter().filter(|slot| is_asked(slot) || slot.value.is_none());
                // Before anything is wished for, what may be wished for says what is counted.
                let starts = question.starts.iter().filter(|_| question.scope.is_empty());
                let open = open.chain(starts.flat_map(|start| &start.slots));
                let open: Vec<&Kind> = open.map(|slot| &slot.kind).collect();
                let is_count = |kind: &Kind| matches!(kind, Kind::Party { .. } | Kind::Integer { .. });
                self.numbers(spoken, &open, asked.is_some_and(|slot| is_count(&slot.kind)))
            }
        }
    }

    /// Words that stand where a number must: before what one of these counts, or alone where a number was asked for.
    fn numbers(&self, spoken: &[Spoken<'_>], open: &[&Kind], asks_number: bool) -> Vec<Mend> {
        let misheard = &self.misheard;
        let alone = spoken.len() == 1 && asks_number;
        let mut mends = Vec::new();
        for (at, here) in spoken.iter().enumerate() {
            let Some(number) = misheard.numbers.get(&here.word) else { continue };
            let counted = spoken.get(at + 1).filter(|_| !here.ends);
            let kind = counted.and_then(|next| open.iter().find(|kind| self.counts(&next.word, kind)));
            let follows = |kind: &Kind| {
                at.checked_sub(1).is_none_or(|before| {
                    let word = &spoken[before].word;
                    spoken[before].ends
                        || misheard.after.contains(word)
                        || misheard.numbers.contains_key(word)
                        || self.counts(word, kind)
                })
            };
            if alone || kind.is_some_and(|kind| follows(kind)) {
                mends.push((at..at + 1, number.clone()));
            }
        }
        mends
    }

    /// Whether a word is what a slot counts.
    fn counts(&self, word: &str, kind: &Kind) -> bool {
        let sentence = Sentence::new(&self.lexicon, word);
        match kind {
            Kind::Party { .. } => sentence.any(0, &[Class::Adult, Class::Child, Class::People]),
            Kind::DateRange { .. } => sentence.any(0, &[Class::Night, Class::Day, Class::Week]),
            Kind::Integer { unit, .. } => unit.iter().any(|unit| unit == word),
            _ => false,
        }
    }

    /// A code that is spelled, put together.
    fn spelled(&self, spoken: &[Spoken<'_>]) -> Vec<Mend> {
        let mut mends = Vec::new();
        let mut at = 0;
        while at < spoken.len() {
            let (end, run) = self.run(spoken, at, true);
            let code: String = run.iter().map(|piece| piece.text.as_str()).collect();
            let is_code = code.chars().any(|c| c.is_ascii_digit())
                && code.chars().any(|c| c.is_ascii_alphabetic())
                && SPELLED.contains(&code.len());
            if is_code {
                mends.push((at..end, code));
            }
            at = end.max(at + 1);
        }
        mends
    }

    /// Names that are spelled, put together; a name that was said before its spelling is what is spelled.
    fn spelled_names(&self, spoken: &[Spoken<'_>]) -> Vec<Mend> {
        let mut mends: Vec<Mend> = Vec::new();
        let mut at = 0;
        while at < spoken.len() {
            let (end, run) = self.run(spoken, at, false);
            let name = capitalised(&run.iter().map(|piece| piece.text.as_str()).collect::<String>());
            let plain = run.iter().filter(|piece| piece.is_plain).count();
            let explained = run.iter().any(|piece| piece.is_explained);
            let is_name = name.chars().count() >= if explained { 2 } else { 3 } && plain * 2 >= run.len();
            if is_name {
                let done = mends.last().map_or(0, |(words, _)| words.end);
                mends.push((self.named_before(&spoken[..at], done, &name)..end, name));
            }
            at = end.max(at + 1);
        }
        mends
    }

    /// A name that is spelled where another was read back: that it is one need not be said.
    fn spelled_instead(&self, question: &Question, spoken: &[Spoken<'_>]) -> Vec<Mend> {
        let sentence = Sentence::new(&self.lexicon, &question.said);
        let is_named = (0..sentence.len()).any(|at| sentence.is(at, Class::NameIs));
        let mut mends = self.spelled_names(spoken);
        for (_, name) in mends.iter_mut().take(1).filter(|_| !is_named) {
            *name = format!("{} {name}", self.misheard.named);
        }
        mends
    }

    /// Where the name that is spelled begins: with the same name, said in one, or with words that say that it is spelled.
    fn named_before(&self, before: &[Spoken<'_>], done: usize, name: &str) -> usize {
        let at = before.len();
        let between = |word: &&Spoken<'_>| self.misheard.between.contains(&word.plain());
        let links = before[done..].iter().rev().take_while(between).count();
        let same = before[done..at - links].last().filter(|word| {
            let first = |text: &str| text.chars().next().map(|c| c.to_lowercase().collect::<String>());
            word.word.chars().count() > 1 && first(&word.word) == first(name)
        });
        if same.is_some() {
            return at - links - 1;
        }
        let spelled = before[at - links..]
            .iter()
            .position(|word| self.misheard.spelled.contains(&word.plain()))
            .map(|position| at - links + position);
        spelled.unwrap_or(at)
    }

    /// The letters, and digits if they are wanted, that are said from a word on, and where they end.
    fn run(&self, spoken: &[Spoken<'_>], from: usize, digits: bool) -> (usize, Vec<Piece>) {
        let mut run = Vec::new();
        let mut at = from;
        while at < spoken.len() {
            let times = self.lexicon.digits.times.get(&spoken[at].word).copied();
            let twice = times.and_then(|times| Some((times, self.piece(spoken, at + 1, digits)?)));
            let (count, skipped, piece) = match (self.piece(spoken, at, digits), twice) {
                (Some(piece), _) => (1, 0, piece),
                (None, Some((times, piece))) => (times, 1, piece),
                (None, None) => break,
            };
            // "Okay, M E Y E R"
            let is_hedge = run.is_empty()
                && !piece.is_plain
                && spoken[at].word.len() > 2
                && Sentence::new(&self.lexicon, &spoken[at].word).is(0, Class::Hedge);
            if is_hedge {
                break;
            }
            at += skipped + piece.words;
            run.extend(std::iter::repeat_n(piece, count));
        }
        (at, run)
    }

    /// What a word adds to what is spelled: letters and digits, a digit's name, what sounds like a letter, or a letter with a
    /// word that begins with it.
    fn piece(&self, spoken: &[Spoken<'_>], at: usize, digits: bool) -> Option<Piece> {
        let here = spoken.get(at)?;
        let misheard = &self.misheard;
        let is_letter = here.word.chars().count() == 1 && here.word.chars().all(char::is_alphabetic);
        let pair = spoken.get(at + 1).map(|next| format!("{} {}", here.word, next.word));
        let paired = pair.and_then(|pair| misheard.letters.get(&pair));
        let is_verb = at.checked_sub(1).is_some_and(|before| misheard.verbs.contains(&spoken[before].word));
        let sounds = misheard.letters.get(&here.word).filter(|_| !is_verb);
        let letter = if is_letter { Some(here.word.clone()) } else { paired.or(sounds).cloned() };
        if let Some(letter) = letter {
            let own = if paired.is_some() && !is_letter { 2 } else { 1 };
            let explained = self.explained(&spoken[at + own..], &letter);
            return Some(Piece {
                text: letter.to_uppercase(),
                words: own + explained.unwrap_or_default(),
                is_plain: is_letter || explained.is_some(),
                is_explained: explained.is_some(),
            });
        }
        if misheard.alphabet.contains(&here.word) {
            let text = here.word.chars().take(1).collect::<String>().to_uppercase();
            return Some(Piece { text, words: 1, is_plain: true, is_explained: true });
        }
        if !digits {
            return None;
        }
        let piece = |text: String| Piece { text, words: 1, is_plain: true, is_explained: false };
        let is_code = here.word.chars().all(|c| c.is_ascii_alphanumeric())
            && here.word.chars().any(|c| c.is_ascii_digit());
        if is_code {
            return Some(piece(here.written.to_uppercase()));
        }
        let digit = Sentence::new(&self.lexicon, &here.word).number(0);
        digit.filter(|digit| (0..=9).contains(digit)).map(|digit| piece(digit.to_string()))
    }

    /// How many words say which letter was meant: "as in Mike".
    fn explained(&self, after: &[Spoken<'_>], letter: &str) -> Option<usize> {
        let words = self.misheard.as_in.iter().filter_map(|phrase| {
            let words: Vec<&str> = phrase.split(' ').collect();
            let is_said =
                after.len() > words.len() && words.iter().zip(after).all(|(word, said)| *word == said.word);
            let example = is_said.then(|| &after[words.len()].word)?;
            (example.starts_with(letter) && example.len() > letter.len()).then_some(words.len() + 1)
        });
        words.max()
    }
}

/// What a word, or a few, add to what is spelled.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    /// How many words it takes.
    words: usize,
    /// Whether it can be nothing else.
    is_plain: bool,
    /// Whether a word said which letter it is.
    is_explained: bool,
}

impl Spoken<'_> {
    /// Without apostrophes.
    fn plain(&self) -> String {
        self.word.replace(['\'', '’'], "")
    }
}

/// "MEYER" as "Meyer".
fn capitalised(letters: &str) -> String {
    let mut letters = letters.chars();
    let first: String = letters.next().into_iter().collect();
    first + &letters.as_str().to_lowercase()
}

/// Phrases that are written for others, where what was said then may be meant.
fn instead(
    spoken: &[Spoken<'_>],
    phrases: &BTreeMap<String, String>,
    may_be: impl Fn(&str) -> bool,
) -> Vec<Mend> {
    let mut mends: Vec<Mend> = Vec::new();
    for at in 0..spoken.len() {
        for many in (1..=PHRASE.min(spoken.len() - at)).rev() {
            let words: Vec<&str> = spoken[at..at + many].iter().map(|word| word.word.as_str()).collect();
            let is_free = mends.last().is_none_or(|(before, _)| before.end <= at);
            if let Some(said) = phrases.get(&words.join(" ")).filter(|said| is_free && may_be(said)) {
                mends.push((at..at + many, said.clone()));
            }
        }
    }
    mends
}

/// Digits that were written as decimals, where a telephone number was asked for.
fn undotted(spoken: &[Spoken<'_>]) -> Vec<Mend> {
    let is_dotted = |word: &str| word.contains('.') && word.chars().all(|c| c == '.' || c.is_ascii_digit());
    let words = spoken.iter().enumerate().filter(|(_, here)| is_dotted(&here.word));
    words.map(|(at, here)| (at..at + 1, here.word.replace('.', ""))).collect()
}

/// How words sound to a bad ear: their consonants, those alike that are told apart by the voice alone.
fn consonants(words: &str) -> String {
    let letters: Vec<char> = words.chars().filter(|c| c.is_alphabetic()).collect();
    let mut sounds = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let is_soft = letters.get(at + 1).is_some_and(|next| "eiy".contains(*next));
        let sound = match letter {
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' if at > 0 => continue,
            'c' if is_soft => 's',
            'c' | 'g' | 'q' => 'k',
            'd' => 't',
            'b' => 'p',
            'v' => 'f',
            'z' => 's',
            other => *other,
        };
        if !sounds.ends_with(sound) {
            sounds.push(sound);
        }
    }
    sounds
}

/// The words of a message; letters that hyphens hold together are a word each.
fn spoken(said: &str) -> Vec<Spoken<'_>> {
    let sign = |c: char| !c.is_alphanumeric();
    let mut all = Vec::new();
    for whole in said.split_whitespace() {
        let written = whole.trim_matches(sign);
        let letters: Vec<&str> = written.split('-').collect();
        let is_spelled = letters.len() > 1
            && written.contains(char::is_alphabetic)
            && letters.iter().all(|letter| letter.chars().count() == 1 && !letter.contains(sign));
        let pieces = if is_spelled { letters } else { vec![written] };
        let ends = whole.ends_with([',', '.', ';', '!', '?', ':']);
        let count = pieces.len();
        for (number, piece) in pieces.into_iter().enumerate().filter(|(_, piece)| !piece.is_empty()) {
            all.push(Spoken {
                word: piece.to_lowercase(),
                written: piece,
                start: piece.as_ptr() as usize - said.as_ptr() as usize,
                ends: ends && number + 1 == count,
            });
        }
    }
    all
}
