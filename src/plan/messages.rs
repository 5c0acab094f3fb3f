//! What the planner has to say: E0505, N0610, W0611, N0613.

use super::adversarial::Tasks;
use super::regimes::{Obstacle, Skipped, Training};
use super::support::Cell;
use super::{HGraph as Choice, NumberedTask, Plan, Task};
use crate::causal::{HGraph, Merge};
use crate::diag::Diagnostic;
use crate::model::{Domain, Engine, Model, VarId};
use std::collections::BTreeMap;

/// How many names a message lists before it says how many more there are.
const LISTED: usize = 8;

/// E0505: no task teaches all of a c-component. `tasks` finds out what an adversarial module would need;
/// `None` is a likelihood module.
pub(super) fn untaught(
    model: &Model,
    regimes: &[Training],
    c_component: &[VarId],
    mut tasks: Option<&mut Tasks>,
) -> Diagnostic {
    let parents = model.graph.parents_of(c_component);
    let set = braces(model, c_component);
    let mut diagnostic = Diagnostic::new("E0505", format!("no data set observes what the module {set} needs jointly"));
    for (at, &variable) in c_component.iter().take(LISTED).enumerate() {
        let message = if at == 0 { "no data set teaches this mechanism" } else { "it shares hidden causes with this" };
        diagnostic = diagnostic.label(model.variables[variable].span, message);
    }
    for (at, regime) in regimes.iter().enumerate() {
        let lack = lack(model, regime, at, c_component, &parents, tasks.as_deref_mut());
        diagnostic = match regime.span {
            Some(span) => diagnostic.label(span, format!("`{}` {lack}", regime.name)),
            None => diagnostic.note(format!("`{}` {lack}", regime.name)),
        };
    }
    let needed = match parents.is_empty() {
        true => format!("a data set must observe {} together", list(model, c_component)),
        false => format!(
            "a data set must observe {} together with the parents {}",
            list(model, c_component),
            list(model, &parents)
        ),
    };
    diagnostic.note(needed).help(format!(
        "add a data set with these columns that sets none of {}, or add the missing columns to one",
        list(model, c_component)
    ))
}

/// What keeps a regime from teaching all of a c-component, as the end of a sentence about it.
fn lack(
    model: &Model,
    regime: &Training,
    at: usize,
    c_component: &[VarId],
    parents: &[VarId],
    tasks: Option<&mut Tasks>,
) -> String {
    let set: Vec<VarId> = regime.sets.iter().copied().filter(|v| c_component.binary_search(v).is_ok()).collect();
    let lacking = |missing: &[VarId]| format!("lacks {}", list(model, missing));
    let missing = regime.missing(c_component.iter().chain(parents));
    if !set.is_empty() {
        let also = if missing.is_empty() { String::new() } else { format!(" and {}", lacking(&missing)) };
        return format!("sets {}, whose mechanism it then says nothing about{also}", list(model, &set));
    }
    if !missing.is_empty() {
        return lacking(&missing);
    }
    match tasks.and_then(|tasks| tasks.obstacle(at, c_component)) {
        Some(Obstacle::Missing(missing)) => format!("{}, to be matched along", lacking(&missing)),
        Some(obstacle) => in_words(model, &obstacle),
        None => "keeps rows by a variable that depends on them".to_owned(),
    }
}

/// An obstacle as the end of a sentence about the data set.
fn in_words(model: &Model, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Missing(missing) => format!("lacks {}", list(model, missing)),
        Obstacle::Selection(by) => format!("keeps rows by `{}`, which depends on what is taught", model.name(*by)),
        Obstacle::Unknown(ancestors) => {
            format!("needs {} trained before, which the other data sets do not settle", list(model, ancestors))
        }
    }
}

/// E0505: the regimes that teach a c-component leave out values of its parents.
pub(super) fn untaught_values(
    model: &Model,
    regimes: &[Training],
    c_component: &[VarId],
    cell: &Cell,
    taught_by: Vec<&str>,
) -> Diagnostic {
    let set = braces(model, c_component);
    let value = |&(variable, code): &(VarId, Option<u32>)| match (code, model.domain(variable)) {
        (Some(code), Some(domain)) => format!("{} = {}", model.name(variable), domain.value(code)),
        (Some(code), None) => format!("{} = {code}", model.name(variable)),
        (None, _) => format!("{} at other values", model.name(variable)),
    };
    let cell = cell.iter().map(value).collect::<Vec<_>>().join(", ");
    let names = taught_by.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let title = format!("no data set that teaches the module {set} has rows for all values of its parents");
    let mut diagnostic =
        Diagnostic::new("E0505", title).label(model.variables[c_component[0]].span, format!("not taught where {cell}"));
    for regime in regimes {
        if let Some(span) = regime.span {
            let teaches = taught_by.contains(&regime.name.as_str());
            let message = if teaches { "teaches it, but not there" } else { "does not teach it" };
            diagnostic = diagnostic.label(span, format!("`{}` {message}", regime.name));
        }
    }
    diagnostic
        .note(format!("{names} would train it at the values that were set or selected only"))
        .help(format!("add a data set that observes {} where {cell}", list(model, c_component)))
}

/// N0610: why c-components became one module.
pub(super) fn merges(model: &Model, plan: &Plan, merges: &[Merge], choice: Choice) -> Vec<Diagnostic> {
    let mut by_module: BTreeMap<usize, Vec<&Merge>> = BTreeMap::new();
    let merged = plan.modules.iter().enumerate().filter(|(_, module)| module.c_components.len() > 1);
    let owner: BTreeMap<VarId, usize> = merged
        .flat_map(|(at, module)| module.variables.iter().filter_map(move |name| Some((model.id(name)?, at))))
        .collect();
    for merge in merges {
        if let Some(&at) = owner.get(&merge.members[0][0]) {
            by_module.entry(at).or_default().push(merge);
        }
    }
    let message = |(at, merges): (usize, Vec<&Merge>)| {
        let module = &plan.modules[at];
        let components: Vec<String> = module.c_components.iter().map(|c| format!("{{{}}}", c.join(", "))).collect();
        let title = format!("{} trains {} c-components together", module.id, components.len());
        let mut diagnostic = Diagnostic::new("N0610", title);
        for needed in merges.iter().flat_map(|m| &m.cycles).flatten().take(LISTED) {
            let span = model.variables[needed.node].span;
            diagnostic = diagnostic.label(span, format!("`{}` is part of the cycle", model.name(needed.node)));
        }
        let sentences = merges.iter().flat_map(|merge| merge_in_words(model, merge, choice));
        sentences.fold(diagnostic, Diagnostic::note)
    };
    by_module.into_iter().map(message).collect()
}

/// The cycles of a merge, a sentence for each need.
pub(super) fn merge_in_words(model: &Model, merge: &Merge, choice: Choice) -> Vec<String> {
    if choice == Choice::Paper {
        let members: Vec<String> = merge.members.iter().map(|m| braces(model, m)).collect();
        return vec![format!("{} are on a cycle of the paper's h-graph", members.join(", "))];
    }
    let sentence = |need: &crate::causal::Need| {
        let (module, of) = (braces(model, &merge.members[need.module]), braces(model, &merge.members[need.of]));
        format!("{module} needs `{}` of {of} trained first", model.name(need.node))
    };
    merge.cycles.iter().flatten().map(sentence).collect()
}

/// W0611: ancestors that the paper's h-graph does not put before the module that needs them.
pub(super) fn untrained_ancestors(model: &Model, h_graph: &HGraph<Vec<NumberedTask>>) -> Vec<Diagnostic> {
    let mut owner = vec![0; model.graph.len()];
    for (at, h_node) in h_graph.nodes.iter().enumerate() {
        h_node.variables.iter().for_each(|&v| owner[v] = at);
    }
    let mut warnings = vec![];
    for h_node in h_graph.nodes.iter().filter(|h_node| !h_node.needs.is_empty()) {
        let before = all_before(h_graph, &h_node.after);
        let untrained: Vec<VarId> = h_node.needs.iter().copied().filter(|&v| !before[owner[v]]).collect();
        if untrained.is_empty() {
            continue;
        }
        let set = braces(model, &h_node.variables);
        let names = list(model, &untrained);
        let warning =
            Diagnostic::new("W0611", format!("the paper's h-graph lets the module {set} train before {names}"))
                .label(model.variables[untrained[0]].span, format!("matched along with {set}, so it must be trained"))
                .label(model.variables[h_node.variables[0]].span, "trained on untrained mechanisms in some orders")
                .note("the test of definition 4.3 looks at parents only, not at the ancestors matched with them")
                .help("leave out `--hgraph paper`: the order made from the closures trains every ancestor first");
        warnings.push(warning);
    }
    warnings
}

fn all_before<T>(h_graph: &HGraph<T>, after: &[usize]) -> Vec<bool> {
    let mut seen = vec![false; h_graph.nodes.len()];
    let mut queue = after.to_vec();
    while let Some(at) = queue.pop() {
        if !std::mem::replace(&mut seen[at], true) {
            queue.extend_from_slice(&h_graph.nodes[at].after);
        }
    }
    seen
}

/// N0613: per data set, the modules that it tells something about but does not train.
pub(super) fn skipped(model: &Model, regimes: &[Training], skipped: &[Skipped]) -> Vec<Diagnostic> {
    let mut by_regime: BTreeMap<usize, Vec<&Skipped>> = BTreeMap::new();
    for part in skipped {
        by_regime.entry(part.regime).or_default().push(part);
    }
    let message = |(regime, parts): (usize, Vec<&Skipped>)| {
        let regime = &regimes[regime];
        let variables: Vec<VarId> = parts.iter().flat_map(|part| &part.variables).copied().collect();
        let title = format!("the data set `{}` does not teach {}", regime.name, list(model, &variables));
        let mut diagnostic = Diagnostic::new("N0613", title);
        if let Some(span) = regime.span {
            diagnostic = diagnostic.label(span, "its rows train other modules only");
        }
        let reason =
            |part: &&Skipped| format!("{}: it {}", braces(model, &part.variables), in_words(model, &part.obstacle));
        parts.iter().take(LISTED).map(reason).fold(diagnostic, Diagnostic::note)
    };
    by_regime.into_iter().map(message).collect()
}

/// W0608: images that the critic of a module which does not draw them sees in full size.
pub(super) fn whole_images(model: &Model, plan: &Plan) -> Vec<Diagnostic> {
    let mut seen_by: BTreeMap<VarId, Vec<String>> = BTreeMap::new();
    for module in plan.modules.iter().filter(|m| m.engine == Engine::WganGp) {
        let shown = |task: &Task| [&task.teaches[..], &task.ancestors, &task.conditions].concat();
        let mut shown: Vec<VarId> = module.tasks.iter().flat_map(shown).filter_map(|name| model.id(&name)).collect();
        shown.sort_unstable();
        shown.dedup();
        let whole = |v: &VarId| {
            let variable = &model.variables[*v];
            let drawn = module.variables.iter().any(|name| name == model.name(*v));
            matches!(variable.domain, Some(Domain::Image(_))) && variable.encoder.is_none() && !drawn
        };
        for image in shown.into_iter().filter(whole) {
            seen_by.entry(image).or_default().push(format!("{} {{{}}}", module.id, module.variables.join(", ")));
        }
    }
    let warning = |(image, modules): (VarId, Vec<String>)| {
        let (name, variable) = (model.name(image), &model.variables[image]);
        let modules = modules.join(" and ");
        Diagnostic::new("W0608", format!("the image `{name}` enters the critic of {modules} without an encoder"))
            .label(variable.declared.unwrap_or(variable.span), "compared pixel by pixel")
            .note("a critic of few numbers learns their joint distribution much faster than one of many pixels")
            .help("give it a low-dimensional stand-in: `{ encode: auto { to: vector[16] } }` after its type")
    };
    seen_by.into_iter().map(warning).collect()
}

/// `` `A`, `B` and `C` ``, sorted; long lists end in how many more there are.
fn list(model: &Model, variables: &[VarId]) -> String {
    let mut names: Vec<String> = model.sorted_names(variables.iter().copied());
    names.iter_mut().for_each(|name| *name = format!("`{name}`"));
    if names.len() > LISTED {
        let more = names.len() - LISTED;
        names.truncate(LISTED);
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}

/// `{A, B}`, sorted; long sets end in an ellipsis.
pub(super) fn braces(model: &Model, variables: &[VarId]) -> String {
    let mut names = model.sorted_names(variables.iter().copied());
    if names.len() > LISTED {
        names.truncate(LISTED);
        names.push("…".to_owned());
    }
    format!("{{{}}}", names.join(", "))
}
