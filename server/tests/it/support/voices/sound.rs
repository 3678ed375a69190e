//! What the doubles say: a tone for every text, in µ-law.

/// Samples that a letter takes.
const PER_LETTER: usize = 60 * 8;

/// What a text sounds like: always the same, and unlike other texts.
pub(crate) fn sound_of(text: &str) -> Vec<u8> {
    let name = text.trim().bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let hz = 200.0 + (name % 2800) as f64;
    let loud = 4000.0 + (name >> 32 & 0x1FFF) as f64;
    let samples = text.trim().chars().count() * PER_LETTER;
    (0..samples)
        .map(|i| ulaw((loud * (i as f64 * hz * std::f64::consts::TAU / 8000.0).sin()) as i32))
        .collect()
}

/// A sample in µ-law, ITU-T G.711.
fn ulaw(sample: i32) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0x80, -sample) } else { (0, sample) };
    let biased = (magnitude.min(32_635) + 0x84) as u32;
    let exponent = 31 - biased.leading_zeros() - 7;
    let mantissa = biased >> (exponent + 3) & 0x0F;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}
