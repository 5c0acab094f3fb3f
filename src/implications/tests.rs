//! The tests are tested: against published numbers, for their level and for their power.

use super::*;
use crate::causal::Admg;
use crate::causal::identify::DiscreteModel;
use crate::model::{Domain, Variable};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A model of this graph with these numbers of values.
fn model(graph: &Admg, cards: &[usize]) -> Model {
    let variable =
        |card: usize| Variable { domain: Some(Domain::Int { low: 0, high: card as i64 - 1 }), ..Variable::default() };
    let variables = cards.iter().enumerate().map(|(v, &card)| (format!("V{v}"), variable(card))).collect();
    Model { variables, graph: graph.clone(), ..Model::default() }
}

fn table(columns: Vec<Vec<u32>>, weights: Option<Vec<f64>>) -> Table {
    let rows = columns[0].len();
    Table { name: "t".to_owned(), rows, columns: columns.into_iter().map(Some).collect(), weights }
}

/// The sample of a table of counts: rows of codes, the count last.
fn counted(cards: &[usize], rows: &[Vec<f64>]) -> Sample {
    let column = |at: usize| rows.iter().map(|r| r[at] as u32).collect();
    let weights = rows.iter().map(|r| r[cards.len()]).collect();
    let table = table((0..cards.len()).map(column).collect(), Some(weights));
    Sample::of(&model(&Admg::new(cards.len()), cards), &table)
}

/// Rows of a random model of the graph.
fn drawn(rng: &mut ChaCha8Rng, from: &DiscreteModel, rows: usize) -> Sample {
    let joint: Vec<(Vec<usize>, f64)> = from.distribution(&[]).into_iter().collect();
    let mut columns = vec![vec![]; from.cards.len()];
    for _ in 0..rows {
        let mut left: f64 = rng.random();
        let at = joint.iter().position(|(_, p)| {
            left -= p;
            left < 0.0
        });
        let row = &joint[at.unwrap_or(joint.len() - 1)].0;
        columns.iter_mut().zip(row).for_each(|(column, &value)| column.push(value as u32));
    }
    Sample::of(&model(&from.graph, &from.cards), &table(columns, None))
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} is not {b}");
}

/// Admissions to Berkeley in 1973 (Bickel, Hammel & O'Connell 1975): department, sex, admitted or not. The reference
/// numbers are those of `chi2_contingency(…, correction=False, lambda_="log-likelihood")` of SciPy 1.17.1, summed over the
/// departments.
#[test]
fn numbers_agree_with_scipy() {
    let departments: [[f64; 4]; 6] = [
        [512., 313., 89., 19.],
        [353., 207., 17., 8.],
        [120., 205., 202., 391.],
        [138., 279., 131., 244.],
        [53., 138., 94., 299.],
        [22., 351., 24., 317.],
    ];
    let mut rows = vec![];
    for (d, counts) in departments.iter().enumerate() {
        for (at, &n) in counts.iter().enumerate() {
            rows.push(vec![d as f64, (at / 2) as f64, (at % 2) as f64, n]);
        }
    }
    let sample = counted(&[6, 2, 2], &rows);
    let rng = &mut seed::stream(1, "scipy");
    let overall = independence(&sample, 1, 2, &[], rng).unwrap();
    assert_eq!((overall.method, overall.df), (Method::ChiSquared, Some(1)));
    close(overall.statistic, 93.4494071957306);
    close(overall.p, 4.1671745567020105e-22);
    close(overall.effect, (93.4494071957306 - 1.0) / (2.0 * 4526.0 * std::f64::consts::LN_2));
    let within = independence(&sample, 1, 2, &[0], rng).unwrap();
    assert_eq!(within.df, Some(6));
    close(within.statistic, 21.735506778132837);
    close(within.p, 0.0013519926531708813);
    // A value that never occurs has no degree of freedom.
    let counts = [[10., 20., 30.], [6., 9., 17.], [12., 3., 5.]];
    let rows: Vec<Vec<f64>> = (0..9).map(|i| vec![(i / 3) as f64, (i % 3) as f64, counts[i / 3][i % 3]]).collect();
    let measured = independence(&counted(&[3, 4], &rows), 0, 1, &[], rng).unwrap();
    assert_eq!(measured.df, Some(4));
    close(measured.statistic, 14.30317177437609);
    close(measured.p, 0.006387748682814577);
    for (x, df, p) in [
        (3.84, 1.0, 0.05004352124870519),
        (25.3, 12.0, 0.01346352324003206),
        (1000.0, 3.0, 1.7994208765314067e-216),
        (0.5, 7.0, 0.9994464813904249),
    ] {
        close(tail::chi_squared(x, df), p);
    }
}

#[test]
fn weights_are_counts_or_an_effective_number_of_rows() {
    let rng = &mut seed::stream(1, "weights");
    let counts = [30., 20., 10., 40.];
    let weighted = |scale: f64| {
        let rows: Vec<Vec<f64>> = (0..4).map(|i| vec![(i / 2) as f64, (i % 2) as f64, counts[i] * scale]).collect();
        counted(&[2, 2], &rows)
    };
    let mut columns = vec![vec![], vec![]];
    for (i, &n) in counts.iter().enumerate() {
        (0..n as usize).for_each(|_| [i / 2, i % 2].iter().zip(&mut columns).for_each(|(&c, l)| l.push(c as u32)));
    }
    let one_by_one = Sample::of(&model(&Admg::new(2), &[2, 2]), &table(columns, None));
    let [a, b] = [weighted(1.0), one_by_one].map(|s| independence(&s, 0, 1, &[], rng).unwrap());
    assert_eq!(a, b);
    // Shares are no counts: four rows of unequal weight are worth less than four.
    let shares = weighted(0.001);
    assert!(shares.scaled() && !weighted(1.0).scaled());
    close(shares.total(), 100.0 * 100.0 / 3000.0);
    let strata = counted(&[2, 2], &[vec![0., 0., 5.], vec![0., 1., 5.]]);
    assert!(independence(&strata, 0, 1, &[], rng).unwrap_err().contains("two values"));
}

#[test]
fn corrections_agree_with_their_definitions() {
    // Benjamini & Hochberg 1995, section 3.2: fifteen p-values; four are rejected at .05, by Holm's rule three.
    let p = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ];
    let rejected = |c: Correction| adjusted(&p, c).iter().filter(|&&p| p <= 0.05).count();
    assert_eq!([Correction::Fdr, Correction::Holm, Correction::None].map(rejected), [4, 3, 9]);
    let mut shuffled = p;
    shuffled.reverse();
    let mut back = adjusted(&shuffled, Correction::Holm);
    back.reverse();
    assert_eq!(back, adjusted(&p, Correction::Holm));
    close(adjusted(&p, Correction::Holm)[2], 13.0 * 0.0019);
    close(adjusted(&p, Correction::Fdr)[3], 15.0 / 4.0 * 0.0095);
}

/// Fails unless `hits` of `trials` is within four standard errors of `level`.
fn near(hits: usize, trials: usize, level: f64) {
    let (n, at) = (trials as f64, hits as f64);
    let error = (n * level * (1.0 - level)).sqrt();
    assert!((at - n * level).abs() < 4.0 * error, "{hits} of {trials} at level {level}");
}

#[test]
fn under_independence_p_values_are_uniform() {
    let rng = &mut seed::stream(1, "level");
    // X <- Z -> Y: many rows for χ², few for permutations.
    let graph = Admg::with_edges(3, &[(2, 0), (2, 1)], &[]);
    for (cards, rows, method) in [([2, 3, 3], 2_000, Method::ChiSquared), ([4, 4, 8], 150, Method::Permutation)] {
        let mut found = vec![];
        while found.len() < 1_500 {
            let from = DiscreteModel::random(rng, &graph, &cards, |_| 2);
            let sample = drawn(rng, &from, rows);
            let measured = independence(&sample, 0, 1, &[2], rng).unwrap();
            if measured.method == method {
                found.push(measured.p);
            }
        }
        for level in [0.01, 0.05, 0.2, 0.5, 0.8] {
            let hits = found.iter().filter(|p| **p <= level).count();
            near(hits, found.len(), level);
        }
    }
}

#[test]
fn dependence_is_found() {
    let rng = &mut seed::stream(1, "power");
    let graph = Admg::with_edges(3, &[(2, 0), (2, 1), (0, 1)], &[]);
    for (cards, rows, method) in [([2, 3, 3], 5_000, Method::ChiSquared), ([4, 4, 8], 600, Method::Permutation)] {
        let (mut found, mut trials) = (0, 0);
        while trials < 60 {
            let from = DiscreteModel::random(rng, &graph, &cards, |_| 2);
            let measured = independence(&drawn(rng, &from, rows), 0, 1, &[2], rng).unwrap();
            if measured.method == method {
                trials += 1;
                found += usize::from(measured.p < 0.001);
            }
        }
        assert!(found > 50, "{found} of {trials} {method:?}");
    }
}

/// A -> B -> C -> D, B <-> D, and the same with A -> D, which it rules out.
fn verma_graphs() -> [Admg; 2] {
    let edges = [(0, 1), (1, 2), (2, 3), (0, 3)];
    [&edges[..3], &edges].map(|edges| Admg::with_edges(4, edges, &[(1, 3)]))
}

fn verma_p_values(rng: &mut ChaCha8Rng, from: &Admg, trials: usize, rows: usize) -> Vec<f64> {
    let (found, _) = crate::causal::implied::verma(&verma_graphs()[0], &[0, 1, 2, 3], 100);
    let mut p_values = vec![];
    while p_values.len() < trials {
        let from = DiscreteModel::random(rng, from, &[2, 2, 2, 2], |_| 3);
        let sample = drawn(rng, &from, rows);
        p_values.extend(kernel(&sample, &found[0], rng).map(|measured| measured.p));
    }
    p_values
}

#[test]
fn kernels_are_told_apart_and_equal_ones_are_not() {
    let rng = &mut seed::stream(1, "kernels");
    let [null, other] = verma_graphs();
    let p_values = verma_p_values(rng, &null, 300, 1_000);
    for level in [0.05, 0.1, 0.25, 0.5] {
        near(p_values.iter().filter(|p| **p <= level).count(), p_values.len(), level);
    }
    let p_values = verma_p_values(rng, &other, 60, 4_000);
    let found = p_values.iter().filter(|p| **p < 0.01).count();
    assert!(found > 30, "{found} of 60");
}

#[test]
fn what_is_set_is_constant_or_a_design() {
    use crate::model::DoValue;
    // A -> B -> C, A -> C.
    let model = model(&Admg::with_edges(3, &[(0, 1), (1, 2), (0, 2)], &[]), &[2, 2, 2]);
    let schema = Schema { name: "d".to_owned(), observed: vec![0, 1, 2] };
    let sample = Sample::of(&model, &table(vec![vec![0, 1]; 3], None));
    let said = |interventions: Vec<(usize, DoValue)>| {
        let (ast, _) = crate::syntax::parse("A -> B; data d = \"d.csv\"");
        let (lowered, _) = crate::model::lower(&ast, |_| vec![]);
        let regime = crate::model::Regime { interventions, ..lowered.regimes[0].clone() };
        let view = regime::view(&model, &regime, &schema, &sample);
        let texts = statements(&view.graph, &view.nodes).0;
        texts.iter().map(|s| explain::statement_text(&model, s)).collect::<Vec<_>>()
    };
    assert!(said(vec![]).is_empty());
    assert_eq!(said(vec![(1, DoValue::Column)]), ["V0 ⊥ V1"]);
    assert!(said(vec![(1, DoValue::Fixed(0))]).is_empty());
    assert!(said(vec![(0, DoValue::Column), (1, DoValue::Column)]).is_empty());
    assert!(said(vec![(0, DoValue::Fixed(1)), (1, DoValue::Column)]).is_empty());
}
