//! A plan in words.

use super::messages::merge_in_words;
use super::{HGraph, Module, Planned, Task};
use crate::causal::{Admg, Closure, Reason};
use crate::model::{Engine, Model, VarId};
use std::collections::BTreeMap;

/// The widest line, in characters.
const WIDTH: usize = 100;
/// Where the text of a line begins.
const INDENT: usize = 12;

/// A plan in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// How many modules and stages there are.
    pub summary: String,
    /// The modules in the order of the plan.
    pub modules: Vec<ExplainedModule>,
}

/// What there is to say about a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedModule {
    /// `H1`, `H2`, …
    pub id: String,
    /// Its stage and its engine.
    pub summary: String,
    /// What is trained, from which data, what is frozen and why, what it waits for.
    pub lines: Vec<Fact>,
}

/// A labelled sentence, e.g. `trains`: `A, D: they share hidden causes (D <-> A)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about: `trains`, `keeps`, `merged`, `from`, `frozen`, `because` or `order`.
    pub label: &'static str,
    /// What there is to say.
    pub text: String,
}

/// The plan in words: for each module what is trained, how, from which data, what is frozen and why, and
/// what it waits for.
pub fn explain(planned: &Planned, model: &Model) -> Explained {
    let plan = &planned.plan;
    let h_graph = match planned.options.hgraph {
        HGraph::Closure => "",
        HGraph::Paper => ", in the order of the paper's h-graph",
    };
    let summary = format!("{} in {}{h_graph}", count(plan.modules.len(), "module"), count(plan.stages.len(), "stage"));
    let explainer = Explainer::new(planned, model);
    let stages = plan.stages.iter().enumerate().flat_map(|(stage, ids)| ids.iter().map(move |_| stage + 1));
    let module = |(module, stage): (&Module, usize)| ExplainedModule {
        id: module.id.clone(),
        summary: format!("stage {stage}, engine {}", engine(module.engine)),
        lines: explainer.module(module),
    };
    Explained { summary, modules: plan.modules.iter().zip(stages).map(module).collect() }
}

/// What there is to say about one module.
pub fn explain_module(planned: &Planned, model: &Model, module: &Module) -> Vec<Fact> {
    Explainer::new(planned, model).module(module)
}

/// [`explain`] as text of which no line is wider than 100 columns.
pub fn to_text(planned: &Planned, model: &Model) -> String {
    let explained = explain(planned, model);
    let mut text = format!("{}\n", explained.summary);
    for module in &explained.modules {
        text += &format!("\n{:<10}  {}\n", module.id, module.summary);
        module.lines.iter().for_each(|fact| line(&mut text, fact.label, &fact.text));
    }
    text
}

struct Explainer<'a> {
    planned: &'a Planned,
    model: &'a Model,
    /// `G_do(I)` for the I of every task with ancestors.
    graphs: BTreeMap<Vec<String>, Admg>,
    /// The module of each variable that some task needs.
    owners: BTreeMap<&'a str, &'a str>,
}

impl<'a> Explainer<'a> {
    fn new(planned: &'a Planned, model: &'a Model) -> Self {
        let modules = &planned.plan.modules;
        let tasks = modules.iter().flat_map(|module| &module.tasks).filter(|task| !task.ancestors.is_empty());
        let mut graphs = BTreeMap::new();
        for task in tasks {
            let intervened = || model.graph.intervene(&numbers(model, &task.interventions));
            graphs.entry(task.interventions.clone()).or_insert_with(intervened);
        }
        let owner = |module: &'a Module| module.variables.iter().map(move |v| (v.as_str(), module.id.as_str()));
        Self { planned, model, graphs, owners: modules.iter().flat_map(owner).collect() }
    }

    fn module(&self, module: &Module) -> Vec<Fact> {
        let together = match module.variables.len() {
            1 => String::new(),
            _ => format!(": {}", self.what_joins(module)),
        };
        let verb = if module.engine == Engine::Pretrained { "keeps" } else { "trains" };
        let mut lines = vec![Fact { label: verb, text: format!("{}{together}", module.variables.join(", ")) }];
        lines.extend(self.merged_because(module).into_iter().map(|text| Fact { label: "merged", text }));
        if module.engine == Engine::Pretrained {
            let members = numbers(self.model, &module.variables).into_iter();
            let files = members.filter_map(|v| self.model.variables[v].pretrained());
            lines.extend(files.map(|(file, _)| Fact { label: "from", text: format!("the file {file}, as it is") }));
            return lines;
        }
        for task in &module.tasks {
            lines.push(Fact { label: "from", text: source(module, task) });
            self.ancestors(&mut lines, module, task);
        }
        lines.push(Fact { label: "order", text: self.order(module) });
        lines
    }

    /// The hidden causes that make the c-components.
    fn what_joins(&self, module: &Module) -> String {
        let members = numbers(self.model, &module.variables);
        let mut edges: Vec<String> = vec![];
        for (at, &a) in members.iter().enumerate() {
            let later = members[at + 1..].iter().filter(|b| self.model.graph.spouses(a).contains(b));
            edges.extend(later.map(|&b| format!("{} <-> {}", self.model.name(a), self.model.name(b))));
        }
        match module.c_components.len() {
            1 => format!("they share hidden causes ({})", edges.join(", ")),
            n if edges.is_empty() => format!("{n} c-components"),
            n => format!("{n} c-components ({})", edges.join(", ")),
        }
    }

    fn merged_because(&self, module: &Module) -> Vec<String> {
        if module.c_components.len() < 2 {
            return vec![];
        }
        let inside = |v: VarId| self.owners.get(self.model.name(v)) == Some(&module.id.as_str());
        let merges = self.planned.merges.iter().filter(|merge| inside(merge.members[0][0]));
        merges.flat_map(|merge| merge_in_words(self.model, merge, self.planned.options.hgraph)).collect()
    }

    fn ancestors(&self, lines: &mut Vec<Fact>, module: &Module, task: &Task) {
        let Some(graph) = self.graphs.get(&task.interventions) else { return };
        if task.ancestors.is_empty() {
            return;
        }
        let frozen = |name: &String| match self.owners.get(name.as_str()) {
            Some(owner) if *owner != module.id => format!("{name} (of {owner})"),
            _ => format!("{name} (trained along)"),
        };
        let names: Vec<String> = task.ancestors.iter().map(frozen).collect();
        lines.push(Fact { label: "frozen", text: names.join(", ") });
        let mut matched = task.teaches.clone();
        for reason in Closure::new(graph).reasons(&numbers(self.model, &task.teaches)) {
            lines.push(Fact { label: "because", text: self.because(module, &matched, &reason) });
            matched.push(self.model.name(reason.node).to_owned());
            matched.sort();
        }
    }

    /// The path that makes rule 2 fail, e.g. `D <-> A and D -> I -> A`.
    fn because(&self, module: &Module, matched: &[String], reason: &Reason) -> String {
        let name = |v: VarId| self.model.name(v);
        let node = name(reason.node);
        let mut path: Vec<&str> = reason.path.iter().map(|&v| name(v)).collect();
        path.push(name(reason.child));
        let path = path.join(" -> ");
        let (first, child) = (reason.path[0], reason.child);
        let starts_inside = matched.iter().any(|m| m == name(first));
        let path = match reason.spouse_of {
            _ if starts_inside && self.model.graph.spouses(first).contains(&child) => {
                format!("{} <-> {} and {path}", name(first), name(child))
            }
            Some(member) if !starts_inside => format!("{} <-> {path}", name(member)),
            _ => path,
        };
        let set = match matched.len() {
            0..=5 => matched.join(", "),
            _ if matched.len() == module.variables.len() => module.id.clone(),
            _ => format!("{} and the ancestors above", module.id),
        };
        format!("{node} is matched too: {path}, so P({set} | do({node})) is not P({set} | {node})")
    }

    fn order(&self, module: &Module) -> String {
        if module.after.is_empty() {
            return match module.engine {
                Engine::Likelihood => "needs no ancestors and waits for nothing: a row's likelihood splits by module",
                _ => "waits for nothing",
            }
            .to_owned();
        }
        let reason = |id: &String| {
            let mut held: Vec<&str> =
                module.tasks.iter().flat_map(|task| &task.ancestors).map(String::as_str).collect();
            held.retain(|name| self.owners.get(name) == Some(&id.as_str()));
            held.sort_unstable();
            held.dedup();
            match held.is_empty() {
                true => format!("{id} (the paper's h-graph)"),
                false => format!("{id} (trains {})", held.join(", ")),
            }
        };
        format!("waits for {}", module.after.iter().map(reason).collect::<Vec<_>>().join(", "))
    }
}

/// Which distribution of which data set is matched.
fn source(module: &Module, task: &Task) -> String {
    let intervention = match task.interventions.is_empty() {
        true => String::new(),
        false => format!("do({})", task.interventions.join(", ")),
    };
    let data = [task.data.as_str(), &intervention].join(" ");
    let data = data.trim_end();
    if module.engine == Engine::Likelihood {
        let given = match task.conditions.is_empty() {
            true => String::new(),
            false => format!(", with {} as in the row", task.conditions.join(", ")),
        };
        return format!("{data}: every row's likelihood of {}{given}", task.teaches.join(", "));
    }
    let mut matched = [&task.teaches[..], &task.ancestors].concat();
    matched.sort();
    let mut given = task.conditions.clone();
    given.extend((!intervention.is_empty()).then_some(intervention));
    let bar = if given.is_empty() { "" } else { " | " };
    let rows = match task.conditions.is_empty() {
        true => String::new(),
        false => format!(", {} taken from the rows", task.conditions.join(", ")),
    };
    format!("{data}: P({}{bar}{}){rows}", matched.join(", "), given.join(", "))
}

fn numbers(model: &Model, names: &[String]) -> Vec<VarId> {
    let mut numbers: Vec<VarId> = names.iter().filter_map(|name| model.id(name)).collect();
    numbers.sort_unstable();
    numbers
}

fn engine(engine: Engine) -> &'static str {
    match engine {
        Engine::Likelihood => "likelihood",
        Engine::WganGp => "wgan_gp",
        Engine::Diffusion => "diffusion",
        Engine::Pretrained => "pretrained",
    }
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A labelled line, wrapped between words; a word wider than the page is cut.
fn line(text: &mut String, label: &str, content: &str) {
    let room = WIDTH - INDENT;
    let mut rows: Vec<String> = vec![String::new()];
    for word in content.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        for (at, piece) in letters.chunks(room).enumerate() {
            let piece: String = piece.iter().collect();
            let last = rows.len() - 1;
            let used = rows[last].chars().count();
            if used == 0 {
                rows[last] = piece;
            } else if at == 0 && used + 1 + piece.chars().count() <= room {
                rows[last] = format!("{} {piece}", rows[last]);
            } else {
                rows.push(piece);
            }
        }
    }
    for (at, row) in rows.iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        text.push_str(&format!("  {label:<width$}{row}\n", width = INDENT - 2));
    }
}
