"""Counts wrong verdicts, wrong formulas and crashes on the corpora in tests/data: dcmc beside y0 and ananke.

    cargo build --release
    python benches/identify_corpus.py [path of dcmc, target/release/dcmc]

Peers that are not installed are left out; y0 and ananke need environments of their own (see docs/benchmarks.md).
A formula is evaluated on three random models of its graph (binary variables, a hidden cause of three values for every
bidirected edge) and compared with the effect itself, found by summing the model under the intervention.
"""

import collections
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np

CORPORA = pathlib.Path(__file__).parent.parent / "tests" / "data"
LARGEST = 12  # nodes of a graph whose formulas are evaluated
TOLERANCE = 1e-7


class RandomModel:
    """Tables P(v | parents, hidden causes); arrays have an axis for every node, of length 1 where it plays no part."""

    def __init__(self, case, seed):
        rng = np.random.default_rng(seed)
        self.at = {name: i for i, name in enumerate(case["nodes"])}
        self.n = len(self.at)
        self.factors = []
        hidden = [self.n + i for i in range(len(case["bidirected"]))]
        for cause in hidden:
            self.factors.append(((cause,), rng.dirichlet(np.full(3, 2.0)), None))
        for name, node in self.at.items():
            parents = [self.at[a] for a, b in case["directed"] if b == name]
            causes = [hidden[i] for i, edge in enumerate(case["bidirected"]) if name in edge]
            shape = [2] * len(parents) + [3] * len(causes)
            table = rng.dirichlet(np.full(2, 1.0), size=shape) * 0.9 + 0.05
            self.factors.append(((*parents, *causes, node), table, node))
        self.kept = {}

    def joint(self, do):
        """P(V | do): indexed by all nodes, those that are set among them."""
        if do not in self.kept:
            operands = []
            for scope, table, node in self.factors:
                if node not in do:
                    operands += [table, list(scope)]
            operands += [part for node in do for part in (np.ones(2), [node])]
            self.kept[do] = np.einsum(*operands, list(range(self.n)), optimize="greedy")
        return self.kept[do]

    def probability(self, of, given, do):
        """P(of | given, do)."""
        of, given, do = ({self.at[v] for v in part} for part in (of, given, do))
        joint = self.joint(frozenset(do))
        above = joint.sum(axis=tuple(set(range(self.n)) - of - given - do), keepdims=True)
        return above / above.sum(axis=tuple(of), keepdims=True)

    def value(self, tree):
        """An estimand tree of dcmc's JSON; peers' formulas are brought into that form."""
        if tree == 1:
            return np.ones([1] * self.n)
        ((op, of),) = tree.items()
        if op == "p":
            return self.probability(of["of"], of.get("given", []), of.get("do", []))
        if op == "product":
            product = np.ones([1] * self.n)
            for factor in of:
                product = product * self.value(factor)
            return product
        if op == "fraction":
            return self.value(of["num"]) / self.value(of["den"])
        over = tuple(self.at[v] for v in of["over"])
        inner = self.value(of["of"])
        missing = 2 ** sum(inner.shape[axis] == 1 for axis in over)
        return inner.sum(axis=over, keepdims=True) * missing


def right(case, tree):
    query = case["query"]
    for seed in range(3):
        model = RandomModel(case, seed)
        truth = model.probability(query["y"], query["given"], query["do"])
        if np.abs(model.value(tree) - truth).max() > TOLERANCE:
            return False
    return True


def dcmc(case, program):
    """The verdict, and the formula."""
    quoted = lambda names: ", ".join(f"`{name}`" for name in names)
    query = case["query"]
    given = ([f"do({quoted(query['do'])})"] if query["do"] else []) + ([quoted(query["given"])] if query["given"] else [])
    lines = [f"`{name}`" for name in case["nodes"]]
    lines += [f"`{a}` -> `{b}`" for a, b in case["directed"]] + [f"`{a}` <-> `{b}`" for a, b in case["bidirected"]]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for i, data in enumerate(case["data"]):
            columns = data["do"] + data["observed"]
            (folder / f"{i}.csv").write_text(",".join(columns) + "\n" + "\n".join(",".join(str(v) for _ in columns) for v in (0, 1)) + "\n")
            do = f" do({quoted(data['do'])})" if data["do"] else ""
            lines.append(f'data d{i} = "{i}.csv"{do}')
        bar = " | " + ", ".join(given) if given else ""
        lines.append(f"query q: P({quoted(query['y'])}{bar})")
        (folder / "m.scm").write_text("\n".join(lines) + "\n")
        run = subprocess.run([program, "identify", folder / "m.scm", "--format", "json"], capture_output=True, text=True)
    answer = json.loads(run.stdout)["queries"][0]
    return answer["identifiable"], answer["estimand"] and answer["estimand"]["tree"]


def y0(case, _):
    from y0 import dsl
    from y0.algorithm.identify import identify_outcomes
    from y0.graph import NxMixedGraph

    if case["data"]:
        return None
    edges = lambda kind: [(dsl.Variable(a), dsl.Variable(b)) for a, b in case[kind]]
    nodes = [dsl.Variable(name) for name in case["nodes"]]
    graph = NxMixedGraph.from_edges(nodes=nodes, directed=edges("directed"), undirected=edges("bidirected"))
    treatments, outcomes, given = ({dsl.Variable(v) for v in case["query"][part]} for part in ("do", "y", "given"))
    found = identify_outcomes(graph, treatments, outcomes, given or None)

    def tree(e):
        if isinstance(e, dsl.Sum):
            return {"sum": {"over": [v.name for v in e.ranges], "of": tree(e.expression)}}
        if isinstance(e, dsl.Product):
            return {"product": [tree(part) for part in e.expressions]}
        if isinstance(e, dsl.Fraction):
            return {"fraction": {"num": tree(e.numerator), "den": tree(e.denominator)}}
        if isinstance(e, dsl.One):
            return 1
        names = lambda variables: [v.name for v in variables]
        return {"p": {"of": names(e.distribution.children), "given": names(e.distribution.parents)}}

    return found is not None, found and tree(found)


def ananke(case, _):
    import copy

    from ananke.graphs import ADMG
    from ananke.identification import OneLineGID, OneLineID

    query, all_nodes = case["query"], set(case["nodes"])
    if query["given"] or any(set(d["do"]) | set(d["observed"]) != all_nodes or d.get("given") for d in case["data"]):
        return None
    graph = ADMG(case["nodes"], di_edges=[tuple(e) for e in case["directed"]], bi_edges=[tuple(e) for e in case["bidirected"]])
    if not case["data"]:
        return OneLineID(graph, query["do"], query["y"]).id(), None
    experiments = []
    for data in case["data"]:
        experiments.append(copy.deepcopy(graph))
        experiments[-1].fix(data["do"])
    return OneLineGID(graph, query["do"], query["y"]).id(experiments), None


def main():
    warnings.filterwarnings("ignore")
    program = sys.argv[1] if len(sys.argv) > 1 else "target/release/dcmc"
    peers = {"dcmc": dcmc} | {n: peer for n, peer in (("y0", y0), ("ananke", ananke)) if importlib.util.find_spec(n)}
    for corpus in ("id", "idc", "gid", "named"):
        cases = [json.loads(line) for line in open(CORPORA / f"identification_{corpus}.jsonl")]
        cases = [case for case in cases if not any(data.get("given") for data in case["data"])]
        for name, peer in peers.items():
            count, examples = collections.Counter(), {}
            for case in cases:
                kind = judge(peer, case, program)
                count[kind] += 1
                examples.setdefault(kind, case["name"])
            asked = len(cases) - count["not for it"]
            parts = [f"{k} {count[k]}" + (f" (as {examples[k]})" if count[k] else "")
                     for k in ("wrong verdict", "not decided", "wrong formula", "crash")]
            print(f"{corpus:>6} {name:>7}: {asked} asked, {', '.join(parts)}; formulas right {count['formula right']}", flush=True)


def judge(peer, case, program):
    try:
        answer = peer(case, program)
        if answer is None:
            return "not for it"
        verdict, tree = answer
        if verdict is None:
            return "not decided"
        if verdict != case["identifiable"]:
            return "wrong verdict"
        if tree is None or len(case["nodes"]) > LARGEST:
            return "verdict right"
        return "formula right" if right(case, tree) else "wrong formula"
    except (Exception, RecursionError):
        return "crash"


if __name__ == "__main__":
    main()
