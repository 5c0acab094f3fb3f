//! What a variable asks of its pretrained file.

use super::{Domain, Mechanism, MechanismKind, Model, VarId};
use crate::pretrained::{Kind, Node, Request};

impl Model {
    /// What `variable` asks of its pretrained file; `None` where it has none, or where a type is not known.
    pub fn request(&self, variable: VarId) -> Option<Request> {
        let Some(Mechanism { kind: MechanismKind::Pretrained { inputs, reading, labels, classes, .. }, .. }) =
            &self.variables[variable].mechanism
        else {
            return None;
        };
        let node = |v: VarId| {
            let kind = match self.domain(v)? {
                Domain::Image(shape) => Kind::Image(*shape),
                domain => domain.cardinality().map_or_else(|| Kind::Other(domain.to_string()), Kind::Discrete),
            };
            let written = labels.iter().find(|(of, _)| *of == v).map(|(_, labels)| labels.clone());
            let count = classes.iter().find(|(of, _)| *of == v).map(|(_, count)| *count);
            // Without `classes` the file has those that the labels name, and at least one for each value.
            let named = written.iter().flatten().map(|class| class + 1).max().unwrap_or(0);
            let classes = count.or_else(|| self.card(v).map(|card| card.max(named)));
            Some(Node { name: self.name(v).to_owned(), kind, labels: written, classes: classes.unwrap_or(0) })
        };
        let parents = self.graph.parents(variable);
        let places = |inputs: &Vec<VarId>| {
            inputs.iter().map(|v| parents.iter().position(|p| p == v)).collect::<Option<Vec<usize>>>()
        };
        Some(Request {
            variable: node(variable)?,
            parents: parents.iter().map(|&p| node(p)).collect::<Option<_>>()?,
            inputs: match inputs {
                Some(inputs) => Some(places(inputs)?),
                None => None,
            },
            reading: reading.clone(),
        })
    }
}
