"""Every number in the documents of the samples is counted again, or said to be no count.

The samples have what the real logs lack: bots with a clock, intents, hand-overs, surveys, costs.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import journeylib as jl
from tests.conftest import BANK, TELECOM
from tests.examples.document_numbers import numbers
from tests.examples.plain_logs import read_sample
from tests.examples.plain_samples import AT_MOST, BASES, COUNTS, NO_COUNTS, REGISTERS, VALUES
from tests.examples.recounting import disagreements

SAMPLES = [("telecom_audit", TELECOM), ("bank_audit", BANK)]


@pytest.mark.parametrize(("fixture", "config"), SAMPLES)
def test_every_number_is_that_of_plain_pandas(
    fixture: str, config: Path, request: pytest.FixtureRequest
) -> None:
    audit: jl.Audit = request.getfixturevalue(fixture)
    plain = read_sample(jl.load_config(config))
    assert list(disagreements(audit.document, plain, **REGISTERS)) == []


def test_all_that_is_counted_is_in_a_document_and_no_count_is_excused(
    telecom_audit: jl.Audit, bank_audit: jl.Audit
) -> None:
    documents = (telecom_audit.document, bank_audit.document)
    places = {number.place for document in documents for number in numbers(document)}
    counted = {*COUNTS, *BASES, *VALUES, *AT_MOST}
    assert counted - places == set()
    excused = [pattern for pattern in NO_COUNTS if any(fnmatchcase(p, pattern) for p in places)]
    assert len(excused) > 15
    mixed = {p for p in counted if any(fnmatchcase(p, pattern) for pattern in NO_COUNTS)}
    # Of tests and hazards a bound is counted, of bots' exits how many there are.
    assert {place.split(".")[0] for place in mixed} <= {
        "moments_of_truth",
        "presence",
        "tipping_points",
    }
