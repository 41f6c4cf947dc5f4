import numpy as np
import pytest

from journeylib.journeys.segmentation.silence_gap import ASSUMED_CUT_US, fit_gap, fit_gap_by_channel

SECOND = 1_000_000
DAY = 86_400 * SECOND


def lognormal(seed: int, median_us: float, n: int, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(np.log(median_us), spread, n).astype(np.int64)


@pytest.mark.parametrize("seed", range(5))
def test_two_humps_are_cut_right(seed):
    within, between = lognormal(seed, 90 * SECOND, 4000), lognormal(seed + 50, 2 * DAY, 1000)
    found = fit_gap(np.r_[within, between])
    right = (within <= found.cut_us).sum() + (between > found.cut_us).sum()
    assert found.answer == "found"
    assert right / 5000 >= 0.995


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["lognormal", "exponential", "uniform", "pareto"])
def test_one_hump_is_called_assumed(seed, kind):
    random = np.random.default_rng(seed)
    gaps = {
        "lognormal": random.lognormal(10, 2, 3000),
        "exponential": random.exponential(1e9, 3000),
        "uniform": random.uniform(0, 1e9, 3000),
        "pareto": 1e6 * (1 + random.pareto(1, 3000)),
    }[kind]
    assumed = fit_gap(gaps)
    assert (assumed.answer, assumed.cut_us) == ("assumed", ASSUMED_CUT_US)
    assert "one hump" in assumed.reason


def test_too_few_and_equal_gaps_are_assumed_with_their_reason():
    assert fit_gap([], assumed_us=7).cut_us == 7
    assert "too few" in fit_gap([1, 2, 3]).reason
    assert fit_gap([5] * 100).reason == "all gaps are equal"
    assert fit_gap([0] * 100).gaps == 0


def test_the_order_of_gaps_does_not_matter():
    gaps = np.r_[lognormal(1, SECOND, 300), lognormal(2, DAY, 300)]
    assert fit_gap(gaps) == fit_gap(gaps[::-1])


def test_each_channel_has_its_own_cut():
    web = np.r_[lognormal(1, 30 * SECOND, 500), lognormal(2, DAY, 500)]
    post = lognormal(3, 3 * DAY, 500)
    cuts = fit_gap_by_channel(np.r_[web, post], ["web"] * 1000 + [None] * 500)
    assert [(name, cut.answer) for name, cut in cuts.items()] == [("", "assumed"), ("web", "found")]
    assert cuts["web"] == fit_gap(web)


def test_channels_must_match_gaps():
    with pytest.raises(ValueError, match="2 gaps but 1 channels"):
        fit_gap_by_channel([1, 2], ["web"])
