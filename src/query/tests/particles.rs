//! Particles against sums, closed forms and rejection; and what they say of their own precision against how far they are off.

use super::*;
use crate::nets::conditional::{ConditionalMember, ConditionalModule, Network};
use crate::nets::generator::{Dense, Layers};
use crate::nets::real::{COMPONENTS, OUTPUTS, Scale};
use std::collections::BTreeMap;

fn refine(model: &Model, modules: &[&Trained], asked: &Asked, seed: u64) -> Option<Refined> {
    let twin = asked.twin(model)?;
    let worlds = worlds(model, modules, &twin, Method::Weighting);
    worlds.refine(&asked.cards(model), &mut seed::stream(seed, "particles")).unwrap()
}

#[test]
fn particles_agree_with_sums_over_tables() {
    let mut rng = seed::stream(6, "tables");
    let mut compared = 0;
    for number in 0..40 {
        let model = random_model(&mut rng);
        let trained = Trained::Tables(random_tables(&model, 2, &mut rng));
        let asked = random_question(&mut rng);
        if asked.evidence.is_empty() {
            continue;
        }
        let exact = exact::joint(&model, &[&trained], &asked).unwrap().unwrap();
        let Some(found) = refine(&model, &[&trained], &asked, number) else {
            assert!(exact.evidence < 1e-3, "{asked:?}: {}", exact.evidence);
            continue;
        };
        compared += 1;
        // At worst the evidence is met in so many of the 131,072 first rows.
        let limit = 0.1 + 4.0 / (131_072.0 * exact.evidence).sqrt();
        assert!((found.evidence / exact.evidence - 1.0).abs() < limit, "{asked:?}: {found:?} {}", exact.evidence);
        let limit = 2.5 / found.ess.sqrt() + 1e-9;
        let far = found.means.iter().zip(&exact.point.values).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far < limit, "{asked:?}: {found:?} {:?}", exact.point.values);
    }
    assert!(compared > 10, "{compared}");
}

/// Evidence in several worlds, rare under networks with hidden causes of all variables.
#[test]
fn particles_agree_with_rejection_through_generators() {
    let mut rng = seed::stream(7, "generators");
    let mut compared = 0;
    for number in 0..16 {
        let model = random_model(&mut rng);
        let trained = Trained::Generators(random_generators(&model, &mut rng));
        let asked = random_question(&mut rng);
        let Some(twin) = asked.twin(&model).filter(|_| !asked.evidence.is_empty()) else { continue };
        let mut tally = Tally::default();
        worlds(&model, &[&trained], &twin, Method::Rejection)
            .draw(&asked.cards(&model), 200_000, &mut rng, &mut tally)
            .unwrap();
        let (Some(found), Some(expected)) = (refine(&model, &[&trained], &asked, number), tally.distribution()) else {
            continue;
        };
        compared += 1;
        let limit = 2.5 * (1.0 / found.ess + 1.0 / tally.ess()).sqrt() + 1e-9;
        let far = found.means.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far < limit, "{asked:?}: {found:?} {expected:?} {}", tally.ess());
        let off = (found.evidence - tally.evidence()).abs();
        assert!(off < 0.1 * tally.evidence() + 5.0 * (tally.evidence() / 200_000.0).sqrt(), "{found:?}");
    }
    assert!(compared > 2, "{compared}");
}

/// `A -> B -> C`: normal numbers of variances 1, 1 and 1/4 added up.
fn chain() -> Model {
    let mut model = Model::from_graph(&["A", "B", "C"], &[("A", "B"), ("B", "C")], &[]);
    model.variables.values_mut().for_each(|v| v.domain = Some(Domain::REAL));
    model
}

const DEVIATIONS: [f64; 3] = [1.0, 1.0, 0.5];
const STANDARD: Scale = Scale { low: None, high: None, margin: 1e-4, centre: 0.0, spread: 1.0 };

/// The number of `C` that is five of its standard deviations out, what it says of `A`, and its density.
const FAR: f64 = 7.5;
const MEAN: f64 = FAR / 2.25;
const VARIANCE: f64 = 1.0 - 1.0 / 2.25;

fn density(deviation: f64) -> f64 {
    (-0.5 * (FAR / deviation).powi(2)).exp() / (deviation * (2.0 * std::f64::consts::PI).sqrt())
}

/// The chain as mixtures of normal distributions of which one alone counts.
fn mixtures(variable: usize) -> Trained {
    let parents: Vec<usize> = variable.checked_sub(1).into_iter().collect();
    let inputs = parents.len();
    let (mut weight, mut bias) = (vec![0.0; inputs * OUTPUTS], vec![0.0; OUTPUTS]);
    bias[1..COMPONENTS].fill(-60.0);
    bias[2 * COMPONENTS] = DEVIATIONS[variable].ln() as f32;
    weight.iter_mut().skip(COMPONENTS).take(1).for_each(|w| *w = 1.0);
    let layer = Dense { inputs, outputs: OUTPUTS, weight, bias };
    let network = Network { encoder: None, layers: vec![layer] };
    let parent_cards = vec![1; inputs];
    let mechanism = TableMechanism { variable, card: OUTPUTS, parents: parents.clone(), parent_cards, latents: vec![] };
    let reals = parents.into_iter().chain([variable]).map(|v| (v, STANDARD)).collect::<BTreeMap<_, _>>();
    let members = vec![ConditionalMember { priors: vec![], networks: vec![network] }];
    Trained::Conditionals(ConditionalModule { latents: vec![], mechanisms: vec![mechanism], reals, members })
}

/// The chain as generators: the parent plus the noise times the deviation.
fn linear(variable: usize) -> Trained {
    let parents: Vec<usize> = variable.checked_sub(1).into_iter().collect();
    let inputs = 1 + parents.len();
    let mut weight = vec![1.0; inputs];
    weight[0] = DEVIATIONS[variable] as f32;
    let output = Dense { inputs, outputs: 1, weight, bias: vec![0.0] };
    let parent_kinds = vec![Kind::Real(STANDARD); parents.len()];
    let shape = GeneratorShape { variable, kind: Kind::Real(STANDARD), parents, parent_kinds, latents: vec![] };
    let network = GeneratorNetwork::Layers(Layers { blocks: vec![], output });
    Trained::Generators(GeneratorModule { noise: 1, latents: vec![], generators: vec![Generator { shape, network }] })
}

fn far() -> Asked {
    Asked::in_one_world(&[0], &[], &[(2, (FAR as f32).to_bits())])
}

#[test]
fn particles_agree_with_closed_forms_far_out() {
    let model = chain();
    let mixtures: Vec<Trained> = (0..3).map(mixtures).collect();
    let generators: Vec<Trained> = (0..3).map(linear).collect();
    // The kernel of generators adds its variance to what is known.
    let kernel = 0.01;
    let variance = 2.25 + kernel;
    let cases = [(mixtures, MEAN, VARIANCE, 1.5), (generators, FAR / variance, 1.0 - 1.0 / variance, variance.sqrt())];
    for (modules, mean, variance, deviation) in cases {
        let modules: Vec<&Trained> = modules.iter().collect();
        let found = refine(&model, &modules, &far(), 1).unwrap();
        let error = (variance / found.ess).sqrt();
        assert!(found.ess > 1_000.0 && (found.means[0] - mean).abs() < 5.0 * error, "{found:?} {mean} {error}");
        let spread = found.means[1] - found.means[0] * found.means[0];
        assert!((spread / variance - 1.0).abs() < 0.2, "{spread} {variance}");
        assert!((found.evidence / density(deviation) - 1.0).abs() < 0.2, "{found:?} {}", density(deviation));
    }
}

/// Squared errors of many runs are those that their effective sample sizes say.
#[test]
fn the_effective_sample_size_is_that_of_the_errors() {
    let model = chain();
    let modules: Vec<Trained> = (0..3).map(linear).collect();
    let modules: Vec<&Trained> = modules.iter().collect();
    let error = |seed| {
        let found = refine(&model, &modules, &far(), seed).unwrap();
        (found.means[0] - FAR / 2.26).powi(2) * found.ess / (1.0 - 1.0 / 2.26)
    };
    let share = (0..24).map(error).sum::<f64>() / 24.0;
    assert!((0.4..2.5).contains(&share), "{share}");
}
