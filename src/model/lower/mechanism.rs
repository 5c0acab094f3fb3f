//! Blocks of declarations: `I: image[3,32,32] { mechanism: …; encode: … }`.

use super::Lowering;
use super::settings::read_setting;
use crate::diag::{Diagnostic, Span};
use crate::model::{Encoder, Mechanism, MechanismKind, Overrides, VarId, closest};
use crate::syntax::ast::{Block, Entry, Name, Scalar, Setting, SettingKind, Type, TypeArguments};
use crate::syntax::words::{DECLARATION_KEYS, MECHANISMS, TRAIN_KEYS};

impl Lowering {
    /// The settings of the declared variables `names`.
    pub(super) fn node_block(&mut self, names: &[Name], block: &Block) {
        let variables: Vec<VarId> = names.iter().filter_map(|n| self.model.id(&n.value)).collect();
        for entry in &block.entries {
            match (entry.key.value.as_str(), &entry.value) {
                ("mechanism", Some(value)) => {
                    let Some(mechanism) = self.mechanism(value, &variables) else { continue };
                    for &variable in &variables {
                        if let Some(first) = &self.model.variables[variable].mechanism {
                            let title = format!("`{}` has two mechanisms", self.model.name(variable));
                            let found = Diagnostic::new("E0202", title).label(entry.span, "the second");
                            self.diagnostics.push(found.label(first.span, "the first"));
                        } else {
                            self.model.variables[variable].mechanism = Some(mechanism.clone());
                        }
                    }
                }
                ("encode", Some(value)) => {
                    let Some(encoder) = self.encoder(value) else { continue };
                    variables.iter().for_each(|&v| self.model.variables[v].encoder = Some(encoder.clone()));
                }
                (key, _) if DECLARATION_KEYS.contains(&key) => {
                    let found = Diagnostic::new("E0103", format!("`{key}` needs a value")).label(entry.span, "here");
                    self.report(found.help(example(key)));
                }
                (key, _) if TRAIN_KEYS.contains(&key) => {
                    let all: Vec<&str> = names.iter().map(|n| n.value.as_str()).collect();
                    let title = format!("`{key}` is a setting of the module, not of the variable");
                    let found = Diagnostic::new("E0108", title).label(entry.key.span, "does not belong here");
                    self.report(found.help(format!("write `train {{{}}} {{ {key}: … }}`", all.join(", "))));
                }
                (key, _) => self.unknown_key(key, entry.key.span, "a declaration", &DECLARATION_KEYS),
            }
        }
    }

    fn mechanism(&mut self, value: &Setting, variables: &[VarId]) -> Option<Mechanism> {
        let empty = Block::default();
        let (name, block) = match &value.kind {
            SettingKind::Named(name, block) => (name.value.as_str(), block),
            SettingKind::Scalar(Scalar::Name(name)) => (name.as_str(), &empty),
            _ => {
                let found = Diagnostic::new("E0101", "`mechanism` is not written like this").label(value.span, "here");
                self.report(found.help(example("mechanism")));
                return None;
            }
        };
        let kind = match name {
            "mlp" => {
                let mut overrides = Overrides::default();
                let allowed = ["hidden", "noise"];
                for entry in &block.entries {
                    match allowed.contains(&entry.key.value.as_str()) {
                        true => {
                            if let Err(found) = read_setting(entry, &mut overrides) {
                                self.report(found);
                            }
                        }
                        false => self.unknown_key(&entry.key.value, entry.key.span, "`mlp`", &allowed),
                    }
                }
                self.model.settings.modules.push((variables.to_vec(), overrides));
                MechanismKind::Mlp
            }
            "diffusion" => MechanismKind::Diffusion { steps: self.steps(block) },
            "pretrained" => self.pretrained(block, value.span)?,
            other => {
                let span = Span::new(value.span.start, value.span.start + other.len());
                let found = Diagnostic::new("E0108", format!("there is no mechanism `{other}`")).label(span, "unknown");
                self.report(match closest(other, MECHANISMS) {
                    Some(near) => super::suggest(found, near, span),
                    None => found.help(format!("the mechanisms are {}", super::list(MECHANISMS))),
                });
                return None;
            }
        };
        Some(Mechanism { kind, span: value.span })
    }

    fn steps(&mut self, block: &Block) -> Option<usize> {
        let mut steps = None;
        for entry in &block.entries {
            if entry.key.value != "steps" {
                self.unknown_key(&entry.key.value, entry.key.span, "`diffusion`", &["steps"]);
                continue;
            }
            steps = self.count(entry, 1, 100_000);
        }
        steps
    }

    fn encoder(&mut self, value: &Setting) -> Option<Encoder> {
        let (file, block) = match &value.kind {
            SettingKind::File(file, block) => (Some(file.value.clone()), Some(block)),
            SettingKind::Scalar(Scalar::Text(file)) => (Some(file.clone()), None),
            SettingKind::Named(name, block) if name.value == "auto" => (None, Some(block)),
            SettingKind::Scalar(Scalar::Name(name)) if name == "auto" => (None, None),
            _ => {
                let found = Diagnostic::new("E0101", "`encode` is not written like this").label(value.span, "here");
                self.report(found.help(example("encode")));
                return None;
            }
        };
        let mut width = None;
        for entry in block.iter().flat_map(|b| &b.entries) {
            match (entry.key.value.as_str(), entry.value.as_ref().map(|v| &v.kind)) {
                ("to", Some(SettingKind::Type(Type { name, arguments: TypeArguments::Sizes(sizes), .. })))
                    if name.value == "vector" && sizes.len() == 1 && sizes[0] > 0 =>
                {
                    width = Some(sizes[0] as usize);
                }
                ("to", _) => {
                    let found = Diagnostic::new("E0402", "an image is encoded to a vector").label(entry.span, "here");
                    self.report(found.help("write `to: vector[16]`"));
                }
                (key, _) => self.unknown_key(key, entry.key.span, "`encode`", &["to"]),
            }
        }
        Some(Encoder { file, width, span: value.span })
    }

    /// A whole number from `low` to `high`; anything else is reported.
    pub(super) fn count(&mut self, entry: &Entry, low: usize, high: usize) -> Option<usize> {
        if let Some(SettingKind::Scalar(Scalar::Number(n, _))) = entry.value.as_ref().map(|v| &v.kind)
            && n.fract() == 0.0
            && (low as f64..=high as f64).contains(n)
        {
            return Some(*n as usize);
        }
        let title = format!("`{}` takes a whole number from {low} to {high}", entry.key.value);
        self.report(Diagnostic::new("E0404", title).label(entry.span, "here"));
        None
    }
}

pub(super) fn example(key: &str) -> &'static str {
    match key {
        "encode" => "write `encode: \"encoder.safetensors\" { to: vector[16] }`, or `encode: auto`",
        _ => {
            "write `mechanism: mlp { hidden: [256, 256] }`, `diffusion { steps: 100 }` or \
             `pretrained { file: \"gen.safetensors\", inputs: [D] }`"
        }
    }
}
