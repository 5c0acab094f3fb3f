//! Data sets drawn from the truth block.

#[cfg(feature = "run")]
use super::array::{Array, Element};
use super::file::{Failure, cannot_open};
use super::load::unreadable;
use super::{ImagesBuilder, Table};
use crate::diag::Diagnostic;
use crate::model::{Domain, Model, Regime, Source, VarId};
use crate::truth::digit::Collection;
use crate::truth::{Scm, written};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The variables a simulated data set holds, ascending.
///
/// # Errors
/// E0501 without a truth block, E0502 where the statement names columns of a file that is not there.
pub fn observed(model: &Model, regime: &Regime) -> Result<Vec<VarId>, Vec<Diagnostic>> {
    if model.truth.is_none() {
        let message = format!("data set `{}` is simulated, but there is no truth block", regime.name);
        return Err(vec![
            Diagnostic::new("E0501", message)
                .label(regime.span, "draws from the truth")
                .help("add a `truth { … }` block with an equation for each variable"),
        ]);
    }
    let filter = regime.filter.iter().flat_map(|f| f.terms.first()).map(|t| ("where", t.span));
    let weight = regime.weight.iter().map(|(_, span)| ("weight", *span));
    let errors: Vec<Diagnostic> = filter
        .chain(weight)
        .map(|(word, span)| {
            Diagnostic::new("E0502", format!("a simulated data set has no columns for `{word}`"))
                .label(span, "needs a file")
                .label(regime.span, "simulated")
        })
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    for &(variable, _) in &regime.interventions {
        if let Some(domain @ Domain::Image(_)) = model.domain(variable) {
            let title = format!("`{}` is {domain} and cannot be set in a simulation", model.name(variable));
            return Err(vec![Diagnostic::new("E0404", title).label(regime.span, "here")]);
        }
    }
    let equations: BTreeSet<&str> = written::equations(model).collect();
    let drawn = |v: &VarId| match model.domain(*v) {
        Some(Domain::Image(_)) => equations.contains(model.name(*v)),
        domain => domain.is_none_or(|d| d.is_real() || d.cardinality().is_some()),
    };
    let Some(bindings) = &regime.columns else { return Ok((0..model.variables.len()).filter(drawn).collect()) };
    let set = regime.interventions.iter().map(|(variable, _)| *variable);
    let mut observed: Vec<VarId> = bindings.iter().map(|b| b.variable).chain(set).collect();
    observed.sort_unstable();
    observed.dedup();
    if let Some(binding) = bindings.iter().find(|b| !drawn(&b.variable)) {
        let title = format!("the truth block has no equation for `{}`", model.name(binding.variable));
        return Err(vec![Diagnostic::new("E0502", title).label(binding.span, "not drawn")]);
    }
    Ok(observed)
}

/// The rows of a simulated data set; without a seed of its own it has the stream `data/NAME` of `seed`.
/// Paths are relative to `base`.
///
/// # Errors
/// Those of [`observed`] and of [`ground_truth`].
pub fn table(model: &Model, regime: &Regime, base: &Path, seed: u64) -> Result<Table, Vec<Diagnostic>> {
    let observed = observed(model, regime)?;
    let Source::Simulate { rows, seed: own } = regime.source else { return Ok(Table::default()) };
    let seed = own.unwrap_or_else(|| crate::seed::derive(seed, &format!("data/{}", regime.name)));
    let Some(truth) = ground_truth(model, base)? else { return Ok(Table::default()) };
    let pictured = observed.iter().filter_map(|&v| Some((v, truth.image_shape(v)?)));
    let limit = model.settings.image_memory();
    let mut images: BTreeMap<VarId, ImagesBuilder> =
        pictured.map(|(v, shape)| (v, ImagesBuilder::new(shape, limit))).collect();
    let wanted: BTreeSet<VarId> = images.keys().copied().collect();
    let mut take = |variable: VarId, pixels: &[u8]| images.get_mut(&variable).map_or(Ok(()), |i| i.push(pixels));
    let mut rng = crate::seed::stream(seed, "simulate");
    let failed = |error: std::io::Error| {
        let message = format!("data set `{}` cannot be drawn: {error}", regime.name);
        vec![Diagnostic::new("E0501", message).label(regime.span, "simulated")]
    };
    let is_wanted = |v: VarId| wanted.contains(&v);
    let drawn = truth.simulate_with_images(&regime.interventions, rows, &mut rng, &is_wanted, &mut take);
    let shown = |(variable, codes): (VarId, Vec<u32>)| {
        (observed.contains(&variable) && !wanted.contains(&variable)).then_some(codes)
    };
    let mut columns: Vec<Option<Vec<u32>>> = drawn.map_err(failed)?.into_iter().enumerate().map(shown).collect();
    let mut reals = BTreeMap::new();
    for (variable, column) in columns.iter_mut().enumerate() {
        if model.domain(variable).is_some_and(Domain::is_real) {
            let numbers = column.take().map(|codes| codes.into_iter().map(f32::from_bits).collect());
            reals.extend(numbers.map(|numbers| (variable, numbers)));
        }
    }
    let images: std::io::Result<BTreeMap<_, _>> =
        images.into_iter().map(|(variable, builder)| Ok((variable, builder.finish()?))).collect();
    let images = images.map_err(failed)?;
    Ok(Table { name: regime.name.clone(), rows, columns, reals, images, ..Table::default() })
}

/// The ground truth of the model with the images that its equations take digits from; `None` if it has none.
///
/// # Errors
/// Those of [`Scm::build`]; E0501 for files of images that cannot be read.
pub fn ground_truth(model: &Model, base: &Path) -> Result<Option<Scm>, Vec<Diagnostic>> {
    let Some(mut truth) = Scm::build(model)? else { return Ok(None) };
    for (path, span) in truth.collections() {
        let collection = collection(&base.join(&path)).map_err(|failure| vec![unreadable((&path, span), failure)])?;
        truth.set_collection(&path, &Arc::new(collection));
    }
    Ok(Some(truth))
}

/// E0501 for files of images that the truth block names and that are not there.
pub fn missing_collections(model: &Model, base: &Path) -> Vec<Diagnostic> {
    // What is wrong with the truth block itself is reported where it is built.
    let Ok(Some(truth)) = Scm::build(model) else { return vec![] };
    let failure = |path: &str| std::fs::File::open(base.join(path)).err().map(|e| cannot_open(&base.join(path), &e));
    let found =
        truth.collections().into_iter().filter_map(|(path, span)| Some(unreadable((&path, span), failure(&path)?)));
    found.collect()
}

/// The images of an IDX file of digits, and their labels in the file beside it that is named alike.
#[cfg(feature = "run")]
fn collection(path: &Path) -> Result<Collection, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let labels = path.with_file_name(name.replace("images", "labels").replace("idx3", "idx1"));
    let read = |path: &Path, lengths: usize| -> Result<(Vec<usize>, Vec<u8>), Failure> {
        let array = super::array::arrays(path)?.into_iter().next();
        let bytes = |a: &Array| a.shape.len() == lengths && a.element == Element::Unsigned(1);
        let array = array.filter(bytes).ok_or_else(|| Failure::new("it is no IDX file of bytes"))?;
        let mut found = vec![];
        array.rows(usize::MAX, &mut |row| {
            found.extend_from_slice(row);
            Ok(())
        })?;
        Ok((array.shape, found))
    };
    let (shape, images) = read(path, 3)?;
    let (_, labels) = read(&labels, 1).map_err(|mut failure| {
        failure.message = format!("its labels are not beside it: {}", failure.message);
        failure
    })?;
    Collection::new(shape[1], shape[2], &images, &labels).map_err(Failure::new)
}

#[cfg(not(feature = "run"))]
fn collection(_: &Path) -> Result<Collection, Failure> {
    Err(Failure::new("this build of dcmc reads no images"))
}
