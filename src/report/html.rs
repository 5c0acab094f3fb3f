//! `report.html`: one file with its styles and plots inside, without scripts, requests or times, so that
//! it can be kept, mailed, and compared byte by byte.

use super::Report;
use super::markup::{Cell, table};
use super::pictures::{galleries, image_fit, samples_card};
use super::plot::{Bar, bars, curve, histograms};
use super::sheet::{Key, Line, Role, Sheet, decimal, provenance, range, thousands};
use crate::model::{Engine, Value};
use crate::plan::{Module, Task};
use crate::query::answer::{Answer, Fit};
use crate::render::escape;
use crate::train::Metric;
use serde_json::Value as Json;

/// Rows of an answer that are listed; more are in `results.json`.
const LISTED_ROWS: usize = 200;
/// Bars in one plot.
const PLOTTED_ROWS: usize = 24;
/// Points that make a curve worth drawing.
const CURVE_POINTS: usize = 3;

const STYLE: &str = include_str!("style.css");

/// The report as a page.
pub fn html(report: &Report) -> String {
    let title = report.model.title.as_deref().unwrap_or("Causal model");
    let name = escape(title);
    let sections = [
        summary(report),
        expectations(report),
        answers(report),
        galleries(report),
        fit(report),
        training(report),
        plan(report),
        manifest(report),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <title>{name} – dcmc report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><p class=\"kicker\">dcmc report</p><h1>{name}</h1>{}</header>\n<main>\n{}</main>\n</body>\n</html>\n",
        subtitle(report),
        sections.concat()
    )
}

fn subtitle(report: &Report) -> String {
    let model = report.model;
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut parts = vec![count(model.variables.len(), "variable", "variables")];
    if !model.latents.is_empty() {
        parts.push(count(model.latents.len(), "hidden cause", "hidden causes"));
    }
    parts.push(count(report.plan.modules.len(), "module", "modules"));
    parts.push(count(model.regimes.len(), "data set", "data sets"));
    format!("<p class=\"subtitle\">{}</p>", parts.join(" · "))
}

pub(super) fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n{body}</section>\n", escape(title))
}

fn summary(report: &Report) -> String {
    let mut tiles = String::new();
    let mut tile = |value: &str, label: &str, state: &str| {
        tiles += &format!("<div class=\"tile{state}\"><dd>{}</dd><dt>{}</dt></div>\n", escape(value), escape(label));
    };
    let answers = report.answers;
    tile(&answers.results.len().to_string(), if answers.results.len() == 1 { "answer" } else { "answers" }, "");
    if !answers.expectations.is_empty() {
        let (held, all) = (answers.expectations.iter().filter(|e| e.passed).count(), answers.expectations.len());
        tile(&format!("{held} of {all}"), "expectations hold", if held == all { " good" } else { " bad" });
    }
    if let Some(worst) = answers.results.iter().filter_map(|a| a.tv_truth).max_by(f64::total_cmp) {
        tile(&decimal(worst), "largest distance to the truth (TVD)", "");
    }
    if let Some(worst) = answers.fit.iter().map(|f| f.tv).max_by(f64::total_cmp) {
        tile(&decimal(worst), "largest distance to the data (TVD)", "");
    }
    let mut heads =
        vec![("Name", false), ("Query", false), ("Row", false), ("Estimate", true), ("90 % interval", true)];
    let (truth, data) = (|a: &Answer| a.truth.is_some(), |a: &Answer| a.measured.is_some());
    let reference = match (answers.results.iter().any(truth), answers.results.iter().any(data)) {
        (true, _) => Some("Truth"),
        (false, true) => Some("Data"),
        (false, false) => None,
    };
    heads.extend(reference.map(|title| (title, true)));
    let headlines: Vec<Vec<Cell>> = answers.results.iter().map(|a| headline(a, reference.is_some())).collect();
    let mut body = format!("<dl class=\"tiles\">\n{tiles}</dl>\n");
    if !headlines.is_empty() {
        body += &table("Answers in short: the first row, or the most probable one", &heads, &headlines);
    }
    section("summary", "Summary", &body)
}

fn headline(answer: &Answer, with_reference: bool) -> Vec<Cell> {
    let sheet = Sheet::new(answer);
    let best = match sheet.probabilities {
        true => sheet.lines.iter().max_by(|a, b| a.estimate.total_cmp(&b.estimate)),
        false => sheet.lines.first(),
    };
    let (mut row, mut estimate, mut interval, mut reference) = <(String, String, String, String)>::default();
    if answer.kind == "samples" {
        row = format!("{} rows drawn", thousands(answer.samples as f64));
    }
    if let Some(line) = best {
        let parts = [outcome(&sheet.keys, line), conditions(&sheet.keys, line)];
        row = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" | ");
        estimate = decimal(line.estimate);
        interval = range(line.interval);
        reference = line.reference.map_or_else(String::new, decimal);
    }
    let mut cells = vec![
        Cell::Html(format!("<a href=\"#{}\">{}</a>", anchor(answer), escape(&answer.name))),
        Cell::Code(answer.query.clone()),
        Cell::Html(format!("<span class=\"wide\">{}</span>", escape(&row))),
        Cell::Number(estimate),
        Cell::Number(interval),
    ];
    cells.extend(with_reference.then_some(Cell::Number(reference)));
    cells
}

/// `A = 1`: what the line is about.
fn outcome(keys: &[Key], line: &Line) -> String {
    settings(keys, line, Role::Outcome).join(", ")
}

/// `do(D = 0), given C = red`: what it holds under.
fn conditions(keys: &[Key], line: &Line) -> String {
    let mut parts: Vec<String> = settings(keys, line, Role::Do).iter().map(|s| format!("do({s})")).collect();
    let given = settings(keys, line, Role::Given);
    if !given.is_empty() {
        parts.push(format!("given {}", given.join(", ")));
    }
    parts.join(", ")
}

fn settings(keys: &[Key], line: &Line, role: Role) -> Vec<String> {
    let cells = keys.iter().zip(&line.cells).filter(|(key, _)| key.role == role);
    cells.filter_map(|(key, cell)| Some(format!("{} = {}", key.name, cell.as_ref()?))).collect()
}

/// An id for an answer: names may hold any character.
fn anchor(answer: &Answer) -> String {
    let safe = answer
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("-{:x}-", c as u32) });
    format!("answer-{}", safe.collect::<String>())
}

fn expectations(report: &Report) -> String {
    let checked = &report.answers.expectations;
    if checked.is_empty() {
        return String::new();
    }
    let row = |e: &crate::query::answer::Checked| {
        let (class, mark) = if e.passed { ("good", "✓ holds") } else { ("bad", "✗ fails") };
        vec![
            Cell::Code(e.text.clone()),
            Cell::Number(decimal(e.value)),
            Cell::Html(format!("<span class=\"badge {class}\">{mark}</span>")),
        ]
    };
    let rows: Vec<Vec<Cell>> = checked.iter().map(row).collect();
    let heads = [("Expectation", false), ("Value", true), ("Verdict", false)];
    section("expectations", "Expectations", &table("The model's expect statements", &heads, &rows))
}

fn answers(report: &Report) -> String {
    let card = |answer: &Answer| match report.samples.iter().find(|(name, _)| *name == answer.name) {
        Some((_, table)) => samples_card(&anchor(answer), report.model, answer, table),
        None => answer_card(answer),
    };
    let cards: String = report.answers.results.iter().map(card).collect();
    if cards.is_empty() { cards } else { section("answers", "Answers", &cards) }
}

fn answer_card(answer: &Answer) -> String {
    let id = anchor(answer);
    let listed = Sheet::new(answer).shortened(LISTED_ROWS, LISTED_ROWS);
    let plotted = Sheet::new(answer).shortened(PLOTTED_ROWS, PLOTTED_ROWS);
    let mut figure = answer_plot(&id, answer, &plotted);
    figure += &legend(&plotted);
    if let Some(cut) = plotted.cut() {
        figure += &format!("<p class=\"remark\">The plot shows {cut}.</p>");
    }
    let mut listing = answer_table(answer, &listed);
    if let Some(cut) = listed.cut() {
        listing += &format!("<p class=\"remark\">The table lists {cut}; results.json has all of them.</p>");
    }
    if listed.lines.len() > PLOTTED_ROWS {
        listing = format!("<details><summary>Table of {} rows</summary>\n{listing}</details>", listed.lines.len());
    }
    if let Some(estimand) = &answer.estimand {
        let text = escape(&estimand.text);
        let how = if estimand.how == "least squares" { ", conditional means by least squares" } else { "" };
        listing += &format!("<p class=\"remark\">The formula, computed on the rows{how}: <code>{text}</code></p>");
        if let Some(doubt) = estimand.doubt() {
            listing += &format!("<p class=\"disagreement\">Disagreement: {}.</p>", escape(doubt));
        }
    }
    format!(
        "<article class=\"card\" aria-labelledby=\"{id}\">\n<h3 id=\"{id}\">{} <code>{}</code></h3>\n\
         <p class=\"remark\">{}</p>\n<div class=\"pair\"><figure>{figure}</figure>\n<div>{listing}</div></div>\n</article>\n",
        escape(&answer.name),
        escape(&answer.query),
        escape(&capitalised(&provenance(answer))),
    )
}

fn answer_plot(id: &str, answer: &Answer, sheet: &Sheet) -> String {
    let has_outcome = sheet.keys.iter().any(|key| key.role == Role::Outcome);
    let bar = |line: &Line| {
        let (about, under) = (outcome(&sheet.keys, line), conditions(&sheet.keys, line));
        let (group, label) = if has_outcome { (under, about) } else { (String::new(), under) };
        let label = if label.is_empty() { answer.name.clone() } else { label };
        Bar { group, label, value: line.estimate, interval: line.interval, reference: line.reference }
    };
    let shown: Vec<Bar> = sheet.lines.iter().map(bar).collect();
    let title = format!("{}: {}", answer.name, answer.query);
    let bar = |b: &Bar| {
        let place = if b.group.is_empty() { b.label.clone() } else { format!("{}; {}", b.group, b.label) };
        format!("{place}: {}", decimal(b.value))
    };
    let description = format!("Bar plot. {}.", shown.iter().map(bar).collect::<Vec<_>>().join(". "));
    bars(&format!("{id}-plot"), &title, &description, &shown, decimal)
}

fn legend(sheet: &Sheet) -> String {
    let mut items = vec!["<span class=\"key estimate\"></span>estimate".to_owned()];
    if sheet.has_intervals() {
        items.push("<span class=\"key whisker\"></span>90 % interval".to_owned());
    }
    if let Some(reference) = &sheet.reference {
        items.push(format!("<span class=\"key reference\"></span>{}", escape(reference)));
    }
    let items: String = items.iter().map(|item| format!("<li>{item}</li>")).collect();
    format!("<figcaption><ul class=\"legend\">{items}</ul></figcaption>")
}

fn answer_table(answer: &Answer, sheet: &Sheet) -> String {
    let titles: Vec<String> = sheet.keys.iter().map(Key::title).collect();
    let mut heads: Vec<(&str, bool)> = titles.iter().map(|title| (title.as_str(), false)).collect();
    heads.push((if sheet.probabilities { "p" } else { "Value" }, true));
    if sheet.has_intervals() {
        heads.push(("90 % interval", true));
    }
    if sheet.has_bounds() {
        heads.push(("Data allow", true));
    }
    let reference = sheet.reference.as_deref().map(capitalised);
    heads.extend(reference.as_deref().map(|title| (title, true)));
    let formula = sheet.lines.iter().any(|line| line.formula.is_some());
    heads.extend(formula.then_some(("Formula", true)));
    let row = |line: &Line| {
        let cell = |cell: &Option<Value>| Cell::Text(cell.as_ref().map_or_else(|| "–".to_owned(), Value::to_string));
        let mut cells: Vec<Cell> = line.cells.iter().map(cell).collect();
        cells.push(Cell::Number(decimal(line.estimate)));
        if sheet.has_intervals() {
            cells.push(Cell::Number(range(line.interval)));
        }
        if sheet.has_bounds() {
            cells.push(Cell::Number(range(line.bounds)));
        }
        if sheet.reference.is_some() {
            cells.push(Cell::Number(line.reference.map_or_else(String::new, decimal)));
        }
        if formula {
            cells.push(Cell::Number(line.formula.map_or_else(String::new, decimal)));
        }
        cells
    };
    let rows: Vec<Vec<Cell>> = sheet.lines.iter().map(row).collect();
    table(&format!("Rows of {}", answer.name), &heads, &rows)
}

fn fit(report: &Report) -> String {
    let fits = &report.answers.fit;
    if fits.is_empty() {
        return String::new();
    }
    let row = |f: &Fit| {
        vec![
            Cell::Text(f.data.clone()),
            Cell::Text(if f.test { "held out" } else { "training" }.to_owned()),
            Cell::Number(decimal(f.tv)),
            Cell::Number(decimal(f.kl)),
        ]
    };
    let rows: Vec<Vec<Cell>> = fits.iter().map(row).collect();
    let heads = [("Data set", false), ("Role", false), ("TVD", true), ("KL (nats)", true)];
    let caption = "Rows of each data set against the model under the same interventions";
    section("fit", "Fit to the data", &(table(caption, &heads, &rows) + &real_fit(fits) + &image_fit(fits)))
}

/// Drawn real numbers beside those of the data sets: a table, and a histogram for each variable.
fn real_fit(fits: &[Fit]) -> String {
    let (mut rows, mut figures) = (vec![], String::new());
    for (data, real) in fits.iter().flat_map(|f| f.reals.iter().map(|real| (&f.data, real))) {
        rows.push(vec![
            Cell::Text(data.clone()),
            Cell::Text(real.variable.clone()),
            Cell::Number(decimal(real.distance)),
            Cell::Number(decimal(real.chance)),
            Cell::Number(decimal(real.mean)),
            Cell::Number(decimal(real.mean_of_data)),
        ]);
        let title = format!("{} in {data}", real.variable);
        let about = format!(
            "Two histograms from {} to {}: means {} drawn and {} in the data.",
            decimal(real.low),
            decimal(real.high),
            decimal(real.mean),
            decimal(real.mean_of_data)
        );
        let id = format!("reals-{data}-{}", real.variable);
        let plot = histograms(&id, &title, &about, (real.low, real.high), [&real.data, &real.drawn]);
        figures += &format!("<figure><figcaption>{}</figcaption>{plot}</figure>\n", escape(&title));
    }
    if rows.is_empty() {
        return String::new();
    }
    let heads = [
        ("Data set", false),
        ("Variable", false),
        ("Distance", true),
        ("By chance", true),
        ("Mean", true),
        ("Mean of the data", true),
    ];
    let caption = "Drawn real numbers against the rows: the largest difference of the two distribution functions \
                   (Kolmogorov–Smirnov), and what it stays below in 95 of 100 data sets by chance alone";
    format!(
        "{}<article class=\"card\"><h3>Histograms</h3><p class=\"remark\">Bars: the rows; line: drawn by the \
         model.</p>\n<div class=\"pair\">{figures}</div></article>\n",
        table(caption, &heads, &rows)
    )
}

fn training(report: &Report) -> String {
    let mut cards = String::new();
    let mut rows: Vec<Vec<Cell>> = vec![];
    for module in &report.plan.modules {
        let metrics: Vec<&Metric> = report.metrics.iter().filter(|m| m.module == module.id).collect();
        let Some(last) = metrics.last() else { continue };
        let final_tv = metrics.iter().rev().find_map(|m| m.tv);
        rows.push(vec![
            Cell::Text(module.id.clone()),
            Cell::Text(module.variables.join(", ")),
            Cell::Text(engine_name(module.engine)),
            Cell::Number(thousands(last.step as f64)),
            Cell::Number(decimal(last.loss)),
            Cell::Number(final_tv.map_or_else(String::new, decimal)),
        ]);
        cards += &curves(module, &metrics);
    }
    if rows.is_empty() {
        return String::new();
    }
    let heads = [
        ("Module", false),
        ("Variables", false),
        ("Engine", false),
        ("Steps", true),
        ("Last loss", true),
        ("Last TVD", true),
    ];
    section("training", "Training", &(table("The end of training, module by module", &heads, &rows) + &cards))
}

/// Loss and distance by step, where there are enough points of either.
fn curves(module: &Module, metrics: &[&Metric]) -> String {
    let loss: Vec<(f64, f64)> = metrics.iter().map(|m| (m.step as f64, m.loss)).collect();
    let tv: Vec<(f64, f64)> = metrics.iter().filter_map(|m| Some((m.step as f64, m.tv?))).collect();
    let mut figures = String::new();
    let loss_name =
        if module.engine == Engine::Likelihood { "negative log-likelihood (nats per row)" } else { "critic loss" };
    for (points, what, class) in [(loss, loss_name, "loss"), (tv, "TVD to the data", "tv")] {
        let finite: Vec<f64> = points.iter().map(|p| p.1).filter(|v| v.is_finite()).collect();
        if finite.len() < CURVE_POINTS {
            continue;
        }
        let (low, high) = finite.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let description = format!(
            "Line plot over {} steps: from {} to {}, at least {}, at most {}.",
            thousands(points[points.len() - 1].0),
            decimal(finite[0]),
            decimal(finite[finite.len() - 1]),
            decimal(low),
            decimal(high),
        );
        let title = format!("{}: {what} by step", module.id);
        let id = format!("curve-{class}-{}", module.id);
        let plot = curve(&id, &title, &description, class, &points);
        figures += &format!("<figure><figcaption>{}</figcaption>{plot}</figure>\n", escape(&capitalised(what)));
    }
    if figures.is_empty() {
        return figures;
    }
    let heading = format!("{} {{{}}}", module.id, module.variables.join(", "));
    format!("<article class=\"card\"><h3>{}</h3>\n<div class=\"pair\">{figures}</div></article>\n", escape(&heading))
}

fn plan(report: &Report) -> String {
    let row = |module: &Module| {
        let stage = report.plan.stages.iter().position(|stage| stage.contains(&module.id));
        vec![
            Cell::Text(module.id.clone()),
            Cell::Text(module.variables.join(", ")),
            Cell::Text(engine_name(module.engine)),
            Cell::Text(module.tasks.iter().map(task_text).collect::<Vec<_>>().join("; ")),
            Cell::Text(ancestors(&module.tasks)),
            Cell::Text(dash(module.after.join(", "))),
            Cell::Number(stage.map_or_else(String::new, |at| (at + 1).to_string())),
        ]
    };
    let rows: Vec<Vec<Cell>> = report.plan.modules.iter().map(row).collect();
    let heads = [
        ("Module", false),
        ("Variables", false),
        ("Engine", false),
        ("Data", false),
        ("Ancestors matched", false),
        ("After", false),
        ("Stage", true),
    ];
    section("plan", "Training plan", &table("Modules in the order they are trained", &heads, &rows))
}

fn task_text(task: &Task) -> String {
    match task.interventions.as_slice() {
        [] => task.data.clone(),
        set => format!("{} do({})", task.data, set.join(", ")),
    }
}

fn ancestors(tasks: &[Task]) -> String {
    let mut names: Vec<&str> = tasks.iter().flat_map(|t| &t.ancestors).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    dash(names.join(", "))
}

fn dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

fn engine_name(engine: Engine) -> String {
    serde_json::to_value(engine).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The manifest: what is single in one table, each list of objects in its own.
fn manifest(report: &Report) -> String {
    let (mut singles, mut lists) = (vec![], vec![]);
    flatten("", report.manifest, &mut singles, &mut lists);
    let row = |(key, value): &(String, String)| vec![Cell::Text(key.clone()), fact(value.clone())];
    let rows: Vec<Vec<Cell>> = singles.iter().map(row).collect();
    let mut body = String::new();
    if !rows.is_empty() {
        body += &table("Versions, seeds and settings", &[("Name", false), ("Value", false)], &rows);
    }
    for (key, objects) in &lists {
        body += &object_table(key, objects);
    }
    if body.is_empty() { body } else { section("manifest", "What it was made from", &body) }
}

type Objects = Vec<Vec<(String, String)>>;

fn flatten(path: &str, value: &Json, singles: &mut Vec<(String, String)>, lists: &mut Vec<(String, Objects)>) {
    match value {
        Json::Null => {}
        Json::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, singles, lists);
            }
        }
        Json::Array(items) if !items.is_empty() && items.iter().all(Json::is_object) => {
            let object = |item: &Json| {
                let mut fields = vec![];
                flatten("", item, &mut fields, &mut vec![]);
                fields
            };
            lists.push((path.to_owned(), items.iter().map(object).collect()));
        }
        single => singles.push((path.to_owned(), scalar(single))),
    }
}

fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn fact(value: String) -> Cell {
    if value.len() >= 40 && !value.contains(' ') { Cell::Digest(value) } else { Cell::Text(value) }
}

fn object_table(key: &str, objects: &Objects) -> String {
    let mut names: Vec<&str> = vec![];
    for (name, _) in objects.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let heads: Vec<(&str, bool)> = names.iter().map(|name| (*name, false)).collect();
    let field = |object: &Vec<(String, String)>, name: &&str| {
        fact(object.iter().find(|(n, _)| n == name).map_or_else(String::new, |(_, value)| value.clone()))
    };
    let rows: Vec<Vec<Cell>> = objects.iter().map(|o| names.iter().map(|n| field(o, n)).collect()).collect();
    table(&capitalised(key), &heads, &rows)
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
