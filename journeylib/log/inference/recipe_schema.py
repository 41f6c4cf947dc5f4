"""A first schema for an export that a recipe reads."""

from __future__ import annotations

from typing import Any

import pandas as pd

from journeylib.core import text
from journeylib.log.engine.duckdb import connect
from journeylib.log.inference.schema_proposal import Proposal
from journeylib.log.sources.raw_table import FILE, POSITION, ROW
from journeylib.log.sources.recipes.execution import implied_schema, run_recipe
from journeylib.log.sources.recipes.recognise import RecognisedExport
from journeylib.log.sources.table_sources import drop_scratch

_SAMPLE_ROWS = 20_000


def propose_by_recipe(export: RecognisedExport) -> Proposal:
    """Return the schema that a recipe implies for an export.

    What the recipe left out or did not know is among the warnings.
    """
    recipe = export.recipe
    source: Any = list(export.files) if len(export.files) > 1 else export.files[0]
    raw = run_recipe(source, recipe, connect(), lambda columns, _: list(columns))
    names = [name for name in raw.table.columns if name not in (FILE, ROW, POSITION)]
    texts = {name: raw.table[name].cast("string") for name in names}
    sample: pd.DataFrame = raw.table.limit(_SAMPLE_ROWS).select(**texts).to_pandas()
    drop_scratch(raw)
    schema = implied_schema(recipe)
    sure = [fact.text for fact in raw.facts if fact.severity in ("ok", "note")]
    doubts = [fact.text for fact in raw.facts if fact.severity not in ("ok", "note")]
    facts = [text("log.proposal.export", title=recipe.title, name=recipe.name), *sure]
    if export.beside:
        facts.append(text("log.proposal.beside", files=export.beside))
    if export.unused:
        facts.append(text("log.proposal.unused", files=export.unused))
    if recipe.lacks:
        doubts.append(recipe.lacks)
    return Proposal(
        schema=schema,
        reasons=dict.fromkeys(schema.roles(), text("log.proposal.recipe", name=recipe.name)),
        confidence=dict.fromkeys(schema.roles(), "high"),
        facts=tuple(facts),
        warnings=tuple(doubts),
        columns=tuple(names),
        sample=sample,
    )
