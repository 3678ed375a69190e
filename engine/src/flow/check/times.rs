//! Times as authors write them: `300ms`, `5m`, `2h`.

use std::time::Duration;

/// The units with their milliseconds, the largest first.
const UNITS: &[(&str, u32)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The milliseconds that are written, if they are a time.
pub(crate) fn read(text: &str) -> Option<i64> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, size) = UNITS.iter().find(|(known, _)| *known == unit.trim())?;
    number.parse::<i64>().ok()?.checked_mul(i64::from(*size))
}

/// A time in the largest unit that it is a whole number of. Less than a millisecond is nothing.
pub(crate) fn written(time: Duration) -> String {
    let ms = time.as_millis();
    let whole = |size: u32| ms > 0 && ms.is_multiple_of(u128::from(size));
    let (unit, size) = UNITS.iter().find(|(_, size)| whole(*size)).copied().unwrap_or(("ms", 1));
    format!("{}{unit}", ms / u128::from(size))
}

/// The same of a number of milliseconds.
pub(crate) fn written_ms(ms: i64) -> String {
    written(Duration::from_millis(ms.unsigned_abs()))
}
