//! What was given to a voice, sent to a line and played there, in sound. Pure: times come in, orders go out.
//!
//! Sound is sent just in time, a little ahead of what is heard, with a mark behind each chunk, `generation:utterance:ms`.
//! A mark that comes back says that everything before it was played, unless the sound was cleared: then it counts only
//! if what is before it could have been played by that time, on a line as slow as its last marks say, and only for what is
//! told of a line that was cut off: how long a line holds sound back before it begins to play nobody tells. What goes on
//! goes on from what was surely heard. So what counts as heard was heard.

mod piece;

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use self::piece::{Chunk, Piece, Spoken};
use super::script::{Line, LineId, Much, Told, next_word, pieces, whole_words};
use crate::channel::line::{BYTES_PER_MS, ToSound};
use crate::clock::later;
use crate::tts::live::UtteranceId;

/// So much sound is followed by a mark.
const CHUNK_MS: usize = 100;

/// How long after the sound before it must have been played a mark may come back.
const OVERDUE: Duration = Duration::from_secs(3);

/// How much later than at the earliest something may have been played: the way there is not always the same.
const DOUBT: Duration = Duration::from_millis(100);

/// The way there and back takes no longer, unless something holds it up.
const WAY: TimeDelta = TimeDelta::milliseconds(300);

/// So long a byte of words takes as a rule, in milliseconds; a voice shows its own pace with the first piece it ends.
const USUAL: f64 = 1.0 / 0.015;

/// So long it takes at most: nobody speaks slower.
const SLOWEST: f64 = 100.0;

/// The line of what belongs to none.
const NONE: LineId = LineId(0);

/// Something for the voice to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToSay {
    /// What it is known by.
    pub utterance: UtteranceId,
    /// The words.
    pub text: String,
}

/// What is said on a line that carries sound.
#[derive(Debug)]
pub struct Playback {
    ahead: Duration,
    generation: u64,
    utterances: u64,
    lines: VecDeque<Spoken>,
    pieces: VecDeque<Piece>,
    /// What may be said next.
    ready: Vec<(String, Vec<Piece>)>,
    /// What was sent and did not come back yet, in order.
    flight: VecDeque<Chunk>,
    /// When what was sent will have been played.
    plays_until: Option<DateTime<Utc>>,
    /// The last utterance that was called off: nothing that comes of it or of those before it is wanted.
    called_off: UtteranceId,
    /// How long after its sound could have been played the last mark came back, and how long that takes at least: the
    /// rest is time in which somebody on the way took nothing.
    took: TimeDelta,
    takes: TimeDelta,
    /// How much later than it could have been sound was played when it was cleared.
    late: TimeDelta,
    /// When the sound was cleared, until something is said again.
    cleared_at: Option<DateTime<Utc>>,
    /// Since when there is nothing to play although there should be.
    starved_since: Option<DateTime<Utc>>,
    /// What was spoken whole: bytes of words, and milliseconds.
    spoken: (usize, usize),
    told: Vec<Told>,
}

impl Playback {
    /// Nothing to say yet; sound is sent so far ahead.
    pub fn new(ahead: Duration) -> Self {
        Self {
            ahead,
            generation: 1,
            utterances: 0,
            lines: VecDeque::new(),
            pieces: VecDeque::new(),
            ready: Vec::new(),
            flight: VecDeque::new(),
            plays_until: None,
            called_off: UtteranceId(0),
            took: TimeDelta::zero(),
            takes: WAY,
            late: TimeDelta::zero(),
            cleared_at: None,
            starved_since: None,
            spoken: (0, 0),
            told: Vec::new(),
        }
    }

    /// Another line is to be said. Returns what the voice must say for it: nothing where it was made ready.
    pub fn say(&mut self, line: &Line) -> Vec<ToSay> {
        let ready = self.ready.iter().position(|(text, _)| *text == line.text);
        let (new, orders) = match ready {
            Some(at) => {
                let mut new = self.ready.remove(at).1;
                new.iter_mut().for_each(|piece| piece.line = line.id);
                (new, Vec::new())
            }
            None => self.cut_up(line.id, &line.text),
        };
        let mut spoken = Spoken { id: line.id, text: line.text.clone(), lost: None, heard: 0 };
        for piece in new.iter().filter(|piece| piece.is_done && piece.sound.is_empty()) {
            spoken.is_silent(&piece.words);
        }
        self.lines.push_back(spoken);
        if new.is_empty() {
            self.lines.pop_back();
        }
        // What was hushed before it goes on first.
        let mut all = self.go_on();
        self.pieces.extend(new);
        all.extend(orders);
        all
    }

    /// A line is to be said whose sound is there. Returns what the voice must say for what comes before it.
    pub fn say_sound(&mut self, line: &Line, sound: &[u8]) -> Vec<ToSay> {
        let orders = self.go_on();
        let utterance = self.next_utterance();
        self.lines.push_back(Spoken { id: line.id, text: line.text.clone(), lost: None, heard: 0 });
        self.pieces.push_back(Piece::kept(utterance, line.id, 0..line.text.len(), sound));
        orders
    }

    /// Plays a sound before what is to be sent next. It belongs to no line, and is not played after a clear.
    pub fn bridge(&mut self, sound: &[u8]) {
        let piece = Piece::kept(self.next_utterance(), NONE, 0..0, sound);
        let next = self.pieces.iter().position(|piece| !piece.is_sent()).unwrap_or(self.pieces.len());
        self.pieces.insert(next, piece);
    }

    /// Makes a line ready that may be said next.
    pub fn prepare(&mut self, text: &str) -> Vec<ToSay> {
        let (new, orders) = self.cut_up(NONE, text);
        self.ready.push((text.to_owned(), new));
        orders
    }

    /// What was made ready is not needed. Returns the last of it that the voice must call off: nothing while it still
    /// makes what is being said, which would be called off with it.
    pub fn forget(&mut self) -> Option<UtteranceId> {
        let ready = std::mem::take(&mut self.ready);
        if self.pieces.iter().any(|piece| !piece.is_done) {
            return None;
        }
        let upto = ready.into_iter().flat_map(|(_, pieces)| pieces).map(|piece| piece.utterance).max();
        self.called_off = self.called_off.max(upto.unwrap_or_default());
        upto
    }

    fn cut_up(&mut self, line: LineId, text: &str) -> (Vec<Piece>, Vec<ToSay>) {
        let cuts = pieces(text);
        let last = cuts.len().saturating_sub(1);
        let mut new = Vec::new();
        let mut orders = Vec::new();
        for (at, words) in cuts.into_iter().enumerate() {
            let utterance = self.next_utterance();
            orders.push(ToSay { utterance, text: text[words.clone()].to_owned() });
            new.push(Piece::asked(utterance, line, words, at == last));
        }
        (new, orders)
    }

    fn next_utterance(&mut self) -> UtteranceId {
        self.utterances += 1;
        UtteranceId(self.utterances)
    }

    /// More sound of an utterance is here. Late sound of what is not wanted any more is dropped.
    pub fn sound(&mut self, utterance: UtteranceId, bytes: &[u8]) {
        if let Some(piece) = self.wanted(utterance) {
            piece.sound.extend_from_slice(bytes);
        }
    }

    /// All sound of an utterance is here.
    pub fn done(&mut self, utterance: UtteranceId, now: DateTime<Utc>) {
        let Some(piece) = self.wanted(utterance) else { return };
        piece.is_done = true;
        let (line, words, sound) = (piece.line, piece.words.clone(), piece.sound.len());
        let is_empty = sound == 0;
        for spoken in self.lines.iter_mut().filter(|spoken| spoken.id == line && is_empty) {
            spoken.is_silent(&words);
        }
        if !is_empty {
            self.spoken.0 += words.len();
            self.spoken.1 += sound / BYTES_PER_MS;
        }
        self.settle(now);
    }

    /// An utterance cannot be said, or not to its end. Whether it was wanted still.
    pub fn failed(&mut self, utterance: UtteranceId, now: DateTime<Utc>) -> bool {
        let pace = self.pace().unwrap_or(SLOWEST);
        let Some(piece) = self.wanted(utterance) else { return false };
        (piece.is_done, piece.is_cut) = (true, true);
        let (line, from) = (piece.line, piece.words.start);
        let share = piece.sound.len() as f64 / BYTES_PER_MS as f64 / pace;
        for spoken in self.lines.iter_mut().filter(|spoken| spoken.id == line) {
            spoken.loses(from + share as usize);
        }
        self.settle(now);
        true
    }

    /// The piece of an utterance of which more may come.
    fn wanted(&mut self, utterance: UtteranceId) -> Option<&mut Piece> {
        if utterance <= self.called_off { None } else { self.piece(utterance) }
    }

    fn piece(&mut self, utterance: UtteranceId) -> Option<&mut Piece> {
        let ready = self.ready.iter_mut().flat_map(|(_, pieces)| pieces);
        self.pieces.iter_mut().chain(ready).find(|piece| piece.utterance == utterance)
    }

    /// What must be sent now.
    pub fn send(&mut self, now: DateTime<Utc>) -> Vec<ToSound> {
        let mut orders = Vec::new();
        if self.cleared_at.is_some() {
            return orders;
        }
        let ahead = later(now, self.ahead);
        loop {
            let begins = self.plays_until.map_or(now, |until| until.max(now));
            if begins >= ahead {
                break;
            }
            let Some(piece) = self.pieces.iter_mut().find(|piece| !piece.is_sent()) else { break };
            let left = &piece.sound[piece.sent..];
            if left.is_empty() {
                break;
            }
            let bytes = left[..left.len().min(CHUNK_MS * BYTES_PER_MS)].to_vec();
            piece.sent += bytes.len();
            let ends = begins + TimeDelta::microseconds(micros(bytes.len()));
            let (generation, utterance) = (self.generation, piece.utterance);
            let chunk = Chunk { generation, utterance, bytes: bytes.len(), upto: piece.sent, ends };
            self.plays_until = Some(ends);
            if self.flight.is_empty() {
                self.took = TimeDelta::zero();
            }
            self.flight.push_back(chunk);
            orders.push(ToSound::Sound(bytes));
            orders.push(ToSound::Mark(chunk.name()));
        }
        let is_starved = self.pieces.iter().find(|piece| !piece.is_sent()).is_some()
            && self.plays_until.is_none_or(|until| until <= now);
        self.starved_since = is_starved.then(|| self.starved_since.unwrap_or(now));
        orders
    }

    /// When something must be sent again, or what was sent is overdue; `None` while nothing depends on time.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        if self.cleared_at.is_some() || self.pieces.is_empty() {
            return None;
        }
        let until = self.plays_until?;
        match self.pieces.iter().find(|piece| !piece.is_sent()) {
            Some(piece) if piece.sound.len() > piece.sent => {
                let ahead = TimeDelta::from_std(self.ahead).unwrap_or_default();
                Some(until - ahead + TimeDelta::milliseconds(1))
            }
            Some(_) => None,
            None => Some(later(until, OVERDUE)),
        }
    }

    /// Since when there is nothing to play although there should be.
    pub fn starved_since(&self) -> Option<DateTime<Utc>> {
        self.starved_since.filter(|_| self.cleared_at.is_none())
    }

    /// Time has passed: marks that did not come in time do not count any more.
    pub fn passed(&mut self, now: DateTime<Utc>) {
        let is_sent = self.pieces.iter().all(Piece::is_sent);
        let is_late = self.plays_until.is_some_and(|until| later(until, OVERDUE) <= now);
        if self.cleared_at.is_none() && is_sent && is_late && !self.pieces.is_empty() {
            self.give_up();
        }
    }

    /// A mark came back.
    pub fn mark(&mut self, name: &str, now: DateTime<Utc>) {
        let Some(at) = self.flight.iter().position(|chunk| chunk.name() == name) else { return };
        if self.cleared_at.is_none() {
            self.took = (now - self.flight[at].ends).max(TimeDelta::zero());
            self.takes = self.takes.min(self.took);
        }
        for chunk in self.flight.drain(..=at).collect::<Vec<_>>() {
            let is_sure = chunk.generation == self.generation;
            let likely = if is_sure { Some(chunk.upto) } else { self.played_before_clear(&chunk) };
            let Some(piece) = self.piece(chunk.utterance) else { continue };
            if is_sure {
                piece.heard = piece.heard.max(chunk.upto);
            }
            piece.likely = piece.likely.max(likely.unwrap_or_default());
        }
        self.settle(now);
    }

    /// Up to where in its piece sound must have been played before it was cleared; `None` where nothing of it must.
    fn played_before_clear(&self, chunk: &Chunk) -> Option<usize> {
        let left = later(chunk.ends, DOUBT) + self.late - self.cleared_at?;
        let left = usize::try_from(left.num_milliseconds().max(0)).unwrap_or(usize::MAX);
        let left = left.saturating_mul(BYTES_PER_MS);
        (left < chunk.bytes).then(|| chunk.upto - left)
    }

    /// Pieces that were heard to their end are done with.
    fn settle(&mut self, now: DateTime<Utc>) {
        while let Some(piece) = self.pieces.front() {
            if !piece.is_heard() {
                return;
            }
            let (line, is_last) = (piece.line, piece.is_last);
            self.pieces.pop_front();
            if !is_last {
                continue;
            }
            if let Some(at) = self.lines.iter().position(|spoken| spoken.id == line) {
                let Some(spoken) = self.lines.remove(at) else { continue };
                let much = match spoken.lost {
                    Some(lost) => Much::Part(whole_words(&spoken.text, lost).to_owned()),
                    None => Much::Whole(now),
                };
                self.told.push(Told { id: line, much });
            }
        }
        self.plays_until = None;
    }

    /// Is silent at once. Returns the order that clears the line, and the last utterance to be called off.
    pub fn hush(&mut self, now: DateTime<Utc>) -> (ToSound, Option<UtteranceId>) {
        self.generation += 1;
        if self.cleared_at.is_none() {
            self.cleared_at = Some(now);
            let oldest = self.flight.front().map_or(TimeDelta::zero(), |chunk| now - chunk.ends);
            // Where a mark should be here and is not, nothing behind it is known to have been played.
            let is_held_up = oldest > self.takes + TimeDelta::from_std(DOUBT).unwrap_or_default();
            self.late = if is_held_up { oldest } else { (self.took - self.takes).max(TimeDelta::zero()) };
        }
        self.plays_until = None;
        self.starved_since = None;
        let upto = self.pieces.iter().map(|piece| piece.utterance).max();
        self.called_off = self.called_off.max(upto.unwrap_or_default());
        self.pieces.retain(|piece| piece.line != NONE);
        // What was made ready before that is called off with it.
        self.ready.retain(|(_, pieces)| pieces.iter().all(|piece| Some(piece.utterance) > upto));
        (ToSound::Clear, upto)
    }

    /// Says what was not heard yet. Returns what the voice must say for it again: the rest of what it had not finished.
    pub fn go_on(&mut self) -> Vec<ToSay> {
        let mut orders = Vec::new();
        if self.cleared_at.take().is_none() {
            return orders;
        }
        self.flight.clear();
        let mut utterances = self.utterances;
        let (pace, usual) = (self.pace().unwrap_or(SLOWEST), self.pace().unwrap_or(USUAL));
        let mut before = None;
        for piece in &mut self.pieces {
            let is_first = before.replace(piece.line) != Some(piece.line);
            piece.sent = piece.heard;
            if piece.is_done {
                continue;
            }
            let Some(line) = self.lines.iter_mut().find(|spoken| spoken.id == piece.line) else { continue };
            if is_first {
                let place = piece.place(piece.likely, usual);
                line.heard = line.heard.max(line.lost.map_or(place, |lost| lost.min(place)));
            }
            utterances += 1;
            let from = next_word(&line.text, piece.place(piece.heard, pace))
                .max(piece.words.start)
                .min(piece.words.end);
            piece.utterance = UtteranceId(utterances);
            piece.words = from..piece.words.end;
            (piece.sound, piece.sent, piece.heard, piece.likely) = (Vec::new(), 0, 0, 0);
            orders
                .push(ToSay { utterance: piece.utterance, text: line.text[piece.words.clone()].to_owned() });
        }
        self.utterances = utterances;
        orders
    }

    /// Nothing of what is left is said any more. Returns the lines that were not heard to their end.
    pub fn give_up(&mut self) -> Vec<LineId> {
        // Of what was cleared the marks may be on their way still. They would prove no end: that is too late now.
        for chunk in std::mem::take(&mut self.flight) {
            if let Some(likely) = self.played_before_clear(&chunk)
                && let Some(piece) = self.piece(chunk.utterance)
            {
                piece.likely = piece.likely.max(likely);
            }
        }
        let mut cut = Vec::new();
        let pace = self.pace().unwrap_or(USUAL);
        for line in std::mem::take(&mut self.lines) {
            // What has no sound was not heard.
            let is_left =
                |piece: &&Piece| piece.line == line.id && (!piece.is_likely() || piece.sound.is_empty());
            let piece = self.pieces.iter().find(is_left);
            let upto = piece.map_or(line.text.len(), |piece| piece.place(piece.likely, pace));
            cut.push(line.id);
            let upto = line.lost.map_or(upto, |lost| lost.min(upto)).max(line.heard);
            let heard = whole_words(&line.text, upto).to_owned();
            self.told.push(Told { id: line.id, much: Much::Part(heard) });
        }
        // What was sent and not cleared is played still, before whatever is sent now.
        self.pieces.clear();
        self.cleared_at = None;
        self.starved_since = None;
        cut
    }

    /// How long the voice takes for a byte of words, in milliseconds, where it has said anything.
    fn pace(&self) -> Option<f64> {
        let (bytes, ms) = self.spoken;
        (bytes > 0).then(|| ms as f64 / bytes as f64)
    }

    /// What became known since this was asked last.
    pub fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// Whether nothing is left to be said.
    pub fn is_over(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// How long so many bytes of sound last, in microseconds.
fn micros(bytes: usize) -> i64 {
    i64::try_from(bytes * 1000 / BYTES_PER_MS).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
