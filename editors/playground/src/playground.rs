//! The requests of the page and their replies.

use crate::examples::{EXAMPLES, Example};
use crate::missing::assume_files;
use crate::problems::problems;
use crate::rows::Drawn;
use crate::units::Units;
use dcmc::diag::catalogue;
use dcmc::ide::{self, Analysis, Slow};
use dcmc::identification::{Known, Report, evaluate, judge, pair, section};
use dcmc::model::Query;
use dcmc::plan;
use dcmc::render::Direction;
use dcmc::syntax;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::path::Path;

/// The name of the text, as messages call it.
const NAME: &str = "model.scm";

/// A text and what is known of it.
#[derive(Default)]
pub struct Playground {
    analysis: Analysis,
    slow: Option<Slow>,
    drawn: Option<Drawn>,
}

/// What a page asks for.
#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
enum Request {
    /// What is quickly known of a new text: `words` (start, end, colour), `problems`, `queries`, `errors`.
    Check { text: String },
    /// The rest: all `problems`, the `plan`, the `graph`.
    Conclude { down: bool },
    /// The answer to query `at`, from 0: `verdict`, `html`.
    Query { at: usize, down: bool },
    /// The first rows of the data sets.
    Rows,
    /// The `text` in its one layout; null where it has mistakes.
    Format { text: String },
    /// The page of a `code`, as Markdown.
    Explain { code: String },
    /// Models to begin with: `group`, `name`, `title`, `text`.
    Examples,
}

impl Playground {
    /// The reply to a request, both JSON; `{"error": …}` to what is no request.
    pub fn reply(&mut self, request: &str) -> String {
        let reply = match serde_json::from_str(request) {
            Ok(Request::Check { text }) => self.check(text),
            Ok(Request::Conclude { down }) => self.conclude(direction(down)),
            Ok(Request::Query { at, down }) => self.query(at, direction(down)),
            Ok(Request::Rows) => self.rows(),
            Ok(Request::Format { text }) => json!({ "text": syntax::format(&text).ok() }),
            Ok(Request::Explain { code }) => json!({ "markdown": catalogue::entry(&code).map(|e| e.page) }),
            Ok(Request::Examples) => json!({ "examples": examples() }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        reply.to_string()
    }

    fn check(&mut self, text: String) -> Value {
        let none = |_: &Path| Err(io::Error::from(io::ErrorKind::NotFound));
        let mut analysis = Analysis::after(Some(&self.analysis), NAME, text, &none);
        assume_files(&mut analysis);
        *self = Self { analysis, ..Self::default() };
        let analysis = &self.analysis;
        let mut units = Units::of(analysis.text());
        let word = |p: ide::Painted| json!([units.at(p.span.start), units.at(p.span.end), format!("{:?}", p.colour)]);
        let words: Vec<Value> = ide::paint(analysis).into_iter().map(word).collect();
        let query = |q: &Query| json!({ "name": q.name, "text": q.text });
        json!({
            "words": words,
            "problems": problems(analysis, &analysis.program.diagnostics),
            "errors": analysis.program.has_errors(),
            "queries": analysis.program.model.queries.iter().map(query).collect::<Vec<_>>(),
            "data": analysis.program.model.regimes.len(),
        })
    }

    fn conclude(&mut self, direction: Direction) -> Value {
        if self.slow.is_none() {
            self.slow = self.analysis.conclude(&|| false);
        }
        let (analysis, slow) = (&self.analysis, self.slow.as_ref());
        let graph = match ide::graph(analysis, slow, direction) {
            Ok(svg) => json!({ "svg": svg, "empty": analysis.program.model.variables.is_empty() }),
            Err(why) => json!({ "message": why }),
        };
        let diagnostics = slow.map_or(&analysis.program.diagnostics, |s| &s.diagnostics);
        json!({ "problems": problems(analysis, diagnostics), "plan": self.plan(), "graph": graph })
    }

    fn plan(&self) -> Value {
        let Some(planned) = self.slow.as_ref().and_then(|s| s.conclusions.planned.as_ref()) else { return Value::Null };
        let explained = plan::explain(planned, &self.analysis.program.model);
        let module = |m: &plan::ExplainedModule| {
            let facts: Vec<Value> = m.lines.iter().map(|f| json!({ "label": f.label, "text": f.text })).collect();
            json!({ "id": m.id, "summary": m.summary, "facts": facts })
        };
        json!({ "summary": explained.summary, "modules": explained.modules.iter().map(module).collect::<Vec<_>>() })
    }

    fn query(&mut self, at: usize, direction: Direction) -> Value {
        let Self { analysis, drawn, .. } = self;
        let (program, schemas) = (&analysis.program, &analysis.schemas);
        let model = &program.model;
        let (Some(query), false) = (model.queries.get(at), program.has_errors()) else {
            return json!({ "error": "there is no such query, or the model has errors" });
        };
        let drawn = drawn.get_or_insert_with(|| Drawn::of(analysis));
        let finding = judge(model, schemas, query, Known::Declared);
        let verdict = finding.identifiable();
        let truth = program.truth.as_ref();
        let values = truth.map(|t| evaluate(model, schemas, query, Known::Declared, &drawn.distributions, Some(t)));
        let counterexample = (verdict == Some(false)).then(|| pair(model, &finding));
        let report = Report { finding, values, counterexample };
        let html = section(model, &report, &program.sources, direction, at + 1);
        json!({ "verdict": verdict, "html": html })
    }

    fn rows(&mut self) -> Value {
        let Self { analysis, drawn, .. } = self;
        if analysis.program.has_errors() {
            return json!({ "error": "the model has errors" });
        }
        let drawn = drawn.get_or_insert_with(|| Drawn::of(analysis));
        json!({ "sets": drawn.shown(&analysis.program.model) })
    }
}

fn direction(down: bool) -> Direction {
    if down { Direction::Down } else { Direction::Right }
}

fn examples() -> Vec<Value> {
    let title = |text: &str| text.split('"').nth(1).unwrap_or_default().to_owned();
    let example = |e: &Example| json!({ "group": e.group, "name": e.name, "title": title(e.text), "text": e.text });
    EXAMPLES.iter().map(example).collect()
}
