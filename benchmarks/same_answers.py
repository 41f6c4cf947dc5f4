"""Whether audits still give the answers they gave: hashes of audit.json, key by key.

    python benchmarks/same_answers.py                  # run every audit that has its data, compare
    python benchmarks/same_answers.py telecom bank     # only these
    python benchmarks/same_answers.py --runs DIR       # compare the runs that lie below DIR
    python benchmarks/same_answers.py --runs DIR --store

The hashes of the commit before lie in same_answers.json. Numbers and names must not change where
only code moved; sentences may, where one was improved: keys whose texts alone differ are named so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[1]
STORED = HOME / "benchmarks" / "same_answers.json"
AUDITS = {
    "telecom": "sample_data/telecom/audit.yaml",
    "bank": "sample_data/bank/audit.yaml",
    "domestic-declarations": "examples/domestic_declarations.yaml",
    "incidents": "examples/incidents.yaml",
    "airline-bot": "examples/airline_bot.yaml",
}
# What is written in words, or names the run; all else are numbers, names and verdicts.
WORDS = frozenset({"text", "note", "reason", "reasons", "definition", "what", "source", "why_not",
                   "next_datum", "queue_reason", "handoff_reason", "sentences", "title",
                   "config_hash", "run_id"})  # fmt: skip


def hashes(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return for each top-level key the hash of all it holds, and of what is no sentence."""
    return {
        key: {"all": _hash(part), "numbers": _hash(_without_words(part))}
        for key, part in document.items()
    }


def _hash(part: Any) -> str:
    text = json.dumps(part, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_words(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {key: _without_words(value) for key, value in part.items() if key not in WORDS}
    return [_without_words(value) for value in part] if isinstance(part, list) else part


def differences(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str]]:
    """Yield each key that differs, and how: gone, new, words or numbers."""
    for key in dict.fromkeys((*before, *after)):
        if key not in after or key not in before:
            yield key, "gone" if key in before else "new"
        elif before[key]["numbers"] != after[key]["numbers"]:
            yield key, "numbers"
        elif before[key]["all"] != after[key]["all"]:
            yield key, "words"


def found_runs(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the documents of the newest runs below a folder, by the name of the audit."""
    documents = (json.loads(path.read_bytes()) for path in sorted(folder.rglob("audit.json")))
    return {document["audit"]["name"]: document for document in documents}


def fresh_runs(names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the audits whose data is there, and yield their documents."""
    import journeylib as jl

    for name in names:
        try:
            yield name, jl.audit(HOME / AUDITS[name]).document
        except jl.LogError as error:
            print(f"{name}: left out, {error}")


def main() -> int:
    """Compare, print what differs, and return 1 where numbers do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(AUDITS)}")
    parser.add_argument("--runs", type=Path, help="folder of runs to compare instead of new ones")
    parser.add_argument("--store", action="store_true", help="store the hashes instead")
    options = parser.parse_args()
    names = options.names or list(AUDITS)
    runs = found_runs(options.runs).items() if options.runs else fresh_runs(names)
    current = {name: hashes(document) for name, document in runs if name in names}
    if options.store:
        STORED.write_text(json.dumps(current, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    stored, failed = json.loads(STORED.read_text(encoding="utf-8")), False
    for name, keys in current.items():
        differing = list(differences(stored[name], keys))
        failed |= any(how != "words" for _, how in differing)
        print(f"{name}: " + (", ".join(f"{key} ({how})" for key, how in differing) or "the same"))
    return int(failed or not current)


if __name__ == "__main__":
    sys.exit(main())
