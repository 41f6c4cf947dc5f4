"""Lifecycle pairing: a row for the start and a row for the end become one event."""

from __future__ import annotations

from dataclasses import dataclass, replace

import ibis
import pandas as pd
from ibis import _

from journeylib.log import EventLog, fetch

# Roles that say which event a row is; all else may stand in either row of a pair.
_KEYS = ("customer", "case", "touchpoint", "resource", "t_us", "end_us", "position", "lifecycle")


@dataclass(frozen=True)
class Pairing:
    """What became of the rows of a log with lifecycle.

    Attributes
    ----------
    paired, open, instant, dropped : int
        Events with start and end; starts that no end followed; ends that no start preceded;
        rows of other transitions (scheduled, suspended …), which are no events.
    """

    paired: int
    open: int
    instant: int
    dropped: int

    def checks(self) -> pd.DataFrame:
        """Return the counts as rows of the quality table; see `EventLog.quality`."""
        rows = self.dropped + 2 * self.paired + self.open + self.instant
        counts = {
            "paired": (2 * self.paired, "Rows of start and end that became one event."),
            "unmatched_start": (self.open, "Starts that no end followed: without duration."),
            "unmatched_end": (self.instant, "Ends that no start preceded: without duration."),
            "no_event": (self.dropped, "Rows of other transitions: no events of their own."),
        }
        frame = pd.DataFrame(
            [(name, "lifecycle", "note" if n else "ok", n, n / max(rows, 1), text)
             for name, (n, text) in counts.items()],
            columns=["check", "role", "severity", "rows", "share", "text"],
        )  # fmt: skip
        return frame.astype({"rows": "int64", "share": "float64"})


def pair_lifecycle(log: EventLog) -> tuple[EventLog, Pairing | None]:
    """Make one event of the rows for its start and its end.

    Parameters
    ----------
    log : EventLog
        A log without the role `lifecycle` is returned as it is.

    Returns
    -------
    log : EventLog
        With ``end_us``. A start without an end has none, nor has an end without a start: it
        keeps its time and is an instant, whose duration is unknown rather than 0.
    pairing : Pairing or None

    Notes
    -----
    First in, first out among rows of one case (or customer), touchpoint and resource, so that
    work under way twice at once is paired twice. An end is unmatched if every start before it
    has one. What a pair says (channel, text, cost …) is that of its start, and that of its end
    where the start is silent. Rows without a lifecycle are ends, as process mining has it.
    """
    if not log.has("lifecycle"):
        return log, None
    rows = log.events
    who = [name for name in ("customer", "case", "touchpoint", "resource") if log.has(name)]
    rows = rows.mutate(lifecycle=ibis.coalesce(_.lifecycle, "complete")).cache()
    transitions = rows.filter(_.lifecycle.isin(("start", "complete")))
    # At one instant starts come first: what begins and ends at once is a pair.
    order = ["t_us", _.lifecycle.desc(), "position"]
    so_far = ibis.window(group_by=who, order_by=order, preceding=(None, 0))
    starts = (_.lifecycle == "start").cast("int64")
    depth = transitions.mutate(_up=starts, _depth=(2 * starts - 1).sum().over(so_far))
    low = ibis.least(0, depth["_depth"].min().over(so_far))
    numbered = depth.mutate(_low=low).mutate(
        _start_no=_._up.sum().over(so_far),
        # Each new low of the balance is an end too many.
        _end_no=(1 - _._up).sum().over(so_far) + _._low,
        _fell=_._low
        < ibis.coalesce(_._low.lag().over(ibis.window(group_by=who, order_by=order)), 0),
    )
    numbered = numbered.cache()
    begun = numbered.filter(_._up == 1)
    ended = numbered.filter((_._up == 0) & ~_._fell)
    lone = numbered.filter((_._up == 0) & _._fell)
    carried = [c for c in rows.columns if c not in _KEYS]
    later = ended.select(
        **{f"_by_{name}": ended[name] for name in who},
        _no=_._end_no,
        end_us=_.t_us,
        **{f"_or_{name}": ended[name] for name in carried},
    )
    same = [begun[name].identical_to(later[f"_by_{name}"]) for name in who]
    joined = begun.left_join(later, [*same, begun["_start_no"] == later["_no"]])
    columns = [c for c in rows.columns if c not in (*carried, "lifecycle", "end_us")]
    pairs = joined.select(
        *columns, "end_us", **{n: ibis.coalesce(joined[n], joined[f"_or_{n}"]) for n in carried}
    )
    instants = lone.select(*columns, end_us=ibis.null("int64"), **{n: lone[n] for n in carried})
    events = pairs.union(instants).cache()
    counts = fetch(
        numbered.aggregate(starts=_._up.sum(), ends=_.count() - _._up.sum(), lone=_._fell.sum())
    ).iloc[0]
    total = int(fetch(rows.aggregate(n=_.count())).iloc[0]["n"])
    lone_ends = int(counts["lone"] or 0)
    paired = int(counts["ends"] or 0) - lone_ends
    pairing = Pairing(
        paired=paired,
        open=int(counts["starts"] or 0) - paired,
        instant=lone_ends,
        dropped=total - int(counts["starts"] or 0) - int(counts["ends"] or 0),
    )
    checks = (
        [log.quality.checks, pairing.checks()] if len(log.quality.checks) else [pairing.checks()]
    )
    quality = replace(log.quality, checks=pd.concat(checks, ignore_index=True))
    return replace(log, events=events, quality=quality), pairing
