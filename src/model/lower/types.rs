//! Declarations: `A: binary`.

use super::Lowering;
use super::pretrained::pretrained_file;
use crate::diag::Diagnostic;
use crate::model::{Domain, closest};
use crate::syntax::ast::{Ast, StatementKind, Type, TypeArguments};
use crate::syntax::words::TYPES;
use std::collections::BTreeSet;

/// The largest number of values of a discrete variable.
const MAX_VALUES: i64 = 10_000;

impl Lowering {
    pub(super) fn types(&mut self, ast: &Ast) {
        for statement in &ast.statements {
            let StatementKind::Declaration { names, type_, pretrained, block } = &statement.kind else { continue };
            let domain = domain(type_).map_err(|found| self.report(found)).ok();
            for name in names {
                let Some(id) = self.model.id(&name.value) else {
                    let title = format!("the latent variable `{}` cannot have a type", name.value);
                    self.report(
                        Diagnostic::new("E0304", title)
                            .label(name.span, "hidden: it has no data")
                            .help("the number of values of hidden causes is a setting: `train { levels: 8 }`"),
                    );
                    continue;
                };
                let variable = &mut self.model.variables[id];
                if let Some(first) = variable.declared {
                    let title = format!("`{}` has two types", name.value);
                    self.diagnostics.push(
                        Diagnostic::new("E0202", title).label(type_.span, "the second").label(first, "the first"),
                    );
                    continue;
                }
                variable.declared = Some(type_.span);
                variable.domain.clone_from(&domain);
                if let Some(file) = pretrained {
                    variable.mechanism = Some(pretrained_file(file));
                }
            }
            if let Some(block) = block {
                self.node_block(names, block);
            }
        }
    }
}

/// The domain a type stands for.
pub(crate) fn domain(written: &Type) -> Result<Domain, Diagnostic> {
    use TypeArguments as Args;
    match (written.name.value.as_str(), &written.arguments) {
        ("binary", Args::None) => Ok(Domain::Binary),
        ("real", Args::None) => Ok(Domain::REAL),
        ("real", Args::Range(low, high)) => bounded(written, *low, *high),
        ("int", Args::Range(Some(low), Some(high))) => range(written, *low, *high),
        ("int", Args::Range(..)) => Err(Diagnostic::new("E0403", "an `int` needs both bounds")
            .label(written.span, "without end on one side")
            .help("write `int[0..9]`; a number without a largest one is `real[0..]`")),
        ("categorical", Args::Sizes(sizes)) if sizes.len() == 1 => {
            values(written, sizes[0]).map(|k| Domain::Categorical(k as usize))
        }
        ("categorical", Args::Labels(_)) => labels(written),
        ("vector", Args::Sizes(sizes)) if sizes.len() == 1 && sizes[0] > 0 => Ok(Domain::Vector(sizes[0] as usize)),
        ("image", Args::Sizes(sizes)) if sizes.len() == 3 && sizes.iter().all(|s| (1..=4096).contains(s)) => {
            Ok(Domain::Image([sizes[0] as usize, sizes[1] as usize, sizes[2] as usize]))
        }
        (name, _) if TYPES.contains(&name) => Err(wrong_arguments(written)),
        (name, _) => {
            let found = Diagnostic::new("E0401", format!("there is no type `{name}`")).label(written.name.span, "here");
            let known = match name {
                "bool" | "boolean" | "bit" => Some("binary"),
                "float" | "double" | "numeric" | "continuous" => Some("real"),
                _ => closest(name, TYPES),
            };
            Err(match known {
                Some(near) => super::suggest(found, near, written.name.span),
                None => found.help(format!("the types are {}", TYPES.join(", "))),
            })
        }
    }
}

fn range(written: &Type, low: i64, high: i64) -> Result<Domain, Diagnostic> {
    if low > high {
        return Err(Diagnostic::new("E0403", "this range is empty")
            .label(written.span, format!("{low} is more than {high}"))
            .help(format!("write `int[{high}..{low}]`"))
            .fix(format!("write `int[{high}..{low}]`"), written.span, format!("int[{high}..{low}]")));
    }
    values(written, high.saturating_sub(low).saturating_add(1)).map(|_| Domain::Int { low, high })
}

fn bounded(written: &Type, low: Option<i64>, high: Option<i64>) -> Result<Domain, Diagnostic> {
    if low.zip(high).is_none_or(|(low, high)| low < high) {
        return Ok(Domain::Real { low: low.map(|low| low as f64), high: high.map(|high| high as f64) });
    }
    let title = "there are no real numbers between these bounds";
    Err(Diagnostic::new("E0403", title).label(written.span, "the lower bound comes first"))
}

fn values(written: &Type, count: i64) -> Result<i64, Diagnostic> {
    match count {
        i64::MIN..=0 => {
            Err(Diagnostic::new("E0403", "a variable needs at least one value").label(written.span, "none"))
        }
        1..=MAX_VALUES => Ok(count),
        _ => Err(Diagnostic::new("E0402", format!("a discrete variable can have at most {MAX_VALUES} values"))
            .label(written.span, "more than that")
            .help("use `real`")),
    }
}

fn labels(written: &Type) -> Result<Domain, Diagnostic> {
    let TypeArguments::Labels(names) = &written.arguments else { return Err(wrong_arguments(written)) };
    let mut seen = BTreeSet::new();
    match names.iter().find(|n| !seen.insert(&n.value)) {
        Some(twice) => {
            let title = format!("the label `{}` stands twice", twice.value);
            Err(Diagnostic::new("E0405", title).label(twice.span, "again here"))
        }
        None => Ok(Domain::Labels(names.iter().map(|n| n.value.clone()).collect())),
    }
}

fn wrong_arguments(written: &Type) -> Diagnostic {
    let example = match written.name.value.as_str() {
        "int" => "int[0..9]",
        "real" => "real, real[0..1], real[0..] or real[..10]",
        "categorical" => "categorical {red, green, blue} or categorical[3]",
        "vector" => "vector[64]",
        "image" => "image[3,32,32] (channels, height, width)",
        plain => plain,
    };
    Diagnostic::new("E0402", format!("`{}` is not written like this", written.name.value))
        .label(written.span, "here")
        .help(format!("write {example}"))
}
