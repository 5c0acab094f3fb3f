//! What a readable program may still have wrong: mechanisms that cannot share hidden noise, probable
//! typos, variables without edges, queries that the graph answers.

use super::{Lowering, MAX_COMPARISONS, list, suggest};
use crate::causal::{ancestors, m_separated};
use crate::diag::Diagnostic;
use crate::model::{Latent, MechanismKind, QueryKind, Term, VarId, closest};
use crate::syntax::ast::{Ast, Name, StatementKind};
use std::collections::BTreeSet;

impl Lowering {
    pub(super) fn remarks(&mut self, ast: &Ast) {
        self.mechanisms_without_noise_to_share();
        self.inputs_that_are_not_the_parents();
        self.wide_latents();
        self.probable_typos(ast);
        self.unconnected(ast);
        self.effects_that_are_zero();
    }

    /// E0601 and E0602.
    fn mechanisms_without_noise_to_share(&mut self) {
        let hidden = |variable: VarId| self.model.latents.iter().find(|l| l.children.contains(&variable));
        let mut found = vec![];
        for (id, (name, variable)) in self.model.variables.iter().enumerate() {
            let Some(mechanism) = &variable.mechanism else { continue };
            let Some(latent) = hidden(id) else { continue };
            let (code, what) = match mechanism.kind {
                MechanismKind::Pretrained { .. } => ("E0601", "pretrained"),
                MechanismKind::Diffusion { .. } => ("E0602", "a diffusion model"),
                MechanismKind::Mlp => continue,
            };
            let other = latent.children.iter().find(|&&c| c != id).map_or("?", |&c| self.model.name(c));
            let title = format!("`{name}` shares a hidden cause with `{other}`, so it cannot be {what}");
            found.push(
                Diagnostic::new(code, title)
                    .label(mechanism.span, "this mechanism draws its noise alone")
                    .label(latent.span, self.acts_on(latent))
                    .note(format!(
                        "to depend on each other, `{name}` and `{other}` must be trained together on shared noise"
                    ))
                    .help(format!("let `{name}` be trained, or remove the hidden cause if there is none")),
            );
        }
        self.diagnostics.extend(found);
    }

    fn acts_on(&self, latent: &Latent) -> String {
        let children: Vec<&str> = latent.children.iter().take(8).map(|&c| self.model.name(c)).collect();
        format!("a hidden cause of {}", list(children))
    }

    /// E0603, as far as the model file tells.
    fn inputs_that_are_not_the_parents(&mut self) {
        let mut found = vec![];
        for (id, (name, variable)) in self.model.variables.iter().enumerate() {
            let Some(mechanism) = &variable.mechanism else { continue };
            let MechanismKind::Pretrained { inputs: Some(inputs), .. } = &mechanism.kind else { continue };
            let (given, parents): (BTreeSet<VarId>, BTreeSet<VarId>) =
                (inputs.iter().copied().collect(), self.model.graph.parents(id).iter().copied().collect());
            if given == parents && given.len() == inputs.len() {
                continue;
            }
            let names = |set: &mut dyn Iterator<Item = &VarId>| list(set.map(|&v| self.model.name(v)));
            let title = format!("the inputs of `{name}`'s mechanism are not its parents");
            found.push(
                Diagnostic::new("E0603", title)
                    .label(mechanism.span, format!("takes {}", names(&mut inputs.iter())))
                    .label(variable.span, format!("its parents are {}", names(&mut parents.iter())))
                    .help("list each parent once, in the order of the file's inputs, or change the edges"),
            );
        }
        self.diagnostics.extend(found);
    }

    /// W0305.
    fn wide_latents(&mut self) {
        let wide = self.model.latents.iter().filter(|l| l.name.is_some() && l.children.len() > 2);
        let warnings = wide.map(|latent| {
            let name = latent.name.as_deref().unwrap_or_default();
            let title = format!(
                "`{name}` has {} effects: identification treats it as one hidden cause for each pair",
                latent.children.len()
            );
            Diagnostic::new("W0305", title)
                .label(latent.span, self.acts_on(latent))
                .note("what is identifiable with a hidden cause for each pair is identifiable with one for all of them")
                .note("training keeps it as one: a single hidden draw shared by all its effects")
        });
        let warnings: Vec<Diagnostic> = warnings.collect();
        self.diagnostics.extend(warnings);
    }

    /// W0204: a variable that is written once, has no type, and is spelled much like one that is used.
    fn probable_typos(&mut self, ast: &Ast) {
        let mentions = self.mentions(ast);
        let once = (0..mentions.len()).filter(|&v| self.model.domain(v).is_none() && mentions[v] == 1);
        for id in once.take(MAX_COMPARISONS / mentions.len().max(1)).collect::<Vec<_>>() {
            let name = self.model.name(id).to_owned();
            let used = (0..mentions.len()).filter(|&v| mentions[v] > 1).map(|v| self.model.name(v));
            let others = used.filter(|other| !differ_in_digits(&name, other));
            let Some(near) = closest(&name, others).map(str::to_owned) else { continue };
            let span = self.model.variables[id].span;
            let found = Diagnostic::new("W0204", format!("`{name}` is written once: is it `{near}`?"))
                .label(span, "a variable of its own, as it stands");
            let help = format!("if it is a variable of its own, give it a type: `{name}: binary`");
            self.report(suggest(found, &near, span).help(help));
        }
    }

    /// How often each variable is named in edges and declarations.
    fn mentions(&self, ast: &Ast) -> Vec<usize> {
        let mut mentions = vec![0; self.model.variables.len()];
        for statement in &ast.statements {
            let names: Vec<&Name> = match &statement.kind {
                StatementKind::Edges { first, rest } => first.iter().chain(rest.iter().flat_map(|r| &r.1)).collect(),
                StatementKind::Latent { children, .. } => children.iter().collect(),
                StatementKind::Bare(names) | StatementKind::Declaration { names, .. } => names.iter().collect(),
                _ => continue,
            };
            names.into_iter().filter_map(|n| self.model.id(&n.value)).for_each(|v| mentions[v] += 1);
        }
        mentions
    }

    /// W0306, but for variables that stand alone on purpose (`Z`).
    fn unconnected(&mut self, ast: &Ast) {
        let graph = &self.model.graph;
        let alone =
            |v: VarId| graph.parents(v).is_empty() && graph.children(v).is_empty() && graph.spouses(v).is_empty();
        // A refused edge leaves a variable alone that was not meant to be.
        let refused = self.diagnostics.iter().any(|d| matches!(d.code, "E0302" | "E0303"));
        if refused || (0..graph.len()).all(alone) {
            return;
        }
        let bare = ast
            .statements
            .iter()
            .filter_map(|s| if let StatementKind::Bare(names) = &s.kind { Some(names) } else { None });
        let on_purpose: BTreeSet<&str> = bare.flatten().map(|n| n.value.as_str()).collect();
        let mut warnings = vec![];
        for id in (0..graph.len()).filter(|&v| alone(v)) {
            let name = self.model.name(id);
            if !on_purpose.contains(name) {
                let found =
                    Diagnostic::new("W0306", format!("`{name}` has no edges: nothing causes it, it causes nothing"));
                let found = found.label(self.model.variables[id].span, "not connected");
                warnings.push(
                    found.help(format!(
                        "add its edges, or write `{name}` on a line of its own to say that this is meant"
                    )),
                );
            }
        }
        self.diagnostics.extend(warnings);
    }

    /// W0705, by rule 3 of the do-calculus (Pearl, Causality, 2009, theorem 3.4.1).
    fn effects_that_are_zero(&mut self) {
        if self.model.graph.topological_order().is_err() {
            return;
        }
        let mut warnings = vec![];
        for query in &self.model.queries {
            let terms: Vec<Term> = match &query.kind {
                QueryKind::Distribution(term) => vec![term.clone()],
                QueryKind::Samples { term, .. } => term.in_one_world().into_iter().collect(),
                QueryKind::Expectation { terms, .. } => terms.iter().map(|(_, term)| term.clone()).collect(),
                QueryKind::Counterfactual { .. } => vec![],
            };
            let idle: BTreeSet<VarId> = terms.iter().flat_map(|term| self.idle_interventions(term)).collect();
            for variable in idle {
                let (name, span) = (self.model.name(variable), query.span);
                let title = format!("setting `{name}` changes nothing in `{}`", query.name);
                warnings.push(
                    Diagnostic::new("W0705", title)
                        .label(span, "the same for every value, by the graph alone")
                        .label(
                            self.model.variables[variable].span,
                            "no open causal path leads from here to what is asked",
                        )
                        .help(format!("leave out `do({name})`, or add the edges that are missing")),
                );
            }
        }
        self.diagnostics.extend(warnings);
    }

    /// The variables that a term sets without effect on its answer.
    fn idle_interventions(&self, term: &Term) -> Vec<VarId> {
        let variables = |part: &[(VarId, Option<u32>)]| part.iter().map(|(v, _)| *v).collect::<Vec<_>>();
        let (outcome, set, seen) =
            (variables(&term.outcome), variables(&term.interventions), variables(&term.evidence));
        let idle = |&x: &VarId| {
            let others: Vec<VarId> = set.iter().copied().filter(|&v| v != x).collect();
            let graph = self.model.graph.intervene(&others);
            let cut = if ancestors(&graph, &seen).contains(&x) { graph } else { graph.intervene(&[x]) };
            m_separated(&cut, &outcome, &[x], &[&seen[..], &others].concat())
        };
        set.iter().copied().filter(idle).collect()
    }
}

/// `X1` and `X2` are names of a family, not typos of each other.
fn differ_in_digits(a: &str, b: &str) -> bool {
    let letters = |s| str::chars(s).filter(|c| !c.is_ascii_digit() && *c != '\'');
    a != b && letters(a).eq(letters(b))
}
