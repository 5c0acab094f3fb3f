//! Findings about several worlds in words and as JSON.

use super::explain::{effect_text, step_text, why_not as why_no_hedge, witness_json};
use super::judge::ITSELF;
use super::{Term, Worlds};
use crate::causal::counterfactual::{
    Conflict, Contradiction, Demand, Formula, Identified, Inclusion, Joint, Names, Node, Obstacle, Setting, Term as At,
    Value, Verdict, Witness, World,
};
use crate::model::{Model, VarId};
use serde_json::{Value as Json, json};

/// What is said where the evidence has probability zero.
pub(super) const UNDEFINED: &str =
    "the evidence contradicts itself: its probability is zero, and there is nothing to ask";

/// One term as JSON, with the fields of [`to_json`](super::to_json).
pub(super) fn to_json(model: &Model, term: &Term, worlds: &Worlds) -> Json {
    let (mut estimand, mut witness, mut reason) = (Json::Null, Json::Null, Json::Null);
    let mut method_text = Json::Null;
    match &worlds.verdict {
        Verdict::Identified(found) => {
            estimand = printed(model, term, |names| {
                let formula = &found.formula;
                json!({ "text": formula.text(names), "latex": formula.latex(names), "tree": formula.json(names) })
            });
            method_text = json!(METHOD);
        }
        Verdict::Zero(why) => {
            estimand = json!({ "text": "0", "latex": "0", "tree": { "constant": 0 } });
            method_text = json!(contradiction(model, why));
        }
        Verdict::Undefined(why) => reason = json!(format!("{UNDEFINED}: {}", contradiction(model, why))),
        Verdict::NotIdentified(found) => witness = obstacle_json(model, term, found),
        Verdict::NotEstablished(_) => {}
    }
    let method = match &worlds.verdict {
        Verdict::Identified(_) | Verdict::Zero(_) => json!(if in_all_experiments(term) { "id*" } else { "ctf-id" }),
        _ => Json::Null,
    };
    json!({
        "factor": term.factor, "of": effect_text(model, term), "data": term.data, "method": method,
        "method_text": method_text, "estimand": estimand, "witness": witness, "reason": reason,
        "note": binary_note(model, term, worlds), "steps": steps(model, term, worlds),
    })
}

const METHOD: &str = "c-factors of the counterfactual graph";

fn in_all_experiments(term: &Term) -> bool {
    term.data.last().is_some_and(|name| name == ITSELF)
}

/// One term in words.
pub(super) fn to_text(model: &Model, term: &Term, worlds: &Worlds) -> String {
    let data = term.data.join(", ");
    let mut text = match &worlds.verdict {
        Verdict::Identified(found) => {
            let formula = printed(model, term, |names| found.formula.text(names));
            format!("  identifiable from {data}: {METHOD}\n    = {formula}\n")
        }
        Verdict::Zero(why) => format!("  zero: {}\n    = 0\n", contradiction(model, why)),
        Verdict::Undefined(why) => format!("  undefined: {UNDEFINED}\n    {}\n", contradiction(model, why)),
        Verdict::NotIdentified(witness) => {
            let mut text = match witness.obstacle {
                Obstacle::Conflict(_) => "  not identifiable from any experiments\n".to_owned(),
                Obstacle::Hedge(_) => format!("  not identifiable from {data}\n"),
            };
            why_not(model, term, worlds, witness).iter().for_each(|sentence| text += &format!("    {sentence}\n"));
            text
        }
        Verdict::NotEstablished(_) => String::new(),
    };
    for (at, step) in steps(model, term, worlds).iter().enumerate() {
        text += &format!("    {}. {}\n", at + 1, step.replace('\n', "\n       "));
    }
    text
}

/// The formula, where there is one.
pub(super) fn formula(model: &Model, term: &Term, worlds: &Worlds) -> Option<String> {
    match &worlds.verdict {
        Verdict::Identified(found) => Some(printed(model, term, |names| found.formula.text(names))),
        Verdict::Zero(_) => Some("0".to_owned()),
        _ => None,
    }
}

/// Prints with the names of the model.
fn printed<T>(model: &Model, term: &Term, print: impl FnOnce(&Names) -> T) -> T {
    let node = |v: VarId| model.name(v).to_owned();
    let value = |v: VarId, code: u32| value_json(model, v, code);
    let regime = |r: usize| term.data.get(r).cloned().unwrap_or_default();
    print(&Names { node: &node, value: &value, regime: &regime })
}

fn value_json(model: &Model, variable: VarId, code: u32) -> Json {
    model.value(variable, code).map_or(json!(code), |value| json!(value))
}

fn value_text(model: &Model, variable: VarId, code: u32) -> String {
    model.value_text(variable, code).unwrap_or_else(|| code.to_string())
}

/// `X = 1`; a variable whose value is not named is `X`.
pub(super) fn assigned(model: &Model, variable: VarId, value: At) -> String {
    match value {
        At::Code(code) => format!("{} = {}", model.name(variable), value_text(model, variable, code)),
        At::Any(_) => model.name(variable).to_owned(),
        At::Sum(_) => format!("{} as it is by itself", model.name(variable)),
    }
}

/// A copy by its variable and the first of its worlds: `Y[X = 0]`.
pub(super) fn copy_text(model: &Model, copy: &Node) -> String {
    seen_in(model, copy.variable, copy.worlds.first())
}

fn seen_in(model: &Model, variable: VarId, world: Option<&World>) -> String {
    let reduced = world.map(|world| reduced(model, variable, world)).unwrap_or_default();
    format!("{}{}", model.name(variable), world_text(model, &reduced))
}

fn world_text(model: &Model, world: &World) -> String {
    let setting = |(&v, setting): (&VarId, &Setting)| {
        let name = model.name(v);
        match setting {
            Setting::Value(Value::Code(code)) => format!("{name} = {}", value_text(model, v, *code)),
            Setting::Value(Value::Any(_)) => name.to_owned(),
            Setting::Potential(other) => format!("{name} = {name}{}", world_text(model, other)),
        }
    };
    let settings: Vec<String> = world.iter().map(setting).collect();
    if settings.is_empty() { String::new() } else { format!("[{}]", settings.join(", ")) }
}

fn world_json(model: &Model, world: &World) -> Json {
    let setting = |(&v, setting): (&VarId, &Setting)| {
        let value = match setting {
            Setting::Value(Value::Code(code)) => value_json(model, v, *code),
            Setting::Value(Value::Any(_)) => Json::Null,
            Setting::Potential(other) => world_json(model, other),
        };
        (model.name(v).to_owned(), value)
    };
    Json::Object(world.iter().map(setting).collect())
}

/// The settings of a world on which the variable depends there.
fn reduced(model: &Model, variable: VarId, world: &World) -> World {
    let (mut kept, mut seen, mut queue) = (World::new(), vec![variable], vec![variable]);
    while let Some(v) = queue.pop() {
        for &parent in model.graph.parents(v) {
            match world.get(&parent) {
                Some(setting) => _ = kept.insert(parent, setting.clone()),
                None if seen.contains(&parent) => {}
                None => {
                    seen.push(parent);
                    queue.push(parent);
                }
            }
        }
    }
    kept
}

fn contradiction(model: &Model, why: &Contradiction) -> String {
    let Contradiction { variable, values: [a, b], worlds: [first, second] } = why;
    let (a, b) = (assigned(model, *variable, *a), assigned(model, *variable, *b));
    let (x, y) = (seen_in(model, *variable, Some(first)), seen_in(model, *variable, Some(second)));
    match x == y {
        true => format!("{x} cannot be both {a} and {b}"),
        false => format!("{x} and {y} are the same here, and cannot be {a} and {b}"),
    }
}

/// Why two models agree on the data and differ in the answer, a sentence each.
pub(super) fn why_not(model: &Model, term: &Term, worlds: &Worlds, witness: &Witness) -> Vec<String> {
    let list = |set: &[VarId]| set.iter().map(|&v| model.name(v)).collect::<Vec<_>>().join(", ");
    let mut sentences = vec![];
    match &witness.obstacle {
        Obstacle::Conflict(conflict) => {
            let [first, second] = conflict.demands.each_ref().map(|demand| demand_text(model, conflict, demand));
            sentences.push(format!("{first}, but {second}"));
            let tied = match &conflict.path[..] {
                [one] => format!("both depend on the same noise of {}", model.name(*one)),
                path => format!("hidden causes tie them together: {}", bidirected(model, path).join(", ")),
            };
            sentences.push(format!(
                "{tied}; each experiment shows one value of {} at a time, never how the two go together (c-component {{{}}})",
                model.name(conflict.variable),
                list(&witness.component),
            ));
        }
        Obstacle::Hedge(hedge) => {
            let copies: Vec<String> = witness.copies.iter().map(|copy| copy_text(model, copy)).collect();
            sentences.push(format!("no data give the factor of {}", copies.join(", ")));
            sentences.extend(why_no_hedge(model, term, hedge));
        }
    }
    sentences.extend(binary_note(model, term, worlds));
    sentences
}

fn demand_text(model: &Model, conflict: &Conflict, demand: &Demand) -> String {
    let value = assigned(model, conflict.variable, demand.value);
    match (demand.copy.variable == conflict.variable, demand.value) {
        (true, At::Code(_)) => format!("{} is seen at {value}", copy_text(model, &demand.copy)),
        (true, At::Any(_)) => format!("{} has another value by itself", copy_text(model, &demand.copy)),
        (true, At::Sum(_)) => format!("{} takes each of its values", copy_text(model, &demand.copy)),
        (false, _) => format!("{} needs {value}", copy_text(model, &demand.copy)),
    }
}

fn bidirected(model: &Model, path: &[VarId]) -> Vec<String> {
    let edge = |pair: &[VarId]| (pair[0].min(pair[1]), pair[0].max(pair[1]));
    path.windows(2).map(edge).map(|(a, b)| format!("{} <-> {}", model.name(a), model.name(b))).collect()
}

fn obstacle_json(model: &Model, term: &Term, witness: &Witness) -> Json {
    let component: Vec<&str> = witness.component.iter().map(|&v| model.name(v)).collect();
    match &witness.obstacle {
        Obstacle::Hedge(hedge) => {
            let mut json = witness_json(model, term, hedge);
            json["c_component"] = json!(component);
            json
        }
        Obstacle::Conflict(conflict) => {
            let demand = |demand: &Demand| {
                let world = demand.copy.worlds.first().cloned().unwrap_or_default();
                let value = match demand.value {
                    At::Code(code) => value_json(model, conflict.variable, code),
                    At::Any(_) | At::Sum(_) => Json::Null,
                };
                json!({
                    "of": copy_text(model, &demand.copy), "variable": model.name(demand.copy.variable),
                    "world": world_json(model, &world), "needs": { model.name(conflict.variable): value },
                })
            };
            json!({
                "kind": "conflict", "c_component": component, "variable": model.name(conflict.variable),
                "worlds": conflict.demands.iter().map(demand).collect::<Vec<_>>(),
                "edges": bidirected(model, &conflict.path), "experiments_that_would_help": [],
            })
        }
    }
}

/// The formula that binary variables have although those of any domain have none.
fn binary_note(model: &Model, term: &Term, worlds: &Worlds) -> Option<String> {
    let Inclusion { above, below } = worlds.binary.as_ref()?;
    let formula = |formula: &Option<Formula>| match formula {
        Some(formula) => printed(model, term, |names| formula.text(names)),
        None => "0".to_owned(),
    };
    let joint = |joint: &Joint| match joint {
        Joint::Whole(whole) => formula(whole),
        Joint::Difference { without, other, .. } => format!("[{}] - [{}]", formula(without), formula(other)),
    };
    let names: Vec<&str> = worlds.binary.iter().flat_map(Inclusion::binary).map(|v| model.name(v)).collect();
    let quotient = match below {
        None => joint(above),
        Some(below) => format!("({}) / ({})", joint(above), joint(below)),
    };
    let verb = if names.len() == 1 { "has" } else { "have" };
    Some(format!(
        "only because {} {verb} two values, there is a formula: {quotient} (by P(e, x) = P(e) - P(e, not x))",
        names.join(", ")
    ))
}

/// The steps to the formula, each a line or two.
fn steps(model: &Model, term: &Term, worlds: &Worlds) -> Vec<String> {
    let Verdict::Identified(found) = &worlds.verdict else { return vec![] };
    let mut steps = vec![];
    let events = || worlds.query.outcome.iter().chain(&worlds.query.evidence);
    for event in events() {
        let nested = event.world.iter().filter(|(_, setting)| matches!(setting, Setting::Potential(_)));
        for (&v, setting) in nested {
            let Setting::Potential(other) = setting else { continue };
            let inner = seen_in(model, v, Some(other));
            steps.push(format!(
                "unnesting: {} in {} takes the value of {inner}, summed over unless it is given",
                model.name(v),
                seen_in(model, event.variable, Some(&event.world)),
            ));
        }
    }
    for event in events() {
        let kept = reduced(model, event.variable, &event.world);
        if kept.len() < event.world.len() {
            let written = format!("{}{}", model.name(event.variable), world_text(model, &event.world));
            let idle: Vec<&str> =
                event.world.keys().filter(|v| !kept.contains_key(v)).map(|&v| model.name(v)).collect();
            steps.push(format!(
                "{written} is {}: {} has no effect there",
                seen_in(model, event.variable, Some(&event.world)),
                idle.join(", ")
            ));
        }
    }
    steps.extend(found.graph.iter().filter_map(|copy| merged(model, copy)));
    steps.push(factorisation(model, found));
    for factor in &found.factors {
        let name = factor.source.and_then(|at| term.data.get(at)).map_or("data", String::as_str);
        let text = printed(model, term, |names| factor.formula.text(names));
        let mut step = format!("{} from {name}\n= {text}", q_text(model, &factor.copies));
        for more in factor.steps.iter().filter(|_| factor.steps.len() > 1) {
            step += &format!("\nby {}", step_text(model, term, more));
        }
        steps.push(step);
    }
    if worlds.other_cases {
        steps
            .push("where values of bare names are equal to others of the query, formulas of their own hold".to_owned());
    }
    steps.dedup();
    steps
}

/// The worlds in which a variable is the same though they are written differently.
fn merged(model: &Model, copy: &Node) -> Option<String> {
    let mut names: Vec<String> = copy.worlds.iter().map(|w| seen_in(model, copy.variable, Some(w))).collect();
    names.sort();
    names.dedup();
    (names.len() > 1).then(|| format!("{} are one: their causes have the same values there", names.join(" and ")))
}

/// `Q[X, Y = 1 | do(Z = 0)]`: the copies of a factor with the values of their parents outside it.
fn q_text(model: &Model, copies: &[Node]) -> String {
    let own = |copy: &Node| match copy.value {
        At::Sum(_) => model.name(copy.variable).to_owned(),
        value => assigned(model, copy.variable, value),
    };
    let inside: Vec<VarId> = copies.iter().map(|copy| copy.variable).collect();
    let mut parents: Vec<(VarId, At)> = copies.iter().flat_map(|copy| copy.parents.iter().copied()).collect();
    parents.retain(|(v, _)| !inside.contains(v));
    parents.sort_unstable();
    parents.dedup();
    let set = |&(v, value): &(VarId, At)| match value {
        At::Sum(_) => model.name(v).to_owned(),
        value => assigned(model, v, value),
    };
    let own: Vec<String> = copies.iter().map(own).collect();
    match parents.is_empty() {
        true => format!("P({})", own.join(", ")),
        false => {
            let parents: Vec<String> = parents.iter().map(set).collect();
            format!("P({} | do({}))", own.join(", "), parents.join(", "))
        }
    }
}

fn factorisation(model: &Model, found: &Identified) -> String {
    let side = |below: bool| -> Vec<String> {
        found.factors.iter().filter(|f| f.below == below).map(|f| q_text(model, &f.copies)).collect()
    };
    let (above, below) = (side(false), side(true));
    let product = |side: &[String]| if side.is_empty() { "1".to_owned() } else { side.join(" ") };
    let mut text = format!("c-components of the counterfactual graph: {}", product(&above));
    if !below.is_empty() {
        text += &format!("\ndivided by those of the evidence: {}", product(&below));
    }
    if found.cancelled > 0 {
        let plural = if found.cancelled == 1 { "a group of factors that does" } else { "groups of factors that do" };
        text += &format!("\n{plural} not depend on the outcome cancelled");
    }
    text
}
