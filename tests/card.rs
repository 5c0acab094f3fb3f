//! The line that the project began with.

mod common;

use common::{dcmc, folder};

const CARD: &str = "D -> I -> A; D <-> A; I: image[3,32,32] pretrained \"mnist.safetensors\"\n";

#[test]
fn check_and_plan_accept_the_line_and_miss_its_file() {
    let here = folder(&[("card.scm", CARD)]);
    let checked = dcmc(here.path(), &["check", "card.scm"]).expect(0);
    assert!(checked.stderr.contains("W0609"), "{}", checked.stderr);
    let plan = dcmc(here.path(), &["plan", "card.scm", "--format", "json"]).expect(0).json();
    let expected = serde_json::json!([
        { "id": "H1", "variables": ["I"], "c_components": [["I"]], "after": [], "engine": "pretrained",
          "tasks": [{ "data": "obs", "do": [], "ancestors": [], "conditions": ["D"], "teaches": ["I"] }] },
        { "id": "H2", "variables": ["A", "D"], "c_components": [["A", "D"]], "after": ["H1"], "engine": "wgan_gp",
          "tasks": [{ "data": "obs", "do": [], "ancestors": ["I"], "conditions": [], "teaches": ["A", "D"] }] },
    ]);
    assert_eq!(plan["modules"], expected);
    assert_eq!(plan["order"], serde_json::json!(["H1", "H2"]));
    assert_eq!(plan["stages"], serde_json::json!([["H1"], ["H2"]]));
}
