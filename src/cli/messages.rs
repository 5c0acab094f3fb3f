//! What every command has in common in what it says about a model.

use crate::diag::{ColorChoice, Diagnostic, MessageFormat, Sources, render};
use clap::Args;
use std::io::Write;

/// How diagnostics are printed.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Messages {
    /// When to colour the output.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    /// How to print errors, warnings and notes. They go to standard error; `check` prints json and sarif to
    /// standard output.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub message_format: MessageFormat,
    /// How many errors, warnings and notes to print at most; 0 prints all.
    #[arg(long, global = true, default_value_t = 50, value_name = "N")]
    pub max_errors: usize,
}

impl Messages {
    /// Whether the format is for programs.
    pub fn for_programs(self) -> bool {
        matches!(self.message_format, MessageFormat::Json | MessageFormat::Sarif)
    }

    /// The diagnostics in the chosen format, for standard error.
    pub fn text(self, diagnostics: &[Diagnostic], sources: &Sources) -> String {
        render(diagnostics, sources, self.message_format, self.max_errors, self.color.resolve(true))
    }

    /// Prints the diagnostics, if there are any, to standard error.
    pub fn tell(self, diagnostics: &[Diagnostic], sources: &Sources) {
        if !diagnostics.is_empty() {
            let _ = std::io::stderr().write_all(self.text(diagnostics, sources).as_bytes());
        }
    }
}
