"""The schema of `audit.json`: the file `audit.schema.yaml` beside this one, in JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from journeylib.core import read_packaged

SCHEMA_VERSION = "1"
Node = Mapping[str, Any]


@cache
def document_schema() -> dict[str, Any]:
    """Return the JSON Schema of `audit.json`."""
    schema: dict[str, Any] = read_packaged(Path(__file__).with_name("audit.schema.yaml"))
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part:
            part |= {
                "type": "object",
                "required": list(part["properties"]),
                "additionalProperties": False,
            }
    return schema


def resolved(node: Node) -> Node:
    """Return the part of the schema that a reference names; of two, the one beside null."""
    alternatives = [one for one in node.get("anyOf", ()) if one != {"type": "null"}]
    if len(alternatives) == 1:
        return resolved(alternatives[0])
    if "$ref" not in node:
        return node
    part: Node = document_schema()["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return part


def types(node: Node) -> set[str]:
    """Return the JSON types that a part of the schema allows; empty where it allows all."""
    named = node.get("type", ())
    alternatives = (types(one) for one in node.get("anyOf", ()))
    return {named} if isinstance(named, str) else set(named).union(*alternatives)


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    # An error names the field; its value is left out, which may be a customer's text.
    return jsonschema_rs.Draft202012Validator(
        document_schema(), validate_formats=True, mask="this value"
    )


def validate(document: Mapping[str, Any]) -> None:
    """Check a document against the schema.

    Raises
    ------
    ValueError
        Names the first field that does not fit: then the schema or what fills it is wrong.
    """
    _validator().validate(document)


class DocumentPart(Mapping[str, Any]):
    """A part of `audit.json` to read: its fields are attributes, and keys as well."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = {name: _part_of(value) for name, value in fields.items()}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_fields"][name]
        except KeyError:
            raise AttributeError(f"this part of audit.json has no '{name}'") from None

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _part_of(value: Any) -> Any:
    if isinstance(value, Mapping):
        return DocumentPart(value)
    return tuple(map(_part_of, value)) if isinstance(value, list | tuple) else value


def read_document(text: str) -> DocumentPart:
    """Return the content of `audit.json`, checked against its schema.

    Raises
    ------
    ValueError
        If it is no JSON, or does not fit the schema.
    """
    document = json.loads(text)
    validate(document)
    return DocumentPart(document)
