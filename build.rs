//! Puts the playground's page into the program, where `scripts/build-playground.sh` has built it.

use std::path::Path;

const FOLDER: &str = "editors/playground/dist";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(playground_page)");
    // Of a folder that is not there (in a published package) every build would think that it changed.
    if !Path::new(FOLDER).is_dir() {
        return;
    }
    println!("cargo::rerun-if-changed={FOLDER}");
    if Path::new(FOLDER).join("playground.html").is_file() {
        println!("cargo::rustc-cfg=playground_page");
    }
}
