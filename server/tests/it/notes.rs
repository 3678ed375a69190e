//! Voice notes from end to end: signed webhooks in, a recogniser at the wire, the real hotel, the guest's telephone.

mod house;
mod providers;
mod telling;
mod waiting;
