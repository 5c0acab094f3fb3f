//! C-components (districts): sets of nodes connected by bidirected edges (Tian & Pearl 2002).

use super::Admg;

/// The c-components of the graph: each ascending, in the order of their smallest nodes. `O(n + m)`.
pub fn c_components(graph: &Admg) -> Vec<Vec<usize>> {
    let mut seen = vec![false; graph.len()];
    let mut components = vec![];
    for start in 0..graph.len() {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        let mut component = vec![start];
        let mut at = 0;
        while at < component.len() {
            for &spouse in graph.spouses(component[at]) {
                if !std::mem::replace(&mut seen[spouse], true) {
                    component.push(spouse);
                }
            }
            at += 1;
        }
        component.sort_unstable();
        components.push(component);
    }
    components
}

/// The c-components of the subgraph over `set` (ascending): each ascending, in the order of their
/// smallest nodes. `O(e log n)` in the bidirected edges `e` at the set.
pub fn c_components_of(graph: &Admg, set: &[usize]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; set.len()];
    let mut components = vec![];
    for start in 0..set.len() {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut component = vec![set[start]];
        let mut at = 0;
        while at < component.len() {
            for spouse in graph.spouses(component[at]) {
                if let Ok(place) = set.binary_search(spouse)
                    && !std::mem::replace(&mut seen[place], true)
                {
                    component.push(*spouse);
                }
            }
            at += 1;
        }
        component.sort_unstable();
        components.push(component);
    }
    components
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causal::random_admg;
    use crate::seed::stream;

    #[test]
    fn components_of_a_chain_a_pair_and_a_single_node() {
        let g = Admg::with_edges(6, &[(0, 1)], &[(0, 2), (2, 4), (1, 5)]);
        assert_eq!(c_components(&g), [vec![0, 2, 4], vec![1, 5], vec![3]]);
        assert_eq!(c_components_of(&g, &[0, 1, 3, 4, 5]), [vec![0], vec![1, 5], vec![3], vec![4]]);
        assert_eq!(c_components(&g.intervene(&[2])), [vec![0], vec![1, 5], vec![2], vec![3], vec![4]]);
    }

    #[test]
    fn they_partition_the_nodes_and_no_bidirected_edge_leaves_one() {
        let mut rng = stream(1, "c-components");
        for _ in 0..500 {
            let g = random_admg(&mut rng, 9, 0.2, 0.15);
            let all: Vec<usize> = (0..9).collect();
            let parts = c_components(&g);
            assert_eq!(parts, c_components_of(&g, &all));
            let mut joined: Vec<usize> = parts.concat();
            joined.sort_unstable();
            assert_eq!(joined, all);
            for part in &parts {
                assert!(part.iter().all(|&v| g.spouses(v).iter().all(|s| part.contains(s))));
                // Connected: no proper half without an edge to the rest.
                for mask in 1..(1_u32 << part.len()) - 1 {
                    let inside = |v: &usize| mask >> part.iter().position(|p| p == v).unwrap() & 1 == 1;
                    assert!(part.iter().filter(|v| inside(v)).any(|&v| g.spouses(v).iter().any(|s| !inside(s))));
                }
            }
        }
    }
}
