//! Money: whole minor units with a currency.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 currency code of three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// An amount in the minor unit of its currency (cents), never a fraction of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// The amount in minor units: 28400 is 284.00.
    pub minor: i64,
    /// The ISO 4217 currency code, for example EUR.
    pub currency: Currency,
}

impl Currency {
    /// Reads a code of three ASCII letters, in any case; `None` for anything else.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.trim().as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(bytes.map(|letter| letter.to_ascii_uppercase())))
    }

    /// This many minor units of the currency.
    pub fn amount(self, minor: i64) -> Money {
        Money { minor, currency: self }
    }
}

impl Money {
    /// The amount divided evenly over `parts`, rounded once, halves away from zero.
    pub fn shared_over(self, parts: u32) -> Money {
        self.currency.amount(divide(self.minor, i64::from(parts.max(1))))
    }
}

/// The tax of `basis_points` (1 % is 100) that is already inside `gross_minor`, rounded once.
pub(crate) fn tax_inside(gross_minor: i64, basis_points: i64) -> i64 {
    divide(gross_minor * basis_points, 10_000 + basis_points)
}

/// The tax of `basis_points` on top of `net_minor`, rounded once.
pub(crate) fn tax_on_top(net_minor: i64, basis_points: i64) -> i64 {
    divide(net_minor * basis_points, 10_000)
}

/// Division with halves away from zero; `denominator` is positive.
fn divide(numerator: i64, denominator: i64) -> i64 {
    let half = if numerator < 0 { -denominator / 2 } else { denominator / 2 };
    (numerator + half) / denominator
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(out, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        write!(out, "{} {sign}{}.{:02}", self.currency, minor / 100, minor % 100)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| {
            serde::de::Error::custom(format!("\"{code}\" is no currency code of three letters"))
        })
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Money {
        Currency::parse("eur").unwrap().amount(minor)
    }

    #[test]
    fn a_share_is_rounded_once_and_halves_go_away_from_zero() {
        assert_eq!(eur(38_000).shared_over(3), eur(12_667));
        assert_eq!(eur(5).shared_over(2), eur(3));
        assert_eq!(eur(-5).shared_over(2), eur(-3));
        assert_eq!(eur(7).shared_over(0), eur(7));
    }

    #[test]
    fn tax_inside_a_price_and_on_top_of_it_agree() {
        assert_eq!(tax_inside(10_600, 600), 600);
        assert_eq!(tax_on_top(10_000, 600), 600);
    }

    #[test]
    fn a_currency_is_three_letters() {
        assert_eq!(Currency::parse("EU"), None);
        assert_eq!(Currency::parse("E1R"), None);
        assert_eq!(serde_json::to_string(&eur(28_400)).unwrap(), r#"{"minor":28400,"currency":"EUR"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"minor":1,"currency":"Euro"}"#).is_err());
    }
}
