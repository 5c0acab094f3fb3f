//! `data` statements.

use super::Lowering;
use crate::diag::{Diagnostic, Span};
use crate::model::{ColumnBinding, Comparison, DoValue, Filter, FilterTerm, ImageBinding, Regime, Source, VarId};
use crate::syntax::ast::{
    Assigned, Ast, Block, Condition, Data, DataSource, Entry, Name, Scalar, Setting, SettingKind, Spanned,
    StatementKind,
};
use crate::syntax::words::{DATA_KEYS, IMAGE_KEYS, SIMULATE_KEYS};

impl Lowering {
    /// Reads everything of the data statements but the values of their interventions, which need types.
    /// Returns the statement behind each regime.
    pub(super) fn data_sources(&mut self, ast: &Ast) -> Vec<usize> {
        let mut statements = vec![];
        for (at, statement) in ast.statements.iter().enumerate() {
            let StatementKind::Data(data) = &statement.kind else { continue };
            if let Some(first) = self.model.regimes.iter().find(|r| r.name == data.name.value) {
                let title = format!("two data sets are called `{}`", data.name.value);
                let found = Diagnostic::new("E0202", title).label(data.name.span, "the second");
                self.report(found.label(first.span, "the first"));
                continue;
            }
            let regime = self.regime(data, statement.span);
            self.model.regimes.push(regime);
            statements.push(at);
        }
        statements
    }

    /// Gives the interventions their values, now that the variables have types.
    pub(super) fn data_values(&mut self, ast: &Ast, statements: &[usize]) {
        for (regime, &at) in statements.iter().enumerate() {
            let StatementKind::Data(data) = &ast.statements[at].kind else { continue };
            for assigned in &data.interventions {
                let (Some(variable), Some(value)) = (self.model.id(&assigned.name.value), &assigned.value) else {
                    continue;
                };
                if let Some(code) = self.code(variable, value) {
                    let interventions = &mut self.model.regimes[regime].interventions;
                    interventions.iter_mut().filter(|i| i.0 == variable).for_each(|i| i.1 = DoValue::Fixed(code));
                }
            }
        }
    }

    fn regime(&mut self, data: &Data, span: Span) -> Regime {
        let source = match &data.source {
            DataSource::File(path) => Source::File { path: path.value.clone(), span: path.span },
            DataSource::Simulate { options, span } => self.simulated(options, *span),
        };
        let mut regime = Regime {
            name: data.name.value.clone(),
            span,
            source,
            interventions: vec![],
            columns: None,
            images: vec![],
            filter: None,
            weight: None,
            test: false,
            prefix: data.prefix.clone(),
        };
        for assigned in &data.interventions {
            self.intervention(assigned, &mut regime);
        }
        for entry in data.block.iter().flat_map(|b| &b.entries) {
            self.option(entry, &mut regime);
        }
        regime
    }

    fn simulated(&mut self, options: &[Entry], span: Span) -> Source {
        let (mut rows, mut seed) = (None, None);
        let reported = self.diagnostics.len();
        for option in options {
            let number = match option.value.as_ref().map(|v| &v.kind) {
                Some(SettingKind::Scalar(Scalar::Number(n, _))) if n.fract() == 0.0 && *n >= 0.0 => Some(*n),
                _ => None,
            };
            match (option.key.value.as_str(), number) {
                ("n", Some(n)) if (1.0..=1e9).contains(&n) => rows = Some(n as usize),
                ("seed", Some(n)) => seed = Some(n as u64),
                ("n" | "seed", _) => self.report(
                    Diagnostic::new("E0404", format!("`{}` takes a whole number", option.key.value))
                        .label(option.span, "here"),
                ),
                (other, _) => self.unknown_key(other, option.key.span, "`simulate`", &SIMULATE_KEYS),
            }
        }
        // What was written in its place was reported.
        if rows.is_none() && self.diagnostics.len() == reported {
            let found = Diagnostic::new("E0103", "how many rows should be simulated?").label(span, "`n` is missing");
            self.report(found.help("write `simulate(truth, n: 20000)`"));
        }
        Source::Simulate { rows: rows.unwrap_or(1), seed }
    }

    fn intervention(&mut self, assigned: &Assigned, regime: &mut Regime) {
        let Some(variable) = self.with_data(&assigned.name) else { return };
        if regime.interventions.iter().any(|i| i.0 == variable) {
            let title = format!("`{}` is set twice", assigned.name.value);
            return self.report(Diagnostic::new("E0202", title).label(assigned.name.span, "again here"));
        }
        // The value's code needs the variable's type; `data_values` puts it in.
        let value = if assigned.value.is_some() { DoValue::Fixed(0) } else { DoValue::Column };
        regime.interventions.push((variable, value));
    }

    /// The variable called `name`, which must not be hidden.
    fn with_data(&mut self, name: &Name) -> Option<VarId> {
        let Some(latent) = self.model.latents.iter().find(|l| l.name.as_deref() == Some(&name.value)) else {
            return self.variable(name);
        };
        let title = format!("the latent variable `{}` cannot have data", name.value);
        let found = Diagnostic::new("E0304", title).label(name.span, "hidden: no data set holds or sets it");
        let found = found.label(latent.span, "declared latent here");
        self.report(
            found.help(format!(
                "if it was measured, write `{} -> …` instead of `latent {} -> …`",
                name.value, name.value
            )),
        );
        None
    }

    fn option(&mut self, entry: &Entry, regime: &mut Regime) {
        let key = entry.key.value.as_str();
        match (key, entry.value.as_ref().map(|v| &v.kind)) {
            ("columns", Some(SettingKind::Block(block))) => regime.columns = Some(self.bindings(block)),
            ("images", Some(SettingKind::Block(block))) => {
                for entry in &block.entries {
                    self.image(entry, regime);
                }
            }
            ("where", Some(SettingKind::Condition(conditions))) => {
                regime.filter = Some(Filter { terms: conditions.iter().map(term).collect() });
            }
            ("weight", Some(SettingKind::Scalar(Scalar::Name(column) | Scalar::Text(column)))) => {
                regime.weight = Some((column.clone(), entry.span));
            }
            ("role", Some(SettingKind::Scalar(Scalar::Name(role)))) if role == "test" || role == "train" => {
                regime.test = role == "test";
            }
            _ if DATA_KEYS.contains(&key) => {
                let example = match key {
                    "columns" => "columns: { X: \"the column of X\", Y }",
                    "images" => "images: { I: \"file.npz\" }",
                    "where" => "where: regime == \"obs\"",
                    "weight" => "weight: count",
                    _ => "role: test",
                };
                let title = format!("`{key}` is not written like this");
                self.report(
                    Diagnostic::new("E0101", title).label(entry.span, "here").help(format!("write `{example}`")),
                );
            }
            _ => self.unknown_key(key, entry.key.span, "a data statement", &DATA_KEYS),
        }
    }

    /// `I: "digits.npz" { array: "x" }` or `I: { folder: "pngs", resize }`.
    fn image(&mut self, entry: &Entry, regime: &mut Regime) {
        let Some(variable) = self.with_data(&entry.key) else { return };
        if regime.images.iter().any(|b| b.variable == variable) {
            let title = format!("the images of `{}` are given twice", entry.key.value);
            return self.report(Diagnostic::new("E0202", title).label(entry.span, "again here"));
        }
        let mut binding = ImageBinding { variable, span: entry.span, ..ImageBinding::default() };
        let place = entry.value.as_ref().map_or(entry.span, |v| v.span);
        let settings = match entry.value.as_ref().map(|v| &v.kind) {
            Some(SettingKind::Scalar(Scalar::Text(path))) => {
                binding.file = Some((path.clone(), place));
                None
            }
            Some(SettingKind::File(path, block)) => {
                binding.file = Some((path.value.clone(), path.span));
                Some(block)
            }
            Some(SettingKind::Block(block)) => Some(block),
            _ => {
                let found = Diagnostic::new("E0101", "images are in a file, or in the variable's column");
                let help = "write `I: \"file.npz\"`, or `I: { folder: \"pictures\" }` for file names in the column";
                return self.report(found.label(entry.span, "here").help(help));
            }
        };
        for setting in settings.iter().flat_map(|b| &b.entries) {
            self.image_setting(setting, &mut binding);
        }
        regime.images.push(binding);
    }

    fn image_setting(&mut self, setting: &Entry, binding: &mut ImageBinding) {
        let key = setting.key.value.as_str();
        let written = match setting.value.as_ref().map(|v| &v.kind) {
            None => Some("true"),
            Some(SettingKind::Scalar(Scalar::Text(text) | Scalar::Name(text))) => Some(text.as_str()),
            Some(_) => None,
        };
        match (key, written, setting.value.is_some()) {
            ("array", Some(name), true) => binding.array = Some(name.to_owned()),
            ("folder", Some(path), true) => binding.folder = Some(path.to_owned()),
            ("resize", Some("true" | "false"), _) => binding.resize = written == Some("true"),
            ("convert", Some("true" | "false"), _) => binding.convert = written == Some("true"),
            _ if IMAGE_KEYS.contains(&key) => {
                let example = match key {
                    "array" => "array: \"x_train\"",
                    "folder" => "folder: \"pictures\"",
                    "resize" => "resize: true",
                    _ => "convert: true",
                };
                let found = Diagnostic::new("E0101", format!("`{key}` is not written like this"));
                self.report(found.label(setting.span, "here").help(format!("write `{example}`")));
            }
            _ => self.unknown_key(key, setting.key.span, "the images of a variable", &IMAGE_KEYS),
        }
    }

    fn bindings(&mut self, block: &Block) -> Vec<ColumnBinding> {
        let mut bindings: Vec<ColumnBinding> = vec![];
        for entry in &block.entries {
            let column = match entry.value.as_ref().map(|v| &v.kind) {
                None => entry.key.value.clone(),
                Some(SettingKind::Scalar(Scalar::Text(name) | Scalar::Name(name))) => name.clone(),
                Some(_) => {
                    let found = Diagnostic::new("E0101", "a column is named by a string").label(entry.span, "here");
                    self.report(found.help("write `X: \"the column of X\"`"));
                    continue;
                }
            };
            let Some(variable) = self.with_data(&entry.key) else { continue };
            if bindings.iter().any(|b| b.variable == variable) {
                let title = format!("`{}` has two columns", entry.key.value);
                self.report(Diagnostic::new("E0202", title).label(entry.span, "again here"));
                continue;
            }
            bindings.push(ColumnBinding { variable, column, span: entry.span });
        }
        bindings
    }
}

fn term(condition: &Condition) -> FilterTerm {
    FilterTerm {
        column: condition.column.value.clone(),
        op: Comparison::from_symbol(&condition.op),
        value: condition.value.value.text().to_owned(),
        span: condition.span,
    }
}

/// Applies `--set data.NAME=FILE`, `data.NAME.n=ROWS` and `data.NAME.seed=SEED` to the syntax tree.
///
/// # Errors
/// What is wrong with the key or the value, as a sentence.
pub fn set_data(ast: &mut Ast, key: &str, value: &str) -> Result<(), String> {
    let rest = key.strip_prefix("data.").unwrap_or(key);
    let (name, option) = match rest.rsplit_once('.') {
        Some((name, option @ ("n" | "seed"))) => (name, Some(option)),
        _ => (rest, None),
    };
    let mut sets = ast.statements.iter_mut().filter_map(|s| match &mut s.kind {
        StatementKind::Data(data) => Some(data),
        _ => None,
    });
    let data = sets.find(|d| d.name.value == name).ok_or_else(|| format!("there is no data set `{name}`"))?;
    match (option, &mut data.source) {
        (None, source) => {
            *source = DataSource::File(Spanned { value: value.to_owned(), span: data.name.span });
            Ok(())
        }
        (Some(option), DataSource::Simulate { options, span }) => {
            let number: f64 = value.parse().map_err(|_| format!("`{key}` takes a whole number"))?;
            let kind = SettingKind::Scalar(Scalar::Number(number, value.to_owned()));
            let key = Spanned { value: option.to_owned(), span: *span };
            options.retain(|o| o.key.value != option);
            options.push(Entry { key, value: Some(Setting { kind, span: *span }), span: *span });
            Ok(())
        }
        (Some(option), DataSource::File(_)) => {
            Err(format!("`{name}` is read from a file; `{option}` is for simulated data"))
        }
    }
}

impl Comparison {
    /// The comparison a symbol stands for; unknown symbols are `==`.
    pub(super) fn from_symbol(symbol: &str) -> Self {
        match symbol {
            "!=" => Self::Ne,
            "<" => Self::Lt,
            "<=" => Self::Le,
            ">" => Self::Gt,
            ">=" => Self::Ge,
            _ => Self::Eq,
        }
    }
}
