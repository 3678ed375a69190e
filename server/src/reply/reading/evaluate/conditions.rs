//! What a condition says about facts where it holds, and where it does not.

use minijinja::Value as Constant;
use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr, UnaryOpKind};

use super::{Evaluation, Sense};
use crate::reply::reading::shown::{Path, Shown, Value};

/// What is known on one way of a condition.
#[derive(Default)]
pub(super) struct Assumed {
    /// Facts that have no value there.
    absent: Vec<Path>,
    /// Facts whose value is known there to whoever sees that it is this way.
    whole: Vec<Path>,
    /// Facts whose truth is.
    told: Vec<Path>,
}

impl Assumed {
    /// What this way shows with this text on it: words on it stand for what is known there.
    pub(super) fn with(self, mut text: Shown) -> Shown {
        for path in self.absent {
            text.value(path, Value::Absent);
        }
        if text.words {
            self.whole.into_iter().for_each(|path| text.value(path, Value::Whole));
            self.told.into_iter().for_each(|path| text.told(path));
        }
        text
    }

    fn absent(path: Path) -> Self {
        Self { absent: vec![path], ..Self::default() }
    }

    fn and(mut self, other: Self) -> Self {
        self.absent.extend(other.absent);
        self.whole.extend(other.whole);
        self.told.extend(other.told);
        self
    }

    fn or(mut self, other: &Self) -> Self {
        self.absent.retain(|path| other.absent.contains(path));
        self.whole.retain(|path| other.whole.contains(path));
        self.told.retain(|path| other.told.contains(path));
        self
    }
}

impl<'t, 'a> Evaluation<'t, 'a> {
    /// Whether a condition holds, where that is known from the medium and the language alone.
    pub(super) fn truth(&mut self, condition: &'t Expr<'a>) -> Option<bool> {
        match condition {
            Expr::UnaryOp(unary) => match unary.op {
                UnaryOpKind::Not => self.truth(&unary.expr).map(|truth| !truth),
                UnaryOpKind::Neg => None,
            },
            Expr::BinOp(both) if matches!(both.op, BinOpKind::ScAnd | BinOpKind::ScOr) => {
                let decides = matches!(both.op, BinOpKind::ScOr);
                let (left, right) = (self.truth(&both.left), self.truth(&both.right));
                match (left, right) {
                    (Some(one), _) | (_, Some(one)) if one == decides => Some(decides),
                    (Some(_), Some(_)) => Some(!decides),
                    (Some(_) | None, None) | (None, Some(_)) => None,
                }
            }
            _ => {
                let (left, is_equal, right) = equation(condition)?;
                match (self.quietly(left), self.quietly(right)) {
                    (Sense::Constant(left), Sense::Constant(right)) => Some((left == right) == is_equal),
                    _ => None,
                }
            }
        }
    }

    /// What is known where a condition holds, or does not.
    pub(super) fn assumed(&mut self, condition: &'t Expr<'a>, holds: bool) -> Assumed {
        match condition {
            Expr::UnaryOp(unary) => match unary.op {
                UnaryOpKind::Not => self.assumed(&unary.expr, !holds),
                UnaryOpKind::Neg => Assumed::default(),
            },
            Expr::BinOp(both) if matches!(both.op, BinOpKind::ScAnd | BinOpKind::ScOr) => {
                let both_so = matches!(both.op, BinOpKind::ScAnd) == holds;
                let (left, right) = (self.assumed(&both.left, holds), self.assumed(&both.right, holds));
                if both_so { left.and(right) } else { left.or(&right) }
            }
            Expr::Test(test) => {
                self.sense(condition);
                let is_absent = match test.name {
                    "defined" => !holds,
                    "undefined" | "none" => holds,
                    _ => false,
                };
                match self.quietly(&test.expr) {
                    Sense::Fact(path) if is_absent => Assumed::absent(path),
                    _ => Assumed::default(),
                }
            }
            _ if equation(condition).is_some() => self.equal(condition, holds),
            Expr::Compare(_) | Expr::BinOp(_) => self.more_than_none(condition, holds),
            Expr::Filter(filter) if matches!(filter.name, "length" | "count" | "trim") => {
                self.sense(condition);
                match filter.expr.as_ref().map(|of| self.quietly(of)) {
                    Some(Sense::Fact(path)) if !holds => Assumed::absent(path),
                    _ => Assumed::default(),
                }
            }
            _ => match self.sense(condition) {
                Sense::Fact(path) => {
                    let absent = if holds { Vec::new() } else { vec![path.clone()] };
                    Assumed { absent, told: vec![path], ..Assumed::default() }
                }
                _ => Assumed::default(),
            },
        }
    }

    /// A fact that equals a constant, or what the guest brought along, is known by any words for that.
    fn equal(&mut self, condition: &'t Expr<'a>, holds: bool) -> Assumed {
        self.sense(condition);
        let Some((left, _, right)) = equation(condition).filter(|(_, is_equal, _)| *is_equal == holds) else {
            return Assumed::default();
        };
        let whole = match (self.quietly(left), self.quietly(right)) {
            (Sense::Fact(path), Sense::Constant(_)) | (Sense::Constant(_), Sense::Fact(path)) => vec![path],
            (Sense::Fact(left), Sense::Fact(right)) => match (is_known(&left), is_known(&right)) {
                (false, true) => vec![left],
                (true, false) => vec![right],
                (true, true) | (false, false) => Vec::new(),
            },
            _ => Vec::new(),
        };
        Assumed { whole, ..Assumed::default() }
    }

    /// `fee.minor > 0`: where that does not hold there is nothing to show.
    fn more_than_none(&mut self, condition: &'t Expr<'a>, holds: bool) -> Assumed {
        self.sense(condition);
        let (left, right) = match condition {
            Expr::BinOp(both) if matches!(both.op, BinOpKind::Gt) => (&both.left, &both.right),
            Expr::Compare(compare) => match compare.ops.as_slice() {
                [only] if matches!(only.op, CompareOpKind::Gt) => (&compare.expr, &only.expr),
                _ => return Assumed::default(),
            },
            _ => return Assumed::default(),
        };
        match (self.quietly(left), self.quietly(right)) {
            (Sense::Fact(path), Sense::Constant(none)) if !holds && none == Constant::from(0) => {
                Assumed::absent(path)
            }
            _ => Assumed::default(),
        }
    }

    /// The sense of an expression without noting again what it reads.
    fn quietly(&mut self, expression: &'t Expr<'a>) -> Sense<'t, 'a> {
        let many = self.mentions.len();
        let sense = self.sense(expression);
        self.mentions.truncate(many);
        sense
    }
}

/// Whether the guest knows it without being told.
fn is_known(path: &[String]) -> bool {
    path.first().is_some_and(|first| first == "guest")
}

/// Both sides of `left == right`, and whether it is not `!=`.
fn equation<'t, 'a>(condition: &'t Expr<'a>) -> Option<(&'t Expr<'a>, bool, &'t Expr<'a>)> {
    match condition {
        Expr::BinOp(both) => match both.op {
            BinOpKind::Eq => Some((&both.left, true, &both.right)),
            BinOpKind::Ne => Some((&both.left, false, &both.right)),
            _ => None,
        },
        Expr::Compare(compare) => match compare.ops.as_slice() {
            [only] => match only.op {
                CompareOpKind::Eq => Some((&compare.expr, true, &only.expr)),
                CompareOpKind::Ne => Some((&compare.expr, false, &only.expr)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
