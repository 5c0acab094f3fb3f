//! Expressions with their names resolved.

use super::build::Scope;
use super::picture;
use crate::diag::{Diagnostic, Span};
use crate::model::{Domain, closest, suggest};
use crate::syntax::ast::{Argument, Binary, Expr, ExprKind, Name, Unary};

/// A resolved expression.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub kind: TermKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum TermKind {
    Number(f64),
    Label(String),
    /// A variable, by its place in the scope; places behind its end are classes of images.
    Variable(usize),
    Unary(Unary, Box<Term>),
    Binary(Binary, Box<Term>, Box<Term>),
    If(Box<Term>, Box<Term>, Box<Term>),
    Call(Function, Vec<Term>),
}

/// A distribution or a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Bernoulli,
    UniformInt,
    Binomial,
    Categorical,
    Min,
    Max,
    Abs,
    Floor,
    Ceil,
    Round,
    Exp,
    Log,
    Sqrt,
    Normal,
    Uniform,
    Exponential,
}

/// Name, meaning, number of arguments, how it is called.
const FUNCTIONS: [(&str, Function, std::ops::RangeInclusive<usize>, &str); 16] = [
    ("bernoulli", Function::Bernoulli, 1..=1, "bernoulli(p): 1 with probability p, else 0"),
    ("uniform_int", Function::UniformInt, 2..=2, "uniform_int(a, b): a, …, b equally likely"),
    ("binomial", Function::Binomial, 2..=2, "binomial(n, p): successes in n trials"),
    ("categorical", Function::Categorical, 1..=10_000, "categorical(p0, p1, …): the value of that place"),
    ("normal", Function::Normal, 2..=2, "normal(mean, standard deviation): a real number"),
    ("uniform", Function::Uniform, 2..=2, "uniform(a, b): a real number between a and b"),
    ("exponential", Function::Exponential, 1..=1, "exponential(rate): a real number above 0, with the mean 1 / rate"),
    ("min", Function::Min, 1..=100, "min(a, b, …)"),
    ("max", Function::Max, 1..=100, "max(a, b, …)"),
    ("abs", Function::Abs, 1..=1, "abs(x)"),
    ("floor", Function::Floor, 1..=1, "floor(x)"),
    ("ceil", Function::Ceil, 1..=1, "ceil(x)"),
    ("round", Function::Round, 1..=1, "round(x)"),
    ("exp", Function::Exp, 1..=1, "exp(x)"),
    ("log", Function::Log, 1..=1, "log(x): the natural logarithm"),
    ("sqrt", Function::Sqrt, 1..=1, "sqrt(x)"),
];

/// Distributions and functions of truth blocks: the name, and how it is called.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pictures = [(picture::DIGIT, picture::DIGIT_USAGE), (picture::CLASSIFY, picture::CLASSIFY_USAGE)];
    FUNCTIONS.iter().map(|&(name, _, _, usage)| (name, usage)).chain(pictures)
}

/// A class of an image: `classify(I, classes: 3, seed: 5)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClassOf {
    /// The image's place in the scope.
    pub image: usize,
    pub classes: usize,
    pub seed: u64,
    pub span: Span,
}

/// Resolves names; collects the classes of images that expressions ask for.
pub(super) struct Resolver<'a> {
    pub scope: &'a Scope,
    pub classes: Vec<ClassOf>,
}

impl Resolver<'_> {
    /// Resolves an expression whose value belongs to a variable with `labels` (if it has labels).
    pub(super) fn resolve(&mut self, expr: &Expr, labels: Option<&[String]>) -> Result<Term, Diagnostic> {
        let scope = self.scope;
        let kind = match &expr.kind {
            ExprKind::Number(n) => TermKind::Number(*n),
            ExprKind::Text(text) => TermKind::Label(text.clone()),
            ExprKind::Name(name) => resolve_name(name, expr.span, labels, scope)?,
            ExprKind::Unary(op, inner) => TermKind::Unary(*op, Box::new(self.resolve(inner, None)?)),
            ExprKind::Binary(op, left, right) => {
                let (for_left, for_right) = match op {
                    Binary::Eq | Binary::Ne => (labels_of(right, scope), labels_of(left, scope)),
                    _ => (None, None),
                };
                let (left, right) = (self.resolve(left, for_left)?, self.resolve(right, for_right)?);
                TermKind::Binary(*op, Box::new(left), Box::new(right))
            }
            ExprKind::If(test, then, otherwise) => TermKind::If(
                Box::new(self.resolve(test, None)?),
                Box::new(self.resolve(then, labels)?),
                Box::new(self.resolve(otherwise, labels)?),
            ),
            ExprKind::Call(name, arguments) => self.call(name, arguments, expr.span)?,
        };
        Ok(Term { kind, span: expr.span })
    }

    fn call(&mut self, name: &Name, arguments: &[Argument], span: Span) -> Result<TermKind, Diagnostic> {
        match name.value.as_str() {
            picture::CLASSIFY => {
                let found = picture::class_of(arguments, span, self.scope)?;
                self.classes.push(found);
                return Ok(TermKind::Variable(self.scope.len() + self.classes.len() - 1));
            }
            picture::DIGIT => {
                let found = Diagnostic::new("E0404", "`digit(…)` is an image, not a number").label(span, "here");
                return Err(found.help("give it a variable of its own: `I: image[1,32,32]` and `I = digit(D)`"));
            }
            _ => {}
        }
        let known = FUNCTIONS.iter().find(|f| f.0 == name.value);
        let Some((_, function, count, usage)) = known else { return Err(unknown_function(&name.value, name.span)) };
        if let Some(named) = arguments.iter().find_map(|a| a.name.as_ref()) {
            let title = format!("the arguments of `{}` have no names", name.value);
            return Err(Diagnostic::new("E0402", title).label(named.span, "here").help(format!("write {usage}")));
        }
        if !count.contains(&arguments.len()) {
            let title = format!("`{}` does not take {} arguments", name.value, arguments.len());
            return Err(Diagnostic::new("E0402", title).label(span, "here").help(format!("write {usage}")));
        }
        let arguments: Result<_, _> = arguments.iter().map(|a| self.resolve(&a.value, None)).collect();
        Ok(TermKind::Call(*function, arguments?))
    }
}

fn unknown_function(name: &str, span: Span) -> Diagnostic {
    let found =
        Diagnostic::new("E0201", format!("there is no function or distribution `{name}`")).label(span, "unknown");
    let names = FUNCTIONS.iter().map(|f| f.0).chain([picture::DIGIT, picture::CLASSIFY]);
    match closest(name, names) {
        Some(near) => suggest(found, near, span),
        None => {
            let usages = FUNCTIONS.iter().map(|f| f.3).chain([picture::DIGIT_USAGE, picture::CLASSIFY_USAGE]);
            usages.fold(found, Diagnostic::help)
        }
    }
}

/// The labels of a variable that stands alone on one side of a comparison.
fn labels_of<'a>(expr: &Expr, scope: &'a Scope) -> Option<&'a [String]> {
    let ExprKind::Name(name) = &expr.kind else { return None };
    match scope.domain(scope.place(name)?) {
        Some(Domain::Labels(labels)) => Some(labels),
        _ => None,
    }
}

/// A name is first a label of the variable it is compared with or belongs to, then a variable, then any label.
fn resolve_name(name: &str, span: Span, labels: Option<&[String]>, scope: &Scope) -> Result<TermKind, Diagnostic> {
    if labels.is_some_and(|l| l.iter().any(|l| l == name)) {
        return Ok(TermKind::Label(name.to_owned()));
    }
    if let Some(place) = scope.place(name) {
        if scope.is_image(place) {
            let found = Diagnostic::new("E0404", format!("`{name}` is an image, not a number")).label(span, "here");
            return Err(found.help(format!("ask for a class of it: `classify({name}, classes: 2)`")));
        }
        return Ok(TermKind::Variable(place));
    }
    match name {
        "true" => return Ok(TermKind::Number(1.0)),
        "false" => return Ok(TermKind::Number(0.0)),
        _ if scope.is_label(name) => return Ok(TermKind::Label(name.to_owned())),
        _ => {}
    }
    let found = Diagnostic::new("E0201", format!("`{name}` is neither a variable of the truth block nor a label"));
    let found = found.label(span, "unknown");
    Err(match closest(name, scope.names()) {
        Some(near) => suggest(found, near, span),
        None => found.help(format!("give it an equation: `{name} ~ bernoulli(0.5)`")),
    })
}

impl Term {
    /// The variables an expression names, by their places in the scope.
    pub(super) fn variables(&self, found: &mut Vec<usize>) {
        match &self.kind {
            TermKind::Number(_) | TermKind::Label(_) => {}
            TermKind::Variable(place) => {
                if !found.contains(place) {
                    found.push(*place);
                }
            }
            TermKind::Unary(_, inner) => inner.variables(found),
            TermKind::Binary(_, left, right) => {
                left.variables(found);
                right.variables(found);
            }
            TermKind::If(test, then, otherwise) => [test, then, otherwise].iter().for_each(|t| t.variables(found)),
            TermKind::Call(_, arguments) => arguments.iter().for_each(|a| a.variables(found)),
        }
    }
}
