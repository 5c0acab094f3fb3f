//! The front end on any text, every data set taken to hold every variable.

#![no_main]

use dcmc::data::Schema;
use dcmc::diag::{Diagnostic, Sources, render_human, render_json};
use dcmc::truth::Scm;
use dcmc::{model, plan, syntax, truth};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (ast, mut diagnostics) = syntax::parse(&text);
    let (model, found) = model::lower(&ast, truth::infer_domains);
    diagnostics.extend(found);
    diagnostics.extend(Scm::build(&model).err().into_iter().flatten());
    if !diagnostics.iter().any(Diagnostic::is_error) {
        let observed: Vec<_> = (0..model.variables.len()).collect();
        let regimes = model.regimes.iter();
        let schemas: Vec<_> =
            regimes.map(|r| Schema { name: r.name.clone(), observed: observed.clone() }).collect();
        match plan::make(&model, &schemas, plan::Options::default()) {
            Ok(planned) => drop(plan::to_text(&planned, &model)),
            Err(errors) => diagnostics.extend(errors),
        }
    }
    let sources = Sources::new("m.scm", text);
    render_human(&diagnostics, &sources, false);
    render_json(&diagnostics, &sources);
});
