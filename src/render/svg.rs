//! SVG 1.1: one picture without scripts or fonts of its own, for light and dark pages.

use super::layout::{BAND, Curve, Direction, FONT_SIZE, Frame, Layout, PAD, Point, Shade, layout, samples};
use super::{Drawing, Edge, Node, escape};
use crate::diag::Sources;

/// The colours and strokes, with the fonts that most systems have.
const STYLE: &str = include_str!("svg.css");
/// The length of an arrow's head and half its width.
const HEAD: (f64, f64) = (9.0, 3.6);
/// The number of group colours in the style.
pub(super) const HUES: usize = 8;

/// The drawing as an SVG document; `sources` are the texts of the model, to say where edges are written.
pub fn svg(drawing: &Drawing, sources: &Sources, direction: Direction) -> String {
    let layout = layout(drawing, direction);
    let mut out = open(drawing, &layout, "img", "graph");
    out += &format!("<style>\n{STYLE}</style>\n");
    out += &content(drawing, sources, &layout, &|_| None, &Marks::default());
    out + "</svg>\n"
}

/// Classes of style that set parts of a drawing off; where a list is too short the rest has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Per node its classes.
    pub nodes: Vec<&'static str>,
    /// Per edge its classes.
    pub edges: Vec<&'static str>,
}

/// The drawing with parts set off, for a page that has the style of [`document`](super::document); `id` is new to the
/// page.
pub fn illustration(drawing: &Drawing, sources: &Sources, direction: Direction, marks: &Marks, id: &str) -> String {
    let layout = layout(drawing, direction);
    open(drawing, &layout, "img", id) + &content(drawing, sources, &layout, &|_| None, marks) + "</svg>\n"
}

/// The drawing as part of a page that has [`STYLE`]; nodes and groups link to `anchor(group)`.
pub(super) fn figure(
    drawing: &Drawing,
    sources: &Sources,
    direction: Direction,
    anchor: &dyn Fn(usize) -> String,
) -> String {
    let layout = layout(drawing, direction);
    // Not one image: its links must be reachable.
    let link = |group| Some(anchor(group));
    open(drawing, &layout, "group", "graph")
        + &content(drawing, sources, &layout, &link, &Marks::default())
        + "</svg>\n"
}

/// The style of [`figure`].
pub(super) fn style() -> &'static str {
    STYLE
}

fn open(drawing: &Drawing, layout: &Layout, role: &str, id: &str) -> String {
    let (width, height) = (layout.width, layout.height);
    let title = drawing.title.as_deref().unwrap_or("Causal graph");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" class=\"graph\" \
         role=\"{role}\" aria-labelledby=\"{id}-title {id}-text\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-text\">{}</desc>\n",
        escape(title),
        escape(&in_words(drawing))
    )
}

/// The graph for those who do not see it.
fn in_words(drawing: &Drawing) -> String {
    const LISTED: usize = 200;
    let name = |node: usize| drawing.nodes[node].name.as_str();
    let edge = |e: &Edge| format!("{} {} {}", name(e.from), if e.hidden { "<->" } else { "->" }, name(e.to));
    let mut edges: Vec<String> = drawing.edges.iter().take(LISTED).map(edge).collect();
    if drawing.edges.len() > LISTED {
        edges.push(format!("and {} more edges", drawing.edges.len() - LISTED));
    }
    let nodes = drawing.nodes.len();
    let mut text = format!("A causal graph of {nodes} variable{}", if nodes == 1 { "" } else { "s" });
    if !edges.is_empty() {
        text += &format!(": {}", edges.join("; "));
    }
    text + "."
}

fn content(
    drawing: &Drawing,
    sources: &Sources,
    layout: &Layout,
    link: &dyn Fn(usize) -> Option<String>,
    marks: &Marks,
) -> String {
    let mark = |classes: &[&'static str], at: usize| classes.get(at).copied().unwrap_or_default();
    let mut out = "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n".to_owned();
    let linked = |group: Option<usize>, body: String| match group.and_then(link) {
        Some(target) => format!("<a xlink:href=\"#{0}\" href=\"#{0}\">{body}</a>\n", escape(&target)),
        None => format!("{body}\n"),
    };
    for (number, (group, shade)) in drawing.groups.iter().zip(&layout.groups).enumerate() {
        let hue = number % HUES;
        out += &linked(Some(number), shaded(shade, hue, &group.about));
    }
    for (number, (edge, curve)) in drawing.edges.iter().zip(&layout.edges).enumerate() {
        let unseen = if edge.hidden || drawing.nodes[edge.from].latent { "edge hidden" } else { "edge" };
        let class = classes(unseen, mark(&marks.edges, number));
        out += &edge_group(curve, edge.hidden, &class, &drawing.why(edge, sources));
    }
    let mut owner = vec![None; drawing.nodes.len()];
    for (number, group) in drawing.groups.iter().enumerate() {
        group.members.iter().for_each(|&v| owner[v] = Some(number));
    }
    for (number, node) in drawing.nodes.iter().enumerate() {
        let class = classes(if node.latent { "node latent" } else { "node" }, mark(&marks.nodes, number));
        out += &linked(owner[number], node_group(node, &layout.nodes[number], &layout.labels[number], &class));
    }
    for (number, (group, shade)) in drawing.groups.iter().zip(&layout.groups).enumerate() {
        let (x, y, hue) = (shade.label.x, shade.label.y, number % HUES);
        out += &format!("<text class=\"tag h{hue}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n", escape(&group.name));
    }
    out
}

/// A shape is drawn three times: as its border, cleared, and tinted; each as one, so that overlaps do not show.
fn shaded(shade: &Shade, hue: usize, about: &str) -> String {
    let layer = |class: &str, beyond: f64| {
        let mut out = format!("<g class=\"{class}\">");
        for area in &shade.areas {
            let points: Vec<String> = area.iter().map(|p| format!("{:.1},{:.1}", p.x, p.y)).collect();
            out += &format!("<polygon points=\"{}\" stroke-width=\"{}\"/>", points.join(" "), 2.0 * (PAD + beyond));
        }
        for band in &shade.bands {
            out += &format!("<path class=\"band\" d=\"{}\" stroke-width=\"{}\"/>", path(band), 2.0 * (BAND + beyond));
        }
        out + "</g>"
    };
    format!(
        "<g class=\"module h{hue}\"><title>{}</title>{}{}{}</g>",
        escape(about),
        layer("rim", 0.0),
        layer("core", -1.0),
        layer("tint", -1.0)
    )
}

fn edge_group(curve: &Curve, hidden: bool, class: &str, why: &str) -> String {
    let (line, end) = behind_head(curve);
    let mut heads = head(end);
    let mut line = line;
    if hidden {
        line.reverse();
        let (shorter, start) = behind_head(&line);
        line = shorter;
        line.reverse();
        heads += &head(start);
    }
    let line = path(&line);
    format!(
        "<g class=\"{class}\"><title>{}</title><path class=\"reach\" d=\"{line}\"/><path class=\"line\" d=\"{line}\"/>{heads}</g>\n",
        escape(why)
    )
}

/// The curve up to the back of its arrow head, and the head's back and tip.
fn behind_head(curve: &Curve) -> (Curve, (Point, Point)) {
    let tip = curve[curve.len() - 1];
    let mut line = curve.clone();
    let last = line.len() - 1;
    // The head points along the chord of the curve's end.
    let points = samples(curve, 1.0);
    let back = points.iter().rev().copied().find(|p| (tip - *p).length() >= HEAD.0).unwrap_or(points[0]);
    line[last] = tip - (tip - back) * 0.8;
    if (tip - line[last - 1]).length() < HEAD.0 {
        line[last - 1] = line[last];
    }
    (line, (back, tip))
}

fn head((back, tip): (Point, Point)) -> String {
    let along = tip - back;
    let side = along.normal() * (HEAD.1 / along.length().max(1e-9));
    let notch = tip - along * 0.8;
    let points = [tip, back + side, notch, back - side];
    let points: Vec<String> = points.iter().map(|p| format!("{:.1},{:.1}", p.x, p.y)).collect();
    format!("<polygon class=\"head\" points=\"{}\"/>", points.join(" "))
}

fn path(curve: &[Point]) -> String {
    let mut out = format!("M{:.1} {:.1}", curve[0].x, curve[0].y);
    for piece in curve[1..].chunks_exact(3) {
        let places: Vec<String> = piece.iter().map(|p| format!("{:.1} {:.1}", p.x, p.y)).collect();
        out += &format!("C{}", places.join(" "));
    }
    out
}

fn classes(own: &str, mark: &str) -> String {
    if mark.is_empty() { own.to_owned() } else { format!("{own} {mark}") }
}

fn node_group(node: &Node, frame: &Frame, label: &str, class: &str) -> String {
    let mut about = node.name.clone();
    if let Some(domain) = &node.domain {
        about += &format!(": {domain}");
    }
    if !node.about.is_empty() {
        about += &format!("\n{}", node.about);
    }
    let [left, top, ..] = frame.borders();
    let outline = |shift: f64| {
        format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{:.1}\"/>",
            left + shift,
            top + shift,
            frame.width,
            frame.height,
            frame.radius
        )
    };
    let shape = match node.is_image() {
        true => [6.0, 3.0, 0.0].map(outline).concat(),
        false => outline(0.0),
    };
    format!(
        "<g class=\"{class}\"><title>{}</title>{shape}<text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        escape(&about),
        frame.center.x,
        frame.center.y + FONT_SIZE * 0.35,
        escape(label)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lower;
    use crate::plan::{Options, make};
    use crate::render::{page, tikz};
    use crate::syntax::parse;

    const HOSTILE: &str = "`a<b&c` -> `\"q\" 'x'`; `a<b&c` <-> `مرحبا`\n`变量\u{1}` -> `\\end{tikzpicture} %$#_~^|`\n\
        latent `</svg>` -> {`a<b&c`, `مرحبا`, `]]>`}\nA -> B; A <-> B\n";

    fn drawn(text: &str) -> Drawing {
        let model = lower(&parse(text).0, |_| vec![]).0;
        Drawing::of(&model).described(&model, &Sources::new("m.scm", text))
    }

    fn titles(svg: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{e}\n{svg}"));
        let titles = document.descendants().filter(|n| n.has_tag_name(("http://www.w3.org/2000/svg", "title")));
        titles.filter_map(|n| n.text().map(str::to_owned)).collect()
    }

    #[test]
    fn edges_and_nodes_say_why_they_are_there() {
        let text = "# Front door\n\nD -> I -> A; D <-> A\nI: image[3,32,32]\n";
        let svg = svg(&drawn(text), &Sources::new("m.scm", text), Direction::Right);
        let found = titles(&svg);
        for title in [
            "D -> I, line 3: D is a cause of I",
            "D <-> A, line 3: a hidden common cause of D and A",
            "I: image[3,32,32]\ndeclared in line 4",
            "D\nfirst named in line 3\nc-component {A, D}",
        ] {
            assert!(found.iter().any(|t| t == title), "{title} is not in {found:?}");
        }
    }

    #[test]
    fn every_name_is_written_so_that_it_is_read_back() {
        for text in [HOSTILE, "", "Z\n", "A -> B -> A\n"] {
            let drawing = drawn(text);
            for direction in [Direction::Right, Direction::Down] {
                let svg = svg(&drawing, &Sources::new("m.scm", text), direction);
                let found = titles(&svg);
                for node in &drawing.nodes {
                    let name = node.name.replace('\u{1}', "\u{fffd}");
                    assert!(found.iter().any(|t| t.lines().next() == Some(name.as_str())), "{name}: {found:?}");
                }
                let document = roxmltree::Document::parse(&svg).unwrap();
                let count = |class: &str| {
                    let of_class = |n: &roxmltree::Node| n.attribute("class").is_some_and(|c| c.starts_with(class));
                    document.descendants().filter(of_class).count()
                };
                assert_eq!(count("node"), drawing.nodes.len());
                assert_eq!(count("edge"), drawing.edges.len());
                assert_eq!(count("head"), drawing.edges.iter().map(|e| 1 + usize::from(e.hidden)).sum::<usize>());
                assert!(document.descendants().all(|n| !n.has_tag_name("script")));
            }
        }
    }

    #[test]
    fn the_page_is_well_formed_and_its_links_arrive() {
        let model = lower(&parse(HOSTILE).0, |_| vec![]).0;
        let planned = make(&model, &[], Options::default()).unwrap();
        let page = page(&planned, &model, &Sources::new("m.scm", HOSTILE), Direction::Right);
        // What XML wants closed and HTML does not.
        let xml = page.replace("<!doctype html>\n", "").replace("\">\n<meta", "\"/>\n<meta");
        let xml = xml.replace("'unsafe-inline'\">", "'unsafe-inline'\"/>");
        let document = roxmltree::Document::parse(&xml).unwrap_or_else(|e| panic!("{e}\n{xml}"));
        let ids: Vec<&str> = document.descendants().filter_map(|n| n.attribute("id")).collect();
        let links: Vec<&str> = document.descendants().filter_map(|n| n.attribute("href")).collect();
        assert!(links.len() > planned.plan.modules.len());
        assert!(links.iter().all(|link| ids.contains(&&link[1..])), "{links:?} {ids:?}");
        for module in &planned.plan.modules {
            assert!(ids.contains(&module.id.as_str()));
        }
    }

    #[test]
    fn tikz_is_balanced_whatever_the_names() {
        let model = lower(&parse(HOSTILE).0, |_| vec![]).0;
        let planned = make(&model, &[], Options::default()).unwrap();
        let tikz = tikz(&drawn(HOSTILE).with_plan(&planned, &model), Direction::Right);
        let code: Vec<&str> = tikz.lines().filter(|line| !line.starts_with('%')).collect();
        let code = code.join("\n").replace("\\\\", "");
        let mut depth = 0;
        let mut escaped = false;
        for c in code.chars() {
            match c {
                _ if escaped => {}
                '{' => depth += 1,
                '}' => depth -= 1,
                '$' | '#' | '&' | '_' | '~' | '^' => panic!("{c} stands alone in {code}"),
                _ => {}
            }
            assert!(depth >= 0);
            escaped = c == '\\' && !escaped;
        }
        assert_eq!(depth, 0);
        for name in ["tikzpicture", "scope"] {
            let count = |word: &str| code.matches(&format!("\\{word}{{{name}}}")).count();
            assert_eq!(count("begin"), count("end"));
        }
        assert_eq!(code.matches("\\begin{tikzpicture}").count(), 1);
        let drawing = drawn(HOSTILE);
        assert_eq!(code.matches("\\draw[hidden]").count(), drawing.edges.iter().filter(|e| e.hidden).count());
        let statements = code.lines().skip_while(|l| !l.ends_with(']')).skip(1);
        assert!(statements.filter(|l| !l.contains("\\begin") && !l.contains("\\end{")).all(|l| l.ends_with(';')));
    }
}
