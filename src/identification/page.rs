//! Findings as one page to learn from: formulas, their derivations step by step on the graph, hedges, numbers. No
//! scripts, no requests; formulas are MathML, which browsers and screen readers know.

use super::explain::{effect_text, step_text, why_not};
use super::tables::{Sheet, sheet};
use super::{Finding, Pair, Report, Term, Verdict, bounds_text, worlds_text};
use crate::causal::identify::{
    Effect, Estimand, Forest, Hedge, Identified, Names, Rule, Step, Witness, no_value, project,
};
use crate::causal::{Admg, c_components_of};
use crate::diag::Sources;
use crate::model::{Model, VarId};
use crate::render::{Direction, Drawing, Edge, Marks, document, escape, illustration};

/// What the page adds to the style of all pages.
const STYLE: &str = include_str!("page.css");
/// Graphs of more variables are drawn once and not for every step.
const DRAWN: usize = 60;
/// Colours of c-components.
const HUES: [&str; 6] = ["d0", "d1", "d2", "d3", "d4", "d5"];

/// The findings as an HTML page; `sources` are the texts of the model.
pub fn page(model: &Model, reports: &[Report], sources: &Sources, direction: Direction) -> String {
    let title = escape(model.title.as_deref().unwrap_or("Causal model"));
    let mut page = Page::new(model, sources, direction);
    let count = |verdict| reports.iter().filter(|r| r.finding.identifiable() == verdict).count();
    let remark = format!(
        "{} identifiable, {} not, {} open: which questions the declared data answer, how, or why not.",
        count(Some(true)),
        count(Some(false)),
        count(None)
    );
    let whole = page.figure(&page.drawing.clone(), &Marks::default());
    let mut main = format!(
        "<figure tabindex=\"0\" aria-label=\"The causal graph\">{whole}<figcaption>Solid arrows are causes, dashed ones hidden \
         common causes.</figcaption></figure>\n"
    );
    for (number, report) in reports.iter().enumerate() {
        main += &page.query(number + 1, report);
    }
    document("dcmc identify", &title, &remark, STYLE, &main)
}

/// The part of [`page`] about one query, for pages with the same style; `number`, from 1, tells its ids from those of others.
pub fn section(model: &Model, report: &Report, sources: &Sources, direction: Direction, number: usize) -> String {
    Page::new(model, sources, direction).query(number, report)
}

struct Page<'a> {
    model: &'a Model,
    sources: &'a Sources,
    direction: Direction,
    drawing: Drawing,
    /// The query that figures belong to, and how many it has so far: each has an id of its own.
    number: usize,
    figures: usize,
}

impl<'a> Page<'a> {
    fn new(model: &'a Model, sources: &'a Sources, direction: Direction) -> Self {
        Self { model, sources, direction, drawing: Drawing::of(model).described(model, sources), number: 0, figures: 0 }
    }

    fn figure(&mut self, drawing: &Drawing, marks: &Marks) -> String {
        self.figures += 1;
        let id = format!("figure{}-{}", self.number, self.figures);
        illustration(drawing, self.sources, self.direction, marks, &id)
    }

    fn query(&mut self, number: usize, report: &Report) -> String {
        (self.number, self.figures) = (number, 0);
        let finding = &report.finding;
        let (class, verdict) = match finding.identifiable() {
            Some(true) => ("yes", "identifiable"),
            Some(false) => ("no", "not identifiable"),
            None => ("open", "not established"),
        };
        let mut html = format!(
            "<section class=\"query\" aria-labelledby=\"query{number}\">\n<header><h2 id=\"query{number}\">{}</h2>\
             <p class=\"verdict {class}\">{verdict}</p></header>\n<p class=\"asked\"><code>{}</code></p>\n",
            escape(&finding.name),
            escape(&finding.query)
        );
        for (at, term) in finding.terms.iter().enumerate() {
            html += &if finding.repeats(at) { self.again(term) } else { self.term(finding, term) };
        }
        if let Some(values) = &report.values {
            html += &format!("<h3>In numbers</h3>\n{}", table(&sheet(self.model, values), "What the formula gives"));
            let bounds = bounds_text(self.model, &values.bounds);
            bounds.iter().for_each(|line| html += &format!("<p>{}.</p>\n", escape(line)));
        }
        match &report.counterexample {
            Some(Ok(pair)) => html += &pair_html(self.model, pair),
            Some(Err(why)) => html += &format!("<p>{}.</p>\n", escape(why)),
            None => {}
        }
        html + "</section>\n"
    }

    /// A term that differs from an earlier one only in its values.
    fn again(&self, term: &Term) -> String {
        format!("<h3><code>{}</code></h3>\n<p>As above.</p>\n", escape(&effect_text(self.model, term)))
    }

    fn term(&mut self, finding: &Finding, term: &Term) -> String {
        let mut html = String::new();
        if finding.terms.len() > 1 {
            html += &format!("<h3><code>{}</code></h3>\n", escape(&effect_text(self.model, term)));
        }
        let data = escape(&term.data.join(", "));
        html += &match &term.verdict {
            Verdict::Open(why) => format!("<p>Not established: {}.</p>\n", escape(why)),
            Verdict::Identified(found) => self.identified(term, found, &data),
            Verdict::NotIdentified(witness) => self.not_identified(term, witness, &data),
            Verdict::Worlds(worlds) => {
                format!("<pre>{}</pre>\n", escape(&worlds_text::to_text(self.model, term, worlds)))
            }
        };
        html
    }

    // ---- yes ----

    fn identified(&mut self, term: &Term, found: &Identified, data: &str) -> String {
        let (node, regime) =
            (|v| self.model.name(v).to_owned(), |r: usize| term.data.get(r).cloned().unwrap_or_default());
        let names = &Names { node: &node, value: &no_value, regime: &regime };
        let sought = term.effect().formula();
        let method = escape(&found.method.text(names));
        let mut html = format!("<p>From {data}: {method}.</p>\n{}", formula(Some(&sought), &found.estimand, names));
        html += &format!(
            "<details><summary>as text and as LaTeX</summary><pre><code>{}</code></pre><pre><code>{}</code></pre></details>\n",
            escape(&found.estimand.text(names)),
            escape(&found.estimand.latex(names))
        );
        if found.derivation.is_empty() {
            return html + "<p class=\"why\">It is read off as it stands: no step is needed.</p>\n";
        }
        let steps: String = found.derivation.iter().map(|step| self.step(term, step)).collect();
        let cuts = steps.contains("edge cut") || steps.contains("hidden cut");
        let shown = |(class, _): &&(&str, &str)| match *class {
            "k-known" => !term.effect().evidence.is_empty(),
            "k-set" => !term.effect().interventions.is_empty(),
            "k-cut" => cuts,
            _ => true,
        };
        let entries: Vec<(&str, &str)> = ROLES.iter().filter(shown).copied().collect();
        html + &format!("<h3>Step by step</h3>\n{}<ol class=\"steps\">\n{steps}</ol>\n", key(&entries))
    }

    fn step(&mut self, term: &Term, step: &Step) -> String {
        let figure = match self.model.variables.len() <= DRAWN {
            true => {
                let marks = self.marks_of(term, step);
                let drawing = self.drawing.clone();
                format!(
                    "<figure tabindex=\"0\" aria-label=\"Where the rule applies\">{}</figure>",
                    self.figure(&drawing, &marks)
                )
            }
            false => String::new(),
        };
        let (node, regime) =
            (|v| self.model.name(v).to_owned(), |r: usize| term.data.get(r).cloned().unwrap_or_default());
        let names = &Names { node: &node, value: &no_value, regime: &regime };
        format!(
            "<li><div><h4>{}</h4><p>{}.</p><p class=\"why\">{}</p>{}</div><div>{figure}</div></li>\n",
            rule_name(step.rule),
            escape(&sentence(&step_text(self.model, term, step))),
            rule_words(step.rule),
            formula(None, &step.expression, names)
        )
    }

    fn marks_of(&self, term: &Term, step: &Step) -> Marks {
        let inside = |v: VarId| v >= self.model.variables.len() || step.graph.nodes.contains(&v);
        let parts = match step.rule {
            Rule::Districts => c_components_of(&self.model.graph, &step.graph.nodes),
            _ => vec![step.set.clone()],
        };
        let hue = |v: VarId| parts.iter().position(|part| part.contains(&v)).map(|at| HUES[at % HUES.len()]);
        let node = |v: VarId| match (inside(v), hue(v)) {
            (false, _) if !term.effect().interventions.contains(&v) => "faint",
            (_, Some(hue)) => with_role(term, v, hue),
            _ => with_role(term, v, ""),
        };
        let edge = |edge: &Edge| {
            let both = edge.hidden || edge.from >= self.model.variables.len();
            // The front door is checked with one cut for each of its conditions: no picture shows them together.
            let cut = step.rule != Rule::FrontDoor
                && (step.graph.cut_into.contains(&edge.to)
                    || (both && step.graph.cut_into.contains(&edge.from))
                    || (!both && step.graph.cut_out_of.contains(&edge.from)));
            match (cut, inside(edge.from) && inside(edge.to)) {
                (true, _) => "cut",
                (false, false) if !term.effect().interventions.contains(&edge.from) || edge.hidden => "faint",
                _ => "",
            }
        };
        Marks {
            nodes: (0..self.drawing.nodes.len()).map(node).collect(),
            edges: self.drawing.edges.iter().map(edge).collect(),
        }
    }

    // ---- no ----

    fn not_identified(&mut self, term: &Term, witness: &Witness, data: &str) -> String {
        let words = why_not(self.model, term, witness);
        let words: String = words.iter().map(|w| format!("<li>{}.</li>\n", escape(&sentence(w)))).collect();
        let mut html = format!(
            "<p>Not from {data}: two models of this graph agree on all of it and differ in the answer.</p>\n<ul>\n{words}</ul>\n"
        );
        if self.model.variables.len() > DRAWN {
            return html;
        }
        let drawing = self.without(&witness.hidden);
        for hedge in &witness.hedges {
            let name = term.data.get(hedge.regime).map_or("the data", String::as_str);
            let marks = hedge_marks(&drawing, self.model.variables.len(), hedge);
            html += &format!(
                "<figure tabindex=\"0\" aria-label=\"The hedge in {0}\">{1}<figcaption>The hedge in {0}.{2}</figcaption></figure>\n",
                escape(name),
                self.figure(&drawing, &marks),
                key(&FORESTS)
            );
        }
        html
    }

    /// The drawing after variables that nobody sees are left out: through them run hidden causes.
    fn without(&self, hidden: &[VarId]) -> Drawing {
        if hidden.is_empty() {
            return self.drawing.clone();
        }
        let graph = project(&self.model.graph, hidden);
        let nodes = self.drawing.nodes[..self.model.variables.len()].to_vec();
        Drawing { nodes, edges: edges_of(&graph), ..self.drawing.clone() }
    }
}

/// The edges of a graph, without places in the source.
fn edges_of(graph: &Admg) -> Vec<Edge> {
    let mut edges = vec![];
    for to in 0..graph.len() {
        edges.extend(graph.parents(to).iter().map(|&from| Edge { from, to, hidden: false, span: None }));
        let later = graph.spouses(to).iter().filter(|&&from| from > to);
        edges.extend(later.map(|&from| Edge { from: to, to: from, hidden: true, span: None }));
    }
    edges
}

fn hedge_marks(drawing: &Drawing, variables: usize, hedge: &Hedge) -> Marks {
    let (f, inner) = (&hedge.f, &hedge.f_prime);
    let holds = |forest: &Forest, edge: &Edge| match (edge.hidden, edge.from >= variables) {
        (true, _) => forest.bidirected.contains(&(edge.from.min(edge.to), edge.from.max(edge.to))),
        // A hidden cause of many is drawn as a node: the tree edge runs through it to a sibling.
        (false, true) => {
            let sibling = |v: VarId| drawing.edges.iter().any(|e| e.from == edge.from && e.to == v);
            forest.bidirected.iter().any(|&(a, b)| (a == edge.to && sibling(b)) || (b == edge.to && sibling(a)))
        }
        (false, false) => forest.directed.contains(&(edge.from, edge.to)),
    };
    let mark = |in_f: bool, in_inner: bool| match (in_f, in_inner) {
        (_, true) => "fp",
        (true, false) => "f",
        (false, false) => "faint",
    };
    let edges: Vec<&'static str> = drawing.edges.iter().map(|e| mark(holds(f, e), holds(inner, e))).collect();
    let node = |v: VarId| match v >= variables {
        true => drawing
            .edges
            .iter()
            .zip(&edges)
            .filter(|(e, _)| e.from == v)
            .map(|(_, m)| *m)
            .find(|m| *m != "faint")
            .unwrap_or("faint"),
        false => mark(f.nodes.contains(&v), inner.nodes.contains(&v)),
    };
    Marks { nodes: (0..drawing.nodes.len()).map(node).collect(), edges }
}

/// The classes of a node with its part in the query and the hue of its c-component.
fn with_role(term: &Term, v: VarId, hue: &str) -> &'static str {
    const ROLE: [&str; 3] = ["set", "asked", "known"];
    let Effect { outcome, interventions, evidence } = term.effect();
    let role = [interventions, outcome, evidence].iter().position(|set| set.contains(&v));
    let hue = HUES.iter().position(|h| *h == hue);
    match (role, hue) {
        (None, None) => "",
        (Some(role), None) => ROLE[role],
        (None, Some(hue)) => FOCUSED[3][hue],
        (Some(role), Some(hue)) => FOCUSED[role][hue],
    }
}

const FOCUSED: [[&str; 6]; 4] = [
    ["set d0", "set d1", "set d2", "set d3", "set d4", "set d5"],
    ["asked d0", "asked d1", "asked d2", "asked d3", "asked d4", "asked d5"],
    ["known d0", "known d1", "known d2", "known d3", "known d4", "known d5"],
    ["focus d0", "focus d1", "focus d2", "focus d3", "focus d4", "focus d5"],
];

const ROLES: [(&str, &str); 4] =
    [("k-set", "set"), ("k-asked", "asked for"), ("k-known", "known"), ("k-cut", "edge cut by the rule")];
const FORESTS: [(&str, &str); 2] = [("k-fp", "F′: what is asked about"), ("k-f", "what F adds: the part that is set")];

fn key(entries: &[(&str, &str)]) -> String {
    let entry = |(class, text): &(&str, &str)| format!("<li><span class=\"{class}\"></span>{text}</li>");
    format!("<ul class=\"key\">{}</ul>\n", entries.iter().map(entry).collect::<String>())
}

fn formula(sought: Option<&Estimand>, estimand: &Estimand, names: &Names) -> String {
    let left = sought.map(|s| format!("{}<mo>=</mo>", s.mathml(names))).unwrap_or_default();
    format!(
        "<div class=\"formula\" tabindex=\"0\"><math display=\"block\" alttext=\"{}\"><mrow>{left}{}</mrow></math></div>\n",
        escape(&estimand.text(names)),
        estimand.mathml(names)
    )
}

fn rule_name(rule: Rule) -> &'static str {
    match rule {
        Rule::EvidenceToIntervention => "Knowing becomes setting",
        Rule::DropInterventions => "An intervention without effect is dropped",
        Rule::AddInterventions => "The experiment’s own intervention is added",
        Rule::InterventionToEvidence => "Setting becomes knowing",
        Rule::Adjustment => "Back-door adjustment",
        Rule::FrontDoor => "Front door",
        Rule::Districts => "The graph falls apart into c-components",
        Rule::Marginalisation => "What comes later is summed out",
        Rule::CFactor => "A c-factor is a product of conditionals",
        Rule::Conditioning => "Conditioning",
    }
}

/// Why a rule holds.
fn rule_words(rule: Rule) -> &'static str {
    match rule {
        Rule::EvidenceToIntervention => {
            "Cut the arrows out of it, and nothing connects it with the outcome any more: all that it tells about the outcome \
             is what it does to it. So seeing its value and setting it come to the same."
        }
        Rule::DropInterventions => {
            "No directed path leads from it to what is asked for once the other interventions hold their variables: setting \
             it moves nothing there."
        }
        Rule::AddInterventions => {
            "The data were collected while it was set. It has no effect on what is asked for, so the same numbers hold with \
             it set."
        }
        Rule::InterventionToEvidence => {
            "Cut the arrows out of it, and nothing connects it with the outcome: no hidden or other common cause mixes in, so \
             its effect is what one sees."
        }
        Rule::Adjustment => {
            "Within each value of the set the comparison is fair: every path into the cause is blocked, and no path by which \
             it acts is touched. Averaging over the set as it occurs gives the effect."
        }
        Rule::FrontDoor => {
            "The cause acts only through the set, nothing confounds cause and set, and the cause blocks every back door from \
             the set to the outcome. So both halves can be measured, and chained."
        }
        Rule::Districts => {
            "Variables joined by hidden causes belong together; between such groups there are only arrows. The distribution \
             under the intervention is one factor for each group, given its direct causes, summed over what is not asked for \
             (Tian and Pearl 2002)."
        }
        Rule::Marginalisation => {
            "The set contains all its own ancestors here, so the others can be summed out without touching how it comes \
             about."
        }
        Rule::CFactor => {
            "No hidden cause leaves the group, so along the order of causes each of its variables is read off given everything \
             before it."
        }
        Rule::Conditioning => {
            "The joint distribution is divided by that of the evidence, as for any conditional probability."
        }
    }
}

fn table(sheet: &Sheet, caption: &str) -> String {
    let mut html = String::new();
    if let [head, body @ ..] = &sheet.rows[..] {
        let heading: String = head.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escape(cell))).collect();
        let row = |row: &Vec<String>| {
            let cells: String = row[1..].iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
            format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(&row[0]))
        };
        let rows: String = body.iter().map(row).collect();
        html += &format!(
            "<div class=\"scroll\" tabindex=\"0\"><table aria-label=\"{caption}\"><thead><tr>{heading}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
        );
    }
    html + &sheet
        .notes
        .iter()
        .map(|note| format!("<p class=\"why\">{}.</p>\n", escape(&sentence(note))))
        .collect::<String>()
}

fn pair_html(model: &Model, pair: &Pair) -> String {
    let words: String = pair.sentences().iter().map(|s| format!("<p>{}.</p>\n", escape(&sentence(s)))).collect();
    let programs = pair.programs.iter().enumerate().map(|(at, program)| {
        format!("<div><h4>Model {}</h4><pre tabindex=\"0\"><code>{}</code></pre></div>", at + 1, escape(program))
    });
    format!(
        "<h3>Two models that show it</h3>\n{words}{}<div class=\"pair\">{}</div>\n",
        table(&pair.sheet(model), "The answers of the two models"),
        programs.collect::<String>()
    )
}

/// The text with a capital letter first.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
