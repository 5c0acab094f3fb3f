//! Findings in words and as JSON.

use super::{Correction, Findings, Measured, Method, Set, Statement, Test};
use crate::causal::identify::{Estimand, Names, no_value};
use crate::causal::open_path;
use crate::model::{Model, VarId};
use serde_json::{Value, json};

/// A statement on one line: `A ⊥ B | C`, or `Σ_{B} P(B | A) P(D | A, B, C) does not depend on A`.
pub(super) fn statement_text(model: &Model, statement: &Statement) -> String {
    match statement {
        Statement::Independence(s) => {
            let bar = if s.given.is_empty() { String::new() } else { format!(" | {}", list(model, &s.given)) };
            format!("{} ⊥ {}{bar}", list(model, &s.right), list(model, &s.left))
        }
        Statement::Kernel(s) => {
            format!("{} does not depend on {}", formula_text(model, &s.formula), list(model, &s.free_of))
        }
    }
}

fn formula_text(model: &Model, formula: &Estimand) -> String {
    formula.text(&Names { node: &|v| model.name(v).to_owned(), value: &no_value, regime: &|_| String::new() })
}

fn list(model: &Model, set: &[VarId]) -> String {
    set.iter().map(|&v| model.name(v)).collect::<Vec<_>>().join(", ")
}

/// The findings as one JSON object, all tests in it; without data sets what the graph of the model implies.
pub fn to_json(model: &Model, implied: &[Statement], findings: &Findings) -> Value {
    let sets = findings.sets.iter().map(|set| {
        let not_discrete: Vec<&str> = set.not_discrete.0.iter().map(|&v| model.name(v)).collect();
        json!({
            "name": set.name, "do": model.sorted_names(set.interventions.iter().copied()), "rows": set.rows,
            "effective_rows": set.scaled, "not_discrete": not_discrete, "not_tested": set.not_discrete.1,
            "complete": set.complete,
        })
    });
    let skipped = findings.skipped.iter().map(|(name, why)| json!({ "name": name, "reason": why }));
    let tested = findings.tests.iter().filter(|t| t.outcome.is_ok()).count();
    json!({
        "schema": 1,
        "alpha": findings.alpha,
        "correction": correction_name(findings.correction),
        "implications": implied.iter().map(|s| statement_json(model, s)).collect::<Vec<_>>(),
        "data": sets.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "tests": findings.tests.iter().map(|t| test_json(model, findings, t)).collect::<Vec<_>>(),
        "summary": {
            "tested": tested, "failed": findings.failures(), "passed": tested - findings.failures(),
            "untested": findings.tests.len() - tested,
        },
    })
}

fn correction_name(correction: Correction) -> &'static str {
    match correction {
        Correction::Holm => "holm",
        Correction::Fdr => "fdr",
        Correction::None => "none",
    }
}

fn statement_json(model: &Model, statement: &Statement) -> Value {
    let names = |set: &[VarId]| set.iter().map(|&v| model.name(v)).collect::<Vec<_>>();
    let text = statement_text(model, statement);
    match statement {
        Statement::Independence(s) => json!({
            "kind": "independence", "text": text, "left": names(&s.right), "right": names(&s.left),
            "given": names(&s.given),
        }),
        Statement::Kernel(s) => json!({
            "kind": "kernel", "text": text, "of": names(&s.of), "given": names(&s.given),
            "free_of": names(&s.free_of), "formula": formula_text(model, &s.formula),
        }),
    }
}

fn test_json(model: &Model, findings: &Findings, test: &Test) -> Value {
    let set = &findings.sets[test.set];
    let mut object = statement_json(model, &test.statement);
    let more = match &test.outcome {
        Err(why) => json!({ "verdict": "untested", "reason": why }),
        Ok(m) => json!({
            "method": match m.method {
                Method::ChiSquared => "g2",
                Method::Permutation => "permutation",
                Method::Bootstrap => "bootstrap",
            },
            "statistic": m.statistic, "df": m.df, "p": m.p, "p_adjusted": test.adjusted,
            "effect": m.effect, "effect_unit": unit(m.method),
            "verdict": if test.fails(findings.alpha) { "fails" } else { "passes" },
            "meaning": test.fails(findings.alpha).then(|| meaning(model, set, &test.statement)),
        }),
    };
    object["data"] = json!(set.name);
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

fn unit(method: Method) -> &'static str {
    if method == Method::Bootstrap { "probability" } else { "bits" }
}

/// What follows if the statement is wrong.
fn meaning(model: &Model, set: &Set, statement: &Statement) -> String {
    match statement {
        Statement::Independence(s) => {
            let (a, b) = (s.right[0], s.left[0]);
            let (left, right) = (model.name(a), model.name(b));
            let bar = if s.given.is_empty() { String::new() } else { format!(" given {}", list(model, &s.given)) };
            let explained = match open_path(&set.graph, &[a], &[b], &[]) {
                Some((first, steps)) => {
                    let path = model.path_text(first, &steps);
                    format!("the graph joins them by {path}, and that is blocked")
                }
                None => "in the graph no open path joins them".to_owned(),
            };
            let missing = if set.interventions.contains(&a) || set.interventions.contains(&b) {
                "an edge between them is missing, or the values were not assigned independently".to_owned()
            } else {
                format!("an edge between them or a hidden common cause `{left} <-> {right}` is missing")
            };
            format!("{left} and {right} are associated{bar}; {explained}: {missing}, or rows depend on each other")
        }
        Statement::Kernel(s) => {
            let [of, from] = [&s.of, &s.free_of].map(|set| list(model, set));
            let given =
                if s.given.is_empty() { String::new() } else { format!(" by way of {}", list(model, &s.given)) };
            format!(
                "{from} acts on {of} in a way that the graph does not have: it allows an effect{given} alone, \
                 and hidden causes only where it says `<->`"
            )
        }
    }
}

/// The findings as a table, what fails first and at most `limit` lines (0 for all); without data sets what the graph
/// implies. `complete` says whether these are all equalities of kernels.
pub fn to_text(model: &Model, implied: (&[Statement], bool), findings: &Findings, limit: usize) -> String {
    let limit = if limit == 0 { usize::MAX } else { limit };
    if findings.sets.is_empty() {
        return implied_text(model, implied, findings, limit);
    }
    if findings.tests.is_empty() {
        let nothing = "the graph implies nothing that these data sets could contradict\n";
        return remarks(model, findings) + nothing;
    }
    let mut lines = vec![header()];
    lines.extend(findings.tests.iter().take(limit).map(|t| line(model, findings, t)));
    let mut text = String::new();
    for (at, columns) in aligned(&lines).into_iter().enumerate() {
        text += &format!("{columns}\n");
        let Some(test) = at.checked_sub(1).map(|at| &findings.tests[at]) else { continue };
        if test.fails(findings.alpha) {
            text += &format!("         {}\n", meaning(model, &findings.sets[test.set], &test.statement));
        }
        if let Err(why) = &test.outcome {
            text += &format!("         {why}\n");
        }
    }
    if findings.tests.len() > limit {
        text += &format!("… and {} more (--limit 0 prints all)\n", findings.tests.len() - limit);
    }
    text + "\n" + &remarks(model, findings) + &summary(findings)
}

fn implied_text(model: &Model, (implied, complete): (&[Statement], bool), findings: &Findings, limit: usize) -> String {
    let mut text = String::new();
    for statement in implied.iter().take(limit) {
        text += &format!("{}\n", statement_text(model, statement));
    }
    if implied.len() > limit {
        text += &format!("… and {} more (--limit 0 prints all)\n", implied.len() - limit);
    }
    if !complete {
        text += INCOMPLETE;
    }
    text += &remarks(model, findings);
    let what = match implied.len() {
        0 => "the graph implies nothing that data could contradict".to_owned(),
        1 => "1 statement follows from the graph".to_owned(),
        n => format!("{n} statements follow from the graph"),
    };
    text + &format!("{what}; there are no data to test\n")
}

const INCOMPLETE: &str = "the search for equalities of kernels was cut short: c-components are large\n";

fn header() -> Vec<String> {
    ["", "statement", "data", "rows", "statistic", "df", "p", "adjusted", "effect"].map(str::to_owned).to_vec()
}

fn line(model: &Model, findings: &Findings, test: &Test) -> Vec<String> {
    let set = &findings.sets[test.set];
    let (statement, rows) = (statement_text(model, &test.statement), format!("{:.0}", set.rows));
    let Ok(Measured { method, statistic, df, p, effect }) = test.outcome else {
        return vec!["untested".to_owned(), statement, set.name.clone(), rows];
    };
    let verdict = if test.fails(findings.alpha) { "FAILS" } else { "passes" };
    let sign = if method == Method::Bootstrap { "T" } else { "G²" };
    let df = match (df, method) {
        (Some(df), _) => df.to_string(),
        (None, Method::Permutation) => "permuted".to_owned(),
        (None, _) => "resampled".to_owned(),
    };
    let effect = match unit(method) {
        "bits" => format!("{effect:.4} bit"),
        _ => format!("{effect:.4} prob"),
    };
    let adjusted = test.adjusted.map_or_else(String::new, p_text);
    let numbers = [rows, format!("{sign} {statistic:.1}"), df, p_text(p), adjusted, effect];
    [verdict.to_owned(), statement, set.name.clone()].into_iter().chain(numbers).collect()
}

fn p_text(p: f64) -> String {
    match p {
        p if p < 1e-300 => "<1e-300".to_owned(),
        p if p < 1e-3 => format!("{p:.0e}"),
        p => format!("{p:.3}"),
    }
}

/// Columns side by side, two spaces apart.
fn aligned(lines: &[Vec<String>]) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    /// A long formula does not push the numbers out of sight of all other lines.
    const WIDEST: usize = 60;
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |at: usize| {
        let widths = lines.iter().filter_map(|l| l.get(at)).map(|cell| cell.width());
        widths.filter(|w| *w <= WIDEST).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let join = |cells: &Vec<String>| {
        let cell = |(at, cell): (usize, &String)| {
            let space = " ".repeat(widths[at].saturating_sub(cell.width()) + 2);
            format!("{cell}{space}")
        };
        cells.iter().enumerate().map(cell).collect::<String>().trim_end().to_owned()
    };
    lines.iter().map(join).collect()
}

/// What was not tested, and why.
fn remarks(model: &Model, findings: &Findings) -> String {
    let mut text = String::new();
    for (name, why) in &findings.skipped {
        text += &format!("{name} is not tested: {why}\n");
    }
    for set in &findings.sets {
        let (variables, lost) = &set.not_discrete;
        if !variables.is_empty() {
            let names = list(model, variables);
            text += &format!("{}: {lost} more statements need {names}: not discrete, so not tested\n", set.name);
        }
        if set.scaled {
            let rows = set.rows;
            text += &format!("{}: weights are no counts; they are worth {rows:.1} rows (Kish)\n", set.name);
        }
        if !set.complete {
            text += &format!("{}: {INCOMPLETE}", set.name);
        }
    }
    text
}

fn summary(findings: &Findings) -> String {
    let tested = findings.tests.iter().filter(|t| t.outcome.is_ok()).count();
    let (failed, untested) = (findings.failures(), findings.tests.len() - tested);
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (correction, alpha) = (findings.correction, findings.alpha);
    let rule = match correction {
        Correction::Holm => format!("false alarms at most {alpha} in all (Holm)"),
        Correction::Fdr => format!("at most a share of {alpha} of the failures false alarms (Benjamini-Hochberg)"),
        Correction::None => format!("each at level {alpha}"),
    };
    let left = if untested == 0 { String::new() } else { format!("; {untested} could not be tested") };
    let passed = tested - failed;
    let verb = |n: usize, s: &str| if n == 1 { format!("{n} {s}es") } else { format!("{n} {s}") };
    let fails = if failed == 1 { "1 fails".to_owned() } else { format!("{failed} fail") };
    format!(
        "{} tested on {}: {}, {fails}{left}; {rule}\npassing is no proof: other graphs imply the same, and few rows \
         hide weak effects\n",
        plural(tested, "statement"),
        plural(findings.sets.len(), "data set"),
        verb(passed, "pass"),
    )
}
