//! How the form around the cursor is written.

use super::context::{Context, context};
use crate::truth::functions;

/// How a form is called, and which part of it the cursor is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The form: `P(outcome | do(interventions), evidence)`.
    pub label: String,
    /// What it means.
    pub about: String,
    /// Its parts, as byte ranges of the label.
    pub parameters: Vec<std::ops::Range<usize>>,
    /// The part at the cursor.
    pub active: Option<usize>,
}

/// Forms: the word before the bracket, how it is written, what it means.
const FORMS: [(&str, &str, &str); 15] = [
    (
        "P",
        "P(outcome | do(interventions), evidence)",
        "the distribution of the outcome; a bare name is each of its values",
    ),
    ("E", "E[outcome | do(interventions), evidence]", "the mean of the outcome"),
    ("ATE", "ATE(outcome, treatment = value vs value)", "E[outcome | do(treatment = value)], the difference of two"),
    ("ETT", "ETT(outcome, treatment = value vs value)", "the same among those who had the first value"),
    (
        "NDE",
        "NDE(outcome, treatment = value vs value, mediators)",
        "the effect if the mediators stayed as they are under the second value",
    ),
    (
        "NIE",
        "NIE(outcome, treatment = value vs value, mediators)",
        "the effect of what the first value does to the mediators alone",
    ),
    (
        "PN",
        "PN(outcome = value, treatment = value vs value)",
        "the probability that who had the first value and the outcome would not have had it under the second",
    ),
    (
        "PS",
        "PS(outcome = value, treatment = value vs value)",
        "the probability that who had the second value and not the outcome would have had it under the first",
    ),
    ("sample", "sample(outcome | do(interventions), evidence, n: rows)", "rows drawn from the trained model"),
    ("do", "do(X = value, Z)", "sets variables; a bare name is set to each of its values"),
    ("identifiable", "identifiable(query)", "the query has one answer, given the graph and the data"),
    ("independent", "independent(left, right | given)", "the graph separates the two sides"),
    ("tv", "tv(query, reference)", "total variation distance of the answer from `truth` or a data set"),
    ("kl", "kl(query, reference)", "Kullback-Leibler divergence of the answer from `truth` or a data set"),
    ("simulate", "simulate(truth, n: rows, seed: seed)", "rows drawn from the truth block"),
];

/// The form whose brackets the byte of a text is in.
pub fn signature(text: &str, at: usize) -> Option<Signature> {
    let context = context(text, at)?;
    let around = (1..context.levels.len()).rev().filter(|&level| context.levels[level].bracket != '{');
    around.into_iter().find_map(|level| form(&context, level))
}

fn form(context: &Context, level: usize) -> Option<Signature> {
    let head = context.head(level);
    let place = context.levels.get(level)?;
    let in_truth = context.levels.first().and_then(|l| l.tokens.first()) == Some(&"truth");
    if let Some((_, label, about)) = FORMS.iter().find(|(name, ..)| *name == head && !in_truth) {
        let parameters = parameters(label);
        // Behind the bar the parts are counted from it.
        let outcome = parameters.iter().take_while(|p| !place.given || label.find('|').is_some_and(|b| p.start < b));
        let first = if place.given { outcome.count() } else { 0 };
        let count = if place.given || label.contains('|') { first } else { place.commas };
        return Some(Signature {
            label: (*label).to_owned(),
            about: (*about).to_owned(),
            active: (count < parameters.len()).then_some(count),
            parameters,
        });
    }
    let (_, usage) = functions().find(|(name, _)| *name == head).filter(|_| in_truth)?;
    let (label, about) = usage.split_once("): ").map_or((usage.to_owned(), ""), |(l, about)| (format!("{l})"), about));
    let parameters = parameters(&label);
    let active = place.commas.min(parameters.len().saturating_sub(1));
    Some(Signature { about: about.to_owned(), active: (!parameters.is_empty()).then_some(active), parameters, label })
}

/// The parts of a form between its outer brackets, cut at commas and bars.
fn parameters(label: &str) -> Vec<std::ops::Range<usize>> {
    let (mut parts, mut depth, mut start) = (vec![], 0_usize, 0);
    for (at, c) in label.char_indices() {
        let cut = match c {
            '(' | '[' => {
                depth += 1;
                depth == 1
            }
            ')' | ']' => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            ',' | '|' => depth == 1,
            _ => false,
        };
        if cut {
            let part = label[start..at].trim();
            if start > 0 && !part.is_empty() {
                let from = start + (label[start..at].len() - label[start..at].trim_start().len());
                parts.push(from..from + part.len());
            }
            start = at + c.len_utf8();
        }
    }
    parts
}
