//! Encoders: networks that turn an image into a few numbers for the critics of modules that do not draw it.
//!
//! A critic that sees a code in the place of an image compares less: what the code leaves out of the image's relation
//! to the other variables is not matched, which can bias answers (`docs/theory.md`). So an encoder of our own is
//! trained to keep what matters most: from its code, a small network predicts the image's discrete parents and children
//! (a code from which a child is predicted as well as from the image loses nothing of their relation), and a decoder
//! draws the image again, which keeps as much of the rest as the code has room for. Both are then dropped. The code's
//! numbers have mean 0 and variance 1 over the rows.

use super::checkpoint::Hasher;
use super::{Observer, TrainError};
use crate::data::{Images, Table};
use crate::model::{Domain, Model, VarId};
use crate::nets::file::ModuleFile;
use crate::nets::generator::Layers;
use crate::nets::image::{
    Batch, Classifier, ImageGenerator, ImageSize, Network, Soft, from_planes, mean_squared_error,
};
use crate::nets::ops::{Adam, device};
use crate::nets::soft::SoftLayers;
use crate::plan::Module;
use crate::pretrained::Fault;
use crate::seed;
use candle_core::{D, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// The numbers of a code unless the model says.
const WIDTH: usize = 16;
const STEPS: usize = 1000;
const BATCH: usize = 64;
const RATE: f32 = 1e-3;
/// What the decoder's mean squared error counts beside the predictions' log-losses in nats: a grey picture in the
/// place of a digit has an error of about 0.3.
const DRAWN: f64 = 5.0;

/// The images whose code, not themselves, the critics of `module` see: those with an `encode` that the module does not
/// train. Where all mechanisms are trained at once (`modular: false`), all with an `encode`, as in the paper's
/// comparison (its section 5.2, "rep").
pub(super) fn encoded(model: &Model, module: &Module) -> Vec<VarId> {
    let tasks = module.tasks.iter().flat_map(|t| [&t.teaches, &t.ancestors, &t.conditions, &t.interventions]);
    let mut seen: Vec<VarId> = tasks.flatten().filter_map(|name| model.id(name)).collect();
    let drawn = |v: VarId| model.settings.modular() && module.variables.iter().any(|n| n == model.name(v));
    seen.retain(|&v| model.variables[v].encoder.is_some() && !drawn(v));
    seen.sort_unstable();
    seen.dedup();
    seen
}

/// The encoder of the image `variable` in the file at `path`.
///
/// # Errors
/// E0603 to E0605: what does not fit the model, or what is wrong with the file.
pub fn from_file(model: &Model, variable: VarId, path: &Path) -> Result<Network<Classifier>, Fault> {
    let file = ModuleFile::read(path);
    let network = file.and_then(|file| Network::<Classifier>::from_file(&file));
    let network = network.map_err(|e| Fault::file("the encoder cannot be used".into()).note(e.to_string()))?;
    let Classifier { pictures, codes, outputs, .. } = &network.architecture;
    let size = image_size(model, variable);
    if *codes != 0 || pictures.len() != 1 || pictures.first().copied() != size {
        let of = |s: &ImageSize| format!("image[{},{},{}]", s.channels, s.height, s.width);
        let mut reads: Vec<String> = pictures.iter().map(of).collect();
        reads.extend((*codes > 0).then(|| format!("{codes} numbers")));
        return Err(Fault::inputs(format!("the encoder does not read `{}`", model.name(variable)))
            .note(format!("it reads {}", reads.join(" and ")))
            .help("take an encoder that was trained on such images, or `encode: auto`, which trains one"));
    }
    if let Some(width) = written_width(model, variable).filter(|width| width != outputs) {
        return Err(Fault::output(format!("the encoder's code has {outputs} numbers, not {width}"))
            .help(format!("write `to: vector[{outputs}]`")));
    }
    Ok(network)
}

/// The numbers of a code, where the model says.
fn written_width(model: &Model, variable: VarId) -> Option<usize> {
    model.variables[variable].encoder.as_ref()?.width
}

fn image_size(model: &Model, variable: VarId) -> Option<ImageSize> {
    let Some(&Domain::Image([channels, height, width])) = model.domain(variable) else { return None };
    Some(ImageSize { channels, height, width })
}

/// What an encoder is made from.
pub(super) struct Recipe<'a> {
    pub model: &'a Model,
    /// The image.
    pub variable: VarId,
    pub tables: &'a [Table],
    /// The folder that paths in the model are relative to.
    pub base: &'a Path,
    /// Where the modules of the run are kept, and encoders beside them.
    pub folder: Option<&'a Path>,
}

impl Recipe<'_> {
    /// The digest of everything the encoder depends on.
    ///
    /// # Errors
    /// Where its file or images cannot be read.
    pub fn digest(&self) -> Result<String, TrainError> {
        let mut hash = Hasher::default();
        match self.file() {
            Some(path) => {
                let bytes = std::fs::read(&path).map_err(|e| self.unusable(&path, &e))?;
                hash.add(bytes);
            }
            None => {
                let width = self.width();
                hash.add(format!("encoder {width} of {} seed {}", self.name(), self.model.settings.seed()));
                let mut needed: Vec<VarId> = self.neighbours().into_iter().map(|(v, _)| v).collect();
                needed.push(self.variable);
                for table in self.rows().tables {
                    hash.rows(self.model, table, &needed).map_err(|e| self.unread(e))?;
                }
            }
        }
        Ok(hash.finish())
    }

    /// The encoder: of the file that the model names, of an earlier run if its `digest` is the same, or a new one.
    ///
    /// # Errors
    /// [`TrainError::File`] where a file cannot be used, [`TrainError::Data`] without images to train it on,
    /// [`TrainError::Cancelled`].
    pub fn network(&self, digest: &str, observer: &dyn Observer) -> Result<Network<Classifier>, TrainError> {
        if let Some(path) = self.file() {
            return from_file(self.model, self.variable, &path).map_err(|fault| self.unusable(&path, &fault));
        }
        let kept = self.folder.map(|folder| folder.join(format!("encoder_{}.safetensors", self.name())));
        let file = kept.as_ref().and_then(|path| ModuleFile::read(path).ok()).filter(|f| f.header.inputs == digest);
        if let Some(network) = file.and_then(|file| Network::from_file(&file).ok()) {
            return Ok(network);
        }
        let network = self.train(observer)?;
        if let (Some(folder), Some(path)) = (self.folder, &kept) {
            std::fs::create_dir_all(folder)
                .map_err(|e| TrainError::File(format!("cannot create {}: {e}", folder.display())))?;
            let written = network.to_file(&[self.name().to_owned()], digest).write(path);
            written.map_err(|e| TrainError::File(format!("cannot write {}: {e}", path.display())))?;
        }
        Ok(network)
    }

    fn name(&self) -> &str {
        self.model.name(self.variable)
    }

    fn file(&self) -> Option<PathBuf> {
        let encoder = self.model.variables[self.variable].encoder.as_ref()?;
        encoder.file.as_ref().map(|file| self.base.join(file))
    }

    fn width(&self) -> usize {
        written_width(self.model, self.variable).unwrap_or(WIDTH)
    }

    fn size(&self) -> Result<ImageSize, TrainError> {
        image_size(self.model, self.variable).ok_or_else(|| self.missing("it is no image"))
    }

    fn missing(&self, why: &str) -> TrainError {
        TrainError::Data { module: format!("the encoder of {}", self.name()), message: why.to_owned() }
    }

    fn unread(&self, error: std::io::Error) -> TrainError {
        self.missing(&format!("its images cannot be read: {error}"))
    }

    fn unusable(&self, path: &Path, why: &dyn std::fmt::Display) -> TrainError {
        TrainError::File(format!("the encoder {} of {} cannot be used: {why}", path.display(), self.name()))
    }

    /// The discrete parents and children with their numbers of values, ascending.
    fn neighbours(&self) -> Vec<(VarId, usize)> {
        let graph = &self.model.graph;
        let near = |v: &VarId| graph.parents(*v).contains(&self.variable) || graph.parents(self.variable).contains(v);
        (0..graph.len()).filter(near).filter_map(|v| Some((v, self.model.card(v)?))).collect()
    }

    /// The rows of the training data with images of the variable.
    fn rows(&self) -> Rows<'_> {
        let trains = |t: &&Table| !self.model.regimes.iter().any(|r| r.test && r.name == t.name);
        let tables = self.tables.iter().filter(trains).filter(|t| t.images(self.variable).is_some()).collect();
        Rows { tables, variable: self.variable }
    }

    fn train(&self, observer: &dyn Observer) -> Result<Network<Classifier>, TrainError> {
        let (size, rows, neighbours) = (self.size()?, self.rows(), self.neighbours());
        if rows.count() == 0 {
            return Err(self.missing("no data set has its images"));
        }
        let seed = self.model.settings.seed();
        let stream = |name: &str| seed::stream(seed, &format!("train/encoder/{}/{name}", self.name()));
        let (outputs, width) = (self.width(), 16);
        let encoder = Classifier { pictures: vec![size], codes: 0, width, hidden: vec![128], outputs };
        let decoder = ImageGenerator { size, codes: outputs, pictures: vec![], width };
        let mut weights = stream("weights");
        let impossible = |why: String| self.missing(&why);
        let mut network = Network::random(encoder, &mut weights).map_err(impossible)?;
        let decoder = Network::random(decoder, &mut weights).map_err(impossible)?;
        let cards = neighbours.iter().map(|n| n.1).sum();
        let heads = Layers::random(outputs, &[64], cards, &mut weights);
        let (soft, decoder, heads) = (Soft::trained(&network)?, Soft::trained(&decoder)?, SoftLayers::trained(&heads)?);
        let parameters = soft.parameters().chain(decoder.parameters()).chain(heads.parameters());
        let mut adam = Adam::new(parameters, (0.9, 0.999));
        let mut rng = stream("rows");
        for step in 0..STEPS {
            if observer.cancelled() {
                return Err(TrainError::Cancelled);
            }
            let drawn = rows.draw(BATCH, &mut rng);
            let pictures = rows.pictures(&drawn, size).map_err(|e| self.unread(e))?;
            let code = soft.outputs(&Batch { codes: None, pictures: vec![pictures.clone()] })?;
            let again = decoder.pictures(&Batch { codes: Some(code.clone()), pictures: vec![] }, |_, _| ())?;
            let mut loss = (mean_squared_error(&again, &pictures)? * DRAWN)?;
            if cards > 0 {
                loss = (loss + predicted(&heads.logits(&code, |_, _| ())?, &rows, &drawn, &neighbours)?)?;
            }
            if !loss.to_scalar::<f32>()?.is_finite() {
                return Err(TrainError::NotFinite { module: format!("the encoder of {}", self.name()), step });
            }
            adam.gather(&loss.backward()?)?;
            adam.step(RATE * (2.0 * (1.0 - step as f32 / STEPS as f32)).min(1.0))?;
        }
        let values = soft.parameters().map(|p| p.values()).collect::<Result<_, _>>()?;
        Soft::write(values, &mut network);
        self.standardise(&mut network, &rows, size, &mut stream("standardise"))?;
        Ok(network)
    }

    /// Makes the code's numbers have mean 0 and variance 1 over the rows.
    fn standardise(
        &self,
        network: &mut Network<Classifier>,
        rows: &Rows<'_>,
        size: ImageSize,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), TrainError> {
        let soft = Soft::<Classifier>::fixed(network)?;
        let outputs = network.architecture.outputs;
        let (mut sums, mut squares, mut count) = (vec![0.0f64; outputs], vec![0.0f64; outputs], 0.0);
        for _ in 0..32 {
            let drawn = rows.draw(BATCH, rng);
            let pictures = vec![rows.pictures(&drawn, size).map_err(|e| self.unread(e))?];
            let codes = soft.outputs(&Batch { codes: None, pictures })?.to_vec2::<f32>()?;
            for code in codes {
                count += 1.0;
                for (at, value) in code.into_iter().map(f64::from).enumerate() {
                    sums[at] += value;
                    squares[at] += value * value;
                }
            }
        }
        let [.., weight, bias] = &mut network.values[..] else { return Ok(()) };
        for at in 0..outputs {
            let mean = sums[at] / count;
            let deviation = (squares[at] / count - mean * mean).max(1e-12).sqrt() as f32;
            bias[at] = (bias[at] - mean as f32) / deviation;
            weight.iter_mut().skip(at).step_by(outputs).for_each(|w| *w /= deviation);
        }
        Ok(())
    }
}

/// The sum over the neighbours of the mean log-loss of their values in the rows that have them; `logits` has the
/// neighbours' values side by side.
fn predicted(
    logits: &Tensor,
    rows: &Rows<'_>,
    drawn: &[(usize, usize)],
    neighbours: &[(VarId, usize)],
) -> candle_core::Result<Tensor> {
    let (mut start, mut sum) = (0, Tensor::zeros((), candle_core::DType::F32, &device())?);
    for &(v, card) in neighbours {
        let mut targets = vec![0.0f32; drawn.len() * card];
        for (&(table, row), target) in drawn.iter().zip(targets.chunks_exact_mut(card)) {
            let code = rows.tables[table].column(v).map(|codes| codes[row] as usize);
            if let Some(place) = code.and_then(|code| target.get_mut(code)) {
                *place = 1.0 / drawn.len() as f32;
            }
        }
        let targets = Tensor::from_vec(targets, (drawn.len(), card), &device())?;
        let scores = logits.narrow(1, start, card)?.contiguous()?;
        let logs = scores.broadcast_sub(&scores.log_sum_exp(D::Minus1)?.unsqueeze(1)?)?;
        sum = (sum - logs.mul(&targets)?.sum_all()?)?;
        start += card;
    }
    Ok(sum)
}

/// Rows of several tables.
struct Rows<'a> {
    tables: Vec<&'a Table>,
    variable: VarId,
}

impl Rows<'_> {
    fn count(&self) -> usize {
        self.tables.iter().map(|t| t.rows).sum()
    }

    /// `count` rows: the table's place and the row in it.
    fn draw(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
        let one = |_| {
            let mut row = rng.random_range(0..self.count());
            let mut table = 0;
            while row >= self.tables[table].rows {
                row -= self.tables[table].rows;
                table += 1;
            }
            (table, row)
        };
        (0..count).map(one).collect()
    }

    fn pictures(&self, drawn: &[(usize, usize)], size: ImageSize) -> std::io::Result<Tensor> {
        let mut planes = vec![0.0; drawn.len() * size.count()];
        for (&(table, row), planes) in drawn.iter().zip(planes.chunks_exact_mut(size.count())) {
            let images: Option<&Images> = self.tables[table].images(self.variable);
            images.ok_or_else(|| std::io::Error::other("no images"))?.batch(&[row], planes)?;
        }
        from_planes(&planes, size).map_err(std::io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::Admg;
    use crate::data::ImagesBuilder;
    use crate::diag::Span;
    use crate::model::{Encoder, Variable};
    use crate::nets::ops::with_threads;
    use crate::train::Metric;
    use std::collections::BTreeMap;

    struct Silent;

    impl Observer for Silent {
        fn metric(&self, _: &Metric) {}
    }

    const SHAPE: [usize; 3] = [1, 8, 8];

    /// I -> A: A says which half of I is bright, but for one row of ten.
    fn model(file: Option<&str>, width: Option<usize>) -> (Model, Table) {
        let encoder = Encoder { file: file.map(str::to_owned), width, span: Span::default() };
        let image = Variable { domain: Some(Domain::Image(SHAPE)), encoder: Some(encoder), ..Variable::default() };
        let label = Variable { domain: Some(Domain::Binary), ..Variable::default() };
        let model = Model {
            variables: [("I".to_owned(), image), ("A".to_owned(), label)].into_iter().collect(),
            graph: Admg::with_edges(2, &[(0, 1)], &[]),
            ..Model::default()
        };
        let (mut images, mut a) = (ImagesBuilder::new(SHAPE, 1 << 20), vec![]);
        let mut rng = seed::stream(1, "rows");
        for row in 0..500 {
            let half = rng.random_range(0..2_u32);
            a.push(if row % 10 == 0 { 1 - half } else { half });
            let pixels = (0..64).map(|at| if (at < 32) == (half == 0) { 150 } else { 80 } + rng.random_range(0..30));
            images.push(&pixels.collect::<Vec<u8>>()).unwrap();
        }
        let images = BTreeMap::from([(0, images.finish().unwrap())]);
        (model, Table { name: "obs".into(), rows: 500, columns: vec![None, Some(a)], images, ..Table::default() })
    }

    fn recipe<'a>(model: &'a Model, tables: &'a [Table], folder: Option<&'a Path>) -> Recipe<'a> {
        Recipe { model, variable: 0, tables, base: folder.unwrap_or(Path::new(".")), folder }
    }

    #[test]
    fn an_encoder_keeps_what_a_child_depends_on_and_is_kept_itself() {
        let (model, table) = model(None, Some(3));
        let tables = [table];
        let here = tempfile::tempdir().unwrap();
        let made = recipe(&model, &tables, Some(here.path()));
        let digest = made.digest().unwrap();
        let network = made.network(&digest, &Silent).unwrap();
        assert_eq!(network.architecture.outputs, 3);
        // A line through the codes tells the halves: two means, and the nearer one.
        let rows: Vec<(usize, usize)> = (0..500).map(|row| (0, row)).collect();
        let size = made.size().unwrap();
        let pictures = vec![made.rows().pictures(&rows, size).unwrap()];
        let codes = Soft::<Classifier>::fixed(&network).unwrap().outputs(&Batch { codes: None, pictures }).unwrap();
        let codes = codes.to_vec2::<f32>().unwrap();
        let labels = tables[0].column(1).unwrap();
        let mean = |label: u32, at: usize| {
            let of: Vec<f32> = codes.iter().zip(labels).filter(|(_, l)| **l == label).map(|(c, _)| c[at]).collect();
            of.iter().sum::<f32>() / of.len() as f32
        };
        let nearer = |code: &[f32]| {
            let far = |label| (0..3).map(|at| (code[at] - mean(label, at)).powi(2)).sum::<f32>();
            u32::from(far(1) < far(0))
        };
        let right = codes.iter().zip(labels).filter(|(code, label)| nearer(code) == **label).count();
        assert!(right >= 440, "{right} of 500");
        for at in 0..3 {
            let mean = codes.iter().map(|c| c[at]).sum::<f32>() / 500.0;
            let square = codes.iter().map(|c| c[at] * c[at]).sum::<f32>() / 500.0;
            assert!(mean.abs() < 0.2 && (square - 1.0).abs() < 0.3, "{mean} {square}");
        }
        // The file of the run serves as `encode: "file"` of another model, and what is kept is used again.
        let kept = here.path().join("encoder_I.safetensors");
        let file = ModuleFile::read(&kept).unwrap();
        assert_eq!((file.header.variables, file.header.inputs), (vec!["I".to_owned()], digest.clone()));
        let (other, _) = super::tests::model(Some("encoder_I.safetensors"), None);
        assert_eq!(recipe(&other, &tables, Some(here.path())).network("", &Silent).unwrap(), network);
        // The same on any number of threads.
        let again = with_threads(2, || recipe(&model, &tables, None).network(&digest, &Silent)).unwrap().unwrap();
        assert_eq!(again, network);
        // Other images, another digest.
        let mut changed = tables.clone();
        changed[0].images = BTreeMap::from([(0, {
            let mut images = ImagesBuilder::new(SHAPE, 1 << 20);
            (0..500).for_each(|_| images.push(&[7; 64]).unwrap());
            images.finish().unwrap()
        })]);
        assert_ne!(recipe(&model, &changed, None).digest().unwrap(), digest);
    }

    #[test]
    fn files_that_do_not_encode_the_image_are_refused() {
        let here = tempfile::tempdir().unwrap();
        let write = |name: &str, architecture: Classifier| {
            let network = Network::random(architecture, &mut seed::stream(1, "w")).unwrap();
            network.to_file(&["I".into()], "").write(&here.path().join(name)).unwrap();
        };
        let right = Classifier {
            pictures: vec![ImageSize { channels: 1, height: 8, width: 8 }],
            codes: 0,
            width: 2,
            hidden: vec![],
            outputs: 4,
        };
        write("right", right.clone());
        write("codes", Classifier { codes: 1, ..right.clone() });
        write("larger", Classifier { pictures: vec![ImageSize { channels: 3, height: 8, width: 8 }], ..right });
        std::fs::write(here.path().join("broken"), b"no module").unwrap();
        let fault = |file: &str, width| {
            let (model, _) = model(Some(file), width);
            from_file(&model, 0, &here.path().join(file)).err().map(|fault| fault.code)
        };
        assert_eq!((fault("right", None), fault("right", Some(4))), (None, None));
        assert_eq!(fault("right", Some(5)), Some("E0604"));
        assert_eq!((fault("codes", None), fault("larger", None)), (Some("E0603"), Some("E0603")));
        assert_eq!((fault("broken", None), fault("none", None)), (Some("E0605"), Some("E0605")));
        let (broken, table) = model(Some("broken"), None);
        let stopped = recipe(&broken, &[table], Some(here.path())).network("", &Silent).unwrap_err().to_string();
        assert!(stopped.contains("broken of I cannot be used"), "{stopped}");
        let (model, table) = model(None, None);
        let empty = Table { images: BTreeMap::new(), ..table };
        let none = recipe(&model, &[empty], None).network("", &Silent).unwrap_err();
        assert_eq!(none.to_string(), "the encoder of I cannot be trained: no data set has its images");
    }
}
