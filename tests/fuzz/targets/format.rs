//! The layout of a readable text is the same model, and its own layout.

#![no_main]

use dcmc::syntax::{format, parse};

/// The tree without places, as text.
fn tree(text: &str) -> String {
    let (ast, diagnostics) = parse(text);
    assert_eq!(diagnostics, []);
    let debug = format!("{ast:?}");
    let mut pieces = debug.split("Span { start: ");
    let mut bare = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        bare += piece.split_once('}').map_or(piece, |(_, rest)| rest);
    }
    bare
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(formatted) = format(&text) {
        assert_eq!(tree(&formatted), tree(&text), "{formatted}");
        assert_eq!(format(&formatted).as_deref(), Ok(&*formatted));
    }
});
