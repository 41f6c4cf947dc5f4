"""Windows over rows as they lie equal windows that sort."""

import gc

import ibis
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis import _
from ibis.backends.duckdb import Backend

from journeylib.log.engine import duckdb as engine
from journeylib.log.engine.duckdb import connect, hold_coded, run
from journeylib.log.engine.row_order import (
    ROW_NUMBER,
    Runs,
    is_sorted,
    materialise_sorted,
    reusable,
)

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 20)), min_size=1, max_size=30)


def answers(held: ibis.Table, runs: Runs) -> pd.DataFrame:
    rows = held.mutate(
        **{ROW_NUMBER: runs.row()}, before=runs.before(_.value), after=runs.after(_.value)
    ).mutate(marked=_.before.isnull() | (_.value % 3 == 0))
    rows = rows.mutate(
        since=runs.since(_.marked),
        last=runs.at_last(_.marked, _.value),
        most=runs.most_so_far(_.value),
    )
    return rows.drop(ROW_NUMBER).to_pandas().sort_values(["who", "place"], ignore_index=True)


def held_rows(rows: list[tuple[int, int]]) -> ibis.Table:
    backend = connect()
    frame = pd.DataFrame(rows, columns=["who", "value"]).assign(place=range(len(rows)))
    table = backend.create_table("rows", frame.astype("int64"))
    return materialise_sorted(table, ["who"], ["place"])


@pytest.mark.slow
@given(rows=ROWS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_reading_as_they_lie_equals_sorting(rows: list[tuple[int, int]]) -> None:
    held = held_rows(rows)
    lying = Runs.of(held, "who", "place")
    assert lying.lying
    sorting = Runs("who", ("place",))
    pd.testing.assert_frame_equal(answers(held, lying), answers(held, sorting))


def test_neighbours_by_hand() -> None:
    # 1's values are 9, 4, 6; 2's only one is 3. Multiples of three and firsts are marked.
    held = held_rows([(1, 9), (2, 3), (1, 4), (1, 6)])
    found = answers(held, Runs.of(held, "who", "place")).astype(object)
    found = found.where(found.notna(), None)
    assert list(found["before"]) == [None, 9, 4, None]
    assert list(found["after"]) == [4, 6, None, None]
    assert list(found["since"]) == [0, 1, 0, 0]
    assert list(found["last"]) == [9, 9, 6, 3]
    assert list(found["most"]) == [9, 9, 9, 3]


def test_what_was_joined_or_has_another_key_does_not_lie_in_order() -> None:
    held = held_rows([(1, 9), (2, 3)])
    assert is_sorted(held.filter(_.value > 4).mutate(more=_.value + 1), "who")
    assert not is_sorted(held, "place")
    assert not is_sorted(held.semi_join(held.filter(_.value > 4), "who"), "who")
    assert not Runs.of(held, "who", "place", also=("value",), apart=True).lying


def test_rows_that_a_window_took_apart_by_another_key_do_not_lie_in_order() -> None:
    held = held_rows([(1, 9), (2, 3)])
    least = _.place.min().over(ibis.window(group_by="value"))
    assert not is_sorted(held.mutate(least=least).filter(_.least >= 0), "who")
    assert is_sorted(held.mutate(before=Runs.of(held, "who", "place").before(_.value)), "who")


def held_tables(backend: Backend) -> dict[str, str]:
    """Return the tables of a DuckDB with the type of their column ``word``."""
    found = run(
        backend, "SELECT table_name, data_type FROM duckdb_columns() WHERE column_name = 'word'"
    )
    return {str(name): str(kind) for name, kind in found}


@pytest.mark.slow
def test_codes_stay_codes_when_held_and_what_nobody_uses_is_let_go() -> None:
    backend = connect()
    frame = pd.DataFrame({"who": [2, 1, 1], "place": [0, 0, 1], "word": ["b", "a", None]})
    rows = hold_coded(backend, "raw", backend.create_table("given", frame), ["word"])
    for hold in (lambda: rows.cache(), lambda: materialise_sorted(rows, ["who"], ["place"])):
        held = hold()
        kinds = held_tables(backend)
        assert len(kinds) == 3 and kinds.pop("given") == "VARCHAR"
        assert set(kinds.values()) == {"ENUM('a', 'b')"}
        assert sorted(held.to_pandas()["word"].fillna("")) == ["", "a", "b"]
        del held
        gc.collect()
        assert set(held_tables(backend)) == {"given", "raw"}


def test_large_tables_are_packed_and_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(who, value) for value in range(2_000) for who in (2, 1)]
    plain = held_rows(rows)
    monkeypatch.setattr(engine, "_LARGE", 1)
    packed = held_rows(rows)
    backend = packed.get_backend()
    kinds = run(
        backend,
        "SELECT DISTINCT compression FROM pragma_storage_info("
        f"'{engine.PACKED}.main.{packed.op().name}') WHERE segment_type = 'BIGINT'",
    )
    assert ("Uncompressed",) not in kinds
    found = [answers(held, Runs.of(held, "who", "place")) for held in (plain, packed)]
    assert Runs.of(packed, "who", "place").lying
    pd.testing.assert_frame_equal(*found)


@pytest.mark.slow
@pytest.mark.parametrize(("most", "kind"), [(2, "tables"), (1, "views")])
def test_what_is_asked_often_reads_as_its_expression_and_goes_with_it(
    most: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_SMALL", most)
    backend = connect()
    rows = backend.create_table("rows", pd.DataFrame({"journey": [2, 1], "value": [4, 9]}))
    held = materialise_sorted(rows, ["journey"], ["value"])
    more = held.mutate(total=_.value.sum().over(ibis.window()))
    table = reusable(more)
    # The engine sums whole numbers as wider ones; the table has the type that Ibis declares.
    assert table.schema() == more.schema()
    assert table.to_pandas().to_dict("list") == {
        "journey": [1, 2],
        "value": [9, 4],
        "total": [13, 13],
    }
    assert is_sorted(table, "journey")
    name = table.op().name
    count = f"SELECT count(*) FROM duckdb_{kind}() WHERE {kind[:-1]}_name = '{name}'"
    del held, more
    gc.collect()
    # The table under a view stays as long as the view.
    assert table.count().to_pyarrow().as_py() == 2
    assert run(backend, count) == [(1,)]
    del table
    gc.collect()
    assert run(backend, count) == [(0,)]


@pytest.mark.parametrize("most", [9, 0])
def test_codes_stay_codes_where_they_are_asked_often(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_SMALL", most)
    backend = connect()
    rows = backend.create_table("rows", pd.DataFrame({"word": ["b", "a", None]}))
    table = reusable(hold_coded(backend, "coded", rows, ["word"]).mutate(more=1))
    kinds = dict(row[:2] for row in run(backend, f"DESCRIBE {table.op().name}"))
    assert kinds["word"] == "ENUM('a', 'b')"
    assert table.word.type().is_string()
