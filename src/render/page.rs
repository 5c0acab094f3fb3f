//! A plan as one page: the graph with its modules shaded, and the plan in words. No scripts, no requests.

use super::layout::Direction;
use super::{Drawing, escape, svg};
use crate::diag::Sources;
use crate::model::Model;
use crate::plan::{ExplainedModule, Planned, explain};

/// The colours and the type of the page.
const STYLE: &str = include_str!("page.css");

/// The plan of `model` as an HTML page; `sources` are the texts of the model.
pub fn page(planned: &Planned, model: &Model, sources: &Sources, direction: Direction) -> String {
    let drawing = Drawing::of(model).described(model, sources).with_plan(planned, model);
    let explained = explain(planned, model);
    let anchor = |group: usize| explained.modules.get(group).map_or_else(String::new, |module| module.id.clone());
    let title = escape(drawing.title.as_deref().unwrap_or("Causal model"));
    let figure = svg::figure(&drawing, sources, direction, &anchor);
    let modules: String = explained.modules.iter().enumerate().map(|(number, m)| article(number, m)).collect();
    let summary = escape(&capitalised(&explained.summary));
    let main = format!(
        "<figure id=\"graph\" tabindex=\"0\" aria-label=\"The causal graph\">{figure}<figcaption>{}</figcaption></figure>\n\
         <h2>Modules in the order they are trained</h2>\n{modules}",
        "Solid arrows are causes, dashed ones hidden common causes. Each shade is a module: its variables are trained \
         together. Point at something to see why it is there; click a variable to read about its module.",
    );
    document("dcmc plan", &title, &summary, "", &main)
}

/// A page without scripts and requests, in the style of all pages. `title` and `remark` are escaped, `main` is HTML;
/// `style` is added to that of the page and of graphs.
pub fn document(kicker: &str, title: &str, remark: &str, style: &str, main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title} – {kicker}</title>\n<style>\n{STYLE}{}{style}</style>\n</head>\n<body>\n\
         <header><p class=\"kicker\">{kicker}</p><h1>{title}</h1><p class=\"remark\">{remark}</p></header>\n\
         <main>\n{main}</main>\n</body>\n</html>\n",
        svg::style(),
    )
}

fn article(number: usize, module: &ExplainedModule) -> String {
    let id = escape(&module.id);
    let facts: String = module
        .lines
        .iter()
        .map(|fact| format!("<dt>{}</dt><dd>{}</dd>\n", escape(fact.label), escape(&fact.text)))
        .collect();
    format!(
        "<article class=\"card hue{}\" id=\"{id}\" aria-labelledby=\"{id}-name\" tabindex=\"-1\">\n\
         <h3 id=\"{id}-name\">{id}</h3><p class=\"remark\">{}</p>\n<dl>\n{facts}</dl>\n\
         <p class=\"back\"><a href=\"#graph\">to the graph</a></p>\n</article>\n",
        number % svg::HUES,
        escape(&module.summary),
    )
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
