//! `dcmc query MODEL 'Y[X = 1]' --rows FILE -o FILE`: a question asked of each row of a data file, given all it says.

use super::run::{self, Arguments, Opened, Scope, TrainedModel, no_answer};
use super::session::{Session, Stop, usage};
use super::{OK, pictures};
use crate::data::{self, Column, Table, Values};
use crate::diag::{Diagnostic, Severity};
use crate::model::{CounterfactualTerm, Domain, Event, Model, Query, QueryKind, Regime, Source, VarId, seen_text};
use crate::nets::ops::with_device;
use crate::query::{Individual, QueryError};
use std::collections::BTreeMap;
use std::path::Path;

/// Answers the question for each row and writes the rows with their answers.
pub(super) fn answer(
    (mut session, device): Opened,
    (arguments, text): (&Arguments, &str),
    rows: &Path,
    output: &Path,
) -> Result<u8, Stop> {
    let (mut query, mut term) = question(&mut session, text)?;
    let table = read(&mut session, rows)?;
    let trained = &mut run::train(arguments, (session, device), Scope::Question)?;
    let model = &trained.session.model;
    let known: Vec<VarId> = (0..model.variables.len()).filter(|&v| table.codes(v).is_some()).collect();
    let event = |variable: VarId| Event { variable, world: vec![], value: None };
    let seen = (0..model.variables.len()).filter(|&v| table.images(v).is_some());
    term.evidence = known.iter().copied().chain(seen).map(event).collect();
    let mean = matches!(query.kind, QueryKind::Expectation { .. } | QueryKind::Counterfactual { mean: true, .. });
    query.kind = QueryKind::Counterfactual { terms: vec![(1.0, term.clone())], constant: 0.0, mean };
    trained.refuse_unidentified(arguments, &query)?;
    let answers = with_device(trained.device.clone(), || {
        pictures::ready(trained, std::slice::from_ref(&query), arguments.quiet)?;
        let images = pictures::of_rows(trained, &query, &table, arguments.quiet)?;
        Ok(individuals(trained, &term, (&known, &images), &table))
    })?;
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => return Err(trained.session.stop(no_answer(&query, &error))),
    };
    let impossible = answers.iter().filter(|answer| answer.is_none()).count();
    if impossible > 0 {
        let title = format!("{impossible} rows have no probability under the trained model: they get no answer");
        let found = Diagnostic { severity: Severity::Warning, ..Diagnostic::new("E0704", title) };
        trained.session.diagnostics.push(found.label(query.span, "asked of each row"));
    }
    let columns = columns(&trained.session.model, &term.outcome[0], &known, &table, &answers);
    data::write_table(output, &columns).map_err(|e| usage(format!("cannot write {}: {e}", output.display())))?;
    trained.session.settle()?;
    Ok(OK)
}

/// `Y[X = 1]`, or the same as `P(Y[X = 1])`, or `E[…]` of a real one: one variable in a world.
fn question(session: &mut Session, text: &str) -> Result<(Query, CounterfactualTerm), Stop> {
    let whole = text.trim_start();
    let bare = !["P(", "E[", "ATE(", "ETT(", "NDE(", "NIE(", "PN(", "PS(", "sample("]
        .iter()
        .any(|start| whole.starts_with(start));
    let model = &session.model;
    let asked = whole.split('[').next().and_then(|name| model.id(name.trim().trim_matches('`')));
    let real = asked.and_then(|v| model.domain(v)).is_some_and(Domain::is_real);
    let query = session.query(&match (bare, real) {
        (true, false) => format!("P({text})"),
        (true, true) => format!("E[{text}]"),
        (false, _) => text.to_owned(),
    })?;
    let term = match &query.kind {
        QueryKind::Counterfactual { terms, mean: false, .. } => terms.first().map(|(_, term)| term.clone()),
        QueryKind::Distribution(term) => Some(term.into()),
        QueryKind::Counterfactual { terms, constant: 0.0, .. } => match &terms[..] {
            [(1.0, term)] => Some(term.clone()),
            _ => None,
        },
        QueryKind::Expectation { terms, constant: 0.0 } => match &terms[..] {
            [(1.0, term)] => Some(term.into()),
            _ => None,
        },
        _ => None,
    };
    let fixed = |term: &CounterfactualTerm| {
        let outcome = |name: &crate::model::Bare| matches!(name, crate::model::Bare::Seen(..));
        term.names().iter().all(|(name, value)| value.is_some() || outcome(name))
    };
    match term {
        Some(term) if term.outcome.len() == 1 && term.evidence.is_empty() && fixed(&term) => Ok((query, term)),
        _ => Err(usage("with --rows ask for one variable in one world, with values, for example 'Y[X = 1]'")),
    }
}

/// All rows of the file, its columns taken as the variables of the same names.
fn read(session: &mut Session, rows: &Path) -> Result<Table, Stop> {
    let path = rows.display().to_string();
    let span = crate::diag::Span::new(session.sources.end(), session.sources.end() + path.len());
    session.sources.push("--rows", &path);
    let mut model = session.model.clone();
    model.regimes = vec![Regime {
        name: "rows".to_owned(),
        span,
        source: Source::File { path, span },
        interventions: vec![],
        columns: None,
        images: vec![],
        filter: None,
        weight: None,
        test: true,
        prefix: String::new(),
    }];
    match data::load(&model, 0, Path::new(""), model.settings.seed()) {
        Ok((table, warnings)) => {
            session.diagnostics.extend(warnings);
            Ok(table)
        }
        Err(errors) => {
            session.diagnostics = errors;
            Err(Stop(session.report()))
        }
    }
}

/// The answer for each row, equal rows asked once; `None` where the row has no probability.
fn individuals(
    trained: &TrainedModel,
    term: &CounterfactualTerm,
    (known, images): (&[VarId], &[(VarId, u32)]),
    table: &Table,
) -> Result<Vec<Option<Individual>>, QueryError> {
    let runtime = trained.runtime();
    let mut asked: BTreeMap<Vec<u32>, Option<Individual>> = BTreeMap::new();
    let columns: Vec<_> = known.iter().filter_map(|&v| table.codes(v)).collect();
    let mut answers = vec![];
    for row in 0..table.rows {
        let pictures = images.iter().map(|(_, first)| first + row as u32);
        let codes: Vec<u32> = columns.iter().map(|codes| codes[row]).chain(pictures).collect();
        if !asked.contains_key(&codes) {
            let known = known.iter().copied().chain(images.iter().map(|(v, _)| *v));
            let evidence: Vec<(VarId, u32)> = known.zip(codes.iter().copied()).collect();
            let found = match runtime.individual(term, &evidence) {
                Ok(found) => Some(found),
                Err(QueryError::NoEvidence(_)) => None,
                Err(error) => return Err(error),
            };
            asked.insert(codes.clone(), found);
        }
        answers.push(asked[&codes].clone());
    }
    Ok(answers)
}

/// The rows' own values, then the probability of each value of the outcome, its mean where it has one, and the effective
/// sample size where answers were sampled.
fn columns(
    model: &Model,
    outcome: &Event,
    known: &[VarId],
    table: &Table,
    answers: &[Option<Individual>],
) -> Vec<Column> {
    let mut columns: Vec<Column> = vec![];
    for &v in known {
        let codes = table.codes(v).unwrap_or_default();
        let texts = codes.iter().map(|&code| model.domain(v).map(|d| d.value(code).to_string()));
        columns.push(Column { name: model.name(v).to_owned(), values: Values::Text(texts.collect()) });
    }
    let of = |value: &dyn Fn(&Individual) -> f64| {
        Values::Float(answers.iter().map(|answer| answer.as_ref().map(value)).collect())
    };
    let seen = seen_text(model, outcome);
    let Some(domain) = model.domain(outcome.variable) else { return columns };
    let card = domain.cardinality().unwrap_or(0);
    for code in 0..card {
        let name = format!("P({seen} = {})", domain.value(code as u32));
        columns.push(Column { name, values: of(&|answer| answer.distribution[code]) });
    }
    if domain.is_real() {
        columns.push(Column { name: format!("E[{seen}]"), values: of(&|answer| answer.mean.unwrap_or(f64::NAN)) });
    }
    let numbers: Option<Vec<f64>> = (0..card as u32).map(|code| domain.number(code)).collect();
    if let Some(numbers) = numbers.filter(|numbers| !numbers.is_empty()) {
        let mean = |answer: &Individual| answer.distribution.iter().zip(&numbers).map(|(p, n)| p * n).sum();
        columns.push(Column { name: format!("E[{seen}]"), values: of(&mean) });
    }
    if answers.iter().flatten().any(|answer| answer.ess > 0.0) {
        columns.push(Column { name: "ess".to_owned(), values: of(&|answer| answer.ess) });
    }
    columns
}
