"""Seconds to read the edges of a file with networkx, to check that they have no cycle, and to find the c-components."""

import sys
import time

import networkx

start = time.perf_counter()
directed, hidden = networkx.DiGraph(), networkx.Graph()
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        left, arrow, right = line.split()
        (directed if arrow == "->" else hidden).add_edge(left, right)
hidden.add_nodes_from(directed)
assert networkx.is_directed_acyclic_graph(directed)
list(networkx.connected_components(hidden))
print(time.perf_counter() - start)
