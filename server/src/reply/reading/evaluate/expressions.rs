//! What expressions stand for.

use minijinja::Value as Constant;
use minijinja::machinery::ast::{BinOpKind, Call, CallArg, Expr, Filter, Macro};

use super::{Evaluation, Names, Sense, emitted_of};
use crate::reply::reading::shown::{Shown, Value};

/// Filters after which the whole value can still be read. After any other only a part can, or something about it.
const WHOLE: &[&str] = &[
    "capitalize",
    "code",
    "count",
    "d",
    "date_range",
    "day",
    "default",
    "e",
    "escape",
    "indent",
    "int",
    "join",
    "letters",
    "list",
    "lower",
    "money",
    "party",
    "phone",
    "replace",
    "reverse",
    "safe",
    "sentence",
    "sort",
    "string",
    "time",
    "title",
    "trim",
    "unique",
    "upper",
];

impl<'t, 'a> Evaluation<'t, 'a> {
    /// What an expression stands for. Every fact in it is noted.
    pub(super) fn sense(&mut self, expression: &'t Expr<'a>) -> Sense<'t, 'a> {
        match expression {
            Expr::Var(variable) => match self.names.get(variable.id) {
                Some(sense) => sense.clone(),
                None => {
                    let path = vec![variable.id.to_owned()];
                    self.mention(path.clone(), expression);
                    match variable.id {
                        "channel" => Sense::Constant(Constant::from(self.medium.name())),
                        "language" => Sense::Constant(Constant::from(self.language)),
                        _ => Sense::Fact(path),
                    }
                }
            },
            Expr::Const(constant) => Sense::Constant(constant.value.clone()),
            Expr::GetAttr(attribute) => {
                let of = self.sense(&attribute.expr);
                self.field(of, attribute.name, expression)
            }
            Expr::GetItem(item) => {
                let of = self.sense(&item.expr);
                match self.sense(&item.subscript_expr) {
                    Sense::Constant(name) => self.field(of, &name.to_string(), expression),
                    _ => Sense::Other,
                }
            }
            Expr::Slice(slice) => {
                self.sense(&slice.expr);
                for part in [&slice.start, &slice.stop, &slice.step].into_iter().flatten() {
                    self.sense(part);
                }
                Sense::Other
            }
            Expr::UnaryOp(unary) => {
                self.sense(&unary.expr);
                Sense::Other
            }
            Expr::BinOp(both) => {
                let (left, right) = (self.sense(&both.left), self.sense(&both.right));
                match both.op {
                    BinOpKind::Concat => Sense::Text(emitted_of(&left).and(emitted_of(&right))),
                    BinOpKind::ScOr => Sense::Text(emitted_of(&left).or(without(&left, emitted_of(&right)))),
                    BinOpKind::ScAnd => Sense::Text(without(&left, emitted_of(&left)).or(emitted_of(&right))),
                    BinOpKind::Eq
                    | BinOpKind::Ne
                    | BinOpKind::Lt
                    | BinOpKind::Lte
                    | BinOpKind::Gt
                    | BinOpKind::Gte
                    | BinOpKind::Add
                    | BinOpKind::Sub
                    | BinOpKind::Mul
                    | BinOpKind::Div
                    | BinOpKind::FloorDiv
                    | BinOpKind::Rem
                    | BinOpKind::Pow
                    | BinOpKind::In => Sense::Other,
                }
            }
            Expr::Compare(compare) => {
                self.sense(&compare.expr);
                for op in &compare.ops {
                    self.sense(&op.expr);
                }
                Sense::Other
            }
            Expr::IfExpr(either) => {
                let truth = self.truth(&either.test_expr);
                let holds = self.assumed(&either.test_expr, true);
                let fails = self.assumed(&either.test_expr, false);
                let one = self.sense(&either.true_expr);
                let other = match &either.false_expr {
                    Some(other) => self.sense(other),
                    None => Sense::Constant(Constant::from("")),
                };
                match truth {
                    Some(true) => one,
                    Some(false) => other,
                    None => Sense::Text(holds.with(emitted_of(&one)).or(fails.with(emitted_of(&other)))),
                }
            }
            Expr::Filter(filter) => {
                let of = match &filter.expr {
                    Some(of) => self.sense(of),
                    None => Sense::Other,
                };
                self.after(filter, of)
            }
            Expr::Test(test) => {
                self.sense(&test.expr);
                self.arguments(&test.args);
                Sense::Other
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => Sense::List(list.items.iter().map(|item| self.sense(item)).collect()),
            Expr::Tuple(tuple) => Sense::List(tuple.items.iter().map(|item| self.sense(item)).collect()),
            Expr::Map(map) => {
                let mut fields = Vec::new();
                for (key, value) in map.keys.iter().zip(&map.values) {
                    let (key, value) = (self.sense(key), self.sense(value));
                    if let Sense::Constant(key) = key {
                        fields.push((key.to_string(), value));
                    }
                }
                Sense::Map(fields)
            }
        }
    }

    fn field(&mut self, of: Sense<'t, 'a>, name: &str, at: &Expr<'a>) -> Sense<'t, 'a> {
        match of {
            Sense::Fact(mut path) => {
                path.push(name.to_owned());
                self.mention(path.clone(), at);
                Sense::Fact(path)
            }
            Sense::Map(fields) => fields
                .into_iter()
                .find(|(field, _)| field == name)
                .map_or(Sense::Constant(Constant::from("")), |(_, sense)| sense),
            Sense::Module(names) => names.get(name).cloned().unwrap_or(Sense::Other),
            Sense::Constant(_)
            | Sense::Text(_)
            | Sense::List(_)
            | Sense::Macro(_)
            | Sense::Caller(_)
            | Sense::Other => Sense::Other,
        }
    }

    /// What a `{% filter … %}` or a `{% set … | … %}` makes of a text.
    pub(super) fn filtered(&mut self, filter: &'t Expr<'a>, of: Sense<'t, 'a>) -> Sense<'t, 'a> {
        let Expr::Filter(filter) = filter else { return Sense::Other };
        let of = match &filter.expr {
            Some(inner) => self.filtered(inner, of),
            None => of,
        };
        self.after(filter, of)
    }

    /// What a filter makes of something.
    fn after(&mut self, filter: &'t Filter<'a>, of: Sense<'t, 'a>) -> Sense<'t, 'a> {
        self.arguments(&filter.args);
        match (filter.name, &of) {
            ("map", Sense::Fact(_)) => {
                let attribute = filter.args.iter().find_map(|argument| match argument {
                    CallArg::Kwarg("attribute", Expr::Const(name)) => Some(name.value.to_string()),
                    _ => None,
                });
                match (attribute, filter.expr.as_ref()) {
                    (Some(attribute), Some(at)) => self.field(of, &attribute, at),
                    _ => Sense::Other,
                }
            }
            ("sort" | "reverse" | "unique" | "default" | "d" | "safe", Sense::Fact(_)) => of,
            (name, _) if WHOLE.contains(&name) => Sense::Text(emitted_of(&of)),
            _ => Sense::Other,
        }
    }

    fn arguments(&mut self, arguments: &'t [CallArg<'a>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(value)
                | CallArg::Kwarg(_, value)
                | CallArg::PosSplat(value)
                | CallArg::KwargSplat(value) => _ = self.sense(value),
            }
        }
    }

    /// A call: of a macro what that shows with these arguments, of `dict` the mapping that it makes.
    pub(super) fn call(&mut self, call: &'t Call<'a>) -> Sense<'t, 'a> {
        match (&call.expr, self.sense(&call.expr)) {
            (_, Sense::Macro(declared)) => Sense::Text(self.expanded(declared, call)),
            (_, Sense::Caller(shown)) => Sense::Text(shown),
            (Expr::Var(variable), _) if variable.id == "dict" => {
                let mut fields = Vec::new();
                for argument in &call.args {
                    if let CallArg::Kwarg(name, value) = argument {
                        fields.push(((*name).to_owned(), self.sense(value)));
                    }
                }
                Sense::Map(fields)
            }
            _ => {
                self.arguments(&call.args);
                Sense::Other
            }
        }
    }

    fn expanded(&mut self, declared: &'t Macro<'a>, call: &'t Call<'a>) -> Shown {
        let mut given: Names<'t, 'a> = self.names.clone();
        let without_default = declared.args.len().saturating_sub(declared.defaults.len());
        for (index, parameter) in declared.args.iter().enumerate() {
            let Expr::Var(parameter) = parameter else { continue };
            let named = call.args.iter().find_map(|argument| match argument {
                CallArg::Kwarg(name, value) if *name == parameter.id => Some(value),
                _ => None,
            });
            let placed = call.args.get(index).and_then(|argument| match argument {
                CallArg::Pos(value) => Some(value),
                CallArg::Kwarg(..) | CallArg::PosSplat(_) | CallArg::KwargSplat(_) => None,
            });
            let default = index.checked_sub(without_default).and_then(|at| declared.defaults.get(at));
            let sense = named.or(placed).or(default).map_or(Sense::Other, |value| self.sense(value));
            given.insert(parameter.id.to_owned(), sense);
        }
        let before = std::mem::replace(&mut self.names, given);
        let had = self.has_words;
        let shown = self.elsewhere(|evaluation| evaluation.all(&declared.body));
        self.has_words = had;
        self.names = before;
        shown
    }
}

/// A text that is said where something is not there.
fn without(absent: &Sense<'_, '_>, mut text: Shown) -> Shown {
    if let Sense::Fact(path) = absent {
        text.value(path.clone(), Value::Absent);
    }
    text
}
