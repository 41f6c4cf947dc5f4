import numpy as np
import pandas as pd
import pytest

from journeylib.core import cell_text, estimate_text, number
from journeylib.core.estimate import Estimate
from journeylib.present.blocks import Card, cards, findings_list
from journeylib.present.tables import column_head, html_table, quality_table, table
from tests.present import frames


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (
            Estimate(0.123, "share", 0.101, 0.148, n_customers=321),
            "12.3 % (10.1–14.8), n = 321",
        ),
        (Estimate(-0.2, "points", -0.3, -0.1), "−0.2 points (−0.3 to −0.1)"),
        (Estimate(5400, "seconds", 3600, 7200, n_journeys=40), "1.5 h (1 h to 2 h), n = 40"),
        (Estimate.none("no_clock", "seconds"), "Not enough evidence: the log has no clock"),
    ],
)
def test_estimates_in_words(estimate, text):
    assert estimate_text(estimate) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (pd.NA, "–"),
        (pd.NaT, "–"),
        (np.int64(26404), "26,404"),
        (np.float64(0.5), "0.5"),
        (np.bool_(True), "yes"),
        (0.0, "0"),
        (1e-9, "0"),
        (float("inf"), "∞"),
        (("a", 2), "a, 2"),
    ],
)
def test_cells_in_words(value, text):
    assert cell_text(value) == text


def test_small_numbers_keep_three_digits():
    assert (number(0.00123), number(99.96), number(123.4)) == (
        "0.00123",
        "100",
        "123",
    )


def test_a_table_has_one_header_row_scopes_and_right_aligned_numbers():
    frame = pd.DataFrame({"touchpoint": ["<b>"], "customers": [1200], "note": ["fine"]})
    html = html_table(frame, caption="Touch & go")
    assert html.count("<tr>") == 2
    assert '<th scope="col">Touchpoint</th><th scope="col" class="jl-n">Customers</th>' in html
    assert '<th scope="row">&lt;b&gt;</th><td class="jl-n">1,200</td><td>fine</td>' in html
    assert "<caption>Touch &amp; go</caption>" in html


def test_rows_beyond_the_limit_are_counted():
    frame = pd.DataFrame({"a": range(10)})
    html = html_table(frame, caption="c", max_rows=4)
    assert html.count('scope="row"') == 4
    assert "6 more rows are not shown." in html
    assert "There is nothing to list." in html_table(frame.head(0), caption="c")


def test_quality_checks_go_worst_first():
    shown = quality_table(frames.checks(), rows_read=100, rows_used=98)
    assert shown.frame["state"].tolist() == ["▲ warning", "● note", "✓ ok"]
    assert shown.note == "98 of 100 rows were usable; 2 are in quarantine."
    # The base of the shares is named, and is the only one: no sentence has a share of its own.
    assert column_head(shown.frame.columns[4]) == "Share of rows read (%)"
    assert shown.frame["share_of_rows_percent"].tolist() == [0.05, 4.5, 0.0]


def test_a_card_shows_what_it_counts_and_how_it_stands():
    block = cards(Card("looks", 1200), Card("advice", "do not run", "too few", "bad"))
    assert repr(block).splitlines() == ["1,200 looks", "▼ do not run advice (too few)"]
    assert 'class="jl-is-bad"' in block.html


def test_findings_go_worst_first_and_are_escaped():
    block = findings_list(
        [
            {"id": "b", "kind": "gate", "severity": "info", "verdict": "pass", "text": "Fine."},
            {"id": "c", "kind": "gate", "severity": "low", "verdict": "fail", "text": "Small <b>."},
            {"id": "a", "kind": "gate", "severity": "high", "verdict": "fail", "text": "Big."},
            {
                "id": "d",
                "kind": "insight",
                "severity": "low",
                "verdict": "not_assessable",
                "text": "Who knows.",
            },
            {"id": "e", "kind": "insight", "severity": "high", "verdict": "pass", "text": "Mend."},
        ]
    )
    assert repr(block).splitlines() == [
        "✖ Gate fails: Big.",
        "✖ Gate fails: Small <b>.",
        "▲ Act on: Mend.",
        "○ Cannot tell: Who knows.",
        "✓ Gate holds: Fine.",
    ]
    assert "<b>" not in block.html.replace("<b>", "", 0).split("Small")[1][:10]
    assert repr(findings_list([])) == "There are no findings."


def test_displays_are_the_same_on_every_run():
    one, other = (table(frames.checks(), "Checks")._repr_html_() for _ in range(2))
    assert one == other
    assert "object at 0x" not in one
