"""What is held in the engine: in order, packed where it is large, and let go with its last user."""

import gc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from journeylib.log.engine import duckdb as engine
from journeylib.log.engine.duckdb import connect, hold_coded, run, set_aside
from journeylib.log.engine.row_order import _ORDERS, in_order, rows_by_customer

from .conftest import read


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
    for ordered in (rows, rows.order_by(["who", "place"])):
        held = ordered.cache()
        kinds = held_tables(backend)
        assert len(kinds) == 3 and kinds.pop("given") == "VARCHAR"
        assert set(kinds.values()) == {"ENUM('a', 'b')"}
        assert sorted(held.to_pandas()["word"].fillna("")) == ["", "a", "b"]
        del held, ordered
        gc.collect()
        assert set(held_tables(backend)) == {"given", "raw"}


def test_large_tables_are_packed_and_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"customer": ["b", "a"] * 2_000, "t_us": [*range(2_000)] * 2})
    frame = frame.assign(touchpoint="Look", position=range(4_000))
    tables = []
    for large in (10**9, 1):
        monkeypatch.setattr(engine, "_LARGE", large)
        backend = connect()
        tables.append(in_order(backend.create_table("given", frame)))
    (plain, _order), (packed, order) = tables
    kinds = run(
        packed.get_backend(),
        "SELECT DISTINCT compression FROM pragma_storage_info("
        f"'{engine.PACKED}.main.{packed.op().name}') WHERE segment_type = 'BIGINT'",
    )
    assert ("Uncompressed",) not in kinds
    assert order.numbers["customer_no"].tolist() == [0] * 2_000 + [1] * 2_000
    # a's rows are the odd ones of both copies.
    assert order.numbers["t_us"].tolist()[:4] == [1, 1, 3, 3]
    rows = [table.to_pandas().sort_values("position") for table in (plain, packed)]
    pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in rows))


def test_an_engine_that_is_set_aside_spills_answers_as_before_and_keeps_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "_ASIDE", "20MB")
    backend = connect(memory_limit="512MiB")
    run(backend, "CREATE TEMP TABLE rows AS SELECT hash(i) AS value FROM range(8_000_000) AS t(i)")
    held = "SELECT sum(memory_usage_bytes) FROM duckdb_memory()"
    total = "SELECT bit_xor(value), count(*) FROM rows"
    [[before]], limit, told = (
        run(backend, query) for query in (held, "SELECT current_setting('memory_limit')", total)
    )
    assert before > 50_000_000
    set_aside(backend)
    [[after]] = run(backend, held)
    assert after <= 20_000_000
    assert run(backend, "SELECT current_setting('memory_limit')") == limit
    assert run(backend, total) == told


@given(
    customers=st.integers(1, 5),
    rows=st.lists(st.tuples(st.integers(0, 4), *[st.integers(0, 2)] * 3), max_size=200),
)
def test_rows_are_in_order_of_customer_and_keys(
    customers: int, rows: list[tuple[int, int, int, int]]
) -> None:
    columns = np.ascontiguousarray(np.array(rows, dtype=np.int64).reshape(-1, 4).T)
    customer = (columns[0] % customers).astype(np.int32)
    sizes = np.bincount(customer, minlength=5)
    keys = columns[1], columns[2], columns[3].astype(np.int32)
    order = rows_by_customer(customer, sizes, keys)
    assert order.tolist() == np.lexsort((*keys[::-1], customer)).tolist()


def test_an_order_goes_with_its_engine() -> None:
    kept = set(_ORDERS)
    log = read(pd.DataFrame({"who": ["b", "a"], "what": "x", "at": "2024-01-01"}))
    assert len(set(_ORDERS) - kept) == 1
    del log
    gc.collect()
    assert set(_ORDERS) <= kept
