import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from journeylib.core.errors import LogError
from journeylib.journeys.segmentation._forward_backward import forward_backward, make_streams
from journeylib.journeys.segmentation.boundary_model import fit_boundaries

DATA = Path(__file__).resolve().parents[2] / "../shared/data/journey_boundaries"
PUBLISHED = {"0.1": 0.777, "0.2": 0.861, "0.5": 0.936, "2.0": 0.980}
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data/journey_boundaries")


def published_log(delay: str) -> tuple[pd.DataFrame, pd.Series]:
    raw = pd.read_csv(DATA / f"delay_{delay}.csv.gz")
    frame = pd.DataFrame(
        {
            "customer_no": raw["customer_id"],
            "touchpoint_no": raw["touchpoint"].astype("category").cat.codes.astype("int64"),
            "t_us": (raw["timestamp"] * 86_400e6).round().astype("int64"),
        }
    )
    in_order = raw.sort_values(["customer_id", "timestamp"], kind="stable")
    later = in_order.groupby("customer_id")["true_journey"].shift(-1)
    return frame, (later != in_order["true_journey"]).loc[later.notna()]


def planted_log(seed: int, *, customers: int = 150, noise: float = 0.15, clock: bool = True):
    """Eight kinds of journey over 15 touchpoints, 1 to 10 a customer, with skips and repeats."""
    random = np.random.default_rng(seed)
    kinds = [random.integers(0, 15, random.integers(3, 9)) for _ in range(8)]
    weights = random.dirichlet(np.full(8, 2.0))
    rows = []
    for customer in range(customers):
        now = 0.0
        for journey in range(1 + random.poisson(3)):
            steps = []
            for touchpoint in kinds[random.choice(8, p=weights)]:
                luck = random.random()
                if luck < noise / 3:
                    continue
                if luck < 2 * noise / 3:
                    steps.append(random.integers(15))
                steps.append(touchpoint)
                while random.random() < 0.1:
                    steps.append(touchpoint)
            for place, touchpoint in enumerate(steps):
                now += random.exponential() + (place == 0)
                rows.append((customer, touchpoint, int(now * 3.6e9), journey))
    frame = pd.DataFrame(rows, columns=["customer_no", "touchpoint_no", "t_us", "journey"])
    frame["position"] = range(len(frame))
    later = frame.groupby("customer_no")["journey"].shift(-1)
    truth = (later != frame["journey"]).loc[later.notna()]
    return frame.drop(columns=["journey"] if clock else ["journey", "t_us"]), truth


def auc(truth: pd.Series, table: pd.DataFrame, column: str = "probability") -> float:
    assert set(truth.index) == set(table.index)
    return float(roc_auc_score(truth.loc[table.index], table[column]))


@needs_data
@pytest.mark.parametrize(
    "delay",
    ["0.1", *(pytest.param(d, marks=pytest.mark.slow) for d in ("0.2", "0.5", "2.0"))],
)
def test_published_logs_are_cut_better_than_by_the_published_lstm(delay):
    frame, truth = published_log(delay)
    model = fit_boundaries(frame)
    assert model.answer == "found"
    assert auc(truth, model.pairs) > 0.999
    assert auc(truth, model.pairs, "probability_next") > max(0.99, PUBLISHED[delay])
    assert auc(truth, model.pairs, "probability_now") > max(0.98, PUBLISHED[delay])


@pytest.mark.slow
@needs_data
def test_what_was_learned_holds_for_customers_not_learned_from():
    frame, truth = published_log("0.1")
    known = frame["customer_no"] < 5
    table = fit_boundaries(frame[known]).probabilities(frame[~known])
    truth = truth[truth.index.isin(table.index)]
    assert auc(truth, table) > 0.999
    assert auc(truth, table, "probability_now") > 0.98


@pytest.mark.slow
def test_another_structure_is_cut_well_too():
    frame, truth = planted_log(3)
    model = fit_boundaries(frame)
    assert model.answer == "found"
    assert auc(truth, model.pairs) > 0.97


@pytest.mark.slow
def test_a_log_without_a_clock_is_cut_by_order_alone():
    frame, truth = planted_log(4, clock=False)
    assert auc(truth, fit_boundaries(frame).pairs) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_streams_without_journeys_are_not_cut(seed):
    random = np.random.default_rng(seed)
    rows, table = [], random.dirichlet(np.full(10, 0.3), 10)
    for customer in range(100):
        touchpoint = random.integers(10)
        for step in range(20):
            rows.append((customer, touchpoint, step))
            touchpoint = random.choice(10, p=table[touchpoint])
    model = fit_boundaries(pd.DataFrame(rows, columns=["customer_no", "touchpoint_no", "t_us"]))
    assert (model.answer, bool(model.reason)) == ("cannot tell", True)
    assert model.pairs["probability"].mean() < 0.05


def test_few_events_are_not_enough():
    frame = pd.DataFrame({"customer_no": [1, 1, 2], "touchpoint_no": [1, 2, 1], "t_us": [1, 2, 3]})
    model = fit_boundaries(frame)
    assert model.answer == "cannot tell"
    assert model.reason.startswith("1 pairs of events are too few")
    assert model.pairs.index.tolist() == [0]


def test_single_events_have_no_pairs():
    model = fit_boundaries(pd.DataFrame({"customer_no": [1, 2], "touchpoint_no": [1, 1]}))
    assert (model.answer, len(model.pairs)) == ("cannot tell", 0)


@pytest.mark.slow
def test_neither_order_of_rows_nor_names_matter():
    frame, _ = planted_log(5, customers=40)
    pairs = fit_boundaries(frame).pairs
    shuffled = fit_boundaries(frame.sample(frac=1, random_state=1)).pairs
    pd.testing.assert_frame_equal(shuffled, pairs)
    renamed = frame.assign(
        touchpoint_no=(frame["touchpoint_no"] * 7 + 3) % 1009,
        customer_no=1_000_000 - frame["customer_no"],
        t_us=frame["t_us"] * 60 + 5,
    )
    other = fit_boundaries(renamed).pairs.loc[pairs.index]
    for column in ("probability", "probability_next", "probability_now"):
        assert np.allclose(other[column], pairs[column], atol=1e-6)


@pytest.mark.slow
def test_customers_beyond_the_sample_are_judged_too():
    frame, truth = planted_log(6, customers=300)
    model = fit_boundaries(frame, fit_events=4000)
    assert auc(truth, model.pairs) > 0.95
    assert model.pairs["customer_no"].is_monotonic_increasing


def test_a_live_decision_does_not_look_ahead():
    frame, _ = planted_log(7, customers=60)
    model = fit_boundaries(frame)
    past = frame.groupby("customer_no").head(6)
    short, whole = model.probabilities(past), model.probabilities(frame)
    for column in ("probability_now", "probability_next"):
        assert np.allclose(short[column], whole.loc[short.index, column], atol=1e-12)
    assert not np.allclose(short["probability"], whole.loc[short.index, "probability"], atol=0.01)


def test_missing_columns_and_events_are_named():
    with pytest.raises(LogError, match=r"'touchpoint_no'.*Did you mean 'touchpoint_nr'"):
        fit_boundaries(pd.DataFrame({"customer_no": [1], "touchpoint_nr": [1]}))
    with pytest.raises(LogError, match="has none"):
        fit_boundaries(pd.DataFrame({"customer_no": [], "touchpoint_no": []}))


def test_the_pass_equals_counting_all_ways_to_cut():
    streams = make_streams(pd.DataFrame({"customer_no": [1] * 5, "touchpoint_no": range(5)}))
    random = np.random.default_rng(0)
    carry, cut = random.random((5, 3)), random.random((5, 3))
    weights = {}
    for cuts in itertools.product([False, True], repeat=4):
        age, weight = 0, 1.0
        for event, ends in enumerate(cuts):
            weight *= (cut if ends else carry)[event, age]
            age = 0 if ends else min(age + 1, 2)
        weights[cuts] = weight
    total = sum(weights.values())
    passed = forward_backward(streams, carry, cut)
    assert passed.likelihood == pytest.approx(np.log(total))
    for event in range(4):
        expected = sum(w for cuts, w in weights.items() if cuts[event]) / total
        assert passed.cut[event].sum() == pytest.approx(expected)
        assert passed.carry[event].sum() == pytest.approx(1 - expected)
