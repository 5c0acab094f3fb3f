//! A graph as the text of a model file.

use super::graph::{Graph, Row, Table};
use crate::syntax::{quote, spell, spell_label};
use indexmap::{IndexMap, IndexSet};

/// Lines are broken before this column where their parts allow.
const WIDTH: usize = 100;

/// The model file: title, edges, hidden causes, variables without edges, types, ground truth, what to ask.
pub(super) fn model_file(graph: &Graph) -> String {
    let title = graph.title.as_ref().map(|t| format!("dcm 1 {}\n", quote(&t.replace(['\r', '\n'], " "))));
    let sections = [edges(graph), types(graph), truth(graph), question(graph)];
    let body: Vec<String> = title.into_iter().chain(sections).filter(|s| !s.is_empty()).collect();
    body.join("\n")
}

// ---- the graph ----------------------------------------------------------------------------------

fn edges(graph: &Graph) -> String {
    let latent = |node: usize| graph.nodes[node].latent;
    let observed: Vec<_> = graph.directed.iter().copied().filter(|e| !latent(e.0)).collect();
    let mut text = String::new();
    let mut mentioned = vec![false; graph.nodes.len()];
    for (list, arrow) in [(&observed, "->"), (&graph.bidirected, "<->")] {
        list.iter().flat_map(|&(a, b)| [a, b]).for_each(|node| mentioned[node] = true);
        for chain in chains(list) {
            let mut pieces = group(graph, &chain[0]);
            for part in &chain[1..] {
                pieces.push(arrow.to_owned());
                pieces.extend(group(graph, part));
            }
            text += &lines("", &pieces);
        }
    }
    let mut effects: IndexMap<usize, IndexSet<usize>> = IndexMap::new();
    (0..graph.nodes.len()).filter(|&n| latent(n)).for_each(|n| drop(effects.insert(n, IndexSet::new())));
    for &(cause, effect) in graph.directed.iter().filter(|e| latent(e.0)) {
        effects.entry(cause).or_default().insert(effect);
        mentioned[effect] = true;
    }
    for (cause, effects) in effects {
        mentioned[cause] = true;
        let mut pieces = vec!["latent".to_owned(), spell(graph.name(cause))];
        if !effects.is_empty() {
            pieces.push("->".to_owned());
            pieces.extend(group(graph, &effects.into_iter().collect::<Vec<_>>()));
        }
        text += &lines("", &pieces);
    }
    let alone: Vec<usize> =
        (0..mentioned.len()).filter(|&n| !mentioned[n] && graph.nodes[n].labels.is_empty()).collect();
    if !alone.is_empty() {
        text += &lines("", &group(graph, &alone));
    }
    text
}

/// The edges as chains of groups, each group joined to the next: causes with the same effects stand
/// together, and a group that is both effects and causes joins two links.
fn chains(edges: &[(usize, usize)]) -> Vec<Vec<Vec<usize>>> {
    let mut effects: IndexMap<usize, Vec<usize>> = IndexMap::new();
    edges.iter().for_each(|&(cause, effect)| effects.entry(cause).or_default().push(effect));
    let mut links: IndexMap<Vec<usize>, Vec<usize>> = IndexMap::new();
    for (cause, mut effects) in effects {
        effects.sort_unstable();
        links.entry(effects).or_default().push(cause);
    }
    // Causes → effects; both sides are sorted and stand once each.
    let mut links: IndexMap<Vec<usize>, Vec<usize>> = links
        .into_iter()
        .map(|(effects, mut causes)| {
            causes.sort_unstable();
            (causes, effects)
        })
        .collect();
    let ends: IndexSet<Vec<usize>> = links.values().cloned().collect();
    let starts: Vec<Vec<usize>> = links.keys().filter(|causes| !ends.contains(*causes)).cloned().collect();
    let in_circles: Vec<Vec<usize>> = links.keys().cloned().collect();
    let mut chains = vec![];
    for start in starts.into_iter().chain(in_circles) {
        let mut chain = vec![start];
        while let Some(next) = links.swap_remove(&chain[chain.len() - 1]) {
            chain.push(next);
        }
        if chain.len() > 1 {
            chains.push(chain);
        }
    }
    chains
}

/// `A`, or `{A, B}` in parts that may stand on lines of their own.
fn group(graph: &Graph, nodes: &[usize]) -> Vec<String> {
    let names = nodes.iter().map(|&n| spell(graph.name(n)));
    if nodes.len() == 1 { names.collect() } else { list("{", names, "}") }
}

// ---- types --------------------------------------------------------------------------------------

/// A type for all variables with the same values.
fn types(graph: &Graph) -> String {
    let mut with: IndexMap<&[String], Vec<String>> = IndexMap::new();
    for (variable, node) in graph.nodes.iter().filter(|(_, node)| !node.labels.is_empty()) {
        with.entry(&node.labels).or_default().push(spell(variable));
    }
    let mut text = String::new();
    for (labels, names) in with {
        let mut pieces = list("", names.into_iter(), ":");
        match first_number(labels) {
            Some(0) if labels.len() == 2 => pieces.push("binary".to_owned()),
            Some(low) => pieces.push(format!("int[{low}..{}]", low + labels.len() as i64 - 1)),
            None => pieces.extend(list("categorical {", labels.iter().map(|l| spell_label(l)), "}")),
        }
        text += &lines("", &pieces);
    }
    text
}

/// The first of whole numbers that follow each other; `None` for other values.
fn first_number(labels: &[String]) -> Option<i64> {
    let low: i64 = labels.first()?.parse().ok()?;
    let follow = |(k, label): (usize, &String)| low.checked_add(k as i64).is_some_and(|n| n.to_string() == *label);
    labels.iter().enumerate().all(follow).then_some(low)
}

// ---- the ground truth ---------------------------------------------------------------------------

fn truth(graph: &Graph) -> String {
    if graph.tables.is_empty() {
        return String::new();
    }
    let equations: String = graph.tables.iter().map(|table| equation(graph, table)).collect();
    format!("truth {{\n{equations}}}\n\ndata sim = simulate(truth, n: 10000, seed: 1)\n")
}

fn equation(graph: &Graph, table: &Table) -> String {
    let variable = spell(graph.name(table.of));
    if let ([], [row]) = (&table.parents[..], &table.rows[..]) {
        let mut pieces = vec![variable, "~".to_owned()];
        pieces.extend(list("categorical(", row.probabilities.iter().cloned(), ")"));
        // `categorical(…)` draws 0, 1, … for whole numbers, places for labels.
        match first_number(&graph.nodes[table.of].labels) {
            None | Some(0) => {}
            Some(low) => pieces.push(format!("{} {}", if low < 0 { "-" } else { "+" }, low.unsigned_abs())),
        }
        return lines("  ", &pieces);
    }
    let mut head = vec![variable, "~".to_owned()];
    head.extend(list("table(", table.parents.iter().map(|&p| spell(graph.name(p))), ")"));
    head.push("{".to_owned());
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| table_row(graph, table, row)).collect();
    let short =
        format!("  {} {} }}\n", head.join(" "), rows.iter().map(|r| r.join(" ")).collect::<Vec<_>>().join("; "));
    if rows.len() <= 2 && short.chars().count() <= WIDTH {
        return short;
    }
    let rows: String = rows.iter().map(|row| lines("    ", row)).collect();
    format!("{}{rows}  }}\n", lines("  ", &head))
}

fn table_row(graph: &Graph, table: &Table, row: &Row) -> Vec<String> {
    let mut pieces = match &row.key {
        None => vec!["else:".to_owned()],
        Some(key) => {
            let values = key.iter().zip(&table.parents).map(|(&value, &p)| spell_label(&graph.nodes[p].labels[value]));
            if key.len() == 1 { list("", values, ":") } else { list("(", values, "):") }
        }
    };
    pieces.extend(list("[", row.probabilities.iter().cloned(), "]"));
    pieces
}

// ---- the question -------------------------------------------------------------------------------

/// A query needs types, and the formats that name an exposure have none: the query is a comment.
fn question(graph: &Graph) -> String {
    let names = |nodes: &[usize]| {
        let names: IndexSet<String> = nodes.iter().map(|&n| spell(graph.name(n))).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let (exposures, outcomes) = (names(&graph.exposures), names(&graph.outcomes));
    match (exposures.is_empty(), outcomes.is_empty()) {
        (false, false) => format!(
            "# Give the variables types or data to ask for the effect of the exposure on the outcome:\n\
             # query effect: P({outcomes} | do({exposures}))\n"
        ),
        (false, true) => format!("# Exposure: {exposures}\n"),
        (true, false) => format!("# Outcome: {outcomes}\n"),
        (true, true) => String::new(),
    }
}

// ---- lines ---------------------------------------------------------------------------------------

/// `{A, B}` in parts that end where a line may break.
fn list(open: &str, items: impl Iterator<Item = String>, close: &str) -> Vec<String> {
    let mut pieces: Vec<String> = items.map(|item| item + ",").collect();
    if let Some(first) = pieces.first_mut() {
        first.insert_str(0, open);
    }
    match pieces.last_mut() {
        Some(last) => {
            last.pop();
            *last += close;
        }
        None => pieces.push(format!("{open}{close}")),
    }
    pieces
}

/// The pieces with spaces between them, in lines of at most [`WIDTH`] columns where they allow.
fn lines(indent: &str, pieces: &[String]) -> String {
    let mut text = indent.to_owned();
    let mut column = indent.len();
    for (at, piece) in pieces.iter().enumerate() {
        let width = piece.chars().count();
        if at == 0 {
            column += width;
        } else if column + 1 + width > WIDTH && breaks_after(&pieces[at - 1]) {
            text += &format!("\n{indent}    ");
            column = indent.len() + 4 + width;
        } else {
            text.push(' ');
            column += 1 + width;
        }
        text += piece;
    }
    text + "\n"
}

/// Newlines do not count next to arrows, operators and commas.
fn breaks_after(piece: &str) -> bool {
    piece.ends_with([',', ':', '~']) || matches!(piece, "->" | "<->")
}
