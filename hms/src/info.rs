//! What there is to know about the hotel.

use chrono::NaiveDate;
use schemars::JsonSchema;
use sea_orm::QueryOrder;
use serde::Serialize;

use crate::entity::{Scoped, policy, question};
use crate::house::House;
use crate::words::{contains_words, folded};
use crate::{Currency, Fault, Hotel, Money};

/// The hotel, its kinds of rooms, its rules, and its answers to guests' questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HotelInfo {
    /// What guests call the hotel.
    pub name: String,
    /// Where it stands.
    pub address: String,
    /// Its telephone number, E.164.
    pub phone: String,
    /// Its e-mail address.
    pub email: String,
    /// IANA time zone; every date is a civil date there.
    pub time_zone: String,
    /// ISO 4217 currency of every price.
    #[schemars(with = "String")]
    pub currency: Currency,
    /// Today at the hotel.
    #[schemars(with = "String", extend("format" = "date"))]
    pub business_date: NaiveDate,
    /// From when rooms are ready, HH:MM.
    pub check_in_time: String,
    /// Until when rooms are left, HH:MM.
    pub check_out_time: String,
    /// The cancellation rule in words.
    pub cancellation_policy: String,
    /// The kinds of rooms.
    pub room_types: Vec<RoomTypeInfo>,
    /// The views there are.
    pub views: Vec<String>,
    /// The rules of the house.
    pub policies: Vec<PolicyNote>,
    /// Questions with answers: all, or those that fit the topic asked about, the best first.
    pub questions: Vec<QuestionAnswer>,
}

/// A kind of room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RoomTypeInfo {
    /// What to call it in tools.
    pub code: String,
    /// What guests call it.
    pub name: String,
    /// A sentence about it.
    pub description: String,
    /// How many people may sleep in it.
    pub max_guests: u32,
    /// How many such rooms there are.
    pub rooms: u32,
    /// The views such rooms have.
    pub views: Vec<String>,
    /// The lowest price of a night in any season, before levies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Money>,
}

/// A rule of the house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicyNote {
    /// Short name for programs.
    pub code: String,
    /// What it is about.
    pub title: String,
    /// The rule in words.
    pub description: String,
}

/// A question guests ask, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QuestionAnswer {
    /// What it is about: `parking`, `pets`.
    pub topic: String,
    /// The question as a guest asks it.
    pub question: String,
    /// The answer to read.
    pub answer: String,
    /// The answer to say aloud.
    pub short_answer: String,
    /// Words and phrases that mean it.
    pub keywords: Vec<String>,
}

impl Hotel {
    /// What there is to know, with the questions that fit a topic, or all of them.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn info(&self, topic: Option<&str>) -> Result<HotelInfo, Fault> {
        let house = self.house().await?;
        let db = self.database().reader();
        let policies = policy::Entity::of(self.id())
            .order_by_asc(policy::Column::Id)
            .all(db)
            .await
            .map_err(Fault::doing("reading policies"))?;
        let questions = question::Entity::of(self.id())
            .order_by_asc(question::Column::Position)
            .order_by_asc(question::Column::Id)
            .all(db)
            .await
            .map_err(Fault::doing("reading questions"))?;
        let questions: Vec<QuestionAnswer> = questions.into_iter().map(QuestionAnswer::from).collect();
        Ok(HotelInfo {
            name: house.hotel.name.clone(),
            address: house.hotel.address.clone(),
            phone: house.hotel.phone.clone(),
            email: house.hotel.email.clone(),
            time_zone: house.hotel.time_zone.clone(),
            currency: house.currency,
            business_date: house.today(),
            check_in_time: house.hotel.check_in_time.clone(),
            check_out_time: house.hotel.check_out_time.clone(),
            cancellation_policy: house.stock.cancellation.text().to_owned(),
            room_types: room_types(&house),
            views: house.views().into_iter().map(str::to_owned).collect(),
            policies: policies
                .into_iter()
                .map(|policy| PolicyNote {
                    code: policy.code,
                    title: policy.title,
                    description: policy.description,
                })
                .collect(),
            questions: match topic {
                None => questions,
                Some(topic) => fitting(questions, topic),
            },
        })
    }
}

impl From<question::Model> for QuestionAnswer {
    fn from(row: question::Model) -> Self {
        Self {
            keywords: row.keywords.lines().map(str::to_owned).collect(),
            topic: row.topic,
            question: row.question,
            answer: row.answer,
            short_answer: row.short_answer,
        }
    }
}

fn room_types(house: &House) -> Vec<RoomTypeInfo> {
    let categories = house.categories();
    house
        .stock
        .types
        .iter()
        .map(|kind| {
            let of_kind = || categories.iter().filter(|category| category.kind.id == kind.id);
            let rooms: usize = of_kind().map(|category| category.rooms.len()).sum();
            RoomTypeInfo {
                code: kind.code.clone(),
                name: kind.name.clone(),
                description: kind.description.clone(),
                max_guests: u32::try_from(kind.max_guests).unwrap_or(0),
                rooms: u32::try_from(rooms).unwrap_or(u32::MAX),
                views: of_kind().map(|category| category.view.to_owned()).collect(),
                from: house.stock.tariff.lowest(kind.id),
            }
        })
        .collect()
}

/// The questions that a topic means: the one of that name alone, or those whose words it holds.
fn fitting(questions: Vec<QuestionAnswer>, topic: &str) -> Vec<QuestionAnswer> {
    let asked = folded(topic);
    if let Some(exact) = questions.iter().find(|question| folded(&question.topic) == asked) {
        return vec![exact.clone()];
    }
    let mut scored: Vec<(usize, QuestionAnswer)> = questions
        .into_iter()
        .filter_map(|question| {
            let names = question.keywords.iter().map(String::as_str).chain([question.topic.as_str()]);
            let score: usize = names
                .map(folded)
                .filter(|words| contains_words(&asked, words) || contains_words(words, &asked))
                .map(|words| words.len())
                .sum();
            (score > 0).then_some((score, question))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, question)| question).collect()
}
