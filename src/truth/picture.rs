//! Images in a truth block: `I = digit(D, color: C)` draws one, `classify(I, classes: 3)` finds its class.

use super::build::Scope;
use super::digit::{Collection, Style};
use super::evaluate::{Item, distribution};
use super::expr::{ClassOf, Resolver, Term, TermKind};
use crate::diag::{Diagnostic, Span};
use crate::factor::Factor;
use crate::model::{Domain, closest, suggest};
use crate::syntax::ast::{Argument, Expr, ExprKind};
use rand::Rng;
use std::sync::{Arc, OnceLock};

/// The function that draws.
pub(super) const DIGIT: &str = "digit";
/// How it is called.
pub(super) const DIGIT_USAGE: &str =
    "digit(D, color: C, thickness: T, slant: S): an image of the digit D; all but D may be left out";
/// The function that finds a class.
pub(super) const CLASSIFY: &str = "classify";
/// How it is called.
pub(super) const CLASSIFY_USAGE: &str =
    "classify(I, classes: 3, seed: 1): 0, 1 or 2 by a fixed network of random weights on the image I";

/// The inks, in the order of their codes.
const COLORS: [(&str, [u8; 3]); 12] = [
    ("red", [255, 40, 40]),
    ("green", [40, 220, 60]),
    ("blue", [50, 90, 255]),
    ("yellow", [250, 220, 40]),
    ("magenta", [240, 50, 230]),
    ("cyan", [60, 220, 240]),
    ("orange", [255, 140, 30]),
    ("white", [255, 255, 255]),
    ("purple", [150, 60, 220]),
    ("pink", [255, 150, 190]),
    ("brown", [160, 95, 40]),
    ("grey", [150, 150, 150]),
];
const THICKNESSES: [(&str, f32); 3] = [("thin", 0.0), ("medium", 0.5), ("thick", 1.0)];
const SLANTS: [(&str, f32); 3] = [("left", -0.35), ("upright", 0.0), ("right", 0.35)];

/// The most classes of an image.
const MAX_CLASSES: f64 = 100.0;

/// What an argument sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knob {
    Digit,
    Color,
    Thickness,
    Slant,
    Jitter,
    Noise,
}

const KNOBS: [(&str, Knob); 6] = [
    ("digit", Knob::Digit),
    ("color", Knob::Color),
    ("thickness", Knob::Thickness),
    ("slant", Knob::Slant),
    ("jitter", Knob::Jitter),
    ("noise", Knob::Noise),
];

/// `digit(…)` with its names resolved.
pub(super) struct Digit {
    shape: [usize; 3],
    pub(super) arguments: Vec<DigitArgument>,
    mnist: Option<(String, Span)>,
}

pub(super) struct DigitArgument {
    knob: Knob,
    pub(super) term: Term,
}

/// An image of the ground truth: how each is drawn, given the values of its causes.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// Channels, height, width.
    pub(super) shape: [usize; 3],
    /// The collection that digits are taken from instead of being drawn: its file, and where it is named.
    pub(super) mnist: Option<(String, Span)>,
    pub(super) collection: Option<Arc<Collection>>,
    /// For each argument and each combination of the causes' values: its values and their probabilities.
    settings: Vec<(Knob, Vec<Choice>)>,
    /// The distribution of the image's classes given its causes, once it was estimated.
    pub(super) classes: OnceLock<Arc<Estimated>>,
}

/// The values of an argument and their probabilities.
type Choice = Vec<(Setting, f64)>;

/// A table found by drawing.
#[derive(Debug)]
pub(super) struct Estimated {
    /// The table.
    pub(super) table: Factor,
    /// The table from each of as many equal parts of the draws.
    pub(super) parts: Vec<Factor>,
}

/// The value of an argument.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    Number(f32),
    Color([u8; 3]),
}

impl Picture {
    /// The style of one image for the combination `cell` of the causes' values.
    pub(super) fn style(&self, cell: usize, rng: &mut impl Rng) -> Style {
        let mut style = Style::default();
        for (knob, rows) in &self.settings {
            let row = &rows[cell];
            let mut left = if row.len() > 1 { rng.random::<f64>() } else { 0.0 };
            let found = row.iter().find(|(_, p)| {
                left -= p;
                left < 0.0
            });
            match (knob, found.or(row.last()).map(|f| f.0)) {
                (Knob::Digit, Some(Setting::Number(n))) => style.digit = n as u8,
                (Knob::Thickness, Some(Setting::Number(n))) => style.thickness = Some(n),
                (Knob::Slant, Some(Setting::Number(n))) => style.slant = Some(n),
                (Knob::Jitter, Some(Setting::Number(n))) => style.jitter = n,
                (Knob::Noise, Some(Setting::Number(n))) => style.noise = n,
                (Knob::Color, Some(Setting::Color(color))) => style.color = color,
                _ => {}
            }
        }
        style
    }
}

/// Reads the arguments of `digit(…)`, the equation of the variable at `place`.
pub(super) fn digit(
    arguments: &[Argument],
    span: Span,
    place: usize,
    resolver: &mut Resolver,
) -> Result<Digit, Diagnostic> {
    let scope = resolver.scope;
    let mut found = Digit { shape: [0; 3], arguments: vec![], mnist: None };
    let mut size = None;
    for (at, argument) in arguments.iter().enumerate() {
        let value = &argument.value;
        match argument.name.as_ref().map(|n| (n.value.as_str(), n.span)) {
            Some(("size", _)) => size = Some((whole(value, "size", 8.0, 4096.0)? as usize, value.span)),
            Some(("mnist", _)) => match &value.kind {
                ExprKind::Text(path) => found.mnist = Some((path.clone(), value.span)),
                _ => return Err(Diagnostic::new("E0402", "`mnist` takes a file").label(value.span, "not a string")),
            },
            None if at > 0 => {
                let title = "all arguments of `digit` but the first have names";
                return Err(Diagnostic::new("E0402", title).label(value.span, "here").help(usage(DIGIT_USAGE)));
            }
            named => {
                let name = named.map_or("digit", |n| n.0);
                let Some(&(_, knob)) = KNOBS.iter().find(|k| k.0 == name) else {
                    return Err(unknown_argument(name, named.map_or(span, |n| n.1)));
                };
                if found.arguments.iter().any(|a| a.knob == knob) {
                    return Err(Diagnostic::new("E0202", format!("`{name}` is given twice")).label(value.span, "again"));
                }
                let term = resolver.resolve(value, labels(knob).as_deref())?;
                found.arguments.push(DigitArgument { knob, term });
            }
        }
    }
    let colored = found.arguments.iter().find(|a| a.knob == Knob::Color);
    found.shape = shape(scope, place, size, colored.is_some(), span)?;
    if !found.arguments.iter().any(|a| a.knob == Knob::Digit) {
        return Err(Diagnostic::new("E0402", "which digit?").label(span, "here").help(usage(DIGIT_USAGE)));
    }
    match colored {
        Some(color) if found.shape[0] == 1 => {
            let name = scope.name(place);
            let title = format!("`{name}` has one channel: it is grey and has no colour");
            let [_, height, width] = found.shape;
            let found = Diagnostic::new("E0404", title).label(color.term.span, "a colour");
            Err(found.help(format!("leave out the colour, or declare `{name}: image[3,{height},{width}]`")))
        }
        _ => Ok(found),
    }
}

/// The shape of the image at `place`, from its type, or from `size` where it has none.
fn shape(
    scope: &Scope,
    place: usize,
    size: Option<(usize, Span)>,
    colored: bool,
    span: Span,
) -> Result<[usize; 3], Diagnostic> {
    let name = scope.name(place);
    match (scope.domain(place), size) {
        (Some(Domain::Image(shape @ [1 | 3, ..])), None) => Ok(*shape),
        (Some(Domain::Image(shape @ [1 | 3, height, width])), Some((size, written))) => {
            if (size, size) == (*height, *width) {
                return Ok(*shape);
            }
            let found = Diagnostic::new("E0404", format!("`{name}` is image[{},{height},{width}]", shape[0]));
            Err(found.label(written, "another size").help("leave out `size`: the type has it"))
        }
        (Some(Domain::Image([channels, ..])), _) => {
            let title = format!("digits are drawn with 1 channel or 3, not {channels}");
            Err(Diagnostic::new("E0404", title).label(scope.span(place), "here"))
        }
        (Some(domain), _) => {
            let found = Diagnostic::new("E0404", format!("`{name}` is {domain}, and `digit(…)` is an image"));
            Err(found.label(span, "here").help(format!("declare `{name}: image[3,32,32]`")))
        }
        (None, Some((size, _))) => Ok([if colored { 3 } else { 1 }, size, size]),
        (None, None) => {
            let found = Diagnostic::new("E0406", format!("`{name}` needs a type before it can be drawn"));
            Err(found.label(span, "of which size?").help(format!("declare `{name}: image[3,32,32]`")))
        }
    }
}

impl Digit {
    /// The picture, where `value(cell, place)` is the value of a cause in the combination `cell` of `cells`.
    pub(super) fn picture(
        &self,
        scope: &Scope,
        cells: usize,
        value: &impl Fn(usize, usize) -> Item,
    ) -> Result<Picture, Diagnostic> {
        let mut settings = vec![];
        for argument in &self.arguments {
            let rows = (0..cells).map(|cell| {
                let items = distribution(&argument.term, &|place| value(cell, place))?.into_iter();
                let items = items.filter(|(_, p)| *p > 0.0);
                items.map(|(item, p)| Ok((argument.setting(&item, scope)?, p))).collect::<Result<Vec<_>, Diagnostic>>()
            });
            settings.push((argument.knob, rows.collect::<Result<Vec<_>, Diagnostic>>()?));
        }
        let mnist = self.mnist.clone();
        Ok(Picture { shape: self.shape, mnist, collection: None, settings, classes: OnceLock::new() })
    }
}

impl DigitArgument {
    fn setting(&self, item: &Item, scope: &Scope) -> Result<Setting, Diagnostic> {
        let item = self.named(item).map_or_else(|| self.place_of(item, scope), Ok)?;
        let (low, high, whole) = match self.knob {
            Knob::Color => return Ok(item),
            Knob::Digit => (0.0, 9.0, true),
            Knob::Thickness => (0.0, 2.0, false),
            Knob::Slant => (-1.0, 1.0, false),
            Knob::Jitter => (0.0, 3.0, false),
            Knob::Noise => (0.0, 1.0, false),
        };
        match item {
            Setting::Number(n) if (low..=high).contains(&n) && (!whole || n.fract() == 0.0) => Ok(item),
            Setting::Number(n) => {
                let what = if whole { "whole numbers" } else { "numbers" };
                let title = format!("`{}` takes {what} from {low} to {high}, not {n}", self.name());
                Err(Diagnostic::new("E0404", title).label(self.term.span, "here"))
            }
            Setting::Color(_) => Err(Diagnostic::new("E0404", "a colour").label(self.term.span, "here")),
        }
    }

    fn name(&self) -> &'static str {
        KNOBS.iter().find(|k| k.1 == self.knob).map_or("digit", |k| k.0)
    }

    /// What a number or a known name sets.
    fn named(&self, item: &Item) -> Option<Setting> {
        let number =
            |names: &[(&str, f32)], label: &str| names.iter().find(|n| n.0 == label).map(|n| Setting::Number(n.1));
        match (self.knob, item) {
            (Knob::Color, Item::Number(n)) => {
                let whole = n.fract() == 0.0 && *n >= 0.0;
                COLORS.get(*n as usize).filter(|_| whole).map(|c| Setting::Color(c.1))
            }
            (_, Item::Number(n)) => Some(Setting::Number(*n as f32)),
            (Knob::Color, Item::Label(label)) => COLORS.iter().find(|c| c.0 == label).map(|c| Setting::Color(c.1)),
            (Knob::Thickness, Item::Label(label)) => number(&THICKNESSES, label),
            (Knob::Slant, Item::Label(label)) => number(&SLANTS, label),
            (_, Item::Label(_)) => None,
        }
    }

    /// Other labels count by their place among those of their variable.
    fn place_of(&self, item: &Item, scope: &Scope) -> Result<Setting, Diagnostic> {
        let place = match (&self.term.kind, item) {
            (TermKind::Variable(place), Item::Label(label)) => match scope.domain(*place) {
                Some(Domain::Labels(labels)) => labels.iter().position(|l| l == label),
                _ => None,
            },
            _ => None,
        };
        place.and_then(|at| self.named(&Item::Number(at as f64))).ok_or_else(|| {
            let shown = match item {
                Item::Number(n) => n.to_string(),
                Item::Label(label) => format!("`{label}`"),
            };
            let found = Diagnostic::new("E0404", format!("`{}` cannot be {shown}", self.name()));
            let known = labels(self.knob).unwrap_or_default().join(", ");
            let found = found.label(self.term.span, "here");
            if known.is_empty() { found } else { found.help(format!("it can be one of {known}, or its number from 0")) }
        })
    }
}

/// Reads the arguments of `classify(…)`.
pub(super) fn class_of(arguments: &[Argument], span: Span, scope: &Scope) -> Result<ClassOf, Diagnostic> {
    let wrong = |title: String, at: Span| Diagnostic::new("E0402", title).label(at, "here").help(usage(CLASSIFY_USAGE));
    let (mut image, mut classes, mut seed) = (None, None, 1);
    for argument in arguments {
        let value = &argument.value;
        match argument.name.as_ref().map(|n| n.value.as_str()) {
            None if image.is_none() => {
                let ExprKind::Name(name) = &value.kind else {
                    return Err(wrong("`classify` looks at an image variable".to_owned(), value.span));
                };
                image = scope.place(name).filter(|&p| scope.is_image(p));
                if image.is_none() {
                    return Err(wrong(format!("`{name}` is no image of the truth block"), value.span));
                }
            }
            Some("classes") => classes = Some(whole(value, "classes", 2.0, MAX_CLASSES)? as usize),
            Some("seed") => seed = whole(value, "seed", 0.0, 9e15)? as u64,
            _ => return Err(wrong("`classify` does not take this argument".to_owned(), value.span)),
        }
    }
    match (image, classes) {
        (Some(image), Some(classes)) => Ok(ClassOf { image, classes, seed, span }),
        (None, _) => Err(wrong("`classify` needs an image".to_owned(), span)),
        (_, None) => Err(wrong("`classify` needs the number of classes".to_owned(), span)),
    }
}

fn usage(usage: &str) -> String {
    format!("write {usage}")
}

/// A constant whole number.
fn whole(value: &Expr, name: &str, low: f64, high: f64) -> Result<f64, Diagnostic> {
    match value.kind {
        ExprKind::Number(n) if n.fract() == 0.0 && (low..=high).contains(&n) => Ok(n),
        _ => Err(Diagnostic::new("E0404", format!("`{name}` takes a whole number from {low} to {high}"))
            .label(value.span, "here")),
    }
}

fn labels(knob: Knob) -> Option<Vec<String>> {
    let names = |names: &[(&str, f32)]| names.iter().map(|n| n.0.to_owned()).collect();
    match knob {
        Knob::Color => Some(COLORS.iter().map(|c| c.0.to_owned()).collect()),
        Knob::Thickness => Some(names(&THICKNESSES)),
        Knob::Slant => Some(names(&SLANTS)),
        _ => None,
    }
}

fn unknown_argument(name: &str, span: Span) -> Diagnostic {
    let found = Diagnostic::new("E0402", format!("`digit` has no argument `{name}`")).label(span, "unknown");
    let known = || KNOBS.iter().map(|k| k.0).chain(["size", "mnist"]);
    match closest(name, known()) {
        Some(near) => suggest(found, near, span),
        None => found.help(format!("it can have {}", known().collect::<Vec<_>>().join(", "))),
    }
}
