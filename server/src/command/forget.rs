//! `innkeeper forget`: a guest is erased everywhere; a number with every call that displayed it, and with whoever
//! told it and is known by nothing else.

use std::sync::Arc;

use super::print::{counted, outln};
use super::{CommandFault, Ending};
use crate::app;
use crate::cli;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::message::{ConversationId, GuestKey, e164};
use crate::store::{Database, Forgotten};

/// Erases a guest who is named by a conversation or a number.
pub(super) async fn run(config: Config, options: cli::Forget) -> Result<Ending, CommandFault> {
    let store = Database::open(&config.database, Arc::new(SystemClock)).await?;
    let (guests, phone) = known(&config, &store, &options.whom).await?;
    let sought = phone.clone().unwrap_or_else(|| options.whom.clone());
    let mut phones: Vec<String> = phone.into_iter().collect();
    let mut conversations = Vec::new();
    for guest in &guests {
        phones.extend(store.guest(guest).await?.phone);
        conversations.extend(store.conversations_of(guest).await?);
    }
    let bookings = match config.hotel {
        None => Some(app::forget_customer(&config, phones, &conversations).await?),
        Some(_) => None,
    };
    let mut forgotten = Forgotten::default();
    for guest in &guests {
        forgotten += store.forget_guest(guest).await?;
    }
    store.compact().await?;
    store.close().await?;
    let Forgotten { conversations, messages, replies, .. } = forgotten;
    let told = [
        counted(conversations, "conversation", "conversations"),
        counted(messages, "message", "messages"),
        counted(replies, "reply", "replies"),
    ];
    outln!("Forgotten: {}.", told.join(", "));
    match bookings {
        Some(1) => outln!("1 booking has no name and number any more."),
        Some(bookings) => outln!("{bookings} bookings have no name and number any more."),
        None => {
            outln!("Bookings are kept by another hotel system ([hotel] mcp): have them forgotten there.")
        }
    }
    let found = !guests.is_empty() || bookings.is_some_and(|bookings| bookings > 0);
    if !found {
        outln!("Nobody is known as {}.", sought);
    }
    Ok(if found { Ending::Fine } else { Ending::NotFine })
}

/// Whom somebody means, and the number they named them by, E.164.
async fn known(
    config: &Config,
    store: &Database,
    whom: &str,
) -> Result<(Vec<GuestKey>, Option<String>), CommandFault> {
    if e164(whom).is_none() {
        let whose = store.whose(&ConversationId::new(whom)).await?;
        // A chat page's session is a guest of its own.
        let page = GuestKey::at_console(whom);
        match whose {
            Some((guest, _)) => return Ok((vec![guest], None)),
            None if !store.conversations_of(&page).await?.is_empty() => return Ok((vec![page], None)),
            None => {}
        }
    }
    let Some(phone) = phone(config, whom).await? else { return Ok((Vec::new(), None)) };
    let mut guests = store.everybody_with(&phone).await?;
    guests.extend(store.everybody_who_told(&phone).await?);
    guests.sort();
    guests.dedup();
    Ok((guests, Some(phone)))
}

/// A number as people write it: with `+` or `00` and its country code, or as it is dialled where the hotel is. `None`
/// where it is no number.
async fn phone(config: &Config, whom: &str) -> Result<Option<String>, CommandFault> {
    let is_number = whom.chars().any(|sign| sign.is_ascii_digit())
        && whom.chars().all(|sign| sign.is_ascii_digit() || " +-./()".contains(sign));
    if !is_number {
        return Ok(None);
    }
    let digits: String = whom.chars().filter(|sign| sign.is_ascii_digit() || *sign == '+').collect();
    let abroad = digits.strip_prefix("00").map(|rest| format!("+{rest}"));
    let digits = abroad.unwrap_or(digits);
    if digits.starts_with('+') {
        let wrong = || {
            let message = format!("{whom}: expected a number with + and its country code, 7 to 15 digits");
            CommandFault::Other(message)
        };
        return e164(&digits).map(Some).ok_or_else(wrong);
    }
    let region = app::region(config).await?;
    let country = region.as_deref().and_then(|region| region.parse::<phonenumber::country::Id>().ok());
    let number = country.and_then(|country| phonenumber::parse(Some(country), &digits).ok());
    let number = number.filter(phonenumber::is_valid).ok_or_else(|| {
        let here = region.map_or(String::new(), |region| format!(" or as it is dialled in {region}"));
        CommandFault::Other(format!(
            "{whom}: expected a conversation's id, or a number with + and its country code{here}"
        ))
    })?;
    Ok(Some(number.format().mode(phonenumber::Mode::E164).to_string()))
}
