//! Blocks of settings.

use super::graph::sized;
use super::tokens::*;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;

pub(super) fn block(node: Node) -> Block {
    let span = span(&node);
    Block { entries: parts(node).map(entry).collect(), span }
}

pub(super) fn entry(node: Node) -> Entry {
    let span = span(&node);
    let mut inner = parts(node);
    Entry { key: name(&next(&mut inner)), value: inner.next().map(setting), span }
}

pub(super) fn setting(node: Node) -> Setting {
    let span = span(&node);
    let inner = only(node);
    let kind = match inner.as_rule() {
        Rule::condition => SettingKind::Condition(parts(inner).map(condition).collect()),
        Rule::list => SettingKind::List(parts(inner).map(scalar).collect()),
        Rule::items => SettingKind::Items(parts(inner).map(item).collect()),
        Rule::block => SettingKind::Block(block(inner)),
        Rule::name_block => match name_block(inner) {
            (key, Some(braces)) => SettingKind::Named(key, braces),
            (key, None) => SettingKind::Scalar(Scalar::Name(key.value)),
        },
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

/// `name { … }`, or the name alone.
fn name_block(node: Node) -> (Name, Option<Block>) {
    let mut children = parts(node);
    (name(&next(&mut children)), children.next().map(block))
}

fn item(node: Node) -> (Name, Block) {
    let (name, block) = name_block(node);
    let empty = Block { span: name.span, ..Block::default() };
    (name, block.unwrap_or(empty))
}

pub(super) fn condition(node: Node) -> Condition {
    let span = span(&node);
    let mut inner = parts(node);
    let column = name(&next(&mut inner));
    let op = next(&mut inner).as_str().to_owned();
    Condition { column, op, value: scalar(next(&mut inner)), span }
}

pub(super) fn scalar(node: Node) -> Spanned<Scalar> {
    let span = span(&node);
    Spanned { value: plain_scalar(&only(node)), span }
}

pub(super) fn plain_scalar(node: &Node) -> Scalar {
    match node.as_rule() {
        Rule::number => Scalar::Number(number(node), node.as_str().to_owned()),
        Rule::string => Scalar::Text(string(node).value),
        _ => Scalar::Name(name(node).value),
    }
}
