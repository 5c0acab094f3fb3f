//! Images in the report: rows that were drawn, galleries, and how well they fit.

use super::Report;
use super::markup::{Cell, table};
use super::sheet::{decimal, percent, provenance, thousands};
use crate::data::{Column, Grid, Table, Values, columns_of_table, png_grid};
use crate::model::Model;
use crate::query::answer::{Answer, Fit};
use crate::query::{Gallery, GalleryRow};
use crate::render::escape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Images of a `sample(…)` query that are shown.
const SHOWN_IMAGES: usize = 64;
/// Rows without images that are listed.
const SHOWN_ROWS: usize = 12;

/// The rows of a `sample(…)` query.
pub(super) fn samples_card(id: &str, model: &Model, answer: &Answer, drawn: &Table) -> String {
    let mut body = String::new();
    for (&variable, images) in &drawn.images {
        let shown = images.len().min(SHOWN_IMAGES);
        let pixels: Vec<Vec<u8>> = (0..shown).filter_map(|row| images.row(row).ok()).collect();
        let name = model.name(variable);
        let about = format!("{shown} of {} images of {name}", thousands(images.len() as f64));
        body += &format!(
            "<figure>{}<figcaption>{}</figcaption></figure>\n",
            picture(&pixels, images.shape(), 0, &about),
            escape(&about)
        );
    }
    let columns = columns_of_table(model, drawn);
    if !columns.is_empty() {
        body += &listing(&answer.name, &columns);
    }
    format!(
        "<article class=\"card\" aria-labelledby=\"{id}\">\n<h3 id=\"{id}\">{} <code>{}</code></h3>\n\
         <p class=\"remark\">{}</p>\n{body}</article>\n",
        escape(&answer.name),
        escape(&answer.query),
        escape(&provenance(answer)),
    )
}

fn listing(name: &str, columns: &[Column]) -> String {
    let heads: Vec<(&str, bool)> = columns.iter().map(|c| (c.name.as_str(), false)).collect();
    let rows = columns.first().map_or(0, |c| c.values.len());
    let cell = |column: &Column, row: usize| {
        Cell::Text(match &column.values {
            Values::Text(values) => values[row].clone().unwrap_or_default(),
            Values::Int(values) => values[row].map_or_else(String::new, |n| n.to_string()),
            Values::Float(values) => values[row].map_or_else(String::new, decimal),
            Values::Bytes(_) => String::new(),
        })
    };
    let lines: Vec<Vec<Cell>> =
        (0..rows.min(SHOWN_ROWS)).map(|row| columns.iter().map(|c| cell(c, row)).collect()).collect();
    let caption = format!("The first of {} rows of {name}", thousands(rows as f64));
    table(&caption, &heads, &lines)
}

/// Drawn images beside real ones, for each value of their discrete parents.
pub(super) fn galleries(report: &Report) -> String {
    let cards: String = report.galleries.iter().map(gallery).collect();
    if cards.is_empty() { cards } else { super::html::section("images", "Images", &cards) }
}

fn gallery(gallery: &Gallery) -> String {
    let row = |row: &GalleryRow| {
        let strip = |images: &[Vec<u8>], what: &str| {
            let about = format!("{} {} images of {} ({})", images.len(), what, gallery.variable, row.values);
            Cell::Html(picture(images, gallery.shape, images.len(), &about))
        };
        vec![Cell::Text(row.values.clone()), strip(&row.drawn, "drawn"), strip(&row.real, "real")]
    };
    let rows: Vec<Vec<Cell>> = gallery.rows.iter().map(row).collect();
    let heads = [("Set to", false), ("Drawn", false), ("Data with these values", false)];
    let caption = match gallery.omitted {
        0 => "Each value of the discrete parents".to_owned(),
        omitted => format!("The first values of the discrete parents; {omitted} more are not shown"),
    };
    format!(
        "<article class=\"card\"><h3>{}</h3>\n{}</article>\n",
        escape(&gallery.variable),
        table(&caption, &heads, &rows)
    )
}

/// A picture of images side by side, as a part of the page; a dash where there is none.
fn picture(images: &[Vec<u8>], shape: [usize; 3], columns: usize, about: &str) -> String {
    let grid = Grid { columns, gap: 1, scale: 1, ..Grid::default() };
    let Ok(png) = png_grid(images, shape, grid) else { return "–".to_owned() };
    let data = STANDARD.encode(png);
    let wide = match columns {
        0 => (images.len() as f64).sqrt().ceil() as usize,
        columns => columns,
    } * (shape[2] + 1);
    let scale = (640.0 / wide.max(1) as f64).clamp(1.0, 1.5);
    format!(
        "<img class=\"pixels\" width=\"{:.0}\" alt=\"{}\" src=\"data:image/png;base64,{data}\">",
        wide as f64 * scale,
        escape(about)
    )
}

/// How well drawn images fit the data sets, as a table; nothing where there are no images.
pub(super) fn image_fit(fits: &[Fit]) -> String {
    let mut rows = vec![];
    for (data, image) in fits.iter().flat_map(|f| f.images.iter().map(|image| (&f.data, image))) {
        let read = image.agreement.iter().map(|a| format!("{}: {} ({})", a.parent, percent(a.drawn), percent(a.real)));
        rows.push(vec![
            Cell::Text(data.clone()),
            Cell::Text(image.variable.clone()),
            Cell::Text(read.collect::<Vec<_>>().join(", ")),
            Cell::Number(format!("{} ({})", decimal(image.kernel_distance), decimal(image.kernel_distance_of_data))),
            Cell::Number(format!("{:.2}", image.diversity)),
        ]);
    }
    if rows.is_empty() {
        return String::new();
    }
    let heads = [
        ("Data set", false),
        ("Image", false),
        ("Parents read (real images)", false),
        ("Kernel distance (real images)", true),
        ("Diversity", true),
    ];
    let caption = "Drawn images against held-out real ones, seen by a classifier that was trained on the data set: how \
                   often it reads the parents' values, the distance of the two in its features, and how varied the \
                   drawn ones are (1: as the real ones)";
    table(caption, &heads, &rows)
}
