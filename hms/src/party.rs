//! A party: who will sleep in the room.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adults and children who share a room; at least one adult.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// How many adults, at least one.
    adults: u32,
    /// How many children.
    children: u32,
}

/// Why two numbers are no party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartyError {
    /// Nobody, or only children.
    #[error("at least one adult is needed")]
    NoAdult,
    /// More people than any hotel room could mean.
    #[error("{guests} guests are more than {}", Party::MOST)]
    TooMany {
        /// How many were asked for.
        guests: u64,
    },
}

impl Party {
    /// More guests than this are a mistake, not a party for one room.
    pub const MOST: u32 = 99;

    /// A party of this many adults and children.
    pub fn new(adults: u32, children: u32) -> Result<Self, PartyError> {
        let guests = u64::from(adults) + u64::from(children);
        if adults == 0 {
            Err(PartyError::NoAdult)
        } else if guests > u64::from(Self::MOST) {
            Err(PartyError::TooMany { guests })
        } else {
            Ok(Self { adults, children })
        }
    }

    /// Whom a room is priced for when nobody said: two adults, or one where only one fits.
    pub fn usual_for(max_guests: u32) -> Self {
        Self { adults: max_guests.clamp(1, 2), children: 0 }
    }

    /// How many adults, at least one.
    pub fn adults(self) -> u32 {
        self.adults
    }

    /// How many children.
    pub fn children(self) -> u32 {
        self.children
    }

    /// Everybody.
    pub fn guests(self) -> u32 {
        self.adults + self.children
    }
}

impl fmt::Display for Party {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.adults == 1 { "" } else { "s" };
        write!(out, "{} adult{plural}", self.adults)?;
        match self.children {
            0 => Ok(()),
            1 => write!(out, " and 1 child"),
            children => write!(out, " and {children} children"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_has_an_adult_and_a_limit() {
        assert_eq!(Party::new(0, 2), Err(PartyError::NoAdult));
        assert_eq!(
            Party::new(u32::MAX, u32::MAX).unwrap_err().to_string(),
            "8589934590 guests are more than 99"
        );
        assert_eq!(Party::new(2, 1).unwrap().to_string(), "2 adults and 1 child");
    }

    #[test]
    fn nobody_said_means_two_where_two_fit() {
        assert_eq!(Party::usual_for(1).guests(), 1);
        assert_eq!(Party::usual_for(4).guests(), 2);
    }
}
