//! Reading never fails, and says where in the text the mistakes are.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (ast, diagnostics) = dcmc::syntax::parse(&text);
    let labels = diagnostics.iter().flat_map(|d| &d.labels).map(|l| l.span);
    let statements = ast.statements.iter().map(|s| s.span);
    for span in labels.chain(statements) {
        assert!(text.get(span.start..span.end).is_some(), "{span:?}");
    }
});
