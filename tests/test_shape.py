"""A newcomer finds a line of the library by its folders: sizes that may not be passed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import shape

ENTRIES, ENTRIES_AT_THE_TOP = 12, 13
FUNCTION_LINES, PARAMETERS = 60, 6
VAGUE_NAMES = 1
# No room grows unseen: raise its limit in the commit that adds to it, and say why.
LINES = {
    "journeylib": 20,
    "audits": 6_668,
    "cli": 1_025,
    "core": 740,
    "delivery": 735,
    "journeys": 6_690,
    "judge": 6_050,
    "lab": 2_145,
    "log": 6_785,
    "measures": 6_390,
    "portfolio": 1_675,
    "present": 7_200,
    "workshop": 3_965,
}
# What is shown has the name of what is computed; settings stand where they are used.
SHOWN_IN = {"present", "workshop", "delivery"}
SAME_EVERYWHERE = {"settings"}


@pytest.fixture(scope="module", autouse=True)
def parsed_once() -> Iterator[None]:
    """Forget the trees of every module where the tests of this file end."""
    yield
    shape.parsed.cache_clear()


def test_a_folder_is_seen_at_a_glance() -> None:
    allowed = {"journeylib": ENTRIES_AT_THE_TOP}
    full = {
        folder: count
        for folder, count in shape.entries().items()
        if count > allowed.get(folder, ENTRIES)
    }
    assert full == {}


def test_a_name_stands_in_one_room_and_where_it_is_shown() -> None:
    twice = {
        stem: rooms
        for stem, rooms in shape.stems().items()
        if stem not in SAME_EVERYWHERE and len(rooms - SHOWN_IN) > 1
    }
    assert twice == {}


def test_a_function_fits_on_a_screen() -> None:
    assert [size for size in shape.functions() if size.lines > FUNCTION_LINES] == []


def test_what_belongs_together_is_handed_on_together() -> None:
    assert [size for size in shape.functions() if size.parameters > PARAMETERS] == []


def test_values_are_called_what_they_are() -> None:
    assert sum(shape.vague_names().values()) <= VAGUE_NAMES


def test_no_room_grows_unseen() -> None:
    lines = shape.lines_of_rooms()
    assert set(lines) == set(LINES)
    assert {room: count for room, count in lines.items() if count > LINES[room]} == {}
