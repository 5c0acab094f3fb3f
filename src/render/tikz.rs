//! TikZ: the picture as LaTeX code with the coordinates of the layout.

use super::layout::{BAND, Curve, Direction, Frame, Layout, PAD, Point, layout};
use super::{Drawing, Node};

/// Pixels in a centimetre of the picture.
const PIXELS: f64 = 40.0;
/// The colours of groups, in turn.
const COLOURS: [&str; 6] = ["blue", "orange", "teal", "magenta", "cyan", "olive"];

const PREAMBLE: &str = r"% \usepackage{tikz}
% \usetikzlibrary{arrows.meta}
% Names that are not Latin need XeLaTeX or LuaLaTeX and a font that has their letters.
\begin{tikzpicture}[
  x=1cm, y=-1cm, >={Stealth[length=2mm]}, font=\small,
  every path/.style={line width=0.6pt},
  variable/.style={draw, fill=white, inner sep=1pt, line width=0.6pt},
  latent/.style={variable, dashed},
  hidden/.style={<->, dashed},
  module/.style={line join=round, line cap=round, transparency group, opacity=0.2}]
";

/// The drawing as a `tikzpicture`.
pub fn tikz(drawing: &Drawing, direction: Direction) -> String {
    let layout = layout(drawing, direction);
    let mut out = PREAMBLE.to_owned();
    for number in 0..drawing.groups.len() {
        out += &module(drawing, &layout, number);
    }
    for (number, node) in drawing.nodes.iter().enumerate() {
        out += &variable(number, node, &layout.nodes[number], &layout.labels[number]);
    }
    for (edge, curve) in drawing.edges.iter().zip(&layout.edges) {
        let style = match edge.hidden {
            true => "hidden",
            false if drawing.nodes[edge.from].latent => "->, dashed",
            false => "->",
        };
        out += &format!("  \\draw[{style}] {};\n", path(curve));
    }
    out + "\\end{tikzpicture}\n"
}

fn module(drawing: &Drawing, layout: &Layout, number: usize) -> String {
    let (group, shade) = (&drawing.groups[number], &layout.groups[number]);
    let colour = COLOURS[number % COLOURS.len()];
    let mut out = format!("  \\begin{{scope}}[module, {colour}] % {}\n", comment(&group.name));
    for area in &shade.areas {
        let corners: Vec<String> = area.iter().map(|p| place(*p)).collect();
        let width = 2.0 * PAD / PIXELS;
        out += &format!("    \\filldraw[line width={width:.2}cm] {} -- cycle;\n", corners.join(" -- "));
    }
    for band in &shade.bands {
        out += &format!("    \\draw[line width={:.2}cm] {};\n", 2.0 * BAND / PIXELS, path(band));
    }
    out += "  \\end{scope}\n";
    let label = Point { x: shade.label.x, y: shade.label.y - 4.0 };
    out + &format!(
        "  \\node[font=\\tiny\\bfseries, {colour}!60!black] at {} {{{}}};\n",
        place(label),
        escape(&group.name)
    )
}

fn variable(number: usize, node: &Node, frame: &Frame, label: &str) -> String {
    let centimetres = |pixels: f64| format!("{:.2}cm", pixels / PIXELS);
    let style = if node.latent { "latent" } else { "variable" };
    let mut out = String::new();
    if node.is_image() {
        // A stack of frames, without another TikZ library.
        for shift in [6.0, 3.0] {
            let [left, top, right, bottom] = frame.borders();
            let corner = |x: f64, y: f64| place(Point { x: x + shift, y: y + shift });
            out += &format!(
                "  \\filldraw[fill=white, rounded corners=1mm] {} rectangle {};\n",
                corner(left, top),
                corner(right, bottom)
            );
        }
    }
    out + &format!(
        "  \\node[{style}, rounded corners={}, minimum width={}, minimum height={}] (v{number}) at {} {{{}}};\n",
        centimetres(frame.radius),
        centimetres(frame.width),
        centimetres(frame.height),
        place(frame.center),
        escape(label),
    )
}

fn place(point: Point) -> String {
    format!("({:.2},{:.2})", point.x / PIXELS, point.y / PIXELS)
}

fn path(curve: &Curve) -> String {
    let mut out = place(curve[0]);
    for piece in curve[1..].chunks_exact(3) {
        out += &format!(" .. controls {} and {} .. {}", place(piece[0]), place(piece[1]), place(piece[2]));
    }
    out
}

/// A name as LaTeX text.
fn escape(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '\\' => out += "\\textbackslash{}",
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '<' => out += "\\textless{}",
            '>' => out += "\\textgreater{}",
            '|' => out += "\\textbar{}",
            '"' => out += "\\textquotedbl{}",
            '#' | '$' | '%' | '&' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn comment(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
