//! Rows of the ground truth.

use super::digit::draw;
use super::evaluate::quantile;
use super::{Kind, Node, Scm};
use crate::model::{DoValue, VarId};
use crate::seed;
use rand::Rng;
use std::collections::BTreeMap;
use std::io;

/// Images that the classes of a classifier are balanced on.
const CALIBRATION: usize = 2_000;
/// The seed of those images: a classifier is the same in every run.
const CALIBRATION_SEED: u64 = 20;

/// Takes the images of a node, row by row.
type Take<'a> = dyn FnMut(usize, &[u8]) -> io::Result<()> + 'a;

impl Scm {
    /// Draws `rows` rows under `interventions`; a variable set from a column takes each of its values
    /// equally often at random (a real one is drawn from its own equation). Returns the codes of every variable of the model, none for images and those without
    /// an equation.
    ///
    /// # Errors
    /// Where images come from a collection that was not given ([`Scm::set_collection`]).
    pub fn simulate(
        &self,
        interventions: &[(VarId, DoValue)],
        rows: usize,
        rng: &mut impl Rng,
    ) -> io::Result<Vec<Vec<u32>>> {
        self.simulate_with_images(interventions, rows, rng, &|_| false, &mut |_, _| Ok(()))
    }

    /// The same; `take` gets the images of the `wanted` variables, a variable's rows in order, each of shape
    /// `[channels, height, width]`.
    ///
    /// # Errors
    /// Those of `take`, and those of [`Scm::simulate`].
    pub fn simulate_with_images(
        &self,
        interventions: &[(VarId, DoValue)],
        rows: usize,
        rng: &mut impl Rng,
        wanted: &dyn Fn(VarId) -> bool,
        take: &mut dyn FnMut(VarId, &[u8]) -> io::Result<()>,
    ) -> io::Result<Vec<Vec<u32>>> {
        let wanted_node = |at: usize| self.nodes[at].variable.is_some_and(wanted);
        let mut take_node = |at: usize, image: &[u8]| match self.nodes[at].variable {
            Some(variable) => take(variable, image),
            None => Ok(()),
        };
        let all = vec![true; self.nodes.len()];
        let drawn = self.rows(&all, interventions, rows, rng, &wanted_node, &mut take_node)?;
        Ok(self.of_variable.iter().map(|&node| drawn.get(node).cloned().unwrap_or_default()).collect())
    }

    /// The codes of the nodes that `relevant` marks (with their causes).
    pub(super) fn rows(
        &self,
        relevant: &[bool],
        interventions: &[(VarId, DoValue)],
        rows: usize,
        rng: &mut impl Rng,
        wanted: &dyn Fn(usize) -> bool,
        take: &mut Take,
    ) -> io::Result<Vec<Vec<u32>>> {
        let mut drawn: Vec<Vec<u32>> = Vec::with_capacity(self.nodes.len());
        let mut classes: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let set = node.variable.and_then(|v| interventions.iter().find(|i| i.0 == v)).map(|i| i.1);
            let column = match (set, &node.kind) {
                _ if !relevant[at] => vec![],
                (_, Kind::Class(_)) => classes.remove(&at).unwrap_or_default(),
                (_, Kind::Image(_)) => {
                    let found = self.classifiers(at, relevant);
                    let seed: u64 = rng.random();
                    if wanted(at) || !found.is_empty() {
                        let take = if wanted(at) { Some(&mut *take) } else { None };
                        classes.extend(self.images(at, rows, seed, &drawn, &found, take)?);
                    }
                    vec![]
                }
                (Some(DoValue::Fixed(code)), _) => vec![code; rows],
                // A real variable whose values are in the column is drawn as it is by itself.
                (None | Some(DoValue::Column), Kind::Drawn) if set.is_none() || node.is_real() => {
                    let one = |row: usize| self.draw_number(node, &|p| drawn[p][row], rng);
                    (0..rows).map(one).collect::<Result<_, _>>().map_err(|why| io::Error::other(why.message))?
                }
                (Some(DoValue::Column), _) => {
                    (0..rows).map(|_| rng.random_range(0..node.values.len() as u32)).collect()
                }
                (None, _) => (0..rows).map(|row| self.draw(node, |p| drawn[p][row] as usize, rng)).collect(),
            };
            drawn.push(column);
        }
        Ok(drawn)
    }

    /// The relevant nodes that are classes of the image at `image`.
    fn classifiers(&self, image: usize, relevant: &[bool]) -> Vec<usize> {
        let of_image = |&at: &usize| {
            relevant[at] && matches!(self.nodes[at].kind, Kind::Class(_)) && self.nodes[at].parents == [image]
        };
        (0..self.nodes.len()).filter(of_image).collect()
    }

    /// Draws the images of a node; their classes by each of the `classifiers`.
    fn images(
        &self,
        image: usize,
        rows: usize,
        seed: u64,
        drawn: &[Vec<u32>],
        classifiers: &[usize],
        mut take: Option<&mut Take>,
    ) -> io::Result<BTreeMap<usize, Vec<u32>>> {
        let mut classes: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        #[allow(clippy::needless_range_loop)] // the columns of `drawn` are indexed by row
        for row in 0..rows {
            let cell = self.cell(&self.nodes[image], |p| drawn[p][row] as usize);
            let pixels = self.image(image, cell, seed.wrapping_add(row as u64))?;
            for &at in classifiers {
                classes.entry(at).or_default().push(self.class(at, &pixels)?);
            }
            if let Some(take) = take.as_mut() {
                take(image, &pixels)?;
            }
        }
        Ok(classes)
    }

    /// One image of the node for a combination of its causes' values.
    pub(super) fn image(&self, node: usize, cell: usize, seed: u64) -> io::Result<Vec<u8>> {
        let Kind::Image(picture) = &self.nodes[node].kind else { return Ok(vec![]) };
        if let (Some((path, _)), None) = (&picture.mnist, &picture.collection) {
            return Err(io::Error::other(format!("the images of {path} were not read")));
        }
        let mut rng = seed::stream(seed, "digit");
        let style = picture.style(cell, &mut rng);
        let mut pixels = vec![0; picture.shape.iter().product()];
        draw(&style, picture.shape, picture.collection.as_deref(), &mut rng, &mut pixels);
        Ok(pixels)
    }

    /// The class of an image by the classifier at `node`.
    pub(super) fn class(&self, node: usize, pixels: &[u8]) -> io::Result<u32> {
        let image = self.nodes[node].parents[0];
        let (Kind::Class(classifier), Kind::Image(picture)) = (&self.nodes[node].kind, &self.nodes[image].kind) else {
            return Ok(0);
        };
        if !classifier.is_calibrated() {
            let mut images = vec![];
            let mut relevant = self.causes_of([image]);
            relevant[image] = true;
            let mut keep = |_: usize, pixels: &[u8]| {
                images.push(pixels.to_vec());
                Ok(())
            };
            let mut rng = seed::stream(CALIBRATION_SEED, "calibration");
            self.rows(&relevant, &[], CALIBRATION, &mut rng, &|at| at == image, &mut keep)?;
            classifier.calibrate(&images, picture.shape);
        }
        Ok(classifier.class(pixels, picture.shape))
    }

    /// Which nodes are `nodes` or causes of them.
    fn causes_of(&self, nodes: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut relevant = vec![false; self.nodes.len()];
        nodes.into_iter().for_each(|n| relevant[n] = true);
        for (at, node) in self.nodes.iter().enumerate().rev() {
            if relevant[at] {
                node.parents.iter().for_each(|&p| relevant[p] = true);
            }
        }
        relevant
    }

    /// The place of a combination of the causes' values in a node's table.
    pub(super) fn cell(&self, node: &Node, value_of: impl Fn(usize) -> usize) -> usize {
        node.parents.iter().fold(0, |cell, &p| cell * self.nodes[p].values.len() + value_of(p))
    }

    pub(super) fn draw(&self, node: &Node, value_of: impl Fn(usize) -> usize, rng: &mut impl Rng) -> u32 {
        let card = node.values.len();
        let cell = self.cell(node, value_of);
        quantile(&node.table[cell * card..(cell + 1) * card], || rng.random()) as u32
    }
}
