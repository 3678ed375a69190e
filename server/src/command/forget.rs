//! `innkeeper forget`: a guest is erased everywhere; a number with every call that displayed it, and with whoever
//! told it and is known by nothing else.

use std::sync::Arc;

use super::print::outln;
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
    let phone = e164(&options.whom);
    let guests: Vec<GuestKey> = match &phone {
        Some(phone) => {
            let mut guests = store.everybody_with(phone).await?;
            guests.extend(store.everybody_who_told(phone).await?);
            guests.sort();
            guests.dedup();
            guests
        }
        None => {
            let whose = store.whose(&ConversationId::new(&*options.whom)).await?;
            // A chat page's session is a guest of its own.
            let page = GuestKey::at_console(&options.whom);
            match whose {
                Some((guest, _)) => vec![guest],
                None if store.conversations_of(&page).await?.is_empty() => Vec::new(),
                None => vec![page],
            }
        }
    };
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
    outln!("Forgotten: {conversations} conversations, {messages} messages, {replies} replies.");
    match bookings {
        Some(bookings) => outln!("{bookings} bookings have no name and number any more."),
        None => {
            outln!("Bookings are kept by another hotel system ([hotel] mcp): have them forgotten there.")
        }
    }
    let found = !guests.is_empty() || bookings.is_some_and(|bookings| bookings > 0);
    if !found {
        outln!("Nobody is known as {}.", options.whom);
    }
    Ok(if found { Ending::Fine } else { Ending::NotFine })
}
