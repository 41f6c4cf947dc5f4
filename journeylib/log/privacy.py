"""Privacy: who is behind a number stays there."""

from __future__ import annotations

import pandas as pd


def suppress(
    frame: pd.DataFrame, min_customers: int, customers: str = "customers"
) -> tuple[pd.DataFrame, int]:
    """Remove rows that rest on fewer than `min_customers` customers; return how many went."""
    kept = frame[frame[customers] >= min_customers]
    return kept.reset_index(drop=True), len(frame) - len(kept)
