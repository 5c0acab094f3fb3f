//! Columns: types below types, comments below comments, in neighbouring lines of similar length.

use super::lines::Line;
use super::spacing::spelling;
use super::tokens::Kind;
use crate::syntax::grammar::Rule;
use unicode_width::UnicodeWidthStr;

/// How much the texts before a column of values may differ in length.
const VALUES: usize = 16;
/// How much the texts before a column of comments may differ in length.
const COMMENTS: usize = 40;

/// Widens the space after the colons of declarations, entries and table rows, then that before comments.
pub(super) fn align(lines: &mut [Line]) {
    let colons: Vec<Option<usize>> = (0..lines.len()).map(|at| colon(lines, at)).collect();
    let width = |line: &Line, at: usize| colons[at].map(|colon| width(line, colon + 1));
    let same = |a: &Line, b: &Line| a.indent == b.indent && colon_rule(a) == colon_rule(b);
    align_column(lines, VALUES, width, same, |line, at, spaces| {
        if let Some(colon) = colons[at] {
            line.tokens[colon + 1].0 += spaces;
        }
    });
    let commented = |line: &Line, _: usize| {
        let one_line = !line.tokens.iter().any(|(_, t)| t.text.contains(['\n', '\r']));
        (line.comment.is_some() && !line.tokens.is_empty() && one_line).then(|| self::width(line, line.tokens.len()))
    };
    align_column(
        lines,
        COMMENTS,
        commented,
        |_, _| true,
        |line, _, spaces| {
            if let Some(comment) = &mut line.comment {
                comment.0 += spaces;
            }
        },
    );
}

/// Aligns one column: in runs of lines that have a `width` before it and are the `same` kind, with widths that
/// differ by at most `spread`, each line is widened by what it lacks.
fn align_column(
    lines: &mut [Line],
    spread: usize,
    width: impl Fn(&Line, usize) -> Option<usize>,
    same: impl Fn(&Line, &Line) -> bool,
    widen: impl Fn(&mut Line, usize, usize),
) {
    let mut start = 0;
    while start < lines.len() {
        let (mut end, mut least, mut most) = (start, usize::MAX, 0);
        let mut widths = vec![];
        while let Some(w) = lines.get(end).and_then(|line| width(line, end)) {
            let continues = end == start || !lines[end].blank_before && same(&lines[end - 1], &lines[end]);
            if !continues || most.max(w) - least.min(w) > spread {
                break;
            }
            (least, most) = (least.min(w), most.max(w));
            widths.push(w);
            end += 1;
        }
        for (at, w) in (start..end).zip(widths) {
            widen(&mut lines[at], at, most - w);
        }
        start = end.max(start + 1);
    }
}

/// The place of the colon that a value follows, if the line holds one entry and nothing of another.
fn colon(lines: &[Line], at: usize) -> Option<usize> {
    let line = &lines[at];
    let whole = line.fresh && lines.get(at + 1).is_none_or(|next| next.fresh || next.tokens.is_empty());
    let mut depth = 0_usize;
    let mut found = None;
    for (place, (_, token)) in line.tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 0 => return None,
            Kind::Close => depth -= 1,
            _ if depth > 0 => {}
            _ if token.text == ";" || token.text.contains(['\n', '\r']) => return None,
            _ if token.text == "," && found.is_some() => return None,
            _ if token.text == ":" && found.is_none() => found = Some(place),
            _ => {}
        }
    }
    let aligned = |place: &usize| {
        let rule = line.tokens[*place].1.rule;
        matches!(rule, Rule::declaration | Rule::truth_type | Rule::entry | Rule::table_row)
            && *place + 1 < line.tokens.len()
    };
    found.filter(aligned).filter(|_| whole && depth == 0)
}

fn colon_rule(line: &Line) -> Option<Rule> {
    line.tokens.iter().find(|(_, t)| t.text == ":").map(|(_, t)| t.rule)
}

/// The columns that the indentation and the first `count` tokens take.
fn width(line: &Line, count: usize) -> usize {
    let tokens = line.tokens[..count].iter().map(|(spaces, t)| spaces + spelling(t).width());
    2 * line.indent + tokens.sum::<usize>()
}
