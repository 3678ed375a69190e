//! A telephone number in its international form.

use std::fmt;
use std::str::FromStr;

use phonenumber::Mode;
use serde::Serialize;

/// A telephone number in E.164 form: `+`, the country, the number, digits only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Phone(String);

/// The text is no telephone number, read with or without the hotel's country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no telephone number")]
pub struct PhoneError;

impl Phone {
    /// Reads a number as people write it; without `+` or `00` it is one of `country` (ISO 3166, two
    /// letters).
    ///
    /// Whether the number is in service is not asked: numbering plans change faster than programs.
    pub fn parse(written: &str, country: &str) -> Result<Self, PhoneError> {
        let written = written.trim();
        let international = match written.strip_prefix("00") {
            Some(rest) => format!("+{rest}"),
            None => written.to_owned(),
        };
        let strange = |c: char| !(c.is_ascii_digit() || "+-./() \u{a0}".contains(c));
        if international.contains(strange) || international.rfind('+').is_some_and(|at| at != 0) {
            return Err(PhoneError);
        }
        // With a country code, another country's trunk prefix must not be looked for in the number.
        let country =
            phonenumber::country::Id::from_str(country).ok().filter(|_| !international.starts_with('+'));
        let number = phonenumber::parse(country, &international).map_err(|_| PhoneError)?;
        let e164 = number.format().mode(Mode::E164).to_string();
        (9..=16).contains(&e164.len()).then_some(Self(e164)).ok_or(PhoneError)
    }

    /// The number as text, `+` first.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_form() {
        for written in ["+351 912 345 678", "00351912345678", "912 345 678", "+351-912-345-678"] {
            assert_eq!(Phone::parse(written, "PT").unwrap().as_str(), "+351912345678", "{written}");
        }
        assert_eq!(Phone::parse("+15550001111", "PT").unwrap().as_str(), "+15550001111");
        assert_eq!(Phone::parse("(0)30 1234567", "DE").unwrap().as_str(), "+49301234567");
    }

    #[test]
    fn reading_a_number_twice_changes_nothing() {
        let once = Phone::parse("+44 20 7946 0958", "PT").unwrap();
        assert_eq!(Phone::parse(once.as_str(), "PT"), Ok(once));
    }

    #[test]
    fn words_and_scraps_are_no_numbers() {
        for written in
            ["", "call me", "+", "123", "+351 912 345 678; drop table", "12+34567890", "+12345678901234567"]
        {
            assert_eq!(Phone::parse(written, "PT"), Err(PhoneError), "{written}");
        }
    }
}
