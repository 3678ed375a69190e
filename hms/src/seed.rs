//! The demonstration hotel: twenty-four rooms by the sea, invented from the doors to the prices.

mod questions;
mod rooms;

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};

use crate::database::Database;
use crate::entity::tax::Basis;
use crate::entity::{hotel, nightly_rate, policy, question, restriction, room, room_type, season, tax};
use crate::{Fault, Ids, ids};
use rooms::{RATES, ROOMS, SEASONS, TYPES};

const CODE: &str = "lantern-bay";
const DOING: &str = "seeding the demonstration hotel";

/// Writes the demonstration hotel in one transaction; when it is there already, nothing changes.
pub(crate) async fn write(database: &Database, ids: &dyn Ids) -> Result<(), Fault> {
    let tx = database.begin().await?;
    let seeded = write_all(&tx, ids).await;
    match seeded {
        Ok(()) => tx.commit().await.map_err(Fault::doing(DOING)),
        Err(fault) => {
            tx.rollback().await.map_err(Fault::doing(DOING))?;
            // Another process seeded the same database at the same moment.
            if fault.is_conflict() { Ok(()) } else { Err(fault) }
        }
    }
}

async fn write_all(tx: &DatabaseTransaction, ids: &dyn Ids) -> Result<(), Fault> {
    let Some(hotel) = write_hotel(tx, ids).await? else {
        return Ok(());
    };
    write_rooms(tx, hotel).await?;
    write_rates(tx, hotel).await?;
    write_rules(tx, hotel).await?;
    let rows = questions::QUESTIONS.iter().zip(0..).map(|(seed, position)| question::ActiveModel {
        hotel_id: Set(hotel),
        topic: Set(seed.topic.to_owned()),
        question: Set(seed.question.to_owned()),
        answer: Set(seed.answer.to_owned()),
        short_answer: Set(seed.short.to_owned()),
        keywords: Set(seed.keywords.join("\n")),
        position: Set(position),
        ..Default::default()
    });
    question::Entity::insert_many(rows).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
    Ok(())
}

/// The new hotel's id; `None` when it exists already.
async fn write_hotel(tx: &DatabaseTransaction, ids: &dyn Ids) -> Result<Option<i64>, Fault> {
    let existing = hotel::Entity::find().filter(hotel::Column::Code.eq(CODE)).one(tx).await;
    if existing.map_err(Fault::doing(DOING))?.is_some() {
        return Ok(None);
    }
    let row = hotel::ActiveModel {
        code: Set(CODE.to_owned()),
        name: Set("Lantern Bay Hotel".to_owned()),
        address: Set("Rua do Farol 12, 2750-341 Cascais, Portugal".to_owned()),
        phone: Set("+351210009124".to_owned()),
        email: Set("reception@lanternbay.example".to_owned()),
        country: Set("PT".to_owned()),
        time_zone: Set("Europe/Lisbon".to_owned()),
        currency: Set("EUR".to_owned()),
        check_in_time: Set("15:00".to_owned()),
        check_out_time: Set("11:00".to_owned()),
        quote_minutes: Set(30),
        horizon_days: Set(730),
        revision: Set(0),
        quote_secret: Set(ids::secret(ids)),
        ..Default::default()
    };
    let inserted = hotel::Entity::insert(row).exec(tx).await.map_err(Fault::doing(DOING))?;
    Ok(Some(inserted.last_insert_id))
}

async fn write_rooms(tx: &DatabaseTransaction, hotel: i64) -> Result<(), Fault> {
    let types = TYPES.iter().zip(1..).map(|(seed, position)| room_type::ActiveModel {
        hotel_id: Set(hotel),
        code: Set(seed.code.to_owned()),
        name: Set(seed.name.to_owned()),
        description: Set(seed.description.to_owned()),
        max_guests: Set(seed.max_guests),
        position: Set(position),
        ..Default::default()
    });
    room_type::Entity::insert_many(types).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
    let kinds = written_types(tx, hotel).await?;
    let rooms = ROOMS.iter().filter_map(|(number, code, view, accessible)| {
        let kind = TYPES.iter().find(|kind| kind.code == *code)?;
        Some(room::ActiveModel {
            hotel_id: Set(hotel),
            room_type_id: Set(id_of(&kinds, code)?),
            number: Set(number.to_string()),
            floor: Set(number / 100),
            view: Set((*view).to_owned()),
            beds: Set(kind.beds.to_owned()),
            size_m2: Set(kind.size_m2 + if *view == "sea" { 3 } else { 0 }),
            accessible: Set(*accessible),
            ..Default::default()
        })
    });
    room::Entity::insert_many(rooms).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
    Ok(())
}

async fn write_rates(tx: &DatabaseTransaction, hotel: i64) -> Result<(), Fault> {
    let kinds = written_types(tx, hotel).await?;
    for seed in SEASONS {
        let row = season::ActiveModel {
            hotel_id: Set(hotel),
            name: Set(seed.name.to_owned()),
            from_month: Set(seed.from.0),
            from_day: Set(seed.from.1),
            to_month: Set(seed.to.0),
            to_day: Set(seed.to.1),
            priority: Set(seed.priority),
            ..Default::default()
        };
        let season = season::Entity::insert(row).exec(tx).await.map_err(Fault::doing(DOING))?.last_insert_id;
        let rates = RATES.iter().filter_map(|(code, view, low_season_euros)| {
            let euros = low_season_euros * seed.percent / 100;
            Some(nightly_rate::ActiveModel {
                hotel_id: Set(hotel),
                season_id: Set(season),
                room_type_id: Set(id_of(&kinds, code)?),
                view: Set((*view).to_owned()),
                weekday_minor: Set(euros * 100),
                weekend_minor: Set((euros + seed.weekend_euros) * 100),
                ..Default::default()
            })
        });
        nightly_rate::Entity::insert_many(rates)
            .exec_without_returning(tx)
            .await
            .map_err(Fault::doing(DOING))?;
    }
    Ok(())
}

async fn write_rules(tx: &DatabaseTransaction, hotel: i64) -> Result<(), Fault> {
    let kinds = written_types(tx, hotel).await?;
    let vat = ("vat", "VAT 6 %", Basis::Percent, 600, true, None);
    let city_tax =
        ("city_tax", "City tax, 2 euros per adult and night", Basis::AdultNight, 200, false, Some(7));
    let taxes = [vat, city_tax].map(|(code, name, basis, amount, included, max_nights)| tax::ActiveModel {
        hotel_id: Set(hotel),
        code: Set(code.to_owned()),
        name: Set(name.to_owned()),
        basis: Set(basis),
        amount: Set(amount),
        included: Set(included),
        max_nights: Set(max_nights),
        ..Default::default()
    });
    tax::Entity::insert_many(taxes).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
    let rules = rooms::RESTRICTIONS.iter().map(|rule| restriction::ActiveModel {
        hotel_id: Set(hotel),
        room_type_id: Set(rule.room_type.and_then(|code| id_of(&kinds, code))),
        from_month: Set(rule.from.0),
        from_day: Set(rule.from.1),
        to_month: Set(rule.to.0),
        to_day: Set(rule.to.1),
        min_nights: Set(rule.min_nights),
        closed_to_arrival: Set(rule.closed_to_arrival),
        ..Default::default()
    });
    restriction::Entity::insert_many(rules).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
    let policies = questions::POLICIES.iter().map(|(code, title, description)| {
        let cancellation = |number| (*code == "cancellation").then_some(number);
        policy::ActiveModel {
            hotel_id: Set(hotel),
            code: Set((*code).to_owned()),
            title: Set((*title).to_owned()),
            description: Set((*description).to_owned()),
            free_until_days: Set(cancellation(2)),
            free_until_hour: Set(cancellation(18)),
            fee_nights: Set(cancellation(1)),
            ..Default::default()
        }
    });
    policy::Entity::insert_many(policies).exec_without_returning(tx).await.map_err(Fault::doing(DOING))?;
    Ok(())
}

async fn written_types(tx: &DatabaseTransaction, hotel: i64) -> Result<Vec<room_type::Model>, Fault> {
    use crate::entity::Scoped as _;
    room_type::Entity::of(hotel).all(tx).await.map_err(Fault::doing(DOING))
}

fn id_of(kinds: &[room_type::Model], code: &str) -> Option<i64> {
    kinds.iter().find(|kind| kind.code == code).map(|kind| kind.id)
}
