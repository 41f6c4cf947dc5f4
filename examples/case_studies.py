"""Two case studies, told in ``docs/case-studies.md``: ``python examples/case_studies.py``.

The first reads an airline bot: who asked for a human, who got one, whose task was solved. The
second reads an IT service desk: do tickets that are passed on early miss their service level more
often than comparable tickets that are not?
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import journeylib as jl
from journeylib.judge.estimation.design_matrix import sample_of
from journeylib.judge.estimation.estimators import naive_effect
from journeylib.judge.moments.effect import VisitEffect, visit_effect

HERE = Path(__file__).resolve().parent
DATA = HERE / "../../shared/data"
AIRLINE = DATA / "tau_bench_airline/gpt-4o-airline.json.gz"
INCIDENTS = DATA / "uci_incident_log/incident_event_log.zip"

LANDMARK_HOURS = 4
KNOWN_AT_OPENING = [
    *("priority", "impact", "urgency", "contact_type", "category", "weekday", "hour"),
]
COMMON_CATEGORIES = 10
SEED = 20260101


@dataclass(frozen=True)
class Share:
    """A share of conversations with its interval.

    Attributes
    ----------
    hits, of : int
    lo, hi : float
        Wilson's interval, 95 %; conversations are taken as independent.
    """

    hits: int
    of: int
    lo: float
    hi: float

    def __str__(self) -> str:
        value = 100 * self.hits / self.of
        return f"{self.hits} of {self.of}, {value:.1f} % ({100 * self.lo:.1f}–{100 * self.hi:.1f})"


def share(hits: int, of: int) -> Share:
    """Return a share with Wilson's interval (Wilson 1927)."""
    from statsmodels.stats.proportion import proportion_confint

    lo, hi = proportion_confint(hits, of, method="wilson")
    return Share(hits, of, float(lo), float(hi))


def conversations(source: Path = AIRLINE) -> pd.DataFrame:
    """Return one row per conversation: ``task``, ``solved``, ``transferred``."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        raw: list[dict[str, Any]] = json.load(file)
    return pd.DataFrame(
        {
            "task": [item["task_id"] for item in raw],
            "solved": [item["reward"] == 1 for item in raw],
            "transferred": ["transfer_to_human_agents" in set(_tools(item)) for item in raw],
        }
    )


def _tools(conversation: Mapping[str, Any]) -> Iterator[str]:
    for message in conversation["traj"]:
        for call in message.get("tool_calls") or []:
            yield str(call["function"]["name"])


def solved_by_transfer(rows: pd.DataFrame) -> dict[str, Share | float]:
    """Return who was solved, by transferred or not, and the naive difference.

    Returns
    -------
    dict
        ``all``, ``transferred``, ``stayed`` (`Share`); ``difference``, ``lo``, ``hi`` (float,
        transferred minus stayed, with an interval clustered by task: every task was tried
        several times).
    """
    solved, moved = rows["solved"], rows["transferred"]
    sample = sample_of(solved, moved, pd.DataFrame(index=rows.index), rows["task"], seed=SEED)
    difference = naive_effect(sample)
    lo, hi = difference.interval
    return {
        "all": share(int(solved.sum()), len(rows)),
        "transferred": share(int(solved[moved].sum()), int(moved.sum())),
        "stayed": share(int(solved[~moved].sum()), int((~moved).sum())),
        "difference": difference.value,
        "lo": lo,
        "hi": hi,
    }


def within_tasks(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share solved of each task that was tried both with and without a transfer.

    Returns
    -------
    pandas.DataFrame
        One row per task: ``stayed``, ``transferred`` (float64, share solved).
    """
    shares = rows.pivot_table("solved", index="task", columns="transferred", aggfunc="mean")
    return shares.rename(columns={False: "stayed", True: "transferred"}).dropna()


def tickets(source: Path = INCIDENTS) -> pd.DataFrame:
    """Return one row per ticket: what was known at its opening, and what became of it.

    Returns
    -------
    pandas.DataFrame
        ``caller``, ``opened``, ``priority``, ``impact``, ``urgency``, ``contact_type``,
        ``category``, ``weekday``, ``hour`` (at opening); ``ever_passed_on``,
        ``passed_on_early`` (reassigned within `LANDMARK_HOURS`), ``open_at_landmark`` (not yet
        resolved then), ``missed`` (closed after its service level).
    """
    rows = pd.read_csv(source, dtype=str)
    rows["at"] = _time(rows["sys_updated_at"])
    rows["changes"] = rows["sys_mod_count"].astype(int)
    rows["passed"] = rows["reassignment_count"].astype(int) > 0
    rows = rows.sort_values(["number", "at", "changes"], kind="stable")
    first, last = rows.groupby("number").first(), rows.groupby("number").last()
    opened = _time(first["opened_at"])
    landmark = opened + pd.Timedelta(hours=LANDMARK_HOURS)
    in_time = rows["at"] <= rows["number"].map(landmark)
    resolved = rows["ident_state"].isin(("Resolved", "Closed"))
    early = (rows["passed"] & in_time).groupby(rows["number"]).any()
    over = (resolved & in_time).groupby(rows["number"]).any()
    return pd.DataFrame(
        {
            "caller": first["caller_id"],
            "opened": opened,
            **{name: first[name] for name in ("priority", "impact", "urgency", "contact_type")},
            "category": _common(first["category"]),
            "weekday": opened.dt.day_of_week.astype(str),
            "hour": opened.dt.hour.astype(float),
            "ever_passed_on": rows.groupby("number")["passed"].any(),
            "passed_on_early": early,
            "open_at_landmark": ~over,
            "missed": last["made_sla"] == "false",
        }
    ).reset_index(names="ticket")


def _time(text: pd.Series[str]) -> pd.Series[Any]:
    return pd.to_datetime(text, format="%d/%m/%Y %H:%M")


def _common(category: pd.Series[str]) -> pd.Series[str]:
    counts = category.value_counts().rename_axis("name").reset_index(name="n")
    ranked = counts.sort_values(["n", "name"], ascending=[False, True])
    return category.where(category.isin(set(ranked["name"].head(COMMON_CATEGORIES))), "other")


def missed_by_passing_on(rows: pd.DataFrame, column: str) -> VisitEffect:
    """Estimate how much more often the service level is missed where `column` is true.

    "Good" in the sense of `visit_effect` is the ticket that was passed on: the effect is the
    share missed with it minus the share missed without.
    """
    return visit_effect(
        sample_of(
            rows["missed"].astype(float),
            rows[column],
            rows[KNOWN_AT_OPENING],
            rows["caller"],
            start=rows["opened"],
        ),
        touchpoint="assignment",
        outcome="missed service level",
    )


def airline_story() -> None:
    """Print the first case study."""
    audit = jl.audit(HERE / "airline_bot.yaml")
    handoffs = audit.evidence.handoffs
    print("Airline bot")
    print(f"  conversations {handoffs.sessions}, handed over {handoffs.handed_over}")
    print(f"  no human joined: {handoffs.contained_raw}")
    print(f"  asked for a human: {handoffs.requests_rate}")
    print(f"  of those, a human came: {handoffs.requests_honoured}")
    print(f"  the bot went round in circles: {handoffs.loops}")
    rows = conversations()
    found = solved_by_transfer(rows)
    for name in ("all", "transferred", "stayed"):
        print(f"  solved, {name}: {found[name]}")
    print(
        f"  transferred minus stayed: {100 * found['difference']:+.1f} points "
        f"({100 * found['lo']:+.1f} to {100 * found['hi']:+.1f})"
    )
    both = within_tasks(rows)
    print(f"  tasks {rows['task'].nunique()}; tried both with and without a transfer {len(both)}:")
    print(f"    solved, transferred: {100 * both['transferred'].mean():.1f} % on average")
    print(f"    solved, stayed: {100 * both['stayed'].mean():.1f} % on average")


def incidents_story() -> None:
    """Print the second case study."""
    rows = tickets()
    print("Service incidents")
    for name, part, column in (
        ("ever passed on, all tickets", rows, "ever_passed_on"),
        ("passed on within hours, still open then", rows[rows["open_at_landmark"]],
         "passed_on_early"),
    ):  # fmt: skip
        effect = missed_by_passing_on(part, column)
        marked = part[column]
        print(f"  {name}: {len(part):,} tickets, {int(marked.sum()):,} passed on")
        for word, group in (("passed on", part[marked]), ("not", part[~marked])):
            print(f"    missed, {word}: {100 * group['missed'].mean():.1f} % of {len(group):,}")
        print(f"    naive {effect.naive}, adjusted {effect.adjusted}, AIPW {effect.effect}")
        print(f"    grade {effect.grade}, E-value {effect.e_value:.2f}", end="")
        print(f", left out {100 * effect.trimmed:.1f} %, imbalance {effect.max_smd:.3f}")
        for check in effect.checks:
            print(f"    {check.name}: {check.state}: {check.text}")


if __name__ == "__main__":
    airline_story()
    incidents_story()
