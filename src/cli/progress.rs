//! Progress of training: a bar per running module on a terminal, a few plain lines elsewhere.

use crate::model::Engine;
use crate::train::{Metric, Observer};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// At most so many plain lines tell of a module's steps, …
const LINES_PER_MODULE: usize = 10;
/// … and none comes sooner than this after the last.
const PAUSE: Duration = Duration::from_secs(2);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bars where standard error is a terminal, else plain lines.
    Auto,
    /// The same, of modules that train alone: nothing of those that are trained already.
    New,
    /// Plain lines.
    Plain,
    /// Nothing.
    Quiet,
}

/// A module as it is announced.
#[derive(Clone, Debug)]
pub struct ModuleInfo {
    id: String,
    title: String,
}

impl ModuleInfo {
    /// The module `id` that trains `variables` with `engine`.
    pub fn new(id: &str, variables: &[String], engine: Engine) -> Self {
        let engine = serde_json::to_value(engine).unwrap_or_default();
        let engine = engine.as_str().unwrap_or_default();
        Self { id: id.to_owned(), title: format!("{id} {{{}}} {engine}", variables.join(", ")) }
    }
}

/// Watches training, keeps every metric, and passes on the wish to stop.
pub struct Progress {
    modules: Vec<ModuleInfo>,
    stop: Arc<AtomicBool>,
    /// Whether modules that are trained already are shown.
    reused: bool,
    state: Mutex<State>,
}

struct State {
    metrics: Vec<Metric>,
    display: Display,
}

enum Display {
    Bars(Bars),
    Lines(Lines),
    Nothing,
}

impl Progress {
    /// Progress of `modules` on standard error; training stops once `stop` is set.
    pub fn new(modules: Vec<ModuleInfo>, mode: Mode, stop: Arc<AtomicBool>) -> Self {
        let display = match mode {
            Mode::Quiet => Display::Nothing,
            Mode::Auto | Mode::New if std::io::stderr().is_terminal() => Display::Bars(Bars::new(&modules)),
            Mode::Auto | Mode::New | Mode::Plain => Display::Lines(Lines::new(Box::new(std::io::stderr()), PAUSE)),
        };
        Self { reused: mode != Mode::New, ..Self::with(modules, display, stop) }
    }

    fn with(modules: Vec<ModuleInfo>, display: Display, stop: Arc<AtomicBool>) -> Self {
        Self { modules, stop, reused: true, state: Mutex::new(State { metrics: vec![], display }) }
    }

    /// Ends the display; returns what was measured, in the order of the modules, each in its own order.
    pub fn finish(self) -> Vec<Metric> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Display::Bars(bars) = &state.display {
            bars.abandon();
        }
        let place = |metric: &Metric| self.modules.iter().position(|m| m.id == metric.module);
        let mut metrics = state.metrics;
        metrics.sort_by_key(place); // stable: which of two modules was faster leaves no trace
        metrics
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn title<'a>(&'a self, module: &'a str) -> &'a str {
        self.modules.iter().find(|m| m.id == module).map_or(module, |m| &m.title)
    }
}

impl Observer for Progress {
    fn started(&self, module: &str, reused: bool) {
        if reused && !self.reused {
            return;
        }
        match &mut self.state().display {
            Display::Bars(bars) => bars.started(module, self.title(module), reused),
            Display::Lines(lines) => lines.started(module, self.title(module), reused),
            Display::Nothing => {}
        }
    }

    fn finished(&self, module: &str) {
        match &mut self.state().display {
            Display::Bars(bars) => bars.finished(module),
            Display::Lines(lines) => lines.finished(module),
            Display::Nothing => {}
        }
    }

    fn metric(&self, metric: &Metric) {
        let mut state = self.state();
        match &mut state.display {
            Display::Bars(bars) => bars.metric(metric, self.title(&metric.module)),
            Display::Lines(lines) => lines.metric(metric),
            Display::Nothing => {}
        }
        state.metrics.push(metric.clone());
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// One bar per module that trains.
struct Bars {
    all: MultiProgress,
    bars: HashMap<String, ProgressBar>,
    width: usize,
}

impl Bars {
    fn new(modules: &[ModuleInfo]) -> Self {
        let width = modules.iter().map(|m| m.title.chars().count()).max().unwrap_or(0).min(36);
        Self { all: MultiProgress::new(), bars: HashMap::new(), width }
    }

    fn started(&mut self, module: &str, title: &str, reused: bool) {
        let bar = self.bar(module, title);
        if reused {
            bar.set_style(style("{prefix} {msg}"));
            bar.finish_with_message("trained already");
        }
    }

    fn bar(&mut self, module: &str, title: &str) -> ProgressBar {
        let (all, width) = (&self.all, self.width);
        let new = || {
            let bar = all.add(ProgressBar::new_spinner());
            bar.set_style(style("{prefix} {spinner} {msg}"));
            bar.set_prefix(format!("{:width$}", shortened(title, width)));
            bar.set_message("preparing");
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        };
        self.bars.entry(module.to_owned()).or_insert_with(new).clone()
    }

    fn metric(&mut self, metric: &Metric, title: &str) {
        let bar = self.bar(&metric.module, title);
        if bar.length() != Some(metric.total as u64) && metric.total > 0 {
            bar.set_style(style("{prefix} {bar:24.cyan/dim} {human_pos}/{human_len}  {msg}  {eta} left"));
            bar.set_length(metric.total as u64);
        }
        bar.set_position(metric.step as u64);
        bar.set_message(numbers(metric));
    }

    fn finished(&mut self, module: &str) {
        if let Some(bar) = self.bars.get(module) {
            bar.set_style(style("{prefix} {msg}  done in {elapsed}"));
            bar.finish();
        }
    }

    fn abandon(&self) {
        self.bars.values().filter(|bar| !bar.is_finished()).for_each(ProgressBar::abandon);
    }
}

/// The templates are ours; one with a mistake in it would fall back to indicatif's own.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸─")
}

fn shortened(title: &str, width: usize) -> String {
    if title.chars().count() <= width {
        return title.to_owned();
    }
    title.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A few lines per module.
struct Lines {
    out: Box<dyn Write + Send>,
    running: HashMap<String, Running>,
    pause: Duration,
}

struct Running {
    start: Instant,
    /// When a line was last written.
    spoke: Instant,
    /// The tenth of the way that was last written.
    tenth: usize,
    last: Option<Metric>,
}

impl Lines {
    fn new(out: Box<dyn Write + Send>, pause: Duration) -> Self {
        Self { out, running: HashMap::new(), pause }
    }

    /// A closed pipe must not stop training.
    fn write(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }

    fn started(&mut self, module: &str, title: &str, reused: bool) {
        if reused {
            return self.write(&format!("{title}: trained already"));
        }
        let now = Instant::now();
        self.running.insert(module.to_owned(), Running { start: now, spoke: now, tenth: 0, last: None });
        self.write(&format!("{title}: training"));
    }

    fn metric(&mut self, metric: &Metric) {
        let Some(running) = self.running.get_mut(&metric.module) else { return };
        running.last = Some(metric.clone());
        let tenth = (metric.step * LINES_PER_MODULE).checked_div(metric.total).unwrap_or(0);
        // The end has a line of its own.
        if tenth > running.tenth && metric.step < metric.total && running.spoke.elapsed() >= self.pause {
            (running.tenth, running.spoke) = (tenth, Instant::now());
            let line = format!("{}: step {} of {}  {}", metric.module, metric.step, metric.total, numbers(metric));
            self.write(&line);
        }
    }

    fn finished(&mut self, module: &str) {
        let Some(running) = self.running.remove(module) else { return };
        let seconds = running.start.elapsed().as_secs_f64();
        let numbers = running.last.as_ref().map(|m| format!("  {}", numbers(m))).unwrap_or_default();
        self.write(&format!("{module}: done in {seconds:.1} s{numbers}"));
    }
}

fn numbers(metric: &Metric) -> String {
    let tv = metric.tv.map(|tv| format!("  TVD {tv:.4}")).unwrap_or_default();
    format!("loss {:.4}{tv}", metric.loss)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that several owners can read.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn modules() -> Vec<ModuleInfo> {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        vec![
            ModuleInfo::new("H1", &names(&["I"]), Engine::Likelihood),
            ModuleInfo::new("H2", &names(&["A", "D"]), Engine::WganGp),
        ]
    }

    fn metric(module: &str, step: usize, total: usize) -> Metric {
        Metric { module: module.into(), step, total, loss: 1.0 / (step + 1) as f64, tv: None }
    }

    fn watch(progress: &Progress) {
        progress.started("H1", true);
        progress.started("H2", false);
        (1..=1000).for_each(|step| progress.metric(&metric("H2", step, 1000)));
        progress.finished("H2");
    }

    fn lines(pause: Duration) -> Vec<String> {
        let shared = Shared::default();
        let display = Display::Lines(Lines::new(Box::new(shared.clone()), pause));
        let progress = Progress::with(modules(), display, Arc::default());
        watch(&progress);
        assert_eq!(progress.finish().len(), 1000);
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn plain_lines_are_few() {
        let lines = lines(Duration::ZERO);
        assert_eq!(lines.len(), 2 + 9 + 1, "{lines:?}");
        assert_eq!(lines[0], "H1 {I} likelihood: trained already");
        assert_eq!(lines[1], "H2 {A, D} wgan_gp: training");
        assert_eq!(lines[2], "H2: step 100 of 1000  loss 0.0099");
        assert!(lines[11].starts_with("H2: done in ") && lines[11].ends_with("loss 0.0010"), "{}", lines[11]);
    }

    #[test]
    fn quick_modules_have_a_start_and_an_end() {
        assert_eq!(lines(Duration::from_secs(3600)).len(), 3);
    }

    #[test]
    fn bars_take_any_order_of_events() {
        let bars = Bars::new(&modules());
        bars.all.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        let progress = Progress::with(modules(), Display::Bars(bars), Arc::default());
        progress.metric(&metric("H9", 5, 0));
        progress.finished("H8");
        watch(&progress);
        assert_eq!(progress.finish().len(), 1001);
    }

    #[test]
    fn metrics_come_back_module_by_module() {
        let progress = Progress::with(modules(), Display::Nothing, Arc::default());
        let order = [("H2", 1), ("H1", 1), ("H2", 2), ("H1", 2)];
        order.iter().for_each(|(module, step)| progress.metric(&metric(module, *step, 2)));
        let found: Vec<(String, usize)> = progress.finish().into_iter().map(|m| (m.module, m.step)).collect();
        let expected = [("H1", 1), ("H1", 2), ("H2", 1), ("H2", 2)];
        assert_eq!(found, expected.map(|(module, step)| (module.to_owned(), step)));
    }

    #[test]
    fn a_wish_to_stop_is_passed_on() {
        let stop = Arc::new(AtomicBool::new(false));
        let progress = Progress::new(modules(), Mode::Quiet, Arc::clone(&stop));
        assert!(!progress.cancelled());
        stop.store(true, Ordering::Relaxed);
        assert!(progress.cancelled());
    }
}
