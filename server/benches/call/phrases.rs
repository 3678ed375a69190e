//! What callers say, and how it sounds.

/// µ-law for silence.
pub(crate) const SILENCE: u8 = 0xFF;

/// 20 ms.
pub(crate) const FRAME: usize = 160;

/// How long a phrase is spoken, in frames.
pub(crate) const SPOKEN: usize = 40;

/// What a frame of speech begins with, and then who speaks: nothing else in the sound is this.
const MARK: u8 = 0x11;

/// Digits are written from here on.
const ZERO: u8 = 0x20;

/// A kind of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replies {
    /// Whether their sound is known, once it was made.
    pub(crate) known: bool,
    /// Whether the recogniser tells early ends.
    pub(crate) early: bool,
}

impl Replies {
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (known, early) = match name {
            "known" => (true, false),
            "known-early" => (true, true),
            "made" => (false, false),
            "made-early" => (false, true),
            _ => return None,
        };
        Some(Self { known, early })
    }

    pub(crate) fn name(self) -> &'static str {
        match (self.known, self.early) {
            (true, false) => "known",
            (true, true) => "known-early",
            (false, false) => "made",
            (false, true) => "made-early",
        }
    }

    /// What is said in a caller's turn of this number.
    pub(crate) fn phrase(self, turn: usize) -> &'static str {
        let phrases: &[&str] = if self.known {
            &["I would like to book a room.", "Never mind, forget it.", "Thank you very much."]
        } else {
            &["What time is breakfast?", "Is there parking?"]
        };
        phrases[turn % phrases.len()]
    }
}

/// A frame of a caller's speech.
pub(crate) fn frame(call: usize) -> Vec<u8> {
    let digit = |place: usize| ZERO + u8::try_from(call / place % 32).expect("a digit");
    [MARK, digit(1024), digit(32), digit(1)].repeat(FRAME / 4)
}

/// Whose speech is in this sound, if any is; and where the last of it ends.
pub(crate) fn spoken(sound: &[u8]) -> Option<(Option<usize>, usize)> {
    let is_speech = |byte: &u8| *byte & 0x7F != SILENCE & 0x7F;
    let end = sound.iter().rposition(is_speech)? + 1;
    let mark = sound.iter().position(|byte| *byte == MARK);
    let digits = mark.and_then(|mark| sound.get(mark + 1..mark + 4));
    let call = digits.map(|digits| {
        digits.iter().fold(0, |call, digit| call * 32 + usize::from(digit.saturating_sub(ZERO)))
    });
    Some((call, end))
}

/// Sixteen bits a sample for µ-law.
pub(crate) fn linear(sound: &[u8]) -> Vec<u8> {
    let sample = |byte: &u8| {
        let byte = !byte;
        let size = ((i32::from(byte & 0x0F) << 3) + 0x84) << ((byte >> 4) & 7);
        let sample = if byte & 0x80 == 0 { size - 0x84 } else { 0x84 - size };
        i16::try_from(sample).expect("fourteen bits").to_le_bytes()
    };
    sound.iter().flat_map(sample).collect()
}

/// µ-law for sixteen bits a sample.
pub(crate) fn mu_law(sound: &[u8]) -> Vec<u8> {
    let byte = |sample: &[u8]| {
        let sample = i32::from(i16::from_le_bytes([sample[0], sample[1]]));
        let size = sample.abs().min(32_635) + 0x84;
        let exponent = (size.ilog2() - 7).min(7);
        let low = (size >> (exponent + 3)) & 0x0F;
        let byte = u8::try_from(exponent << 4).expect("three bits") | u8::try_from(low).expect("four bits");
        !(byte | if sample < 0 { 0x80 } else { 0 })
    };
    sound.chunks_exact(2).map(byte).collect()
}
