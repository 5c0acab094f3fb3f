//! Real variables from rows to answers, against closed forms.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, folder};
use serde_json::Value;

/// The answers of a model; counterfactuals given a real value are not identified without an assumption on its noise.
fn run(text: &str, set: &[&str]) -> Value {
    let here = folder(&[("m.scm", text)]);
    dcmc(here.path(), &[&["run", "m.scm", "-q", "--format", "json", "--allow-unidentified"], set].concat())
        .expect(0)
        .json()
}

fn answer<'a>(answers: &'a Value, name: &str) -> &'a Value {
    answers["results"].as_array().unwrap().iter().find(|r| r["name"] == name).unwrap()
}

/// The value of the only row of an answer is within `limit` of `exact`; so is the truth's beside it.
fn close(answers: &Value, name: &str, exact: f64, limit: f64) {
    let found = answer(answers, name);
    let number = |row: &Value| row.get("value").or(row.get("p")).and_then(Value::as_f64).unwrap();
    let value = number(&found["values"][0]);
    assert!((value - exact).abs() < limit, "{name}: {value}, not {exact}");
    let truth = number(&found["truth"][0]);
    assert!((truth - exact).abs() < limit / 2.0, "{name}: the truth block says {truth}, not {exact}");
    let (low, high) = (found["values"][0]["low"].as_f64().unwrap(), found["values"][0]["high"].as_f64().unwrap());
    assert!(low <= value && value <= high && high - low < 3.0 * limit, "{name}: {low} {high}");
}

/// A real cause of treatment and outcome; everything is normal or logistic.
const LINEAR: &str = "
    Z -> X; {X, Z} -> Y
    X: binary; {Y, Z}: real
    truth {
      Z ~ normal(10, 2)
      X ~ bernoulli(1 / (1 + exp(10 - Z)))
      Y = 1.5 * X + 0.8 * Z + normal(0, 1)
    }
    data obs = simulate(truth, n: 4000, seed: 1)
    query ate: ATE(Y, X = 1 vs 0)
    query mean: E[Y | do(X = 1)]
    query at: E[Y | do(X = 1), Z = 12]
    query seen: P(X = 1 | Z = 11)
    query back: E[Z | do(X = 1), Y = 12]
    query set: E[Y | do(X = 0, Z = 8.5)]
    query flip: E[Y[X = 1] | X = 0, Y = 9, Z = 10]
    query treated: E[Y[X = 1] | X = 0, Y = 9]
";

/// `E[Z | X = 0, Y = 9]` by numbers, and with it the counterfactual mean: the noise of `Y` stays, so `Y[1] = Y + 1.5`.
#[test]
fn linear_models_by_likelihood() {
    let answers = run(LINEAR, &[]);
    close(&answers, "ate", 1.5, 0.15);
    close(&answers, "mean", 9.5, 0.15);
    close(&answers, "at", 11.1, 0.2);
    close(&answers, "seen", 1.0 / (1.0 + (-1.0f64).exp()), 0.06);
    // Regression of Z on Y in a bivariate normal distribution.
    close(&answers, "back", 10.0 + 0.8 * 4.0 / (0.64 * 4.0 + 1.0) * (12.0 - 9.5), 0.2);
    close(&answers, "set", 6.8, 0.2);
    close(&answers, "flip", 10.5, 0.2);
    close(&answers, "treated", 10.5, 0.2);
    assert_eq!(answer(&answers, "back")["method"], "importance_sampling");
    assert_eq!(answer(&answers, "ate")["kind"], "expectation");
}

/// What the data determine; a generator's number has no density, so evidence on one is taken with an error of a tenth.
#[test]
fn linear_models_by_generators() {
    let answers =
        run(LINEAR, &["--set", "train.engine=wgan_gp", "--set", "train.steps=1500", "--set", "data.obs.n=2000"]);
    let back = 10.0 + 0.8 * 4.0 / (0.64 * 4.0 + 1.0) * (12.0 - 9.5);
    for (name, exact) in [("ate", 1.5), ("mean", 9.5), ("at", 11.1), ("back", back), ("set", 6.8)] {
        let value = answer(&answers, name)["values"][0]["value"].as_f64().unwrap();
        assert!((value - exact).abs() < 0.25, "{name}: {value}, not {exact}");
    }
    let seen = answer(&answers, "seen")["values"][0]["p"].as_f64().unwrap();
    assert!((seen - 1.0 / (1.0 + (-1.0f64).exp())).abs() < 0.08, "{seen}");
}

/// Hidden causes of a binary and a real variable, and a real mediator.
#[test]
fn a_front_door_of_real_variables() {
    let answers = run(
        "X -> M -> Y; X <-> Y
         X: binary; {M, Y}: real
         truth {
           U ~ bernoulli(0.5)
           X ~ bernoulli(0.2 + 0.6 * U)
           M = X + normal(0, 0.7)
           Y = 2 * M + 1.5 * U + normal(0, 0.5)
         }
         data obs = simulate(truth, n: 5000, seed: 2)
         query ate: ATE(Y, X = 1 vs 0)
         query naive: E[Y | X = 1] - E[Y | X = 0]
         query set: E[Y | do(M = 0.5)]
         query flip: E[Y[M = 1] | M = 0, Y = 0.75]",
        &[],
    );
    close(&answers, "ate", 2.0, 0.25);
    close(&answers, "naive", 2.9, 0.25);
    close(&answers, "set", 1.75, 0.15);
    let discrete = run(
        "X -> M -> Y; X <-> Y
         {X, Y}: binary; M: real
         truth {
           U ~ bernoulli(0.5)
           X ~ bernoulli(0.2 + 0.6 * U)
           M = X + normal(0, 0.7)
           Y ~ bernoulli(0.1 + 0.5 * (M > 0.5) + 0.3 * U)
         }
         data obs = simulate(truth, n: 6000, seed: 3)
         query effect: P(Y | do(X))",
        &[],
    );
    assert!(answer(&discrete, "effect")["tv_truth"].as_f64().unwrap() < 0.04, "{discrete:#}");
}

/// Skewed (log-normal) and bounded columns: means, and no value outside the type.
#[test]
fn skewed_and_bounded_columns() {
    let here = folder(&[(
        "m.scm",
        "X -> {S, B}
         X: binary; S: real; B: real[0..1]
         truth {
           X ~ bernoulli(0.5)
           S = exp((1 + X) * 0.25 * normal(0, 1)) - 1
           B = 1 / (1 + exp(-X - normal(0, 1)))
         }
         data obs = simulate(truth, n: 4000, seed: 4)
         query skewed: E[S | do(X)]
         query bounded: E[B | do(X)]
         query drawn: sample(B, n: 500)
         output drawn -> \"drawn.csv\"",
    )]);
    let answers = dcmc(here.path(), &["run", "m.scm", "-q", "--format", "json"]).expect(0).json();
    let value = |name: &str, at: usize| answer(&answers, name)["values"][at]["value"].as_f64().unwrap();
    // The mean of a log-normal variable; that of the logistic function by sums over a grid.
    let logistic = |mean: f64| {
        let terms = (-800..800).map(|k| f64::from(k) / 100.0);
        let sum: f64 = terms.map(|z| (-0.5 * z * z).exp() / (1.0 + (-mean - z).exp())).sum();
        sum / 100.0 / (2.0 * std::f64::consts::PI).sqrt()
    };
    for (at, x) in [0.0, 1.0].into_iter().enumerate() {
        let deviation: f64 = 0.25 * (1.0 + x);
        let skewed = (deviation * deviation / 2.0).exp() - 1.0;
        assert!((value("skewed", at) - skewed).abs() < 0.12, "{x}: {} {skewed}", value("skewed", at));
        assert!((value("bounded", at) - logistic(x)).abs() < 0.02, "{x}: {} {}", value("bounded", at), logistic(x));
    }
    let ask = ["sample", "m.scm", "sample(X | B = 0.3, n: 4000)", "-o", "given.csv"];
    dcmc(here.path(), &ask).expect(0);
    let given = std::fs::read_to_string(here.path().join("given.csv")).unwrap();
    let share = given.lines().filter(|line| *line == "1").count() as f64 / 4000.0;
    // The odds of X = 1 are those of two normal densities at the logit of 0.3.
    let logit = (0.3f64 / 0.7).ln();
    let exact = 1.0 / (1.0 + (0.5 * ((logit - 1.0).powi(2) - logit * logit)).exp());
    assert!((share - exact).abs() < 0.06, "{share} {exact}");
    let drawn = std::fs::read_to_string(here.path().join("m.dcm/drawn.csv")).unwrap();
    let numbers: Vec<f64> = drawn.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    assert!(numbers.len() == 500 && numbers.iter().all(|b| (0.0..=1.0).contains(b)));
    assert!(numbers.iter().any(|b| *b != numbers[0]));
}

/// The same seed gives the same bytes, whatever the number of jobs; trained modules are found again.
#[test]
fn runs_with_real_variables_repeat() {
    let here = folder(&[("m.scm", LINEAR)]);
    let call = |jobs: &str, out: &str| {
        let set = [
            "--set",
            "data.obs.n=300",
            "--set",
            "train.bootstrap=2",
            "--set",
            "train.epochs=3",
            "--set",
            "train.samples=2000",
        ];
        let fixed = ["run", "m.scm", "-q", "--format", "json", "--allow-unidentified", "--jobs", jobs, "--out", out];
        dcmc(here.path(), &[&fixed[..], &set].concat()).expect(0).stdout
    };
    let first = call("1", "a");
    assert_eq!(first, call("2", "b"));
    for module in ["H1", "H2", "H3"] {
        let read = |out: &str| std::fs::read(here.path().join(format!("{out}/modules/{module}.safetensors"))).unwrap();
        assert!(read("a") == read("b"), "{module}");
    }
    assert_eq!(first, call("2", "a"));
}

/// `query --rows`: the mean of a real outcome for each row of a file.
/// One bound alone, numbers beyond another number, and how drawn numbers fit the rows.
#[test]
fn skewed_numbers_and_how_often_they_are_large() {
    let answers = run(
        "X -> Y; X: binary; Y: real[0..]
         truth { X ~ bernoulli(0.4); Y = exp(0.5 * X + normal(0, 1)) }
         data obs = simulate(truth, n: 4000, seed: 3)
         query mean: E[Y | do(X = 1)]
         query large: P(Y > 4 | do(X = 1))
         query small: P(Y <= 0.5 | do(X))
         query would: P(Y[X = 1] > 4 | X = 0)",
        &[],
    );
    // A log-normal variable of mean 0.5 and deviation 1.
    close(&answers, "mean", 1.0_f64.exp(), 0.3);
    let beyond = 0.187_7; // 1 − Φ(ln 4 − 0.5)
    close(&answers, "large", beyond, 0.04);
    close(&answers, "would", beyond, 0.04);
    assert_eq!(answer(&answers, "large")["values"][0]["outcome"]["Y"], "> 4");
    assert_eq!(answer(&answers, "mean")["replicates"], 8);
    assert_eq!(answer(&answers, "large")["query"], "P(Y > 4 | do(X = 1))");
    assert_eq!(answer(&answers, "small")["values"].as_array().unwrap().len(), 2);
    let fit = &answers["fit"][0]["reals"][0];
    let number = |key: &str| fit[key].as_f64().unwrap();
    assert_eq!(fit["variable"], "Y");
    assert!(number("distance") < 0.05 && number("low") > 0.0 && number("high") < 40.0, "{fit}");
    let bound = run(
        "X -> Y; X: binary; Y: real[..10]
         truth { X ~ bernoulli(0.4); Y = 10 - exp(0.5 * X + normal(0, 0.5)) }
         data obs = simulate(truth, n: 2000, seed: 3)
         query mean: E[Y | do(X = 1)]
         query over: P(Y > 10 | do(X = 1))",
        &[],
    );
    close(&bound, "mean", 10.0 - (0.625_f64).exp(), 0.1);
    assert_eq!(answer(&bound, "over")["values"][0]["p"], 0.0);
}

/// What regressions make of the formula stands beside the answer.
#[test]
fn a_formula_with_real_variables_stands_beside_the_answer() {
    let answers = run(LINEAR, &["--set", "train.bootstrap=4"]);
    for (name, exact) in [("ate", 1.5), ("mean", 9.5), ("at", 11.1), ("set", 6.8)] {
        let estimand = &answer(&answers, name)["estimand"];
        let row = &estimand["values"][0];
        let [value, low, high] = ["value", "low", "high"].map(|key| row[key].as_f64().unwrap());
        assert!((value - exact).abs() < 0.15 && low < value && value < high && high - low < 0.4, "{name}: {estimand}");
        assert_eq!((&estimand["how"], &estimand["disagrees"]), (&Value::from("least squares"), &Value::from(false)));
    }
}

#[test]
fn each_row_of_a_file() {
    let here = folder(&[("m.scm", LINEAR), ("rows.csv", "X,Y,Z\n0,9,10\n1,12.5,11\n0,9,10\n")]);
    let set = ["--set", "data.obs.n=2000", "--set", "train.bootstrap=3", "--allow-unidentified"];
    dcmc(here.path(), &[&["run", "m.scm", "-q"][..], &set].concat()).expect(0);
    let ask = ["query", "m.scm", "Y[X = 1]", "--rows", "rows.csv", "-o", "out.csv"];
    dcmc(here.path(), &[&ask[..], &set].concat()).expect(0);
    let out = std::fs::read_to_string(here.path().join("out.csv")).unwrap();
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split(',').collect()).collect();
    let mean = lines[0].iter().position(|name| name.contains("E[")).unwrap();
    let value = |line: usize| lines[line][mean].parse::<f64>().unwrap();
    assert!((value(1) - 10.5).abs() < 0.35 && (value(2) - 12.5).abs() < 1e-4 && value(1) == value(3), "{out}");
}

#[test]
fn what_cannot_be_asked_is_said() {
    let here = folder(&[]);
    let says = |statement: &str, code: &str| {
        let text =
            format!("X -> Y; X: binary; Y: real[0..9]\ntruth {{ X ~ bernoulli(0.5); Y ~ uniform(0, 9) }}\n{statement}");
        std::fs::write(here.path().join("m.scm"), text).unwrap();
        let found = dcmc(here.path(), &["check", "m.scm"]);
        assert!(
            found.stderr.contains(code) == (code != "fine") && (found.code == 0) == (code == "fine"),
            "{statement}: {}",
            found.stderr
        );
    };
    says("query q: P(Y | do(X = 1))", "E0707");
    says("query q: P(Y = 2 | do(X = 1))", "E0707");
    says("query q: P(X | Y)", "E0707");
    says("query q: P(Y > 2 | do(X = 1))", "fine");
    says("query q: P(Y[X = 1] <= 2.5 | X = 0)", "fine");
    says("query q: P(Y > many | do(X = 1))", "E0707");
    says("query q: P(X > 0)", "E0707");
    says("query q: P(X | Y > 2)", "E0707");
    says("query q: P(X, Y > 2)", "E0707");
    says("query q: E[Y > 2 | do(X = 1)]", "E0707");
    says("query q: E[Y | do(X > 0)]", "E0101");
    says("query q: P(X | Y = 12)", "E0404");
    says("query q: E[Y | do(X)]", "fine");
    says("query q: P(X | Y = 2.25)", "fine");
    says("query q: E[Y[X = 0] | X = 1, Y = 2.25]", "E0702");
}
