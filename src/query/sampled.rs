//! Answers from rows: by weights, and where the evidence is too rare for them by particles.

use super::particles::{Outcome, Particles, Refined};
use super::{Asked, Distribution, IMAGE_SAMPLES, QueryError, Runtime, SAMPLES, Tally, Worlds, narrow};
use crate::causal::counterfactual::Place;
use crate::model::Domain;
use crate::nets::column::Column;
use crate::seed;
use crate::train::Trained;
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;

/// Where evidence leaves fewer effective samples than this, more are drawn,
const ENOUGH: f64 = 1_000.0;
/// up to so many times as many if that will do, else particles take over;
const SWITCH: usize = 16;
/// and where these cannot, up to so many times as many.
const PATIENCE: usize = 128;
/// The same with images.
const IMAGE_PATIENCE: usize = 4;

/// The samples of an answer are shared out among its replicates, at least so many for each.
const LEAST_SAMPLES: usize = 5_000;

/// What [`super::answer::Answer`] says of particles.
const METHOD: &str = "sequential_monte_carlo";

/// What rows say of an outcome.
struct Sampled {
    /// Row-major over the outcome's values.
    point: Vec<f64>,
    /// The means of a real outcome and of its square.
    moments: Option<[f64; 2]>,
    rows: usize,
    ess: f64,
    evidence: f64,
    acceptance: f64,
    method: &'static str,
}

impl Runtime<'_> {
    /// The distribution of the outcome from rows; with what replicates make of it only if its `spread` matters.
    pub(super) fn sampled(&self, asked: &Asked, name: &str, spread: bool) -> Result<Distribution, QueryError> {
        let twin = asked.twin(self.model).ok_or(QueryError::NoEvidence(0))?;
        let worlds = self.worlds(asked, &twin);
        if let Some(missing) = worlds.missing() {
            return Err(QueryError::Untrained(self.model.name(missing).to_owned()));
        }
        let mut rng = seed::stream(self.seed, &format!("query/{name}"));
        let (usual, patience) = if worlds.has_images() { (IMAGE_SAMPLES, IMAGE_PATIENCE) } else { (SAMPLES, PATIENCE) };
        let first = self.samples.unwrap_or(usual);
        // Who chose the number of samples gets that number.
        let rare = !asked.evidence.is_empty() && self.samples.is_none();
        let found = worlds.sampled(asked, (first, if rare { first * patience } else { first }), &mut rng)?;
        let replicates =
            if spread { self.spread(&worlds, asked, name, (first, first * patience), &found)? } else { vec![] };
        let evidence = (!asked.evidence.is_empty()).then_some((found.evidence, Some(found.acceptance)));
        let Sampled { point, moments, rows: samples, ess, method, .. } = found;
        let method = if evidence.is_none() { "sampling" } else { method };
        Ok(Distribution { point, replicates, samples, ess, evidence, moments, method })
    }

    /// What each refit makes of what was `found` or, without refits and particles, each replicate of the modules. All draw the
    /// same noise, so that only what they learned from the rows tells them apart.
    fn spread(
        &self,
        worlds: &Worlds,
        asked: &Asked,
        name: &str,
        rare: (usize, usize),
        found: &Sampled,
    ) -> Result<Vec<Vec<f64>>, QueryError> {
        let mut fits: Vec<Vec<Cow<Trained>>> =
            self.refits.iter().map(|modules| modules.iter().map(|m| Cow::Borrowed(*m)).collect()).collect();
        let (mut left_out, mut rows) = (0.0, (found.rows, found.rows));
        if found.method == METHOD {
            rows = rare;
        } else if fits.is_empty() {
            let count = worlds.replicates();
            left_out = worlds.left_out();
            let replicate = |number: usize| {
                let of = |module: usize| match worlds.uses(module) {
                    true => Cow::Owned(self.modules[module].replicate(number)),
                    false => Cow::Borrowed(self.modules[module]),
                };
                (0..self.modules.len()).map(of).collect()
            };
            fits = (0..count).map(replicate).collect();
            let share = found.rows.div_ceil(count.max(1)).max(LEAST_SAMPLES);
            rows = (share, share);
        }
        let mut replicates = vec![];
        for modules in &fits {
            let modules: Vec<&Trained> = modules.iter().map(AsRef::as_ref).collect();
            let mut rng = seed::stream(self.seed, &format!("query/{name}/spread"));
            match (Worlds { modules: &modules, ..*worlds }).sampled(asked, rows, &mut rng) {
                Ok(fit) => replicates.push(fit.moments.map_or(fit.point, |[mean, _]| vec![mean])),
                // Where the evidence is too rare for one of them, the others must do.
                Err(QueryError::NoEvidence(_)) => {}
                Err(error) => return Err(error),
            }
        }
        narrow(&mut replicates, 1.0 - left_out);
        Ok(replicates)
    }
}

impl Worlds<'_> {
    /// What `first` rows say, or more where evidence leaves few effective ones, `most` at most; or particles, if there may be
    /// more rows than `first`.
    fn sampled(
        &self,
        asked: &Asked,
        (first, most): (usize, usize),
        rng: &mut ChaCha8Rng,
    ) -> Result<Sampled, QueryError> {
        let cards = asked.cards(self.model);
        let mut tally = Tally::default();
        self.draw(&cards, first, rng, &mut tally)?;
        let usable = most.min(first * SWITCH) as f64;
        let promising = |tally: &Tally| tally.ess() * usable >= ENOUGH * tally.rows as f64;
        while tally.ess() < ENOUGH && tally.rows < most && promising(&tally) {
            let more = tally.rows.min(most - tally.rows);
            self.draw(&cards, more, rng, &mut tally)?;
        }
        if tally.ess() < ENOUGH && most > first {
            // Particles that find much less evidence than the weights have missed something.
            let sound = |refined: &Refined| refined.ess > tally.ess() && 4.0 * refined.evidence > tally.evidence();
            let refined = self.refine(&cards, rng)?.filter(sound);
            if let Some(refined) = refined {
                return Ok(self.by_particles(asked, refined, tally.rows));
            }
        }
        while tally.ess() < ENOUGH && tally.rows < most {
            let more = tally.rows.min(most - tally.rows);
            self.draw(&cards, more, rng, &mut tally)?;
        }
        self.by_weights(asked, &tally).ok_or(QueryError::NoEvidence(tally.rows))
    }

    /// The outcome, whose variables have `cards` values, from particles; `None` where the evidence rules out nearly all
    /// rows.
    ///
    /// # Errors
    /// Candle's.
    pub fn refine(&self, cards: &[usize], rng: &mut ChaCha8Rng) -> candle_core::Result<Option<Refined>> {
        let Some(mut particles) = Particles::anneal(self, rng)? else { return Ok(None) };
        let number = |columns: &[Column], row: usize| {
            let copy = self.number().and_then(|at| columns[at].reals());
            copy.map_or(f64::NAN, |numbers| f64::from(numbers[row]))
        };
        let cell = |columns: &[Column], row: usize| self.cell(cards, columns, row);
        let outcome = match self.number() {
            Some(_) => Outcome::Number(&number),
            None => Outcome::Values(cards.iter().product(), &cell),
        };
        particles.measure(&outcome, ENOUGH, rng).map(Some)
    }

    fn by_weights(&self, asked: &Asked, tally: &Tally) -> Option<Sampled> {
        Some(Sampled {
            point: tally.distribution()?,
            moments: self.known_moments(asked).or(tally.moments().filter(|_| asked.is_real(self.model))),
            rows: tally.rows,
            ess: tally.ess(),
            evidence: tally.evidence(),
            acceptance: tally.kept as f64 / tally.rows.max(1) as f64,
            method: "importance_sampling",
        })
    }

    fn by_particles(&self, asked: &Asked, refined: Refined, rows: usize) -> Sampled {
        let Refined { means, ess, evidence, rows: computed, acceptance } = refined;
        let (point, moments) = match (self.number(), &means[..]) {
            (Some(_), &[mean, square]) => (vec![1.0], Some([mean, square])),
            _ => (means, self.known_moments(asked)),
        };
        Sampled { point, moments, rows: rows + computed, ess, evidence, acceptance, method: METHOD }
    }

    /// The copy of a real outcome whose mean is asked for.
    fn number(&self) -> Option<usize> {
        if self.cut.is_some() {
            return None;
        }
        let real = |at: &usize| self.model.domain(self.twin.copies[*at].variable).is_some_and(Domain::is_real);
        match self.twin.outcome[..] {
            [Place::Copy(at)] => Some(at).filter(real),
            _ => None,
        }
    }

    /// The moments of a real outcome that has one value alone.
    fn known_moments(&self, asked: &Asked) -> Option<[f64; 2]> {
        match (&self.twin.outcome[..], &asked.outcome[..]) {
            (&[Place::Code(code)], [_]) if asked.is_real(self.model) => {
                let number = f64::from(f32::from_bits(code));
                Some([number, number * number])
            }
            _ => None,
        }
    }
}
