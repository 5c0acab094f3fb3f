//! Slips: statements that are a sign or a word away from ones that can be read.

use super::brackets::code_only;
use super::repair::{reads_after, repair};
use super::starts_with_keyword;
use crate::diag::Diagnostic;
use crate::syntax::words::FORMS;
use std::ops::Range;

/// A slip: what is written in its place, and the rule that it breaks.
struct Slip {
    edits: Vec<(Range<usize>, String)>,
    written: String,
    rule: &'static str,
}

type Found = Option<Slip>;

/// Adds to `found`, about the statement `source` at byte `start`, the repair of a slip, or of several that are there
/// together, after which the statement can be read.
pub(super) fn slip(mut found: Diagnostic, source: &str, start: usize) -> Diagnostic {
    let code = code_only(source);
    let slips: Vec<Slip> = ALL.iter().filter_map(|look| look(source, &code)).collect();
    if let Some(one) = slips.iter().position(|slip| reads_after(source, &slip.edits)) {
        let Slip { edits, written, rule } = slips.into_iter().nth(one).unwrap_or_else(none);
        found.helps = vec![rule.to_owned()];
        return repair(found, source, start, edits, &written);
    }
    let mut edits: Vec<_> = slips.iter().flat_map(|slip| slip.edits.iter().cloned()).collect();
    edits.sort_by_key(|(range, _)| range.start);
    let apart = edits.windows(2).all(|two| two[0].0.end <= two[1].0.start);
    if slips.len() < 2 || !apart || !reads_after(source, &edits) {
        return found;
    }
    found.helps = slips.iter().map(|slip| slip.rule.to_owned()).collect();
    let written: Vec<&str> = slips.iter().map(|slip| slip.written.as_str()).collect();
    repair(found, source, start, edits, &written.join("`, `"))
}

fn none() -> Slip {
    Slip { edits: vec![], written: String::new(), rule: "" }
}

/// The slips that are looked for, by the statement and its code alone.
const ALL: [fn(&str, &str) -> Found; 14] = [
    comment,
    equals_for_a_query,
    nameless_query,
    small_form,
    brackets_of_a_form,
    given,
    double_equals,
    bare_do,
    unquoted_file,
    nameless_data,
    equals_in_simulate,
    assertion,
    square_labels,
    range,
];

fn one(range: Range<usize>, written: impl Into<String>, rule: &'static str) -> Found {
    let written = written.into();
    Some(Slip { edits: vec![(range, written.clone())], written, rule })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\'')
}

/// Where the first character at or behind `from` stands that is no space.
fn past_spaces(code: &str, from: usize) -> usize {
    let rest = code.get(from..).unwrap_or_default();
    from + rest.len() - rest.trim_start().len()
}

/// The word that begins at `from`.
fn word(code: &str, from: usize) -> Range<usize> {
    let rest = code.get(from..).unwrap_or_default();
    from..from + rest.find(|c| !is_word(c)).unwrap_or(rest.len())
}

/// The first place of a word as a whole.
fn whole(code: &str, wanted: &str) -> Option<Range<usize>> {
    let places = code.match_indices(wanted).map(|(at, _)| at..at + wanted.len());
    places.into_iter().find(|place| {
        let before = code[..place.start].chars().next_back();
        let after = code[place.end..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The bracket that closes the one at `open`.
fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in code.get(open..)?.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 1 => return Some(open + at),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// `// why`
fn comment(source: &str, _: &str) -> Found {
    let rest = source.strip_prefix("//")?;
    one(0..2 + rest.len() - rest.trim_start_matches('/').len(), "#", "a comment begins with `#`")
}

/// Where the name of a query ends and what comes behind it begins.
fn behind_query_name(code: &str) -> Option<(usize, usize)> {
    starts_with_keyword(code, "query").then_some(())?;
    let name = word(code, past_spaces(code, "query".len()));
    Some((name.end, past_spaces(code, name.end))).filter(|_| !name.is_empty())
}

/// `query q = P(Y)`
fn equals_for_a_query(_: &str, code: &str) -> Found {
    let (end, next) = behind_query_name(code)?;
    code[next..].starts_with('=').then_some(())?;
    one(end..next + 1, ":", "a colon stands between the name of a query and what it asks")
}

/// `query P(Y)`
fn nameless_query(_: &str, code: &str) -> Found {
    let (end, next) = behind_query_name(code)?;
    let start = past_spaces(code, "query".len());
    let form = FORMS.iter().any(|form| form.eq_ignore_ascii_case(&code[start..end]));
    (form && code[next..].starts_with(['(', '['])).then_some(())?;
    one(start..start, "q: ", "a query has a name: `query effect: P(Y | do(X = 1))`")
}

/// The form that a query asks for, as it is written.
fn form(code: &str) -> Option<(Range<usize>, &'static str)> {
    let (_, next) = behind_query_name(code)?;
    let from = match code[next..].starts_with([':', '=']) {
        true => past_spaces(code, next + 1),
        false => past_spaces(code, "query".len()),
    };
    let place = word(code, from);
    let known = FORMS.iter().find(|form| form.eq_ignore_ascii_case(&code[place.clone()]))?;
    Some((place, known))
}

/// `query q: p(Y)`
fn small_form(_: &str, code: &str) -> Found {
    let (place, known) = form(code)?;
    (code[place.clone()] != *known).then_some(())?;
    one(place, known, "`P`, `E` and the like are written in capitals")
}

/// `query q: E(Y)`, `query q: P[Y]`
fn brackets_of_a_form(_: &str, code: &str) -> Found {
    let (place, known) = form(code)?;
    let open = past_spaces(code, place.end);
    let (wrong, [left, right], rule) = match known {
        "E" => ('(', ["[", "]"], "a mean is written with square brackets: `E[Y | do(X = 1)]`"),
        _ => ('[', ["(", ")"], "a probability is written with round brackets: `P(Y | do(X = 1))`"),
    };
    code[open..].starts_with(wrong).then_some(())?;
    let close = closing(code, open)?;
    let edits = vec![(open..open + 1, left.to_owned()), (close..close + 1, right.to_owned())];
    Some(Slip { edits, written: format!("{known}{left}…{right}"), rule })
}

/// `P(Y given X)`
fn given(_: &str, code: &str) -> Found {
    starts_with_keyword(code, "query").then_some(())?;
    one(whole(code, "given")?, "|", "what is known stands behind a bar: `P(Y | X = 1)`")
}

/// `do(X == 1)`
fn double_equals(_: &str, code: &str) -> Found {
    (starts_with_keyword(code, "query") || starts_with_keyword(code, "data")).then_some(())?;
    let edits: Vec<_> = code.match_indices("==").map(|(at, _)| (at..at + 2, "=".to_owned())).collect();
    let rule = "what is set and known takes one `=`";
    (!edits.is_empty()).then(|| Slip { edits, written: "=".to_owned(), rule })
}

/// `P(Y | do X = 1)`
fn bare_do(source: &str, code: &str) -> Found {
    let place = whole(code, "do")?;
    let start = past_spaces(code, place.end);
    code[start..].starts_with(is_word).then_some(())?;
    let length = code[start..].find([',', ')', ']', '\n', '|']).unwrap_or(code.len() - start);
    let set = source[start..start + length].trim_end();
    one(place.start..start + set.len(), format!("do({set})"), "what is set stands in brackets: `do(X = 1)`")
}

/// `data d = rows.csv`
fn unquoted_file(source: &str, code: &str) -> Found {
    starts_with_keyword(code, "data").then_some(())?;
    let start = past_spaces(code, code.find('=')? + 1);
    let length = code[start..].find(char::is_whitespace).unwrap_or(code.len() - start);
    let name = &source[start..start + length];
    (name.contains('.') && !name.contains(['"', '(', '{', '\\'])).then_some(())?;
    one(start..start + length, format!("\"{name}\""), "the names of files are quoted")
}

/// `data "rows.csv"`
fn nameless_data(source: &str, code: &str) -> Found {
    starts_with_keyword(code, "data").then_some(())?;
    let start = past_spaces(source, "data".len());
    source[start..].starts_with('"').then_some(())?;
    one(start..start, "obs = ", "a data set has a name: `data obs = \"file.csv\"`")
}

/// `simulate(truth, n = 100)`
fn equals_in_simulate(_: &str, code: &str) -> Found {
    let open = past_spaces(code, whole(code, "simulate")?.end);
    let close = closing(code, open)?;
    let signs = code[open..close].match_indices('=').map(|(at, _)| open + at);
    let edits: Vec<_> = signs.map(|at| (code[..at].trim_end().len()..at + 1, ":".to_owned())).collect();
    let rule = "settings take a colon: `simulate(truth, n: 1000)`";
    (!edits.is_empty()).then(|| Slip { edits, written: ":".to_owned(), rule })
}

/// `assert identifable(q)`
fn assertion(_: &str, code: &str) -> Found {
    starts_with_keyword(code, "assert").then_some(())?;
    let place = word(code, past_spaces(code, "assert".len()));
    let near = |known: &&str| (1..=3).contains(&strsim::damerau_levenshtein(known, &code[place.clone()]));
    let known = ["identifiable", "independent"].into_iter().find(near)?;
    one(place, known, "an assertion is one of `identifiable(…)` and `independent(…)`")
}

/// `colour: categorical [red, green]`
fn square_labels(_: &str, code: &str) -> Found {
    let open = past_spaces(code, whole(code, "categorical")?.end);
    code[open..].starts_with(['[', '(']).then_some(())?;
    let close = closing(code, open)?;
    let edits = vec![(open..open + 1, "{".to_owned()), (close..close + 1, "}".to_owned())];
    Some(Slip { edits, written: "{…}".to_owned(), rule: "labels stand in braces: `categorical {red, green}`" })
}

/// `age: int[0-9]`, `age: int(0..9)`
fn range(source: &str, code: &str) -> Found {
    let kind = whole(code, "int").or_else(|| whole(code, "real"))?;
    let open = past_spaces(code, kind.end);
    code[open..].starts_with(['[', '(', '{']).then_some(())?;
    let close = closing(code, open)?;
    let inside = source[open + 1..close].trim();
    // The sign of the first number is none between two.
    let between = inside.char_indices().skip(1).find(|(_, c)| matches!(c, ',' | '-' | '.' | ':' | '–'))?.0;
    let (low, high) = (inside[..between].trim(), inside[between..].trim_start_matches([',', '.', ':', '–', ' ']));
    let high = if inside[between..].starts_with('-') { &high[1..] } else { high };
    one(open..close + 1, format!("[{low}..{}]", high.trim()), "a range is written `int[0..9]`")
}

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    /// The text after the repairs of its first mistake.
    fn repaired(text: &str) -> String {
        let mistakes = parse(text).1;
        let mut text = text.to_owned();
        let fix = mistakes.first().unwrap_or_else(|| panic!("{text} is read")).fixes.first();
        for edit in fix.map_or(&[][..], |f| &f.edits).iter().rev() {
            text.replace_range(edit.span.start..edit.span.end, &edit.text);
        }
        text
    }

    #[test]
    fn slips_are_repaired() {
        for (slip, right) in [
            ("// why", "# why"),
            ("/// why", "# why"),
            ("query q = P(Y)", "query q: P(Y)"),
            ("query P(Y | X)", "query q: P(Y | X)"),
            ("query E[Y]", "query q: E[Y]"),
            ("query q: p(Y)", "query q: P(Y)"),
            ("query q: ate(Y, X = 1 vs 0)", "query q: ATE(Y, X = 1 vs 0)"),
            ("query q: E(Y | do(X = 1))", "query q: E[Y | do(X = 1)]"),
            ("query q: P[Y | do(X = 1)]", "query q: P(Y | do(X = 1))"),
            ("query q: P(Y given X = 1)", "query q: P(Y | X = 1)"),
            ("query q: P(Y | do(X == 1))", "query q: P(Y | do(X = 1))"),
            ("query q: P(Y | do X = 1)", "query q: P(Y | do(X = 1))"),
            ("query q: P(Y | do X = 1, Z)", "query q: P(Y | do(X = 1), Z)"),
            ("query q = p(Y given X == 1)", "query q: P(Y | X = 1)"),
            ("data d = rows.csv", "data d = \"rows.csv\""),
            ("data d = more/rows-2.csv do(X = 1)", "data d = \"more/rows-2.csv\" do(X = 1)"),
            ("data \"rows.csv\"", "data obs = \"rows.csv\""),
            ("data d = simulate(truth, n = 100, seed=1)", "data d = simulate(truth, n: 100, seed: 1)"),
            ("assert identifable(q)", "assert identifiable(q)"),
            ("assert independant(X, Y | Z)", "assert independent(X, Y | Z)"),
            ("X: categorical [red, green]", "X: categorical {red, green}"),
            ("X: int[-3-9]", "X: int[-3..9]"),
            ("X: int(0..9)", "X: int[0..9]"),
            ("X: int[0:9]", "X: int[0..9]"),
            ("DATA d = \"x.csv\"", "data d = \"x.csv\""),
        ] {
            assert_eq!(repaired(slip).replace("n : ", "n: ").replace("seed:1", "seed: 1"), right);
        }
    }

    #[test]
    fn other_mistakes_are_left_alone() {
        for text in [
            "query q: P(Y |)",
            "query",
            "query ",
            "data",
            "data d =",
            "data d = x",
            "X: int[",
            "X: int[]",
            "assert",
            "query q: E(",
            "do do do",
            "data é = é.",
            "X: categorical",
            "query é",
        ] {
            parse(text);
        }
        assert_eq!(repaired("query q: P(Y |)"), "query q: P(Y |)");
        assert_eq!(repaired("assert X"), "assert X");
    }
}
