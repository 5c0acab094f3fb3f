use super::*;
use crate::nets::file::{FileError, ModuleFile, Values};
use candle_core::Device;

const SIZE: ImageSize = ImageSize { channels: 3, height: 16, width: 8 };

fn generator() -> ImageGenerator {
    ImageGenerator { size: SIZE, codes: 4, pictures: vec![], width: 2 }
}

fn classifier() -> Classifier {
    Classifier { pictures: vec![SIZE], codes: 2, width: 2, hidden: vec![5], outputs: 3 }
}

fn critic() -> ImageCritic {
    ImageCritic { pictures: vec![SIZE, SIZE], codes: 2, width: 2, hidden: vec![5] }
}

fn random<A: Architecture>(architecture: A) -> Network<A> {
    Network::random(architecture, &mut crate::seed::stream(1, "weights")).unwrap()
}

fn reread<A: Architecture + PartialEq + std::fmt::Debug>(architecture: A) -> ModuleFile {
    let network = random(architecture);
    let file = network.to_file(&["I".into(), "D".into()], "digest");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    file.write(&path).unwrap();
    let read = ModuleFile::read(&path).unwrap();
    assert_eq!(Network::<A>::from_file(&read).unwrap(), network);
    read
}

#[test]
fn files_give_networks_back() {
    reread(generator());
    reread(classifier());
    assert_eq!(reread(critic()).header.variables, ["I", "D"]);
}

#[test]
fn damaged_and_foreign_files_are_errors() {
    let file = reread(generator());
    let wrong = |file: &ModuleFile| matches!(Network::<ImageGenerator>::from_file(file), Err(FileError::Format(_)));
    assert!(!wrong(&file));
    assert!(matches!(Network::<ImageCritic>::from_file(&file), Err(FileError::Format(_))));
    for name in file.tensors.keys() {
        let mut less = file.clone();
        less.tensors.remove(name);
        assert!(wrong(&less), "without {name}");
        let mut reshaped = file.clone();
        reshaped.tensors.get_mut(name).unwrap().shape.push(2);
        assert!(wrong(&reshaped), "{name} reshaped");
        let mut not_finite = file.clone();
        let tensor = not_finite.tensors.get_mut(name).unwrap();
        let Values::F32(values) = &mut tensor.values else { unreachable!() };
        *values.last_mut().unwrap() = f32::NAN;
        assert!(wrong(&not_finite), "{name} not a number");
        let mut double = file.clone();
        let tensor = double.tensors.get_mut(name).unwrap();
        tensor.values = Values::F64(vec![0.0; tensor.shape.iter().product()]);
        assert!(wrong(&double), "{name} in double precision");
    }
    for (key, value) in [
        ("codes", serde_json::json!(5)),
        ("codes", serde_json::json!(usize::MAX)),
        ("width", serde_json::json!(0)),
        ("width", serde_json::json!("wide")),
        ("size", serde_json::json!({"channels": 3, "height": 7, "width": 8})),
        ("size", serde_json::json!({"channels": 3, "height": 1_u64 << 60, "width": 8})),
        ("pictures", serde_json::json!([{"channels": 0, "height": 8, "width": 8}])),
    ] {
        let mut other = file.clone();
        other.header.architecture[key] = value.clone();
        assert!(wrong(&other), "{key} {value}");
    }
}

#[test]
fn impossible_architectures_are_errors() {
    let mut rng = crate::seed::stream(1, "weights");
    assert!(Network::random(ImageGenerator { codes: 0, ..generator() }, &mut rng).is_err());
    assert!(Network::random(ImageCritic { pictures: vec![], codes: 0, ..critic() }, &mut rng).is_err());
    assert!(Network::random(ImageCritic { hidden: vec![0], ..critic() }, &mut rng).is_err());
    assert!(Network::random(Classifier { outputs: 0, ..classifier() }, &mut rng).is_err());
    let tall = ImageSize { height: 257, ..SIZE };
    assert!(Network::random(Classifier { pictures: vec![tall], ..classifier() }, &mut rng).is_err());
}

#[test]
fn batches_that_do_not_fit_are_errors() {
    let soft = Soft::trained(&random(classifier())).unwrap();
    let codes = |columns| Some(Tensor::zeros((2, columns), candle_core::DType::F32, &Device::Cpu).unwrap());
    let picture = |height| Tensor::zeros((2, height, 8, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
    let run = |codes, pictures| soft.outputs(&Batch { codes, pictures }).map(|t| t.dims().to_vec());
    assert_eq!(run(codes(2), vec![picture(16)]).unwrap(), [2, 3]);
    assert!(run(codes(3), vec![picture(16)]).is_err());
    assert!(run(None, vec![picture(16)]).is_err());
    assert!(run(codes(2), vec![picture(15)]).is_err());
    assert!(run(codes(2), vec![]).is_err());
}

#[test]
fn planes_come_back() {
    let size = ImageSize { channels: 3, height: 8, width: 9 };
    let planes: Vec<f32> = (0..2 * size.count()).map(|v| v as f32).collect();
    let pictures = from_planes(&planes, size).unwrap();
    assert_eq!(pictures.dims(), [2, 8, 9, 3]);
    // Row 1, column 2 of the third channel of the first picture.
    assert_eq!(pictures.to_vec0_at(&[0, 1, 2, 2]), planes[2 * 72 + 11]);
    assert_eq!(to_planes(&pictures).unwrap(), planes);
    assert!(from_planes(&planes[1..], size).is_err());
}

trait At {
    fn to_vec0_at(&self, place: &[usize]) -> f32;
}

impl At for Tensor {
    fn to_vec0_at(&self, place: &[usize]) -> f32 {
        let flat = self.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        flat[place.iter().zip(self.dims()).fold(0, |at, (p, d)| at * d + p)]
    }
}

#[test]
fn points_between_share_their_row() {
    let tensor = |value: f32, dims: &[usize]| Tensor::full(value, dims, &Device::Cpu).unwrap();
    let batch = |value| Batch { codes: Some(tensor(value, &[3, 2])), pictures: vec![tensor(value, &[3, 8, 8, 1])] };
    let points = between(&batch(1.0), &batch(0.0), &mut crate::seed::stream(1, "between")).unwrap();
    let codes = points.codes.unwrap().to_vec2::<f32>().unwrap();
    let pictures = points.pictures[0].flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
    for (codes, picture) in codes.iter().zip(&pictures) {
        assert!(codes.iter().chain(picture).all(|v| *v == codes[0]) && (0.0..1.0).contains(&codes[0]));
    }
    assert!(codes[0][0] != codes[1][0]);
    assert!(between(&batch(1.0), &Batch { codes: None, ..batch(0.0) }, &mut crate::seed::stream(1, "b")).is_err());
}

/// An encoder of four numbers and a generator as decoder learn four pictures apart.
#[test]
fn an_autoencoder_learns() {
    let size = ImageSize { channels: 1, height: 8, width: 8 };
    let encoder = random(Classifier { pictures: vec![size], codes: 0, width: 8, hidden: vec![16], outputs: 4 });
    let decoder = random(ImageGenerator { size, codes: 4, pictures: vec![], width: 8 });
    let (encoder, decoder) = (Soft::trained(&encoder).unwrap(), Soft::trained(&decoder).unwrap());
    let planes: Vec<f32> = (0..4 * 64).map(|v| if (v / 8 + v / 64) % (2 + v / 64) == 0 { 0.8 } else { -0.8 }).collect();
    let pictures = from_planes(&planes, size).unwrap();
    let mut adam = crate::nets::ops::Adam::new(encoder.parameters().chain(decoder.parameters()), (0.9, 0.999));
    let mut losses = vec![];
    for _ in 0..150 {
        let codes = encoder.outputs(&Batch { codes: None, pictures: vec![pictures.clone()] }).unwrap();
        let drawn = decoder.pictures(&Batch { codes: Some(codes), pictures: vec![] }, |_, _| ()).unwrap();
        let loss = mean_squared_error(&drawn, &pictures).unwrap();
        loss.backward().unwrap();
        adam.step(3e-3).unwrap();
        losses.push(loss.to_scalar::<f32>().unwrap());
    }
    assert!(losses[149] < 0.1 * losses[0], "{} {}", losses[0], losses[149]);
}
