//! Answers about several worlds: by summation over the variables of all of them, else by simulation of individuals.

use super::answer::{NoAnswer, TruthAnswer};
use super::build::code_of;
use super::evaluate::{Item, draws, in_worlds, quantile, value};
use super::{Kind, Node, Scm};
use crate::causal::counterfactual::{Place, Setting, Twin, TwinCopy, World};
use crate::factor::{Factor, TooLarge, coupled, eliminate};
use crate::model::VarId;
use crate::seed;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// The largest table that exact answers may need on the way.
const MAX_CELLS: usize = 1 << 22;
/// Individuals that are simulated where an answer is not summed,
const INDIVIDUALS: usize = 200_000;
/// and where images are drawn for them.
const INDIVIDUALS_WITH_IMAGES: usize = 20_000;
/// The seed of the simulation: an answer is the same in every run.
const SEED: u64 = 41;

/// What a variable is in a world of one individual.
enum Drawn {
    Code(u32),
    Pixels(Vec<u8>),
}

/// What is a node's own and the same in all worlds of an individual.
struct Noise {
    /// For each of its draws the place in the text and a number between 0 and 1; one without a place for a table.
    draws: Vec<(usize, f64)>,
    /// The seed of its image.
    image: u64,
}

impl Scm {
    /// `P(outcome | evidence)` of variables in worlds (their settings by codes), as a normalised table over the numbers
    /// 0, 1, … of the outcome's list; all zero where the evidence has no probability. Standard errors where
    /// it was found by simulation: through images, or where the tables of several worlds are too large.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn counterfactual(
        &self,
        outcome: &[(VarId, World)],
        evidence: &[(VarId, World, u32)],
    ) -> Result<TruthAnswer, NoAnswer> {
        self.worlds(outcome, evidence, None)
    }

    /// The same for one real outcome that counts as 1 where it `holds` and as 0 elsewhere: a table of two cells.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn beyond(
        &self,
        outcome: &[(VarId, World)],
        evidence: &[(VarId, World, u32)],
        holds: &dyn Fn(f64) -> bool,
    ) -> Result<TruthAnswer, NoAnswer> {
        self.worlds(outcome, evidence, Some(holds))
    }

    fn worlds(
        &self,
        outcome: &[(VarId, World)],
        evidence: &[(VarId, World, u32)],
        holds: Option<&dyn Fn(f64) -> bool>,
    ) -> Result<TruthAnswer, NoAnswer> {
        let outcome: Vec<(usize, World)> = outcome
            .iter()
            .map(|(v, world)| Ok((self.node(*v)?, self.world(world)?)))
            .collect::<Result<_, NoAnswer>>()?;
        let evidence: Vec<(usize, World, u32)> = evidence
            .iter()
            .map(|(v, world, code)| Ok((self.node(*v)?, self.world(world)?, *code)))
            .collect::<Result<_, NoAnswer>>()?;
        let card = |node: usize| if holds.is_some() { 2 } else { self.nodes[node].values.len().max(1) };
        let cards: Vec<usize> = outcome.iter().map(|(node, _)| card(*node)).collect();
        let order: Vec<usize> = (0..self.nodes.len()).collect();
        let Some(twin) = Twin::new(&order, &|node| &self.nodes[node].parents, &outcome, &evidence) else {
            let table = Factor::new((0..cards.len()).collect(), cards.clone(), vec![0.0; cards.iter().product()]);
            return Ok(TruthAnswer { table, evidence: 0.0, standard_errors: None, mean: None });
        };
        let of = |copy: &TwinCopy| &self.nodes[copy.variable].kind;
        let images = twin.copies.iter().any(|copy| matches!(of(copy), Kind::Image(_) | Kind::Class(_)));
        let real = outcome.first().and_then(|(node, _)| self.nodes.get(*node)).is_some_and(Node::is_real);
        if !images && !real && !twin.copies.iter().any(|copy| matches!(of(copy), Kind::Drawn)) {
            match self.summed(&twin, &cards) {
                Ok(joint) => {
                    let probability = joint.total();
                    return Ok(TruthAnswer {
                        table: joint.normalised(),
                        evidence: probability,
                        standard_errors: None,
                        mean: None,
                    });
                }
                Err(NoAnswer::TooLarge(_)) => {}
                Err(other) => return Err(other),
            }
        }
        let rows = if images { INDIVIDUALS_WITH_IMAGES } else { INDIVIDUALS };
        self.individuals(&twin, &cards, rows, if real { Some(holds) } else { None })
    }

    /// The node of a discrete variable.
    fn node(&self, variable: VarId) -> Result<usize, NoAnswer> {
        let node = self.of_variable[variable];
        let discrete = self.nodes.get(node).is_some_and(|n| !matches!(n.kind, Kind::Image(_)));
        if discrete { Ok(node) } else { Err(NoAnswer::NotDiscrete(variable)) }
    }

    /// A world of variables as one of nodes.
    fn world(&self, world: &World) -> Result<World, NoAnswer> {
        let setting = |(&v, setting): (&VarId, &Setting)| match setting {
            Setting::Value(value) => Ok((self.node(v)?, Setting::Value(*value))),
            // An image, too, can be what it is in another world.
            Setting::Potential(other) => Ok((self.of_variable[v], Setting::Potential(self.world(other)?))),
        };
        world.iter().map(setting).collect()
    }

    /// `P(outcome, evidence)` over the places of the outcome.
    fn summed(&self, twin: &Twin, cards: &[usize]) -> Result<Factor, NoAnswer> {
        let card = |at: usize| self.nodes[twin.copies[at].variable].values.len();
        let mut factors = vec![];
        for group in twin.groups() {
            let mut factor = self.factor(twin, group.clone())?;
            for at in group {
                if let Some(known) = twin.copies[at].known {
                    factor = factor.restrict(at, known as usize);
                }
            }
            factors.push(factor);
        }
        let first = twin.copies.len();
        for (at, place) in twin.outcome.iter().enumerate() {
            factors.push(match *place {
                Place::Code(code) => Factor::one_hot(first + at, cards[at], code as usize),
                Place::Copy(copy) => Factor::equal(copy, first + at, card(copy)),
            });
        }
        let keep: Vec<usize> = (0..cards.len()).map(|at| first + at).collect();
        let mut joint = eliminate(factors, &keep, MAX_CELLS)?;
        joint.variables = (0..cards.len()).collect();
        Ok(joint)
    }

    /// The distribution of all copies of one node given their parents.
    fn factor(&self, twin: &Twin, group: Range<usize>) -> Result<Factor, NoAnswer> {
        let copies = &twin.copies[group.clone()];
        let node = &self.nodes[copies[0].variable];
        let mut inputs: Vec<(usize, usize)> = vec![];
        for place in copies.iter().flat_map(|copy| &copy.parents) {
            if let Place::Copy(at) = *place {
                let input = (at, self.nodes[twin.copies[at].variable].values.len());
                if !inputs.contains(&input) {
                    inputs.push(input);
                }
            }
        }
        let outputs: Vec<(usize, usize)> = group.map(|at| (at, node.values.len())).collect();
        Factor::from_rows((&inputs, &outputs), MAX_CELLS, |codes| {
            let code = |place: &Place| match *place {
                Place::Code(code) => code as usize,
                Place::Copy(at) => inputs.iter().position(|i| i.0 == at).map_or(0, |i| codes[i]),
            };
            let parents: Vec<Vec<usize>> = copies.iter().map(|copy| copy.parents.iter().map(code).collect()).collect();
            self.together(node, &parents).ok_or(NoAnswer::TooLarge(TooLarge { cells: f64::INFINITY }))
        })
    }

    /// The values of a node where its parents have these, and their probability; `None` where an expression fails, which
    /// it does for no values of its causes.
    fn together(&self, node: &Node, parents: &[Vec<usize>]) -> Option<Vec<(Vec<usize>, f64)>> {
        if let (Some(expression), true) = (&node.expression, parents.len() > 1) {
            let worlds: Vec<usize> = (0..parents.len()).collect();
            let of = |world: usize, place: usize| {
                let at = expression.places.iter().position(|p| *p == place).unwrap_or(0);
                Item::of(&self.nodes[node.parents[at]].values[parents[world][at]])
            };
            let joint = in_worlds(&expression.term, &worlds, &of).ok()?;
            let coded = joint.into_iter().filter(|(_, p)| *p > 0.0).map(|(items, p)| {
                let codes: Option<Vec<usize>> = items.iter().map(|item| code_of(item, &node.values)).collect();
                Some((codes?, p))
            });
            return coded.collect();
        }
        let card = node.values.len();
        let row = |codes: &Vec<usize>| {
            let cell = codes.iter().zip(&node.parents).fold(0, |cell, (c, &p)| cell * self.nodes[p].values.len() + c);
            &node.table[cell * card..(cell + 1) * card]
        };
        Some(coupled(&parents.iter().map(row).collect::<Vec<_>>()))
    }

    /// The same answer from so many individuals, each in all worlds; those that the evidence does not fit are left out.
    /// With `real` the outcome is one real variable: its mean is taken, or whether it holds.
    pub(super) fn individuals(
        &self,
        twin: &Twin,
        cards: &[usize],
        rows: usize,
        real: Option<Option<&dyn Fn(f64) -> bool>>,
    ) -> Result<TruthAnswer, NoAnswer> {
        let mut rng = seed::stream(SEED, "individuals");
        let mut counts = vec![0.0; cards.iter().product()];
        let (mut total, mut squares) = (0.0, 0.0);
        let mut sums = [0.0; 2];
        for _ in 0..rows {
            let Some((drawn, weight)) = self.individual(twin, &mut rng)? else { continue };
            let code = |place: &Place| match *place {
                Place::Code(code) => code,
                Place::Copy(at) => {
                    if let Drawn::Code(code) = drawn[at] {
                        code
                    } else {
                        0
                    }
                }
            };
            let mut cell = twin
                .outcome
                .iter()
                .zip(cards)
                .fold(0, |cell, (place, card)| cell * card + (code(place) as usize).min(card - 1));
            if let ([place], Some(holds)) = (&twin.outcome[..], real) {
                let number = f64::from(f32::from_bits(code(place)));
                sums = [sums[0] + weight * number, sums[1] + weight * number * number];
                cell = holds.map_or(0, |holds| usize::from(holds(number)));
            }
            counts[cell] += weight;
            (total, squares) = (total + weight, squares + weight * weight);
        }
        let all = f64::max(total, f64::MIN_POSITIVE);
        let shares: Vec<f64> = counts.iter().map(|n| n / all).collect();
        // The variance of a mean of so many individuals with these weights, for a variance of 1.
        let of_mean = squares / (all * all);
        let error = |p: &f64| (p * (1.0 - p) * of_mean).max(0.0).sqrt();
        let standard_errors = Some(shares.iter().map(error).collect());
        let [mean, second] = sums.map(|sum| sum / all);
        let mean = real.filter(Option::is_none).map(|_| (mean, ((second - mean * mean).max(0.0) * of_mean).sqrt()));
        let table = Factor::new((0..cards.len()).collect(), cards.to_vec(), shares);
        Ok(TruthAnswer { table, evidence: total / rows.max(1) as f64, standard_errors, mean })
    }

    /// One individual in all worlds, and the density of the real values that are known; `None` where the evidence does
    /// not fit.
    fn individual(&self, twin: &Twin, rng: &mut ChaCha8Rng) -> Result<Option<(Vec<Drawn>, f64)>, NoAnswer> {
        let mut weight = 1.0;
        let mut drawn: Vec<Drawn> = Vec::with_capacity(twin.copies.len());
        for group in twin.groups() {
            let node = &self.nodes[twin.copies[group.start].variable];
            let mut noise = noise(node, rng);
            let known = twin.copies[group.clone()].iter().find(|copy| copy.known.is_some() && node.is_real());
            if let Some((copy, code)) = known.and_then(|copy| Some((copy, copy.known?))) {
                let parent = |at: usize| self.nodes[node.parents[at]].item(code_at(&copy.parents[at], &drawn));
                let number = f64::from(f32::from_bits(code));
                let unknown = || NoAnswer::NotDiscrete(node.variable.unwrap_or_default());
                match node.explain(&parent, &mut noise.draws, number).map_err(|()| unknown())? {
                    Some(density) => weight *= density,
                    None => return Ok(None),
                }
            }
            for copy in &twin.copies[group] {
                let found = match (known, copy.known) {
                    (Some(observed), Some(code)) if std::ptr::eq(observed, copy) => Drawn::Code(code),
                    _ => self.seen(copy, &noise, &drawn)?,
                };
                if let (Drawn::Code(code), Some(known)) = (&found, copy.known)
                    && *code != known
                {
                    return Ok(None);
                }
                drawn.push(found);
            }
        }
        Ok(Some((drawn, weight)))
    }

    fn seen(&self, copy: &TwinCopy, noise: &Noise, drawn: &[Drawn]) -> Result<Drawn, NoAnswer> {
        let node = &self.nodes[copy.variable];
        let code = |at: usize| code_at(&copy.parents[at], drawn) as usize;
        let cell =
            || (0..node.parents.len()).fold(0, |cell, at| cell * self.nodes[node.parents[at]].values.len() + code(at));
        let unread = |_| NoAnswer::NoCollection(String::new());
        Ok(match (&node.kind, &node.expression) {
            (Kind::Image(_), _) => Drawn::Pixels(self.image(copy.variable, cell(), noise.image).map_err(unread)?),
            (Kind::Class(_), _) => match copy.parents[..] {
                [Place::Copy(image)] => match &drawn[image] {
                    Drawn::Pixels(pixels) => Drawn::Code(self.class(copy.variable, pixels).map_err(unread)?),
                    Drawn::Code(code) => Drawn::Code(*code),
                },
                _ => Drawn::Code(0),
            },
            (Kind::Drawn, _) => {
                let parent = |at: usize| self.nodes[node.parents[at]].item(code(at) as u32);
                let uniform = |place: usize| noise.draws.iter().find(|d| d.0 == place).map_or(0.0, |d| d.1);
                // What can go wrong was tried out when the equations were read.
                Drawn::Code(node.drawn(&parent, &uniform).unwrap_or(0))
            }
            (Kind::Table, None) => {
                let (card, cell) = (node.values.len(), cell());
                let row = &node.table[cell * card..(cell + 1) * card];
                Drawn::Code(quantile(row, || noise.draws[0].1) as u32)
            }
            (Kind::Table, Some(expression)) => {
                let of = |place: usize| {
                    let at = expression.places.iter().position(|p| *p == place).unwrap_or(0);
                    Item::of(&self.nodes[node.parents[at]].values[code(at)])
                };
                let uniform = |place: usize| noise.draws.iter().find(|d| d.0 == place).map_or(0.0, |d| d.1);
                let found = value(&expression.term, &of, &uniform).ok().and_then(|item| code_of(&item, &node.values));
                Drawn::Code(found.unwrap_or(0) as u32)
            }
        })
    }
}

/// The code of a parent.
fn code_at(place: &Place, drawn: &[Drawn]) -> u32 {
    match *place {
        Place::Code(code) => code,
        Place::Copy(other) => match drawn[other] {
            Drawn::Code(code) => code,
            Drawn::Pixels(_) => 0,
        },
    }
}

fn noise(node: &Node, rng: &mut ChaCha8Rng) -> Noise {
    let mut places = vec![];
    match &node.expression {
        Some(expression) => draws(&expression.term, &mut places),
        None => places.push(0),
    }
    Noise { draws: places.into_iter().map(|place| (place, rng.random())).collect(), image: rng.random() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::counterfactual::Value;
    use crate::model::{CounterfactualTerm, Model, QueryKind, lower, parse_query};

    fn read(text: &str) -> (Model, Scm) {
        let (ast, syntax) = crate::syntax::parse(text);
        assert_eq!(syntax, []);
        let (model, found) = lower(&ast, crate::truth::infer_domains);
        assert!(!found.iter().any(crate::diag::Diagnostic::is_error), "{found:#?}");
        let truth = Scm::build(&model).unwrap().unwrap();
        (model, truth)
    }

    type Asked = (Vec<(VarId, World)>, Vec<(VarId, World, u32)>);

    /// The events of a query; those of the outcome have no value.
    fn asked(model: &Model, query: &str) -> Asked {
        let QueryKind::Counterfactual { terms, .. } = parse_query(model, query).unwrap().kind else {
            panic!("{query}")
        };
        let term: &CounterfactualTerm = &terms[0].1;
        let world = |e| term.world_of(e, &|_, code| Value::Code(code.unwrap()));
        let outcome = term.outcome.iter().map(|e| (e.variable, world(e))).collect();
        (outcome, term.evidence.iter().map(|e| (e.variable, world(e), e.value.unwrap())).collect())
    }

    fn exact(at: &(Model, Scm), query: &str) -> TruthAnswer {
        let (outcome, evidence) = asked(&at.0, query);
        at.1.counterfactual(&outcome, &evidence).unwrap()
    }

    /// The same from so many individuals.
    fn simulated(at: &(Model, Scm), query: &str, rows: usize) -> TruthAnswer {
        let (outcome, evidence) = asked(&at.0, query);
        let node = |v: &VarId| at.1.of_variable[*v];
        let outcome: Vec<_> = outcome.iter().map(|(v, w)| (node(v), at.1.world(w).unwrap())).collect();
        let evidence: Vec<_> = evidence.iter().map(|(v, w, c)| (node(v), at.1.world(w).unwrap(), *c)).collect();
        let order: Vec<usize> = (0..at.1.nodes.len()).collect();
        let twin = Twin::new(&order, &|node| &at.1.nodes[node].parents, &outcome, &evidence).unwrap();
        let cards: Vec<usize> = outcome.iter().map(|(node, _)| at.1.nodes[*node].values.len()).collect();
        at.1.individuals(&twin, &cards, rows, None).unwrap()
    }

    const MODEL: &str = "X -> M -> Y; X -> Y; X <-> Y; Z -> M
        Z: categorical {low, mid, high}
        truth {
          U ~ bernoulli(0.4)
          Z ~ categorical(0.2, 0.5, 0.3)
          X = U xor bernoulli(0.3)
          M ~ table(X, Z) { (0, low): [0.7, 0.2, 0.1]; (0, _): [0.3, 0.4, 0.3]; (1, high): [0.1, 0.1, 0.8]; else: [0.2, 0.6, 0.2] }
          Y = ((M >= 1 and bernoulli(if X == 1 then 0.8 else 0.3)) xor (U and bernoulli(0.2))) + uniform_int(0, 1 + M)
        }";

    #[test]
    fn sums_agree_with_individuals() {
        let at = read(MODEL);
        let queries = [
            "P(Y[X = 1])",
            "P(Y[X = 1] | X = 0)",
            "P(Y[X = 1] | X = 0, Y = 0)",
            "P(Y[X = 1], Y[X = 0])",
            "P(Y[X = 1], Y[X = 0], M | Z = high)",
            "P(Y[X = 1, M = M[X = 0]])",
            "P(Y[X = 0, M = M[X = 1]], Y | X = 1, Z = low)",
            "P(Y[X = 1], M[X = 1] | Y[X = 0] = 1, M = 2)",
            "P(M[X = 1], M[X = 0], M | Z = mid)",
            "P(X, Y[M = 1] | Y = 2)",
        ];
        for (number, query) in queries.into_iter().enumerate() {
            // A million where several worlds, nested settings and evidence come together.
            let rows = if number == 6 { 1_000_000 } else { 60_000 };
            let (sum, drawn) = (exact(&at, query), simulated(&at, query, rows));
            assert_eq!(sum.standard_errors, None);
            assert!((sum.table.total() - 1.0).abs() < 1e-9);
            assert!((sum.evidence - drawn.evidence).abs() < 0.01, "{query}: {} {}", sum.evidence, drawn.evidence);
            let errors = drawn.standard_errors.unwrap();
            for ((a, b), error) in sum.table.values.iter().zip(&drawn.table.values).zip(errors) {
                assert!((a - b).abs() < 5.0 * error + 1e-5, "{query}: {a} {b} ± {error}");
            }
        }
    }

    /// Bernoulli noise written out leaves nothing to the way in which draws are shared.
    #[test]
    fn twins_by_hand() {
        let at = read(
            "X -> Y; X <-> Y; truth { U ~ bernoulli(0.5); X = U xor bernoulli(0.1); Y = X xor U xor bernoulli(0.2) }",
        );
        let p = |query: &str| exact(&at, query).table.values[1];
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        // Y[1] is not Y[0] for everybody: what happened at X = 0 tells exactly what would have at X = 1.
        close(p("P(Y[X = 1] | X = 0, Y = 0)"), 1.0);
        close(p("P(Y[X = 1] | X = 0, Y = 1)"), 0.0);
        // P(U = 0 | X = 0) = 0.9, and then Y[1] = 1 with 0.8, else with 0.2.
        close(p("P(Y[X = 1] | X = 0)"), 0.9 * 0.8 + 0.1 * 0.2);
        // A draw of its own in each equation: the same p in both worlds is the same draw, a larger p only adds.
        let at = read("X -> Y; X <-> Y; truth { X ~ bernoulli(0.5); Y ~ bernoulli(0.2 + 0.3 * X) }");
        let p = |query: &str| exact(&at, query).table.values[1];
        close(p("P(Y[X = 1] | X = 0, Y = 1)"), 1.0);
        close(p("P(Y[X = 1] | X = 0, Y = 0)"), 0.3 / 0.8);
        close(p("P(Y[X = 0] | X = 0, Y = 1)"), 1.0);
    }

    #[test]
    fn impossible_evidence_has_no_probability() {
        let at = read("X -> Y; truth { X = 0; Y = X }");
        let close = |query: &str, p: f64| assert_eq!(exact(&at, query).evidence, p, "{query}");
        close("P(Y[X = 1] | X = 1)", 0.0);
        close("P(Y[X = 1] | X = 0)", 1.0);
        close("P(Y | Y[X = 1] = 0)", 0.0);
        close("P(Y | X[X = 1] = 0)", 0.0);
    }

    #[test]
    fn images_are_the_same_pictures_in_all_worlds_but_for_their_causes() {
        let at = read(
            "D -> I -> A; D <-> A; D: int[0..9]; I: image[1,16,16]; A: binary
             truth { U ~ bernoulli(0.4); D = if U == 1 then uniform_int(5, 9) else uniform_int(0, 4); I = digit(D)
               A = (classify(I, classes: 2) == 1) xor U xor bernoulli(0.1) }",
        );
        let found = exact(&at, "P(A[D = 3] | D = 3, A = 1)");
        assert_eq!(found.table.values, [0.0, 1.0]);
        let found = exact(&at, "P(A[D = 7] | D = 3)");
        assert!(found.standard_errors.unwrap().iter().all(|e| *e > 0.0 && *e < 0.05) && found.evidence > 0.1);
    }
}
