//! From the lines of a truth block to tables.

use super::classify::Classifier;
use super::evaluate::{Item, distribution, sum_is_not_one};
use super::expr::{ClassOf, Resolver, Term};
use super::picture::{self, Digit};
use super::{Expression, Kind, Node, Scm};
use crate::causal::Admg;
use crate::diag::{Diagnostic, Span};
use crate::model::{Domain, Model, TruthBlock, Value, VarId, closest, domain_of_type, suggest};
use crate::syntax::ast::{Argument, ExprKind, Name, Scalar, Spanned, TableRow, TruthEntry};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// The largest table of one variable.
const MAX_TABLE: usize = 1 << 24;

/// The names of a truth block: observed and hidden variables with an equation.
pub(super) struct Scope {
    places: IndexMap<String, Declared>,
    labels: BTreeSet<String>,
}

struct Declared {
    span: Span,
    domain: Option<Domain>,
    variable: Option<VarId>,
    /// Whether its equation is `digit(…)`.
    drawn: bool,
}

impl Scope {
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get_index_of(name)
    }

    pub(super) fn domain(&self, place: usize) -> Option<&Domain> {
        self.places.get_index(place)?.1.domain.as_ref()
    }

    pub(super) fn is_label(&self, name: &str) -> bool {
        self.labels.contains(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The number of names; places behind it are classes of images.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_image(&self, place: usize) -> bool {
        self.places[place].drawn || matches!(self.domain(place), Some(Domain::Image(_)))
    }

    pub(super) fn name(&self, place: usize) -> &str {
        self.places.get_index(place).map_or("classify(…)", |(name, _)| name)
    }

    pub(super) fn span(&self, place: usize) -> Span {
        self.places.get_index(place).map_or_else(Span::default, |(_, declared)| declared.span)
    }
}

/// The right side of an equation, resolved.
enum Equation<'a> {
    Expression(Term),
    Table { parents: Vec<usize>, rows: &'a [TableRow] },
    Image(Digit),
    Class(ClassOf),
}

impl Scm {
    /// The meaning of the model's truth block; `None` if there is none.
    ///
    /// # Errors
    /// Everything that is wrong with it: unknown names, cycles, values outside a domain, probabilities
    /// that do not add up, a dependence that the graph does not allow.
    pub fn build(model: &Model) -> Result<Option<Self>, Vec<Diagnostic>> {
        let Some(block) = &model.truth else { return Ok(None) };
        let (scope, mut diagnostics) = scope(model, block);
        let (nodes, found) = tabulate(&scope, block);
        diagnostics.extend(found);
        let Some((nodes, node_of_place)) = nodes.filter(|_| diagnostics.is_empty()) else { return Err(diagnostics) };
        let mut of_variable = vec![usize::MAX; model.variables.len()];
        for (place, declared) in scope.places.values().enumerate() {
            if let Some(variable) = declared.variable {
                of_variable[variable] = node_of_place[place];
            }
        }
        for (name, variable) in &model.variables {
            let numeric = variable.domain.as_ref().is_none_or(|d| d.is_real() || d.cardinality().is_some());
            if numeric && scope.place(name).is_none() {
                diagnostics.push(
                    Diagnostic::new("E0305", format!("the truth block has no equation for `{name}`"))
                        .label(variable.span, "a variable of the graph")
                        .label(block.span, "not drawn here")
                        .help(format!("add `{name} ~ …` or `{name} = …`")),
                );
            }
        }
        if diagnostics.is_empty() {
            diagnostics = departures(model, &scope, &nodes, &of_variable);
        }
        let truth = Self { nodes, of_variable };
        if diagnostics.is_empty() {
            diagnostics.extend(truth.try_out().err());
        }
        if diagnostics.is_empty() { Ok(Some(truth)) } else { Err(diagnostics) }
    }
}

/// Gives variables without a type the values that the truth block gives them.
pub fn infer_domains(model: &mut Model) -> Vec<Diagnostic> {
    let Some(block) = model.truth.clone() else { return vec![] };
    if model.variables.values().all(|v| v.domain.is_some()) {
        return vec![];
    }
    let (scope, _) = scope(model, &block);
    let (Some((nodes, node_of_place)), _) = tabulate(&scope, &block) else { return vec![] };
    let mut notes = vec![];
    for (place, declared) in scope.places.values().enumerate() {
        let untyped = |v: &VarId| model.variables[*v].domain.is_none() && model.variables[*v].declared.is_none();
        let Some(id) = declared.variable.filter(untyped) else { continue };
        let node = &nodes[node_of_place[place]];
        let domain = match &node.kind {
            Kind::Image(picture) => Domain::Image(picture.shape),
            Kind::Drawn if node.is_real() => Domain::REAL,
            _ => domain_of(&node.values),
        };
        let title = format!("`{}` has no type: the truth block makes it {domain}", scope.name(place));
        notes.push(Diagnostic::new("N0407", title).label(declared.span, "drawn here"));
        model.variables[id].domain = Some(domain);
    }
    notes
}

/// The smallest type that holds `values`.
fn domain_of(values: &[Value]) -> Domain {
    let numbers: Option<Vec<i64>> =
        values.iter().map(|v| if let Value::Int(n) = v { Some(*n) } else { None }).collect();
    match numbers.as_deref() {
        Some([0] | [1] | [0, 1] | [1, 0]) => Domain::Binary,
        Some([first, rest @ ..]) => {
            let (low, high) = rest.iter().fold((*first, *first), |(l, h), &n| (l.min(n), h.max(n)));
            Domain::Int { low, high }
        }
        _ => Domain::Labels(values.iter().map(Value::to_string).collect()),
    }
}

fn scope(model: &Model, block: &TruthBlock) -> (Scope, Vec<Diagnostic>) {
    let mut diagnostics = vec![];
    let mut types: IndexMap<&str, Domain> = IndexMap::new();
    for entry in &block.entries {
        let TruthEntry::Type(names, written) = entry else { continue };
        match domain_of_type(written) {
            Ok(domain) => {
                for name in names {
                    if let Some(variable) = model.id(&name.value).map(|v| &model.variables[v]) {
                        let title = format!("the type of `{}` belongs outside the truth block", name.value);
                        let found = Diagnostic::new("E0202", title).label(name.span, "a variable of the graph");
                        diagnostics.push(found.label(variable.span, "declared here"));
                    }
                    types.insert(&name.value, domain.clone());
                }
            }
            Err(found) => diagnostics.push(found),
        }
    }
    let mut places: IndexMap<String, Declared> = IndexMap::new();
    for name in block.entries.iter().filter_map(target) {
        if let Some(first) = places.get(&name.value) {
            let found = Diagnostic::new("E0202", format!("`{}` has two equations", name.value));
            diagnostics.push(found.label(name.span, "the second").label(first.span, "the first"));
            continue;
        }
        let variable = model.id(&name.value);
        let domain = variable.and_then(|v| model.domain(v)).or_else(|| types.get(name.value.as_str())).cloned();
        let drawn =
            block.entries.iter().any(|e| target(e).is_some_and(|n| n.value == name.value) && draws(e).is_some());
        places.insert(name.value.clone(), Declared { span: name.span, domain, variable, drawn });
    }
    let domains = places.values().filter_map(|d| d.domain.as_ref());
    let labels =
        domains.filter_map(|d| if let Domain::Labels(l) = d { Some(l.clone()) } else { None }).flatten().collect();
    (Scope { places, labels }, diagnostics)
}

fn target(entry: &TruthEntry) -> Option<&Name> {
    match entry {
        TruthEntry::Type(..) => None,
        TruthEntry::Equation { name, .. } | TruthEntry::Table { name, .. } => Some(name),
    }
}

/// The arguments of `digit(…)`, if that is the equation, and its place.
fn draws(entry: &TruthEntry) -> Option<(&[Argument], Span)> {
    let TruthEntry::Equation { expr, .. } = entry else { return None };
    match &expr.kind {
        ExprKind::Call(name, arguments) if name.value == picture::DIGIT => Some((arguments, expr.span)),
        _ => None,
    }
}

type Tabulated = Option<(Vec<Node>, Vec<usize>)>;

/// The tables of all variables, causes first, and the node of each place of the scope.
fn tabulate(scope: &Scope, block: &TruthBlock) -> (Tabulated, Vec<Diagnostic>) {
    let mut diagnostics = vec![];
    let mut equations: Vec<Option<Equation>> = scope.places.iter().map(|_| None).collect();
    let mut resolver = Resolver { scope, classes: vec![] };
    for entry in &block.entries {
        let Some(place) = target(entry).and_then(|name| scope.place(&name.value)) else { continue };
        if equations[place].is_none() {
            equations[place] = equation(entry, place, &mut resolver).map_err(|found| diagnostics.extend(found)).ok();
        }
    }
    equations.extend(resolver.classes.into_iter().map(|class| Some(Equation::Class(class))));
    let Some(equations) = equations.into_iter().collect::<Option<Vec<_>>>() else { return (None, diagnostics) };
    let mut graph = Admg::new(equations.len());
    for (place, equation) in equations.iter().enumerate() {
        causes(equation).into_iter().filter(|&c| c != place).for_each(|c| graph.add_directed(c, place));
        if causes(equation).contains(&place) {
            let title = format!("`{}` depends on itself", scope.name(place));
            diagnostics.push(Diagnostic::new("E0301", title).label(scope.span(place), "here"));
            return (None, diagnostics);
        }
    }
    let order = match graph.topological_order() {
        Ok(order) => order,
        Err(cycle) => {
            let cycle: Vec<usize> = cycle.into_iter().filter(|&p| p < scope.len()).collect();
            let names: Vec<&str> = cycle.iter().chain(&cycle[..1]).map(|&p| scope.name(p)).collect();
            let title = format!("the equations run in a circle: {}", names.join(" -> "));
            diagnostics.push(Diagnostic::new("E0301", title).label(scope.span(cycle[0]), "here"));
            return (None, diagnostics);
        }
    };
    let mut nodes: Vec<Node> = vec![];
    let mut node_of_place = vec![usize::MAX; equations.len()];
    for place in order {
        match node(place, &equations[place], scope, &nodes, &node_of_place) {
            Ok(node) => {
                node_of_place[place] = nodes.len();
                nodes.push(node);
            }
            Err(found) => {
                diagnostics.push(found);
                return (None, diagnostics);
            }
        }
    }
    (Some((nodes, node_of_place)), diagnostics)
}

fn causes(equation: &Equation) -> Vec<usize> {
    let mut found = vec![];
    match equation {
        Equation::Expression(term) => term.variables(&mut found),
        Equation::Table { parents, .. } => found.clone_from(parents),
        Equation::Image(digit) => digit.arguments.iter().for_each(|a| a.term.variables(&mut found)),
        Equation::Class(class) => found.push(class.image),
    }
    found
}

fn equation<'a>(entry: &'a TruthEntry, place: usize, resolver: &mut Resolver) -> Result<Equation<'a>, Vec<Diagnostic>> {
    let scope = resolver.scope;
    if let Some((arguments, span)) = draws(entry) {
        return picture::digit(arguments, span, place, resolver).map(Equation::Image).map_err(|found| vec![found]);
    }
    if scope.is_image(place) {
        let name = scope.name(place);
        let found = Diagnostic::new("E0404", format!("`{name}` is an image")).label(scope.span(place), "drawn here");
        return Err(vec![found.help(format!("write `{name} = {}`", picture::DIGIT_USAGE))]);
    }
    let labels = match scope.domain(place) {
        Some(Domain::Labels(labels)) => Some(&labels[..]),
        _ => None,
    };
    match entry {
        TruthEntry::Equation { expr, .. } => {
            resolver.resolve(expr, labels).map(Equation::Expression).map_err(|found| vec![found])
        }
        TruthEntry::Table { parents, rows, .. } => {
            let resolved: Result<Vec<usize>, Diagnostic> = parents.iter().map(|name| cause(name, scope)).collect();
            resolved.map(|parents| Equation::Table { parents, rows }).map_err(|found| vec![found])
        }
        TruthEntry::Type(..) => Err(vec![]),
    }
}

fn cause(name: &Name, scope: &Scope) -> Result<usize, Diagnostic> {
    if let Some(place) = scope.place(&name.value).filter(|&p| scope.is_image(p)) {
        let title = format!("`{}` is an image: a table cannot list its values", scope.name(place));
        let found = Diagnostic::new("E0404", title).label(name.span, "here");
        return Err(found.help(format!("use `classify({}, classes: 2)` in an equation", name.value)));
    }
    scope.place(&name.value).ok_or_else(|| {
        let found = Diagnostic::new("E0201", format!("`{}` has no equation in the truth block", name.value));
        let found = found.label(name.span, "unknown");
        match closest(&name.value, scope.names()) {
            Some(near) => suggest(found, near, name.span),
            None => found,
        }
    })
}

fn node(
    place: usize,
    equation: &Equation,
    scope: &Scope,
    nodes: &[Node],
    node_of_place: &[usize],
) -> Result<Node, Diagnostic> {
    let places = causes(equation);
    let parents: Vec<usize> = places.iter().map(|&p| node_of_place[p]).collect();
    let variable = scope.places.get_index(place).and_then(|(_, declared)| declared.variable);
    if let Equation::Class(class) = equation {
        let values = (0..class.classes as i64).map(Value::Int).collect();
        let kind = Kind::Class(Classifier::new(class.classes, class.seed));
        return Ok(Node { variable, values, parents, table: vec![], kind, expression: None });
    }
    let declared = scope.places[place].domain.as_ref();
    let real_cause = parents.iter().position(|&p| nodes[p].is_real());
    match (equation, real_cause) {
        (Equation::Expression(term), _)
            if real_cause.is_some() || term.is_continuous() || declared.is_some_and(Domain::is_real) =>
        {
            let domain = declared.and_then(|d| d.cardinality().map(|card| (d, card)));
            let values = match domain {
                Some((domain, card)) => (0..card as u32).map(|code| domain.value(code)).collect(),
                None if declared.is_some_and(Domain::is_real) => vec![],
                None => term.support().unwrap_or_default(),
            };
            let expression = Some(Expression { term: term.clone(), places });
            return Ok(Node { variable, values, parents, table: vec![], kind: Kind::Drawn, expression });
        }
        (_, Some(at)) => {
            let title = format!("`{}` is real: a table or an image cannot list its values", scope.name(places[at]));
            let found = Diagnostic::new("E0404", title).label(scope.span(place), "depends on it");
            return Err(found.help("compare it with a number: `if X > 0.5 then … else …`"));
        }
        _ => {}
    }
    let cards: Vec<usize> = parents.iter().map(|&p| nodes[p].values.len()).collect();
    let cells = cards.iter().try_fold(1_usize, |cells, &card| cells.checked_mul(card)).filter(|&c| c <= MAX_TABLE);
    let Some(cells) = cells else {
        let title = format!("the causes of `{}` have too many combinations of values", scope.name(place));
        return Err(Diagnostic::new("E0402", title).label(scope.span(place), "here"));
    };
    let value_at = |digits: &[usize], p: usize| {
        let at = places.iter().position(|&q| q == p).expect("a cause");
        Item::of(&nodes[parents[at]].values[digits[at]])
    };
    if let Equation::Image(digit) = equation {
        let value = |cell: usize, p: usize| value_at(&digits_of(cell, &cards), p);
        let picture = digit.picture(scope, cells, &value)?;
        let kind = Kind::Image(Box::new(picture));
        return Ok(Node { variable, values: vec![], parents, table: vec![], kind, expression: None });
    }
    let rows: Result<Vec<Vec<(Item, f64)>>, Diagnostic> = (0..cells)
        .map(|cell| {
            let digits = digits_of(cell, &cards);
            match equation {
                Equation::Expression(term) => distribution(term, &|p| value_at(&digits, p)),
                Equation::Table { rows, .. } => table_row(place, rows, &parents, &digits, scope, nodes),
                Equation::Image(_) | Equation::Class(_) => Ok(vec![]),
            }
        })
        .collect();
    let rows = rows?;
    let declared = &scope.places[place];
    let values = match declared.domain.as_ref().and_then(|d| d.cardinality().map(|k| (d, k))) {
        Some((domain, card)) => (0..card as u32).map(|code| domain.value(code)).collect(),
        None => support(&rows, scope, place)?,
    };
    let mut table = vec![0.0; cells * values.len()];
    for (cell, row) in rows.into_iter().enumerate() {
        for (item, p) in row.into_iter().filter(|(_, p)| *p > 0.0) {
            let code = code_of(&item, &values).ok_or_else(|| {
                let name = scope.name(place);
                let text = text_of(&item);
                let title = format!("the truth block gives `{name}` the value {text}");
                let found = Diagnostic::new("E0404", title).label(declared.span, "here");
                match &declared.domain {
                    Some(domain) => found.note(format!("`{name}` is {domain}")),
                    None => found,
                }
            })?;
            table[cell * values.len() + code] += p;
        }
    }
    let expression = match equation {
        Equation::Expression(term) => Some(Expression { term: term.clone(), places }),
        _ => None,
    };
    Ok(Node { variable, values, parents, table, kind: Kind::Table, expression })
}

/// The values a variable without a declared type takes, in ascending order.
fn support(rows: &[Vec<(Item, f64)>], scope: &Scope, place: usize) -> Result<Vec<Value>, Diagnostic> {
    let mut values = BTreeSet::new();
    for (item, _) in rows.iter().flatten().filter(|(_, p)| *p > 0.0) {
        values.insert(match item {
            Item::Label(label) => Value::Label(label.clone()),
            Item::Number(n) if n.fract() == 0.0 => Value::Int(*n as i64),
            Item::Number(n) => {
                let title = format!("`{}` takes the value {n}, which is not whole", scope.name(place));
                let found = Diagnostic::new("E0404", title).label(scope.places[place].span, "here");
                return Err(found.help("use floor(…) or round(…), or declare it `real`"));
            }
        });
    }
    Ok(values.into_iter().collect())
}

/// The place of an item among a variable's values.
pub(super) fn code_of(item: &Item, values: &[Value]) -> Option<usize> {
    let value = match item {
        // A distribution over places, such as categorical(…), draws the labels in their order.
        Item::Number(n) if values.iter().all(|v| matches!(v, Value::Label(_))) => {
            return (n.fract() == 0.0 && *n >= 0.0 && (*n as usize) < values.len()).then_some(*n as usize);
        }
        Item::Number(n) => Value::Int((n.fract() == 0.0).then_some(*n as i64)?),
        Item::Label(label) => Value::Label(label.clone()),
    };
    values.iter().position(|v| *v == value)
}

fn text_of(item: &Item) -> String {
    match item {
        Item::Number(n) => n.to_string(),
        Item::Label(label) => label.clone(),
    }
}

/// The row of a table for the causes' values at `digits`: the first whose key matches.
fn table_row(
    place: usize,
    rows: &[TableRow],
    parents: &[usize],
    digits: &[usize],
    scope: &Scope,
    nodes: &[Node],
) -> Result<Vec<(Item, f64)>, Diagnostic> {
    let matches = |key: &[Spanned<Scalar>]| {
        key.iter().zip(parents.iter().zip(digits)).all(|(k, (&p, &d))| {
            let text = k.value.text();
            text == "_" || text == "else" || nodes[p].values[d].to_string() == text
        })
    };
    for row in rows {
        if row.key.len() != parents.len() && row.key.first().map(|k| k.value.text()) != Some("else") {
            let title = format!("this row names {} values for {} causes", row.key.len(), parents.len());
            return Err(Diagnostic::new("E0402", title).label(row.span, "here"));
        }
        for (key, &parent) in row.key.iter().zip(parents) {
            let text = key.value.text();
            if text != "_" && text != "else" && !nodes[parent].values.iter().any(|v| v.to_string() == text) {
                let values: Vec<String> = nodes[parent].values.iter().map(Value::to_string).collect();
                let found = Diagnostic::new("E0404", format!("`{text}` is not a value of this cause"));
                return Err(found.label(key.span, format!("it can be {}", values.join(", "))));
            }
        }
        let total: f64 = row.probabilities.iter().sum();
        if row.probabilities.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return Err(Diagnostic::new("E0404", "a table holds probabilities").label(row.span, "each from 0 to 1"));
        }
        if (total - 1.0).abs() > 1e-6 {
            return Err(sum_is_not_one(total, row.span));
        }
        if let Some(card) = scope.domain(place).and_then(Domain::cardinality).filter(|&k| k != row.probabilities.len())
        {
            let title = format!("`{}` has {card} values and this row {}", scope.name(place), row.probabilities.len());
            return Err(
                Diagnostic::new("E0402", title).label(row.span, "one probability for each value, in their order")
            );
        }
        if matches(&row.key) {
            let domain = scope.domain(place).filter(|d| !matches!(d, Domain::Labels(_)));
            let item = |k: usize| domain.map_or(Item::Number(k as f64), |d| Item::of(&d.value(k as u32)));
            return Ok(row.probabilities.iter().enumerate().map(|(k, &p)| (item(k), p / total)).collect());
        }
    }
    let missing: Vec<String> = parents.iter().zip(digits).map(|(&p, &d)| nodes[p].values[d].to_string()).collect();
    let title = format!("the table of `{}` has no row for ({})", scope.name(place), missing.join(", "));
    Err(Diagnostic::new("E0402", title).label(scope.places[place].span, "here").help("`_` stands for every value"))
}

fn digits_of(mut cell: usize, cards: &[usize]) -> Vec<usize> {
    let mut digits = vec![0; cards.len()];
    for (digit, &card) in digits.iter_mut().zip(cards).rev() {
        *digit = cell % card;
        cell /= card;
    }
    digits
}

/// Dependences of the truth block that the graph does not have (E0305): an observed cause that is no
/// parent, or a hidden cause shared by two variables that no `<->` joins. Hidden variables are projected out.
fn departures(model: &Model, scope: &Scope, nodes: &[Node], of_variable: &[usize]) -> Vec<Diagnostic> {
    let sources: Vec<(BTreeSet<VarId>, BTreeSet<usize>)> = of_variable
        .iter()
        .map(|&node| nodes.get(node).map_or_else(Default::default, |n| sources_of(n, nodes)))
        .collect();
    let mut found = vec![];
    let place = |v: VarId| scope.place(model.name(v)).map_or_else(Span::default, |p| scope.places[p].span);
    for (variable, (observed, hidden)) in sources.iter().enumerate() {
        let name = model.name(variable);
        for &cause in observed.iter().filter(|c| !model.graph.parents(variable).contains(c)) {
            let title = format!("in the truth block `{}` causes `{name}`, in the graph it does not", model.name(cause));
            let arrow = format!("{} -> {name}", model.name(cause));
            found.push(
                Diagnostic::new("E0305", title).label(place(variable), "drawn here").help(format!("add `{arrow}`")),
            );
        }
        for (other, (_, theirs)) in sources.iter().enumerate().skip(variable + 1) {
            if !hidden.is_disjoint(theirs) && !model.graph.spouses(variable).contains(&other) {
                let names = (name, model.name(other));
                let title = format!("in the truth block `{}` and `{}` share a hidden cause", names.0, names.1);
                let found_here = Diagnostic::new("E0305", title)
                    .label(place(variable), "depends on it")
                    .label(place(other), "so does this");
                found.push(found_here.help(format!("add `{} <-> {}`", names.0, names.1)));
            }
        }
    }
    found
}

/// The observed causes and the hidden ancestors of a node, through hidden nodes only.
fn sources_of(node: &Node, nodes: &[Node]) -> (BTreeSet<VarId>, BTreeSet<usize>) {
    let (mut observed, mut hidden) = (BTreeSet::new(), BTreeSet::new());
    let mut open = node.parents.clone();
    while let Some(next) = open.pop() {
        match nodes[next].variable {
            Some(variable) => {
                observed.insert(variable);
            }
            // A class of an image is no cause of its own: it is found from the image.
            None if matches!(nodes[next].kind, Kind::Class(_)) || hidden.insert(next) => {
                open.extend(&nodes[next].parents);
            }
            None => {}
        }
    }
    (observed, hidden)
}
