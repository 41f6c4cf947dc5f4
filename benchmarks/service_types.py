"""Service types: seconds and memory for a million openings, and what labels buy (a picture)."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from journeylib.measures.service_types.openings import one_per_cluster
from journeylib.measures.texts.classifier import learn_types

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "service_types.svg"
MILLION = 1_000_000
LABELS, SEEDS, POOL = (25, 50, 100, 200), 2, 2_000
NAMES = ("no", "yes")
COLOURS = ("#1b6ca8", "#8a8a8a", "#b5542b")


def banking(part: str) -> pd.DataFrame:
    folder = DATA / "banking77"
    emotional = pd.read_csv(folder / "types.csv").set_index("category")["type"] == "emotional"
    table = pd.read_csv(folder / f"{part}.csv.gz")
    return pd.DataFrame({"opening": table["text"], "yes": table["category"].map(emotional)})


def complaints() -> pd.DataFrame:
    table = pd.read_csv(DATA / "cfpb_complaints" / "consumer_complaints.csv.gz", dtype="str")
    words = table[["Product", "Sub-product", "Issue", "Sub-issue"]].fillna("")
    told = table["Consumer disputed?"].isin(["Yes", "No"])
    found = pd.DataFrame(
        {"opening": words.agg(" ".join, axis=1), "yes": table["Consumer disputed?"] == "Yes"}
    )
    return found[told].reset_index(drop=True)


def auc(learned: pd.DataFrame, tested: pd.DataFrame) -> float:
    types = [NAMES[int(yes)] for yes in learned["yes"]]
    model, _ = learn_types(list(learned["opening"]), types, np.arange(len(learned)), NAMES)
    return float(roc_auc_score(tested["yes"], model.probabilities(list(tested["opening"]))[:, 1]))


def mean_auc(pool: pd.DataFrame, tested: pd.DataFrame, labels: int, *, cluster: bool) -> float:
    found = []
    for seed in range(SEEDS):
        drawn = pool.sample(min(POOL, len(pool)), random_state=seed).reset_index(drop=True)
        rows = one_per_cluster(drawn, labels) if cluster else drawn.head(labels)
        found.append(auc(rows, tested))
    return float(np.mean(found))


def curves() -> dict[str, list[float]]:
    train, test, own = banking("train"), banking("test"), complaints()
    fresh = own.sample(frac=0.4, random_state=99)
    rest = own.drop(fresh.index)
    return {
        "banking questions, one per cluster": [
            mean_auc(train, test, n, cluster=True) for n in LABELS
        ],
        "banking questions, at random": [mean_auc(train, test, n, cluster=False) for n in LABELS],
        "complaints: disputed or not, at random": [
            mean_auc(rest, fresh, n, cluster=False) for n in LABELS
        ],
    }


def picture(found: dict[str, list[float]]) -> str:
    """Return the learning curves as SVG."""

    def at(labels: int, value: float) -> tuple[float, float]:
        return 60 + 470 * np.log2(labels / 25) / 3, 300 - 250 * (value - 0.5) / 0.5

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 420" font-family="sans-serif" '
        'font-size="13"><rect width="600" height="420" fill="white"/>',
        '<text x="20" y="24" font-size="15">AUC on openings that were not labelled, by labels'
        "</text>",
    ]
    for value in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        y = at(25, value)[1]
        parts.append(f'<path d="M60 {y:.0f}H530" stroke="#ddd"/>')
        parts.append(f'<text x="30" y="{y + 4:.0f}">{value:.1f}</text>')
    parts += [f'<text x="{at(n, 0.5)[0] - 8:.0f}" y="322">{n}</text>' for n in LABELS]
    for i, (name, values) in enumerate(found.items()):
        points = [at(n, value) for n, value in zip(LABELS, values, strict=True)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        colour, y = COLOURS[i], 350 + 22 * i
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        parts.append(f'<path d="M60 {y - 4}h24" stroke="{colour}" stroke-width="2"/>')
        told = ", ".join(f"{value:.2f}" for value in values)
        parts.append(f'<text x="92" y="{y}">{name} ({told})</text>')
    return "\n".join([*parts, "</svg>", ""])


def million() -> None:
    train = banking("train")
    rows = train.sample(200, random_state=1)
    types = [NAMES[int(yes)] for yes in rows["yes"]]
    started = time.perf_counter()
    model, _ = learn_types(list(rows["opening"]), types, np.arange(len(rows)), NAMES)
    print(f"learning from {len(rows)} labels  {time.perf_counter() - started:8.1f} s")
    # All different, so that none is scored for another.
    many = np.resize(train["opening"].to_numpy(dtype=object), MILLION)
    many = [f"{text} {number}" for number, text in enumerate(many)]
    started, worked = time.perf_counter(), time.process_time()
    model.probabilities(many)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"scoring {MILLION:,} openings {seconds:8.1f} s ({worked:.1f} s of a core), {memory:.1f} GB"
    )


def run() -> None:
    if not DATA.is_dir():
        sys.exit(f"the openings are not there: {DATA}")
    million()
    found = curves()
    for name, values in found.items():
        print(f"{name:<40}", *(f"{value:.3f}" for value in values))
    PICTURE.write_text(picture(found), encoding="utf-8")
