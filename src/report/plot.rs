//! Plots as inline SVG, drawn in CSS colours so that they follow light and dark.

use crate::render::escape;
use std::fmt::Write;

/// Width of the drawing in CSS pixels; the page scales it down on narrow screens.
const WIDTH: f64 = 470.0;
const ROW: f64 = 26.0;
const BAR: f64 = 14.0;
/// Width of a wide character at the plots' font size.
const CHARACTER: f64 = 7.5;
const MAX_LABEL: usize = 22;

/// A bar with its interval and a reference.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    /// The heading it stands under.
    pub group: String,
    /// What it is.
    pub label: String,
    /// Its length.
    pub value: f64,
    /// The ends of its whisker.
    pub interval: Option<(f64, f64)>,
    /// Where the reference stands.
    pub reference: Option<f64>,
}

/// Horizontal bars from 0, with 90 % whiskers and diamonds where the reference is. `id` must be unique
/// on the page; `title` and `description` are for screen readers.
pub(super) fn bars(id: &str, title: &str, description: &str, bars: &[Bar], number: impl Fn(f64) -> String) -> String {
    let headings = headings(bars);
    let longest = bars.iter().map(|b| shortened(&b.label).chars().count()).max().unwrap_or(0);
    let left = 16.0 + longest as f64 * CHARACTER;
    let right = WIDTH - 66.0;
    let ends = bars.iter().flat_map(|b| [Some(b.value), b.interval.map(|i| i.0), b.interval.map(|i| i.1), b.reference]);
    let axis = Axis::over(ends.flatten().chain([0.0]), left, right, 5);
    let height = 10.0 + (bars.len() + headings) as f64 * ROW + 24.0;
    let mut svg = open(id, title, description, height);
    for &tick in &axis.ticks {
        let x = axis.at(tick);
        let class = if tick == 0.0 { "zero" } else { "grid" };
        _ = write!(svg, "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"6\" x2=\"{x:.1}\" y2=\"{:.1}\"/>", height - 22.0);
        _ = write!(svg, "<text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">", height - 7.0);
        _ = write!(svg, "{}</text>", axis.label(tick));
    }
    let (mut y, mut group) = (10.0, None);
    for bar in bars {
        if headings > 0 && group != Some(&bar.group) {
            _ = write!(svg, "<text class=\"group\" x=\"4\" y=\"{:.1}\">{}</text>", y + 18.0, escape(&bar.group));
            group = Some(&bar.group);
            y += ROW;
        }
        one_bar(&mut svg, bar, &axis, left, y + ROW / 2.0);
        let label = escape(&number(bar.value));
        _ = writeln!(
            svg,
            "<text class=\"value\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
            WIDTH - 4.0,
            y + 17.5
        );
        y += ROW;
    }
    svg + "</svg>\n"
}

fn one_bar(svg: &mut String, bar: &Bar, axis: &Axis, left: f64, y: f64) {
    let label = escape(&shortened(&bar.label));
    _ = write!(
        svg,
        "<text class=\"label\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
        left - 8.0,
        y + 4.5
    );
    if bar.value.is_finite() {
        let (zero, end) = (axis.at(0.0), axis.at(bar.value));
        let (x, width) = (zero.min(end), (end - zero).abs());
        let top = y - BAR / 2.0;
        _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>"
        );
    }
    if let Some((low, high)) = bar.interval.filter(|(low, high)| low.is_finite() && high.is_finite()) {
        let (a, b, top, bottom) = (axis.at(low), axis.at(high), y - 4.0, y + 4.0);
        _ = write!(
            svg,
            "<path class=\"whisker\" d=\"M{a:.1} {y:.1}H{b:.1}M{a:.1} {top:.1}V{bottom:.1}M{b:.1} {top:.1}V{bottom:.1}\"/>"
        );
    }
    if let Some(reference) = bar.reference.filter(|r| r.is_finite()) {
        let x = axis.at(reference);
        _ = write!(svg, "<path class=\"reference\" d=\"M{x:.1} {:.1}l5 5l-5 5l-5 -5z\"/>", y - 5.0);
    }
}

/// The number of group headings: one per change of group, none where all bars are of one nameless group.
fn headings(bars: &[Bar]) -> usize {
    if bars.iter().all(|b| b.group.is_empty()) {
        return 0;
    }
    let changes = bars.windows(2).filter(|pair| pair[0].group != pair[1].group).count();
    if bars.is_empty() { 0 } else { changes + 1 }
}

/// A line through `points` of (step, value); a point that is not finite breaks nothing, it is left out.
pub(super) fn curve(id: &str, title: &str, description: &str, class: &str, points: &[(f64, f64)]) -> String {
    let (height, left, bottom) = (190.0, 54.0, 160.0);
    let points: Vec<(f64, f64)> = thinned(points);
    let x = Axis::over(points.iter().map(|p| p.0).chain([0.0]), left, WIDTH - 22.0, 5);
    let y = Axis::over(points.iter().map(|p| p.1), bottom, 12.0, 4);
    let mut svg = open(id, title, description, height);
    for &tick in &y.ticks {
        let at = y.at(tick);
        _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{left}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/>",
            WIDTH - 22.0
        );
        let label = y.label(tick);
        _ = write!(
            svg,
            "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
            left - 8.0,
            at + 4.0
        );
    }
    for &tick in &x.ticks {
        let (at, label) = (x.at(tick), x.label(tick));
        _ = write!(
            svg,
            "<text class=\"tick\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{:.1}\">{label}</text>",
            bottom + 18.0
        );
    }
    svg += "\n<path class=\"curve ";
    svg += class;
    svg += "\" d=\"";
    for (at, (step, value)) in points.iter().enumerate() {
        _ = write!(svg, "{}{:.1} {:.1}", if at == 0 { 'M' } else { 'L' }, x.at(*step), y.at(*value));
    }
    svg += "\"/>";
    if let Some((step, value)) = points.last() {
        _ = write!(
            svg,
            "<circle class=\"end {class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>",
            x.at(*step),
            y.at(*value)
        );
    }
    svg + "</svg>\n"
}

/// Two histograms over the same bins: the first as bars, the second as a line of steps.
pub(super) fn histograms(
    id: &str,
    title: &str,
    description: &str,
    (low, high): (f64, f64),
    [bars, line]: [&[f64]; 2],
) -> String {
    let (height, left, bottom, right) = (150.0, 22.0, 122.0, WIDTH - 22.0);
    let x = Axis::over([low, high].into_iter(), left, right, 5);
    let top = bars.iter().chain(line).copied().fold(f64::MIN_POSITIVE, f64::max);
    let y = |share: f64| bottom - share / top * (bottom - 8.0);
    let edge = |bin: usize| x.at(low + (high - low) * bin as f64 / bars.len().max(1) as f64);
    let mut svg = open(id, title, description, height);
    for (bin, share) in bars.iter().enumerate() {
        _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            edge(bin),
            y(*share),
            (edge(bin + 1) - edge(bin) - 1.0).max(0.5),
            bottom - y(*share)
        );
    }
    _ = write!(svg, "<path class=\"curve tv\" d=\"M{:.1} {bottom:.1}", edge(0));
    for (bin, share) in line.iter().enumerate() {
        _ = write!(svg, "V{:.1}H{:.1}", y(*share), edge(bin + 1));
    }
    _ = write!(svg, "V{bottom:.1}\"/>");
    for &tick in &x.ticks {
        let (at, label) = (x.at(tick), x.label(tick));
        _ = write!(
            svg,
            "<text class=\"tick\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{:.1}\">{label}</text>",
            bottom + 18.0
        );
    }
    svg + "</svg>\n"
}

/// At most 400 of the finite points, the last one among them.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let every = finite.len().div_ceil(400).max(1);
    let last = finite.len().saturating_sub(1);
    finite.into_iter().enumerate().filter(|(at, _)| (last - at).is_multiple_of(every)).map(|(_, p)| p).collect()
}

fn open(id: &str, title: &str, description: &str, height: f64) -> String {
    let id = escape(id);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-text\">{}</desc>\n",
        escape(title),
        escape(description)
    )
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= MAX_LABEL {
        return label.to_owned();
    }
    label.chars().take(MAX_LABEL - 1).chain(['…']).collect()
}

/// A linear scale from round numbers to pixels.
struct Axis {
    ticks: Vec<f64>,
    step: f64,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// The scale that shows all finite `values` between the pixels `from` and `to`, with about
    /// `count` steps of 1, 2 or 5 times a power of ten.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64, count: usize) -> Self {
        let (mut low, mut high) = values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= f64::EPSILON * high.abs().max(low.abs()) {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - if low == 0.0 { 0.0 } else { room }, high + room);
        }
        let rough = (high - low) / count as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough * 0.8).unwrap_or(rough);
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let steps = (last - first).clamp(1.0, 50.0) as usize;
        // 0.0 + … turns -0 into 0.
        let ticks: Vec<f64> = (0..=steps).map(|i| 0.0 + (first + i as f64) * step).collect();
        Self { low: first * step, high: last * step, ticks, step, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// A tick with as many decimals as the step has.
    fn label(&self, tick: f64) -> String {
        match self.step.log10().floor() {
            _ if tick == 0.0 => "0".to_owned(),
            power if !(-6.0..4.0).contains(&power) => format!("{tick:.0e}"),
            power if power >= 0.0 => format!("{tick:.0}"),
            power => format!("{tick:.*}", (-power) as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_round_and_hold_their_values() {
        let cases: [(&[f64], &str, &str); 7] = [
            (&[0.0, 0.97], "0", "1.0"),
            (&[0.0, 0.031], "0", "0.035"),
            (&[-3.2, 7.0], "-4", "8"),
            (&[0.0, 20_000.0], "0", "20000"),
            (&[0.5, 0.5], "0.44", "0.56"),
            (&[], "0", "1.0"),
            (&[0.0, 1e7], "0", "1e7"),
        ];
        for (values, low, high) in cases {
            let axis = Axis::over(values.iter().copied(), 10.0, 110.0, 5);
            assert!(values.iter().all(|v| (10.0 - 1e-9..=110.0 + 1e-9).contains(&axis.at(*v))), "{values:?}");
            assert!((3..=9).contains(&axis.ticks.len()), "{:?}", axis.ticks);
            let label = |tick: Option<&f64>| axis.label(*tick.unwrap());
            assert_eq!((label(axis.ticks.first()).as_str(), label(axis.ticks.last()).as_str()), (low, high));
        }
    }

    #[test]
    fn long_curves_are_thinned_to_their_end() {
        let points: Vec<(f64, f64)> =
            (0..10_001).map(|i| (f64::from(i), if i == 5 { f64::NAN } else { 1.0 })).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= 400 && thin.len() > 300, "{}", thin.len());
        assert_eq!(thin.last(), Some(&(10_000.0, 1.0)));
        assert_eq!(thinned(&[]), []);
    }
}
