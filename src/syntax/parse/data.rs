//! `data` and `train` statements, and the values that variables are given in them and in queries.

use super::blocks::{block, entry, scalar};
use super::graph::group;
use super::tokens::*;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;

pub(super) fn data(node: Node) -> Data {
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

pub(super) fn assigned(node: Node) -> Assigned {
    let mut inner = parts(node);
    let mut assigned =
        Assigned { name: name(&next(&mut inner)), world: vec![], value: None, bound: None, other: false };
    for part in inner {
        match part.as_rule() {
            Rule::world => assigned.world = parts(part).map(world_setting).collect(),
            Rule::bound => assigned.bound = Some(Spanned { value: part.as_str().to_owned(), span: span(&part) }),
            _ => assigned.value = Some(scalar(part)),
        }
    }
    assigned
}

pub(super) fn world_setting(node: Node) -> WorldSetting {
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

pub(super) fn train(node: Node) -> StatementKind {
    let mut groups: Vec<Node> = parts(node).collect();
    let braces = groups.pop().map(block).unwrap_or_default();
    StatementKind::Train { targets: groups.into_iter().flat_map(group).collect(), block: braces }
}
