//! Every name that stands in a program: where, what it names, and in which role.

use crate::diag::Span;
use crate::syntax::ast::*;
use std::collections::BTreeSet;

/// A name at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Where, backquotes included.
    pub span: Span,
    /// The name, as the whole program calls it.
    pub name: String,
    /// What it names.
    pub space: Space,
    /// What it does there.
    pub role: Role,
}

/// Names of different spaces have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Variables, hidden ones too.
    Variable,
    /// Queries.
    Query,
    /// Data sets.
    Data,
    /// Values of categorical variables.
    Label,
    /// Keys of settings, and words that are values of settings.
    Setting,
    /// Distributions and functions.
    Function,
    /// What stands before the names of an imported file.
    Alias,
}

/// What a name does at its place; the first role that a name has anywhere is where it is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It gets its type, or is declared: the place that defines it.
    Declaration,
    /// It stands in an edge or alone, which declares it too.
    Mention,
    /// It gets its equation in the truth block.
    Equation,
    /// It is used.
    Use,
}

/// All names of the statements, by place; `text` gives the text of a place.
pub fn occurrences<'a>(ast: &Ast, text: &dyn Fn(Span) -> &'a str) -> Vec<Occurrence> {
    let mut walk = Walk { found: vec![], variables: variables(ast), text };
    ast.statements.iter().for_each(|statement| walk.statement(&statement.kind));
    let mut found = walk.found;
    found.sort_by_key(|o| o.span);
    found
}

/// The names that are variables in expressions.
fn variables(ast: &Ast) -> BTreeSet<String> {
    let (mut names, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let mut add = |list: &[Name]| names.extend(list.iter().map(|n| n.value.clone()));
    for statement in &ast.statements {
        match &statement.kind {
            StatementKind::Edges { first, rest } => {
                add(first);
                rest.iter().for_each(|(_, group)| add(group));
            }
            StatementKind::Latent { names: hidden, children } => {
                add(hidden);
                add(children);
            }
            StatementKind::Bare(bare) => add(bare),
            StatementKind::Declaration { names: declared, type_, .. } => {
                add(declared);
                labels.extend(labels_of(type_));
            }
            StatementKind::Truth(entries) => {
                for entry in entries {
                    match entry {
                        TruthEntry::Type(_, type_) => labels.extend(labels_of(type_)),
                        TruthEntry::Equation { name, .. } | TruthEntry::Table { name, .. } => {
                            add(std::slice::from_ref(name));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !labels.contains(name));
    names
}

fn labels_of(type_: &Type) -> Vec<String> {
    match &type_.arguments {
        TypeArguments::Labels(labels) => labels.iter().map(|l| l.value.clone()).collect(),
        _ => vec![],
    }
}

struct Walk<'a, 't> {
    found: Vec<Occurrence>,
    variables: BTreeSet<String>,
    text: &'a dyn Fn(Span) -> &'t str,
}

impl Walk<'_, '_> {
    fn add(&mut self, name: &Name, space: Space, role: Role) {
        self.found.push(Occurrence { span: name.span, name: name.value.clone(), space, role });
    }

    fn variables(&mut self, names: &[Name], role: Role) {
        names.iter().for_each(|name| self.add(name, Space::Variable, role));
    }

    fn statement(&mut self, kind: &StatementKind) {
        match kind {
            StatementKind::Edges { first, rest } => {
                self.variables(first, Role::Mention);
                rest.iter().for_each(|(_, group)| self.variables(group, Role::Mention));
            }
            StatementKind::Latent { names, children } => {
                self.variables(names, Role::Declaration);
                self.variables(children, Role::Mention);
            }
            StatementKind::Bare(names) => self.variables(names, Role::Mention),
            StatementKind::Declaration { names, type_, block, .. } => {
                self.variables(names, Role::Declaration);
                self.type_(type_);
                block.iter().for_each(|b| self.mechanism(b));
            }
            StatementKind::Data(data) => self.data(data),
            StatementKind::Truth(entries) => entries.iter().for_each(|entry| self.truth(entry)),
            StatementKind::Train { targets, block } => {
                self.variables(targets, Role::Use);
                self.block(block);
            }
            StatementKind::Query { name, form } => {
                self.add(name, Space::Query, Role::Declaration);
                self.form(form);
            }
            StatementKind::Output { query, options, .. } => {
                self.add(query, Space::Query, Role::Use);
                self.block(options);
            }
            StatementKind::Expect { measure, .. } => self.measure(measure),
            StatementKind::Assert(claim) => self.claim(claim),
            StatementKind::Import { alias, .. } => {
                alias.iter().for_each(|alias| self.add(alias, Space::Alias, Role::Declaration));
            }
        }
    }

    fn type_(&mut self, type_: &Type) {
        if let TypeArguments::Labels(labels) = &type_.arguments {
            labels.iter().for_each(|label| self.add(label, Space::Label, Role::Declaration));
        }
    }

    fn data(&mut self, data: &Data) {
        self.add(&data.name, Space::Data, Role::Declaration);
        if let DataSource::Simulate { options, .. } = &data.source {
            options.iter().for_each(|entry| self.entry(entry));
        }
        self.assigned(&data.interventions);
        for entry in data.block.iter().flat_map(|b| &b.entries) {
            match (entry.key.value.as_str(), entry.value.as_ref().map(|v| &v.kind)) {
                ("columns" | "images", Some(SettingKind::Block(bindings))) => {
                    self.add(&entry.key, Space::Setting, Role::Use);
                    self.bindings(bindings);
                }
                // Columns of a file are no names of the program.
                ("where" | "weight", _) => self.add(&entry.key, Space::Setting, Role::Use),
                _ => self.entry(entry),
            }
        }
    }

    /// `{ I: "column", Y1 }`: the keys are variables.
    fn bindings(&mut self, bindings: &Block) {
        for binding in &bindings.entries {
            self.add(&binding.key, Space::Variable, Role::Use);
            let value = binding.value.as_ref().map(|v| &v.kind);
            if let Some(SettingKind::File(_, block) | SettingKind::Block(block)) = value {
                self.block(block);
            }
        }
    }

    /// The block of a declaration: its `inputs`, `labels` and `classes` speak of variables.
    fn mechanism(&mut self, block: &Block) {
        for entry in &block.entries {
            match (entry.key.value.as_str(), entry.value.as_ref().map(|v| &v.kind)) {
                ("inputs", Some(SettingKind::List(items))) => {
                    self.add(&entry.key, Space::Setting, Role::Use);
                    for item in items {
                        if let Scalar::Name(name) = &item.value {
                            let name = Spanned { value: name.clone(), span: item.span };
                            self.add(&name, Space::Variable, Role::Use);
                        }
                    }
                }
                ("labels" | "classes", Some(SettingKind::Block(maps))) => {
                    self.add(&entry.key, Space::Setting, Role::Use);
                    maps.entries.iter().for_each(|map| self.add(&map.key, Space::Variable, Role::Use));
                }
                (_, Some(SettingKind::Named(name, inner))) => {
                    self.add(&entry.key, Space::Setting, Role::Use);
                    self.add(name, Space::Setting, Role::Use);
                    self.mechanism(inner);
                }
                _ => self.entry(entry),
            }
        }
    }

    fn block(&mut self, block: &Block) {
        block.entries.iter().for_each(|entry| self.entry(entry));
    }

    fn entry(&mut self, entry: &Entry) {
        self.add(&entry.key, Space::Setting, Role::Use);
        match entry.value.as_ref().map(|v| (&v.kind, v.span)) {
            Some((SettingKind::Named(name, inner), _)) => {
                self.add(name, Space::Setting, Role::Use);
                self.block(inner);
            }
            Some((SettingKind::File(_, inner) | SettingKind::Block(inner), _)) => self.block(inner),
            Some((SettingKind::Scalar(Scalar::Name(word)), span)) => {
                self.add(&Spanned { value: word.clone(), span }, Space::Setting, Role::Use);
            }
            _ => {}
        }
    }

    fn assigned(&mut self, list: &[Assigned]) {
        for one in list {
            self.add(&one.name, Space::Variable, Role::Use);
            self.world(&one.world);
            one.value.iter().for_each(|value| self.value(value));
        }
    }

    fn world(&mut self, world: &[WorldSetting]) {
        for setting in world {
            self.add(&setting.name, Space::Variable, Role::Use);
            match &setting.value {
                Some(WorldValue::Constant(value)) => self.value(value),
                Some(WorldValue::Potential(name, inner)) => {
                    self.add(name, Space::Variable, Role::Use);
                    self.world(inner);
                }
                None => {}
            }
        }
    }

    fn value(&mut self, value: &Spanned<Scalar>) {
        if let Scalar::Name(name) = &value.value {
            self.add(&Spanned { value: name.clone(), span: value.span }, Space::Label, Role::Use);
        }
    }

    fn form(&mut self, form: &QueryForm) {
        match form {
            QueryForm::Probability(term) => self.term(term),
            QueryForm::Combination(terms, _) => terms.iter().for_each(|(_, term)| self.term(term)),
            QueryForm::Samples(term, options) => {
                self.term(term);
                options.iter().for_each(|entry| self.entry(entry));
            }
        }
    }

    fn term(&mut self, term: &Term) {
        [&term.outcome, &term.interventions, &term.evidence].into_iter().for_each(|list| self.assigned(list));
    }

    fn measure(&mut self, measure: &Measure) {
        match measure {
            Measure::Number(_) => {}
            Measure::Distance { query, reference, .. } => {
                self.add(query, Space::Query, Role::Use);
                // `truth` is the truth block.
                if reference.value != "truth" {
                    self.add(reference, Space::Data, Role::Use);
                }
            }
            Measure::Abs(inner) => self.measure(inner),
            Measure::Sum(left, _, right) => [left, right].into_iter().for_each(|m| self.measure(m)),
            Measure::Row { query, selection } => {
                self.add(query, Space::Query, Role::Use);
                self.assigned(selection);
            }
        }
    }

    fn claim(&mut self, claim: &Claim) {
        match claim {
            Claim::Identifiable(query) => self.add(query, Space::Query, Role::Use),
            Claim::IdentifiableForm(form) => self.form(form),
            Claim::Independent { left, right, given, interventions } => {
                [left, right, given, interventions].into_iter().for_each(|list| self.variables(list, Role::Use));
            }
        }
    }

    fn truth(&mut self, entry: &TruthEntry) {
        match entry {
            TruthEntry::Type(names, type_) => {
                self.variables(names, Role::Equation);
                self.type_(type_);
            }
            TruthEntry::Equation { name, expr, .. } => {
                self.add(name, Space::Variable, Role::Equation);
                self.expr(expr);
            }
            TruthEntry::Table { name, parents, rows } => {
                self.add(name, Space::Variable, Role::Equation);
                self.variables(parents, Role::Use);
                rows.iter().flat_map(|row| &row.key).for_each(|value| self.value(value));
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::Text(_) => {}
            ExprKind::Name(name) => {
                let quoted = (self.text)(expr.span).starts_with('`');
                let space = if quoted || self.variables.contains(name) { Space::Variable } else { Space::Label };
                self.add(&Spanned { value: name.clone(), span: expr.span }, space, Role::Use);
            }
            ExprKind::Unary(_, inner) => self.expr(inner),
            ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|e| self.expr(e)),
            ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|e| self.expr(e)),
            ExprKind::Call(name, arguments) => {
                self.add(name, Space::Function, Role::Use);
                for argument in arguments {
                    argument.name.iter().for_each(|name| self.add(name, Space::Setting, Role::Use));
                    self.expr(&argument.value);
                }
            }
        }
    }
}
