//! Compiles the generated parser.

fn main() {
    let source = std::path::Path::new("src");
    cc::Build::new()
        .include(source)
        .file(source.join("parser.c"))
        .file(source.join("scanner.c"))
        .warnings(false)
        .compile("tree-sitter-dcm");
    println!("cargo:rerun-if-changed=src");
}
