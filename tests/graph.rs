//! `dcmc graph` and the pictures of `dcmc plan`.

mod common;

use common::{dcmc, examples, folder};

#[test]
fn examples_are_drawn_with_and_without_their_plans() {
    for file in ["frontdoor.scm", "sachs.scm", "asia.scm", "synthetic7.scm"] {
        let plain = dcmc(&examples(), &["graph", file, "--to", "svg"]).expect(0).stdout;
        let planned = dcmc(&examples(), &["graph", file, "--to", "svg", "--plan"]).expect(0).stdout;
        let plan = dcmc(&examples(), &["plan", file, "--to", "svg"]).expect(0).stdout;
        assert_eq!(planned, plan);
        assert!(!plain.contains("class=\"module") && plan.contains("class=\"module"), "{file}");
        for svg in [plain, plan] {
            roxmltree::Document::parse(&svg).unwrap();
        }
        let page = dcmc(&examples(), &["plan", file, "--to", "html"]).expect(0).stdout;
        let words = dcmc(&examples(), &["plan", file]).expect(0).stdout;
        assert!(page.to_lowercase().contains(words.lines().next().unwrap()), "{file}");
    }
}

#[test]
fn the_extension_names_the_format_and_the_file_is_written() {
    let here = folder(&[("m.scm", "X -> Y\nX <-> Y\n")]);
    dcmc(here.path(), &["graph", "m.scm", "-o", "m.svg"]).expect(0);
    dcmc(here.path(), &["graph", "m.scm", "-o", "m.tex", "--direction", "down"]).expect(0);
    let read = |name: &str| std::fs::read_to_string(here.path().join(name)).unwrap();
    roxmltree::Document::parse(&read("m.svg")).unwrap();
    assert!(read("m.tex").contains("\\begin{tikzpicture}"));
    let wrong = dcmc(here.path(), &["graph", "m.scm", "-o", "m.xyz"]).expect(2);
    assert!(wrong.stderr.contains("--to") && wrong.stderr.contains("svg, tikz"), "{}", wrong.stderr);
    let none = dcmc(here.path(), &["graph", "m.scm"]).expect(2);
    assert!(none.stderr.contains("--to"), "{}", none.stderr);
    dcmc(here.path(), &["graph", "m.scm", "-o", "no/such/folder/m.svg"]).expect(2);
    dcmc(here.path(), &["plan", "m.scm", "--to", "svg", "--format", "json"]).expect(2);
}

#[test]
fn a_graph_with_mistakes_is_drawn_and_the_mistakes_are_said() {
    let text = "A -> B -> C -> A\nC -> D: nonsense\nC <-> D\nD: colour\nquery q: P(Z | do(A))\n";
    let here = folder(&[("m.scm", text)]);
    let drawn = dcmc(here.path(), &["graph", "m.scm", "--to", "svg", "--plan"]).expect(1);
    assert!(drawn.stderr.contains("E0301"), "{}", drawn.stderr);
    let svg = roxmltree::Document::parse(&drawn.stdout).unwrap();
    let titles: Vec<&str> =
        svg.descendants().filter(|n| n.tag_name().name() == "title").filter_map(|n| n.text()).collect();
    for edge in ["A -> B", "B -> C", "C -> A", "C <-> D"] {
        assert!(titles.iter().any(|t| t.starts_with(edge)), "{edge}: {titles:?}");
    }
}
