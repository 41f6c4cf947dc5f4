"""The published schemas are those of the code."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from journeylib.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ROOT / "docs" / "formats"
CONFIGS = sorted(ROOT.glob("sample_data/*/audit.yaml")) + sorted(ROOT.glob("examples/*.yaml"))


@pytest.mark.parametrize("what", ["config", "audit"])
def test_published_schemas_are_current(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", what]) == 0
    published = (FORMATS / f"{what}.schema.json").read_text("utf-8")
    assert capsys.readouterr().out == published, "run `make formats`"


@pytest.mark.parametrize("what", ["config", "audit"])
def test_schemas_are_schemas(what: str) -> None:
    schema = json.loads((FORMATS / f"{what}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_configurations_are_valid_where_editors_look(path: Path) -> None:
    schema = json.loads((FORMATS / "config.schema.json").read_text("utf-8"))
    content = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))
    jsonschema.validate(content, schema)
