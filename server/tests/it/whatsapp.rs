//! WhatsApp, whichever way it comes: what is read, what is sent, what is fetched.

mod codes;
mod contents;
mod doubles;
mod guests;
mod helpers;
mod house;
mod media;
mod meta;
mod property;
mod reading;
