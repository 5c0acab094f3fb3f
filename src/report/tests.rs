//! Reports of small made-up answers.

use super::*;
use crate::data::{ImagesBuilder, Values};
use crate::model::{Engine, Value};
use crate::plan::{Module, Task};
use crate::query::GalleryRow;
use crate::query::answer::{Agreement, Answer, Assignment, Checked, Fit, ImageFit, Row};
use serde_json::json;

fn assignment(pairs: &[(&str, Value)]) -> Assignment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn label(text: &str) -> Value {
    Value::Label(text.to_owned())
}

fn answer(name: &str, query: &str, kind: &str, values: Vec<Row>, truth: Option<Vec<f64>>) -> Answer {
    let exact = |(row, number): (&Row, &f64)| match row.p {
        Some(_) => Row { p: Some(*number), low: None, high: None, ..row.clone() },
        None => Row { value: Some(*number), low: None, high: None, ..row.clone() },
    };
    let truth: Option<Vec<Row>> = truth.map(|t| values.iter().zip(&t).map(exact).collect());
    Answer {
        name: name.into(),
        query: query.into(),
        kind: kind.into(),
        values,
        samples: 0,
        ess: 0.0,
        method: "exact".into(),
        identifiable: None,
        tv_truth: truth.as_ref().map(|_| 0.0125),
        truth_error: None,
        estimand: None,
        bounds: None,
        refits: 0,
        replicates: 0,
        measured: None,
        file: None,
        evidence: None,
        acceptance: None,
        truth,
    }
}

fn probability(set: &[(&str, Value)], given: &[(&str, Value)], outcome: &[(&str, Value)], p: f64) -> Row {
    Row {
        interventions: assignment(set),
        given: assignment(given),
        outcome: assignment(outcome),
        p: Some(p),
        low: Some(p * 0.95),
        high: Some((p * 1.05).min(1.0)),
        value: None,
    }
}

/// A table of distributions, an effect, a sampled answer with labels that need escaping, a large answer.
fn sample_answers() -> Answers {
    let table = [(0, 0, 0.4975), (0, 1, 0.5025), (1, 0, 0.4525), (1, 1, 0.5475)];
    let rows = table.map(|(d, a, p)| probability(&[("D", int(d))], &[], &[("A", int(a))], p));
    let effect = answer("table", "P(A | do(D))", "distribution", rows.into(), Some(vec![0.5, 0.5, 0.44, 0.56]));
    let ate = Row { value: Some(-0.045), low: Some(-0.081), high: Some(-0.009), ..Row::default() };
    let ate = answer("ate", "E[A | do(D = 1)] - E[A | do(D = 0)]", "expectation", vec![ate], Some(vec![-0.06]));
    let rows = [("red", 0.7), ("<b>&\"blue\"", 0.2), ("green", 0.1)]
        .map(|(c, p)| probability(&[], &[("A", int(1))], &[("Color", label(c))], p));
    let sampled = Answer {
        samples: 100_000,
        ess: 20_345.0,
        method: "sampling".into(),
        ..answer("cond", "P(Color | A = 1)", "distribution", rows.into(), None)
    };
    let rows = (0..60).map(|i| {
        probability(&[("D", int(i % 3))], &[], &[("X", int(i / 3))], 0.1 + 0.1 * (f64::from(i as u32) * 7.3).sin())
    });
    let large = answer("large", "P(X | do(D))", "distribution", rows.collect(), None);
    Answers {
        schema: 1,
        results: vec![effect, ate, sampled, large],
        fit: vec![
            Fit { data: "obs".into(), tv: 0.0061, kl: 0.00012, test: false, images: vec![], reals: vec![] },
            Fit { data: "held".into(), tv: 0.0312, kl: 0.0041, test: true, images: vec![], reals: vec![] },
        ],
        expectations: vec![
            Checked { text: "tv(table, truth) < 0.05".into(), passed: true, value: 0.0125 },
            Checked { text: "abs(ate + 0.045) < 0.001".into(), passed: false, value: 0.0071 },
        ],
    }
}

fn sample_plan() -> Plan {
    let module = |id: &str, variables: &[&str], engine, ancestors: &[&str], after: &[&str]| Module {
        id: id.into(),
        variables: variables.iter().map(|v| (*v).to_owned()).collect(),
        c_components: vec![],
        tasks: vec![Task {
            data: "obs".into(),
            interventions: if id == "H2" { vec!["D".into()] } else { vec![] },
            ancestors: ancestors.iter().map(|v| (*v).to_owned()).collect(),
            conditions: vec![],
            teaches: vec![],
        }],
        after: after.iter().map(|v| (*v).to_owned()).collect(),
        engine,
    };
    Plan {
        schema: 1,
        modules: vec![
            module("H1", &["I"], Engine::WganGp, &[], &[]),
            module("H2", &["A", "D"], Engine::Likelihood, &["I"], &["H1"]),
        ],
        order: vec!["H1".into(), "H2".into()],
        stages: vec![vec!["H1".into()], vec!["H2".into()]],
    }
}

fn sample_metrics() -> Vec<Metric> {
    let mut metrics = vec![];
    for step in (0..=5_000).step_by(10) {
        let t = step as f64 / 1_500.0;
        metrics.push(Metric {
            module: "H1".into(),
            step,
            total: 5_000,
            loss: -2.0 * (-t).exp() + 0.08 * (step as f64 * 1.7).sin(),
            tv: (step % 100 == 0).then(|| 0.4 * (-t).exp() + 0.01 + 0.005 * (step as f64 * 0.9).cos()),
        });
    }
    metrics.push(Metric { module: "H2".into(), step: 1, total: 1, loss: 1.2345, tv: None });
    metrics
}

fn sample_page() -> String {
    let model = Model { title: Some("Front door <smoking>".into()), ..Model::default() };
    let manifest = json!({
        "schema": 1, "dcmc": "0.1.0", "model": "ab".repeat(32), "seed": 7,
        "settings": {"engine": "auto", "hidden": [256, 256], "lr": null},
        "data": [{"name": "obs", "rows": 20000, "sha256": "cd".repeat(32)}, {"name": "held", "rows": 100, "sha256": null}],
    });
    let (plan, answers, metrics) = (sample_plan(), sample_answers(), sample_metrics());
    html(&Report {
        model: &model,
        plan: &plan,
        answers: &answers,
        metrics: &metrics,
        samples: &[],
        galleries: &[],
        manifest: &manifest,
    })
}

#[test]
fn answers_are_aligned_tables() {
    let mut answers = sample_answers();
    answers.results.truncate(2);
    let expected = "\
table  P(A | do(D))
  do(D)  A       p    90 % interval   truth
      0  0  0.4975  0.4726 – 0.5224  0.5000  ██████████
      0  1  0.5025  0.4774 – 0.5276  0.5000  ██████████
      1  0  0.4525  0.4299 – 0.4751  0.4400  █████████
      1  1  0.5475  0.5201 – 0.5749  0.5600  ███████████
  summed exactly over the trained tables; total variation distance to the truth 0.0125

ate  E[A | do(D = 1)] - E[A | do(D = 0)]
    value      90 % interval    truth
  -0.0450  -0.0810 – -0.0090  -0.0600
  summed exactly over the trained tables; total variation distance to the truth 0.0125

expectations  1 of 2 hold
  ✓  tv(table, truth) < 0.05   0.0125
  ✗  abs(ate + 0.045) < 0.001  0.0071

fit  the model against the rows of each data set
  data     TVD  KL (nats)
  obs   0.0061     0.0001
  held  0.0312     0.0041  held out
";
    assert_eq!(text(&answers, false), expected);
}

#[test]
fn colour_changes_nothing_but_the_style() {
    let answers = sample_answers();
    let coloured = text(&answers, true);
    assert!(coloured.contains("\x1b[1mtable\x1b[0m") && coloured.contains("\x1b[31m✗\x1b[0m"));
    let mut plain = coloured;
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, text(&answers, false));
}

#[test]
fn large_answers_show_their_most_probable_rows() {
    let large = sample_answers().results.remove(3);
    let mut all: Vec<f64> = large.values.iter().filter_map(|row| row.p).collect();
    all.sort_by(|a, b| b.total_cmp(a));
    let shown = text(&Answers { results: vec![large], ..Answers::default() }, false);
    let found: Vec<&str> = shown.lines().skip(2).take(12).map(|l| l.split_whitespace().nth(2).unwrap()).collect();
    let expected: Vec<String> = all[..12].iter().map(|p| format!("{p:.4}")).collect();
    assert_eq!(found, expected);
    assert!(shown.contains("the 12 most probable of 60 rows; 48 more are in results.json"), "{shown}");
}

#[test]
fn rows_become_columns_of_their_kind() {
    let answers = sample_answers();
    let table = columns(&answers.results[0]);
    let names: Vec<&str> = table.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["do_D", "A", "p", "low", "high", "truth"]);
    assert_eq!(table[0].values, Values::Int([0, 0, 1, 1].map(Some).into()));
    assert_eq!(table[5].values, Values::Float([0.5, 0.5, 0.44, 0.56].map(Some).into()));
    let labels = columns(&answers.results[2]);
    assert!(matches!(&labels[1].values, Values::Text(texts) if texts[0].as_deref() == Some("red")));
    let names: Vec<String> = columns(&answers.results[1]).into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["value", "low", "high", "truth"]);
}

#[test]
fn pages_are_whole_escaped_and_the_same_every_time() {
    let page = sample_page();
    assert_eq!(page, sample_page());
    assert!(!page.contains("<b>") && page.contains("&lt;b&gt;&amp;&quot;blue&quot;"));
    assert!(!page.contains("<smoking>") && page.contains("<h1>Front door &lt;smoking&gt;</h1>"));
    for outside in ["http://", "https://", "<script", "<link", "<img", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for part in ["summary", "expectations", "answers", "fit", "training", "plan", "manifest"] {
        assert!(page.contains(&format!("<h2 id=\"{part}\">")), "{part}");
    }
    assert_eq!(page.matches("<svg ").count(), 4 + 2, "a plot per answer, two curves for the module with a history");
    assert_eq!(page.matches("class=\"reference\"").count(), 4 + 1);
    assert!(!page.contains("NaN") && !page.contains("null"));
}

#[test]
fn tags_are_balanced_and_ids_unique() {
    let page = sample_page();
    let mut open: Vec<String> = vec![];
    for tag in page.split('<').skip(1) {
        let Some((inside, _)) = tag.split_once('>') else { panic!("an open bracket: {tag}") };
        let name: String = inside.trim_start_matches('/').chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        match inside {
            _ if inside.starts_with('!') || name == "meta" || inside.ends_with('/') => {}
            _ if inside.starts_with('/') => assert_eq!(open.pop(), Some(name), "near {inside}"),
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for reference in page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(reference.split(' ').all(|id| ids.contains(&id)), "{reference}");
    }
}

#[test]
fn strange_numbers_and_names_are_shown_and_never_panic() {
    let strange = Row { p: Some(f64::NAN), low: Some(f64::NEG_INFINITY), high: Some(f64::INFINITY), ..Row::default() };
    let nothing = answer("ä b\u{1b}", "P()", "distribution", vec![], None);
    let answers = Answers {
        results: vec![nothing, answer("q", "P()", "distribution", vec![strange], None)],
        ..Answers::default()
    };
    let metrics: Vec<Metric> = [f64::NAN, f64::INFINITY, 1.0, 1.0, 1.0]
        .iter()
        .map(|loss| Metric { module: "H1".into(), step: 0, total: 0, loss: *loss, tv: Some(0.0) })
        .collect();
    let (model, plan) = (Model::default(), sample_plan());
    let page = html(&Report {
        model: &model,
        plan: &plan,
        answers: &answers,
        metrics: &metrics,
        samples: &[],
        galleries: &[],
        manifest: &json!(null),
    });
    assert!(!page.contains("NaN") && !page.contains("inf\"") && !page.contains('\u{1b}'));
    assert!(text(&answers, false).contains('–'));
}

/// Pictures are part of the page; names and numbers of images are text.
#[test]
fn images_are_in_the_page() {
    let model = Model {
        variables: [("I".to_owned(), Default::default()), ("C".to_owned(), Default::default())].into_iter().collect(),
        ..Model::default()
    };
    let image = |v: u8| vec![v; 12];
    let mut builder = ImagesBuilder::new([3, 2, 2], usize::MAX);
    (0..5).for_each(|v| builder.push(&image(50 * v)).unwrap());
    let drawn = Table {
        rows: 5,
        columns: vec![None, None],
        images: [(0, builder.finish().unwrap())].into_iter().collect(),
        ..Table::default()
    };
    let row = |values: &str, real: usize| GalleryRow {
        values: values.into(),
        drawn: vec![image(9); 3],
        real: vec![image(200); real],
    };
    let galleries = [Gallery {
        variable: "I".into(),
        shape: [3, 2, 2],
        rows: vec![row("C = <1>", 2), row("C = 2", 0)],
        omitted: 4,
    }];
    let fit = ImageFit {
        variable: "I".into(),
        images: 500,
        agreement: vec![Agreement { parent: "C".into(), drawn: 0.975, real: 0.998 }],
        kernel_distance: 0.0321,
        kernel_distance_of_data: -0.0004,
        diversity: 0.93,
    };
    let answers = Answers {
        results: vec![Answer {
            samples: 5,
            file: Some("digits.png".into()),
            ..answer("imgs", "sample(I, n: 5)", "samples", vec![], None)
        }],
        fit: vec![Fit { data: "obs".into(), tv: 0.1, kl: 0.1, test: false, images: vec![fit], reals: vec![] }],
        ..Answers::default()
    };
    let samples = [("imgs".to_owned(), drawn)];
    let page = html(&Report {
        model: &model,
        plan: &sample_plan(),
        answers: &answers,
        metrics: &[],
        samples: &samples,
        galleries: &galleries,
        manifest: &json!(null),
    });
    // One of the rows, two drawn strips and one real one; the second row has no real images.
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 4);
    for text in ["5 rows in digits.png", "C = &lt;1&gt;", "4 more are not shown", "C: 97.5 % (99.8 %)", "0.93"] {
        assert!(page.contains(text), "{text}");
    }
    let text = text(&answers, false);
    for part in ["5 rows in digits.png", "C 97.5 % (99.8 %)", "0.0321 (-0.0004)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Writes the sample page for a look: `DCMC_SAMPLE_REPORT=report.html cargo test sample_report`.
#[test]
fn sample_report_can_be_written() {
    if let Ok(path) = std::env::var("DCMC_SAMPLE_REPORT") {
        std::fs::write(path, sample_page()).unwrap();
    }
}
