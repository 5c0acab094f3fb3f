//! Queries, what is written of them, and what is expected of them.

use super::counterfactual::{self, is_counterfactual};
use super::{Lowering, list, suggest};
use crate::diag::{Diagnostic, Span};
use crate::model::{
    Comparison, Cut, Domain, Expectation, Measure, Model, Picture, Query, QueryKind, Reference, Term, VarId, closest,
};
use crate::syntax::ast::{self, Assigned, Ast, Name, QueryForm, Scalar, Spanned, StatementKind};

impl Lowering {
    pub(super) fn queries(&mut self, ast: &Ast) {
        for statement in &ast.statements {
            let StatementKind::Query { name, form } = &statement.kind else { continue };
            if let Some(first) = self.model.queries.iter().find(|q| q.name == name.value) {
                let found = Diagnostic::new("E0202", format!("two queries are called `{}`", name.value));
                let found = found.label(name.span, "the second").label(first.span, "the first");
                self.report(found);
                continue;
            }
            self.asking = name.span;
            if let Some(kind) = self.query_kind(form) {
                let text = text_of(&self.model, &kind);
                self.model.queries.push(Query { name: name.value.clone(), text, kind, span: statement.span });
            } else {
                self.unknown.insert(name.value.clone());
            }
        }
        for statement in &ast.statements {
            let StatementKind::Output { query, path, options } = &statement.kind else { continue };
            if self.query_named(query) {
                self.output(query, path, options, statement.span);
            }
        }
    }

    /// What a query asks, or `None` where something in it was reported.
    pub(super) fn query_kind(&mut self, form: &QueryForm) -> Option<QueryKind> {
        if is_counterfactual(form) {
            return self.counterfactual(form);
        }
        let reported = self.diagnostics.iter().filter(|d| d.is_error()).count();
        let kind = match form {
            QueryForm::Samples(term, options) => return self.samples(term, options),
            QueryForm::Probability(term) => QueryKind::Distribution(self.term(term, false)),
            QueryForm::Combination(terms, constant) => {
                let terms = terms.iter().map(|(factor, term)| (*factor, self.expected(term))).collect();
                QueryKind::Expectation { terms, constant: *constant }
            }
        };
        let complete = |term: &Term, written: &ast::Term| {
            term.outcome.len() == written.outcome.len()
                && term.interventions.len() == written.interventions.len()
                && term.evidence.len() == written.evidence.len()
        };
        let whole = match (form, &kind) {
            (QueryForm::Probability(written), QueryKind::Distribution(term)) => complete(term, written),
            (QueryForm::Combination(written, _), QueryKind::Expectation { terms, .. }) => {
                terms.iter().zip(written).all(|((_, term), (_, written))| complete(term, written))
            }
            _ => false,
        };
        // What was reported before (an unknown name, a missing type) is not reported again, but it is missing.
        (whole && self.diagnostics.iter().filter(|d| d.is_error()).count() == reported).then_some(kind)
    }

    fn term(&mut self, term: &ast::Term, mean: bool) -> Term {
        let places: Vec<&Assigned> = term.outcome.iter().chain(&term.interventions).chain(&term.evidence).collect();
        for (at, later) in places.iter().enumerate() {
            if let Some(first) = places[..at].iter().find(|p| p.name.value == later.name.value) {
                self.report(twice(term, at, later, first));
            }
        }
        let outcome = term.outcome.iter().filter_map(|a| self.asked(a, mean)).collect();
        let mut read = |part: &[Assigned]| part.iter().filter_map(|a| self.value_of(a)).collect();
        let (interventions, evidence) = (read(&term.interventions), read(&term.evidence));
        Term { outcome, interventions, evidence, cut: self.cut(term) }
    }

    /// The number that the only outcome is asked to be beyond; whether it may be is seen by [`Self::asked`].
    pub(super) fn cut(&mut self, term: &ast::Term) -> Option<Cut> {
        let first = term.outcome.iter().find(|a| a.bound.is_some())?;
        if let Some(other) = term.outcome.iter().find(|a| !std::ptr::eq(*a, first)) {
            let title = "a bound is asked of one variable alone";
            let found = Diagnostic::new("E0707", title).label(other.name.span, "another one");
            self.report(found.help("ask for each in a query of its own"));
            return None;
        }
        let (bound, value) = (first.bound.as_ref()?, first.value.as_ref()?);
        Some(Cut { op: Comparison::from_symbol(&bound.value), bound: value.value.text().parse().ok()? })
    }

    /// A variable that is asked for, and its value; a real one has a mean, but no value of it has a probability.
    pub(super) fn asked(&mut self, assigned: &Assigned, mean: bool) -> Option<(VarId, Option<u32>)> {
        let name = &assigned.name.value;
        let real = self.model.id(name).filter(|&v| self.model.domain(v).is_some_and(Domain::is_real));
        let image = self.model.id(name).filter(|&v| self.model.domain(v).is_some_and(Domain::is_image));
        if let (Some(bound), Some(value)) = (&assigned.bound, &assigned.value) {
            return self.beyond(assigned, (bound, value), mean);
        }
        match (real, &assigned.value) {
            (None, Some(value)) if image.is_some() => {
                let title = format!("`{name}` is an image: no single picture has a probability");
                let found = Diagnostic::new("E0707", title).label(value.span, "one picture of very many");
                self.report(found.help("write it behind the bar, and ask what it says of another variable"));
                None
            }
            (Some(variable), None) if mean => Some((variable, None)),
            (Some(_), Some(value)) => {
                let title = format!("`{name}` is real: no single number has a probability");
                let found = Diagnostic::new("E0707", title).label(value.span, "one number of infinitely many");
                let number = value.value.text();
                self.report(found.help(format!(
                    "ask for its mean, `E[{name} | …]`, or for `P({name} > {number} | …)`, or write it behind the bar"
                )));
                None
            }
            _ => self.value_of(assigned),
        }
    }

    /// A real variable that is asked to be beyond a number: `P(W > 70 | …)`.
    fn beyond(
        &mut self,
        assigned: &Assigned,
        (bound, value): (&Spanned<String>, &Spanned<Scalar>),
        mean: bool,
    ) -> Option<(VarId, Option<u32>)> {
        let variable = self.variable(&assigned.name)?;
        let (name, number) = (&assigned.name.value, value.value.text());
        let (title, label, help) = match self.model.domain(variable) {
            Some(domain) if !domain.is_real() => (
                format!("`{name}` is {domain}: bounds are asked of real variables"),
                bound.span,
                "ask for the probability of each value".to_owned(),
            ),
            _ if mean => (
                "a mean has no bound".to_owned(),
                bound.span,
                format!("ask for a probability: `P({name} {} {number} | …)`", bound.value),
            ),
            _ if number.parse::<f64>().is_ok_and(f64::is_finite) => return Some((variable, None)),
            _ => (format!("`{number}` is no number"), value.span, format!("write `{name} {} 1.5`", bound.value)),
        };
        self.report(Diagnostic::new("E0707", title).label(label, "here").help(help));
        None
    }

    /// A variable of a query and its value; only discrete variables can have each of theirs.
    pub(super) fn value_of(&mut self, assigned: &Assigned) -> Option<(VarId, Option<u32>)> {
        let variable = self.variable(&assigned.name)?;
        if let Some(bound) = &assigned.bound {
            let found = Diagnostic::new("E0707", "only what is asked for can have a bound").label(bound.span, "here");
            self.report(found.help(format!("give it a value, `{} = …`", assigned.name.value)));
            return None;
        }
        match (&assigned.value, self.model.domain(variable)) {
            (Some(value), _) if assigned.other => {
                let code = self.code(variable, value)?;
                self.other_value(variable, value.span).then_some((variable, Some(1 - code.min(1))))
            }
            (Some(value), _) => self.code(variable, value).map(|code| (variable, Some(code))),
            (None, Some(domain)) if domain.cardinality().is_none() => {
                let name = &assigned.name.value;
                let (title, domain) = (format!("`{name}` is {domain}: its values cannot be listed"), domain.clone());
                let found = Diagnostic::new("E0707", title).label(assigned.name.span, "not discrete");
                self.report(match domain {
                    Domain::Real { .. } => {
                        found.help(format!("give it a value: `{name} = 1.5`; ask for its mean: `E[{name} | …]`"))
                    }
                    Domain::Image(_) => found.help(format!(
                        "name a picture: `{name} = \"picture.png\"`; or draw some: `sample({name} | …)`"
                    )),
                    _ => found,
                });
                None
            }
            // What a variable without a type may be matters only once something is trained.
            (None, _) => Some((variable, None)),
        }
    }

    /// E0404 unless `variable` has two values, so that one of them has another.
    fn other_value(&mut self, variable: VarId, span: Span) -> bool {
        let two = self.model.card(variable) == Some(2);
        if !two {
            let title = format!("`{}` has no one other value", self.model.name(variable));
            let found = Diagnostic::new("E0404", title).label(span, "or which?");
            self.report(found.help("`PN` and `PS` are of binary outcomes; write `P(Y[X = 0] = … | X = 1, Y = …)`"));
        }
        two
    }

    fn expected(&mut self, term: &ast::Term) -> Term {
        let lowered = self.term(term, true);
        if let [assigned] = &term.outcome[..] {
            let labels = lowered.outcome.first().and_then(|o| self.model.domain(o.0));
            if let (Some(Domain::Labels(labels)), None) = (labels, &assigned.value) {
                let name = &assigned.name.value;
                let help =
                    format!("ask for a probability: `P({name} = {})`, or `E[{name} = {}]`", labels[0], labels[0]);
                let title = format!("`{name}` has labels, and labels have no mean");
                self.report(Diagnostic::new("E0404", title).label(assigned.name.span, "here").help(help));
            }
        } else {
            self.report(one_mean(term.outcome[1].name.span));
        }
        lowered
    }

    pub(super) fn query_named(&mut self, name: &Name) -> bool {
        if self.model.queries.iter().any(|q| q.name == name.value) {
            return true;
        }
        if !self.unknown.insert(name.value.clone()) {
            return false;
        }
        let found = Diagnostic::new("E0201", format!("there is no query `{}`", name.value)).label(name.span, "unknown");
        let names = self.model.queries.iter().map(|q| q.name.as_str());
        let found = match closest(&name.value, names.clone()) {
            Some(near) => suggest(found, near, name.span),
            None if self.model.queries.is_empty() => found,
            None => found.help(format!("the queries are {}", list(names))),
        };
        self.report(found);
        false
    }

    pub(super) fn expectations(&mut self, ast: &Ast) {
        for statement in &ast.statements {
            let StatementKind::Expect { measure, op, bound } = &statement.kind else { continue };
            if let Some(measure) = self.measure(measure) {
                let op = Comparison::from_symbol(&op.value);
                let text = format!("{} {} {bound}", measure_text(&self.model, &measure), op.symbol());
                self.model.expectations.push(Expectation { text, measure, op, bound: *bound, span: statement.span });
            }
        }
    }

    fn measure(&mut self, measure: &ast::Measure) -> Option<Measure> {
        Some(match measure {
            ast::Measure::Number(n) => Measure::Number(*n),
            ast::Measure::Abs(inner) => Measure::Abs(Box::new(self.measure(inner)?)),
            ast::Measure::Sum(a, sign, b) => {
                Measure::Sum(Box::new(self.measure(a)?), *sign, Box::new(self.measure(b)?))
            }
            ast::Measure::Distance { kind, query, reference } => {
                let known = self.query_named(query);
                let reference = self.reference(reference)?;
                known.then_some(())?;
                self.distribution(query)?;
                let name = query.value.clone();
                if kind == "kl" { Measure::Kl(name, reference) } else { Measure::Tv(name, reference) }
            }
            ast::Measure::Row { query, selection } => {
                self.query_named(query).then_some(())?;
                let mut selected = vec![];
                for assigned in selection {
                    let (variable, code) = self.value_of(assigned)?;
                    let Some(code) = code else {
                        let title = format!("which value of `{}`?", assigned.name.value);
                        let found = Diagnostic::new("E0103", title).label(assigned.name.span, "no value");
                        self.report(found.help(format!("write `{} = 1`", assigned.name.value)));
                        return None;
                    };
                    selected.push((variable, code));
                }
                self.selects_one_row(query, &selected)?;
                Measure::Row(query.value.clone(), selected)
            }
        })
    }

    fn reference(&mut self, name: &Name) -> Option<Reference> {
        if name.value == "truth" {
            if self.model.truth.is_some() {
                return Some(Reference::Truth);
            }
            let found =
                Diagnostic::new("E0201", "this file has no truth block").label(name.span, "nothing to compare with");
            self.report(found.help("add `truth { … }`, or compare with a data set"));
            return None;
        }
        if let Some(at) = self.model.regimes.iter().position(|r| r.name == name.value) {
            return Some(Reference::Data(at));
        }
        let found =
            Diagnostic::new("E0201", format!("there is no data set `{}`", name.value)).label(name.span, "unknown");
        let names: Vec<&str> = self.model.regimes.iter().map(|r| r.name.as_str()).chain(["truth"]).collect();
        self.report(match closest(&name.value, names.iter().copied()) {
            Some(near) => suggest(found, near, name.span),
            None => found.help(format!("it can be compared with {}", list(names))),
        });
        None
    }

    /// Distances are between distributions.
    fn distribution(&mut self, name: &Name) -> Option<()> {
        let query = self.model.queries.iter().find(|q| q.name == name.value)?;
        match query.kind {
            QueryKind::Distribution(_) | QueryKind::Counterfactual { mean: false, .. } => return Some(()),
            QueryKind::Samples { .. } => return self.no_rows(name),
            QueryKind::Expectation { .. } | QueryKind::Counterfactual { .. } => {}
        }
        let found = Diagnostic::new("E0404", format!("`{}` is a mean, not a distribution", name.value));
        self.report(found.label(name.span, "has no distance").help(format!("compare `abs({} - …)`", name.value)));
        None
    }

    fn no_rows(&mut self, name: &Name) -> Option<()> {
        let found = Diagnostic::new("E0404", format!("`{}` draws samples: it has no probabilities", name.value));
        self.report(found.label(name.span, "nothing to compare").help("ask for `P(…)` in a query of its own"));
        None
    }

    /// Every variable of the query without a value must be selected, and nothing else.
    fn selects_one_row(&mut self, name: &Name, selected: &[(VarId, u32)]) -> Option<()> {
        let query = self.model.queries.iter().find(|q| q.name == name.value)?;
        let open: Vec<VarId> = match &query.kind {
            QueryKind::Distribution(term) => free(term, term.cut.is_none()).collect(),
            QueryKind::Expectation { terms, .. } => terms.iter().flat_map(|(_, t)| free(t, false)).collect(),
            QueryKind::Samples { .. } => return self.no_rows(name),
            QueryKind::Counterfactual { terms, mean, .. } => {
                terms.iter().flat_map(|(_, t)| counterfactual::free(t, !mean && t.cut.is_none())).collect()
            }
        };
        let missing: Vec<&str> =
            open.iter().filter(|v| !selected.iter().any(|s| s.0 == **v)).map(|&v| self.model.name(v)).collect();
        if missing.is_empty() {
            return Some(());
        }
        let example: Vec<String> = missing.iter().map(|v| format!("{v} = …")).collect();
        let found = Diagnostic::new("E0103", format!("`{}` has several rows: which one?", name.value));
        let found = found.label(name.span, format!("no value for {}", list(&missing)));
        self.report(found.help(format!("write `{}({})`", name.value, example.join(", "))));
        None
    }
}

/// The variable of `later`, number `at` of a query's variables, stands in `first` too.
fn twice(term: &ast::Term, at: usize, later: &Assigned, first: &Assigned) -> Diagnostic {
    let name = &later.name.value;
    let is_set = |a: &Assigned| term.interventions.iter().any(|i| std::ptr::eq(i, a));
    let is_evidence = at >= term.outcome.len() + term.interventions.len();
    let same_value = match (&first.value, &later.value) {
        (Some(a), Some(b)) => a.value.text() == b.value.text(),
        _ => true,
    };
    let part = |a: &Assigned, evidence| match (is_set(a), evidence) {
        (true, _) => "set here",
        (false, true) => "observed here",
        (false, false) => "asked for here",
    };
    let (code, title, help) = match (is_evidence, is_set(first)) {
        (true, true) if !same_value => (
            "E0704",
            format!("`{name}` is set to one value and observed at another"),
            format!(
                "remove one of them; what would have happened to those with another value is `P(Y[{name} = …] | {name} = …)`"
            ),
        ),
        (true, true) => (
            "E0703",
            format!("`{name}` is both set and observed"),
            format!("`do({name} = …)` is enough: remove the evidence"),
        ),
        _ if at < term.outcome.len()
            || term.evidence.iter().any(|e| std::ptr::eq(e, first))
            || (is_set(first) && is_set(later)) =>
        {
            ("E0202", format!("`{name}` stands twice in one query"), "remove one of them".to_owned())
        }
        _ => (
            "E0703",
            format!("`{name}` is both asked for and {}", if is_set(later) { "set" } else { "observed" }),
            format!("its value is given: ask for another variable, or remove `{name}` from the right side"),
        ),
    };
    Diagnostic::new(code, title)
        .label(later.name.span, part(later, is_evidence))
        .label(first.name.span, part(first, term.evidence.iter().any(|e| std::ptr::eq(e, first))))
        .help(help)
}

/// `E[A, B]` has no meaning.
pub(super) fn one_mean(second: Span) -> Diagnostic {
    Diagnostic::new("E0101", "`E[…]` takes the mean of one variable")
        .label(second, "a second one")
        .help("write one `E[…]` for each")
}

/// The variables of a term that stand for all their values.
fn free(term: &Term, outcome: bool) -> impl Iterator<Item = VarId> + '_ {
    let asked = term.outcome.iter().filter(move |_| outcome);
    asked.chain(&term.interventions).chain(&term.evidence).filter(|(_, code)| code.is_none()).map(|(v, _)| *v)
}

/// A query in canonical spelling.
pub(super) fn text_of(model: &Model, kind: &QueryKind) -> String {
    match kind {
        QueryKind::Distribution(term) => format!("P({})", term_text(model, term)),
        QueryKind::Expectation { terms, constant } => {
            let terms = terms.iter().map(|(factor, term)| (*factor, format!("E[{}]", term_text(model, term))));
            combination_text(terms, *constant)
        }
        QueryKind::Samples { term, count } => {
            format!("sample({}, n: {count})", counterfactual::term_text(model, term))
        }
        QueryKind::Counterfactual { terms, constant, mean } => counterfactual::text_of(model, terms, *constant, *mean),
    }
}

/// `2 * a - b + 1` of factors with their texts and a constant.
pub(super) fn combination_text(terms: impl Iterator<Item = (f64, String)>, constant: f64) -> String {
    let mut text = String::new();
    for (factor, term) in terms {
        let sign = if factor < 0.0 { "-" } else { "+" };
        text += &match (text.is_empty(), sign) {
            (true, "+") => String::new(),
            (true, sign) => sign.to_owned(),
            (false, sign) => format!(" {sign} "),
        };
        if factor.abs() != 1.0 {
            text += &format!("{} * ", factor.abs());
        }
        text += &term;
    }
    match constant {
        0.0 if !text.is_empty() => text,
        c if text.is_empty() => c.to_string(),
        c => format!("{text} {} {}", if c < 0.0 { "-" } else { "+" }, c.abs()),
    }
}

fn term_text(model: &Model, term: &Term) -> String {
    let mut given = vec![];
    if !term.interventions.is_empty() {
        given.push(format!("do({})", values_text(model, &term.interventions)));
    }
    if !term.evidence.is_empty() {
        given.push(values_text(model, &term.evidence));
    }
    let cut = term.cut.map_or_else(String::new, |cut| format!(" {cut}"));
    let outcome = values_text(model, &term.outcome) + &cut;
    if given.is_empty() { outcome } else { format!("{outcome} | {}", given.join(", ")) }
}

pub(super) fn values_text(model: &Model, values: &[(VarId, Option<u32>)]) -> String {
    let texts: Vec<String> = values
        .iter()
        .map(|&(variable, code)| match (code, code.and_then(|code| model.value_text(variable, code))) {
            (Some(_), Some(value)) => format!("{} = {}", model.name(variable), value),
            _ => model.name(variable).to_owned(),
        })
        .collect();
    texts.join(", ")
}

fn measure_text(model: &Model, measure: &Measure) -> String {
    let reference = |r: &Reference| match r {
        Reference::Truth => "truth".to_owned(),
        Reference::Data(at) => model.regimes[*at].name.clone(),
    };
    match measure {
        Measure::Number(n) => n.to_string(),
        Measure::Tv(query, r) => format!("tv({query}, {})", reference(r)),
        Measure::Kl(query, r) => format!("kl({query}, {})", reference(r)),
        Measure::Abs(inner) => format!("abs({})", measure_text(model, inner)),
        Measure::Sum(a, sign, b) => {
            let sign = if *sign < 0.0 { "-" } else { "+" };
            format!("{} {sign} {}", measure_text(model, a), measure_text(model, b))
        }
        Measure::Row(query, selection) if selection.is_empty() => query.clone(),
        Measure::Row(query, selection) => {
            let values: Vec<_> = selection.iter().map(|&(v, c)| (v, Some(c))).collect();
            format!("{query}({})", values_text(model, &values))
        }
    }
}

/// Reads a query given on the command line, e.g. `P(A | do(D = 1))`.
///
/// # Errors
/// Everything that is wrong with it; places are bytes of `text`.
pub fn parse_query(model: &Model, text: &str) -> Result<Query, Vec<Diagnostic>> {
    parse_query_at(model, text, 0).map(|(query, _)| query)
}

/// The same for a text that begins at `start` of the sources: all places are counted from there. Beside the query the pictures
/// of the model and of the query, by the codes of which it knows them.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_query_at(model: &Model, text: &str, start: usize) -> Result<(Query, Vec<Picture>), Vec<Diagnostic>> {
    let form = crate::syntax::parse_query_at(text, start)?;
    let span = Span::new(start, start + text.len());
    let mut lowering = Lowering { model: model.clone(), asking: span, ..Lowering::default() };
    match lowering.query_kind(&form).filter(|_| !lowering.diagnostics.iter().any(Diagnostic::is_error)) {
        Some(kind) => {
            let text = text_of(&lowering.model, &kind);
            Ok((Query { name: "query".to_owned(), text, kind, span }, lowering.model.pictures))
        }
        None => Err(lowering.diagnostics),
    }
}
