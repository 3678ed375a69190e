//! `innkeeper hotel`: the hotel's rooms and bookings, for the hotel's own people.

use innkeeper_hms::{BookingRow, HotelListing, Money};
use serde::Serialize;

use super::print::{counted, out, outln};
use super::{CommandFault, Ending, other, pretty};
use crate::app;
use crate::cli;
use crate::config::Config;

/// Creates or prints.
pub(super) async fn run(config: Config, options: cli::Hotel) -> Result<Ending, CommandFault> {
    let hotel = app::hotel(&config).await?;
    match options {
        cli::Hotel::Seed => {
            let listing = hotel.listing().await.map_err(other)?;
            outln!("{} has {}.", listing.name, counted(listing.rooms.len() as u64, "room", "rooms"));
        }
        cli::Hotel::Show { json } => {
            let listing = hotel.listing().await.map_err(other)?;
            if json { print_json(&listing)? } else { out!("{}", rooms(&listing)) }
        }
        cli::Hotel::Bookings { json } => {
            let rows = hotel.bookings().await.map_err(other)?;
            if json { print_json(&rows)? } else { out!("{}", bookings(&rows)) }
        }
    }
    hotel.close().await.map_err(other)?;
    Ok(Ending::Fine)
}

fn rooms(listing: &HotelListing) -> String {
    let mut text = format!("{}, {} ({})\n\n", listing.name, listing.address, listing.business_date);
    for room in &listing.rooms {
        text.push_str(&format!(
            "{:>4}  floor {}  {:<28} {:<24} {:>3} m²  up to {}{}\n",
            room.number,
            room.floor,
            room.name,
            room.beds,
            room.size_m2,
            room.max_guests,
            if room.accessible { "  step-free" } else { "" }
        ));
    }
    text
}

fn bookings(rows: &[BookingRow]) -> String {
    if rows.is_empty() {
        return "No bookings.\n".to_owned();
    }
    let line = |row: &BookingRow| {
        format!(
            "{}  {:<10?}  {} – {}  {:<28} {:>10}  {}  {}\n",
            row.reference,
            row.status,
            row.start_date,
            row.end_date,
            row.room_name,
            amount(&row.total),
            row.customer_name,
            row.phone_number
        )
    };
    rows.iter().map(line).collect()
}

fn amount(money: &Money) -> String {
    serde_json::to_value(money)
        .ok()
        .and_then(|value| {
            let minor = value.get("minor")?.as_i64()?;
            Some(format!("{}.{:02} {}", minor / 100, minor % 100, value.get("currency")?.as_str()?))
        })
        .unwrap_or_default()
}

fn print_json(value: &impl Serialize) -> Result<(), CommandFault> {
    outln!("{}", pretty(value)?);
    Ok(())
}
