//! A template gone through with facts for values.

mod conditions;
mod expressions;

use std::collections::BTreeMap;
use std::ops::Range;

use minijinja::machinery::ast::{self, Expr, Stmt};

use super::shown::{Path, Shown};
use super::{Trees, bytes};
use crate::reply::Medium;

/// Templates within templates and macros within macros are followed so deep.
const DEEP: usize = 24;

/// What a name or an expression stands for.
#[derive(Clone)]
pub(super) enum Sense<'t, 'a> {
    /// A fact from outside.
    Fact(Path),
    /// A constant.
    Constant(minijinja::Value),
    /// A text that shows this.
    Text(Shown),
    /// A mapping with these fields.
    Map(Vec<(String, Self)>),
    /// A list of these.
    List(Vec<Self>),
    /// A macro, or the body that a macro was called with.
    Macro(&'t ast::Macro<'a>),
    Caller(Shown),
    /// The macros of an imported file.
    Module(Names<'t, 'a>),
    /// Something of which nothing is known but that it may have words.
    Other,
}

pub(super) type Names<'t, 'a> = BTreeMap<String, Sense<'t, 'a>>;

/// One template that is gone through.
pub(super) struct Evaluation<'t, 'a> {
    trees: &'t Trees<'a>,
    language: &'t str,
    medium: Medium,
    names: Names<'t, 'a>,
    /// What a template that extends another puts into its blocks.
    blocks: BTreeMap<&'a str, &'t ast::Block<'a>>,
    depth: usize,
    /// Whether what is gone through stands in the template itself.
    is_own: bool,
    pub(super) mentions: Vec<(Path, Option<Range<usize>>)>,
    pub(super) has_words: bool,
}

impl<'t, 'a> Evaluation<'t, 'a> {
    pub(super) fn new(trees: &'t Trees<'a>, name: &'t str, medium: Medium) -> Self {
        let language = name.split_once('/').map_or("", |(language, _)| language);
        Self {
            trees,
            language,
            medium,
            names: Names::new(),
            blocks: BTreeMap::new(),
            depth: 0,
            is_own: true,
            mentions: Vec::new(),
            has_words: false,
        }
    }

    /// A whole template; the one that it extends in its place.
    pub(super) fn template(&mut self, tree: &'t Stmt<'a>) -> Shown {
        let Stmt::Template(template) = tree else { return Shown::default() };
        let mut extended = None;
        for child in &template.children {
            if let Stmt::Extends(extends) = child {
                extended = self.named(&extends.name);
            }
        }
        if extended.is_some() {
            for child in &template.children {
                if let Stmt::Block(block) = child {
                    self.blocks.entry(block.name).or_insert(&**block);
                }
            }
        }
        let own = self.all(&template.children);
        match extended {
            Some(parent) => self.elsewhere(|evaluation| evaluation.template(parent)),
            None => own,
        }
    }

    /// Statements one after the other.
    fn all(&mut self, statements: &'t [Stmt<'a>]) -> Shown {
        statements.iter().fold(Shown::default(), |shown, statement| {
            let next = self.statement(statement);
            shown.and(next)
        })
    }

    fn statement(&mut self, statement: &'t Stmt<'a>) -> Shown {
        match statement {
            Stmt::Template(_) => self.template(statement),
            Stmt::EmitRaw(raw) => self.said(raw.raw),
            Stmt::EmitExpr(emitted) => {
                let sense = self.sense(&emitted.expr);
                let shown = emitted_of(&sense);
                self.has_words |= shown.words;
                shown
            }
            Stmt::IfCond(condition) => {
                let before = self.names.clone();
                let truth = self.truth(&condition.expr);
                let holds = self.assumed(&condition.expr, true);
                let fails = self.assumed(&condition.expr, false);
                let one = self.all(&condition.true_body);
                let after_one = std::mem::replace(&mut self.names, before);
                let other = self.all(&condition.false_body);
                match truth {
                    Some(true) => {
                        self.names = after_one;
                        one
                    }
                    Some(false) => other,
                    None => {
                        self.differing(&after_one);
                        holds.with(one).or(fails.with(other))
                    }
                }
            }
            Stmt::ForLoop(each) => self.each(each),
            Stmt::WithBlock(with) => {
                let before = self.names.clone();
                for (target, value) in &with.assignments {
                    let sense = self.sense(value);
                    self.bind(target, sense);
                }
                let shown = self.all(&with.body);
                self.names = before;
                shown
            }
            Stmt::Set(set) => {
                let sense = self.sense(&set.expr);
                self.bind(&set.target, sense);
                Shown::default()
            }
            Stmt::SetBlock(set) => {
                let had = self.has_words;
                let body = self.all(&set.body);
                self.has_words = had;
                let body = match &set.filter {
                    Some(filter) => self.filtered(filter, Sense::Text(body)),
                    None => Sense::Text(body),
                };
                self.bind(&set.target, body);
                Shown::default()
            }
            Stmt::AutoEscape(escape) => self.all(&escape.body),
            Stmt::FilterBlock(block) => {
                let body = self.all(&block.body);
                emitted_of(&self.filtered(&block.filter, Sense::Text(body)))
            }
            Stmt::Block(block) => {
                let body = self.blocks.get(block.name).map_or(&block.body, |own| &own.body);
                self.all(body)
            }
            Stmt::Import(import) => {
                let module = self.module(&import.expr);
                self.bind(&import.name, Sense::Module(module));
                Shown::default()
            }
            Stmt::FromImport(import) => {
                let module = self.module(&import.expr);
                for (name, alias) in &import.names {
                    let Expr::Var(variable) = name else { continue };
                    let sense = module.get(variable.id).cloned().unwrap_or(Sense::Other);
                    self.bind(alias.as_ref().unwrap_or(name), sense);
                }
                Shown::default()
            }
            Stmt::Extends(_) => Shown::default(),
            Stmt::Include(include) => match self.named(&include.name) {
                Some(tree) => {
                    let before = self.names.clone();
                    let shown = self.elsewhere(|evaluation| evaluation.template(tree));
                    self.names = before;
                    shown
                }
                None => Shown::default(),
            },
            Stmt::Macro(declared) => {
                self.names.insert(declared.name.to_owned(), Sense::Macro(declared));
                Shown::default()
            }
            Stmt::CallBlock(block) => {
                let had = self.has_words;
                let body = self.all(&block.macro_decl.body);
                self.has_words = had;
                let before = self.names.insert("caller".to_owned(), Sense::Caller(body));
                let shown = emitted_of(&self.call(&block.call));
                match before {
                    Some(before) => self.names.insert("caller".to_owned(), before),
                    None => self.names.remove("caller"),
                };
                self.has_words |= shown.words;
                shown
            }
            Stmt::Do(done) => {
                self.call(&done.call);
                Shown::default()
            }
        }
    }

    /// What stands in a template as it is.
    fn said(&mut self, raw: &str) -> Shown {
        let words = raw.chars().any(char::is_alphanumeric);
        self.has_words |= words;
        Shown::said(words)
    }

    /// A loop: over a fact it shows the fact's parts, and nothing where that is empty.
    fn each(&mut self, each: &'t ast::ForLoop<'a>) -> Shown {
        let before = self.names.clone();
        let list = self.sense(&each.iter);
        self.names.insert("loop".to_owned(), Sense::Other);
        let body = match &list {
            Sense::List(items) => items.iter().fold(Shown::default(), |shown, item| {
                self.bind(&each.target, item.clone());
                let next = self.all(&each.body);
                shown.and(next)
            }),
            Sense::Fact(path) => {
                self.bind(&each.target, Sense::Fact(path.clone()));
                self.all(&each.body).below(path)
            }
            _ => {
                self.bind(&each.target, Sense::Other);
                self.all(&each.body);
                Shown::default()
            }
        };
        let is_filtered = match &each.filter_expr {
            Some(filter) => {
                self.sense(filter);
                true
            }
            None => false,
        };
        self.names = before;
        self.all(&each.else_body);
        if is_filtered { Shown::default() } else { body }
    }

    /// Gives a name, or several, to something.
    fn bind(&mut self, target: &'t Expr<'a>, sense: Sense<'t, 'a>) {
        match target {
            Expr::Var(variable) => _ = self.names.insert(variable.id.to_owned(), sense),
            Expr::List(list) => self.bind_all(&list.items, &sense),
            Expr::Tuple(tuple) => self.bind_all(&tuple.items, &sense),
            // A field of a namespace: what it holds is not followed.
            _ => {}
        }
    }

    fn bind_all(&mut self, targets: &'t [Expr<'a>], sense: &Sense<'t, 'a>) {
        for (index, target) in targets.iter().enumerate() {
            let part = match sense {
                Sense::List(items) => items.get(index).cloned().unwrap_or(Sense::Other),
                _ => Sense::Other,
            };
            self.bind(target, part);
        }
    }

    /// After one of two ways, of which the other ended with these names: what both did not leave alike shows what both
    /// of it show.
    fn differing(&mut self, others: &Names<'t, 'a>) {
        let known: Vec<String> = self.names.keys().chain(others.keys()).cloned().collect();
        for name in known {
            let either = match (self.names.get(&name), others.get(&name)) {
                (Some(Sense::Fact(one)), Some(Sense::Fact(other))) if one == other => continue,
                (Some(Sense::Macro(one)), Some(Sense::Macro(other))) if std::ptr::eq(*one, *other) => {
                    continue;
                }
                (Some(Sense::Map(_)), Some(Sense::Map(_)))
                | (Some(Sense::Module(_)), Some(Sense::Module(_))) => continue,
                (Some(one), Some(other)) => Sense::Text(emitted_of(one).or(emitted_of(other))),
                (Some(_), None) | (None, Some(_)) => Sense::Other,
                (None, None) => continue,
            };
            self.names.insert(name, either);
        }
    }

    /// The macros and values of another file.
    fn module(&mut self, name: &'t Expr<'a>) -> Names<'t, 'a> {
        let Some(tree) = self.named(name) else { return Names::new() };
        let had = self.has_words;
        let before = std::mem::take(&mut self.names);
        self.elsewhere(|evaluation| evaluation.template(tree));
        self.has_words = had;
        std::mem::replace(&mut self.names, before)
    }

    /// The template that an expression names, in this language.
    fn named(&mut self, name: &Expr<'a>) -> Option<&'t Stmt<'a>> {
        let Expr::Const(constant) = name else { return None };
        let name = constant.value.as_str()?;
        match name.contains('/') {
            true => self.trees.get(name),
            false => self.trees.get(&format!("{}/{name}", self.language)),
        }
    }

    /// Goes through something that does not stand here.
    fn elsewhere(&mut self, through: impl FnOnce(&mut Self) -> Shown) -> Shown {
        if self.depth == DEEP {
            return Shown::default();
        }
        let was_own = std::mem::replace(&mut self.is_own, false);
        self.depth += 1;
        let shown = through(self);
        self.depth -= 1;
        self.is_own = was_own;
        shown
    }

    /// Notes that a fact is read.
    fn mention(&mut self, path: Path, at: &Expr<'a>) {
        let at = self.is_own.then(|| bytes(at.span()));
        self.mentions.push((path, at));
    }
}

/// What is shown where a value is said.
fn emitted_of(sense: &Sense<'_, '_>) -> Shown {
    match sense {
        Sense::Fact(path) => Shown::fact(path.clone()),
        Sense::Constant(value) => Shown::said(value.to_string().chars().any(char::is_alphanumeric)),
        Sense::Text(shown) | Sense::Caller(shown) => shown.clone(),
        Sense::Map(fields) => {
            fields.iter().fold(Shown::default(), |shown, (_, field)| shown.and(emitted_of(field)))
        }
        Sense::List(items) => items.iter().fold(Shown::default(), |shown, item| shown.and(emitted_of(item))),
        Sense::Macro(_) | Sense::Module(_) => Shown::default(),
        Sense::Other => Shown::said(true),
    }
}
