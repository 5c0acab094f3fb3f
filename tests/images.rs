//! Images: in data files of every kind, drawn and classified by a truth block, and written back.

#![cfg(feature = "run")]

mod common;

use common::{dcmc, folder};
use dcmc::data::{self, Grid, ImagesBuilder, Table};
use dcmc::diag::Diagnostic;
use dcmc::model::Model;
use std::path::Path;

/// The model of a text; `base` is where its files are.
fn model(text: &str, base: &Path) -> Model {
    let (ast, found) = dcmc::syntax::parse(text);
    assert_eq!(found, []);
    let (model, found) = dcmc::model::lower(&ast, |model| {
        let mut notes = data::infer_domains(model, base, usize::MAX);
        notes.extend(dcmc::truth::infer_domains(model));
        notes
    });
    assert!(!found.iter().any(Diagnostic::is_error), "{found:#?}");
    model
}

fn load(text: &str, base: &Path) -> Result<Table, Vec<Diagnostic>> {
    let model = model(text, base);
    let loaded = data::load(&model, 0, base, 1);
    // What `check` sees is among what loading finds.
    if let Err(seen) = data::schema(&model, 0, base) {
        let errors = loaded.as_ref().unwrap_err();
        assert!(seen.iter().all(|s| errors.iter().any(|e| e.code == s.code)), "{seen:#?} {errors:#?}");
    }
    loaded.map(|(table, _)| table)
}

fn code(text: &str, base: &Path) -> (String, Diagnostic) {
    let errors = load(text, base).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    (errors[0].code.to_owned(), errors[0].clone())
}

/// An IDX file of bytes.
fn idx(lengths: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, lengths.len() as u8];
    lengths.iter().for_each(|n| file.extend(n.to_be_bytes()));
    file.extend(bytes);
    file
}

/// A NumPy file.
fn npy(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    while (10 + header.len() + 1) % 16 != 0 {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}

const DIGITS: &str = "D -> I; D: int[0..9]; C: categorical {red, green}; C -> I; I: image[3,16,16]
    truth { D ~ uniform_int(0, 9); C ~ categorical(0.5, 0.5); I = digit(D, color: C, noise: 0.02) }\n";

#[test]
fn simulated_data_sets_read_back_as_they_were_written() {
    let here = folder(&[]);
    let text = format!("{DIGITS}data obs = simulate(truth, n: 60, seed: 4)");
    let drawn = model(&text, here.path());
    let (table, _) = data::load(&drawn, 0, here.path(), 1).unwrap();
    let images = table.images(drawn.id("I").unwrap()).unwrap();
    assert_eq!((images.len(), images.shape(), images.in_memory()), (60, [3, 16, 16], true));
    std::fs::write(here.path().join("m.scm"), &text).unwrap();
    for file in ["x.parquet", "x.csv", "x.tsv", "x.npz", "deep/y.csv"] {
        dcmc(here.path(), &["simulate", "m.scm", "--data", "obs", "-o", file]).expect(0);
        let read = load(&format!("{DIGITS}data obs = \"{file}\""), here.path()).unwrap();
        assert!(read == table, "{file}");
        // Some rows only.
        let some = load(&format!("{DIGITS}data obs = \"{file}\" {{ where: D == 3 }}"), here.path()).unwrap();
        let rows: Vec<usize> = (0..60).filter(|&r| table.columns[0].as_ref().unwrap()[r] == 3).collect();
        let kept = some.images(drawn.id("I").unwrap()).unwrap();
        assert!(some.rows == rows.len() && !rows.is_empty());
        assert!(rows.iter().enumerate().all(|(at, &r)| kept.row(at).unwrap() == images.row(r).unwrap()), "{file}");
    }
    // The same seed gives the same images; without room in memory they are in a temporary file.
    let small = load(&format!("{text}\ntrain {{ image_memory: 0 }}"), here.path()).unwrap();
    assert!(small == table && !small.images.values().next().unwrap().in_memory());
}

#[test]
fn batches_are_scaled_and_the_disk_gives_what_the_memory_gives() {
    let rows: Vec<Vec<u8>> = (0..20_u8).map(|k| vec![k * 12, 255 - k, 0, 255]).collect();
    let [small, large] = [0, 1 << 20].map(|limit| {
        let mut builder = ImagesBuilder::new([1, 2, 2], limit);
        rows.iter().for_each(|row| builder.push(row).unwrap());
        assert!(builder.push(&[0; 3]).is_err());
        builder.finish().unwrap()
    });
    assert!(small == large && !small.in_memory() && large.in_memory());
    let mut batch = vec![0.0; 8];
    for images in [&small, &large] {
        images.batch(&[19, 0], &mut batch).unwrap();
        let scaled = |&p: &u8| f32::from(p) / 127.5 - 1.0;
        let expected: Vec<f32> = rows[19].iter().chain(&rows[0]).map(scaled).collect();
        assert!(batch == expected && batch[2] == -1.0 && batch[3] == 1.0);
        assert!(images.batch(&[20, 0], &mut batch).is_err() && images.batch(&[0], &mut batch).is_err());
    }
}

#[test]
fn files_of_images_beside_a_table() {
    let here = folder(&[("d.csv", "D\n1\n0\n1\n")]);
    let at = |name: &str| here.path().join(name);
    let bytes: Vec<u8> = (0..12).map(|k| k * 20).collect();
    std::fs::write(at("i.idx"), idx(&[3, 2, 2], &bytes)).unwrap();
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &idx(&[3, 2, 2], &bytes)).unwrap();
    std::fs::write(at("i-idx3-ubyte.gz"), packed.finish().unwrap()).unwrap();
    std::fs::write(at("i.npy"), npy("|u1", "3, 2, 2", &bytes)).unwrap();
    std::fs::write(at("flat.npy"), npy("|u1", "3, 4", &bytes)).unwrap();
    let floats: Vec<u8> = bytes.iter().flat_map(|&b| (f32::from(b) / 255.0).to_le_bytes()).collect();
    std::fs::write(at("f.npy"), npy("<f4", "3, 2, 2, 1", &floats)).unwrap();
    let centred: Vec<u8> = bytes.iter().flat_map(|&b| (f64::from(b) / 127.5 - 1.0).to_be_bytes()).collect();
    std::fs::write(at("c.npy"), npy(">f8", "3, 1, 2, 2", &centred)).unwrap();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![3, 2, 2], &bytes).unwrap();
    safetensors::serialize_to_file([("pixels", view)], None, &at("i.safetensors")).unwrap();
    for file in ["i.idx", "i-idx3-ubyte.gz", "i.npy", "flat.npy", "f.npy", "c.npy", "i.safetensors"] {
        let text = format!("D -> I; D: binary; I: image[1,2,2]; data d = \"d.csv\" {{ images: {{ I: \"{file}\" }} }}");
        let table = load(&text, here.path()).unwrap();
        let images = table.images(1).unwrap();
        let found: Vec<u8> = (0..3).flat_map(|row| images.row(row).unwrap()).collect();
        assert_eq!(found, bytes, "{file}");
        let colored = text.replace("image[1,2,2]", "image[3,4,4]");
        assert_eq!(if file == "flat.npy" { "E0501" } else { "E0510" }, code(&colored, here.path()).0, "{file}");
        if file != "flat.npy" {
            let asked = colored.replace(&format!("\"{file}\""), &format!("\"{file}\" {{ resize, convert: true }}"));
            let images = load(&asked, here.path()).unwrap().images(1).unwrap().clone();
            let image = images.row(0).unwrap();
            assert!(image[..16] == image[16..32] && image[0] == 0 && image[15] == 60, "{image:?}");
        }
        let fewer = text.replace("d.csv", "two.csv");
        std::fs::write(at("two.csv"), "D\n1\n0\n").unwrap();
        assert_eq!(code(&fewer, here.path()).0, "E0512");
    }
    // An IDX file of labels is a table of its own.
    std::fs::write(at("l-idx1-ubyte"), idx(&[3], &[1, 0, 1])).unwrap();
    let text = "D -> I; D: binary; I: image[1,2,2]
        data d = \"l-idx1-ubyte\" { columns: { D: \"values\" }, images: { I: \"i.idx\" } }";
    assert_eq!(load(text, here.path()).unwrap().column(0), Some(&[1, 0, 1][..]));
}

#[test]
fn damaged_and_wrong_files_are_reported_with_their_rows() {
    let here = folder(&[("d.csv", "D,I\n0,a.png\n1,b.png\n0,sub\n1,c.png\n0,\n"), ("b.png", "no image")]);
    let at = |name: &str| here.path().join(name);
    std::fs::create_dir(at("sub")).unwrap();
    data::write_png(&at("a.png"), &[7; 4], [1, 2, 2]).unwrap();
    let whole = std::fs::read(at("a.png")).unwrap();
    std::fs::write(at("c.png"), &whole[..whole.len() / 2]).unwrap();
    let text = "D -> I; D: binary; I: image[1,2,2]; data d = \"d.csv\"";
    let (found, error) = code(text, here.path());
    assert_eq!((found.as_str(), error.notes.len()), ("E0511", 3), "{error:#?}");
    assert!(error.notes[0].starts_with("row 2 (`b.png`): ") && error.notes[2].starts_with("row 4 (`c.png`): "));
    let both = load(&text.replace("[1,2,2]", "[3,2,2]"), here.path()).unwrap_err();
    assert_eq!(both.iter().map(|d| d.code).collect::<Vec<_>>(), ["E0510", "E0511"], "{both:#?}");
    assert!(both[0].message.contains("image[1,2,2]") && both[0].message.contains("image[3,2,2]"));
    // Damaged arrays.
    let cases: [(&str, Vec<u8>); 7] = [
        ("x.idx", idx(&[2, 2, 2], &[0; 7])),
        ("x.idx", vec![0, 0, 8]),
        ("x.idx", idx(&[2, 0xffff_ffff, 0xffff_ffff], &[])),
        ("x.npy", b"\x93NUMPY\x01\x00\x05\x00abc".to_vec()),
        ("x.npy", npy("<i8", "2, 2, 2", &[0; 64])),
        ("x.npz", b"PK\x03\x04 and no more".to_vec()),
        ("x.safetensors", vec![255; 40]),
    ];
    std::fs::write(at("two.csv"), "D\n1\n0\n").unwrap();
    for (name, bytes) in cases {
        std::fs::write(at(name), bytes).unwrap();
        let text =
            format!("D -> I; D: binary; I: image[1,2,2]; data d = \"two.csv\" {{ images: {{ I: \"{name}\" }} }}");
        assert_eq!(code(&text, here.path()).0, "E0501", "{name}");
    }
}

const FRONT_DOOR: &str = "D -> I -> A; D <-> A; D: binary; A: int[0..2]; I: image[3,32,32]
    truth {
      U ~ bernoulli(0.5)
      D = U xor bernoulli(0.2)
      I = digit(D, color: uniform_int(0, 2), thickness: uniform_int(0, 1))
      A = if bernoulli(0.15) then uniform_int(0, 2) else (classify(I, classes: 3, seed: 1) + U) % 3
    }\n";

/// Exact tables beside an estimated one agree with plain simulation.
#[test]
fn the_truth_through_an_image_agrees_with_simulation() {
    let model = model(FRONT_DOOR, Path::new("."));
    let truth = dcmc::truth::Scm::build(&model).unwrap().unwrap();
    let [d, i, a] = ["D", "I", "A"].map(|n| model.id(n).unwrap());
    // D and U alone stay exact.
    assert_eq!(truth.estimate(&[d], &[], &[]).unwrap().standard_errors, None);
    assert!(truth.answer(&[i], &[], &[]).is_err() && truth.answer(&[a], &[], &[(i, 0)]).is_err());
    let rows = 8_000;
    for value in [0, 1] {
        let set = [(d, dcmc::model::DoValue::Fixed(value))];
        let drawn = truth.simulate(&set, rows, &mut dcmc::seed::stream(9, "rows")).unwrap();
        let found = truth.estimate(&[a], &[(d, value)], &[]).unwrap();
        let errors = found.standard_errors.unwrap();
        for class in 0..3 {
            let share = drawn[a].iter().filter(|&&c| c == class).count() as f64 / rows as f64;
            let p = found.table.values[class as usize];
            let spread = (p * (1.0 - p) / rows as f64 + errors[class as usize].powi(2)).sqrt();
            assert!((share - p).abs() < 4.5 * spread, "{value} {class}: {share} {p} ± {spread}");
            assert!(errors[class as usize] < 0.01);
        }
    }
    // The image carries the digit to A, and the hidden cause shows: effects differ from each other and from what is seen.
    let p = |set: &[(usize, u32)], seen: &[(usize, u32)]| truth.answer(&[a], set, seen).unwrap().0.values;
    let tv = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).map(|(x, y)| (x - y).abs()).sum::<f64>() / 2.0;
    assert!(tv(p(&[(d, 0)], &[]), p(&[(d, 1)], &[])) > 0.1);
    assert!(tv(p(&[(d, 0)], &[]), p(&[], &[(d, 0)])) > 0.05);
}

#[test]
fn mistakes_in_drawings_are_found_at_their_place() {
    let cases = [
        ("I = digit(D, colour: 1)", "E0402"),
        ("I = digit(D, 1)", "E0402"),
        ("I = digit(color: 1)", "E0402"),
        ("I = digit(D + 5, color: 0)", "E0404"),
        ("I = digit(D, color: 12)", "E0404"),
        ("I = digit(D, color: 0.5)", "E0404"),
        ("I = digit(D, thickness: 3)", "E0404"),
        ("I = digit(D, slant: -2)", "E0404"),
        ("I = digit(D, size: 20)", "E0404"),
        ("I = digit(D, mnist: 3)", "E0402"),
        ("I = digit(DD)", "E0201"),
        ("I = digt(D)", "E0404"),
        ("I = D", "E0404"),
        ("I = digit(D); A = I + 1", "E0404"),
        ("I = digit(D); A = digit(D)", "E0404"),
        ("I = digit(D); A = classify(I)", "E0402"),
        ("I = digit(D); A = classify(D, classes: 2)", "E0402"),
        ("I = digit(D); A = classify(I, classes: 1)", "E0404"),
        ("I = digit(D); A ~ table(I) { 0: [0.5, 0.5] }", "E0404"),
        ("I = digit(D); A = bernoulli(p: 0.5)", "E0402"),
    ];
    for (equations, code) in cases {
        let text = format!(
            "D -> I -> A; D: int[0..5]; A: binary; I: image[3,16,16]; truth {{ D ~ uniform_int(0, 5); {equations} }}"
        );
        let found = dcmc::truth::Scm::build(&model(&text, Path::new("."))).unwrap_err();
        assert!(found.iter().any(|d| d.code == code), "{equations}: {found:#?}");
        assert!(found.iter().all(|d| d.labels.first().is_some_and(|l| l.span.end <= text.len())), "{equations}");
    }
    // Without a type `size` gives one.
    let untyped = model("D -> I; truth { D ~ uniform_int(0, 5); I = digit(D, size: 20) }", Path::new("."));
    assert_eq!(untyped.domain(1).unwrap().to_string(), "image[1,20,20]");
}

#[test]
fn a_grid_is_a_picture_of_all_images() {
    let here = folder(&[]);
    let path = here.path().join("g.png");
    let images = vec![vec![10_u8; 4], vec![20; 4], vec![30; 4]];
    data::write_png_grid(&path, &images, [1, 2, 2], Grid { columns: 2, gap: 1, scale: 3, background: 99 }).unwrap();
    let picture = image::open(&path).unwrap().into_luma8();
    assert_eq!(picture.dimensions(), (2 * 7 + 1, 2 * 7 + 1));
    let at = |x, y| picture.get_pixel(x, y).0[0];
    assert_eq!([at(0, 0), at(1, 1), at(6, 6), at(7, 1), at(8, 1), at(1, 8), at(8, 8)], [99, 10, 10, 99, 20, 30, 99]);
    assert!(data::write_png_grid(&path, &[], [1, 2, 2], Grid::default()).is_err());
    assert!(data::write_png_grid(&path, &[vec![0; 3]], [1, 2, 2], Grid::default()).is_err());
}

#[test]
fn real_mnist_loads_and_takes_the_place_of_strokes() {
    let mnist = Path::new("../shared/data/mnist/t10k-images-idx3-ubyte.gz");
    let Ok(mnist) = mnist.canonicalize() else {
        eprintln!("SKIPPED: no MNIST beside the project");
        return;
    };
    let (images, labels) =
        (mnist.display().to_string(), mnist.display().to_string().replace("images-idx3", "labels-idx1"));
    let text = format!(
        "D -> I; D: int[0..9]; I: image[1,28,28]; data d = \"{labels}\" {{ columns: {{ D: \"values\" }}, images: {{ I: \"{images}\" }} }}"
    );
    let table = load(&text, Path::new(".")).unwrap();
    assert_eq!((table.rows, table.images(1).unwrap().len()), (10_000, 10_000));
    assert_eq!(&table.column(0).unwrap()[..5], [7, 2, 1, 0, 4]); // as published
    let here = folder(&[("m.scm", &format!("{DIGITS}data obs = simulate(truth, n: 20, seed: 1)"))]);
    let set = format!("truth.mnist={images}");
    let call =
        |more: &[&str]| dcmc(here.path(), &[&["simulate", "m.scm", "--data", "obs", "-o"], more].concat()).expect(0);
    call(&["a.npz", "--set", &set]);
    call(&["b.npz"]);
    let read = |file: &str| load(&format!("{DIGITS}data obs = \"{file}\""), here.path()).unwrap();
    let (real, drawn) = (read("a.npz"), read("b.npz"));
    assert!(real.columns == drawn.columns && real.images != drawn.images);
}
