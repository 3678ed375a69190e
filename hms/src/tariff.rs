//! What a stay costs and when one may begin.

use chrono::{Datelike, NaiveDate, Weekday};
use schemars::JsonSchema;
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use crate::entity::tax::Basis;
use crate::entity::{Scoped, nightly_rate, restriction, season, tax};
use crate::house::Category;
use crate::money::{tax_inside, tax_on_top};
use crate::{Currency, Fault, Money, Party, Stay};

/// Prices, taxes and arrival rules.
pub(crate) struct Tariff {
    currency: Currency,
    /// Highest priority first.
    seasons: Vec<season::Model>,
    rates: Vec<nightly_rate::Model>,
    restrictions: Vec<restriction::Model>,
    taxes: Vec<tax::Model>,
}

/// What one stay of one party costs.
pub(crate) struct Price {
    /// Each night with its price before taxes that come on top.
    pub(crate) lines: Vec<(NaiveDate, i64)>,
    pub(crate) taxes: Vec<TaxLine>,
    pub(crate) accommodation: Money,
    pub(crate) total: Money,
}

/// A tax or levy in a price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaxLine {
    /// Short name for programs.
    pub code: String,
    /// What the bill calls it.
    pub name: String,
    /// How much it is.
    pub amount: Money,
    /// Whether the room price contains it already; if not, it is added to the total.
    pub included: bool,
}

/// Why a stay may not begin when it would, although rooms are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalRule {
    /// Nobody arrives on that day.
    ClosedToArrival,
    /// A stay that arrives then has at least this many nights.
    MinNights(u32),
    /// There is no price for one of the nights.
    NotSold,
}

impl Tariff {
    pub(crate) async fn load(
        db: &impl ConnectionTrait,
        hotel: i64,
        currency: Currency,
    ) -> Result<Self, Fault> {
        let mut seasons = season::Entity::of(hotel).all(db).await.map_err(Fault::doing("reading seasons"))?;
        seasons.sort_by_key(|season| (-season.priority, season.id));
        let mut taxes = tax::Entity::of(hotel).all(db).await.map_err(Fault::doing("reading taxes"))?;
        taxes.sort_by_key(|tax| tax.id);
        Ok(Self {
            currency,
            seasons,
            taxes,
            rates: nightly_rate::Entity::of(hotel).all(db).await.map_err(Fault::doing("reading rates"))?,
            restrictions: restriction::Entity::of(hotel)
                .all(db)
                .await
                .map_err(Fault::doing("reading restrictions"))?,
        })
    }

    /// The price of a stay; `None` where a night has none.
    pub(crate) fn price(&self, category: &Category<'_>, stay: Stay, party: Party) -> Option<Price> {
        let lines: Vec<(NaiveDate, i64)> = stay
            .each_night()
            .map(|night| Some((night, self.night(category, night)?)))
            .collect::<Option<_>>()?;
        let accommodation: i64 = lines.iter().map(|(_, minor)| minor).sum();
        let taxes: Vec<TaxLine> =
            self.taxes.iter().map(|tax| self.tax(tax, accommodation, stay, party)).collect();
        let on_top: i64 = taxes.iter().filter(|tax| !tax.included).map(|tax| tax.amount.minor).sum();
        Some(Price {
            lines,
            taxes,
            accommodation: self.currency.amount(accommodation),
            total: self.currency.amount(accommodation + on_top),
        })
    }

    /// The lowest price of a night in any season.
    pub(crate) fn lowest(&self, room_type: i64) -> Option<Money> {
        let of_type = self.rates.iter().filter(|rate| rate.room_type_id == room_type);
        of_type
            .map(|rate| rate.weekday_minor.min(rate.weekend_minor))
            .min()
            .map(|minor| self.currency.amount(minor))
    }

    /// The rule that this stay breaks, if it breaks one.
    pub(crate) fn broken_rule(&self, category: &Category<'_>, stay: Stay) -> Option<ArrivalRule> {
        if stay.each_night().any(|night| self.night(category, night).is_none()) {
            return Some(ArrivalRule::NotSold);
        }
        let holding = self.restrictions.iter().filter(|rule| {
            rule.room_type_id.is_none_or(|id| id == category.kind.id)
                && in_part_of_year(
                    stay.arrival(),
                    (rule.from_month, rule.from_day),
                    (rule.to_month, rule.to_day),
                )
        });
        let mut longest = 0;
        for rule in holding {
            if rule.closed_to_arrival {
                return Some(ArrivalRule::ClosedToArrival);
            }
            longest = longest.max(u32::try_from(rule.min_nights).unwrap_or(0));
        }
        (stay.nights() < longest).then_some(ArrivalRule::MinNights(longest))
    }

    fn night(&self, category: &Category<'_>, night: NaiveDate) -> Option<i64> {
        let weekend = matches!(night.weekday(), Weekday::Fri | Weekday::Sat);
        self.seasons
            .iter()
            .filter(|season| {
                in_part_of_year(night, (season.from_month, season.from_day), (season.to_month, season.to_day))
            })
            .find_map(|season| {
                self.rates.iter().find(|rate| {
                    rate.season_id == season.id
                        && rate.room_type_id == category.kind.id
                        && rate.view == category.view
                })
            })
            .map(|rate| if weekend { rate.weekend_minor } else { rate.weekday_minor })
    }

    fn tax(&self, tax: &tax::Model, accommodation: i64, stay: Stay, party: Party) -> TaxLine {
        let minor = match tax.basis {
            Basis::Percent if tax.included => tax_inside(accommodation, tax.amount),
            Basis::Percent => tax_on_top(accommodation, tax.amount),
            Basis::AdultNight => {
                let most = tax.max_nights.and_then(|most| u32::try_from(most).ok()).unwrap_or(u32::MAX);
                tax.amount * i64::from(party.adults()) * i64::from(stay.nights().min(most))
            }
        };
        TaxLine {
            code: tax.code.clone(),
            name: tax.name.clone(),
            amount: self.currency.amount(minor),
            included: tax.included,
        }
    }
}

/// Whether a date is in a part of every year, both ends included; the part may go over the new year.
fn in_part_of_year(date: NaiveDate, from: (i32, i32), to: (i32, i32)) -> bool {
    let at = |number: u32| i32::try_from(number).unwrap_or(0);
    let day = (at(date.month()), at(date.day()));
    if from <= to { from <= day && day <= to } else { from <= day || day <= to }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_year_may_go_over_the_new_year() {
        let day = |month, day| NaiveDate::from_ymd_opt(2027, month, day).unwrap();
        assert!(in_part_of_year(day(12, 31), (12, 23), (1, 2)));
        assert!(in_part_of_year(day(1, 2), (12, 23), (1, 2)));
        assert!(!in_part_of_year(day(1, 3), (12, 23), (1, 2)));
        assert!(in_part_of_year(day(2, 28), (1, 1), (12, 31)));
    }
}
