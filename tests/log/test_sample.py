"""The sample logs are the committed bytes, and what they are said to hold is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from journeylib.log.schema import Schema
from sample_data.generator import COMPANIES, generate, write

SAMPLE_DATA = Path(__file__).resolve().parents[2] / "sample_data"
HUMAN = {"telecom": "agent", "bank": "CLERK"}
CUSTOMER = {"telecom": "customer", "bank": "User_1"}
FAILING = {"telecom": "Chatbot: fault", "bank": "Chatbot: cards"}
REQUEST = "agent!|human|person|Mitarbeiter|Menschen"
companies = pytest.mark.parametrize("company", sorted(COMPANIES))


def table(company: str, name: str) -> pd.DataFrame:
    path = SAMPLE_DATA / company / f"{name}.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def contacts(company: str) -> pd.DataFrame:
    """Events once each, in their true order, with the day where the time is legible."""
    frame = table(company, "contacts").drop_duplicates()
    frame["event"] = frame["event_id"].astype(int)
    frame["day"] = pd.to_datetime(frame["timestamp"].str[:10], format="%Y-%m-%d", errors="coerce")
    return frame.sort_values("event", ignore_index=True)


def churn_by(company: str, touchpoint: str, *columns: str) -> pd.Series:
    """Share that left within 30 days of a first, mature visit, by columns known at it."""
    frame, outcomes = contacts(company), table(company, "outcomes")
    left = outcomes[outcomes["kind"] == "churn"].set_index("customer_id")["date"]
    visits = frame[(frame["touchpoint"] == touchpoint) & (frame["solved"] != "")]
    visits = visits[visits["day"] <= "2026-06-05"].drop_duplicates("customer_id")
    days = (pd.to_datetime(visits["customer_id"].map(left)) - visits["day"]).dt.days
    return ((days >= 0) & (days <= 30)).groupby([visits[c] for c in columns]).mean()


def sessions(company: str, bot: str) -> pd.DataFrame:
    frame = contacts(company)
    begun = frame[frame["session_id"] != ""].drop_duplicates("session_id")
    ids = begun.loc[begun["touchpoint"] == bot, "session_id"]
    return frame[frame["session_id"].isin(ids)]


def truth(company: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLE_DATA / company / "truth.json").read_text())
    return loaded


def test_the_generator_writes_the_committed_bytes(tmp_path: Path) -> None:
    write(tmp_path)
    for company in COMPANIES:
        for name in ("contacts.csv", "outcomes.csv", "truth.json"):
            made, committed = tmp_path / company / name, SAMPLE_DATA / company / name
            assert made.read_bytes() == committed.read_bytes(), f"{company}/{name}"


def test_files_stay_small() -> None:
    sizes = [path.stat().st_size for path in SAMPLE_DATA.rglob("*") if path.is_file()]
    assert max(sizes) < 1_500_000
    assert sum(sizes) < 4_000_000


def test_another_seed_gives_another_log() -> None:
    one, two = generate("bank", 300, seed=1), generate("bank", 300, seed=2)
    assert not one.contacts.equals(two.contacts)


def test_a_misspelt_company_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="telecom, bank"):
        generate("telecon")
    with pytest.raises(ValueError, match="200 or more"):
        generate("bank", customers=50)


@companies
@pytest.mark.parametrize("which", [0, 1])
def test_a_bad_experience_at_a_deciding_touchpoint_costs_customers(
    company: str, which: int
) -> None:
    touchpoint = truth(company)["planted"]["decides_loyalty"][which]
    churn = churn_by(company, touchpoint, "solved")
    assert churn["0"] - churn["1"] > 0.15
    by_severity = churn_by(company, touchpoint, "severe", "solved")
    for severe in ("0", "1"):
        assert by_severity[severe, "0"] - by_severity[severe, "1"] > 0.15


@pytest.mark.parametrize(
    ("company", "touchpoint"), [("telecom", "Billing call"), ("bank", "Fee call")]
)
def test_a_touchpoint_that_merely_correlates_does_nothing_among_equals(
    company: str, touchpoint: str
) -> None:
    assert [*truth(company)["planted"]["only_correlates"]] == [touchpoint]
    naive = churn_by(company, touchpoint, "solved")
    assert naive["0"] - naive["1"] > 0.1
    equals = churn_by(company, touchpoint, "severe", "solved")
    assert abs(equals["0", "0"] - equals["0", "1"]) < 0.05
    assert abs(equals["1", "0"] - equals["1", "1"]) < 0.08
    severity = churn_by(company, touchpoint, "severe")
    assert severity["1"] - severity["0"] > 0.2


@companies
def test_truth_counts_what_the_log_shows(company: str) -> None:
    for bot, counted in truth(company)["bots"].items():
        talk = sessions(company, bot)
        joined = talk.loc[talk["actor"] == HUMAN[company], "session_id"].nunique()
        assert counted == {"sessions": talk["session_id"].nunique(), "human_joined": joined}
    assert truth(company)["events"] == len(table(company, "contacts"))


@companies
def test_one_bot_fails_silently_and_loses_context_and_one_does_well(company: str) -> None:
    planted = truth(company)["planted"]
    silent = {
        bot: (sessions(company, bot).groupby("session_id")["text"].last().str.endswith("?")).mean()
        for bot in (planted["failing_bot"], planted["good_bot"])
    }
    assert silent[planted["failing_bot"]] > 0.3
    assert silent[planted["good_bot"]] < 0.1
    talk = sessions(company, planted["failing_bot"])
    needed = talk[talk["context_requested"] != ""]
    assert (needed["context_sent"] != needed["context_requested"]).mean() > 0.5
    others = table(company, "contacts").query("context_requested != ''")
    others = others[~others["session_id"].isin(talk["session_id"])]
    assert (others["context_sent"] != others["context_requested"]).mean() < 0.25


def test_a_bot_without_exit_never_hands_over() -> None:
    talk = sessions("telecom", "Chatbot: number porting")
    assert talk["session_id"].nunique() > 30
    assert set(talk["actor"]) == {"bot", "customer"}
    assert talk["text"].str.contains(REQUEST).any()


def request_rates(company: str, tip: float) -> tuple[float, float]:
    """First requests for a human per minute with a bot, before and after `tip` minutes."""
    frame = contacts(company)
    planned = [bot for bot in truth(company)["bots"] if bot.startswith("Chatbot")]
    talk = pd.concat([sessions(company, bot) for bot in planned]).sort_values("event")
    talk = talk[talk["touchpoint"].isin(planned)]
    assert len(talk) < len(frame)
    at = pd.to_datetime(talk["timestamp"], format="ISO8601")
    minutes = (at - at.groupby(talk["session_id"]).transform("first")).dt.total_seconds() / 60
    asks = talk["text"].str.contains(REQUEST) & (talk["actor"] == CUSTOMER[company])
    asked = minutes[asks].groupby(talk["session_id"]).min()
    spent = minutes.groupby(talk["session_id"]).max().clip(upper=9.0)
    spent.update(asked)
    early = asked[asked <= tip].count() / np.minimum(spent, tip).sum()
    late = asked[asked > tip].count() / np.maximum(spent - tip, 0).sum()
    return float(early), float(late)


@pytest.mark.slow
def test_patience_tips_at_three_minutes_in_the_telecom_and_never_in_the_bank() -> None:
    early, late = request_rates("telecom", 3.0)
    assert 0.02 < early < 0.06
    assert 0.25 < late < 0.45
    early, late = request_rates("bank", 3.0)
    assert 0.5 < late / early < 1.6


@companies
def test_the_thin_touchpoint_the_phone_and_the_dirt(company: str) -> None:
    raw, facts = table(company, "contacts"), truth(company)
    thin = raw[raw["touchpoint"] == facts["planted"]["thin_evidence"]]
    assert len(thin) == thin["customer_id"].nunique() == 12
    callers = raw.groupby("phone")["customer_id"].nunique().sort_values()
    # some of the 40 never made contact, so fewer show up; every other number is one customer's
    assert 30 <= callers.iloc[-1] <= 40
    assert callers.iloc[-2] == 1
    assert raw.duplicated().sum() == 15
    assert raw.drop_duplicates()["event_id"].is_unique
    legible = pd.to_datetime(raw["timestamp"], format="ISO8601", errors="coerce").notna()
    assert (~legible).sum() == 6
    assert (raw["actor"] == facts["unmapped_actor"]).sum() == 20
    midnight = raw["timestamp"].str.endswith(" 00:00")
    assert midnight[raw["touchpoint"] == "Credit check"].mean() > 0.95
    assert midnight[raw["touchpoint"] != "Credit check"].mean() < 0.005
    assert 0.03 < (raw.loc[raw["touchpoint"] != "Credit check", "segment"] == "").mean() * 2 < 0.06


@companies
def test_minutes_tie_and_only_the_event_id_orders_them(company: str) -> None:
    raw = table(company, "contacts").drop_duplicates()
    tied = raw.duplicated(["customer_id", "timestamp"], keep=False)
    assert tied.sum() > 4000
    events = raw["event_id"].astype(int)
    assert not events.is_monotonic_increasing
    assert (raw["timestamp"].str.len() == 19).any() == (company == "telecom")


@companies
def test_week_and_year_leave_their_mark(company: str) -> None:
    day = contacts(company)["day"].dropna()
    by_weekday = day.groupby(day.dt.day_of_week).size()
    assert by_weekday[0] > 1.5 * by_weekday[6]
    assert (day < "2026-03-16").sum() > 1.15 * (day >= "2026-04-27").sum()
    assert day.min() == pd.Timestamp("2026-01-05")
    assert day.max() == pd.Timestamp("2026-07-05")


@companies
def test_ratings_come_from_the_extremes_and_surveys_go_unanswered(company: str) -> None:
    outcomes = table(company, "outcomes")
    asked = outcomes[outcomes["kind"].isin(["nps", "csat"])]
    assert (asked["asked"] != "").all()
    assert 0.5 < (asked["value"] == "").mean() < 0.85
    assert set(outcomes["kind"]) == {"churn", "complaint", "nps", "csat"}


@pytest.mark.parametrize(
    ("company", "broken", "simple"),
    [
        ("telecom", "Number porting", "Appointment change"),
        ("bank", "Identity check", "Address change"),
    ],
)
def test_a_broken_step_comes_back_and_a_simple_one_does_not(
    company: str, broken: str, simple: str
) -> None:
    frame = contacts(company).dropna(subset="day").sort_values(["customer_id", "day", "event"])
    opens = (frame["customer_id"] != frame["customer_id"].shift()) | (
        frame["day"].diff().dt.days > 14
    )
    visits = frame.assign(journey=opens.cumsum())[frame["solved"] != ""]
    share = {
        name: (visits[visits["touchpoint"] == name].groupby("journey").size() > 1).mean()
        for name in (broken, simple)
    }
    assert share[broken] > 0.4
    assert share[simple] < 0.05


@pytest.mark.slow
def test_ten_times_the_customers_make_ten_times_the_events() -> None:
    log = generate("telecom", 20_000, seed=3)
    assert 100_000 < len(log.contacts) < 140_000
    assert log.contacts["event_id"].nunique() == len(log.contacts) - 15


@companies
def test_the_audit_file_speaks_of_columns_and_words_that_exist(company: str) -> None:
    config = yaml.safe_load((SAMPLE_DATA / company / "audit.yaml").read_text())
    raw = table(company, "contacts")
    schema = Schema(**config["roles"])
    assert {*schema.roles().values(), *schema.attributes} == set(raw.columns)
    outcomes = config["log"]["outcomes"]
    assert outcomes["file"] == "outcomes.csv"
    assert set(outcomes["roles"].values()) == set(table(company, "outcomes").columns)
    unmapped = set(raw["actor"]) - set(schema.actor_values)
    assert unmapped == {truth(company)["unmapped_actor"]}
    assert set(schema.stage_order) == set(raw["stage"])
    assert set(schema.channel_order) == set(raw["channel"])
    ends = {*config["journeys"]["goals"], *config["journeys"]["bad_ends"]}
    assert ends <= set(raw["touchpoint"])
    assert str(config["as_of"]) == truth(company)["as_of"]


@companies
def test_the_readme_names_every_column(company: str) -> None:
    readme = (SAMPLE_DATA / "README.md").read_text()
    for column in table(company, "contacts").columns:
        assert f"`{column}`" in readme
