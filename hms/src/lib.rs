//! What is true about the hotel: its rooms, prices and bookings, as a library and as an MCP server.
//!
//! A guest's wish arrives as typed values ([`Stay`], [`Party`], [`Phone`]), meets the hotel's facts
//! and becomes an [`Outcome`]: an answer, or a [`Refusal`] that says what to do next. A [`Fault`] is
//! for the operator. Everything is reached through a [`Hotel`], or from outside through [`mcp`].

mod fault;
mod money;
mod party;
mod phone;
mod stay;
mod words;

mod clock;
mod ids;

mod database;
#[expect(unreachable_pub, reason = "sea-orm's derives need public types in private modules")]
mod entity;
#[expect(elided_lifetimes_in_paths, reason = "the migration trait's own signature elides them")]
mod migration;
mod seed;

mod hotel;
mod house;
mod stock;
mod tariff;

mod refusal;

mod availability;
mod booking;
mod cancellation;
mod customer;
mod find;
mod forget;
mod idempotency;
mod info;
mod ledger;
mod listing;
mod quote;

pub mod mcp;

pub use availability::{Alternative, Availability, Offer, Reason, StayDates, Wish};
pub use booking::{Booking, BookingStatus, NewBooking};
pub use cancellation::{Cancellation, CancellationTerms};
pub use clock::{Clock, FixedClock, SystemClock};
pub use customer::{NameError, PersonName};
pub use fault::Fault;
pub use find::{FoundBooking, FoundBookings, Search};
pub use forget::Whom;
pub use hotel::{Hotel, Opening, Seeding, Whereabouts};
pub use idempotency::IdempotencyKey;
pub use ids::{Ids, RandomIds, SeededIds};
pub use info::{HotelInfo, PolicyNote, QuestionAnswer, RoomTypeInfo};
pub use listing::{BookingRow, HotelListing, RoomRow};
pub use money::{Currency, Money};
pub use party::{Party, PartyError};
pub use phone::{Phone, PhoneError};
pub use quote::{Quote, QuoteLine, TaxLine};
pub use refusal::{Outcome, Refusal};
pub use stay::{LONGEST_STAY_NIGHTS, Stay, StayError};
pub use tariff::ArrivalRule;
