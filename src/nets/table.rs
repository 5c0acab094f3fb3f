//! Mechanisms of discrete variables as conditional probability tables with hidden causes.

use super::architecture::Architecture;
use super::column::{Column, codes_of};
use super::file::{FileError, ModuleFile, TensorData, Values};
use super::noise::{Noise, quantile};
use super::{Hidden, Sampler};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The kind in a module file's header.
const KIND: &str = "tables";

/// The mechanisms of a module as tables.
#[derive(Clone, Debug, PartialEq)]
pub struct TableModule {
    /// The hidden causes that act on the module's variables.
    pub latents: Vec<TableLatent>,
    /// One mechanism per variable of the module.
    pub mechanisms: Vec<TableMechanism>,
    /// The fits that answers are averaged over: draws around the near-best ones, or those themselves.
    pub members: Vec<TableMember>,
    /// Fits whose spread is the uncertainty of an answer: refits on resampled rows, moved towards draws
    /// from the posterior. Empty where no intervals were asked for.
    pub replicates: Vec<TableMember>,
}

/// A hidden cause with finitely many values.
#[derive(Clone, Debug, PartialEq)]
pub struct TableLatent {
    /// Its number among the model's latents.
    pub latent: usize,
    /// The number of its values.
    pub levels: usize,
}

/// The shape of a mechanism `P(variable | parents, latents)`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMechanism {
    /// The variable.
    pub variable: usize,
    /// The number of its values; of a real variable's neural conditional the number of outputs.
    pub card: usize,
    /// Its observed parents, ascending.
    pub parents: Vec<usize>,
    /// Their numbers of values; 0 for an image and 1 for a real number, which only neural conditionals take.
    pub parent_cards: Vec<usize>,
    /// The hidden causes that act on it, as places in [`TableModule::latents`].
    pub latents: Vec<usize>,
}

/// One fit of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMember {
    /// `P(u)` of each latent.
    pub priors: Vec<Vec<f64>>,
    /// Per mechanism a row-major table `[parents…, latents…, value]`, each row of values summing to one.
    pub tables: Vec<Vec<f64>>,
}

impl TableMechanism {
    /// The number of joint values of the observed parents (`usize::MAX` if there are more, or an image among them).
    pub fn rows(&self) -> usize {
        match self.images() {
            0 => self.parent_cards.iter().fold(1, |rows, &card| rows.saturating_mul(card)),
            _ => usize::MAX,
        }
    }

    /// The number of observed parents that are images.
    pub fn images(&self) -> usize {
        self.parent_cards.iter().filter(|&&card| card == 0).count()
    }

    /// The shape of its table: `[parents…, latents…, value]`.
    pub(super) fn shape(&self, latents: &[TableLatent]) -> Vec<usize> {
        let levels = self.latents.iter().map(|&l| latents[l].levels);
        self.parent_cards.iter().copied().chain(levels).chain([self.card]).collect()
    }
}

impl Sampler for TableModule {
    fn hidden(&self, rows: usize, rng: &mut ChaCha8Rng) -> Hidden {
        let count = self.members.len().max(1) as u32;
        let member: Vec<u32> = (0..rows).map(|_| rng.random_range(0..count)).collect();
        let values = (0..self.latents.len())
            .map(|l| member.iter().map(|&m| draw(&self.members[m as usize].priors[l], rng)).collect())
            .collect();
        Hidden::Levels { member, values }
    }

    fn noise(&self, _variable: usize, rows: usize, rng: &mut ChaCha8Rng) -> candle_core::Result<Noise> {
        Ok(Noise::uniform(rows, rng))
    }

    fn replay(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &Noise,
    ) -> candle_core::Result<Column> {
        let rows = self.probabilities(variable, parents, hidden)?;
        Ok(Column::Codes(noise.quantiles(rows.into_iter())))
    }

    fn observe(
        &self,
        variable: usize,
        parents: &[&Column],
        hidden: &Hidden,
        noise: &mut Noise,
        value: u32,
    ) -> candle_core::Result<Vec<f64>> {
        let rows = self.probabilities(variable, parents, hidden)?;
        Ok(noise.narrow(value, rows.into_iter()).into_iter().map(f64::ln).collect())
    }

    fn redraw(&self, hidden: &mut Hidden, latent: usize, rng: &mut ChaCha8Rng) -> candle_core::Result<()> {
        let priors: Vec<&[Vec<f64>]> = self.members.iter().map(|m| m.priors.as_slice()).collect();
        redraw_level(&priors, hidden, latent, rng)
    }
}

impl TableModule {
    /// Each row's distribution of `variable`.
    fn probabilities(&self, variable: usize, parents: &[&Column], hidden: &Hidden) -> candle_core::Result<Vec<&[f64]>> {
        let parents = codes_of(parents)?;
        let Hidden::Levels { member, values } = hidden else {
            candle_core::bail!("a table module needs hidden levels");
        };
        let Some(place) = self.mechanisms.iter().position(|m| m.variable == variable) else {
            candle_core::bail!("variable {variable} is not in the module");
        };
        let m = &self.mechanisms[place];
        if parents.len() != m.parents.len() || values.len() != self.latents.len() {
            candle_core::bail!("variable {variable} has {} parents, got {}", m.parents.len(), parents.len());
        }
        let shape = m.shape(&self.latents);
        let inputs: Vec<&[u32]> =
            parents.iter().copied().chain(m.latents.iter().map(|&l| values[l].as_slice())).collect();
        let row = |at: usize| {
            let cell = inputs.iter().zip(&shape).try_fold(0, |cell, (codes, &card)| {
                let code = *codes.get(at)? as usize;
                (code < card).then(|| cell * card + code)
            });
            let table = self.members.get(member[at] as usize).map(|fit| fit.tables[place].as_slice());
            cell.zip(table).and_then(|(cell, table)| table.get(cell * m.card..(cell + 1) * m.card))
        };
        (0..member.len())
            .map(|at| match row(at) {
                Some(probabilities) => Ok(probabilities),
                None => candle_core::bail!("row {at}: a parent's code is outside its domain"),
            })
            .collect()
    }
}

/// A hidden cause's levels drawn anew from the priors of the rows' members.
pub(super) fn redraw_level(
    priors: &[&[Vec<f64>]],
    hidden: &mut Hidden,
    latent: usize,
    rng: &mut ChaCha8Rng,
) -> candle_core::Result<()> {
    let Hidden::Levels { member, values } = hidden else { candle_core::bail!("noise vectors have no levels") };
    let Some(values) = values.get_mut(latent) else { candle_core::bail!("there is no hidden cause {latent}") };
    for (value, &member) in values.iter_mut().zip(&*member) {
        *value = draw(&priors[member as usize][latent], rng);
    }
    Ok(())
}

/// A value with these probabilities.
pub(super) fn draw(probabilities: &[f64], rng: &mut ChaCha8Rng) -> u32 {
    quantile(probabilities, rng.random())
}

impl TableModule {
    /// The module as a file: tensors `members.prior.L` `[members, levels]` and `members.table.M`
    /// `[members, parents…, latents…, value]`, the same for `replicates`. `names` are the model's
    /// variables by number, `inputs` the digest of what the module was trained from.
    pub fn to_file(&self, names: &[String], inputs: &str) -> ModuleFile {
        let mut tensors = BTreeMap::new();
        for (group, fits) in [("members", &self.members), ("replicates", &self.replicates)] {
            let mut add = |name: String, shape: Vec<usize>, values: Vec<f64>| {
                let shape = [fits.len()].into_iter().chain(shape).collect();
                tensors.insert(format!("{group}.{name}"), TensorData { shape, values: Values::F64(values) });
            };
            for (l, latent) in self.latents.iter().enumerate() {
                let values = fits.iter().flat_map(|f| f.priors[l].iter().copied()).collect();
                add(format!("prior.{l}"), vec![latent.levels], values);
            }
            for (m, mechanism) in self.mechanisms.iter().enumerate() {
                let values = fits.iter().flat_map(|f| f.tables[m].iter().copied()).collect();
                add(format!("table.{m}"), mechanism.shape(&self.latents), values);
            }
        }
        let parts = (&self.latents[..], &self.mechanisms[..]);
        let counts = (self.members.len(), self.replicates.len());
        let header = Architecture::header(KIND, parts, counts, (&[], &[], &BTreeMap::new()), names, inputs);
        ModuleFile { header, tensors }
    }

    /// The module in `file`, its variables numbered like `names`, the model's variables.
    ///
    /// # Errors
    /// [`FileError::Format`] where the file is of another kind, names unknown variables, or its tensors
    /// do not fit its architecture or are no probabilities.
    pub fn from_file(file: &ModuleFile, names: &[String]) -> Result<Self, FileError> {
        let architecture = Architecture::of(file, KIND)?;
        if !architecture.encoders.is_empty() {
            return Err(FileError::Format("tables with encoders".into()));
        }
        let mechanisms = architecture.mechanisms(file, names)?;
        let mut module = Self { latents: architecture.latents(), mechanisms, members: vec![], replicates: vec![] };
        module.members = module.fits(file, "members", architecture.members)?;
        module.replicates = module.fits(file, "replicates", architecture.replicates)?;
        if module.members.is_empty() {
            return Err(FileError::Format("a module without members".into()));
        }
        Ok(module)
    }

    fn fits(&self, file: &ModuleFile, group: &str, count: usize) -> Result<Vec<TableMember>, FileError> {
        let tensor = |name: String, shape: Vec<usize>| {
            let shape: Vec<usize> = [count].into_iter().chain(shape).collect();
            probabilities(file, &format!("{group}.{name}"), &shape)
        };
        let priors = (self.latents.iter().enumerate())
            .map(|(l, latent)| tensor(format!("prior.{l}"), vec![latent.levels]))
            .collect::<Result<Vec<_>, _>>()?;
        let tables = (self.mechanisms.iter().enumerate())
            .map(|(m, mechanism)| tensor(format!("table.{m}"), mechanism.shape(&self.latents)))
            .collect::<Result<Vec<_>, _>>()?;
        let part = |all: &[f64], at: usize| {
            let each = all.len() / count;
            all[at * each..(at + 1) * each].to_vec()
        };
        let fit = |at: usize| TableMember {
            priors: priors.iter().map(|p| part(p, at)).collect(),
            tables: tables.iter().map(|t| part(t, at)).collect(),
        };
        Ok((0..count).map(fit).collect())
    }
}

/// The tensor `name`, whose last axis holds probabilities.
fn probabilities(file: &ModuleFile, name: &str, shape: &[usize]) -> Result<Vec<f64>, FileError> {
    let wrong = |what: &str| FileError::Format(format!("tensor {name}: {what}"));
    let tensor = file.tensors.get(name).ok_or_else(|| wrong("missing"))?;
    let Values::F64(values) = &tensor.values else { return Err(wrong("not of 64-bit floats")) };
    if tensor.shape != shape {
        return Err(wrong("not of the shape the architecture says"));
    }
    let card = shape.last().copied().unwrap_or(1).max(1);
    let sound = |row: &[f64]| row.iter().all(|p| *p >= 0.0) && (row.iter().sum::<f64>() - 1.0).abs() < 1e-6;
    if !values.chunks(card).all(sound) {
        return Err(wrong("not probabilities"));
    }
    Ok(values.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed;

    /// `A -> B` with a hidden cause of both; two members.
    fn module() -> TableModule {
        let latents = vec![TableLatent { latent: 0, levels: 2 }];
        let mechanism = |variable, card, parents: Vec<usize>, parent_cards| TableMechanism {
            variable,
            card,
            parents,
            parent_cards,
            latents: vec![0],
        };
        let mechanisms = vec![mechanism(1, 2, vec![], vec![]), mechanism(2, 3, vec![1], vec![2])];
        let member = |p: f64| TableMember {
            priors: vec![vec![p, 1.0 - p]],
            tables: vec![vec![0.1, 0.9, 0.8, 0.2], vec![0.2, 0.3, 0.5, 0.6, 0.1, 0.3, 0.0, 0.4, 0.6, 0.7, 0.2, 0.1]],
        };
        TableModule { latents, mechanisms, members: vec![member(0.3), member(0.7)], replicates: vec![member(0.4)] }
    }

    fn names() -> Vec<String> {
        ["Z", "A", "B"].map(String::from).to_vec()
    }

    #[test]
    fn samples_follow_the_tables() {
        let (module, rows) = (module(), 200_000);
        let mut rng = seed::stream(1, "samples");
        let hidden = module.hidden(rows, &mut rng);
        let a = module.codes(1, &[], &hidden, &mut rng).unwrap();
        let b = module.codes(2, &[&a], &hidden, &mut rng).unwrap();
        for (x, y) in (0..2).flat_map(|x| (0..3).map(move |y| (x, y))) {
            let mut expected = 0.0;
            for member in &module.members {
                for u in 0..2 {
                    let (a, b) = (member.tables[0][u * 2 + x], member.tables[1][(x * 2 + u) * 3 + y]);
                    expected += 0.5 * member.priors[0][u] * a * b;
                }
            }
            let found = a.iter().zip(&b).filter(|p| (*p.0, *p.1) == (x as u32, y as u32)).count() as f64 / rows as f64;
            assert!((found - expected).abs() < 0.005, "{found} {expected}");
        }
    }

    #[test]
    fn wrong_inputs_are_errors() {
        let module = module();
        let mut rng = seed::stream(1, "wrong");
        let hidden = module.hidden(2, &mut rng);
        assert!(module.codes(2, &[&[0, 7]], &hidden, &mut rng).is_err());
        assert!(module.codes(2, &[&[0]], &hidden, &mut rng).is_err());
        assert!(module.codes(2, &[], &hidden, &mut rng).is_err());
        assert!(module.codes(0, &[], &hidden, &mut rng).is_err());
        assert!(module.codes(1, &[], &Hidden::Vectors { rows: 2, noise: vec![] }, &mut rng).is_err());
    }

    #[test]
    fn a_module_file_gives_the_module_back() {
        let file = module().to_file(&names(), "digest");
        assert_eq!(TableModule::from_file(&file, &names()).unwrap(), module());
        assert_eq!(file.header.variables, ["A", "B"]);
        assert_eq!(file.header.inputs, "digest");
    }

    #[test]
    fn files_that_do_not_fit_are_errors() {
        let file = module().to_file(&names(), "");
        let refused = |change: &dyn Fn(&mut ModuleFile)| {
            let mut changed = file.clone();
            change(&mut changed);
            TableModule::from_file(&changed, &names()).is_err()
        };
        assert!(!refused(&|_| {}));
        assert!(refused(&|f| f.header.kind = "generators".into()));
        assert!(refused(&|f| f.header.variables[0] = "Q".into()));
        assert!(refused(&|f| f.header.architecture["members"] = 3.into()));
        assert!(refused(&|f| f.header.architecture["mechanisms"][1]["latents"][0] = 5.into()));
        assert!(refused(&|f| f.header.architecture = serde_json::Value::Null));
        assert!(refused(&|f| {
            f.tensors.remove("members.table.1");
        }));
        assert!(refused(&|f| {
            let tensor = f.tensors.get_mut("members.prior.0").unwrap();
            tensor.values = Values::F64(vec![0.5, 0.4, f64::NAN, 1.0]);
        }));
    }
}
