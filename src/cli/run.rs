//! `dcmc run` and its parts `train`, `query` and `eval`.

use super::estimand::Formulas;
use super::individuals;
use super::messages::Messages;
use super::pictures;
use super::progress::{Mode, ModuleInfo, Progress};
use super::results;
use super::run_directory::RunDirectory;
use super::session::{ALL, Session, Stop, pretty, print, taught, unidentified, usage};
use super::{CHECK_FAILED, Format, INTERRUPTED, MODEL_ERROR, ModelArguments, OK};
use crate::data::{self, Schema, Table};
use crate::device::{self, Choice, Unavailable};
use crate::diag::{self, Diagnostic};
use crate::identification;
use crate::model::{Domain, Model, Query, QueryKind};
use crate::nets::ops::with_device;
use crate::nets::pretrained::PretrainedModule;
use crate::plan::{Module, Options, Plan};
use crate::query::answer::{Answer, Answers};
use crate::query::{self, Pictures, QueryError, Runtime};
use crate::report;
use crate::train::{Given, Metric, TrainError, Trained, refit_name, train_ensemble, train_plan};
use candle_core::Device;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Fewer effective samples than this are warned of.
const FEW: f64 = 200.0;

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
    pub(super) quiet: bool,
}

/// `dcmc query MODEL QUERY`.
#[derive(Args)]
pub(super) struct QueryArguments {
    #[command(flatten)]
    run: Arguments,
    /// The query, e.g. 'P(A | do(D = 1))'; with --rows what is asked of each row, e.g. 'A[D = 1]'.
    query: String,
    /// Answers the query for each row of this data file, given all that the row says.
    #[arg(long, value_name = "FILE", requires = "output")]
    rows: Option<PathBuf>,
    /// The file to write: the rows with their answers (.csv, .tsv, .json, .parquet).
    #[arg(short, long, requires = "rows")]
    output: Option<PathBuf>,
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
    /// One question of what is trained.
    Question,
}

/// A checked model with the flags' settings, and where to compute.
pub(super) type Opened = (Session, Device);

/// The modules of each refit.
type Refits = Vec<Vec<Trained>>;

/// A model with its data and trained modules.
pub(super) struct TrainedModel {
    pub(super) session: Session,
    pub(super) plan: Plan,
    pub(super) tables: Vec<Table>,
    trained: Vec<Trained>,
    refits: Refits,
    pub(super) directory: RunDirectory,
    pub(super) metrics: Vec<Metric>,
    pub(super) device: Device,
    /// The pictures of its questions, once they are read.
    pub(super) pictures: Pictures,
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

    pub(super) fn runtime(&self) -> Runtime<'_> {
        let settings = &self.session.model.settings;
        Runtime {
            model: &self.session.model,
            modules: self.modules(),
            refits: self.refits.iter().map(|modules| modules.iter().collect()).collect(),
            truth: self.session.truth.as_ref(),
            seed: settings.seed(),
            samples: settings.global.samples,
            pictures: self.pictures.clone(),
        }
    }
}

pub(super) fn run(arguments: &Arguments, messages: Messages, scope: Scope) -> u8 {
    run_all(arguments, messages, scope).unwrap_or_else(|Stop(code)| code)
}

fn run_all(arguments: &Arguments, messages: Messages, scope: Scope) -> Result<u8, Stop> {
    let opened = if scope == Scope::Evaluation { open_trained } else { open }(arguments, messages)?;
    let mut trained = train(arguments, opened, scope)?;
    if scope == Scope::Training {
        eprintln!("trained modules are in {}", trained.directory.modules().display());
        return Ok(OK);
    }
    let answers = with_device(trained.device.clone(), || {
        let queries = trained.session.model.queries.clone();
        pictures::ready(&mut trained, &queries, arguments.quiet)?;
        let (answers, samples) = answer_all(&mut trained)?;
        if scope == Scope::Everything {
            results::write(&trained, &answers, &samples)?;
        }
        Ok(answers)
    })?;
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

fn open(arguments: &Arguments, messages: Messages) -> Result<Opened, Stop> {
    let mut session = Session::open(&arguments.model, messages, ALL)?;
    let device = apply_flags(&mut session, arguments)?;
    Ok((session, device))
}

/// The model of an earlier run, without errors.
pub(super) fn open_trained(arguments: &Arguments, messages: Messages) -> Result<Opened, Stop> {
    let directory = RunDirectory::of(&arguments.model.model, arguments.out.as_deref());
    if !directory.exists() {
        let model = arguments.model.model.display();
        return Err(usage(format!(
            "nothing is trained in {}; run `dcmc run {model}` first",
            directory.root().display()
        )));
    }
    let mut opened = open(arguments, messages)?;
    if opened.0.has_errors() {
        opened.0.settle()?;
    }
    Ok(opened)
}

/// Plans, loads, and trains what has no file yet.
pub(super) fn train(arguments: &Arguments, (mut session, device): Opened, scope: Scope) -> Result<TrainedModel, Stop> {
    let asked = matches!(scope, Scope::Everything | Scope::Evaluation);
    let tables = load(&mut session);
    let mut pretrained = vec![];
    let planned = match session.has_errors() {
        true => None,
        false => {
            let schemas = session.schemas();
            pretrained = with_device(device.clone(), || super::pretrained::load(&mut session));
            session.check_assertions(&schemas);
            let planned = session.plan(&schemas, Options::default());
            if asked && !arguments.allow_unidentified {
                session.refuse_unidentified(&schemas, planned.as_ref());
            }
            if asked {
                pictures::refuse(&mut session);
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
    let (trained, refits, fresh) = with_device(device.clone(), || {
        train_modules(arguments, &mut session, &plan, (&tables, &pretrained), &directory, scope)
    })?;
    let metrics = directory.merge_metrics(fresh).map_err(cannot)?;
    let pictures = Pictures::default();
    Ok(TrainedModel { session, plan, tables, trained, refits, directory, metrics, device, pictures })
}

fn train_modules(
    arguments: &Arguments,
    session: &mut Session,
    plan: &Plan,
    (tables, pretrained): (&[Table], &[PretrainedModule]),
    directory: &RunDirectory,
    scope: Scope,
) -> Result<(Vec<Trained>, Refits, Vec<Metric>), Stop> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler can only mean that one is already in place, which serves as well.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let refits = session.model.settings.global.ensemble.unwrap_or(0);
    let info = |m: &Module, id: &str| ModuleInfo::new(id, &m.variables, m.engine);
    let mut modules: Vec<ModuleInfo> = plan.modules.iter().map(|m| info(m, &m.id)).collect();
    for number in 1..=refits {
        modules.extend(plan.modules.iter().map(|m| info(m, &refit_name(&m.id, number))));
    }
    let mode = match scope {
        _ if arguments.quiet => Mode::Quiet,
        Scope::Question => Mode::New,
        _ => Mode::Auto,
    };
    let progress = Progress::new(modules, mode, stop);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.unwrap_or(processors).max(1);
    let (base, modules) = (session.base.clone(), directory.modules());
    let given = Given { tables, pretrained, base: &base };
    let outcome = train_plan(&session.model, plan, &given, Some(&modules), jobs, &progress).and_then(|trained| {
        let refits = train_ensemble(&session.model, plan, &given, &trained, (Some(&modules), jobs), &progress)?;
        Ok((trained, refits))
    });
    let metrics = progress.finish();
    match outcome {
        Ok((trained, refits)) => Ok((trained, refits, metrics)),
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

fn load(session: &mut Session) -> Vec<Table> {
    let base = session.base.clone();
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
    let trains = model.variables.values().any(|v| v.pretrained().is_none());
    if trains && model.regimes.iter().all(|r| r.test) {
        found.push(
            Diagnostic::new("E0505", "there is no data to train on")
                .help("add `data obs = \"file.csv\"`, or `simulate(truth, n: 20000)`"),
        );
    }
    for (name, variable) in &model.variables {
        if let Some(mechanism) = variable.mechanism.as_ref().filter(|_| variable.is_diffusion()) {
            let title = format!("this version trains no diffusion models, as `{name}` asks for");
            found.push(Diagnostic::new("E0904", title).label(mechanism.span, "cannot be used yet"));
        }
        match &variable.domain {
            Some(domain) if domain.cardinality().is_some() => {}
            Some(Domain::Image(_) | Domain::Real { .. }) => {}
            Some(domain) => found.push(
                Diagnostic::new(
                    "E0904",
                    format!("`{name}` is {domain}: this version trains discrete and real variables and images"),
                )
                .label(variable.declared.unwrap_or(variable.span), "neither a number nor an image"),
            ),
            None => found.push(
                Diagnostic::new("E0406", format!("`{name}` needs a type"))
                    .label(variable.span, "no type, and no data to take it from")
                    .help(format!("declare it, for example `{name}: binary`")),
            ),
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Applies the flags that are settings; the device to compute on.
fn apply_flags(session: &mut Session, arguments: &Arguments) -> Result<Device, Stop> {
    let settings = &mut session.model.settings.global;
    if let Some(seed) = arguments.seed {
        settings.seed = Some(seed);
    }
    let text = arguments.device.as_deref().or(settings.device.as_deref()).unwrap_or("auto").to_owned();
    let choice = Choice::parse(&text)
        .ok_or_else(|| usage(format!("there is no device `{text}`; there are auto, cpu, cuda, cuda:1 and metal")))?;
    let images = session.model.variables.values().any(|v| matches!(v.domain, Some(Domain::Image(_))));
    device::open(choice, images).map_err(|Unavailable { why, help }| {
        let found = Diagnostic::new("E0901", format!("the device `{text}` is not available")).note(why);
        session.stop(found.help(help).help("or leave out the device, or write `--device cpu`"))
    })
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

/// What the data sets that were loaded offer.
fn schemas(trained: &TrainedModel) -> Vec<Schema> {
    let observed = |table: &Table| (0..table.columns.len()).filter(|&v| table.observes(v)).collect();
    trained.tables.iter().map(|t| Schema { name: t.name.clone(), observed: observed(t) }).collect()
}

/// The rows of `sample(…)` queries, by the queries' names.
pub(super) type Samples = Vec<(String, Table)>;

/// Answers all queries, checks the fit and the expectations, and warns where support is missing.
fn answer_all(trained: &mut TrainedModel) -> Result<(Answers, Samples), Stop> {
    let runtime = trained.runtime();
    let model = &trained.session.model;
    let schemas = schemas(trained);
    let formulas = Formulas::new(model, &schemas, &trained.tables);
    let mut found = vec![];
    let (mut results, mut samples): (Vec<Answer>, Samples) = (vec![], vec![]);
    for query in &model.queries {
        let formula = formulas.evaluate(query);
        found.extend(identification::unsupported(model, query, &formula));
        match answer(&runtime, query, &mut samples) {
            Ok(mut answer) => {
                found.extend(few_samples(query, &answer));
                formulas.beside(&runtime, query, &formula, &mut answer);
                results.push(answer);
            }
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
    Ok((Answers { schema: 1, results, fit, expectations }, samples))
}

/// The answer to one query; the rows of a `sample(…)` query join `samples`.
fn answer(runtime: &Runtime, query: &Query, samples: &mut Samples) -> Result<Answer, QueryError> {
    let mut answer = runtime.answer(query)?;
    if let QueryKind::Samples { term, count } = &query.kind {
        let table = runtime.rows(term, *count, &query.name)?;
        answer.file = Some(results::file_of(runtime.model, &query.name, &table));
        samples.push((query.name.clone(), table));
    }
    Ok(answer)
}

pub(super) fn no_answer(query: &Query, error: &QueryError) -> Diagnostic {
    let code = if matches!(error, QueryError::NoEvidence(_)) { "E0704" } else { "E0708" };
    Diagnostic::new(code, format!("`{}` has no answer", query.name)).label(query.span, error.to_string())
}

/// W0710 for answers that rest on few samples.
fn few_samples(query: &Query, answer: &Answer) -> Option<Diagnostic> {
    let evidence = answer.evidence.filter(|_| answer.acceptance.is_some() && answer.ess < FEW)?;
    let title = format!("the answer to `{}` rests on {:.0} effective samples", query.name, answer.ess.floor());
    let found = Diagnostic::new("W0710", title).label(query.span, format!("{} samples were drawn", answer.samples));
    let found = found.note(format!("under the trained model the evidence has a probability of about {evidence:.1e}"));
    Some(found.help(match answer.method.as_str() {
        "sequential_monte_carlo" => "so rare evidence is hard to move towards too: ask with less of it",
        _ => "draw more with `train { samples: … }`, or ask with less evidence",
    }))
}

pub(super) fn query(arguments: &QueryArguments, messages: Messages) -> u8 {
    answer_one(arguments, messages).unwrap_or_else(|Stop(code)| code)
}

fn answer_one(arguments: &QueryArguments, messages: Messages) -> Result<u8, Stop> {
    let mut opened = open_trained(&arguments.run, messages)?;
    if let (Some(rows), Some(output)) = (&arguments.rows, &arguments.output) {
        return individuals::answer(opened, (&arguments.run, &arguments.query), rows, output);
    }
    let query = opened.0.query(&arguments.query)?;
    if matches!(query.kind, QueryKind::Samples { .. }) {
        return Err(usage("`dcmc sample MODEL QUERY -o FILE` draws rows"));
    }
    let mut trained = train(&arguments.run, opened, Scope::Question)?;
    let identifiable = trained.refuse_unidentified(&arguments.run, &query)?;
    let device = trained.device.clone();
    let asked = std::slice::from_ref(&query);
    with_device(device.clone(), || pictures::ready(&mut trained, asked, arguments.run.quiet))?;
    let runtime = trained.runtime();
    let model = &trained.session.model;
    let schemas = schemas(&trained);
    let formulas = Formulas::new(model, &schemas, &trained.tables);
    let formula = formulas.evaluate(&query);
    let mut found = identification::unsupported(model, &query, &formula);
    let answer = with_device(device, || runtime.answer(&query));
    let mut answer = answer.map_err(|error| found.push(no_answer(&query, &error))).ok();
    found.extend(answer.as_ref().and_then(|answer| few_samples(&query, answer)));
    if let Some(answer) = &mut answer {
        answer.identifiable = identifiable;
        formulas.beside(&runtime, &query, &formula, answer);
    }
    trained.session.diagnostics = found;
    trained.session.settle()?;
    let answers = Answers { schema: 1, results: answer.into_iter().collect(), ..Answers::default() };
    match arguments.run.model.format {
        Format::Json => print(&pretty(&answers)),
        Format::Text => print(&report::text(&answers, messages.color.resolve(false))),
    }
    Ok(OK)
}
