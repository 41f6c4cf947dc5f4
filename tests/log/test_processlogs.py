from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from journeylib.core.errors import LogError, SchemaError
from journeylib.log.sources.process_mining import ObjectType, read_ocel, refuse_entities

from .conftest import checks_of, frame_of, read

XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0">
  <trace><string key="concept:name" value="c1"/>
    <event><string key="concept:name" value="open"/>
      <date key="time:timestamp" value="2024-07-01T12:00:00.000+02:00"/></event>
    <event><string key="concept:name" value="close"/>
      <date key="time:timestamp" value="2024-07-01T12:00:00.000Z"/></event>
  </trace>
</log>"""
ROLES = {
    "journey": "case:concept:name",
    "touchpoint": "concept:name",
    "timestamp": "time:timestamp",
}
BOMB = """<?xml version="1.0"?><!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>
<log><trace><string key="concept:name" value="&b;"/></trace></log>"""
NOON = 1719835200000000


@pytest.mark.parametrize("packed", [False, True])
def test_xes_times_are_utc_whatever_the_zone(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("log.xes.gz" if packed else "log.xes")
    path.write_bytes(gzip.compress(XES.encode()) if packed else XES.encode())
    rows = frame_of(read(path, ROLES | {"timezone": "Europe/Berlin"}))
    assert rows["touchpoint"].tolist() == ["open", "close"]
    assert rows["t_us"].tolist() == [NOON - 7_200_000_000, NOON]
    assert rows["customer"].tolist() == ["c1", "c1"]


def test_traces_of_one_name_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    trace = XES[XES.index("  <trace>") : XES.index("</log>")]
    more = trace + trace.replace("c1", "c2") + trace.replace('value="c1"', "value='c3'") * 2
    path.write_text(XES.replace("</log>", more + "</log>"), "utf-8")
    found = checks_of(read(path, ROLES), "traces_alike")
    assert found["rows"].tolist() == [4]  # c1 twice and c3 twice
    path.write_text(XES, "utf-8")
    assert checks_of(read(path, ROLES), "traces_alike").empty


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_parsing(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "log.xes"
    path.write_bytes(BOMB.encode(encoding))
    with pytest.raises(LogError, match=r"has a document type"):
        read(path, ROLES)


def test_a_doctype_in_text_is_no_doctype() -> None:
    refuse_entities(io.BytesIO(b"<log><!-- <!DOCTYPE x> --></log>"), "log.xes")
    with pytest.raises(LogError, match=r"is not XML, or is damaged"):
        refuse_entities(io.BytesIO(b"who,what\n"), "log.xes")


OCEL = """{"objectTypes": [{"name": "order", "attributes": []}, {"name": "item", "attributes": []}],
"eventTypes": [{"name": "place", "attributes": []}, {"name": "pay", "attributes": []}],
"objects": [{"id": "o1", "type": "order"}, {"id": "o2", "type": "order"},
            {"id": "i1", "type": "item"}],
"events": [
 {"id": "e1", "type": "place", "time": "2024-07-01T12:00:00Z",
  "relationships": [{"objectId": "o1", "qualifier": "x"}, {"objectId": "i1", "qualifier": "x"}]},
 {"id": "e2", "type": "pay", "time": "2024-07-01T13:00:00Z",
  "relationships": [{"objectId": "o1", "qualifier": "x"}, {"objectId": "o2", "qualifier": "x"}]}
]}"""


@pytest.mark.filterwarnings("ignore")
def test_ocel_is_flattened_on_the_chosen_type(tmp_path: Path) -> None:
    path = tmp_path / "orders.ocel.json"
    path.write_text(OCEL)
    rows = frame_of(read(path, ROLES, object_type="order"))
    pairs = sorted(zip(rows["case"], rows["touchpoint"], rows["t_us"], strict=True))
    assert pairs == [
        ("o1", "pay", NOON + 3_600_000_000),
        ("o1", "place", NOON),
        ("o2", "pay", NOON + 3_600_000_000),
    ]
    with pytest.raises(SchemaError, match=r"Did you mean 'order'.*item, order"):
        read(path, ROLES, object_type="orders")
    with pytest.raises(SchemaError, match=r"Declare as object_type"):
        read(path, ROLES)
    path.write_text("{}")
    with pytest.raises(LogError, match=r"cannot be read as OCEL 2.0"):
        read(path, ROLES, object_type="order")


def test_ocel_xml_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "orders.xmlocel"
    path.write_text(BOMB)
    with pytest.raises(LogError, match=r"has a document type"):
        read(path, ROLES, object_type="order")


def types_of(path: Path) -> list[ObjectType]:
    offered: list[ObjectType] = []

    def first(types: Sequence[ObjectType]) -> str:
        offered.extend(types)
        return types[0].name

    read_ocel(path, first)
    return offered


@pytest.mark.filterwarnings("ignore")
def test_types_of_objects_say_what_following_them_loses(tmp_path: Path) -> None:
    path = tmp_path / "orders.ocel.json"
    path.write_text(OCEL)
    # Both events touch an order, one of them two; one event touches no item.
    assert types_of(path) == [ObjectType("order", 0, 1), ObjectType("item", 1, 0)]


OCEL_1 = """{"ocel:global-event": {"ocel:activity": "?"}, "ocel:global-object": {"ocel:type": "?"},
"ocel:global-log": {"ocel:attribute-names": [], "ocel:object-types": ["order", "item"],
 "ocel:version": "1.0", "ocel:ordering": "timestamp"},
"ocel:events": {
 "e1": {"ocel:activity": "place", "ocel:timestamp": "2024-07-01T12:00:00+00:00",
        "ocel:omap": ["o1", "i1"], "ocel:vmap": {}},
 "e2": {"ocel:activity": "pay", "ocel:timestamp": "2024-07-01T13:00:00+00:00",
        "ocel:omap": ["o1", "o2"], "ocel:vmap": {}}},
"ocel:objects": {"o1": {"ocel:type": "order", "ocel:ovmap": {}},
 "o2": {"ocel:type": "order", "ocel:ovmap": {}}, "i1": {"ocel:type": "item", "ocel:ovmap": {}}}}"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["jsonocel", "xmlocel", "sqlite"])
def test_the_first_version_of_ocel_is_read_too(tmp_path: Path, kind: str) -> None:
    import pm4py

    path = tmp_path / "orders.jsonocel"
    path.write_text(OCEL_1)
    if kind != "jsonocel":
        other = tmp_path / f"orders.{kind}"
        writer = {"xmlocel": pm4py.write_ocel_xml, "sqlite": pm4py.write_ocel_sqlite}[kind]
        writer(pm4py.read_ocel(str(path)), str(other))
        path = other
    rows = frame_of(read(path, ROLES, object_type="order"))
    pairs = sorted(zip(rows["case"], rows["touchpoint"], rows["t_us"], strict=True))
    hour = 3_600_000_000
    assert pairs == [("o1", "pay", NOON + hour), ("o1", "place", NOON), ("o2", "pay", NOON + hour)]


@pytest.mark.filterwarnings("ignore")
def test_a_table_with_lists_of_objects_is_object_centric_too(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "ocel:eid,ocel:activity,ocel:timestamp,price,ocel:type:order,ocel:type:item\n"
        "e1,place,2024-07-01T12:00:00+00:00,3,['o1'],['i1']\n"
        "e2,pay,2024-07-01T13:00:00+00:00,3,\"['o1', 'o2']\",[]\n"
    )
    assert types_of(path) == [ObjectType("order", 0, 1), ObjectType("item", 1, 0)]
    rows = frame_of(read(path, ROLES, object_type="order"))
    assert sorted(zip(rows["case"], rows["touchpoint"], strict=True)) == [
        ("o1", "pay"), ("o1", "place"), ("o2", "pay")
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zone", ["", "Z"])
def test_times_of_ocel_without_zone_are_in_the_declared_one(tmp_path: Path, zone: str) -> None:
    path = tmp_path / "orders.jsonocel"
    path.write_text(OCEL_1.replace("+00:00", zone))
    roles = ROLES | {"timezone": "Europe/Berlin"}
    rows = frame_of(read(path, roles, object_type="item"))
    # Noon in Berlin is 10 o'clock UTC in July.
    assert rows["t_us"].tolist() == [NOON if zone else NOON - 2 * 3_600_000_000]
