"""The share of the second service type as a measure of touchpoints, for the scorecard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from journeylib.core import DRAWS, SEED, Estimate, Floats
from journeylib.measures.evidence import Evidence
from journeylib.measures.measured import ESTIMATE_COLUMNS
from journeylib.measures.service_types.contact_types import ServiceTypes

MEASURE = "emotional"
WIDE = 1.96  # standard errors from a share to the end of its interval


def with_type_shares(evidence: Evidence, types: ServiceTypes | None) -> Evidence:
    """Add the share of the second type to what is measured of each touchpoint.

    Parameters
    ----------
    evidence : Evidence
    types : ServiceTypes or None
        Nothing is added where no shares are estimated.

    Returns
    -------
    Evidence
        With the measure ``emotional``, a share. It is drawn around its estimate, apart from the
        other measures; a share without an interval (the model's word alone) has no draws.
    """
    if types is None or not types.shares:
        return evidence
    kind = types.names[1]
    shares = {s.name: s for s in types.shares if s.by == "touchpoint" and s.type == kind}
    names = list(evidence.touchpoints["touchpoint"])
    estimates = [shares[name].share if name in shares else _unknown() for name in names]
    rows = [_row(name, share) for name, share in zip(names, estimates, strict=True)]
    table = pd.DataFrame(rows, columns=list(ESTIMATE_COLUMNS))
    added = table.astype(evidence.estimates.dtypes.to_dict())
    many = next((len(drawn) for drawn in evidence.draws.values()), DRAWS)
    columns = [_draws(share, name, many) for name, share in zip(names, estimates, strict=True)]
    drawn = np.stack(columns, axis=1) if columns else np.empty((many, 0))
    return replace(
        evidence,
        estimates=pd.concat([evidence.estimates, added], ignore_index=True),
        draws={**evidence.draws, MEASURE: drawn},
    )


def _unknown() -> Estimate:
    return Estimate.none("n_small", "share")


def _row(name: str, share: Estimate) -> dict[str, object]:
    return {
        "touchpoint": name,
        "measure": MEASURE,
        "value": np.nan if share.value is None else share.value,
        "lo": np.nan if share.lo is None else share.lo,
        "hi": np.nan if share.hi is None else share.hi,
        "unit": "share",
        "n_events": share.n_events,
        "n_journeys": share.n_journeys,
        "n_customers": share.n_customers,
        "grade": share.grade,
        "abstain": share.abstain,
        "source": share.method,
    }


def _draws(share: Estimate, name: str, many: int) -> Floats:
    if share.value is None:
        return np.full(many, np.nan)
    if share.lo is None or share.hi is None:
        return np.full(many, share.value)
    rng = np.random.default_rng(np.random.SeedSequence([SEED, *f"{MEASURE}:{name}".encode()]))
    error = (share.hi - share.lo) / (2 * WIDE)
    return np.clip(share.value + error * rng.standard_normal(many), 0.0, 1.0)
