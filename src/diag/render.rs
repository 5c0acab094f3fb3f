//! Renderers of diagnostics.

use super::Diagnostic;

/// Whether to colour what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// Colour on a terminal that has not asked for none.
    #[default]
    Auto,
    /// Colour.
    Always,
    /// No colour.
    Never,
}

/// The diagnostics as text with the source beside them.
pub fn render_human(_diagnostics: &[Diagnostic], _name: &str, _source: &str, _colour: bool) -> String {
    String::new()
}

/// The diagnostics as one JSON object (`{"schema": 1, "diagnostics": [...]}`).
pub fn render_json(diagnostics: &[Diagnostic]) -> serde_json::Value {
    serde_json::json!({ "schema": 1, "diagnostics": diagnostics })
}
