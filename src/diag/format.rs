//! How diagnostics are printed: in which format, in colour or not, and how many.

use super::{Diagnostic, Severity, Sources, human, json, sarif, short};
use std::io::IsTerminal;

/// Whether to colour what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// Colour on a terminal that has not asked for none (`NO_COLOR`, `CLICOLOR_FORCE`).
    #[default]
    Auto,
    /// Colour.
    Always,
    /// No colour.
    Never,
}

impl ColorChoice {
    /// The decision for a stream, standard error if `stderr`.
    pub fn resolve(self, stderr: bool) -> bool {
        let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0");
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if set("NO_COLOR") => false,
            Self::Auto if set("CLICOLOR_FORCE") => true,
            Self::Auto if stderr => std::io::stderr().is_terminal(),
            Self::Auto => std::io::stdout().is_terminal(),
        }
    }
}

/// The formats of diagnostics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MessageFormat {
    /// With the source beside each message.
    #[default]
    Human,
    /// One line each: `file:line:column: error[E0301]: message`.
    Short,
    /// JSON Lines: one object a line.
    Json,
    /// SARIF 2.1.0, for code scanning services and editors.
    Sarif,
}

/// The diagnostics in a format. At most `limit` are shown (0: all), errors before warnings before notes; the text
/// says how many are left out.
pub fn render(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    format: MessageFormat,
    limit: usize,
    colour: bool,
) -> String {
    let shown = select(diagnostics, limit);
    let left_out = diagnostics.len() - shown.len();
    match format {
        MessageFormat::Human => human::render(&shown, sources, colour) + &closing(diagnostics, left_out),
        MessageFormat::Short => short::render(&shown, sources) + &closing(diagnostics, left_out),
        MessageFormat::Json => json::lines(&shown, sources, left_out),
        MessageFormat::Sarif => sarif::render(&shown, sources, left_out),
    }
}

/// At most `limit` diagnostics (0: all) in their order; the less serious are left out first.
pub(super) fn select(diagnostics: &[Diagnostic], limit: usize) -> Vec<&Diagnostic> {
    let mut ranked: Vec<(usize, &Diagnostic)> = diagnostics.iter().enumerate().collect();
    if limit > 0 {
        ranked.sort_by_key(|(at, d)| (d.severity, *at));
        ranked.truncate(limit);
        ranked.sort_by_key(|(at, _)| *at);
    }
    ranked.into_iter().map(|(_, d)| d).collect()
}

/// The last lines: how many are left out, and after errors how many there are and where to read more.
fn closing(diagnostics: &[Diagnostic], left_out: usize) -> String {
    let mut text = String::new();
    if left_out > 0 {
        text += &format!("… and {left_out} more; `--max-errors 0` shows all\n");
    }
    if let Some(first) = diagnostics.iter().find(|d| d.is_error()) {
        let count = |severity, word: &str| {
            let n = diagnostics.iter().filter(|d| d.severity == severity).count();
            (n > 0).then(|| format!("{n} {word}{}", if n == 1 { "" } else { "s" }))
        };
        let counts = [count(Severity::Error, "error"), count(Severity::Warning, "warning")];
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        text += &format!("{}; `dcmc explain {}` says more\n", counts.join(" and "), first.code);
    }
    text
}
