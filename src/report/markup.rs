//! Tables in HTML.

use crate::render::escape;

/// A table cell; the text is escaped when it is written.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// Text.
    Text(String),
    /// A number, to the right.
    Number(String),
    /// A name from the model, in the code font.
    Code(String),
    /// A long string without spaces, such as a digest.
    Digest(String),
    /// HTML that is written as it is.
    Html(String),
}

/// An HTML table with a caption; `heads` are titles and whether the column holds numbers. The first
/// column's cells head their rows.
pub(super) fn table(caption: &str, heads: &[(&str, bool)], rows: &[Vec<Cell>]) -> String {
    let mut out = format!("<div class=\"scroll\"><table><caption>{}</caption>\n<thead><tr>", escape(caption));
    for (title, number) in heads {
        let class = if *number { " class=\"number\"" } else { "" };
        out += &format!("<th scope=\"col\"{class}>{}</th>", escape(title));
    }
    out += "</tr></thead>\n<tbody>\n";
    for row in rows {
        out += "<tr>";
        for (at, cell) in row.iter().enumerate() {
            out += &table_cell(cell, at == 0);
        }
        out += "</tr>\n";
    }
    out + "</tbody></table></div>\n"
}

fn table_cell(cell: &Cell, head: bool) -> String {
    let (open, close) = if head { ("th scope=\"row\"", "th") } else { ("td", "td") };
    match cell {
        Cell::Text(text) => format!("<{open}>{}</{close}>", escape(text)),
        Cell::Number(text) => format!("<{open} class=\"number\">{}</{close}>", escape(text)),
        Cell::Code(text) => format!("<{open}><code>{}</code></{close}>", escape(text)),
        Cell::Digest(text) => format!("<{open}><code class=\"digest\">{}</code></{close}>", escape(text)),
        Cell::Html(html) => format!("<{open}>{html}</{close}>"),
    }
}
