//! Stays: which days were said, which of them is the arrival and which the departure, and for how many nights.

use chrono::{Datelike, Days, NaiveDate};
use innkeeper_engine::DateRange;

use super::day::{Anchor, Found, Said};
use super::lexicon::Class;
use super::nights::Nights;
use super::sentence::{Sentence, Taken};

/// What was asked about a stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing.
    #[default]
    No,
    /// Its dates.
    Stay,
    /// Its last day.
    Departure,
    /// Its length.
    Nights,
}

/// What a stay is understood against.
#[derive(Clone, Copy, Debug)]
pub(super) struct StayContext {
    pub(super) today: NaiveDate,
    pub(super) known: Option<DateRange>,
    pub(super) asked: Asked,
    /// Whether days before today are wanted; a guest's "made two days ago" is no stay.
    pub(super) past: bool,
}

/// The days and nights of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct StaySaid {
    pub(super) range: DateRange,
    /// All days that were said and not denied, in the order they were said.
    pub(super) days: Vec<NaiveDate>,
    /// Whether words say which day is which, or for how long.
    pub(super) placed: bool,
    /// Whether more was said than could be told apart.
    pub(super) ambiguous: bool,
    /// A day that its month does not have, and the last one that it has.
    pub(super) no_such_day: Option<(u32, NaiveDate)>,
}

impl StaySaid {
    pub(super) fn is_empty(&self) -> bool {
        self.range == DateRange::default() && self.days.is_empty() && self.no_such_day.is_none()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    In,
    Out,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    found: Found,
    role: Option<Role>,
    denied: bool,
    /// Joined to the point before it as the end of a range.
    joined: bool,
    /// It stands in place of the point before it.
    corrects: bool,
    /// It is an alternative to the point before it.
    alternative: bool,
}

impl Sentence<'_> {
    /// Reads all days and lengths of stay and takes their atoms.
    pub(super) fn stay(&mut self, context: StayContext) -> StaySaid {
        let no_such_day = self.no_such_day(context.today);
        let (mut points, nights) = self.points(context);
        self.give_roles(&mut points);
        let (gone, mut points): (Vec<Point>, Vec<Point>) =
            points.into_iter().partition(|point| self.is_gone(point, context.today));
        if let [only] = points.as_mut_slice() {
            only.joined = false;
        }
        for point in gone.iter().chain(&points) {
            self.take(point.found.first, point.found.end, Taken::Day);
        }
        let mut said =
            StaySaid { ambiguous: points.iter().any(|point| point.alternative), ..StaySaid::default() };
        said.range.nights = nights.and_then(|nights| nights.resolve(context.known));
        said.no_such_day = no_such_day;
        said.placed = nights.is_some() || points.len() > 1 || points.iter().any(|point| point.role.is_some());
        if points.is_empty() {
            self.bare_answer(context, &mut said);
        } else {
            self.arrange(&points, context, &mut said);
        }
        if context.past {
            let anchor = Anchor { today: context.today, after: None, near: None };
            said.days.extend(gone.iter().filter_map(|point| point.found.said.resolve(anchor)));
        }
        said
    }

    /// "yesterday" and "three days ago", which are never a stay, and the "today" of "that is all for today".
    fn is_gone(&self, point: &Point, today: NaiveDate) -> bool {
        let first = point.found.first;
        let relative = self.meaning(first).days;
        let past = matches!(point.found.said, Said::On(date) if date < today)
            && relative.is_some_and(|days| days < 0);
        let closing = relative == Some(0)
            && first.checked_sub(1).is_some_and(|before| self.is(before, Class::For))
            && (first.saturating_sub(6)..first).any(|at| self.is(at, Class::All));
        past || closing || self.is(point.found.end.saturating_sub(1), Class::Ago)
    }

    fn points(&mut self, context: StayContext) -> (Vec<Point>, Option<Nights>) {
        let mut points: Vec<Point> = Vec::new();
        let mut nights = None;
        let mut at = 0;
        while at < self.len() {
            let staying =
                at.checked_sub(1).is_some_and(|before| self.any(before, &[Class::For, Class::Stay]));
            if let Some((length, end, denied)) = self.nights(at, staying) {
                self.take(at, end, Taken::Nights);
                if !denied {
                    nights = Some(length);
                }
                at = end;
                continue;
            }
            let Some(found) = self.day(at, context.today) else {
                at += 1;
                continue;
            };
            if self.is_first_of_all(found, context) {
                at = found.end;
                continue;
            }
            let point = self.point(found, points.last());
            at = found.end;
            points.push(point);
        }
        self.drop_bare(&mut points, context);
        (points, nights)
    }

    fn point(&self, found: Found, before: Option<&Point>) -> Point {
        use Class::{Comma, Correction, Dash, InsteadOf, Not, Or, To, Until};
        let mut point =
            Point { found, role: None, denied: false, joined: false, corrects: false, alternative: false };
        let from = before.map_or(0, |before| before.found.end);
        let clause = (from..found.first).rev().take_while(|at| !self.is(*at, Class::Stop));
        let near: Vec<usize> = clause.take(3).collect();
        point.denied = near.iter().enumerate().any(|(distance, at)| {
            let not = self.is(*at, Not) && !self.is(*at, Correction);
            self.is(*at, InsteadOf) || (not && distance <= 2 && !self.is(*at + 1, Comma) && !self.is_no(*at))
        }) || self.any(found.end, &[Class::Unfit]);
        if let Some(before) = before {
            let between = before.found.end..found.first;
            let linked = |classes: &[Class]| {
                between.clone().any(|at| self.any(at, classes))
                    && between.clone().all(|at| {
                        self.any(at, classes)
                            || self.any(
                                at,
                                &[Class::The, Class::On, Comma, Class::From, Class::TimeOfDay, Class::Night],
                            )
                            || self.taken(at) == Some(Taken::Amount)
                    })
            };
            point.joined = linked(&[To, Until, Dash]);
            point.alternative = linked(&[Or]);
            point.corrects = !point.joined
                && between.clone().any(|at| self.any(at, &[Correction]))
                && !between.clone().any(|at| self.any(at, &[Class::Arrive, Class::Leave, Until]));
        }
        point
    }

    /// "First" and nothing else, where nobody asked for a day.
    fn is_first_of_all(&self, found: Found, context: StayContext) -> bool {
        let is_word = self.token(found.first).is_some_and(|token| token.is_word())
            && self.meaning(found.first).ordinal.is_some();
        context.asked == Asked::No && is_word && found.first == 0 && self.ends(found.end)
    }

    /// "no" by itself, which corrects and does not deny what follows.
    fn is_no(&self, at: usize) -> bool {
        self.tokens_are(at, &["no"])
    }

    /// Bare numbers are days only beside a day, or when days were asked for.
    fn drop_bare(&self, points: &mut Vec<Point>, context: StayContext) {
        use Class::{Adult, Child, Day, For, From, Group, Night, People, Until, Week};
        let counted = |at: usize| {
            self.any(
                at,
                &[
                    Adult,
                    Child,
                    People,
                    Night,
                    Day,
                    Week,
                    Class::Hours,
                    Class::RelationAdults,
                    Class::RelationChildren,
                ],
            )
        };
        let keep: Vec<bool> = (0..points.len())
            .map(|index| {
                let point = &points[index];
                if !point.found.bare {
                    return true;
                }
                if counted(point.found.end) {
                    return false;
                }
                let before = point.found.first.checked_sub(1);
                let after_the = self.is(point.found.first, Class::The);
                let end = self.ends(point.found.end)
                    || !self.is_word(point.found.end)
                    || self.any(point.found.end, &[Class::To, Until, Class::And, For, From, Class::On]);
                if after_the
                    && end
                    && before.is_some_and(|at| {
                        self.any(
                            at,
                            &[Class::On, From, Until, Class::To, Class::Arrive, Class::Leave, Class::And],
                        )
                    })
                {
                    return true;
                }
                let for_people = before.is_some_and(|at| self.any(at, &[For, Group]));
                let from = before.is_some_and(|at| self.is(at, From));
                let next = points.get(index + 1).filter(|next| next.joined);
                let previous = index.checked_sub(1).and_then(|i| points.get(i)).filter(|_| point.joined);
                let both_bare = |other: &Point| other.found.bare && !counted(other.found.end);
                if let Some(next) = next {
                    let until = self.is(point.found.end, Until);
                    return !(next.found.bare || for_people && until)
                        || (both_bare(next) && (from || context.asked != Asked::No));
                }
                if let Some(previous) = previous {
                    let opened = previous.found.first.checked_sub(1).is_some_and(|at| self.is(at, From));
                    return !previous.found.bare
                        || (both_bare(previous) && (opened || context.asked != Asked::No));
                }
                false
            })
            .collect();
        let mut keep = keep.into_iter();
        points.retain(|_| keep.next().unwrap_or(false));
    }

    fn give_roles(&self, points: &mut [Point]) {
        let mut claimed = Vec::new();
        for index in 0..points.len() {
            let found = points[index].found;
            let from = index.checked_sub(1).map_or(0, |before| points[before].found.end);
            let backward = (from..found.first).rev().take_while(|at| !self.is(*at, Class::Stop)).take(9);
            let backward: Vec<usize> = backward.filter(|at| !claimed.contains(at)).collect();
            let mut role = backward.iter().find_map(|at| Some((*at, self.role(*at)?)));
            if points[index].joined {
                role = Some((found.first, Role::Out));
                if points[index - 1].role.is_none() {
                    points[index - 1].role = Some(Role::In);
                }
            }
            // "check in and check out on the 12th and the 14th"
            if index == 0
                && points.len() == 2
                && matches!(role, Some((_, Role::Out)))
                && let Some((at, _)) = role
                && backward.iter().any(|other| {
                    *other < at && self.role(*other) == Some(Role::In) && self.is(*other, Class::Arrive)
                })
                && self.role_between(found.end, points[1].found.first).is_none()
            {
                role = Some((at, Role::In));
            }
            if role.is_none() {
                let until = points.get(index + 1).map_or(self.len(), |next| next.found.first);
                let forward = (found.end..until)
                    .take_while(|at| {
                        !self.any(*at, &[Class::Stop, Class::Comma, Class::And, Class::But, Class::For])
                    })
                    .take(7)
                    .find(|at| self.any(*at, &[Class::Arrive, Class::Leave]));
                role = forward
                    .filter(|at| {
                        until == self.len()
                            || self.any(*at + 1, &[Class::And, Class::Comma, Class::Stop])
                            || self.role(*at) == Some(Role::In) && at + 3 < until
                    })
                    .and_then(|at| Some((at, self.role(at)?)));
            }
            if let Some((at, role)) = role {
                claimed.push(at);
                points[index].role = Some(role);
            }
        }
    }

    pub(super) fn is_negation(&self, at: usize) -> bool {
        self.is(at, Class::Not)
            || self.token(at).is_some_and(|token| token.apostrophe && token.text.ends_with("nt"))
    }

    fn role_between(&self, from: usize, to: usize) -> Option<Role> {
        (from..to).find_map(|at| self.role(at))
    }

    fn role(&self, at: usize) -> Option<Role> {
        // "we don't arrive until the 10th"
        let not_before = self.is(at, Class::Until)
            && at.checked_sub(1).is_some_and(|before| self.is(before, Class::Arrive))
            && (at.saturating_sub(6)..at).any(|at| self.is_negation(at));
        if not_before {
            Some(Role::In)
        } else if self.any(at, &[Class::Until, Class::Leave]) {
            Some(Role::Out)
        } else if self.any(at, &[Class::From, Class::Arrive]) {
            Some(Role::In)
        } else {
            None
        }
    }

    /// A bare number where a stay was asked for.
    fn bare_answer(&mut self, context: StayContext, said: &mut StaySaid) {
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
    fn arrange(&self, points: &[Point], context: StayContext, said: &mut StaySaid) {
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
        if let (Some(Said::Weekend { .. }), None, None, Some(friday)) =
            (arrival, departure, said.range.nights, check_in)
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
