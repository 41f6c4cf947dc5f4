"""Representative journeys on the 24 published logs (genetic CJM discovery, ADBIS 2019).

Run from the checkout: ``python -m benchmarks.stories [SEEDS]``. The true representatives are used
for scoring alone. The strict distance is the Jaccard distance of the two *sets of sequences*: a
representative that differs in one touchpoint counts as wrong twice, as missing and as false.
Beside it, milder readings: representatives matched one to one as well as possible, and for
each pair the Jaccard distance of their touchpoints or of their transitions, or Levenshtein's
distance over the longer length; what has no partner counts 1.

In these logs every true representative occurs word for word at least three times, so counting
goes far: "every variant of three copies" is scored beside, to keep the figures in proportion.

Then as many generated logs of the same family as SEEDS say, for each size and share of noise.
Settings are cross-validated there: the tolerance for slips that recur and the limit of stories
missing are chosen on the logs of all other numbers of true journeys, and scored on the rest.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from journeylib.journeys.representatives import _description_length
from journeylib.journeys.representatives.representatives import MAX_MISSING, representatives

DATA = Path(__file__).resolve().parents[1] / "../shared/data/representative_journeys"
Sequence = tuple[str, ...]

SEEDS = 10
FIRST_SEED = 7_000
SIZES = (60, 100, 200, 300)
NOISES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
TOLERANCES = (0.0, 0.75, 1.5, 2.25, 3.0)
LIMITS = np.arange(0.02, 0.42, 0.02)
# A told log is wrong beyond this distance; so many of those told may be.
WRONG, MAX_WRONG = 0.2, 0.02


def jaccard(a: set[object], b: set[object]) -> float:
    return 1 - len(a & b) / len(a | b) if a | b else 0.0


def matched(
    found: list[Sequence], truth: list[Sequence], distance: Callable[[Sequence, Sequence], float]
) -> float:
    if not found:
        return 1.0
    table = np.array([[distance(a, b) for b in truth] for a in found])
    rows, columns = linear_sum_assignment(table)
    lonely = max(len(found), len(truth)) - len(rows)
    return float(table[rows, columns].sum() + lonely) / max(len(found), len(truth))


def transitions(sequence: Sequence) -> set[object]:
    return set(itertools.pairwise(sequence))


def sequences(path: Path) -> pd.Series:
    raw = pd.read_csv(path, dtype=str)
    return raw["touchpoints"].str.split("-").map(tuple).groupby(raw["log"]).agg(list)


def score(log: list[Sequence], truth: list[Sequence]) -> dict[str, object]:
    result = representatives(log, min_customers=1)
    found = [story.touchpoints for story in result.stories]
    counted = {variant for variant, copies in Counter(log).items() if copies >= 3}
    return {
        "answer": result.answer,
        "noise": result.noise,
        "coverage": result.coverage,
        "true": len(truth),
        "found": len(found),
        "error in number": abs(len(found) - len(truth)),
        "distance, sets of sequences": jaccard(set(found), set(truth)),
        "distance, counting to three": jaccard(set(counted), set(truth)),
        "error, counting to three": abs(len(counted) - len(truth)),
        "distance, touchpoints": matched(found, truth, lambda a, b: jaccard(set(a), set(b))),
        "distance, transitions": matched(
            found, truth, lambda a, b: jaccard(transitions(a), transitions(b))
        ),
        "distance, Levenshtein": matched(found, truth, Levenshtein.normalized_distance),
    }


def published() -> None:
    """Print the scores of the 24 published logs."""
    truth, logs = sequences(DATA / "truth.csv.gz"), sequences(DATA / "logs.csv.gz")
    began = time.perf_counter()
    table = pd.DataFrame({name: score(logs[name], truth[name]) for name in logs.index}).T
    seconds = time.perf_counter() - began
    print(table.to_string(float_format="{:.3f}".format))
    numbers = table.filter(regex="distance|error").astype(float)
    print(numbers.agg(["mean", "median", "max"]).T.to_string(float_format="{:.3f}".format))
    print(
        "\npublished: median distance .205 (genetic), .279 (best alternative); mean error in "
        f"number .70\n{len(logs)} logs in {seconds:.1f} s, one setting for all"
    )


def _slip(story: Sequence, most: int, letters: int, rng: np.random.Generator) -> Sequence:
    """Leave out, put in or move one touchpoint, up to `most` times."""
    while True:
        steps = list(story)
        for _ in range(rng.integers(1, most + 1)):
            kind = rng.integers(3)
            if kind == 1:
                steps.insert(rng.integers(len(steps) + 1), str(rng.integers(letters)))
            elif len(steps) > 1:
                step = steps.pop(rng.integers(len(steps)))
                if kind == 2:
                    steps.insert(rng.integers(len(steps) + 1), step)
        if tuple(steps) != story:
            return tuple(steps)


def generated(seed: int, noise: float, journeys: int) -> tuple[list[Sequence], list[Sequence]]:
    """Return the true journeys of a log of the family, and the log.

    Three to six true journeys of three to eight touchpoints: all alike frequent, one of them
    far more frequent than the others, or anything between. `noise` of the journeys slip.
    """
    rng = np.random.default_rng([seed, int(noise * 100), journeys])
    number, letters = int(rng.integers(3, 7)), int(rng.integers(5, 14))
    truth: list[Sequence] = []
    while len(truth) < number:
        story = tuple(map(str, rng.integers(0, letters, rng.integers(3, 9))))
        truth += [story] if story not in truth else []
    rare = np.full(number, rng.uniform(0.05, 0.1))
    rare[0] = 1 - rare[1:].sum()
    mixed = np.maximum(rng.dirichlet(np.full(number, 2.0)), 0.05)
    weights = (np.full(number, 1 / number), rare, mixed / mixed.sum())[rng.integers(3)]
    lived = np.repeat(np.arange(number), np.maximum(1, np.round(weights * journeys).astype(int)))
    rng.shuffle(lived)
    most, log = int(rng.integers(2, 5)), [truth[story] for story in lived]
    for place in rng.choice(len(log), round(noise * len(log)), replace=False):
        log[place] = _slip(log[place], most, letters + 4, rng)
    return truth, log


def family(seeds: range, sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    """Return the scores of generated logs: one row per seed, share of noise and size."""
    rows = []
    for size, noise, seed in itertools.product(sizes, NOISES, seeds):
        truth, log = generated(seed, noise, size)
        result = representatives(log, min_customers=1)
        found = {story.touchpoints for story in result.stories}
        rows.append(
            {
                "size": size, "noise": noise, "true": len(truth), "missing": result.missing,
                "told": result.answer == "found", "distance": jaccard(found, set(truth)),
                "error": abs(len(found) - len(truth)),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(right=table["distance"] <= WRONG, wrong=table["distance"] > WRONG)


def _limit(table: pd.DataFrame) -> float:
    """Return the largest limit of stories missing at which few told logs are wrong."""
    wrong = [table.loc[table["missing"] <= limit, "wrong"].mean() for limit in LIMITS]
    return float(LIMITS[np.array(wrong) <= MAX_WRONG].max(initial=0.0))


def cross_validated(seeds: range) -> pd.DataFrame:
    """Return, per number of true journeys, what settings chosen on the other logs come to."""
    by_tolerance, in_force = {}, _description_length.TOLERANCE
    for tolerance in TOLERANCES:
        _description_length.TOLERANCE = tolerance
        by_tolerance[tolerance] = family(seeds)
    _description_length.TOLERANCE = in_force
    rows = {}
    for number in sorted(by_tolerance[in_force]["true"].unique()):
        others = {t: logs[logs["true"] != number] for t, logs in by_tolerance.items()}
        tolerance = min(TOLERANCES, key=lambda t: others[t]["distance"].mean())
        limit = _limit(others[tolerance])
        rows[number] = {"tolerance": tolerance, "limit": limit}
        for name, t, most in (
            ("chosen", tolerance, limit),
            ("in force", in_force, MAX_MISSING),
        ):
            held = by_tolerance[t][by_tolerance[t]["true"] == number]
            told = held[held["told"] & (held["missing"] <= most)]
            rows[number] |= {
                f"distance, {name}": held["distance"].mean(),
                f"error, {name}": held["error"].mean(),
                f"told of right, {name}": told["right"].sum() / held["right"].sum(),
                f"wrong of told, {name}": told["wrong"].mean(),
            }
    return pd.DataFrame(rows)


def main(seeds: int = SEEDS) -> int:
    if DATA.exists():
        published()
    else:
        print("skipped: ../shared/data/representative_journeys is not beside the checkout")
    logs = family(range(FIRST_SEED, FIRST_SEED + seeds))
    told = logs[logs["told"]]
    by = ["size", "noise"]
    scores = logs.groupby(by)[["distance", "error", "told", "right"]].mean()
    scores["wrong of told"] = told.groupby(by)["wrong"].mean()
    shape = "{:.3f}".format
    print(f"\n{len(logs)} generated logs\n{scores.to_string(float_format=shape)}")
    print(
        f"mean distance {logs['distance'].mean():.3f}, error in number {logs['error'].mean():.2f}; "
        f"told {len(told)}, of those wrong {int(told['wrong'].sum())}; "
        f"could have been told {int(logs['right'].sum())}"
    )
    print(cross_validated(range(seeds)).to_string(float_format=shape))
    return 0


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:])))
