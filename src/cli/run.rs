//! `dcmc run` and its parts `train`, `query` and `eval`.

use super::messages::Messages;
use super::progress::{Mode, ModuleInfo, Progress};
use super::run_directory::{RunDirectory, sha256};
use super::session::{ALL, Session, Stop, pretty, print, taught, unidentified, usage};
use super::{CHECK_FAILED, Format, INTERRUPTED, MODEL_ERROR, ModelArguments, OK};
use crate::data::{self, Schema, Table};
use crate::diag::{self, Diagnostic};
use crate::identification::{self, Distribution, Known, distributions, evaluate};
use crate::model::{Domain, MechanismKind, Model, Query, QueryKind};
use crate::plan::{Options, Plan};
use crate::query::answer::{Answer, Answers};
use crate::query::{self, QueryError, Runtime};
use crate::report::{self, Report};
use crate::train::{Metric, TrainError, Trained, train_plan};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Arguments of the commands that train or use a trained model.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) model: ModelArguments,
    /// The run directory [default: MODEL.dcm beside the model].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:1, metal.
    #[arg(long)]
    device: Option<String>,
    /// The seed of everything random.
    #[arg(long)]
    seed: Option<u64>,
    /// Modules trained side by side [default: the number of processors].
    #[arg(long, short)]
    jobs: Option<usize>,
    /// Train one module only (and those it waits for).
    #[arg(long, value_name = "ID")]
    module: Option<String>,
    /// Answer queries that the data do not determine too, and mark those answers.
    #[arg(long)]
    allow_unidentified: bool,
    /// No progress.
    #[arg(long, short)]
    quiet: bool,
}

/// `dcmc query MODEL QUERY`.
#[derive(Args)]
pub(super) struct QueryArguments {
    #[command(flatten)]
    run: Arguments,
    /// The query, e.g. 'P(A | do(D = 1))'.
    query: String,
}

/// How much of a run to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Train, answer, report.
    Everything,
    /// Train.
    Training,
    /// Fit and expectations of what is trained.
    Evaluation,
}

/// A model with its data and trained modules.
pub(super) struct TrainedModel {
    pub(super) session: Session,
    plan: Plan,
    tables: Vec<Table>,
    trained: Vec<Trained>,
    directory: RunDirectory,
    metrics: Vec<Metric>,
}

impl TrainedModel {
    pub(super) fn modules(&self) -> Vec<&Trained> {
        self.trained.iter().collect()
    }

    /// Stops with E0701 where the data do not determine the query and that is not asked for all the same; otherwise says
    /// whether they do.
    pub(super) fn refuse_unidentified(&mut self, arguments: &Arguments, query: &Query) -> Result<Option<bool>, Stop> {
        let model = &self.session.model;
        let (found, identifiable) = unidentified(model, &schemas(self), &taught(model, &self.plan), query);
        match found {
            Some(found) if !arguments.allow_unidentified => Err(self.session.stop(found)),
            _ => Ok(identifiable),
        }
    }

    fn runtime(&self) -> Runtime<'_> {
        let settings = &self.session.model.settings;
        Runtime {
            model: &self.session.model,
            modules: self.modules(),
            truth: self.session.truth.as_ref(),
            seed: settings.seed(),
            samples: settings.global.samples.unwrap_or(query::SAMPLES),
        }
    }
}

pub(super) fn run(arguments: &Arguments, messages: Messages, scope: Scope) -> u8 {
    run_all(arguments, messages, scope).unwrap_or_else(|Stop(code)| code)
}

fn run_all(arguments: &Arguments, messages: Messages, scope: Scope) -> Result<u8, Stop> {
    let mut trained = match scope {
        Scope::Evaluation => open_trained(arguments, messages, true)?,
        _ => train(arguments, messages, scope == Scope::Everything)?,
    };
    if scope == Scope::Training {
        eprintln!("trained modules are in {}", trained.directory.modules().display());
        return Ok(OK);
    }
    let answers = answer_all(&mut trained)?;
    if scope == Scope::Everything {
        write_results(&trained, &answers)?;
    }
    match arguments.model.format {
        Format::Json => print(&pretty(&answers)),
        Format::Text => {
            print(&report::text(&answers, messages.color.resolve(false)));
            if scope == Scope::Everything {
                eprintln!("report: {}", trained.directory.root().join("report.html").display());
            }
        }
    }
    Ok(if answers.expectations.iter().all(|e| e.passed) { OK } else { CHECK_FAILED })
}

/// Checks, plans, loads and trains what has no file yet; `asked` if the queries of the model will be answered.
fn train(arguments: &Arguments, messages: Messages, asked: bool) -> Result<TrainedModel, Stop> {
    let mut session = Session::open(&arguments.model, messages, ALL)?;
    apply_flags(&mut session, arguments)?;
    let tables = load(&mut session);
    let planned = match session.has_errors() {
        true => None,
        false => {
            let schemas = session.schemas();
            session.check_assertions(&schemas);
            let planned = session.plan(&schemas, Options::default());
            if asked && !arguments.allow_unidentified {
                session.refuse_unidentified(&schemas, planned.as_ref());
            }
            planned
        }
    };
    if let Some(found) = runnable(&session.model) {
        session.diagnostics.extend(found);
        diag::sort(&mut session.diagnostics);
    }
    session.settle()?;
    let Some(planned) = planned else { return Err(Stop(MODEL_ERROR)) };
    let plan = match &arguments.module {
        Some(id) => only(&planned.plan, id)?,
        None => planned.plan,
    };
    let directory = RunDirectory::of(&session.path, arguments.out.as_deref());
    let cannot = |e: std::io::Error| usage(format!("cannot write to {}: {e}", directory.root().display()));
    directory.create().map_err(cannot)?;
    directory.write("plan.json", &(pretty(&plan) + "\n")).map_err(cannot)?;
    let (trained, fresh) = train_modules(arguments, &mut session, &plan, &tables, &directory)?;
    let metrics = directory.merge_metrics(fresh).map_err(cannot)?;
    Ok(TrainedModel { session, plan, tables, trained, directory, metrics })
}

fn train_modules(
    arguments: &Arguments,
    session: &mut Session,
    plan: &Plan,
    tables: &[Table],
    directory: &RunDirectory,
) -> Result<(Vec<Trained>, Vec<Metric>), Stop> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler can only mean that one is already in place, which serves as well.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let modules = plan.modules.iter().map(|m| ModuleInfo::new(&m.id, &m.variables, m.engine)).collect();
    let mode = if arguments.quiet { Mode::Quiet } else { Mode::Auto };
    let progress = Progress::new(modules, mode, stop);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.unwrap_or(processors).max(1);
    let (base, modules) = (session.base(), directory.modules());
    let outcome = train_plan(&session.model, plan, tables, (&base, Some(&modules)), jobs, &progress);
    let metrics = progress.finish();
    match outcome {
        Ok(trained) => Ok((trained, metrics)),
        Err(TrainError::Cancelled) => {
            // What was measured of finished modules is not lost.
            let _ = directory.merge_metrics(metrics);
            eprintln!("stopped; finished modules are kept, run the same command to go on");
            Err(Stop(INTERRUPTED))
        }
        Err(TrainError::NotFinite { module, step }) => {
            let title = format!("the loss of {module} is not a number any more (step {step})");
            Err(session.stop(Diagnostic::new("E0902", title).help("try a smaller learning rate: `train { lr: 1e-4 }`")))
        }
        Err(error) => Err(usage(error)),
    }
}

/// Checks, plans, loads, and takes the trained modules of an earlier run.
pub(super) fn open_trained(arguments: &Arguments, messages: Messages, asked: bool) -> Result<TrainedModel, Stop> {
    let directory = RunDirectory::of(&arguments.model.model, arguments.out.as_deref());
    if !directory.exists() {
        let model = arguments.model.model.display();
        return Err(usage(format!(
            "nothing is trained in {}; run `dcmc run {model}` first",
            directory.root().display()
        )));
    }
    train(arguments, messages, asked)
}

fn load(session: &mut Session) -> Vec<Table> {
    let base = session.base();
    let mut tables = vec![];
    if session.has_errors() {
        return tables;
    }
    for regime in 0..session.model.regimes.len() {
        match data::load(&session.model, regime, &base, session.model.settings.seed()) {
            Ok((table, warnings)) => {
                tables.push(table);
                session.diagnostics.extend(warnings);
            }
            Err(errors) => session.diagnostics.extend(errors),
        }
    }
    if !session.has_errors() {
        match data::ground_truth(&session.model, &base) {
            Ok(truth) => session.truth = truth,
            Err(errors) => session.diagnostics.extend(errors),
        }
    }
    tables
}

/// What keeps a correct model from being trained by this version.
fn runnable(model: &Model) -> Option<Vec<Diagnostic>> {
    let mut found = vec![];
    if model.regimes.iter().all(|r| r.test) {
        found.push(
            Diagnostic::new("E0505", "there is no data to train on")
                .help("add `data obs = \"file.csv\"`, or `simulate(truth, n: 20000)`"),
        );
    }
    for (name, variable) in &model.variables {
        if let Some(mechanism) = variable.mechanism.as_ref().filter(|m| m.kind != MechanismKind::Mlp) {
            let title = format!("this version trains every mechanism itself, also that of `{name}`");
            found.push(Diagnostic::new("E0904", title).label(mechanism.span, "cannot be used yet"));
        }
        match &variable.domain {
            Some(domain) if domain.cardinality().is_some() => {}
            Some(Domain::Image(_)) => {}
            Some(domain) => found.push(
                Diagnostic::new(
                    "E0904",
                    format!("`{name}` is {domain}: this version trains discrete variables and images"),
                )
                .label(variable.declared.unwrap_or(variable.span), "neither discrete nor an image"),
            ),
            None => found.push(
                Diagnostic::new("E0406", format!("`{name}` needs a type"))
                    .label(variable.span, "no type, and no data to take it from")
                    .help(format!("declare it, for example `{name}: binary`")),
            ),
        }
    }
    found.extend(model.queries.iter().filter_map(answerable));
    (!found.is_empty()).then_some(found)
}

/// E0904 for queries that this version cannot answer.
fn answerable(query: &Query) -> Option<Diagnostic> {
    let what = match &query.kind {
        QueryKind::Distribution(_) | QueryKind::Expectation { .. } => return None,
        QueryKind::Samples { .. } => "draws no samples for a query: `dcmc sample` does",
        QueryKind::Counterfactual { .. } => "answers no counterfactual queries",
    };
    let found = Diagnostic::new("E0904", format!("this version {what}"));
    Some(found.label(query.span, "checked, but not answered yet"))
}

fn apply_flags(session: &mut Session, arguments: &Arguments) -> Result<(), Stop> {
    let settings = &mut session.model.settings.global;
    if let Some(seed) = arguments.seed {
        settings.seed = Some(seed);
    }
    let device = arguments.device.as_deref().or(settings.device.as_deref()).unwrap_or("auto").to_owned();
    match device.split(':').next() {
        Some("auto" | "cpu") => Ok(()),
        Some("cuda" | "metal") => Err(session.stop(
            Diagnostic::new("E0901", format!("the device `{device}` is not available"))
                .note("this version computes on the CPU")
                .help("leave out the device, or write `--device cpu`"),
        )),
        _ => Err(usage(format!("there is no device `{device}`; there are auto, cpu, cuda, cuda:1 and metal"))),
    }
}

/// The plan of one module and those it waits for.
fn only(plan: &Plan, id: &str) -> Result<Plan, Stop> {
    if !plan.modules.iter().any(|m| m.id == id) {
        return Err(usage(format!("there is no module `{id}`; there are: {}", plan.order.join(", "))));
    }
    let mut wanted = vec![id.to_owned()];
    let mut at = 0;
    while at < wanted.len() {
        let after = plan.modules.iter().filter(|m| m.id == wanted[at]).flat_map(|m| m.after.clone());
        let fresh: Vec<String> = after.filter(|a| !wanted.contains(a)).collect();
        wanted.extend(fresh);
        at += 1;
    }
    let mut part = plan.clone();
    part.modules.retain(|m| wanted.contains(&m.id));
    part.order.retain(|m| wanted.contains(m));
    part.stages.iter_mut().for_each(|s| s.retain(|m| wanted.contains(m)));
    part.stages.retain(|s| !s.is_empty());
    Ok(part)
}

/// Answers all queries, checks the fit and the expectations, and warns where support is missing.
/// What the data sets that were loaded offer.
fn schemas(trained: &TrainedModel) -> Vec<Schema> {
    let observed = |table: &Table| (0..table.columns.len()).filter(|&v| table.observes(v)).collect();
    trained.tables.iter().map(|t| Schema { name: t.name.clone(), observed: observed(t) }).collect()
}

fn answer_all(trained: &mut TrainedModel) -> Result<Answers, Stop> {
    let runtime = trained.runtime();
    let model = &trained.session.model;
    let (schemas, distributions) = (schemas(trained), distributions(model, &trained.tables));
    let mut found = vec![];
    let mut results: Vec<Answer> = vec![];
    for query in &model.queries {
        found.extend(unsupported(model, &schemas, &distributions, query));
        match runtime.answer(query) {
            Ok(answer) => results.push(answer),
            Err(error) => found.push(no_answer(query, &error)),
        }
    }
    let taught = taught(model, &trained.plan);
    for answer in &mut results {
        let query = model.queries.iter().find(|q| q.name == answer.name);
        answer.identifiable = query.and_then(|q| unidentified(model, &schemas, &taught, q).1);
    }
    query::measure(model, &mut results, &trained.tables);
    let fit = query::fit(&runtime, &trained.tables).map_err(usage)?;
    let expectations = query::check(model, &results, &trained.tables);
    let failed = model.expectations.iter().zip(&expectations).filter(|(_, checked)| !checked.passed);
    found.extend(failed.map(|(expectation, checked)| {
        let value = if checked.value.is_nan() {
            "it cannot be computed".to_owned()
        } else {
            format!("it is {:.4}", checked.value)
        };
        // The answer itself is fine, so the report is written and the exit code says 3.
        Diagnostic {
            severity: diag::Severity::Warning,
            ..Diagnostic::new("E0802", format!("expected {}", checked.text))
        }
        .label(expectation.span, value)
    }));
    trained.session.diagnostics = found;
    diag::sort(&mut trained.session.diagnostics);
    trained.session.settle()?;
    Ok(Answers { schema: 1, results, fit, expectations })
}

fn no_answer(query: &Query, error: &QueryError) -> Diagnostic {
    let code = if matches!(error, QueryError::NoEvidence(_)) { "E0704" } else { "E0708" };
    Diagnostic::new(code, format!("`{}` has no answer", query.name)).label(query.span, error.to_string())
}

/// W0507 for combinations that a query needs and no row has.
fn unsupported(model: &Model, schemas: &[Schema], distributions: &[Distribution], query: &Query) -> Vec<Diagnostic> {
    let found = evaluate(model, schemas, query, Known::Declared, distributions, None);
    identification::unsupported(model, query, &found)
}

fn write_results(trained: &TrainedModel, answers: &Answers) -> Result<(), Stop> {
    let directory = &trained.directory;
    let cannot = |e: std::io::Error| usage(format!("cannot write to {}: {e}", directory.root().display()));
    let manifest = manifest(trained);
    directory.write("results.json", &(pretty(answers) + "\n")).map_err(cannot)?;
    directory.write("manifest.json", &(pretty(&manifest) + "\n")).map_err(cannot)?;
    let page = report::html(&Report {
        model: &trained.session.model,
        plan: &trained.plan,
        answers,
        metrics: &trained.metrics,
        manifest: &manifest,
    });
    directory.write("report.html", &page).map_err(cannot)?;
    for output in &trained.session.model.outputs {
        let Some(answer) = answers.results.iter().find(|a| a.name == output.query) else { continue };
        let columns = report::columns(answer);
        data::write_table(&directory.root().join(&output.path), &columns).map_err(cannot)?;
    }
    Ok(())
}

/// Versions, seeds and digests: what is needed to make the run again.
fn manifest(trained: &TrainedModel) -> serde_json::Value {
    let session = &trained.session;
    let digest = |path: PathBuf| std::fs::read(path).map(|bytes| sha256(&bytes)).ok();
    let data: Vec<serde_json::Value> = session
        .model
        .regimes
        .iter()
        .zip(&trained.tables)
        .map(|(regime, table)| {
            let file = match &regime.source {
                crate::model::Source::File { path, .. } => digest(session.base().join(path)),
                crate::model::Source::Simulate { .. } => None,
            };
            serde_json::json!({ "name": regime.name, "rows": table.rows, "sha256": file })
        })
        .collect();
    let modules = trained.plan.modules.iter().map(|m| {
        let file = trained.directory.modules().join(format!("{}.safetensors", m.id));
        serde_json::json!({ "id": m.id, "variables": m.variables, "engine": m.engine, "sha256": digest(file) })
    });
    serde_json::json!({
        "schema": 1,
        "dcmc": env!("CARGO_PKG_VERSION"),
        "model": sha256(&session.texts()),
        "seed": session.model.settings.seed(),
        "settings": session.model.settings.global,
        "data": data,
        "modules": modules.collect::<Vec<_>>(),
    })
}

pub(super) fn query(arguments: &QueryArguments, messages: Messages) -> u8 {
    answer_one(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn answer_one(arguments: &QueryArguments, messages: Messages) -> Result<u8, Stop> {
    let mut trained = open_trained(&arguments.run, messages, false)?;
    let query = trained.session.query(&arguments.query)?;
    if let Some(found) = answerable(&query) {
        return Err(trained.session.stop(found));
    }
    let identifiable = trained.refuse_unidentified(&arguments.run, &query)?;
    let runtime = trained.runtime();
    let model = &trained.session.model;
    let mut found = unsupported(model, &schemas(&trained), &distributions(model, &trained.tables), &query);
    let mut answer = runtime.answer(&query).map_err(|error| found.push(no_answer(&query, &error))).ok();
    answer.iter_mut().for_each(|answer| answer.identifiable = identifiable);
    trained.session.diagnostics = found;
    trained.session.settle()?;
    let answers = Answers { schema: 1, results: answer.into_iter().collect(), ..Answers::default() };
    match arguments.run.model.format {
        Format::Json => print(&pretty(&answers)),
        Format::Text => print(&report::text(&answers, messages.color.resolve(false))),
    }
    Ok(OK)
}
