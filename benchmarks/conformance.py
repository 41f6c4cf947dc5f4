"""Planned versus actual on Prepaid travel costs: from variants, and every trace by pm4py.

Run from the checkout: ``python -m benchmarks.conformance``. The model is what the inductive
miner finds in the variants of at least ten customers; every journey of the log is compared
with it, by `journeylib.journeys.conformance.plan.align` from the variants alone and by pm4py's
alignments, once trace by trace and once variant by variant. Costs and fitness must be equal.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from journeylib.journeys.conformance.plan import align
from journeylib.journeys.conformance.process_models import plan_of_tree
from journeylib.journeys.graph.transitions import variants
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.read import read_log
from journeylib.log.schema import Schema

DATA = Path(__file__).resolve().parents[1] / "../shared/data/bpic2020/PrepaidTravelCost.xes.gz"


def inductive_tree(counts: Counter[tuple[str, ...]]) -> str:
    """Return the process tree that the inductive miner finds in variants, without a threshold."""
    from pm4py.algo.discovery.inductive.dtypes.im_ds import IMDataStructureUVCL
    from pm4py.algo.discovery.inductive.variants.im import IMUVCL
    from pm4py.objects.process_tree.utils import generic

    tree = generic.fold(IMUVCL({}).apply(IMDataStructureUVCL(counts), {}))
    generic.tree_sort(tree)
    return str(tree)


def run() -> int:
    if not DATA.exists():
        print("skipped: ../shared/data/bpic2020 is not beside the checkout")
        return 0
    from pm4py.algo.conformance.alignments.petri_net import algorithm
    from pm4py.convert import convert_to_petri_net
    from pm4py.objects.log.obj import Event, Trace
    from pm4py.utils import parse_process_tree

    roles = {"journey": "case:concept:name", "touchpoint": "concept:name"}
    log = read_log(DATA, Schema(**roles, timestamp="time:timestamp"))
    journeys = rebuild(log, JourneySettings(cut="case"))
    shown = variants(journeys)
    tree = inductive_tree(Counter(dict(zip(shown["variant"], shown["journeys"], strict=True))))
    known = variants(journeys, min_customers=1)
    net, start, end = convert_to_petri_net(parse_process_tree(tree))

    def theirs(variant: tuple[str, ...]) -> tuple[int, float]:
        trace = Trace([Event({"concept:name": name}) for name in variant])
        found = algorithm.apply_trace(trace, net, start, end)
        return found["cost"] // 10_000, found["fitness"]

    theirs(known["variant"].iloc[0])
    began = time.perf_counter()
    ours = [
        (found.deviations, found.fitness)
        for found in align(plan_of_tree(tree), list(known["variant"]))
    ]
    here = time.perf_counter() - began
    began = time.perf_counter()
    by_variant = [theirs(variant) for variant in known["variant"]]
    per_variant = time.perf_counter() - began
    began = time.perf_counter()
    different = 0
    for variant, count, own in zip(known["variant"], known["journeys"], ours, strict=True):
        for _ in range(count):
            cost, fitness = theirs(variant)
            different += cost != own[0] or abs(fitness - own[1]) > 1e-12
    per_trace = time.perf_counter() - began
    journeys_count = int(known["journeys"].sum())
    cost = sum(own[0] * count for own, count in zip(ours, known["journeys"], strict=True))
    print(f"{journeys_count:,} journeys, {len(known)} variants, {cost:,} deviations in all")
    print(f"journeys whose cost or fitness differs from pm4py's: {different}")
    unequal = sum(
        a[0] != b[0] or abs(a[1] - b[1]) > 1e-12 for a, b in zip(ours, by_variant, strict=True)
    )
    print(f"variants whose cost or fitness differs from pm4py's: {unequal}")
    print(f"pm4py, every trace:   {per_trace:8.2f} s")
    print(f"pm4py, variants only: {per_variant:8.2f} s")
    print(f"journeylib, variants: {here:8.2f} s")
    print(
        f"faster than every trace: {per_trace / here:.0f} times; "
        f"than pm4py on variants: {per_variant / here:.0f} times"
    )
    return 0


if __name__ == "__main__":
    sys.exit(run())
