"""Customers: the list of who is behind journeys, written to a file for those entitled to it."""

from __future__ import annotations

import csv
import os
import tempfile
from pathlib import Path

import ibis
import pandas as pd

from journeylib.core import RunError, refuse_other
from journeylib.journeys.journeys import Journeys
from journeylib.log import customer_numbers, fetch, hand_over


def write_customers(journeys: Journeys, path: str | Path) -> None:
    """Write the ids of the customers of these journeys to a file; nothing is shown or returned.

    For those who are entitled to act on single customers. The ids are those of the log: the
    company's own, digests where the log was pseudonymised, persons where it was stitched. Fewer
    customers than the minimum are written, too: the file is no report.

    Parameters
    ----------
    journeys : Journeys
    path : str or Path
        CSV with one column, ``customer``, in the order of the ids; readable by its owner alone.

    Raises
    ------
    RunError
        If the file is already there, or cannot be written; then nothing is.
    """
    refuse_other(journeys, "Journeys")
    target = Path(path)
    if not target.parent.is_dir():
        raise RunError(f"there is no folder '{target.parent}' to write the customers to.")
    taken = f"'{target}' is already there and is not overwritten. Name another file."
    if target.exists():
        raise RunError(taken)
    numbers = pd.DataFrame({"customer_no": pd.unique(journeys.outline.customer)}, dtype="int64")
    customers = customer_numbers(journeys.log.events)
    wanted = hand_over(ibis.memtable(numbers), customers.get_backend())
    who = fetch(customers.semi_join(wanted, "customer_no").select("customer"))
    ids = sorted(who["customer"].tolist())
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".customers-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["customer"])
            rows.writerows([one] for one in ids)
        # A link, unlike a renaming, never replaces what came there meanwhile.
        os.link(draft, target)
    except FileExistsError:
        raise RunError(taken) from None
    except OSError as error:
        raise RunError(f"'{target}' cannot be written: {error.strerror}.") from None
    finally:
        Path(draft).unlink(missing_ok=True)
