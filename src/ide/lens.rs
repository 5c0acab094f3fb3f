//! Above each query whether it has an answer.

use super::Analysis;
use crate::diag::Span;
use crate::identification::{Finding, Known, Report, judge, to_json};
use serde_json::Value;

/// A line above a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lens {
    /// The query's statement.
    pub span: Span,
    /// The query's name.
    pub query: String,
}

/// The longest formula that a line shows, in characters.
const MAX_FORMULA: usize = 120;

/// The queries of the model file.
pub fn lenses(analysis: &Analysis) -> Vec<Lens> {
    let queries = analysis.program.model.queries.iter().filter(|q| analysis.is_home(q.span));
    queries.map(|q| Lens { span: q.span, query: q.name.clone() }).collect()
}

/// What to say above the query: its formula, or what stands in the way. Takes as long as identification does.
pub fn lens_title(analysis: &Analysis, query: &str) -> Option<String> {
    let model = &analysis.program.model;
    let query = model.queries.iter().find(|q| q.name == query)?;
    if analysis.program.has_errors() {
        return Some("not judged: the model has errors".to_owned());
    }
    let finding = judge(model, &analysis.schemas, query, Known::Declared);
    let verdict = finding.identifiable();
    let mut json = to_json(model, &[report(finding)]);
    let terms = json["queries"][0]["terms"].take();
    let terms = terms.as_array().map_or(&[][..], Vec::as_slice);
    Some(match verdict {
        Some(true) => identifiable(terms),
        Some(false) => format!("not identifiable: {}", obstacle(terms)),
        None => "identifiability is not established".to_owned(),
    })
}

fn report(finding: Finding) -> Report {
    Report { finding, values: None, counterexample: None }
}

fn identifiable(terms: &[Value]) -> String {
    let mut formulas: Vec<&str> = terms.iter().filter_map(|t| t["estimand"]["text"].as_str()).collect();
    formulas.dedup();
    match formulas[..] {
        [] => "identifiable".to_owned(),
        [formula] => format!("identifiable: {}", short(formula)),
        _ => format!("identifiable: {} formulas", formulas.len()),
    }
}

fn obstacle(terms: &[Value]) -> String {
    let Some(witness) = terms.iter().map(|t| &t["witness"]).find(|w| !w.is_null()) else {
        return "two models agree on the data and differ here".to_owned();
    };
    let list = |value: &Value| {
        let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        short(&names.join(", "))
    };
    match witness["kind"].as_str() {
        Some("hedge" | "thicket") => {
            format!("hedge {{{}}} over {{{}}}", list(&witness["f"]["nodes"]), list(&witness["f_prime"]["nodes"]))
        }
        Some("unobserved") => format!("{} is not observed", list(&witness["unobserved"])),
        _ => "the worlds are in conflict".to_owned(),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_FORMULA) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
