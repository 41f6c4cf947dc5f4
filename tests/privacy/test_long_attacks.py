"""The attacks that take minutes: with ``JOURNEYLIB_LONG_ATTACKS=1`` alone, and so not in CI."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from journeylib.log.eventlog import EventLog
from tests.privacy.test_attack import assert_tables_tell_nothing, small_log
from tests.privacy.test_between_runs import assert_nothing_is_told_of

LogOf = Callable[..., EventLog]
pytestmark = pytest.mark.skipif(
    not os.environ.get("JOURNEYLIB_LONG_ATTACKS"), reason="JOURNEYLIB_LONG_ATTACKS is not set"
)


@pytest.mark.parametrize("seed", range(100))
def test_a_hundred_random_small_logs(log_of: LogOf, seed: int) -> None:
    """No hidden cell of one to nine is bounded tighter than 0 to 10: the linear program."""
    assert_tables_tell_nothing(small_log(log_of, seed))


@pytest.mark.parametrize("decade", range(20))
def test_each_of_two_hundred_customers(log_of: LogOf, decade: int, tmp_path: Path) -> None:
    assert_nothing_is_told_of(range(10 * decade, 10 * decade + 10), log_of, tmp_path)
