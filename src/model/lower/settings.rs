//! `train { … }` blocks, and `--set` from the command line.

use super::{Lowering, list};
use crate::diag::{Diagnostic, Span};
use crate::model::{EngineChoice, Model, Overrides, closest};
use crate::syntax::ast::{Ast, Block, Entry, Setting, SettingKind, StatementKind};
use crate::syntax::words::{DEVICES, TRAIN_KEYS};

impl Lowering {
    pub(super) fn settings(&mut self, ast: &Ast) {
        for statement in &ast.statements {
            let StatementKind::Train { targets, block } = &statement.kind else { continue };
            let mut overrides = Overrides::default();
            self.read_block(block, &mut overrides);
            if targets.is_empty() {
                self.model.settings.global.extend(&overrides);
                continue;
            }
            let variables: Vec<_> = targets.iter().filter_map(|t| self.variable(t)).collect();
            for key in ["seed", "device", "modular", "ensemble", "image_memory"] {
                if let Some(entry) = block.entries.iter().find(|e| e.key.value == key) {
                    let title = format!("`{key}` holds for the whole run");
                    self.report(Diagnostic::new("E0108", title).label(entry.span, "move it to `train { … }`"));
                }
            }
            self.model.settings.modules.push((variables, overrides));
        }
    }

    fn read_block(&mut self, block: &Block, overrides: &mut Overrides) {
        for entry in &block.entries {
            if let Err(found) = read_setting(entry, overrides) {
                self.report(found);
            }
        }
        for entry in &block.entries {
            if let Some(Setting { kind: SettingKind::Named(_, inner), .. }) = &entry.value {
                self.read_block(inner, overrides);
            }
        }
    }
}

/// Reads one entry of a block of settings.
pub(super) fn read_setting(entry: &Entry, overrides: &mut Overrides) -> Result<(), Diagnostic> {
    let key = entry.key.value.as_str();
    if !TRAIN_KEYS.contains(&key) {
        return Err(unknown_key(key, entry.key.span, "`train`", &TRAIN_KEYS));
    }
    let Some(value) = &entry.value else {
        return Err(Diagnostic::new("E0103", format!("`{key}` needs a value")).label(entry.span, "here"));
    };
    let written = match &value.kind {
        SettingKind::Scalar(scalar) => scalar.text().to_owned(),
        SettingKind::Named(name, _) if key == "engine" => name.value.clone(),
        SettingKind::List(items) => {
            let items: Vec<&str> = items.iter().map(|i| i.value.text()).collect();
            items.join(",")
        }
        _ => return Err(Diagnostic::new("E0404", format!("`{key}` takes a plain value")).label(value.span, "here")),
    };
    set(overrides, key, &written).map_err(|why| {
        Diagnostic::new("E0404", format!("`{written}` is not a value of `{key}`")).label(value.span, why)
    })
}

/// E0108: `of` has no entry `key`.
pub(super) fn unknown_key(key: &str, span: Span, of: &str, keys: &[&str]) -> Diagnostic {
    let found = Diagnostic::new("E0108", format!("{of} has no setting `{key}`")).label(span, "unknown");
    match closest(key, keys.iter().copied()) {
        Some(near) => super::suggest(found, near, span),
        None => found.help(format!("it can have {}", list(keys))),
    }
}

/// Sets one setting from its text; `Err` says what it takes.
fn set(overrides: &mut Overrides, key: &str, text: &str) -> Result<(), String> {
    match key {
        "engine" => {
            overrides.engine = Some(match text {
                "auto" => EngineChoice::Auto,
                "likelihood" => EngineChoice::Likelihood,
                "wgan_gp" => EngineChoice::WganGp,
                _ => return Err("the engines are auto, likelihood and wgan_gp".to_owned()),
            });
        }
        "device" => overrides.device = Some(device(text)?),
        "hidden" => {
            let widths: Result<Vec<usize>, String> = text.split(',').map(|w| whole(w, 1, 65_536)).collect();
            let many = "takes whole numbers from 1 to 65536, such as 256,256";
            overrides.hidden = Some(widths.map_err(|_| many.to_owned())?);
        }
        "seed" => overrides.seed = Some(text.parse().map_err(|_| "takes a whole number from 0".to_owned())?),
        "lr" => overrides.lr = Some(real(text, 0.0, 10.0, true)?),
        "lambda" => overrides.lambda = Some(real(text, 0.0, 1e6, false)?),
        "dropout" => overrides.dropout = Some(real(text, 0.0, 0.99, false)?),
        "epochs" => overrides.epochs = Some(whole(text, 1, 10_000_000)?),
        "steps" => overrides.steps = Some(whole(text, 1, 100_000_000)?),
        "batch" => overrides.batch = Some(whole(text, 2, 1_000_000)?),
        "noise" => overrides.noise = Some(whole(text, 1, 65_536)?),
        "critic_steps" => overrides.critic_steps = Some(whole(text, 1, 1_000)?),
        "width" => overrides.width = Some(whole(text, 1, 1_024)?),
        "pac" => overrides.pac = Some(whole(text, 1, 1_000)?),
        "levels" => overrides.levels = Some(whole(text, 1, 1_000)?),
        "restarts" => overrides.restarts = Some(whole(text, 1, 10_000)?),
        "bootstrap" => overrides.bootstrap = Some(whole(text, 0, 10_000)?),
        "ensemble" => overrides.ensemble = Some(whole(text, 0, 1_000)?),
        "modular" => overrides.modular = Some(text.parse().map_err(|_| "takes true or false".to_owned())?),
        "image_memory" => overrides.image_memory = Some(whole(text, 0, 1_000_000_000)?),
        _ => overrides.samples = Some(whole(text, 100, 1_000_000_000)?),
    }
    Ok(())
}

fn device(text: &str) -> Result<String, String> {
    let (kind, ordinal) = text.split_once(':').unwrap_or((text, "0"));
    let known = DEVICES.contains(&kind) && ordinal.parse::<usize>().is_ok();
    known.then(|| text.to_owned()).ok_or_else(|| "takes auto, cpu, cuda, cuda:1 or metal".to_owned())
}

fn whole(text: &str, low: usize, high: usize) -> Result<usize, String> {
    let number = text.trim().parse::<f64>().ok().filter(|n| n.fract() == 0.0 && *n >= low as f64 && *n <= high as f64);
    number.map(|n| n as usize).ok_or_else(|| format!("takes a whole number from {low} to {high}"))
}

fn real(text: &str, low: f64, high: f64, open: bool) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|n| *n <= high && (*n > low || (!open && *n == low)));
    number.ok_or_else(|| format!("takes a number {} {low} up to {high}", if open { "above" } else { "from" }))
}

/// Applies `--set KEY=VALUE` for `train.KEY` and `train.NODES.KEY`; the command line wins over the file.
///
/// # Errors
/// What is wrong with the key or the value, as a sentence.
pub fn apply(model: &mut Model, key: &str, value: &str) -> Result<(), String> {
    let rest =
        key.strip_prefix("train.").ok_or_else(|| format!("there is no setting `{key}`; try `train.epochs=100`"))?;
    let (nodes, key) = rest.rsplit_once('.').map_or((None, rest), |(nodes, key)| (Some(nodes), key));
    if !TRAIN_KEYS.contains(&key) {
        let near = closest(key, TRAIN_KEYS)
            .map_or_else(|| format!("the settings are {}", list(TRAIN_KEYS)), |k| format!("did you mean `{k}`?"));
        return Err(format!("there is no setting `train.{key}`; {near}"));
    }
    let mut overrides = Overrides::default();
    set(&mut overrides, key, value).map_err(|why| format!("`{value}` is not a value of `train.{key}`: it {why}"))?;
    let Some(nodes) = nodes else {
        model.settings.global.extend(&overrides);
        return Ok(());
    };
    let names = nodes.trim_matches(['{', '}']).split(',').map(str::trim);
    let variables: Result<Vec<_>, String> =
        names.map(|n| model.id(n).ok_or_else(|| format!("there is no variable `{n}`"))).collect();
    model.settings.modules.push((variables?, overrides));
    Ok(())
}
