//! Headers that are whole and headers that are not; which parent is which input.

use super::*;
use std::fs;

fn file(header: &str, data: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn headers_are_read_and_damaged_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.safetensors");
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Header::read(&path)
    };
    let good = r#"{"__metadata__":{"dcmc":"x"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
    let header = read(&file(good, 24)).unwrap();
    assert_eq!((header.tensors["a"].shape.as_slice(), header.module.as_deref()), (&[2, 3][..], Some("x")));
    for (header, data) in [
        (good, 23),
        (good, 25),
        ("[]", 0),
        ("{\"a\":1}", 0),
        (r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}}"#, 20),
        (r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[24,0]}}"#, 24),
        (r#"{"a":{"dtype":"F32","shape":[-2,3],"data_offsets":[0,24]}}"#, 24),
        (r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,24]}}"#, 24),
    ] {
        assert_eq!(read(&file(header, data)).unwrap_err().code, "E0605", "{header} with {data}");
    }
    for end in 0..good.len() + 8 {
        assert_eq!(read(&file(good, 24)[..end]).unwrap_err().code, "E0605", "cut at {end}");
    }
    assert_eq!(read(&u64::MAX.to_le_bytes()).unwrap_err().code, "E0605");
    assert_eq!(Header::read(folder.path()).unwrap_err().code, "E0605", "a folder");
}

fn node(name: &str, card: usize) -> Node {
    Node { name: name.into(), kind: Kind::Discrete(card), labels: None, classes: card }
}

fn request(parents: &[(&str, usize)]) -> Request {
    Request {
        variable: node("V", 2),
        parents: parents.iter().map(|&(name, card)| node(name, card)).collect(),
        inputs: None,
        reading: Reading::default(),
    }
}

/// V of A (2 values), B (3) and C (2).
const MODULE: &str = r#"{"kind": "tables", "variables": ["A", "B", "C", "V"], "inputs": "",
    "architecture": {"latents": [], "members": 1, "replicates": 0, "mechanisms":
    [{"variable": 3, "card": 2, "parents": [0, 1, 2], "parent_cards": [2, 3, 2], "latents": []}]}}"#;

#[test]
fn parents_are_matched_with_the_files_inputs() {
    let module = Module::parse(MODULE).unwrap();
    let order = |request: &Request| module.choose(request).map(|choice| choice.order);
    assert_eq!(order(&request(&[("C", 2), ("B", 3), ("A", 2)])).unwrap(), [2, 1, 0], "by name");
    let mut written = request(&[("X", 2), ("Y", 3), ("Z", 2)]);
    let fault = order(&written).unwrap_err();
    assert!(fault.code == "E0603" && fault.title.contains("which parent"), "two orders fit: {fault:?}");
    written.inputs = Some(vec![2, 1, 0]);
    assert_eq!(order(&written).unwrap(), [2, 1, 0]);
    written.inputs = Some(vec![1, 2, 0]);
    assert_eq!(order(&written).unwrap_err().code, "E0603");
    assert_eq!(order(&request(&[("A", 2), ("B", 3)])).unwrap_err().code, "E0603", "too few");
    assert_eq!(order(&request(&[("A", 2), ("B", 4), ("C", 2)])).unwrap_err().code, "E0603", "too many values");
    let mut wide = request(&[("A", 2), ("B", 3), ("C", 2)]);
    wide.variable = node("V", 3);
    assert_eq!(order(&wide).unwrap_err().code, "E0604");
    assert_eq!(Module::parse("{}").unwrap_err().code, "E0605");
}

#[test]
fn labels_name_classes() {
    let fits = |labels: &[usize], classes| {
        let mut request = request(&[("C", 2)]);
        request.parents[0] = Node { labels: Some(labels.to_vec()), classes, ..node("C", 2) };
        labels_fit(&request)
    };
    assert!(fits(&[1, 0], 3).is_ok() && fits(&[0, 0], 2).is_ok());
    assert_eq!(fits(&[1, 0, 2], 3).unwrap_err().code, "E0603");
    assert_eq!(fits(&[1, 3], 3).unwrap_err().code, "E0603");
    let own = |labels: &[usize], classes| {
        let variable = Node { labels: Some(labels.to_vec()), classes, ..node("V", 2) };
        labels_fit(&Request { variable, ..request(&[]) })
    };
    assert!(own(&[1, 0], 2).is_ok());
    assert_eq!(own(&[0, 0], 2).unwrap_err().code, "E0604");
    assert_eq!(own(&[0, 2], 3).unwrap_err().code, "E0604");
}

/// A published generator of faces (DCGAN, 64 pixels), by its tensors' shapes.
#[test]
fn shapes_pass_through_a_dcgan() {
    let json = r#"{"input": [100], "layers": [{"layer": "reshape", "shape": [100, 1, 1]},
        {"layer": "conv_transpose", "name": "a"}, {"layer": "batch_norm", "name": "n"}, {"layer": "relu"},
        {"layer": "conv_transpose", "name": "b", "stride": 2, "padding": 1}, {"layer": "tanh"}]}"#;
    let list: layers::LayerList = serde_json::from_str(json).unwrap();
    let shape = |name: &str| match name {
        "a.weight" => Some(vec![100, 8, 4, 4]),
        "b.weight" => Some(vec![8, 3, 4, 4]),
        "n.running_mean" | "n.running_var" => Some(vec![8]),
        _ => None,
    };
    let shapes = list.shapes(&shape).unwrap();
    assert_eq!(shapes[1..], [vec![8, 4, 4], vec![8, 4, 4], vec![8, 4, 4], vec![3, 8, 8], vec![3, 8, 8]]);
    let error = list.shapes(&|name| shape(name).filter(|_| name != "n.running_var")).unwrap_err();
    assert!(error.missing && error.layer == 2 && error.text.contains("no tensor n.running_var"), "{error}");
    let error = list.shapes(&|name| if name == "b.weight" { Some(vec![9, 3, 4, 4]) } else { shape(name) }).unwrap_err();
    assert!(!error.missing && error.layer == 4, "{error}");
}
