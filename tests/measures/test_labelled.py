"""Text detectors on labelled turns: by hand, in simulation, and what must never be said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from journeylib.core.estimate import Estimate
from journeylib.core.resampling import resample
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.evidence import measure
from journeylib.measures.measured import Measured
from journeylib.measures.ratios import quotient
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.detector_accuracy import (
    DetectorCheck,
    _cells,
    _check,
    check_detectors,
    detect,
    rogan_gladen,
)
from journeylib.measures.texts.misclassification import _corrected
from journeylib.measures.texts.sentiment import customer_scores

LogOf = Callable[..., EventLog]
ASKS, ASKS_UNHEARD, CALM = "I want to talk to a human", "get me off this thing", "My bill is here"
AGAIN, BAD = "this is the third time I explain", "this is terrible, I hate it"


def share(value: float, half: float = 0.0) -> Estimate:
    return Estimate(value, "share", lo=value - half, hi=value + half, n_customers=50)


def labelled(times: int = 20) -> pd.DataFrame:
    """Return `times` × 10 turns: of three requests the detector hears two, and one that is none."""
    rows = [(ASKS, True)] * 2 + [(ASKS_UNHEARD, True)] + [(ASKS, False)] + [(CALM, False)] * 6
    frame = pd.DataFrame(rows * times, columns=["text", "human_request"])
    return frame.assign(customer=[f"c{place // 2}" for place in range(len(frame))])


def journeys_of(log_of: LogOf, *texts: str, columns: str = "") -> Journeys:
    rows = [(f"c{n}", n, "Chat", "customer", text) for n, text in enumerate(texts)]
    rows += [("c0", 999, "Chat", "bot", ASKS)]  # a bot's text is nobody's request
    log = log_of(*rows, columns="customer t_us touchpoint actor text")
    return rebuild(log, JourneySettings(min_customers=4))


def checked(turns: pd.DataFrame, journeys: Journeys) -> dict[str, DetectorCheck]:
    scores = customer_scores(journeys)
    found = check_detectors(turns, journeys, MeasureSettings(), scores)
    return {check.detector: check for check in found}


@pytest.mark.slow
def test_worked_by_hand(log_of: LogOf) -> None:
    journeys = journeys_of(log_of, *[ASKS] * 4, *[CALM] * 6)
    (check,) = checked(labelled(), journeys).values()
    assert (check.detector, check.n) == ("human_request", 200)
    assert check.precision.value == pytest.approx(2 / 3)
    assert check.recall.value == pytest.approx(2 / 3)
    assert check.specificity.value == pytest.approx(6 / 7)
    # agreed .8; by chance .3 × .3 + .7 × .7 = .58
    assert check.kappa.value == pytest.approx((0.8 - 0.58) / (1 - 0.58))
    assert check.prevalence.value == 0.4
    assert check.corrected.value == pytest.approx((0.4 + 6 / 7 - 1) / (2 / 3 + 6 / 7 - 1), abs=1e-5)
    for one in (check.precision, check.recall, check.kappa, check.corrected):
        assert one.lo is not None
        assert one.value is not None
        assert one.hi is not None
        assert one.lo < one.value < one.hi
    # of five customers to ten turns, two are heard
    assert (check.precision.n_events, check.precision.n_customers) == (60, 40)


def test_what_each_detector_finds() -> None:
    texts = pd.Series(
        [ASKS, AGAIN, BAD, CALM, "das ist schrecklich und es ist nicht gut"], index=[9, 8, 7, 6, 5]
    )
    found = detect(texts, MeasureSettings())
    assert list(found.index) == [9, 8, 7, 6, 5]
    assert list(found["human_request"]) == [True, False, False, False, False]
    assert list(found["repetition"]) == [False, True, False, False, False]
    assert list(found["negative"].iloc[:4]) == [False, False, True, False]
    assert found["negative"].isna().tolist() == [False] * 4 + [True]  # no lexicon reaches it


def test_the_company_s_own_words_are_heard() -> None:
    texts = pd.Series(["Concierge, please"])
    assert not detect(texts, MeasureSettings())["human_request"][0]
    assert detect(texts, MeasureSettings(human_request_words=("concierge",)))["human_request"][0]


@pytest.mark.slow
def test_below_200_turns_nothing_is_said(log_of: LogOf) -> None:
    (check,) = checked(labelled().iloc[:199], journeys_of(log_of, *[ASKS] * 10)).values()
    said = (check.precision, check.recall, check.specificity, check.kappa, check.corrected)
    assert {one.abstain for one in said} == {"n_small"}
    assert check.n == 199


@pytest.mark.slow
def test_turns_that_nobody_labelled_do_not_count(log_of: LogOf) -> None:
    turns = labelled().astype({"human_request": "boolean"})
    more = pd.concat([turns, turns.assign(human_request=pd.NA).astype(turns.dtypes)])
    journeys = journeys_of(log_of, *[ASKS] * 10)
    assert checked(more, journeys) == checked(turns, journeys)


@pytest.mark.slow
def test_labels_that_never_say_yes_tell_no_recall(log_of: LogOf) -> None:
    never = labelled().assign(human_request=False)
    (check,) = checked(never, journeys_of(log_of, *[ASKS] * 10)).values()
    assert check.precision.value == 0
    assert check.recall.abstain == "unidentified"
    assert check.corrected.abstain == "unidentified"


def test_scores_that_the_company_brings_are_not_corrected(log_of: LogOf) -> None:
    rows = [(f"c{n}", n, "Chat", "customer", BAD, -500_000) for n in range(10)]
    log = log_of(*rows, columns="customer t_us touchpoint actor text sentiment_micro")
    journeys = rebuild(log, JourneySettings(min_customers=5))
    turns = pd.DataFrame({"text": [BAD, CALM] * 150, "negative": [True, False] * 150})
    check = checked(turns, journeys)["negative"]
    assert check.recall.value == 1
    assert (check.prevalence.abstain, check.corrected.abstain) == ("unidentified", "unidentified")


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing(log_of: LogOf) -> None:
    journeys = journeys_of(log_of, *[ASKS] * 10)
    bare = labelled().drop(columns="customer")
    assert checked(bare.iloc[::-1], journeys) == checked(bare, journeys)


def test_rogan_and_gladen() -> None:
    # 1,000 turns, 100 requests; se .8, sp .9: 80 + 90 are found
    assert rogan_gladen(share(0.17), share(0.8), share(0.9)).value == pytest.approx(0.1)
    # fewer are found than mistakes alone would give
    assert rogan_gladen(share(0.05), share(0.8), share(0.9)).value == 0
    # errors in a right triangle: slopes 1, −.1, .9 of halves .03, 0, 0 and 0, .1, .1
    one = rogan_gladen(share(0.17, 0.03), share(0.8), share(0.9))
    assert one.hi == pytest.approx(0.1 + 0.03 / 0.7, abs=1e-5)
    two = rogan_gladen(share(0.17), share(0.8, 0.1), share(0.9, 0.1))
    assert two.hi == pytest.approx(0.1 + np.hypot(0.01, 0.09) / 0.7, abs=1e-5)


def test_a_detector_that_tells_little_corrects_nothing() -> None:
    assert rogan_gladen(share(0.2), share(0.5), share(0.79)).abstain == "unidentified"
    assert rogan_gladen(share(0.2), share(0.5), share(0.81)).value is not None
    small = Estimate.none("n_small", "share")
    assert rogan_gladen(share(0.2), small, share(0.9)).abstain == "n_small"


@pytest.mark.slow
def test_the_interval_of_the_correction_covers() -> None:
    """Of 400 logs of 3,000 texts with 300 labelled turns; se .8, sp .95 (or no mistake), π .12."""
    rng = np.random.default_rng(4)
    for sensitivity, specificity in ((0.8, 0.95), (1.0, 0.99)):
        held = 0
        for _run in range(400):
            true = rng.random(300) < 0.12
            hit = rng.random(300) < np.where(true, sensitivity, 1 - specificity)
            groups = rng.integers(0, 64, 300)
            fires = 0.12 * sensitivity + 0.88 * (1 - specificity)
            p = rng.binomial(3000, fires) / 3000
            found = _check(
                "x", _cells(hit, true), groups, None, share(p, 1.96 * np.sqrt(p * (1 - p) / 3000))
            )
            assert found.corrected.lo is not None
            assert found.corrected.hi is not None
            held += found.corrected.lo <= 0.12 <= found.corrected.hi
        assert held / 400 >= 0.94


def spoken(log_of: LogOf, *texts: str, per_journey: int = 1, times: int = 1) -> Journeys:
    rows = [
        (f"c{n % 40}", 1_000 * n + k, "Chat", "customer", text, f"{n}")
        for n, text in enumerate(texts * times)
        for k in range(per_journey)
    ]
    log = log_of(*rows, columns="customer t_us touchpoint actor text case")
    return rebuild(log, JourneySettings(min_customers=5))


@pytest.mark.slow
def test_the_indicator_is_corrected_and_says_so(log_of: LogOf) -> None:
    # 40 of 100 journeys of one text; se 2/3, sp 6/7: as the log's share in the test by hand
    journeys = spoken(log_of, *[ASKS] * 40, *[CALM] * 60)
    plainly = measure(journeys)
    bare = plainly.estimate("Chat", "human_request")
    evidence = measure(journeys, labelled=labelled())
    found = evidence.estimate("Chat", "human_request")
    assert bare["value"] == 0.4
    assert bare["source"] == "column text, requests for a human by lexicon"
    assert found["value"] == pytest.approx((0.4 + 6 / 7 - 1) / (2 / 3 + 6 / 7 - 1), abs=1e-5)
    assert found["source"].endswith("corrected for the detector's mistakes on 200 labelled turns")
    assert found["hi"] - found["lo"] > bare["hi"] - bare["lo"]
    draws = evidence.draws["human_request"][:, 0]
    assert draws.std() > plainly.draws["human_request"][:, 0].std()
    assert np.median(draws) == pytest.approx(found["value"], abs=0.03)
    # nothing else moves
    others = evidence.estimates[evidence.estimates["measure"] != "human_request"]
    plain = plainly.estimates
    pd.testing.assert_frame_equal(others, plain[plain["measure"] != "human_request"])


@pytest.mark.slow
def test_a_long_talk_gives_the_detector_more_chances_to_err(log_of: LogOf) -> None:
    # Three texts each: sp³ and 1 − (1 − se)·sp², which add up to 1.3 or more no longer.
    journeys = spoken(log_of, *[ASKS] * 40, *[CALM] * 60, per_journey=3)
    turns = pd.concat([labelled(), labelled().assign(text=CALM, human_request=False)] * 2)
    found = measure(journeys, labelled=turns).estimate("Chat", "human_request")
    se, sp = 2 / 3, 1 - 1 / 17
    hits, rest = 1 - (1 - se) * sp**2, sp**3
    assert found["value"] == pytest.approx((0.4 + rest - 1) / (hits + rest - 1), abs=1e-5)
    longer = spoken(log_of, *[ASKS] * 40, *[CALM] * 60, per_journey=12)
    assert 1 - (1 - se) * sp**11 + sp**12 < 1.3 + 0.05
    short = measure(longer, labelled=labelled()).estimate("Chat", "human_request")
    assert short["abstain"] == "unidentified"


@pytest.mark.slow
def test_labels_that_tell_too_little_leave_the_indicator_as_detected(log_of: LogOf) -> None:
    journeys = spoken(log_of, *[ASKS] * 40, *[CALM] * 60)
    few = measure(journeys, labelled=labelled().iloc[:199]).estimate("Chat", "human_request")
    assert few["value"] == 0.4
    assert "as detected: fewer than 200 turns are labelled" in few["source"]
    coin = labelled().assign(human_request=lambda t: np.arange(len(t)) % 2 == 0)
    guess = measure(journeys, labelled=coin).estimate("Chat", "human_request")
    assert guess["abstain"] == "unidentified"


@pytest.mark.slow
def test_too_few_negative_turns_to_learn_from_correct_turn_by_turn(log_of: LogOf) -> None:
    journeys = spoken(log_of, *[BAD] * 30, *[CALM] * 70, per_journey=2)
    # 16 negative turns teach nothing; se 3/4 (of four three are heard), sp 5/6
    rows = [(BAD, True)] * 12 + [(CALM, True)] * 4 + [(BAD, False)] * 31 + [(CALM, False)] * 155
    turns = pd.DataFrame(rows, columns=["text", "negative"])
    found = measure(journeys, labelled=turns).estimate("Chat", "negative")
    assert found["value"] == pytest.approx((0.3 + 5 / 6 - 1) / (3 / 4 + 5 / 6 - 1), abs=1e-5)
    assert found["source"].startswith("column text, VADER lexicon as a cold start (English; ")


@pytest.mark.slow
def test_the_corrected_indicator_covers() -> None:
    """Of 200 logs of 400 journeys of one to five texts, the interval holds the planted 20 %."""
    held, drawn = 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        lengths, asks = rng.integers(1, 6, 400), rng.random(400) < 0.2
        # Heard in the turn that asks, or by mistake in one of the others.
        heard = (asks & (rng.random(400) < 0.85)) | (rng.random(400) > 0.97 ** (lengths - asks))
        sums = np.zeros((64, 1, 2))
        np.add.at(sums[:, 0], np.arange(400) % 64, np.column_stack([heard, np.ones(400)]))
        many = np.array([400])
        counted = resample(sums, quotient, share=True, n_customers=many, n_trials=many)
        measured = Measured("human_request", "share", counted, many, many, many, (None,))
        true = rng.random(400) < 0.15
        hit = rng.random(400) < np.where(true, 0.85, 0.03)
        groups = rng.integers(0, 64, 400)
        check = _check("human_request", _cells(hit, true), groups, None, share(0.2))
        turns = pd.DataFrame({"k": lengths, "touchpoint_no": 0}).value_counts()
        found = _corrected(measured, check, turns.rename("n").reset_index()).resampled
        held += bool(found.lo[0] <= 0.2 <= found.hi[0])
        low, high = np.quantile(found.draws[:, 0], [0.025, 0.975])
        drawn += bool(low <= 0.2 <= high)
    assert held / 200 >= 0.93
    assert drawn / 200 >= 0.90
