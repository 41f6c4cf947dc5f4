"""Erlang-A against the birth and death chain, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeylib.judge.bot_timing.erlang_a import erlang_a


def chain(rate: float, staff: int, service: float, patience: float) -> tuple[float, float]:
    """Wait and share who give up, by adding up 5,000 states of the chain."""
    state = np.arange(1, 5_000)
    leaving = np.minimum(state, staff) / service + np.maximum(state - staff, 0) / patience
    logs = np.concatenate([[0.0], np.cumsum(np.log(rate / leaving))])
    weights = np.exp(logs - logs.max())
    waiting = np.clip(np.arange(5_000) - staff, 0, None)
    length = float((weights * waiting).sum() / weights.sum())
    return length / rate, length / patience / rate


@settings(max_examples=60)
@given(st.floats(0.01, 12.0), st.integers(1, 60), st.floats(0.5, 20.0), st.floats(0.5, 120.0))
def test_it_is_the_chain(rate: float, staff: int, service: float, patience: float) -> None:
    wait, gives_up = erlang_a(rate, staff, service, patience)
    exact = chain(rate, staff, service, patience)
    assert (float(wait), float(gives_up)) == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_many_queues_at_once_are_each_of_them_alone() -> None:
    rates, staff = np.array([0.0, 2.0, 9.6]), np.array([1, 12, 50])
    wait, gives_up = erlang_a(rates, staff, 5.0, 10.0)
    alone = [erlang_a(r, s, 5.0, 10.0) for r, s in zip(rates, staff, strict=True)]
    assert wait.tolist() == [float(w) for w, _ in alone] and wait[0] == gives_up[0] == 0
    assert (wait[2], gives_up[2]) == pytest.approx((0.309, 0.0309), abs=0.001)
