//! Statements at another place of a text.

use super::ast::*;
use crate::diag::{Diagnostic, Span};

/// Moves all places by some bytes.
pub(super) struct Shift(pub isize);

impl Shift {
    pub(super) fn statement(&self, statement: &mut Statement) {
        self.span(&mut statement.span);
        match &mut statement.kind {
            StatementKind::Edges { first, rest } => {
                self.names(first);
                for (arrow, group) in rest {
                    self.span(&mut arrow.span);
                    self.names(group);
                }
            }
            StatementKind::Latent { names, children } => [names, children].into_iter().for_each(|n| self.names(n)),
            StatementKind::Bare(names) => self.names(names),
            StatementKind::Declaration { names, type_, pretrained, block } => {
                self.names(names);
                self.type_(type_);
                pretrained.iter_mut().for_each(|p| self.span(&mut p.span));
                block.iter_mut().for_each(|b| self.block(b));
            }
            StatementKind::Data(data) => self.data(data),
            StatementKind::Truth(entries) => entries.iter_mut().for_each(|e| self.truth(e)),
            StatementKind::Train { targets, block } => {
                self.names(targets);
                self.block(block);
            }
            StatementKind::Query { name, form } => {
                self.span(&mut name.span);
                self.form(form);
            }
            StatementKind::Output { query, path, options } => {
                self.span(&mut query.span);
                self.span(&mut path.span);
                self.block(options);
            }
            StatementKind::Expect { measure, op, .. } => {
                self.measure(measure);
                self.span(&mut op.span);
            }
            StatementKind::Assert(claim) => self.claim(claim),
            StatementKind::Import { path, alias } => {
                self.span(&mut path.span);
                alias.iter_mut().for_each(|a| self.span(&mut a.span));
            }
        }
    }

    pub(super) fn edition(&self, edition: &mut Edition) {
        self.span(&mut edition.number.span);
    }

    pub(super) fn diagnostic(&self, diagnostic: &mut Diagnostic) {
        diagnostic.labels.iter_mut().for_each(|label| self.place(&mut label.span));
        diagnostic.fixes.iter_mut().flat_map(|fix| &mut fix.edits).for_each(|edit| self.place(&mut edit.span));
    }

    /// What stands nowhere in the text stays there.
    fn span(&self, span: &mut Span) {
        if *span != Span::default() {
            self.place(span);
        }
    }

    fn place(&self, span: &mut Span) {
        *span = Span::new(span.start.saturating_add_signed(self.0), span.end.saturating_add_signed(self.0));
    }

    fn names(&self, names: &mut [Name]) {
        names.iter_mut().for_each(|name| self.span(&mut name.span));
    }

    fn type_(&self, type_: &mut Type) {
        self.span(&mut type_.span);
        self.span(&mut type_.name.span);
        if let TypeArguments::Labels(labels) = &mut type_.arguments {
            self.names(labels);
        }
    }

    fn block(&self, block: &mut Block) {
        self.span(&mut block.span);
        block.entries.iter_mut().for_each(|entry| self.entry(entry));
    }

    fn entry(&self, entry: &mut Entry) {
        self.span(&mut entry.span);
        self.span(&mut entry.key.span);
        entry.value.iter_mut().for_each(|value| self.setting(value));
    }

    fn setting(&self, setting: &mut Setting) {
        self.span(&mut setting.span);
        match &mut setting.kind {
            SettingKind::Scalar(_) => {}
            SettingKind::List(items) => items.iter_mut().for_each(|item| self.span(&mut item.span)),
            SettingKind::Items(items) => items.iter_mut().for_each(|(name, block)| {
                self.span(&mut name.span);
                self.block(block);
            }),
            SettingKind::Condition(terms) => terms.iter_mut().for_each(|term| {
                self.span(&mut term.span);
                self.span(&mut term.column.span);
                self.span(&mut term.value.span);
            }),
            SettingKind::Named(name, block) => {
                self.span(&mut name.span);
                self.block(block);
            }
            SettingKind::File(path, block) => {
                self.span(&mut path.span);
                self.block(block);
            }
            SettingKind::Type(type_) => self.type_(type_),
            SettingKind::Block(block) => self.block(block),
        }
    }

    fn data(&self, data: &mut Data) {
        self.span(&mut data.name.span);
        match &mut data.source {
            DataSource::File(path) => self.span(&mut path.span),
            DataSource::Simulate { options, span } => {
                self.span(span);
                options.iter_mut().for_each(|entry| self.entry(entry));
            }
        }
        self.assigned(&mut data.interventions);
        data.block.iter_mut().for_each(|block| self.block(block));
    }

    fn assigned(&self, list: &mut [Assigned]) {
        for one in list {
            self.span(&mut one.name.span);
            self.world(&mut one.world);
            one.value.iter_mut().for_each(|value| self.span(&mut value.span));
            one.bound.iter_mut().for_each(|bound| self.span(&mut bound.span));
        }
    }

    fn world(&self, world: &mut [WorldSetting]) {
        for setting in world {
            self.span(&mut setting.name.span);
            match &mut setting.value {
                Some(WorldValue::Constant(value)) => self.span(&mut value.span),
                Some(WorldValue::Potential(name, inner)) => {
                    self.span(&mut name.span);
                    self.world(inner);
                }
                None => {}
            }
        }
    }

    fn form(&self, form: &mut QueryForm) {
        match form {
            QueryForm::Probability(term) => self.term(term),
            QueryForm::Combination(terms, _) => terms.iter_mut().for_each(|(_, term)| self.term(term)),
            QueryForm::Samples(term, options) => {
                self.term(term);
                options.iter_mut().for_each(|entry| self.entry(entry));
            }
        }
    }

    fn term(&self, term: &mut Term) {
        let Term { outcome, interventions, evidence } = term;
        [outcome, interventions, evidence].into_iter().for_each(|list| self.assigned(list));
    }

    fn measure(&self, measure: &mut Measure) {
        match measure {
            Measure::Number(_) => {}
            Measure::Distance { query, reference, .. } => {
                self.span(&mut query.span);
                self.span(&mut reference.span);
            }
            Measure::Abs(inner) => self.measure(inner),
            Measure::Sum(left, _, right) => [left, right].into_iter().for_each(|m| self.measure(m)),
            Measure::Row { query, selection } => {
                self.span(&mut query.span);
                self.assigned(selection);
            }
        }
    }

    fn claim(&self, claim: &mut Claim) {
        match claim {
            Claim::Identifiable(query) => self.span(&mut query.span),
            Claim::IdentifiableForm(form) => self.form(form),
            Claim::Independent { left, right, given, interventions } => {
                [left, right, given, interventions].into_iter().for_each(|list| self.names(list));
            }
        }
    }

    fn truth(&self, entry: &mut TruthEntry) {
        match entry {
            TruthEntry::Type(names, type_) => {
                self.names(names);
                self.type_(type_);
            }
            TruthEntry::Equation { name, expr, .. } => {
                self.span(&mut name.span);
                self.expr(expr);
            }
            TruthEntry::Table { name, parents, rows } => {
                self.span(&mut name.span);
                self.names(parents);
                for row in rows {
                    self.span(&mut row.span);
                    row.key.iter_mut().for_each(|key| self.span(&mut key.span));
                }
            }
        }
    }

    fn expr(&self, expr: &mut Expr) {
        self.span(&mut expr.span);
        match &mut expr.kind {
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Name(_) => {}
            ExprKind::Unary(_, inner) => self.expr(inner),
            ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|e| self.expr(e)),
            ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|e| self.expr(e)),
            ExprKind::Call(name, arguments) => {
                self.span(&mut name.span);
                for argument in arguments {
                    argument.name.iter_mut().for_each(|name| self.span(&mut name.span));
                    self.expr(&mut argument.value);
                }
            }
        }
    }
}
