//! Which of the days that were said is the arrival and which the departure.

use chrono::{Datelike, Days, NaiveDate};

use super::lexicon::Class;
use super::said::{Anchor, Said};
use super::sentence::{Sentence, Taken};
use super::stay::{Asked, Point, Role, StayContext, StaySaid};

impl Sentence<'_> {
    /// A bare number where a stay was asked for.
    pub(super) fn bare_answer(&mut self, context: StayContext, said: &mut StaySaid) {
        if context.asked == Asked::No || said.range.nights.is_some() {
            return;
        }
        let mut numbers = (0..self.len()).filter(|at| self.number(*at).is_some());
        let (Some(at), None) = (numbers.next(), numbers.next()) else { return };
        let alone = (0..self.len()).all(|other| {
            other == at
                || self.any(
                    other,
                    &[
                        Class::Filler,
                        Class::Stop,
                        Class::Comma,
                        Class::On,
                        Class::The,
                        Class::Hedge,
                        Class::For,
                    ],
                )
        });
        let counts = !self.stands_alone(at + 1);
        let Some(number) =
            self.number(at).filter(|_| alone && !counts).and_then(|number| u32::try_from(number).ok())
        else {
            return;
        };
        let day = |after: Option<NaiveDate>| {
            let said = (1..=31).contains(&number).then_some(Said::Day { day: number, months: None })?;
            said.resolve(Anchor { today: context.today, after, near: None })
        };
        let arrival = context.known.and_then(|known| known.check_in);
        match context.asked {
            Asked::Nights if (1..=400).contains(&number) => said.range.nights = Some(number),
            Asked::Departure if (1..=7).contains(&number) => said.range.nights = Some(number),
            Asked::Departure => said.range.check_out = day(arrival),
            Asked::Stay => said.range.check_in = day(None),
            Asked::Nights | Asked::No => {}
        }
        said.days.extend(said.range.check_in.or(said.range.check_out));
        self.take(at, at + 1, Taken::Day);
    }

    /// Resolves the points and fills arrival and departure.
    pub(super) fn arrange(&self, points: &[Point], context: StayContext, said: &mut StaySaid) {
        let today = context.today;
        let known = context.known.unwrap_or_default();
        let resolve = |said: Said, after: Option<NaiveDate>, near: Option<NaiveDate>| {
            said.resolve(Anchor { today, after, near })
        };
        let mut denied_role = None;
        for point in points.iter().filter(|point| point.denied) {
            let matches =
                |date: Option<NaiveDate>| date.is_some() && resolve(point.found.said, None, date) == date;
            if matches(known.check_in) {
                denied_role = Some(Role::In);
            } else if matches(known.check_out) {
                denied_role = Some(Role::Out);
            }
            denied_role = denied_role.or(point.role);
        }
        let mut live: Vec<Point> = Vec::new();
        for point in points.iter().filter(|point| !point.denied) {
            if point.corrects
                && point.role.is_none()
                && let Some(before) = live.pop()
            {
                live.push(Point { role: before.role, ..*point });
            } else {
                live.push(*point);
            }
        }
        let moved = live.first().filter(|first| live.len() == 2 && self.is_moved(first)).and_then(|first| {
            let old = first.found.said;
            let is = |date: Option<NaiveDate>| date.is_some() && resolve(old, None, date) == date;
            if is(known.check_in) {
                Some(Role::In)
            } else if is(known.check_out) {
                Some(Role::Out)
            } else {
                None
            }
        });
        if let Some(role) = moved {
            live.remove(0);
            live[0].role = Some(role);
        }
        if live.iter().any(|point| point.alternative) {
            said.days.extend(live.iter().filter_map(|point| resolve(point.found.said, None, None)));
            return;
        }
        if let [only] = live.as_mut_slice()
            && only.role.is_none()
        {
            let departs = match self.is_meant(only).then_some((known.check_in, known.check_out)) {
                // It stands in place of what is known: of two days, the nearer one.
                Some((Some(_), Some(check_out))) => {
                    resolve(only.found.said, None, Some(check_out)).is_some_and(|day| day >= check_out)
                }
                Some((Some(_), None)) => false,
                Some((None, _)) | None => context.asked == Asked::Departure || denied_role == Some(Role::Out),
            };
            only.role = Some(if departs { Role::Out } else { Role::In });
        }
        let labelled =
            |role| live.iter().rev().find(|point| point.role == Some(role)).map(|point| point.found.said);
        let mut free = live.iter().filter(|point| point.role.is_none()).map(|point| point.found.said);
        let arrival = labelled(Role::In).or_else(|| free.next());
        let departure = labelled(Role::Out).or_else(|| free.next());
        // "The 12th, 13th and 14th" may be days or nights.
        let listed = live.len() > 2 && live.iter().all(|point| point.role.is_none());
        let departure = departure.filter(|_| !listed);
        let check_in = arrival.and_then(|arrival| match (arrival, departure) {
            (Said::Day { day, months: None }, Some(end @ (Said::MonthDay { .. } | Said::On(_)))) => {
                let end = resolve(end, None, None)?;
                before(end, day)
                    .filter(|date| *date >= today)
                    .or_else(|| resolve(arrival, None, known.check_in))
            }
            (Said::MonthDay { month, day }, Some(Said::On(end))) => {
                let year = |year| NaiveDate::from_ymd_opt(year, month, day).filter(|date| *date < end);
                year(end.year()).or_else(|| year(end.year() - 1))
            }
            _ => resolve(arrival, None, known.check_in),
        });
        let after = check_in.or(known.check_in.filter(|_| arrival.is_none()));
        let check_out = departure.and_then(|departure| depart(departure, after, context));
        said.range.check_in = check_in;
        said.range.check_out = check_out;
        if self.are_nights(&live) {
            said.range.check_out = check_out.and_then(|last| last.succ_opt());
        }
        if let (Some(weekend), None, None, Some(friday)) = (arrival, departure, said.range.nights, check_in)
            && weekend.is_weekend()
        {
            let days = 6 - friday.weekday().num_days_from_monday().min(5);
            said.range.check_out = friday.checked_add_days(Days::new(u64::from(days)));
        }
        for point in &live {
            let date = match point.role {
                Some(Role::In) if Some(point.found.said) == arrival => check_in,
                Some(Role::Out) if Some(point.found.said) == departure => check_out,
                _ if Some(point.found.said) == arrival => check_in,
                _ if Some(point.found.said) == departure => check_out,
                _ => resolve(point.found.said, None, None),
            };
            said.days.extend(date);
        }
        said.ambiguous |= live.len() > 2;
    }

    /// "Friday and Saturday night": the last of the nights ends on the next day.
    fn are_nights(&self, live: &[Point]) -> bool {
        let [first, last] = live else { return false };
        let mut between = first.found.end..last.found.first;
        let listed = between.clone().any(|at| self.is(at, Class::And))
            && between.all(|at| self.any(at, &[Class::And, Class::The, Class::On, Class::Night]));
        let ends = self.any(last.found.end - 1, &[Class::Night]) || self.is(last.found.end, Class::Night);
        let of = (first.found.first.saturating_sub(3)..first.found.first)
            .any(|at| self.is(at, Class::Night) && self.is(at + 1, Class::Of));
        listed && (ends || of) && first.role.is_none() && last.role.is_none()
    }

    /// "Sorry, I meant the thirteenth": what was said last was said wrong.
    fn is_meant(&self, only: &Point) -> bool {
        (0..only.found.first).any(|at| self.is(at, Class::Meant))
    }

    /// "move it from the 12th": the day is the old one.
    fn is_moved(&self, first: &Point) -> bool {
        (0..first.found.first).any(|at| self.is(at, Class::Move))
    }
}

/// The last such day of a month before `end`.
fn before(end: NaiveDate, day: u32) -> Option<NaiveDate> {
    let month = end.with_day(1)?;
    month.with_day(day).filter(|date| *date < end).or_else(|| month.pred_opt()?.with_day(day))
}

fn depart(said: Said, after: Option<NaiveDate>, context: StayContext) -> Option<NaiveDate> {
    let date = said.resolve(Anchor { today: context.today, after, near: None })?;
    let Some(check_in) = after else { return Some(date) };
    match said {
        Said::Weekday { .. } if date <= check_in => {
            let weeks = (check_in - date).num_days() / 7 + 1;
            date.checked_add_days(Days::new(u64::try_from(weeks * 7).ok()?))
        }
        Said::MonthDay { month, day } if (date - check_in).num_days() > 200 => {
            NaiveDate::from_ymd_opt(check_in.year(), month, day).or(Some(date))
        }
        _ => Some(date),
    }
}
