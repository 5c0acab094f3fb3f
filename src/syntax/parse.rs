//! From pest's pairs to the syntax tree.

use super::ast::*;
use super::explain;
use super::grammar::{Rule, ScmParser};
use crate::diag::{Diagnostic, Span};
use pest::Parser;
use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

type Node<'a> = Pair<'a, Rule>;

/// How many operators one line of a truth block, or an expectation, may have: its tree is as deep as they are many.
const MAX_OPERATORS: usize = 2_000;

/// How deep brackets and prefix operators may nest before the parser refuses to follow (its own stack is finite).
const MAX_DEPTH: usize = 200;

/// Reads a file. Statements that cannot be read are reported and left out of the tree.
pub fn parse(text: &str) -> (Ast, Vec<Diagnostic>) {
    if let Some(problem) = explain::too_deep(text, MAX_DEPTH) {
        return (Ast::default(), vec![problem]);
    }
    let file = match ScmParser::parse(Rule::file, text) {
        Ok(mut pairs) => pairs.next(),
        Err(error) => return (Ast::default(), vec![explain::unreadable(text, &error)]),
    };
    let mut ast = Ast::default();
    let mut diagnostics = vec![];
    // Where a truth block ends that could not be read as a whole, and whether it is closed there.
    let (mut truth_end, mut truth_closed) = (0, false);
    for node in file.into_iter().flat_map(Node::into_inner) {
        match node.as_rule() {
            Rule::EOI => {}
            Rule::edition => ast.edition = Some(edition(node)),
            // The lines of a truth block that could not be read as a whole.
            Rule::unknown if span(&node).start < truth_end => {
                let line = node.as_str();
                if !line.starts_with('}') && !explain::is_equation(line) {
                    let explain = if truth_closed { explain::truth_entry } else { explain::statement };
                    diagnostics.push(explain(text, span(&node)));
                }
            }
            Rule::unknown => {
                let (line, place) = (node.as_str(), span(&node));
                let found = explain::statement(text, place);
                if found.code == "E0104" && line.starts_with("truth") {
                    let closed = explain::end_of_truth(text, line, place.start);
                    (truth_end, truth_closed) = (closed.unwrap_or(text.len()), closed.is_some());
                    // A block that is closed has its mistake further down.
                    if truth_closed && line.trim_end().ends_with('{') {
                        continue;
                    }
                }
                diagnostics.push(found);
            }
            _ => {
                let span = Span::new(span(&node).start, span(&node).start + explain::length(node.as_str()));
                let mut unread = unread_entries(&node);
                if let Some(place) = too_many_operators(&node) {
                    diagnostics.push(explain::too_many_operators(place, MAX_OPERATORS));
                } else if unread.is_empty() {
                    ast.statements.push(Statement { kind: statement(node), span });
                } else {
                    diagnostics.extend(unread.drain(..).map(|s| explain::truth_entry(text, s)));
                }
            }
        }
    }
    (ast, diagnostics)
}

/// Reads a file whose text begins at `start` of the sources: all places are counted from there.
pub(super) fn parse_at(text: &str, start: usize) -> (Ast, Vec<Diagnostic>) {
    // As much space before the text as there is text before the file puts every place where it belongs.
    parse(&(" ".repeat(start) + text))
}

/// Reads a query alone, e.g. `P(A | do(D = 1))`.
///
/// # Errors
/// What is wrong with it; places are bytes of `text`.
pub fn parse_query(text: &str) -> Result<QueryForm, Vec<Diagnostic>> {
    if let Some(problem) = explain::too_deep(text, MAX_DEPTH) {
        return Err(vec![problem]);
    }
    match ScmParser::parse(Rule::one_query_form, text).ok().and_then(|mut pairs| pairs.next()) {
        Some(node) => Ok(query_form(only(node))),
        None => Err(vec![explain::query(text)]),
    }
}

/// The lines of a truth block that fit no form.
fn unread_entries(node: &Node) -> Vec<Span> {
    if node.as_rule() != Rule::truth {
        return vec![];
    }
    let entries = node.clone().into_inner().flat_map(Node::into_inner);
    entries.filter(|n| n.as_rule() == Rule::truth_unknown).map(|n| span(&n)).collect()
}

/// The first line of a truth block, or the expectation, with too many operators.
fn too_many_operators(node: &Node) -> Option<Span> {
    let lines: Vec<Node> = match node.as_rule() {
        Rule::expect => vec![node.clone()],
        _ => node.clone().into_inner().filter(|n| n.as_rule() == Rule::truth_entry).collect(),
    };
    let operators = |n: &Node| {
        let all = n.clone().into_inner().flatten();
        all.filter(|n| matches!(n.as_rule(), Rule::infix | Rule::prefix | Rule::if_expr | Rule::sign)).count()
    };
    lines.iter().find(|n| operators(n) > MAX_OPERATORS).map(span)
}

fn statement(node: Node) -> StatementKind {
    match node.as_rule() {
        Rule::edges => edges(node),
        Rule::latent => latent(node),
        Rule::bare => StatementKind::Bare(parts(node).flat_map(group).collect()),
        Rule::declaration => declaration(node),
        Rule::data => StatementKind::Data(data(node)),
        Rule::truth => StatementKind::Truth(parts(node).map(|n| truth_entry(only(n))).collect()),
        Rule::train => train(node),
        Rule::query => query(node),
        Rule::output => output(node),
        Rule::expect => expect(node),
        Rule::assertion => StatementKind::Assert(claim(only(node))),
        Rule::import => import(node),
        rule => unreachable!("{rule:?} is no statement"),
    }
}

// ---- the graph ----------------------------------------------------------------------------------

fn edition(node: Node) -> Edition {
    let mut inner = parts(node);
    let number = next(&mut inner);
    let value = number.as_str().parse().unwrap_or(i64::MAX);
    Edition { number: Spanned { value, span: span(&number) }, title: inner.next().map(|n| string(&n).value) }
}

fn edges(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let first = group(next(&mut inner));
    let mut rest = vec![];
    while let Some(symbol) = inner.next() {
        rest.push((arrow(symbol), group(next(&mut inner))));
    }
    StatementKind::Edges { first, rest }
}

fn arrow(node: Node) -> Spanned<Arrow> {
    let span = span(&node);
    let value = match only(node).as_rule() {
        Rule::right_arrow => Arrow::Right,
        Rule::left_arrow => Arrow::Left,
        _ => Arrow::Hidden,
    };
    Spanned { value, span }
}

fn group(node: Node) -> Vec<Name> {
    let inner = only(node);
    if inner.as_rule() == Rule::set { parts(inner).map(|n| name(&n)).collect() } else { vec![name(&inner)] }
}

fn latent(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let names = names(next(&mut inner));
    inner.next();
    StatementKind::Latent { names, children: inner.next().map(group).unwrap_or_default() }
}

fn declaration(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let names = names(only(next(&mut inner)));
    let type_ = type_of(next(&mut inner));
    let (mut pretrained, mut braces) = (None, None);
    for part in inner {
        match part.as_rule() {
            Rule::pretrained => pretrained = Some(string(&only(part))),
            _ => braces = Some(block(part)),
        }
    }
    StatementKind::Declaration { names, type_, pretrained, block: braces }
}

fn type_of(node: Node) -> Type {
    let form = only(node);
    if form.as_rule() == Rule::type_name {
        return Type { name: name(&form), arguments: TypeArguments::None, span: span(&form) };
    }
    sized(form)
}

/// A type's name with what follows it.
fn sized(node: Node) -> Type {
    let (whole, rule) = (span(&node), node.as_rule());
    let mut inner = parts(node);
    let type_name = name(&next(&mut inner));
    let arguments = match rule {
        Rule::labels => TypeArguments::Labels(inner.map(|l| scalar_name(only(l))).collect()),
        _ => {
            let sizes: Vec<i64> = inner.map(|n| n.as_str().parse().unwrap_or(i64::MAX)).collect();
            if rule == Rule::range { TypeArguments::Range(sizes[0], sizes[1]) } else { TypeArguments::Sizes(sizes) }
        }
    };
    Type { name: type_name, arguments, span: whole }
}

fn scalar_name(node: Node) -> Name {
    match node.as_rule() {
        Rule::string => string(&node),
        _ => name(&node),
    }
}

// ---- blocks -------------------------------------------------------------------------------------

fn block(node: Node) -> Block {
    let span = span(&node);
    Block { entries: parts(node).map(entry).collect(), span }
}

fn entry(node: Node) -> Entry {
    let span = span(&node);
    let mut inner = parts(node);
    Entry { key: name(&next(&mut inner)), value: inner.next().map(setting), span }
}

fn setting(node: Node) -> Setting {
    let span = span(&node);
    let inner = only(node);
    let kind = match inner.as_rule() {
        Rule::condition => SettingKind::Condition(parts(inner).map(condition).collect()),
        Rule::list => SettingKind::List(parts(inner).map(scalar).collect()),
        Rule::block => SettingKind::Block(block(inner)),
        Rule::name_block => {
            let mut children = parts(inner);
            let key = name(&next(&mut children));
            match children.next() {
                Some(braces) => SettingKind::Named(key, block(braces)),
                None => SettingKind::Scalar(Scalar::Name(key.value)),
            }
        }
        Rule::file_block => {
            let mut children = parts(inner);
            let file = string(&next(&mut children));
            match children.next() {
                Some(braces) => SettingKind::File(file, block(braces)),
                None => SettingKind::Scalar(Scalar::Text(file.value)),
            }
        }
        Rule::sized => SettingKind::Type(sized(inner)),
        _ => SettingKind::Scalar(plain_scalar(&inner)),
    };
    Setting { kind, span }
}

fn condition(node: Node) -> Condition {
    let span = span(&node);
    let mut inner = parts(node);
    let column = name(&next(&mut inner));
    let op = next(&mut inner).as_str().to_owned();
    Condition { column, op, value: scalar(next(&mut inner)), span }
}

fn scalar(node: Node) -> Spanned<Scalar> {
    let span = span(&node);
    Spanned { value: plain_scalar(&only(node)), span }
}

fn plain_scalar(node: &Node) -> Scalar {
    match node.as_rule() {
        Rule::number => Scalar::Number(number(node), node.as_str().to_owned()),
        Rule::string => Scalar::Text(string(node).value),
        _ => Scalar::Name(name(node).value),
    }
}

// ---- data, training -----------------------------------------------------------------------------

fn data(node: Node) -> Data {
    let mut inner = parts(node);
    let data_name = name(&next(&mut inner));
    let origin = only(next(&mut inner));
    let source = if origin.as_rule() == Rule::string {
        DataSource::File(string(&origin))
    } else {
        DataSource::Simulate { span: span(&origin), options: parts(origin).map(entry).collect() }
    };
    let mut data = Data { name: data_name, source, interventions: vec![], block: None, prefix: String::new() };
    for part in inner.map(only) {
        match part.as_rule() {
            Rule::do_clause => data.interventions.extend(parts(part).map(assigned)),
            _ => data.block.get_or_insert_with(Block::default).entries.extend(block(part).entries),
        }
    }
    data
}

fn assigned(node: Node) -> Assigned {
    let mut inner = parts(node);
    let mut assigned = Assigned { name: name(&next(&mut inner)), world: vec![], value: None };
    for part in inner {
        match part.as_rule() {
            Rule::world => assigned.world = parts(part).map(world_setting).collect(),
            _ => assigned.value = Some(scalar(part)),
        }
    }
    assigned
}

fn world_setting(node: Node) -> WorldSetting {
    let mut inner = parts(node);
    let variable = name(&next(&mut inner));
    let value = inner.next().map(|value| match value.as_rule() {
        Rule::potential => {
            let mut inner = parts(value);
            let variable = name(&next(&mut inner));
            WorldValue::Potential(variable, parts(next(&mut inner)).map(world_setting).collect())
        }
        _ => WorldValue::Constant(scalar(value)),
    });
    WorldSetting { name: variable, value }
}

fn train(node: Node) -> StatementKind {
    let mut groups: Vec<Node> = parts(node).collect();
    let braces = groups.pop().map(block).unwrap_or_default();
    StatementKind::Train { targets: groups.into_iter().flat_map(group).collect(), block: braces }
}

// ---- queries ------------------------------------------------------------------------------------

fn query(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let query_name = name(&next(&mut inner));
    StatementKind::Query { name: query_name, form: query_form(next(&mut inner)) }
}

fn query_form(node: Node) -> QueryForm {
    let form = only(node);
    match form.as_rule() {
        Rule::probability => QueryForm::Probability(term(only(form))),
        Rule::ate => average_effect(form),
        Rule::samples => {
            let mut inner = parts(form);
            QueryForm::Samples(term(next(&mut inner)), inner.map(entry).collect())
        }
        _ => combination(form),
    }
}

/// `ATE(A, D = 1 vs 0)` stands for `E[A | do(D = 1)] - E[A | do(D = 0)]`.
fn average_effect(node: Node) -> QueryForm {
    let mut inner = parts(node);
    let (outcome, cause) = (name(&next(&mut inner)), name(&next(&mut inner)));
    let terms = inner.zip([1.0, -1.0]).map(|(value, sign)| {
        let set = Assigned { name: cause.clone(), world: vec![], value: Some(scalar(value)) };
        let asked = Assigned { name: outcome.clone(), world: vec![], value: None };
        (sign, Term { outcome: vec![asked], interventions: vec![set], evidence: vec![] })
    });
    QueryForm::Combination(terms.collect(), 0.0)
}

fn combination(node: Node) -> QueryForm {
    let (mut terms, mut constant, mut sign) = (vec![], 0.0, 1.0);
    let pieces = parts(node).flat_map(|n| match n.as_rule() {
        Rule::signed => parts(n).collect::<Vec<_>>(),
        _ => vec![n],
    });
    for part in pieces {
        if part.as_rule() == Rule::sign {
            sign = signum(&part);
            continue;
        }
        let (factor, asked) = scaled(part);
        match asked {
            Some(asked) => terms.push((sign * factor, asked)),
            None => constant += sign * factor,
        }
        sign = 1.0;
    }
    QueryForm::Combination(terms, constant)
}

/// `2 * E[…]`, `E[…] / 2`, `E[…]` or `2`: the factor and the term.
fn scaled(node: Node) -> (f64, Option<Term>) {
    let (mut factor, mut asked, mut divide) = (1.0, None, false);
    for part in parts(node) {
        match part.as_rule() {
            Rule::number if divide => factor /= number(&part),
            Rule::number => factor *= number(&part),
            Rule::scale => divide = part.as_str() == "/",
            _ => asked = Some(term(only(part))),
        }
    }
    (factor, asked)
}

fn term(node: Node) -> Term {
    let mut term = Term::default();
    for part in parts(node) {
        if part.as_rule() == Rule::event {
            term.outcome.push(assigned(part));
            continue;
        }
        let given = only(part);
        match given.as_rule() {
            Rule::do_clause => term.interventions.extend(parts(given).map(assigned)),
            _ => term.evidence.push(assigned(given)),
        }
    }
    term
}

fn output(node: Node) -> StatementKind {
    let mut inner = parts(node);
    StatementKind::Output { query: name(&next(&mut inner)), path: string(&next(&mut inner)) }
}

// ---- assertions, imports ------------------------------------------------------------------------

fn claim(node: Node) -> Claim {
    if node.as_rule() == Rule::identifiable {
        let asked = only(node);
        return match asked.as_rule() {
            Rule::name => Claim::Identifiable(name(&asked)),
            _ => Claim::IdentifiableForm(query_form(asked)),
        };
    }
    let mut inner = parts(node);
    let (left, right) = (group(next(&mut inner)), group(next(&mut inner)));
    let (mut given, mut interventions) = (vec![], vec![]);
    for separator in inner.map(only) {
        match separator.as_rule() {
            Rule::do_names => interventions.extend(names(only(separator))),
            _ => given.extend(group(separator)),
        }
    }
    Claim::Independent { left, right, given, interventions }
}

fn import(node: Node) -> StatementKind {
    let mut inner = parts(node);
    StatementKind::Import { path: string(&next(&mut inner)), alias: inner.next().map(|n| name(&n)) }
}

// ---- expectations -------------------------------------------------------------------------------

fn expect(node: Node) -> StatementKind {
    let mut inner = parts(node);
    let left = measure(next(&mut inner));
    let op = next(&mut inner);
    let op = Spanned { value: op.as_str().to_owned(), span: span(&op) };
    StatementKind::Expect { measure: left, op, bound: number(&next(&mut inner)) }
}

fn measure(node: Node) -> Measure {
    let mut inner = parts(node);
    let mut left = atom(next(&mut inner));
    while let Some(sign) = inner.next() {
        left = Measure::Sum(Box::new(left), signum(&sign), Box::new(atom(next(&mut inner))));
    }
    left
}

fn atom(node: Node) -> Measure {
    let form = only(node);
    match form.as_rule() {
        Rule::abs => Measure::Abs(Box::new(measure(only(form)))),
        Rule::measure => measure(form),
        Rule::number => Measure::Number(number(&form)),
        Rule::distance => {
            let mut inner = parts(form);
            let kind = next(&mut inner).as_str().to_owned();
            Measure::Distance { kind, query: name(&next(&mut inner)), reference: name(&next(&mut inner)) }
        }
        _ => {
            let mut inner = parts(form);
            Measure::Row { query: name(&next(&mut inner)), selection: inner.map(assigned).collect() }
        }
    }
}

// ---- the ground truth ---------------------------------------------------------------------------

fn truth_entry(node: Node) -> TruthEntry {
    let rule = node.as_rule();
    let mut inner = parts(node);
    let first = next(&mut inner);
    match rule {
        Rule::truth_type => TruthEntry::Type(names(only(first)), type_of(next(&mut inner))),
        Rule::truth_table => {
            let parents = names(next(&mut inner));
            let rows = parts(next(&mut inner)).map(table_row).collect();
            TruthEntry::Table { name: name(&first), parents, rows }
        }
        _ => TruthEntry::Equation { name: name(&first), drawn: rule == Rule::draw, expr: expr(next(&mut inner)) },
    }
}

fn table_row(node: Node) -> TableRow {
    let span = span(&node);
    let mut inner = parts(node);
    let key = parts(next(&mut inner)).map(scalar).collect();
    let probabilities = parts(next(&mut inner)).map(|n| number(&only(n))).collect();
    TableRow { key, probabilities, span }
}

fn expr(node: Node) -> Expr {
    let form = only(node);
    if form.as_rule() == Rule::if_expr { if_expr(form) } else { operation(form) }
}

fn if_expr(node: Node) -> Expr {
    let span = span(&node);
    let mut branches = parts(node).map(|n| Box::new(expr(n)));
    let mut take = || branches.next().expect("three parts");
    Expr { kind: ExprKind::If(take(), take(), take()), span }
}

fn operation(node: Node) -> Expr {
    let pratt = PrattParser::new()
        .op(Op::infix(Rule::or, Assoc::Left))
        .op(Op::infix(Rule::xor, Assoc::Left))
        .op(Op::infix(Rule::and, Assoc::Left))
        .op(Op::prefix(Rule::not))
        .op(Op::infix(Rule::compare, Assoc::Left))
        .op(Op::infix(Rule::add, Assoc::Left))
        .op(Op::infix(Rule::multiply, Assoc::Left))
        .op(Op::prefix(Rule::minus));
    pratt
        .map_primary(primary)
        .map_prefix(|op, right| {
            let whole = span(&op).to(right.span);
            let unary = if op.as_rule() == Rule::not { Unary::Not } else { Unary::Minus };
            Expr { kind: ExprKind::Unary(unary, Box::new(right)), span: whole }
        })
        .map_infix(|left, op, right| {
            let whole = left.span.to(right.span);
            Expr { kind: ExprKind::Binary(binary(op.as_str()), Box::new(left), Box::new(right)), span: whole }
        })
        .parse(parts(node).map(|n| if matches!(n.as_rule(), Rule::infix | Rule::prefix) { only(n) } else { n }))
}

fn binary(symbol: &str) -> Binary {
    match symbol {
        "or" => Binary::Or,
        "xor" => Binary::Xor,
        "and" => Binary::And,
        "==" => Binary::Eq,
        "!=" => Binary::Ne,
        "<" => Binary::Lt,
        "<=" => Binary::Le,
        ">" => Binary::Gt,
        ">=" => Binary::Ge,
        "+" => Binary::Add,
        "-" => Binary::Sub,
        "*" => Binary::Mul,
        "/" => Binary::Div,
        _ => Binary::Rem,
    }
}

fn primary(node: Node) -> Expr {
    let whole = span(&node);
    let inner = only(node);
    let kind = match inner.as_rule() {
        Rule::unsigned => ExprKind::Number(number(&inner)),
        Rule::string => ExprKind::Text(string(&inner).value),
        Rule::name => ExprKind::Name(name(&inner).value),
        Rule::expr => return Expr { span: whole, ..expr(inner) },
        Rule::if_expr => return if_expr(inner),
        _ => {
            let mut children = parts(inner);
            ExprKind::Call(name(&next(&mut children)), children.map(expr).collect())
        }
    };
    Expr { kind, span: whole }
}

// ---- tokens -------------------------------------------------------------------------------------

fn span(node: &Node) -> Span {
    let whole = node.as_span();
    Span::new(whole.start(), whole.start() + whole.as_str().trim_end().len())
}

fn names(node: Node) -> Vec<Name> {
    parts(node).map(|n| name(&n)).collect()
}

fn name(node: &Node) -> Name {
    let text = node.as_str().trim();
    let bare = text.strip_prefix('`').and_then(|t| t.strip_suffix('`')).unwrap_or(text);
    Spanned { value: bare.to_owned(), span: span(node) }
}

fn string(node: &Node) -> Spanned<String> {
    let text = node.as_str();
    let mut value = String::with_capacity(text.len());
    let mut characters = text[1..text.len() - 1].chars();
    while let Some(c) = characters.next() {
        value.push(if c == '\\' { escaped(characters.next()) } else { c });
    }
    Spanned { value, span: span(node) }
}

fn escaped(c: Option<char>) -> char {
    match c {
        Some('n') => '\n',
        Some('t') => '\t',
        Some(other) => other,
        None => '\\',
    }
}

fn number(node: &Node) -> f64 {
    node.as_str().trim().parse().unwrap_or(f64::NAN)
}

fn signum(node: &Node) -> f64 {
    if node.as_str() == "-" { -1.0 } else { 1.0 }
}

/// A node's children without the keywords.
fn parts(node: Node) -> impl Iterator<Item = Node> {
    let keyword = |rule| {
        matches!(
            rule,
            Rule::kw_abs
                | Rule::kw_and
                | Rule::kw_as
                | Rule::kw_assert
                | Rule::kw_data
                | Rule::kw_dcm
                | Rule::kw_do
                | Rule::kw_else
                | Rule::kw_expect
                | Rule::kw_identifiable
                | Rule::kw_if
                | Rule::kw_import
                | Rule::kw_independent
                | Rule::kw_latent
                | Rule::kw_output
                | Rule::kw_pretrained
                | Rule::kw_query
                | Rule::kw_sample
                | Rule::kw_simulate
                | Rule::kw_table
                | Rule::kw_then
                | Rule::kw_train
                | Rule::kw_truth
                | Rule::kw_vs
        )
    };
    node.into_inner().filter(move |n| !keyword(n.as_rule()))
}

/// The grammar guarantees the children these two ask for.
fn only(node: Node) -> Node {
    parts(node).next().expect("the grammar gives one child")
}

fn next<'a>(nodes: &mut impl Iterator<Item = Node<'a>>) -> Node<'a> {
    nodes.next().expect("the grammar gives another child")
}
