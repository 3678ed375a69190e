//! Stays: which days were said, which of them is the arrival and which the departure, and for how many nights.

use chrono::NaiveDate;
use innkeeper_engine::DateRange;

use super::day::Found;
use super::lexicon::Class;
use super::nights::Nights;
use super::said::{Anchor, Said};
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
    /// Whether it is one day counted from today, and nothing says what it is to a stay: "today", "tomorrow".
    pub(super) in_passing: bool,
}

impl StaySaid {
    pub(super) fn is_empty(&self) -> bool {
        self.range == DateRange::default()
            && self.days.is_empty()
            && self.no_such_day.is_none()
            && !self.ambiguous
    }
}

/// What a day is to a stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The arrival.
    In,
    /// The departure.
    Out,
}

/// A day of a message in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) found: Found,
    pub(super) role: Option<Role>,
    pub(super) denied: bool,
    /// Joined to the point before it as the end of a range.
    pub(super) joined: bool,
    /// It stands in place of the point before it.
    pub(super) corrects: bool,
    /// It is an alternative to the point before it.
    pub(super) alternative: bool,
}

impl Sentence<'_> {
    /// Reads all days and lengths of stay and takes their atoms.
    pub(super) fn stay(&mut self, context: StayContext) -> StaySaid {
        if let Some(range) = self.moved_by(context) {
            return StaySaid { range, placed: true, ..StaySaid::default() };
        }
        let no_such_day = self.no_such_day(context.today);
        let (mut points, nights, any_of) = self.points(context);
        self.of_one_month(&mut points);
        self.join_weekend(&mut points);
        self.give_roles(&mut points);
        let (gone, points): (Vec<Point>, Vec<Point>) =
            points.into_iter().partition(|point| self.is_gone(point, context.today));
        let (deciding, mut points): (Vec<Point>, Vec<Point>) = points.into_iter().partition(|point| {
            !context.past && !point.joined && point.role.is_none() && self.is_of_deciding(point)
        });
        self.puts_off = !deciding.is_empty();
        if let [only] = points.as_mut_slice() {
            only.joined = false;
        }
        for point in gone.iter().chain(&deciding).chain(&points) {
            self.take(point.found.first, point.found.end, Taken::Day);
        }
        let mut said = StaySaid {
            ambiguous: any_of || points.iter().any(|point| point.alternative),
            ..StaySaid::default()
        };
        let nights = nights.or_else(|| self.only_night(&points));
        said.range.nights = nights.and_then(|nights| nights.resolve(context.known));
        said.in_passing = nights.is_none()
            && matches!(points.as_slice(), [only] if only.role.is_none() && self.is_in_passing(only));
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

    /// "help today", "I'll confirm tomorrow".
    fn is_in_passing(&self, point: &Point) -> bool {
        let first = point.found.first;
        let inside = first.checked_sub(1).is_some_and(|before| {
            !self.ends(before) && !self.any(before, &[Class::For, Class::From, Class::On, Class::Until])
        });
        inside && self.meaning(first).days.is_some()
    }

    fn points(&mut self, context: StayContext) -> (Vec<Point>, Option<Nights>, bool) {
        let mut points: Vec<Point> = Vec::new();
        let mut nights = None;
        let mut any_of = false;
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
            let follows = points.last().is_some_and(|point| point.found.end == found.first);
            if !context.past && !follows && self.is_any_of(found.said, found.first, found.end) {
                any_of = true;
                self.take(found.first, found.end, Taken::Day);
                at = found.end;
                continue;
            }
            let point = self.point(found, points.last());
            at = found.end;
            points.push(point);
        }
        self.drop_bare(&mut points, context);
        (points, nights, any_of)
    }

    /// "Next month, the 5th to the 8th", "in March, from the 5th to the 8th": days without a month are of the one that was
    /// said by itself.
    fn of_one_month(&self, points: &mut [Point]) {
        let is_said =
            |at: usize| points.iter().any(|point| (point.found.first..point.found.end).contains(&at));
        let next = (0..self.len())
            .any(|at| self.is(at, Class::Next) && self.is(at + 1, Class::Month) && !is_said(at));
        let named: Vec<u8> = (1..self.len())
            .filter(|at| self.is(at - 1, Class::In) && !is_said(*at))
            .filter_map(|at| self.meaning(at).month)
            .collect();
        if points.iter().any(|point| !matches!(point.found.said, Said::Day { months: None, .. })) {
            return;
        }
        for point in points {
            let Said::Day { day, .. } = point.found.said else { continue };
            point.found.said = match named.as_slice() {
                [month] => Said::MonthDay { month: (*month).into(), day },
                _ if next => Said::Day { day, months: Some(1) },
                _ => point.found.said,
            };
        }
    }

    /// "A weekend away for the 19th" is the weekend of the 19th; "a long weekend starting on the 18th" starts then.
    fn join_weekend(&self, points: &mut Vec<Point>) {
        let [one, other] = points.as_slice() else { return };
        let (weekend, day) = match (one.found.said, other.found.said) {
            (Said::Weekend { week: None }, day) => (0, day),
            (day, Said::Weekend { week: None }) => (1, day),
            _ => return,
        };
        let Some(of) = day.weekend_of().filter(|_| !other.joined) else { return };
        let found = points[1 - weekend].found;
        let begins = (found.first.saturating_sub(2)..found.first)
            .any(|at| self.any(at, &[Class::From, Class::Arrive]));
        if !begins {
            points[1 - weekend].found.said = of;
        }
        points.remove(weekend);
    }

    /// "Just tonight", "Saturday night only".
    fn only_night(&self, points: &[Point]) -> Option<Nights> {
        let [Point { found, .. }] = points else { return None };
        let is_night = (found.first..found.end).any(|at| self.any(at, &[Class::Tonight, Class::Night]));
        let before = found
            .first
            .checked_sub(1)
            .map(|at| if self.is(at, Class::For) { at.wrapping_sub(1) } else { at });
        let is_only = self.is(found.end, Class::Only) || before.is_some_and(|at| self.is(at, Class::Only));
        (is_night && is_only).then_some(Nights::Count(1))
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
                // "12 and 13 December"
                let listed = points.get(index + 1).is_some_and(|next| {
                    matches!(next.found.said, Said::MonthDay { .. })
                        && self.is(point.found.end, Class::And)
                        && next.found.first == point.found.end + 1
                });
                if listed {
                    return true;
                }
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
}
