"""An executed notebook over the made-up telecom, as the audit leaves one."""

from __future__ import annotations

import nbformat
from IPython.core.formatters import DisplayFormatter

from journeylib.present.blocks import Card, cards, findings_list
from journeylib.present.tables import quality_table
from tests.present import frames


def _shown(value):
    data, metadata = DisplayFormatter().format(value)
    output = nbformat.v4.new_output(
        "execute_result", data=data, metadata=metadata, execution_count=1
    )
    return nbformat.v4.new_code_cell("secret_call()", outputs=[output], execution_count=1)


def _prose(text):
    return nbformat.v4.new_markdown_cell(text)


FINDINGS = [
    {
        "id": "containment",
        "kind": "gate",
        "severity": "high",
        "verdict": "fail",
        "text": "Verified containment is 53.0 % (53.0–59.0), below the gate of 60 %.",
        "evidence": "1,400 of 8,000 raw contained sessions came back within 7 days",
    },
    {
        "id": "a",
        "kind": "gate",
        "severity": "info",
        "verdict": "pass",
        "text": "97 % of requests were honoured.",
    },
    {
        "id": "b",
        "kind": "insight",
        "severity": "low",
        "verdict": "not_assessable",
        "text": "Too many are open.",
    },
]


def demo_notebook():
    from tests.present.test_figures import all_figures

    journey, line, fit, contained = all_figures()
    cells = [
        _prose("# Where should a machine serve, and where a human?\n\nFor the CX team."),
        _shown(
            cards(
                Card("customers", 1500),
                Card("touches", 26404, "in 18 weeks"),
                Card("touchpoints that feel bad", 12, "limit 5", "bad"),
                Card("verified containment", "53 %", "7 days", "good"),
            )
        ),
        _prose("## Findings"),
        _shown(findings_list(FINDINGS)),
        _prose("## The journey\n\nStages run from left to right, channels from top to bottom."),
        _shown(journey),
        _shown(line),
        _prose("## Machine or human"),
        _shown(fit),
        _prose("## Hand-offs and containment"),
        _shown(contained),
        _prose("## Data quality"),
        _shown(quality_table(frames.checks(), rows_read=26416, rows_used=26404)),
        _prose("## Definitions\n\n- **Containment (raw)**: no human joined.\n- `N` is 7 days."),
    ]
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
    return nbformat.v4.new_notebook(cells=cells)
