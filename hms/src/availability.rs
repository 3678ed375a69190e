//! Which rooms are free, and what comes near when none is.

use chrono::{Datelike, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entity::{room, room_type};
use crate::house::{Category, House, Occupancy};
use crate::refusal::Halt;
use crate::stay::add_days;
use crate::tariff::ArrivalRule;
use crate::{Fault, Hotel, Money, Outcome, Party, Stay};

/// How many days earlier or later a stay may be to count as near.
const NEAR_DAYS: i64 = 14;
const ALTERNATIVES_SAME_DATES: usize = 3;
const ALTERNATIVES_OTHER_DATES: usize = 3;

/// What somebody is looking for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// When.
    pub stay: Stay,
    /// The code or name of a room type; none means any.
    pub room_type: Option<String>,
    /// A view; none means any.
    pub view: Option<String>,
    /// Who comes; none means the usual party of each room.
    pub party: Option<Party>,
}

/// What is free, or what is near.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Availability {
    /// What can be booked for these dates: one entry for each room type and view.
    pub rooms: Vec<Offer>,
    /// When `rooms` is empty: other rooms for these dates, and the nearest dates.
    pub alternatives: Vec<Alternative>,
    /// When `rooms` is empty: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A room type with one view that has a free room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Offer {
    /// The same for every date: `double-sea`.
    pub offer_id: String,
    /// A free room to quote and book.
    pub room_id: String,
    /// The code of the room type.
    pub room_type: String,
    /// What it is called: `Double, sea view`.
    pub name: String,
    /// What its windows look at.
    pub view: String,
    /// How many people may sleep in it.
    pub max_guests: u32,
    /// How many such rooms are free.
    pub free: u32,
    /// The total shared over the nights.
    pub nightly: Money,
    /// What the whole stay costs the party, all taxes in.
    pub total: Money,
}

/// Something near to what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alternative {
    /// The offer and its dates in one word.
    pub alternative_id: String,
    /// What it is called, with its dates: `Double, garden view, 13–15 Dec`.
    pub name: String,
    /// The code of the room type.
    pub room_type: String,
    /// What its windows look at.
    pub view: String,
    /// Its dates.
    pub stay: StayDates,
    /// How many people may sleep in it.
    pub max_guests: u32,
    /// How many such rooms are free.
    pub free: u32,
    /// The total shared over the nights.
    pub nightly: Money,
    /// What the whole stay costs the party, all taxes in.
    pub total: Money,
}

/// The two dates of a stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StayDates {
    /// The first night.
    #[schemars(with = "String", extend("format" = "date"))]
    pub check_in: NaiveDate,
    /// The day of leaving.
    #[schemars(with = "String", extend("format" = "date"))]
    pub check_out: NaiveDate,
}

/// Why nothing is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Everything of that kind is taken.
    NoneFree,
    /// No such room holds so many people.
    PartyTooLarge,
    /// Something is free, but not with that view.
    ViewUnavailable,
    /// Rooms are free, but a stay may not begin or be so short then.
    Restricted,
}

impl Hotel {
    /// What is free for a wish.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn availability(&self, wish: &Wish) -> Result<Outcome<Availability>, Fault> {
        Outcome::from(self.look(wish).await)
    }

    async fn look(&self, wish: &Wish) -> Result<Availability, Halt> {
        let house = self.house().await?;
        house.check_dates(wish.stay)?;
        self.availability_in(&house, wish).await
    }

    /// What is free for a wish whose dates were checked.
    pub(crate) async fn availability_in(&self, house: &House, wish: &Wish) -> Result<Availability, Halt> {
        let looking = Looking::for_wish(house, wish)?;
        let db = self.database().reader();
        let (arrival, departure) = (wish.stay.arrival(), wish.stay.departure());
        let now = Occupancy::between(db, self.id(), arrival, departure).await?;
        let rooms: Vec<Offer> = looking
            .fitting()
            .iter()
            .filter_map(|category| looking.offer(category, wish.stay, &now))
            .collect();
        if !rooms.is_empty() {
            return Ok(Availability { rooms, alternatives: Vec::new(), reason: None });
        }
        let from = add_days(arrival, -NEAR_DAYS).unwrap_or(arrival).max(house.today());
        let until = add_days(departure, NEAR_DAYS).unwrap_or(departure);
        let around = Occupancy::between(db, self.id(), from, until).await?;
        Ok(Availability {
            rooms,
            alternatives: looking.alternatives(&around),
            reason: Some(looking.reason(&now)),
        })
    }
}

/// A wish with its words understood.
struct Looking<'house> {
    house: &'house House,
    stay: Stay,
    kind: Option<&'house room_type::Model>,
    view: Option<&'house str>,
    party: Option<Party>,
}

impl<'house> Looking<'house> {
    fn for_wish(house: &'house House, wish: &Wish) -> Result<Self, Halt> {
        Ok(Self {
            house,
            stay: wish.stay,
            kind: wish.room_type.as_deref().map(|asked| house.type_called(asked)).transpose()?,
            view: wish.view.as_deref().map(|asked| house.view_called(asked)).transpose()?,
            party: wish.party,
        })
    }

    /// What is large enough, of any type and view. Who asks for a kind of room without saying who
    /// comes is taken for its usual party: nobody who wants a double is shown a single.
    fn large_enough(&self) -> Vec<Category<'house>> {
        let usual = self.kind.map(|kind| Party::usual_for(u32::try_from(kind.max_guests).unwrap_or(1)));
        let guests = self.party.or(usual).map_or(1, Party::guests);
        self.house.categories().into_iter().filter(|category| category.max_guests() >= guests).collect()
    }

    fn is_kind(&self, category: &Category<'_>) -> bool {
        self.kind.is_none_or(|kind| kind.id == category.kind.id)
    }

    fn has_view(&self, category: &Category<'_>) -> bool {
        self.view.is_none_or(|view| view == category.view)
    }

    /// What is large enough and as asked for.
    fn fitting(&self) -> Vec<Category<'house>> {
        let mut fitting = self.large_enough();
        fitting.retain(|category| self.is_kind(category) && self.has_view(category));
        fitting
    }

    /// The category as an offer, if a room is free and the stay may begin.
    fn offer(&self, category: &Category<'_>, stay: Stay, occupancy: &Occupancy) -> Option<Offer> {
        if self.house.stock.tariff.broken_rule(category, stay).is_some() {
            return None;
        }
        let free: Vec<&room::Model> = free_rooms(category, stay, occupancy);
        let room = free.first()?;
        let party = self.party.unwrap_or_else(|| Party::usual_for(category.max_guests()));
        let price = self.house.stock.tariff.price(category, stay, party)?;
        Some(Offer {
            offer_id: category.offer_id(),
            room_id: room.number.clone(),
            room_type: category.kind.code.clone(),
            name: category.name(),
            view: category.view.to_owned(),
            max_guests: category.max_guests(),
            free: u32::try_from(free.len()).unwrap_or(u32::MAX),
            nightly: price.total.shared_over(stay.nights()),
            total: price.total,
        })
    }

    fn reason(&self, occupancy: &Occupancy) -> Reason {
        let mut of_kind = self.large_enough();
        of_kind.retain(|category| self.is_kind(category));
        if of_kind.is_empty() {
            return Reason::PartyTooLarge;
        }
        let (wanted, other_views): (Vec<_>, Vec<_>) =
            of_kind.iter().partition(|category| self.has_view(category));
        if wanted.is_empty() {
            return Reason::ViewUnavailable;
        }
        if wanted.iter().any(|category| !free_rooms(category, self.stay, occupancy).is_empty()) {
            return Reason::Restricted;
        }
        if other_views.iter().any(|category| self.offer(category, self.stay, occupancy).is_some()) {
            return Reason::ViewUnavailable;
        }
        Reason::NoneFree
    }

    /// First other views and types for the same dates, then the nearest dates for what was asked.
    fn alternatives(&self, occupancy: &Occupancy) -> Vec<Alternative> {
        let mut others: Vec<(bool, bool, Offer)> = self
            .large_enough()
            .iter()
            .filter_map(|category| {
                let offer = self.offer(category, self.stay, occupancy)?;
                Some((!self.is_kind(category), !self.has_view(category), offer))
            })
            .collect();
        others.sort_by_key(|(kind, view, offer)| (*kind, *view, offer.total.minor));
        let same_dates = others
            .into_iter()
            .take(ALTERNATIVES_SAME_DATES)
            .map(|(_, _, offer)| alternative(offer, self.stay));
        let other_dates = self
            .near_stays()
            .into_iter()
            .filter_map(|stay| Some(alternative(self.cheapest(stay, occupancy)?, stay)))
            .take(ALTERNATIVES_OTHER_DATES);
        same_dates.chain(other_dates).collect()
    }

    fn cheapest(&self, stay: Stay, occupancy: &Occupancy) -> Option<Offer> {
        let fitting = self.fitting();
        let offers = fitting.iter().filter_map(|category| self.offer(category, stay, occupancy));
        offers.min_by_key(|offer| offer.total.minor)
    }

    /// The stay made long enough for the rules, then shifted day by day, later first.
    fn near_stays(&self) -> Vec<Stay> {
        let mut stays: Vec<Stay> = self
            .fitting()
            .iter()
            .filter_map(|category| match self.house.stock.tariff.broken_rule(category, self.stay)? {
                ArrivalRule::MinNights(nights) => self.stay.lasting(nights),
                ArrivalRule::ClosedToArrival | ArrivalRule::NotSold => None,
            })
            .collect();
        stays.dedup();
        for distance in 1..=NEAR_DAYS {
            stays.extend([distance, -distance].iter().filter_map(|days| self.stay.shifted(*days)));
        }
        let last = add_days(self.stay.departure(), NEAR_DAYS).unwrap_or(NaiveDate::MAX);
        stays.retain(|stay| self.house.check_dates(*stay).is_ok() && stay.departure() <= last);
        stays
    }
}

fn free_rooms<'house>(
    category: &Category<'house>,
    stay: Stay,
    occupancy: &Occupancy,
) -> Vec<&'house room::Model> {
    category.rooms.iter().copied().filter(|room| occupancy.is_free(room, stay)).collect()
}

fn alternative(offer: Offer, stay: Stay) -> Alternative {
    Alternative {
        alternative_id: format!("{}:{}:{}", offer.offer_id, stay.arrival(), stay.departure()),
        name: format!("{}, {}", offer.name, dates(stay)),
        room_type: offer.room_type,
        view: offer.view,
        stay: StayDates { check_in: stay.arrival(), check_out: stay.departure() },
        max_guests: offer.max_guests,
        free: offer.free,
        nightly: offer.nightly,
        total: offer.total,
    }
}

/// `13–15 Dec`, or `30 Dec–2 Jan`.
fn dates(stay: Stay) -> String {
    let (from, to) = (stay.arrival(), stay.departure());
    if (from.year(), from.month()) == (to.year(), to.month()) {
        format!("{}–{}", from.day(), to.format("%-d %b"))
    } else {
        format!("{}–{}", from.format("%-d %b"), to.format("%-d %b"))
    }
}
