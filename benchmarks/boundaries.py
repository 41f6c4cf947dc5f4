"""Journey boundaries on the four published logs of "Cut to the Trace" (CAiSE 2021).

Run from the checkout: ``python -m benchmarks.boundaries``. Only pairs of events of one customer
are scored. The true journeys are used for scoring alone.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score

from journeylib.journeys.segmentation.boundary_model import fit_boundaries

DATA = Path(__file__).resolve().parents[1] / "../shared/data/journey_boundaries"
PUBLISHED = {
    "0.1": (0.546, 0.725, 0.777),
    "0.2": (0.588, 0.840, 0.861),
    "0.5": (0.692, 0.914, 0.936),
    "2.0": (0.930, 0.943, 0.980),
}
VIEWS = ("probability", "probability_next", "probability_now")


def read(delay: str) -> tuple[pd.DataFrame, pd.Series]:
    raw = pd.read_csv(DATA / f"delay_{delay}.csv.gz")
    raw = raw.sort_values(["customer_id", "timestamp"], kind="stable")
    frame = pd.DataFrame(
        {
            "customer_no": raw["customer_id"],
            "touchpoint_no": raw["touchpoint"].astype("category").cat.codes.astype("int64"),
            "t_us": (raw["timestamp"] * 86_400e6).round().astype("int64"),
        }
    )
    later = raw.groupby("customer_id")["true_journey"].shift(-1)
    return frame, (later != raw["true_journey"]).loc[later.notna()]


def measure(delay: str) -> dict[str, object]:
    frame, truth = read(delay)
    began, worked = time.perf_counter(), time.process_time()
    model = fit_boundaries(frame)
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    gap = frame.groupby("customer_no")["t_us"].diff(-1).mul(-1).loc[truth.index]
    known = frame["customer_no"] % 2 == 0
    unseen = fit_boundaries(frame[known]).probabilities(frame[~known])
    found = model.pairs["probability"] > 0.5
    row: dict[str, object] = {"delay": delay}
    names = ("published gap", "published follows", "published LSTM")
    row |= dict(zip(names, PUBLISHED[delay], strict=True))
    row["gap alone"] = roc_auc_score(truth, gap)
    row |= {v: roc_auc_score(truth.loc[model.pairs.index], model.pairs[v]) for v in VIEWS}
    row |= {f"unseen {v}": roc_auc_score(truth.loc[unseen.index], unseen[v]) for v in VIEWS}
    row["right at 0.5"] = (found == truth.loc[found.index]).mean()
    row["mean probability"] = model.pairs["probability"].mean()
    row["true rate"] = truth.mean()
    row["seconds"] = round(seconds, 1)
    row["seconds of one core"] = round(cpu, 1)
    return row


def main() -> int:
    if not DATA.exists():
        print("skipped: ../shared/data/journey_boundaries is not beside the checkout")
        return 0
    table = pd.DataFrame([measure(delay) for delay in PUBLISHED]).set_index("delay").T
    print(table.to_string(float_format="{:.4f}".format))
    print(
        "\nROC AUC unless named otherwise. 'probability' uses all events of the customer, "
        "'_next' up to the next one,\n'_now' up to this one; 'unseen': learned from half of the "
        "customers, scored on the other half."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
