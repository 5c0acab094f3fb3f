//! What the server can do, and what the editor can be asked for.

use super::answers::{TOKEN_MODIFIERS, TOKEN_TYPES};
use serde_json::{Value, json};

/// The server's half of the first exchange.
pub(super) fn capabilities() -> Value {
    json!({
        "positionEncoding": "utf-16",
        // Opening and closing are told, changes come as edits.
        "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": false } },
        "hoverProvider": true,
        "completionProvider": { "triggerCharacters": [":", "(", "[", "{", ",", "|", "=", ">", "~", "\"", "/"] },
        "signatureHelpProvider": { "triggerCharacters": ["(", "[", ",", "|"] },
        "definitionProvider": true,
        "referencesProvider": true,
        "documentHighlightProvider": true,
        "renameProvider": { "prepareProvider": true },
        "documentSymbolProvider": true,
        "foldingRangeProvider": true,
        "documentFormattingProvider": true,
        "inlayHintProvider": true,
        "codeActionProvider": { "codeActionKinds": ["quickfix", "source.fixAll.dcmc"] },
        "codeLensProvider": { "resolveProvider": true },
        "semanticTokensProvider": {
            "legend": { "tokenTypes": TOKEN_TYPES, "tokenModifiers": TOKEN_MODIFIERS },
            "full": true, "range": true,
        },
        "experimental": { "graph": true, "plan": true },
    })
}

/// Which of its views the editor draws anew when asked to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refresh {
    /// Inlay hints.
    pub hints: bool,
}

impl Refresh {
    /// From the editor's half of the first exchange.
    pub(super) fn of(params: &Value) -> Self {
        let workspace = &params["capabilities"]["workspace"];
        Self { hints: workspace["inlayHint"]["refreshSupport"] == true }
    }
}
