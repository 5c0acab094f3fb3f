//! How fast a DCGAN trains: critic steps with gradient penalty and generator steps on 3×32×32, batch 64.
//!
//! `cargo bench --bench dcgan [-- SECONDS [PYTHON]]` measures on one and two threads, and in turn, where PYTHON
//! (an interpreter with PyTorch) is given, `benches/dcgan_torch.py` on as many; the rates are medians.

use candle_core::{Device, Tensor};
use dcmc::nets::image::{Batch, ImageCritic, ImageGenerator, ImageSize, Network, Soft, between};
use dcmc::nets::noise::normals;
use dcmc::nets::ops::{Adam, with_threads};
use dcmc::seed::stream;
use std::process::Command;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: usize = 64;
const NOISE: usize = 100;
const SIZE: ImageSize = ImageSize { channels: 3, height: 32, width: 32 };
/// Turns of each program, which share the seconds.
const TURNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let seconds: f64 = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(20.0);
    for threads in [1, 2] {
        let (mut own, mut torch) = (vec![], vec![]);
        for _ in 0..TURNS {
            let time = Duration::from_secs_f64(seconds / TURNS as f64);
            own.push(with_threads(threads, || measure(time)).expect("threads"));
            torch.extend(arguments.get(1).map(|python| measure_torch(python, threads, time)));
        }
        for (at, step) in ["critic", "generator"].iter().enumerate() {
            let median = |rates: &[[f64; 2]]| {
                let mut rates: Vec<f64> = rates.iter().map(|r| r[at]).collect();
                rates.sort_by(f64::total_cmp);
                rates[rates.len() / 2]
            };
            print!("{threads} thread(s), {step} steps/s: {:.2}", median(&own));
            if !torch.is_empty() {
                let ratios: Vec<[f64; 2]> = own.iter().zip(&torch).map(|(o, t)| [o[0] / t[0], o[1] / t[1]]).collect();
                print!(", PyTorch {:.2}, median of the turns' ratios {:.2}", median(&torch), median(&ratios));
            }
            println!();
        }
    }
}

/// Median rates of critic and generator steps.
fn measure(time: Duration) -> [f64; 2] {
    let rng = &mut stream(1, "dcgan");
    let generator = ImageGenerator { size: SIZE, codes: NOISE, pictures: vec![], width: 64 };
    let generator = Soft::trained(&Network::random(generator, rng).expect("a generator")).expect("parameters");
    let critic = ImageCritic { pictures: vec![SIZE], codes: 0, width: 64, hidden: vec![] };
    let critic = Soft::trained(&Network::random(critic, rng).expect("a critic")).expect("parameters");
    let (own, other) = (generator.detached(), critic.detached());
    let mut generator_adam = Adam::new(generator.parameters(), (0.5, 0.9));
    let mut critic_adam = Adam::new(critic.parameters(), (0.5, 0.9));
    let values: Vec<f32> = normals(ROWS * SIZE.count(), rng).into_iter().map(f32::tanh).collect();
    let real = Tensor::from_vec(values, (ROWS, SIZE.height, SIZE.width, SIZE.channels), &Device::Cpu).expect("rows");
    let real = Batch { codes: None, pictures: vec![real] };
    let draw = |network: &Soft<ImageGenerator>, rng: &mut _| {
        let noise = Tensor::from_vec(normals(ROWS * NOISE, rng), (ROWS, NOISE), &Device::Cpu).expect("noise");
        let pictures = network.pictures(&Batch { codes: Some(noise), pictures: vec![] }, |_, _| ()).expect("pictures");
        Batch { codes: None, pictures: vec![pictures] }
    };
    let critic_rate = rate(time / 2, || {
        let fake = draw(&own, rng);
        let points = between(&real, &fake, rng).expect("points");
        critic.loss(&real, &fake, &points, 10.0).and_then(|loss| loss.backward()).expect("a loss");
        critic_adam.step(1e-4).expect("a step");
    });
    let generator_rate = rate(time / 2, || {
        let fake = draw(&generator, rng);
        let loss = other.score(&fake).and_then(|s| s.mean_all()?.neg()).expect("a loss");
        loss.backward().expect("gradients");
        generator_adam.step(1e-4).expect("a step");
    });
    [critic_rate, generator_rate]
}

/// The median rate of `step`, after one that does not count.
fn rate(time: Duration, mut step: impl FnMut()) -> f64 {
    step();
    let (start, mut seconds) = (Instant::now(), vec![]);
    while start.elapsed() < time || seconds.is_empty() {
        let one = Instant::now();
        step();
        seconds.push(one.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    1.0 / seconds[seconds.len() / 2]
}

fn measure_torch(python: &str, threads: usize, time: Duration) -> [f64; 2] {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/dcgan_torch.py");
    let arguments = [script.to_owned(), threads.to_string(), time.as_secs_f64().to_string()];
    let output = Command::new(python).args(arguments).output().expect("Python starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let rates: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match rates[..] {
        [critic, generator] => [critic, generator],
        _ => panic!("{text}{}", String::from_utf8_lossy(&output.stderr)),
    }
}
