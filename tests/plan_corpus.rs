//! The planner against the conformance corpus: 280 graphs with the plan expected of each.

use dcmc::data::Schema;
use dcmc::model::{DoValue, Model, Regime};
use dcmc::plan::{HGraph, Options, Plan, Planned, make};
use serde_json::{Value, json};

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn pairs(value: &Value) -> Vec<(&str, &str)> {
    value.as_array().into_iter().flatten().map(|edge| (strings(edge)[0], strings(edge)[1])).collect()
}

/// The model and the schemas of a case; its data sets set every value of their variables.
fn model_of(case: &Value) -> (Model, Vec<Schema>) {
    let mut model = Model::from_graph(&strings(&case["nodes"]), &pairs(&case["directed"]), &pairs(&case["bidirected"]));
    let mut schemas = vec![];
    for data in case["data"].as_array().into_iter().flatten() {
        let ids = |key: &str| strings(&data[key]).into_iter().map(|v| model.id(v).unwrap()).collect::<Vec<_>>();
        let name = data["name"].as_str().unwrap();
        let mut observed = ids("observed");
        observed.sort_unstable();
        let interventions = ids("do").into_iter().map(|v| (v, DoValue::Column)).collect();
        schemas.push(Schema { name: name.to_owned(), observed });
        model.regimes.push(Regime { interventions, ..Regime::named(name) });
    }
    (model, schemas)
}

/// The plan in the corpus's form: `after` by variables, stages by number, sorted.
fn in_the_corpus_form(plan: &Plan) -> Value {
    let variables = |id: &String| &plan.modules.iter().find(|m| &m.id == id).unwrap().variables;
    let module = |module: &dcmc::plan::Module| {
        let mut after: Vec<_> = module.after.iter().map(variables).collect();
        after.sort();
        let stage = 1 + plan.stages.iter().position(|ids| ids.contains(&module.id)).unwrap();
        let task = |task: &dcmc::plan::Task| {
            json!({"data": task.data, "do": task.interventions, "ancestors": task.ancestors,
                   "conditions": task.conditions})
        };
        json!({"variables": module.variables, "c_components": module.c_components, "after": after, "stage": stage,
               "tasks": module.tasks.iter().map(task).collect::<Vec<_>>()})
    };
    plan.modules.iter().map(module).collect()
}

fn sorted_by_variables(modules: &Value) -> Vec<Value> {
    let mut modules = modules.as_array().cloned().unwrap_or_default();
    for module in &mut modules {
        for key in ["after", "c_components"] {
            if let Some(list) = module[key].as_array_mut() {
                list.sort_by_key(ToString::to_string);
            }
        }
    }
    modules.sort_by_key(|m| m["variables"].to_string());
    modules
}

/// The ids, the order and the stages must agree with each other.
fn check_form(plan: &Plan) {
    let ids: Vec<String> = (1..=plan.modules.len()).map(|at| format!("H{at}")).collect();
    assert_eq!(plan.order, ids);
    assert_eq!(plan.stages.concat(), ids);
    for module in &plan.modules {
        let place = |id: &String| plan.order.iter().position(|o| o == id).unwrap();
        assert!(module.after.iter().all(|before| place(before) < place(&module.id)));
        assert!(module.tasks.iter().all(|task| !task.teaches.is_empty()));
    }
}

#[test]
fn every_case_of_the_corpus_gets_its_plan() {
    let corpus = include_str!("data/plan.jsonl");
    let (mut cases, mut failures) = (0, vec![]);
    for (number, line) in corpus.lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (model, schemas) = model_of(&case);
        cases += 1;
        let agrees = match make(&model, &schemas, Options::default()) {
            Ok(Planned { plan, .. }) => {
                check_form(&plan);
                sorted_by_variables(&in_the_corpus_form(&plan)) == sorted_by_variables(&case["modules"])
                    && case["uncovered"].is_null()
            }
            Err(errors) => {
                let named = format!("{{{}}}", strings(&case["uncovered"]).join(", "));
                case["modules"].is_null()
                    && errors.iter().all(|e| e.code == "E0505")
                    && errors.iter().any(|e| e.message.contains(&named))
            }
        };
        if !agrees {
            let got = make(&model, &schemas, Options::default()).map(|p| in_the_corpus_form(&p.plan).to_string());
            failures.push(format!("line {}: {line}\n  got {got:?}", number + 1));
        }
    }
    assert_eq!(cases, 280);
    assert!(failures.is_empty(), "{} cases differ; first:\n{}", failures.len(), failures[0]);
}

#[test]
fn separation_agrees_with_its_corpus() {
    let corpus = include_str!("data/separation_dsep.jsonl");
    let mut verdicts = [0, 0];
    for line in corpus.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (model, _) = model_of(&case);
        let ids = |key: &str| strings(&case[key]).into_iter().map(|v| model.id(v).unwrap()).collect::<Vec<_>>();
        let expected = case["separated"].as_bool().unwrap();
        assert_eq!(dcmc::causal::m_separated(&model.graph, &ids("x"), &ids("y"), &ids("z")), expected, "{line}");
        verdicts[usize::from(expected)] += 1;
    }
    assert_eq!(verdicts.iter().sum::<usize>(), 1100);
    assert!(verdicts.iter().all(|&n| n > 100), "{verdicts:?}");
}

/// The edges of the paper's h-graph for a named case, as `{a, b} -> {c}`, sorted.
fn paper_edges(name: &str) -> Vec<String> {
    let named = |case: &Value| case["name"] == name;
    let corpus = include_str!("data/plan.jsonl");
    let case = corpus.lines().map(|line| serde_json::from_str(line).unwrap()).find(named).unwrap();
    let (model, schemas) = model_of(&case);
    let plan = make(&model, &schemas[..1], Options { hgraph: HGraph::Paper }).unwrap().plan;
    let set = |m: &dcmc::plan::Module| format!("{{{}}}", m.variables.join(", "));
    let before = |id: &String| set(plan.modules.iter().find(|m| &m.id == id).unwrap());
    let edges = |m: &dcmc::plan::Module| m.after.iter().map(|id| format!("{} -> {}", before(id), set(m))).collect();
    let mut edges: Vec<String> = plan.modules.iter().flat_map(|m| -> Vec<String> { edges(m) }).collect();
    edges.sort();
    edges
}

#[test]
fn the_papers_h_graphs_are_reproduced() {
    assert_eq!(paper_edges("front-door"), ["{I} -> {A, D}"]);
    assert_eq!(paper_edges("covid x-ray"), ["{Xray} -> {C, N}"]);
    assert_eq!(paper_edges("figure 2"), ["{Z1, Z2, Z3} -> {X1, X2}"]);
    assert_eq!(paper_edges("colored mnist 2"), ["{W} -> {Color, X1, X2}"]);
    assert_eq!(paper_edges("asia, smoke and bronc hidden"), ["{either} -> {dysp, lung}"]);
    assert_eq!(paper_edges("sachs, PKC hidden"), [""; 0]);
    assert_eq!(paper_edges("synthetic 7"), ["{W0} -> {X0, Y0}", "{W1} -> {X0, Y0}", "{W1} -> {X1, X2, Y1}"]);
    let (five, seventeen) = ("{V10, V11, V5, V6, V7, V8, V9}", "{V17, V18, V19, V20, V21, V22}");
    let (fourteen, last) = ("{V14, V15, V16}", "{V23, V24, V25, V26, V27}");
    let expected = [
        format!("{five} -> {fourteen}"),
        format!("{five} -> {seventeen}"),
        format!("{fourteen} -> {last}"),
        format!("{seventeen} -> {last}"),
        "{V2} -> {V1, V3}".to_owned(),
    ];
    assert_eq!(paper_edges("29 nodes"), {
        let mut expected = expected.to_vec();
        expected.sort();
        expected
    });
    assert_eq!(paper_edges("four-cycle merge"), [""; 0]);
}
