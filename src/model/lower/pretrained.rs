//! `pretrained "file"` and `mechanism: pretrained { file: …; layers: […] }`.

use super::mechanism::example;
use super::{Lowering, list, suggest};
use crate::diag::{Diagnostic, Span};
use crate::model::{Mechanism, MechanismKind, VarId, closest};
use crate::pretrained::layers::{LAYERS, Layer};
use crate::pretrained::{Range, Reading};
use crate::syntax::ast::{Block, Entry, Name, Scalar, SettingKind, Spanned};
use crate::syntax::words::PRETRAINED_KEYS;
use serde_json::{Map, Value};

/// The longest noise vector, and the most classes.
const MOST: usize = 100_000;

/// The mechanism that `pretrained "file"` stands for.
pub(super) fn pretrained_file(file: &Spanned<String>) -> Mechanism {
    let kind = MechanismKind::Pretrained {
        file: file.value.clone(),
        inputs: None,
        sha256: None,
        reading: Reading::default(),
        labels: vec![],
        classes: vec![],
    };
    Mechanism { kind, span: file.span }
}

impl Lowering {
    /// `pretrained { … }`, which stands at `span`.
    pub(super) fn pretrained(&mut self, block: &Block, span: Span) -> Option<MechanismKind> {
        let (mut file, mut inputs, mut sha256) = (None, None, None);
        let (mut reading, mut labels, mut classes) = (Reading::default(), vec![], vec![]);
        for entry in &block.entries {
            match (entry.key.value.as_str(), entry.value.as_ref().map(|v| &v.kind)) {
                ("file", Some(SettingKind::Scalar(Scalar::Text(path)))) => file = Some(path.clone()),
                ("key", Some(SettingKind::Scalar(Scalar::Text(key)))) => reading.key = Some(key.clone()),
                ("inputs", Some(SettingKind::List(items))) => inputs = Some(self.inputs(items)),
                ("sha256", Some(SettingKind::Scalar(Scalar::Text(digest)))) => {
                    sha256 = self.digest(digest, entry).or(sha256);
                }
                ("latent", Some(_)) => reading.latent = self.count(entry, 0, MOST).unwrap_or_default(),
                ("noise", Some(SettingKind::Scalar(value))) => match value.text() {
                    "first" => reading.noise_last = false,
                    "last" => reading.noise_last = true,
                    _ => self.not_a_value(entry, "write `noise: first` or `noise: last`"),
                },
                ("range", Some(SettingKind::Scalar(Scalar::Text(text)))) => {
                    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                    match [Range::Signed, Range::Unit].into_iter().find(|range| range.text() == plain) {
                        Some(range) => reading.range = Some(range),
                        None => self.not_a_value(entry, "write `range: \"[-1,1]\"` or `range: \"[0,1]\"`"),
                    }
                }
                ("layers", Some(SettingKind::Items(items))) => reading.layers = self.layers(items).or(reading.layers),
                ("layers", Some(SettingKind::List(items))) => {
                    let bare = |item: &Spanned<Scalar>| {
                        (
                            Name { value: item.value.text().to_owned(), span: item.span },
                            Block { span: item.span, ..Block::default() },
                        )
                    };
                    let items: Vec<(Name, Block)> = items.iter().map(bare).collect();
                    reading.layers = self.layers(&items).or(reading.layers);
                }
                ("labels", Some(SettingKind::Block(maps))) => labels.extend(self.labels(maps)),
                ("classes", Some(SettingKind::Block(maps))) => {
                    for map in &maps.entries {
                        let count = self.count(map, 1, MOST);
                        classes.extend(self.variable(&map.key).zip(count));
                    }
                }
                (key, _) if PRETRAINED_KEYS.contains(&key) => {
                    let title = format!("`{key}` is not written like this");
                    let found = Diagnostic::new("E0101", title).label(entry.span, "here");
                    self.report(found.help(form(key)));
                }
                (key, _) => self.unknown_key(key, entry.key.span, "`pretrained`", &PRETRAINED_KEYS),
            }
        }
        if file.is_none() {
            let found = Diagnostic::new("E0103", "which file holds the mechanism?").label(span, "`file` is missing");
            self.report(found.help(example("mechanism")));
        }
        Some(MechanismKind::Pretrained { file: file?, inputs, sha256, reading, labels, classes })
    }

    fn not_a_value(&mut self, entry: &Entry, help: &str) {
        let found = Diagnostic::new("E0404", format!("this is no value of `{}`", entry.key.value));
        self.report(found.label(entry.span, "here").help(help));
    }

    /// A SHA-256 digest, whole or its beginning.
    fn digest(&mut self, digest: &str, entry: &Entry) -> Option<String> {
        let digits = digest.trim_end_matches('…');
        if digits.chars().all(|c| c.is_ascii_hexdigit()) && (8..=64).contains(&digits.len()) {
            return Some(digits.to_lowercase());
        }
        let found = Diagnostic::new("E0404", "this is no SHA-256 digest").label(entry.span, "here");
        self.report(found.help("it has 64 hexadecimal digits; the first 8 or more are enough"));
        None
    }

    fn inputs(&mut self, items: &[Spanned<Scalar>]) -> Vec<VarId> {
        let mut inputs = vec![];
        for item in items {
            let name = Spanned { value: item.value.text().to_owned(), span: item.span };
            inputs.extend(self.variable(&name));
        }
        inputs
    }

    /// `{ C: [1, 0] }`: per variable the file's class of each value.
    fn labels(&mut self, maps: &Block) -> Vec<(VarId, Vec<usize>)> {
        let mut labels = vec![];
        for map in &maps.entries {
            let items = match map.value.as_ref().map(|v| &v.kind) {
                Some(SettingKind::List(items)) => items.as_slice(),
                _ => &[],
            };
            let class = |item: &Spanned<Scalar>| match item.value {
                Scalar::Number(n, _) if n.fract() == 0.0 && (0.0..MOST as f64).contains(&n) => Some(n as usize),
                _ => None,
            };
            match items.iter().map(class).collect::<Option<Vec<usize>>>().filter(|classes| !classes.is_empty()) {
                Some(classes) => labels.extend(self.variable(&map.key).map(|variable| (variable, classes))),
                None => self.not_a_value(map, "write the file's class of each value: `labels: { C: [1, 0] }`"),
            }
        }
        labels
    }

    fn layers(&mut self, items: &[(Name, Block)]) -> Option<Vec<Layer>> {
        items.iter().map(|(name, block)| self.layer(name, block)).collect()
    }

    fn layer(&mut self, name: &Name, block: &Block) -> Option<Layer> {
        if !LAYERS.contains(&name.value.as_str()) {
            let found = Diagnostic::new("E0108", format!("there is no layer `{}`", name.value));
            let found = found.label(name.span, "unknown");
            self.report(match closest(&name.value, LAYERS) {
                Some(near) => suggest(found, near, name.span),
                None => found.help(format!("the layers are {}; ONNX files hold any others", list(LAYERS))),
            });
            return None;
        }
        let mut settings = Map::from_iter([("layer".to_owned(), Value::from(name.value.as_str()))]);
        for entry in &block.entries {
            let value = entry.value.as_ref().and_then(|value| json(&value.kind)).unwrap_or(Value::Null);
            settings.insert(entry.key.value.clone(), value);
        }
        let read = serde_json::from_value::<Layer>(Value::Object(settings.clone()));
        let layer = read.map_err(|error| error.to_string()).and_then(|layer| {
            let known = serde_json::to_value(&layer).unwrap_or_default();
            match settings.keys().find(|key| known.get(key.as_str()).is_none()) {
                Some(key) => Err(format!("it has no `{key}`")),
                None => Ok(layer),
            }
        });
        layer
            .map_err(|why| {
                let found = Diagnostic::new("E0404", format!("this is no layer `{}`", name.value));
                self.report(found.label(name.span.to(block.span), why).help(layer_form(&name.value)));
            })
            .ok()
    }
}

/// A setting of a layer as JSON; `None` for forms that no layer has.
fn json(kind: &SettingKind) -> Option<Value> {
    match kind {
        SettingKind::Scalar(scalar) => scalar_json(scalar),
        SettingKind::List(items) => {
            items.iter().map(|item| scalar_json(&item.value)).collect::<Option<Vec<_>>>().map(Value::from)
        }
        _ => None,
    }
}

fn scalar_json(scalar: &Scalar) -> Option<Value> {
    match scalar {
        Scalar::Number(n, _) if n.fract() == 0.0 && (0.0..1e15).contains(n) => Some(Value::from(*n as u64)),
        Scalar::Number(n, _) => Some(Value::from(*n)),
        Scalar::Text(text) => Some(Value::from(text.as_str())),
        Scalar::Name(_) => None,
    }
}

fn form(key: &str) -> &'static str {
    match key {
        "layers" => "write `layers: [linear { name: \"fc\" }, relu, …]`",
        "labels" => "write the file's class of each value: `labels: { C: [1, 0] }`",
        "classes" => "write the file's number of classes: `classes: { C: 3 }`",
        "range" => "write `range: \"[-1,1]\"` or `range: \"[0,1]\"`",
        "noise" => "write `noise: first` or `noise: last`",
        "latent" => "write the length of the noise: `latent: 100`",
        "key" => "write the entry with the weights: `key: \"state_dict\"`",
        _ => example("mechanism"),
    }
}

fn layer_form(layer: &str) -> &'static str {
    match layer {
        "conv" => "write `conv { name: \"conv1\", stride: 1, padding: 1 }`",
        "conv_transpose" => "write `conv_transpose { name: \"main.0\", stride: 2, padding: 1 }`",
        "batch_norm" => "write `batch_norm { name: \"main.1\" }`",
        "linear" => "write `linear { name: \"fc\" }`",
        "leaky_relu" => "write `leaky_relu { slope: 0.2 }`",
        "scale" => "write `scale { factor: 2, shift: -1 }`: factor · v + shift",
        "max_pool" => "write `max_pool { size: 2 }`",
        "reshape" => "write `reshape { shape: [100, 1, 1] }`: channels, height, width",
        _ => "write its name alone",
    }
}
