//! What our own ear makes of a provider. It knows loud from quiet and no words: where somebody surely spoke and then was
//! quiet, a provider that is there says something of it, or at least says something when it is asked.
//!
//! It is the only way to notice in time that a provider is lost which says nothing while nobody speaks, or has said
//! nothing in this call yet.

use super::BYTES_PER_SECOND;

/// Bytes of a frame: 20 ms.
const FRAME: usize = 160;

/// The mean of a frame is loud from here on, in samples of 16 bits, in the quietest room.
const LOUD: u32 = 400;

/// A frame is loud that is so many times as loud as the room.
const ABOVE_ROOM: u32 = 3;

/// So many loud frames are speech.
const SPEECH: u32 = 10;

/// After so many quiet frames loud ones are another beginning.
const GAP: u32 = 15;

/// So long after speech a provider that told nothing is asked whether it is there.
const ASKED: u64 = ms(400);

/// So long after speech whoever spoke is told that it takes a moment, and so long after that again.
const LATE: u64 = ms(850);
const AGAIN: u64 = ms(2100);

/// So long after speech a provider that told nothing at all is lost.
const LOST: u64 = ms(5100);

/// Providers do not hear an end where we do.
const BLUR: u64 = ms(100);

/// Whoever tells of silence tells at least of so much of it.
const HUSH: u64 = ms(100);

const fn ms(ms: u64) -> u64 {
    ms * BYTES_PER_SECOND / 1000
}

/// What is to be done about a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Nothing.
    None,
    /// It is to be asked whether it is there.
    Ask,
    /// What was said is heard late, if at all.
    Late {
        /// Whether the provider has told nothing since, so that another connection may be better.
        is_dumb: bool,
    },
    /// Nobody is there.
    Lost,
}

/// Of what a provider tells now, if it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Teller {
    /// Of the silence after speech: a turn is open, and it tells all the time.
    Silence,
    /// Of speech.
    Speech,
    /// Of nothing, unless it is asked.
    Answers,
}

/// What our own ear makes of a provider.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    ear: Ear,
    /// The place up to which sound had come when the provider last told anything.
    told: u64,
    /// Where the first speech ended of which it told nothing.
    untold: Option<u64>,
    /// Where the speech ended that is in doubt, whether it was asked about, and how often it was told to be late.
    about: u64,
    is_asked: bool,
    times: u64,
}

impl Doubts {
    /// More sound came, up to a place.
    pub(super) fn hears(&mut self, sound: &[u8], end: u64) {
        self.ear.hears(sound, end);
    }

    /// The provider told something that can be read, when sound had come up to a place.
    pub(super) fn was_told(&mut self, end: u64) {
        self.told = end;
    }

    /// What is to be done, when sound came up to a place and the provider listened to another.
    pub(super) fn doubt(&mut self, end: u64, listened: u64, kind: Teller) -> Doubt {
        let spoken = self.ear.spoken;
        if spoken == 0 {
            return Doubt::None;
        }
        if spoken != self.about {
            (self.about, self.is_asked, self.times) = (spoken, false, 0);
        }
        let is_told = match kind {
            Teller::Silence => listened >= spoken + HUSH,
            Teller::Speech => listened + BLUR >= spoken,
            Teller::Answers => self.told >= spoken + ASKED,
        };
        if is_told {
            self.untold = None;
            return Doubt::None;
        }
        let untold = *self.untold.get_or_insert(spoken);
        let since = end.saturating_sub(spoken);
        if end >= untold + LOST && since >= LATE && self.told < untold {
            return Doubt::Lost;
        }
        if since >= ASKED && !std::mem::replace(&mut self.is_asked, true) {
            return Doubt::Ask;
        }
        if since < LATE + self.times * AGAIN {
            return Doubt::None;
        }
        self.times += 1;
        Doubt::Late { is_dumb: self.times == 1 && self.told < spoken }
    }
}

/// Knows loud from quiet.
#[derive(Debug, Default)]
struct Ear {
    frame: Vec<u8>,
    /// How loud the room is, once something of it was heard.
    room: Option<u32>,
    /// The loud frames of what may be speech, and the quiet ones after the last of them.
    loud: u32,
    quiet: u32,
    /// Where the last speech ends, or where it has come to.
    spoken: u64,
}

impl Ear {
    fn hears(&mut self, sound: &[u8], end: u64) {
        let begin = end.saturating_sub(sound.len() as u64);
        for (place, byte) in (begin + 1..).zip(sound) {
            self.frame.push(*byte);
            if self.frame.len() == FRAME {
                self.takes(place);
                self.frame.clear();
            }
        }
    }

    fn takes(&mut self, place: u64) {
        let sum: u32 = self.frame.iter().map(|byte| magnitude(*byte)).sum();
        let mean = sum / FRAME as u32;
        let room = self.room.unwrap_or(mean);
        let is_loud = mean >= LOUD.max(room.saturating_mul(ABOVE_ROOM));
        // A room is as loud as it is at its quietest, and gets louder slowly.
        self.room = Some(if mean < room { mean } else { room + (mean - room) / 1000 });
        if is_loud {
            (self.loud, self.quiet) = (self.loud + 1, 0);
        } else {
            self.quiet += 1;
            if self.quiet > GAP {
                self.loud = 0;
            }
        }
        if is_loud && self.loud >= SPEECH {
            self.spoken = place;
        }
    }
}

/// How far from silence a sample of µ-law is, of 16 bits. ITU-T G.711.
fn magnitude(byte: u8) -> u32 {
    let code = u32::from(!byte);
    let (exponent, mantissa) = (code >> 4 & 0x07, code & 0x0F);
    (((mantissa << 3) + 0x84) << exponent) - 0x84
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: u8 = 0xFF;
    const VOICE: u8 = 0x10;

    /// Hears so much of each sound, in milliseconds; what was made of it, and where the sound ends.
    fn after(sounds: &[(u8, u64)]) -> (Doubts, u64) {
        let (mut doubts, mut end) = (Doubts::default(), 0);
        for (byte, long) in sounds {
            for _ in 0..long / 20 {
                end += FRAME as u64;
                doubts.hears(&[*byte; FRAME], end);
            }
        }
        (doubts, end)
    }

    #[test]
    fn speech_of_which_nothing_is_told_is_asked_about_then_late_then_lost() {
        let (mut doubts, end) = after(&[(SILENT, 500), (VOICE, 600)]);
        assert_eq!(doubts.doubt(end + ms(300), 0, Teller::Speech), Doubt::None, "they may go on");
        assert_eq!(doubts.doubt(end + ms(400), 0, Teller::Speech), Doubt::Ask);
        assert_eq!(doubts.doubt(end + ms(800), 0, Teller::Speech), Doubt::None);
        assert_eq!(doubts.doubt(end + ms(900), 0, Teller::Speech), Doubt::Late { is_dumb: true });
        assert_eq!(doubts.doubt(end + ms(1000), 0, Teller::Speech), Doubt::None);
        assert_eq!(doubts.doubt(end + ms(3000), 0, Teller::Speech), Doubt::Late { is_dumb: false });
        assert_eq!(doubts.doubt(end + ms(5200), 0, Teller::Speech), Doubt::Lost);
    }

    #[test]
    fn who_listens_or_answers_is_there() {
        let (mut doubts, end) = after(&[(SILENT, 100), (VOICE, 600)]);
        assert_eq!(doubts.doubt(end + ms(6000), end, Teller::Speech), Doubt::None, "it has listened");
        assert_eq!(doubts.doubt(end + ms(400), end, Teller::Silence), Doubt::Ask, "and then to nothing more");
        assert_eq!(doubts.doubt(end + ms(900), end, Teller::Silence), Doubt::Late { is_dumb: true });
        let (mut doubts, end) = after(&[(SILENT, 100), (VOICE, 600)]);
        assert_eq!(doubts.doubt(end + ms(400), 0, Teller::Answers), Doubt::Ask);
        doubts.was_told(end + ms(500));
        assert_eq!(
            doubts.doubt(end + ms(6000), 0, Teller::Answers),
            Doubt::None,
            "it has answered: it was a noise to it"
        );
    }

    #[test]
    fn who_tells_of_earlier_things_is_slow_and_not_lost() {
        let (mut doubts, end) = after(&[(SILENT, 100), (VOICE, 600)]);
        doubts.was_told(end + ms(100));
        assert_eq!(doubts.doubt(end + ms(400), 0, Teller::Speech), Doubt::Ask);
        assert_eq!(doubts.doubt(end + ms(900), 0, Teller::Speech), Doubt::Late { is_dumb: false });
        assert_eq!(doubts.doubt(end + ms(3000), 0, Teller::Speech), Doubt::Late { is_dumb: false });
        assert_eq!(doubts.doubt(end + ms(5200), 0, Teller::Speech), Doubt::Late { is_dumb: false });
    }

    #[test]
    fn a_knock_a_loud_room_and_silence_are_no_speech() {
        for sounds in [&[(SILENT, 9000)][..], &[(SILENT, 100), (VOICE, 120), (SILENT, 2000)], &[(0xC0, 9000)]]
        {
            let (mut doubts, end) = after(sounds);
            assert_eq!(doubts.doubt(end + ms(6000), 0, Teller::Speech), Doubt::None, "{sounds:?}");
        }
    }
}
