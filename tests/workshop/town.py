"""A made-up utility with long German names: any number of touchpoints, and one secret."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

STAGES = ("Informationsbeschaffung", "Vertragsabschluss", "Inbetriebnahme", "Störungsbehebung")
CHANNELS = ("Selbstbedienungsportal", "Telefon-Hotline", "Chatbot", "Filiale")
ACTORS = {"Telefon-Hotline": "human", "Filiale": "human", "Chatbot": "bot"}
MATTERS = (
    "Vertragsverlängerungsangebot", "Störungsannahme", "Rechnungserläuterung",
    "Rufnummernmitnahme", "Geschwindigkeitsmessung", "Kündigungsbestätigung",
    "Zahlungserinnerung", "Terminvereinbarung Technikerbesuch", "Tarifwechselberatung",
    "Abschlagsanpassung",
)  # fmt: skip
FIRST = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
CUSTOMERS = 60
COLUMNS = ("customer", "touchpoint", "stage", "channel", "time", "actor", "sentiment", "text",
           "segment", "session")  # fmt: skip

# One customer only: none of this may be read in anything that is made.
SECRET_ID, SECRET_TEXT = "kunde-einzig-4711", "mein Passwort ist Schnabeltier"
SECRET_PLACE, SECRET_TIME = "Notfallbesuch der Direktion", dt.datetime(2026, 1, 19, 3, 7, 11)
SECRETS = (SECRET_ID, "Schnabeltier", SECRET_PLACE, "03:07", "3:07:11")

CONFIG = """
name: stadt
title: Versorgungsunternehmen Musterstadt
log: {files: [log.csv]}
roles:
  customer: customer
  touchpoint: touchpoint
  stage: stage
  channel: channel
  timestamp: time
  actor: actor
  sentiment: sentiment
  text: text
  segment: segment
  session: session
  actor_values: {bot: bot, human: human, system: system}
  stage_order: [Informationsbeschaffung, Vertragsabschluss, Inbetriebnahme, Störungsbehebung]
journeys: {cut: customer, quiet_days: 1, min_customers: 5}
small_cells_permitted_by: The people of a made-up town
plan: {steps: [%s]}
"""


def touchpoints(many: int) -> list[tuple[str, str, str]]:
    """Return `many` touchpoints as (stage, channel, name), dealt to the stages in turn."""
    found = []
    for i in range(many):
        turn, stage = divmod(i, len(STAGES))
        channel = CHANNELS[(turn + stage) % len(CHANNELS)]
        found.append((STAGES[stage], channel, f"{MATTERS[turn % len(MATTERS)]} {stage + 1}"))
    return sorted(found, key=lambda point: STAGES.index(point[0]))


def write_town(folder: Path, many: int) -> Path:
    """Write a log and its configuration; return the path of the configuration."""
    points = touchpoints(many)
    rows = []
    for customer in range(CUSTOMERS):
        at = FIRST + dt.timedelta(hours=7 * customer)
        for i, (stage, channel, name) in enumerate(points):
            if (customer + 3 * i + customer * i % 5) % 4 == 0:
                continue
            at += dt.timedelta(minutes=37 + (customer * i) % 91)
            mood = -0.8 if "Störung" in name else 0.6 if "beratung" in name else 0.1
            segment = "Privatkundschaft" if customer % 3 else "Geschäftskundschaft"
            rows.append([
                f"K{customer:03d}", name, stage, channel, at.isoformat(),
                ACTORS.get(channel, "system"), mood + 0.01 * (customer % 7), "", segment,
                f"s{customer}-{i}",
            ])  # fmt: skip
    rows.append([
        SECRET_ID, SECRET_PLACE, STAGES[3], "Filiale", SECRET_TIME.isoformat() + "+00:00", "human",
        -0.9, SECRET_TEXT, "Privatkundschaft", "s-einzig",
    ])  # fmt: skip
    with (folder / "log.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(sorted(rows, key=lambda row: row[4]))
    plan = ", ".join(f'"{points[i * len(points) // 4][2]}"' for i in range(4))
    (folder / "audit.yaml").write_text(CONFIG % plan, encoding="utf-8")
    return folder / "audit.yaml"
