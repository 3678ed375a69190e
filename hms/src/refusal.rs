//! Refusals: answers that say no, why, and what to do instead.

use std::fmt::{self, Write as _};

use chrono::{DateTime, NaiveDate, Utc};

use crate::tariff::ArrivalRule;
use crate::{Alternative, Fault, Offer, Party, Stay};

/// What became of a wish: it was done, or it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It was done; this is the result.
    Done(T),
    /// It was not done, and nothing was changed.
    Refused(Box<Refusal>),
}

/// Why the hotel says no. Its text begins with [`Refusal::code`] and ends with the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The stay begins before the business date.
    PastDate {
        /// The first night asked for.
        arrival: NaiveDate,
        /// The business date.
        today: NaiveDate,
    },
    /// The stay ends after the last day that is sold.
    TooFarAhead {
        /// The departure asked for.
        departure: NaiveDate,
        /// The last possible departure.
        last: NaiveDate,
    },
    /// The hotel has no such room type.
    UnknownRoomType {
        /// What was asked for.
        asked: String,
        /// The codes there are.
        known: Vec<String>,
    },
    /// No room has such a view.
    UnknownView {
        /// What was asked for.
        asked: String,
        /// The views there are.
        known: Vec<String>,
    },
    /// The hotel has no room of this number.
    UnknownRoom {
        /// What was asked for.
        asked: String,
        /// The lowest number there is.
        first: String,
        /// The highest number there is.
        last: String,
    },
    /// The room does not hold so many people.
    PartyTooLarge {
        /// Who would come.
        party: Party,
        /// The room.
        room: String,
        /// How many it holds.
        max_guests: u32,
        /// The room types that are large enough.
        larger: Vec<String>,
    },
    /// Somebody has the room for at least one of the nights.
    RoomUnavailable {
        /// The room.
        room: String,
        /// What it is called.
        name: String,
        /// The stay asked for.
        stay: Stay,
        /// What is free for the same dates.
        rooms: Vec<Offer>,
        /// What is near, if nothing is free for the same dates.
        alternatives: Vec<Alternative>,
    },
    /// The room is free, but a stay may not begin or be so short then.
    Restricted {
        /// The room.
        room: String,
        /// The stay asked for.
        stay: Stay,
        /// The rule it breaks.
        rule: ArrivalRule,
    },
    /// The quote is none of this hotel's.
    UnknownQuote {
        /// What was given.
        asked: String,
    },
    /// The quote does not hold any more.
    QuoteExpired {
        /// Until when it held.
        expired_at: DateTime<Utc>,
        /// Now.
        now: DateTime<Utc>,
    },
    /// A booking was made on the quote before.
    QuoteUsed {
        /// The quote.
        asked: String,
    },
    /// The quote was made for something else.
    QuoteMismatch {
        /// What differs.
        field: &'static str,
        /// What was quoted.
        quoted: String,
        /// What was asked for.
        asked: String,
    },
    /// There is no such booking.
    BookingNotFound {
        /// The id that was given.
        asked: String,
    },
    /// The guest has arrived, so the booking cannot be cancelled any more.
    StayStarted {
        /// The booking's reference.
        reference: String,
        /// The first night.
        arrival: NaiveDate,
        /// The hotel's number.
        phone: String,
    },
    /// The key was used for another call.
    IdempotencyConflict {
        /// The key.
        key: String,
    },
}

/// Why a verb ended early.
#[derive(Debug)]
pub(crate) enum Halt {
    Refused(Box<Refusal>),
    Fault(Fault),
}

impl<T> Outcome<T> {
    /// The result, if it was done.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(result) => Some(result),
            Self::Refused(_) => None,
        }
    }

    pub(crate) fn from(result: Result<T, Halt>) -> Result<Self, Fault> {
        match result {
            Ok(done) => Ok(Self::Done(done)),
            Err(Halt::Refused(refusal)) => Ok(Self::Refused(refusal)),
            Err(Halt::Fault(fault)) => Err(fault),
        }
    }
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Refusal {
    /// The word that programs go by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PastDate { .. } => "past_date",
            Self::TooFarAhead { .. } => "too_far_ahead",
            Self::UnknownRoomType { .. } => "unknown_room_type",
            Self::UnknownView { .. } => "unknown_view",
            Self::UnknownRoom { .. } => "unknown_room",
            Self::PartyTooLarge { .. } => "party_too_large",
            Self::RoomUnavailable { .. } => "room_unavailable",
            Self::Restricted { .. } => "restricted",
            Self::UnknownQuote { .. } => "unknown_quote",
            Self::QuoteExpired { .. } => "quote_expired",
            Self::QuoteUsed { .. } => "quote_used",
            Self::QuoteMismatch { .. } => "quote_mismatch",
            Self::BookingNotFound { .. } => "booking_not_found",
            Self::StayStarted { .. } => "stay_started",
            Self::IdempotencyConflict { .. } => "idempotency_conflict",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.code())?;
        match self {
            Self::PastDate { arrival, today } => write!(
                out,
                "start_date \"{arrival}\" is in the past, expected {today} (today at the hotel) or later; ask the guest for another arrival date"
            ),
            Self::TooFarAhead { departure, last } => write!(
                out,
                "end_date \"{departure}\" is further ahead than rooms are sold, expected {last} or earlier; ask the guest for other dates"
            ),
            Self::UnknownRoomType { asked, known } => write!(
                out,
                "room_type \"{asked}\" is not known here, expected one of {}; leave it out to see every type",
                known.join(", ")
            ),
            Self::UnknownView { asked, known } => write!(
                out,
                "view \"{asked}\" is not known here, expected one of {}; leave it out to see every view",
                known.join(", ")
            ),
            Self::UnknownRoom { asked, first, last } => write!(
                out,
                "room_id \"{asked}\" is no room of this hotel, expected a room_id that get_room_availability returned ({first} to {last}); call get_room_availability"
            ),
            Self::PartyTooLarge { party, room, max_guests, larger } => {
                write!(
                    out,
                    "guests \"{party}\" do not fit room_id \"{room}\", expected at most {max_guests}; "
                )?;
                if larger.is_empty() {
                    write!(out, "no room is large enough: offer the guest two rooms")
                } else {
                    write!(out, "call get_room_availability with room_type {}", larger.join(" or "))
                }
            }
            Self::RoomUnavailable { room, name, stay, rooms, alternatives } => {
                write!(
                    out,
                    "room_id \"{room}\" ({name}) is taken from {} to {}; ",
                    stay.arrival(),
                    stay.departure()
                )?;
                way_on(out, rooms, alternatives)
            }
            Self::Restricted { room, stay, rule } => {
                write!(
                    out,
                    "room_id \"{room}\" is not sold from {} to {}: ",
                    stay.arrival(),
                    stay.departure()
                )?;
                match rule {
                    ArrivalRule::ClosedToArrival => write!(
                        out,
                        "no stay begins on start_date \"{}\"; ask the guest for another arrival date",
                        stay.arrival()
                    ),
                    ArrivalRule::MinNights(nights) => write!(
                        out,
                        "a stay that begins then has at least {nights} nights, not {}; ask the guest to stay longer or arrive on another day",
                        stay.nights()
                    ),
                    ArrivalRule::NotSold => {
                        write!(out, "one of the nights has no price; ask the guest for other dates")
                    }
                }
            }
            Self::UnknownQuote { asked } => write!(
                out,
                "quote_id \"{asked}\" is no quote of this hotel, expected the quote_id that quote_stay returned; call quote_stay again"
            ),
            Self::QuoteExpired { expired_at, now } => write!(
                out,
                "the quote held until {}, now it is {}; call quote_stay again and read the new price to the guest",
                iso(*expired_at),
                iso(*now)
            ),
            Self::QuoteUsed { asked } => write!(
                out,
                "quote_id \"{asked}\" was booked before, expected a quote that was not; call quote_stay again"
            ),
            Self::QuoteMismatch { field, quoted, asked } => write!(
                out,
                "{field} \"{asked}\" differs from the quote, expected \"{quoted}\"; call quote_stay for what the guest wants now"
            ),
            Self::BookingNotFound { asked } => write!(
                out,
                "booking_id \"{asked}\" is no booking of this hotel, expected the booking_id that create_booking or find_bookings returned; call find_bookings with the guest's phone, or with reference and surname"
            ),
            Self::StayStarted { reference, arrival, phone } => write!(
                out,
                "booking {reference} began on {arrival}, expected a stay that has not begun; ask the guest to speak to reception ({phone})"
            ),
            Self::IdempotencyConflict { key } => write!(
                out,
                "idempotency_key \"{key}\" was used for other arguments, expected a new key for a new call; repeat the call with a new idempotency_key"
            ),
        }
    }
}

/// What to do when a room is gone: something of the same dates, something near, or other dates.
fn way_on(out: &mut fmt::Formatter<'_>, rooms: &[Offer], alternatives: &[Alternative]) -> fmt::Result {
    let mut list = String::new();
    for offer in rooms {
        let gap = if list.is_empty() { "" } else { ", " };
        write!(list, "{gap}room_id \"{}\" ({}, {})", offer.room_id, offer.name, offer.total)?;
    }
    if !list.is_empty() {
        return write!(
            out,
            "free for the same dates: {list}; offer one of these, or call get_room_availability"
        );
    }
    for alternative in alternatives {
        let gap = if list.is_empty() { "" } else { ", " };
        write!(list, "{gap}{} ({})", alternative.name, alternative.total)?;
    }
    if list.is_empty() {
        write!(
            out,
            "nothing else is free near these dates; ask the guest for other dates and call get_room_availability"
        )
    } else {
        write!(
            out,
            "nothing else is free for these dates, but: {list}; call get_room_availability for the dates the guest prefers"
        )
    }
}

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
