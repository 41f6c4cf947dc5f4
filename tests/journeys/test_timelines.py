"""Stories as timelines: waits, channels and outcomes counted by hand."""

from __future__ import annotations

import re

import pytest

from journeylib.core.errors import SchemaError
from journeylib.journeys.journeys import rebuild
from journeylib.journeys.representatives.timelines import examples, stories
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.present.maps.timelines import stories_figure

HOUR = 3_600_000_000
COLUMNS = "customer case t_us touchpoint channel segment"


def journeys_of(log_of, *groups, min_customers=10):
    rows, number = [], 0
    for copies, path, channel, segment in groups:
        for _ in range(copies):
            number += 1
            rows += [
                (f"c{number}", "one", step * step * HOUR, touchpoint, channel, segment)
                for step, touchpoint in enumerate(path)
            ]
    settings = JourneySettings(
        cut="case",
        goals=("buy",),
        bad_ends=("leave",),
        quiet_days=0.01,
        min_customers=min_customers,
    )
    return rebuild(log_of(*rows, columns=COLUMNS), settings)


@pytest.mark.slow
def test_a_log_without_a_clock_has_stories_without_waits(log_of):
    rows = [
        (f"c{number}", "one", step, touchpoint)
        for number in range(42)
        for step, touchpoint in enumerate("abc" if number < 30 else "axb")
    ]
    log = log_of(*rows, columns="customer case order touchpoint")
    told = stories(rebuild(log, JourneySettings(cut="case")))
    assert [line.journeys for line in told.timelines] == [30, 12]
    assert told.timelines[0].steps["seconds_to_next"].isna().all()
    assert told.timelines[0].steps["step"].tolist() == [1, 2, 3]
    # The reader sees the story, and no wait.
    figure = stories_figure(told)
    words = set(re.findall(r"<text[^>]*>([^<]+)</text>", figure.svg))
    assert {"30 journeys, 30 of them exactly so", "a", "b", "c", "x"} <= words
    assert not any(re.fullmatch(r"[\d.,]+ (s|min|h|d|days?)", word) for word in words), words


def test_a_story_with_waits_channels_and_outcomes(log_of):
    told = stories(
        journeys_of(
            log_of,
            (30, ["ad", "shop", "buy"], "web", "new"),
            (12, ["ad", "shop", "buy"], "app", "old"),
            (25, ["ad", "ask", "ask", "leave"], "phone", "old"),
        )
    )
    first, second = told.timelines
    assert first.story.touchpoints == ("ad", "shop", "buy")
    assert first.steps["step"].tolist() == [1, 2, 3]
    assert first.steps["channel"].tolist() == ["web", "web", "web"]
    # Steps are at 0, 1 and 4 hours.
    assert first.steps["seconds_to_next"].tolist()[:2] == [3600.0, 10800.0]
    assert first.steps["seconds_to_next"].isna().tolist() == [False, False, True]
    assert first.outcomes.to_dict("records") == [
        {"end": "goal", "journeys": 42, "customers": 42, "share": 1.0, "at_least": False}
    ]
    assert second.outcomes[["end", "journeys"]].to_dict("records") == [
        {"end": "bad_end", "journeys": 25}
    ]
    assert (first.share, second.share) == (42 / 67, 25 / 67)


def test_stories_of_segments_are_told_apart(log_of):
    told = stories(
        journeys_of(
            log_of,
            (30, ["ad", "shop", "buy"], "web", "new"),
            (25, ["ad", "ask", "leave"], "phone", "old"),
            (4, ["ad", "leave"], "phone", "tiny"),
        ),
        by_segment=True,
    )
    assert [(line.segment, line.story.touchpoints) for line in told.timelines] == [
        ("new", ("ad", "shop", "buy")),
        ("old", ("ad", "ask", "leave")),
    ]
    # Four customers are no segment that may be shown.
    assert set(told.by_segment) == {"new", "old"}


def test_a_story_of_too_few_customers_is_not_told(log_of):
    told = stories(
        journeys_of(
            log_of,
            (30, ["ad", "shop", "buy"], "web", "new"),
            (9, ["shop", "ask", "ask", "shop", "leave"], "web", "new"),
        )
    )
    assert [line.story.touchpoints for line in told.timelines] == [("ad", "shop", "buy")]
    assert told.by_segment[""].withheld == 1


@pytest.mark.slow
def test_outcomes_of_too_few_customers_are_left_out(log_of):
    told = stories(
        journeys_of(
            log_of,
            (40, ["ad", "shop", "buy"], "web", "new"),
            (3, ["ad", "shop", "shop"], "web", "new"),
        )
    )
    (line,) = told.timelines
    # All 43 journeys less the 40 of the variant, or that reach the goal, would be the three.
    assert (line.story.at_least, line.journeys) == (True, 30)
    assert line.outcomes[["end", "journeys", "at_least"]].to_numpy().tolist() == [
        ["goal", 20, True]
    ]


def test_where_nothing_recurs_no_story_is_told(log_of):
    paths = [(1, [f"t{n}", f"u{n}", f"v{n}"], "web", "new") for n in range(20)]
    told = stories(journeys_of(log_of, *paths))
    assert told.timelines == ()
    assert "no journey recurs" in told.by_segment[""].reason


def test_segments_need_a_column(log_of):
    log = log_of(("a", 0, "A"), ("b", 1, "A"))
    with pytest.raises(SchemaError, match="role 'segment'"):
        stories(rebuild(log), by_segment=True)


@pytest.mark.slow
def test_examples_are_of_kinds_that_enough_customers_share(log_of):
    journeys = journeys_of(
        log_of,
        (30, ["ad", "shop", "buy"], "web", "new"),
        (12, ["ad", "ask", "leave"], "phone", "old"),
        (9, ["ask", "ask", "buy"], "phone", "old"),
    )
    told = examples(journeys.passing("ad"))
    assert [line.story.touchpoints for line in told.timelines] == [
        ("ad", "shop", "buy"),
        ("ad", "ask", "leave"),
    ]
    assert [line.share for line in told.timelines] == [30 / 42, 12 / 42]
    # Steps are at 0, 1 and 4 hours.
    assert told.timelines[1].steps["seconds_to_next"].tolist()[:2] == [3600.0, 10800.0]
    assert told.timelines[1].outcomes["end"].tolist() == ["bad_end"]
    assert len(examples(journeys, most=1).timelines) == 1
    assert examples(journeys.starting_with("ask")).timelines == ()
    assert examples(journeys.passing("shop", "ask")).timelines == ()
    figure = stories_figure(told)
    assert figure.alt.startswith("100 % of the journeys are of the 2 most frequent kinds")
    # No customer and no time of day is in what is shown.
    assert "c1" not in figure.svg and "1970" not in figure.svg
