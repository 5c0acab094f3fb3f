#[test]
fn show() {
    let Ok(path) = std::env::var("SHOW") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let (_, d) = dcmc::syntax::parse(&text);
    println!("{}", dcmc::diag::render_human(&d, "demo.scm", &text, false));
}
