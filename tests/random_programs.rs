//! Any text goes through the front end without a panic: valid programs, broken ones, and plain nonsense.

#[path = "common/programs.rs"]
mod programs;

use dcmc::data::Schema;
use dcmc::diag::{Diagnostic, Sources, render_human, render_json};
use dcmc::truth::Scm;
use dcmc::{model, plan, seed, syntax, truth};
use rand::Rng;

/// The stack that the program gives itself.
const STACK: usize = 64 << 20;

fn on_a_large_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap();
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// The whole front end on one text, as `dcmc check` without data files; what it finds.
fn front_end(text: &str) -> Vec<Diagnostic> {
    let (ast, mut diagnostics) = syntax::parse(text);
    let readable = diagnostics.is_empty();
    let (model, found) = model::lower(&ast, truth::infer_domains);
    diagnostics.extend(found);
    diagnostics.extend(Scm::build(&model).err().into_iter().flatten());
    if !diagnostics.iter().any(Diagnostic::is_error) {
        let observed: Vec<_> = (0..model.variables.len()).collect();
        let schema = |name: &String| Schema { name: name.clone(), observed: observed.clone() };
        let schemas: Vec<Schema> = model.regimes.iter().map(|r| schema(&r.name)).collect();
        match plan::make(&model, &schemas, plan::Options::default()) {
            Ok(planned) => assert!(!plan::to_text(&planned, &model).is_empty()),
            Err(errors) => diagnostics.extend(errors),
        }
    }
    let places = diagnostics.iter().flat_map(|d| &d.labels).map(|l| l.span);
    places.for_each(|s| assert!(s.start <= s.end && s.end <= text.len(), "{s:?}: outside of\n{text}"));
    let sources = Sources::new("m.scm", text);
    render_human(&diagnostics, &sources, false);
    render_json(&diagnostics, &sources);
    match syntax::format(text) {
        Ok(formatted) => {
            assert!(readable);
            assert_eq!(syntax::parse(&formatted).1, [], "{text}\n----\n{formatted}");
            assert_eq!(syntax::format(&formatted).as_deref(), Ok(&*formatted), "{text}");
        }
        Err(_) => assert!(!readable),
    }
    diagnostics
}

#[test]
fn most_random_programs_are_models() {
    on_a_large_stack(|| {
        let (count, mut valid, mut codes) = (400, 0, std::collections::BTreeMap::new());
        for number in 0..count {
            let text = programs::program(&mut seed::stream(number, "programs"));
            let errors: Vec<_> = front_end(&text).into_iter().filter(Diagnostic::is_error).collect();
            valid += u64::from(errors.is_empty());
            for error in errors {
                codes.entry(error.code).or_insert((error.message, text.clone()));
            }
        }
        assert!(valid * 2 > count, "{valid} of {count} are valid; {codes:#?}");
    });
}

#[test]
fn broken_programs_end_in_diagnostics() {
    on_a_large_stack(|| {
        let mut rng = seed::stream(1, "broken");
        let mut wrong = 0;
        for _ in 0..1500 {
            let text = programs::program(&mut rng);
            wrong += usize::from(!front_end(&programs::broken(&text, &mut rng)).is_empty());
        }
        assert!(wrong > 500, "{wrong}");
    });
}

#[test]
fn nonsense_ends_in_diagnostics() {
    on_a_large_stack(|| {
        let mut rng = seed::stream(1, "nonsense");
        for _ in 0..2000 {
            let length = rng.random_range(0..200);
            let bytes: Vec<u8> = (0..length).map(|_| rng.random::<u8>() >> rng.random_range(0..3)).collect();
            front_end(&String::from_utf8_lossy(&bytes));
        }
    });
}

#[test]
fn nasty_texts_end_in_time() {
    on_a_large_stack(|| nasty().iter().for_each(|text| drop(front_end(text))));
}

/// Texts of every size that a careless reader, or its stack, would stumble over.
fn nasty() -> Vec<String> {
    let truth = |line: String| format!("X\ntruth {{ X = {line} }}");
    let mut texts = vec![
        "\0".repeat(1000),
        "\u{feff}".repeat(1000) + "A -> B",
        "\u{202e}A -> \u{202d}B # \u{202e}".to_owned(),
        "👩‍🔬 -> 🧪".repeat(100),
        "A -> B\n".repeat(20_000),
        "A\u{301} -> ａ; ⅷ -> Ⅷ; ﬁ -> ﬁ'".to_owned(),
        format!("X: int[{0}..{0}]", "9".repeat(400)),
        format!("X: image[{}]", "9,".repeat(5000) + "9"),
        format!("X: categorical {{{}z}}", (0..5000).map(|i| format!("v{i}, ")).collect::<String>()),
        "X: binary\ndata d = simulate(truth, n: 99999999999999999999999, seed: -1e400)\ntruth { X = 1e400 }".to_owned(),
        "X: int[-9223372036854775808..9223372036854775807]\nquery q: P(X | do(X = -9223372036854775808))".to_owned(),
        truth("9".repeat(10_000)),
        truth("X".to_owned() + &" + X".repeat(100_000)),
        truth("-".repeat(100_000) + "1"),
        truth("not\t".repeat(100_000) + "1"),
        truth("if\tX\tthen\t1\telse\t".repeat(50_000) + "0"),
        truth("if(X)then(1)else(".repeat(5_000)),
        truth("if X then ".repeat(1_000)),
        truth("f(".repeat(190)),
        format!("query q: {}E[A]", "E[A] + ".repeat(20_000)),
        format!("expect {}1 < 2", "1 - ".repeat(100_000)),
        format!("expect {}1", "abs(".repeat(190)),
        format!("train {{ {}", "a: {".repeat(190)),
        format!("train {{ {}a: 1 {}", "a: b {".repeat(150), "}".repeat(151)),
        "A => ".to_owned() + &"( ".repeat(190) + &"x".repeat(10_000),
        "; ".repeat(50_000),
        "# (\n".repeat(5_000),
        "assert a(".to_owned() + &"[{(".repeat(60),
    ];
    for open in
        ["(", "[", "{", "\"", "`", "P(", "E[", "truth {", "truth { X = (", "do(", "<-", "\\", "data d = \"", "# "]
    {
        for times in [1, 30, 190, 20_000] {
            texts.push(open.repeat(times));
            texts.push(format!("query q: {}", open.repeat(times)));
            texts.push(format!("truth {{ X = {} }}", open.repeat(times)));
        }
    }
    texts
}
