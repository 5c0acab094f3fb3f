"""Times y0 and ananke on the graphs that `cargo bench --bench identify -- FILE.json` writes.

    python benches/identify_peers.py FILE.json [seconds a query, 30]

Peers that are not installed are left out. A query that takes longer than the limit, or fails, counts as such; once
three of a size have, the peer's larger sizes of that family are skipped.
"""

import importlib.util
import json
import multiprocessing
import statistics
import sys
import time


def y0(query):
    from y0.algorithm.identify import Identification, Unidentifiable, identify
    from y0.dsl import P, Variable
    from y0.graph import NxMixedGraph

    name = lambda v: Variable(f"V{v}")
    graph = NxMixedGraph.from_edges(
        nodes=[name(v) for v in range(query["nodes"])],
        directed=[(name(a), name(b)) for a, b in query["directed"]],
        undirected=[(name(a), name(b)) for a, b in query["bidirected"]],
    )
    sought = P(name(query["outcome"]) @ name(query["intervention"]))

    def run():
        try:
            return identify(Identification.from_expression(query=sought, graph=graph)) is not None
        except Unidentifiable:
            return False

    return run


def ananke(query):
    from ananke.graphs import ADMG
    from ananke.identification import OneLineID

    name = "V{}".format
    graph = ADMG(
        [name(v) for v in range(query["nodes"])],
        di_edges=[(name(a), name(b)) for a, b in query["directed"]],
        bi_edges=[(name(a), name(b)) for a, b in query["bidirected"]],
    )
    return lambda: OneLineID(graph, [name(query["intervention"])], [name(query["outcome"])]).id()


def timed(peer, query, answer):
    try:
        run = peer(query)
        start = time.perf_counter()
        verdict = run()
        answer.put((time.perf_counter() - start, bool(verdict)))
    except Exception as failure:
        answer.put((None, type(failure).__name__))


def within(limit, peer, query):
    """Seconds and verdict; or None and what went wrong."""
    answer = multiprocessing.Queue()
    process = multiprocessing.Process(target=timed, args=(peer, query, answer))
    process.start()
    try:
        return answer.get(timeout=limit + 20)  # importing the peer takes seconds itself
    except Exception:
        return None, "too slow"
    finally:
        process.terminate()
        process.join()


def main():
    limit = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    peers = {name: peer for name, peer in (("y0", y0), ("ananke", ananke)) if importlib.util.find_spec(name)}
    given_up = set()
    with open(sys.argv[1]) as file:
        sizes = json.load(file)
    for size in sizes:
        line = f"{size['family']} {size['nodes']:>4} | dcmc {size['median_s'] * 1e3:9.3f} ms"
        for name, peer in peers.items():
            if (name, size["family"]) in given_up:
                line += f" | {name} -"
                continue
            times, failures, wrong = [], [], 0
            for query in size["queries"]:
                seconds, verdict = within(limit, peer, query)
                if seconds is None or seconds > limit:
                    failures.append(verdict if seconds is None else "too slow")
                else:
                    times.append(seconds)
                    wrong += verdict != query["identified"]
                if len(failures) >= 3:
                    given_up.add((name, size["family"]))
                    break
            median = f"{statistics.median(times) * 1e3:9.1f} ms" if times else "-"
            line += f" | {name} {median} ({len(times)} answered, {wrong} other verdicts, failed: {sorted(set(failures))})"
        print(line, flush=True)


if __name__ == "__main__":
    main()
