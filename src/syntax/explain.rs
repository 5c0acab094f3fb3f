//! What is wrong with a statement that fits no form, in the user's words.

use super::grammar::{Rule, ScmParser};
use super::invalid_name::invalid_name;
use crate::diag::{Diagnostic, Edit, Span};
use pest::Parser;
use pest::error::{Error, InputLocation};

/// A form of statement: how it starts, its rule, and what it looks like.
struct Form {
    keyword: &'static str,
    rule: Rule,
    example: &'static str,
}

/// The forms that a keyword announces.
const FORMS: &[Form] = &[
    Form { keyword: "data", rule: Rule::one_data, example: "data obs = \"file.csv\"" },
    Form { keyword: "query", rule: Rule::one_query, example: "query effect: P(Y | do(X = 1))" },
    Form { keyword: "truth", rule: Rule::one_truth, example: "truth { X ~ bernoulli(0.5) }" },
    Form { keyword: "train", rule: Rule::one_train, example: "train { epochs: 300 }" },
    Form { keyword: "expect", rule: Rule::one_expect, example: "expect tv(effect, truth) < 0.05" },
    Form { keyword: "output", rule: Rule::one_output, example: "output effect -> \"effect.csv\"" },
    Form { keyword: "latent", rule: Rule::one_latent, example: "latent U -> {A, B}" },
    Form { keyword: "import", rule: Rule::one_import, example: "import \"other.scm\" as other" },
    Form { keyword: "assert", rule: Rule::one_assertion, example: "assert identifiable(effect)" },
    Form { keyword: "dcm", rule: Rule::one_edition, example: "dcm 1 \"A title\"" },
];

/// The diagnostic for an unreadable statement at `place`.
pub(super) fn statement(text: &str, place: Span) -> Diagnostic {
    let source = &text[place.start..place.end];
    if let Some(found) = unclosed(text, place).or_else(|| foreign(source, place)) {
        return found;
    }
    if let Some(found) = type_first(source, place) {
        return found;
    }
    let form = FORMS.iter().find(|f| starts_with_keyword(source, f.keyword));
    if let (None, Some(found)) = (form, misspelt(source, place)) {
        return found;
    }
    if form.is_none()
        && let Some(found) = invalid_name(source, &code_only(source), place.start)
    {
        return found;
    }
    let (rule, example) = match form {
        Some(form) => (form.rule, form.example),
        None if looks_like_declaration(source) => (Rule::one_declaration, "X: int[0..9]"),
        None => (Rule::one_edges, "X -> Y"),
    };
    unexpected(text, place, rule, example)
}

/// The diagnostic for an unreadable query that stands alone.
pub(super) fn query(text: &str) -> Diagnostic {
    let place = Span::new(0, text.len());
    unclosed(text, place).unwrap_or_else(|| unexpected(text, place, Rule::one_query_form, "P(Y | do(X = 1))"))
}

/// The diagnostic for an unreadable line of the truth block at `place`.
pub(super) fn truth_entry(text: &str, place: Span) -> Diagnostic {
    let source = &text[place.start..place.end];
    if let Some(found) = unclosed(text, place) {
        return found;
    }
    let (rule, example) = match source.find(['~', '=', ':']).map(|at| &source[at..=at]) {
        Some("~") if source.contains("table") => {
            (Rule::one_truth_table, "Y ~ table(X) { 0: [0.9, 0.1]; 1: [0.2, 0.8] }")
        }
        Some("~") => (Rule::one_draw, "X ~ bernoulli(0.5)"),
        Some(":") => (Rule::one_truth_type, "U: categorical {yes, no}"),
        _ => (Rule::one_compute, "Y = X xor bernoulli(0.1)"),
    };
    unexpected(text, place, rule, example)
}

/// The diagnostic for a file that even the catch-all rule cannot follow.
pub(super) fn unreadable(text: &str, error: &Error<Rule>) -> Diagnostic {
    let at = location(error).min(text.len());
    Diagnostic::new("E0101", "this cannot be read").label(token_at(text, at, text.len()), "here")
}

/// A line of the truth block that is too long to follow.
pub(super) fn too_many_operators(place: Span, limit: usize) -> Diagnostic {
    Diagnostic::new("E0101", format!("this line has more than {limit} operators"))
        .label(place, "here")
        .help("give parts of it a name of their own")
}

/// Where the truth block that `statement` (at byte `start`) begins ends, going by its braces alone.
pub(super) fn end_of_truth(text: &str, statement: &str, start: usize) -> Option<usize> {
    if !starts_with_keyword(statement, "truth") {
        return None;
    }
    let mut depth = 0_usize;
    for (at, c) in code_only(&text[start..]).char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return Some(start + at + 1),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether a statement could stand in a truth block.
pub(super) fn is_equation(statement: &str) -> bool {
    let forms = [Rule::one_draw, Rule::one_compute, Rule::one_truth_table, Rule::one_truth_type];
    forms.iter().any(|&form| ScmParser::parse(form, statement.trim_end()).is_ok())
}

/// Brackets and prefix operators nested deeper than `limit`.
pub(super) fn too_deep(text: &str, limit: usize) -> Option<Diagnostic> {
    let (mut depth, mut prefixes) = (0_usize, 0_usize);
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    let keyword = |at: usize, word: &str| {
        !text[..at].ends_with(is_word) && text[at..].strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_word))
    };
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            'i' if keyword(at, "if") => prefixes += 1,
            'n' if keyword(at, "not") => prefixes += 1,
            '\n' | ';' if depth == 0 => prefixes = 0,
            _ => {}
        }
        if depth + prefixes > 10 * limit || depth > limit {
            let here = Span::new(at, at + c.len_utf8());
            return Some(
                Diagnostic::new("E0101", "this is nested too deeply")
                    .label(here, format!("more than {limit} levels here"))
                    .help("split it into several statements"),
            );
        }
    }
    None
}

/// Reads the statement again as `rule` to learn how far it gets and what could have stood there.
fn unexpected(text: &str, place: Span, rule: Rule, example: &str) -> Diagnostic {
    let source = &text[place.start..place.end];
    pest::set_error_detail(true);
    let outcome = ScmParser::parse(rule, source);
    pest::set_error_detail(false);
    let (at, expected) = match outcome {
        Ok(_) => (0, vec![]),
        Err(error) => expectation(&error),
    };
    let at = place.start + at + (source[at..].len() - source[at..].trim_start_matches([' ', '\t']).len());
    let found = token_at(text, at, place.end);
    let what = &text[found.start..found.end];
    let finished = what.is_empty() || what.starts_with('\n');
    let (code, title) = match finished {
        true => ("E0103", "this statement is not finished".to_owned()),
        false => ("E0101", format!("unexpected `{what}`")),
    };
    let message = match expected.is_empty() {
        true => "this does not belong here".to_owned(),
        false => format!("expected {}", one_of(&expected)),
    };
    Diagnostic::new(code, title).label(found, message).help(format!("write it like `{example}`"))
}

/// How far the parser got, and what it would have taken there.
fn expectation(error: &Error<Rule>) -> (usize, Vec<String>) {
    let Some(attempts) = error.parse_attempts() else { return (location(error), vec![]) };
    let mut expected: Vec<String> = vec![];
    for stack in attempts.call_stacks() {
        let deepest = stack.deepest.get_rule().copied();
        expected.extend([deepest, stack.parent].into_iter().flatten().filter_map(describe).map(str::to_owned));
    }
    let tokens = attempts.expected_tokens();
    expected.extend(tokens.iter().map(ToString::to_string).filter_map(|t| token_name(&t)));
    expected.sort();
    expected.dedup();
    if expected.iter().any(|e| e == "a name") {
        expected.iter_mut().filter(|e| *e == "`{`").for_each(|e| *e = "a set `{…}`".to_owned());
    }
    // A kind of thing says it all; the signs that such a thing can begin or go on with say nothing more.
    let named = |what: &str| expected.iter().any(|e| e == what);
    let (query, number, type_) = (named("P(…) or E[…]"), named("a number"), named("a type"));
    expected.retain(|e| match e.as_str() {
        "`.`" => false,
        "`+`" | "`ATE`" | "`E`" | "`P`" | "`sample`" => !query,
        "`-`" => !query && !number,
        "a name" => !type_,
        _ => true,
    });
    (attempts.max_position, expected)
}

/// A terminal of the grammar as the user would call it; letters, spaces and newlines say nothing.
fn token_name(token: &str) -> Option<String> {
    if token.contains("BUILTIN_RULE") {
        return Some("a name".to_owned());
    }
    let plain = token.trim_matches('"').trim_matches('`');
    let telling = !plain.is_empty()
        && !plain.contains("..")
        && !matches!(
            plain,
            "." | "XID_START" | "XID_CONTINUE" | "ANY" | "SOI" | "EOI" | "WHITESPACE" | "_" | "'" | "\\"
        )
        && !plain.chars().any(|c| c.is_whitespace() || c == '\u{feff}' || matches!(c, '#' | '\\' | '→' | '←' | '↔'));
    telling.then(|| format!("`{plain}`"))
}

/// The rules worth naming.
fn describe(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::name | Rule::plain | Rule::quoted | Rule::names => "a name",
        Rule::number | Rule::integer | Rule::unsigned | Rule::digits => "a number",
        Rule::string => "a quoted string",
        Rule::type_ | Rule::type_name => "a type",
        Rule::expr | Rule::primary => "an expression",
        Rule::query_form => "P(…) or E[…]",
        _ => return None,
    })
}

fn location(error: &Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// The word or symbol at `at`, not past `end`.
fn token_at(text: &str, at: usize, end: usize) -> Span {
    let rest = &text[at.min(end)..end];
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    let length = match rest.chars().next() {
        None => 0,
        Some(c) if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        Some('-' | '=' | '<' | '>') => rest.find(|c| !"-=<>".contains(c)).unwrap_or(rest.len()),
        Some(c) => c.len_utf8(),
    };
    Span::new(at.min(end), at.min(end) + length)
}

fn one_of(expected: &[String]) -> String {
    match expected {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn starts_with_keyword(source: &str, keyword: &str) -> bool {
    let Some(rest) = source.strip_prefix(keyword) else { return false };
    rest.starts_with([' ', '\t', '{', '\n']) || rest.is_empty()
}

/// Two words in a row, the first nearly a keyword.
fn misspelt(source: &str, place: Span) -> Option<Diagnostic> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let length = source.find(|c| !is_word(c))?;
    let (word, rest) = source.split_at(length);
    rest.trim_start_matches([' ', '\t']).starts_with(|c| is_word(c) || c == '{').then_some(())?;
    let nearest = FORMS.iter().min_by_key(|f| strsim::damerau_levenshtein(f.keyword, word))?;
    let close = strsim::damerau_levenshtein(nearest.keyword, word) * 3 <= word.chars().count().max(3);
    let title = Diagnostic::new("E0101", format!("`{word}` begins no statement"));
    let start = place.start;
    let place = Span::new(start, start + length);
    close.then(|| {
        let found = title.label(place, format!("did you mean `{}`?", nearest.keyword));
        repair(found, source, start, vec![(0..word.len(), nearest.keyword.to_owned())], nearest.keyword)
    })
}

/// `binary X` or `X = binary`: a type in the order of other languages.
fn type_first(source: &str, place: Span) -> Option<Diagnostic> {
    let types = ["binary", "real", "int", "categorical", "bool", "float"];
    let code = source[..length(source)].trim_end();
    let (variable, type_) = match code.split_once('=').map(|(left, right)| (left.trim(), right.trim())) {
        Some((left, right)) if types.contains(&right) => (left, right),
        _ => code
            .split_once([' ', '\t'])
            .map(|(left, right)| (right.trim(), left))
            .filter(|(_, left)| types.contains(left))?,
    };
    ScmParser::parse(Rule::one_plain, variable).ok()?;
    let right = format!("{variable}: {type_}");
    let found = Diagnostic::new("E0101", "a type stands after its variable and a colon");
    let found = found.label(Span::new(place.start, place.start + code.len()), "here").help(format!("write `{right}`"));
    Some(repair(found, source, place.start, vec![(0..code.len(), right.clone())], &right))
}

fn looks_like_declaration(source: &str) -> bool {
    source.find(':').is_some_and(|colon| source.find("->").is_none_or(|arrow| colon < arrow))
}

/// A bracket or string that is opened and never closed.
fn unclosed(text: &str, place: Span) -> Option<Diagnostic> {
    let source = &text[place.start..place.end];
    let code = code_only(source);
    let mut open: Vec<(usize, char)> = vec![];
    let mut crossed = false;
    for (at, c) in code.char_indices() {
        match c {
            '"' => return Some(unclosed_string(source, &code, at, place.start)),
            '(' | '[' | '{' => open.push((at, c)),
            ')' | ']' | '}' if open.last().is_some_and(|(_, top)| closing(*top) == c) => drop(open.pop()),
            // What is closed here was opened outside of a bracket that is still open.
            ')' | ']' | '}' if open.iter().any(|(_, bracket)| closing(*bracket) == c) => {
                crossed = true;
                break;
            }
            _ => {}
        }
    }
    let &(at, bracket) = open.last()?;
    let title = Diagnostic::new("E0104", format!("this `{bracket}` is never closed"));
    let here = Span::new(place.start + at, place.start + at + 1);
    let found = title.label(here, "opened here").help(format!("add a `{}`", closing(bracket)));
    let missing: String = open.iter().rev().map(|(_, bracket)| closing(*bracket)).collect();
    let end = code.trim_end().len();
    // A `}` further down may be the one that is missed here.
    let clear = !crossed && (!missing.contains('}') || !closes_more(&text[place.end..]));
    Some(match clear {
        true => repair(found, source, place.start, vec![(end..end, missing.clone())], &missing),
        false => found,
    })
}

fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Whether a `}` that nothing opens stands near in the rest of the text.
fn closes_more(rest: &str) -> bool {
    const NEAR: usize = 1 << 16;
    let end = (0..=rest.len().min(NEAR)).rev().find(|&at| rest.is_char_boundary(at)).unwrap_or(0);
    let mut depth = 0_i64;
    code_only(&rest[..end]).chars().any(|c| {
        depth += i64::from(c == '{') - i64::from(c == '}');
        depth < 0
    })
}

fn unclosed_string(source: &str, code: &str, at: usize, start: usize) -> Diagnostic {
    let found = Diagnostic::new("E0106", "this string is never closed")
        .label(Span::new(start + at, start + at + 1), "opened here")
        .help("close it with `\"` on the same line");
    let line = code[at + 1..].lines().next().unwrap_or("").trim_end();
    // Brackets and such are probably not part of what was meant.
    if line.is_empty() || line.contains(['(', ')', '{', '}', '[', ']', '=', '#', ',']) {
        return found;
    }
    let end = at + 1 + line.len();
    repair(found, source, start, vec![(end..end, "\"".to_owned())], "\"")
}

/// The length of a statement without what follows it: spaces and comments.
pub(super) fn length(statement: &str) -> usize {
    code_only(statement).trim_end().len()
}

/// The statement with spaces in the place of comments and `_` in that of backquoted names and strings; an unclosed
/// string stays.
fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let line = || &rest[..rest.find('\n').unwrap_or(rest.len())];
        let (kept, skipped) = match c {
            '#' => (0, line().len()),
            '"' => string_length(line()).map_or_else(|| (line().len(), 0), |length| (0, length)),
            '`' => rest[1..line().len()].find('`').map_or((1, 0), |end| (0, end + 2)),
            _ => (c.len_utf8(), 0),
        };
        code.push_str(&rest[..kept]);
        code.extend(std::iter::repeat_n(if c == '#' { ' ' } else { '_' }, skipped));
        rest = &rest[kept + skipped..];
    }
    code
}

/// The length of the string that `line` begins with, with its quotes.
fn string_length(line: &str) -> Option<usize> {
    let mut escape = false;
    let end = line.char_indices().skip(1).find(|&(_, c)| {
        let closes = c == '"' && !escape;
        escape = c == '\\' && !escape;
        closes
    });
    end.map(|(at, _)| at + 1)
}

/// Adds a repair of a statement, if the statement can be read after it; `written` is what it writes.
fn repair(
    found: Diagnostic,
    source: &str,
    start: usize,
    edits: Vec<(std::ops::Range<usize>, String)>,
    written: &str,
) -> Diagnostic {
    let mut text = source.to_owned();
    for (range, new) in edits.iter().rev() {
        text.replace_range(range.clone(), new);
    }
    if !reads(&text) {
        return found;
    }
    let edit = |(range, text): (std::ops::Range<usize>, String)| Edit {
        span: Span::new(start + range.start, start + range.end),
        text,
    };
    let edits = edits.into_iter().map(edit).collect();
    found.fix_all(format!("write `{written}`"), edits)
}

/// Whether the statement `source` at `start` is a program after the edits.
pub(super) fn reads_with(source: &str, start: usize, edits: &[Edit]) -> bool {
    let mut text = source.to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.start - start..edit.span.end - start, &edit.text);
    }
    reads(&text)
}

/// Whether a text is a program, as far as its form goes.
fn reads(text: &str) -> bool {
    let unknown = |rule| matches!(rule, Rule::unknown | Rule::truth_unknown);
    ScmParser::parse(Rule::file, text).is_ok_and(|file| !file.flatten().any(|node| unknown(node.as_rule())))
}

/// Arrows of other languages, and what to write; longer ones first.
const ARROWS: [(&str, &str); 16] = [
    ("<-->", "<->"),
    ("<==>", "<->"),
    ("<=>", "<->"),
    ("-->", "->"),
    ("==>", "->"),
    ("<--", "<-"),
    ("=>", "->"),
    ("~>", "->"),
    ("--", "<->"),
    ("—>", "->"),
    ("–>", "->"),
    ("⇒", "->"),
    ("⟶", "->"),
    ("⟵", "<-"),
    ("⇔", "<->"),
    ("⟷", "<->"),
];

/// Habits from other languages.
fn foreign(source: &str, place: Span) -> Option<Diagnostic> {
    let code = code_only(source);
    // `digraph G {`, `dag {`: a word of another format, perhaps a name, a brace.
    let word = code.split([' ', '{', '\n']).next().unwrap_or("");
    let header = code.split_once('{').map_or("", |(header, _)| header);
    if matches!(word, "digraph" | "graph" | "dag" | "network" | "strict")
        && (1..=3).contains(&header.split_whitespace().count())
    {
        let here = Span::new(place.start, place.start + word.len());
        let title = Diagnostic::new("E0102", format!("`{word} {{ … }}` belongs to another format"));
        let found = title.label(here, "here").help("write the edges alone, one chain a line: `X -> Y -> Z`");
        let extension = match word {
            "dag" => "dagitty",
            "network" => "bif",
            _ => "dot",
        };
        return Some(
            found
                .help(format!("or keep it in a file of its own: `dcmc import FILE.{extension}` turns it into a model")),
        );
    }
    let arrows = foreign_arrows(&code);
    if let Some(&(at, wrong, right)) = arrows.first().filter(|_| !starts_with_keyword(source, "expect")) {
        let here = Span::new(place.start + at, place.start + at + wrong.len());
        let title = Diagnostic::new("E0102", format!("`{wrong}` is not an arrow of this language"));
        // `A -- B` may mean a hidden cause, or a cause whose direction is not known.
        if arrows.iter().any(|(_, wrong, _)| *wrong == "--") {
            let found = title.label(here, "says no direction");
            return Some(found.help("for a cause write `->` or `<-`, for a hidden common cause `<->`"));
        }
        let found = title.label(here, format!("write `{right}`"));
        let edits = arrows.iter().map(|(at, wrong, right)| (*at..at + wrong.len(), (*right).to_owned())).collect();
        return Some(repair(found, source, place.start, edits, right));
    }
    formula(source, &code, place)
}

/// The arrows of other languages in a statement, in order: where, which, and what to write.
fn foreign_arrows(code: &str) -> Vec<(usize, &'static str, &'static str)> {
    let (mut found, mut at) = (vec![], 0);
    while let Some(c) = code[at..].chars().next() {
        let rest = &code[at..];
        if let Some(&(wrong, right)) = ARROWS.iter().find(|(wrong, _)| rest.starts_with(wrong)) {
            found.push((at, wrong, right));
            at += wrong.len();
        } else {
            let own = ["<->", "->", "<-", ">=", "<=", "=="].iter().find(|own| rest.starts_with(**own));
            at += own.map_or(c.len_utf8(), |own| own.len());
        }
    }
    found
}

/// `Y ~ X1 + X2` of R; `Y ~~ X` and `F =~ x1 + x2` of lavaan.
fn formula(source: &str, code: &str, place: Span) -> Option<Diagnostic> {
    let at = code.find('~')?;
    let (left, sign, right) = match (code[..at].strip_suffix('='), code[at + 1..].strip_prefix('~')) {
        (Some(left), _) => (left, "=~", &source[at + 1..]),
        (None, Some(_)) => (&source[..at], "~~", &source[at + 2..]),
        (None, None) => (&source[..at], "~", &source[at + 1..code.trim_end().len().max(at + 1)]),
    };
    let left = left.trim();
    let terms: Vec<&str> = right.split('+').map(str::trim).collect();
    let set = if let [only] = terms[..] { only.to_owned() } else { format!("{{{}}}", terms.join(", ")) };
    let (title, what, edges) = match sign {
        "=~" => ("`=~` is lavaan's sign for a latent variable", "a hidden cause", format!("latent {left} -> {set}")),
        "~~" => ("`~~` is lavaan's sign for a covariance", "a hidden common cause", format!("{left} <-> {set}")),
        _ => ("`~` draws a variable inside `truth { … }` only", "causes", format!("{set} -> {left}")),
    };
    let here = Span::new(place.start, place.start + code.trim_end().len());
    let found = Diagnostic::new("E0102", title).label(here, "here");
    Some(match right.contains('(') {
        true => found.help("put it into a block: `truth { … }`"),
        false => {
            let help = found.help(format!("for {what} write `{edges}`"));
            repair(help, source, place.start, vec![(0..code.trim_end().len(), edges.clone())], &edges)
        }
    })
}
