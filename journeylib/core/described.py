"""What describes itself: settings by the docstring of their class, results by their parts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sized
from dataclasses import fields
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

ENTRY = re.compile(r"^(\w[\w, ]*)\n((?:    .*\n?)+)", re.MULTILINE)

# One text is written without a list; its letters are no texts.
ONE_OR_MORE = BeforeValidator(
    lambda given: (given,) if isinstance(given, str) else given,
    json_schema_input_type=str | tuple[str, ...],
)


class Described(BaseModel):
    """A frozen model without unknown keys; its JSON Schema quotes the docstring's attributes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Let each field know its description, for error messages and written configurations."""
        for name, description in _attributes(cls):
            cls.model_fields[name].description = description

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the JSON Schema with the descriptions of the docstring."""
        schema = handler(core_schema)
        resolved = handler.resolve_ref_schema(schema)
        summary, _, _ = inspect.getdoc(cls).partition("\n\nAttributes\n")  # type: ignore[union-attr]
        resolved["description"] = summary
        for name, description in _attributes(cls):
            key = cls.model_fields[name].alias or name
            resolved["properties"][key]["description"] = description
        return schema


def _attributes(cls: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield what the docstrings of a class and of those it extends say of each field."""
    for base in reversed(cls.__mro__):
        if not issubclass(base, Described):
            continue
        _, _, section = (inspect.getdoc(base) or "").partition("\nAttributes\n----------\n")
        for names, words in ENTRY.findall(section):
            for name in names.split(", "):
                yield name, " ".join(words.split())


def named_parts(result: Any) -> str:
    """Return what a result holds, one line a part: for `__repr__`, and never the content of it.

    Examples
    --------
    >>> from dataclasses import make_dataclass
    >>> Found = make_dataclass("Found", ["rows", "n"], namespace={"__repr__": named_parts})
    >>> Found([1, 2], 3)
    Found
      .rows  list of 2
      .n     int
    """
    held = {field.name: getattr(result, field.name) for field in fields(result) if field.repr}
    wide = max(map(len, held))
    lines = [f"  .{name:<{wide}}  {_in_short(value)}" for name, value in held.items()]
    return "\n".join([type(result).__name__, *lines])


def _in_short(value: Any) -> str:
    kind = type(value).__name__
    if value is None:
        return "None"
    if hasattr(value, "shape"):
        return f"{kind} of {' × '.join(f'{length:,}' for length in value.shape)}"
    return f"{kind} of {len(value)}" if isinstance(value, Sized) and kind != "str" else kind
