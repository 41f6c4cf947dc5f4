"""Command line: look at a log, run an audit, publish the schemas."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

OK, GATE_FAILED, WRONG_INPUT, RUN_FAILED = 0, 1, 2, 3

EXIT_STATUS = (
    "exit status: 0 done and all gates passed; 1 done, a gate failed; "
    "2 the input or the configuration is wrong, nothing was written; 3 the run itself failed"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    # Nothing heavy is imported before here: --help must answer at once.
    from journeylib.errors import ConfigError, JourneylibError, LogError

    try:
        return int(options.command(options))
    except (ConfigError, LogError) as error:
        return _fail(f"{error}", WRONG_INPUT)
    except JourneylibError as error:
        return _fail(f"{error}", RUN_FAILED)
    except KeyboardInterrupt:
        return _fail("stopped; no half run was left.", RUN_FAILED)


def _fail(message: str, status: int) -> int:
    print(f"journeylib: {message}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="journeylib",
        description="Rebuild customer journeys from event logs and audit where machines should "
        "serve and where people must.",
        epilog=EXIT_STATUS,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    init = commands.add_parser(
        "init", help="look at a log and write a first configuration", epilog=EXIT_STATUS
    )
    init.add_argument("log", metavar="LOG", help="CSV, Parquet, JSON Lines, XES or OCEL file")
    init.add_argument("--outcomes", metavar="FILE", help="table of churn, complaints, surveys …")
    init.add_argument("--out", metavar="CONFIG", type=Path, help="default: LOG's name with .yaml")
    init.add_argument("--force", action="store_true", help="replace an existing configuration")
    init.set_defaults(command=_init)

    audit = commands.add_parser(
        "audit", help="run an audit and leave its dashboard", epilog=EXIT_STATUS
    )
    audit.add_argument("config", metavar="CONFIG", type=Path, help="YAML, as init writes it")
    audit.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("audits"), help="default: audits"
    )
    audit.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], dest="overrides",
        help="change one setting, such as measures.repeat_days=14; may be repeated",
    )  # fmt: skip
    audit.add_argument(
        "--as-of", metavar="DAY", type=_day, help="look back from this day, such as 2026-07-01"
    )
    audit.set_defaults(command=_audit)

    workshop = commands.add_parser(
        "workshop",
        help="make poster, slides, presentation and cards from a run of an audit",
        epilog=EXIT_STATUS,
    )
    workshop.add_argument("config", metavar="CONFIG", type=Path, help="YAML, as init writes it")
    workshop.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("workshops"), help="default: workshops"
    )
    workshop.add_argument(
        "--lang", metavar="CODE", default="en", help="language of the texts: en or de"
    )
    workshop.add_argument(
        "--from", metavar="RUN", type=Path, dest="run",
        help="a run directory; default: the latest of CONFIG in --audits, else a new one",
    )  # fmt: skip
    workshop.add_argument(
        "--audits", metavar="DIR", type=Path, default=Path("audits"),
        help="where runs of audits are; default: audits",
    )  # fmt: skip
    workshop.set_defaults(command=_workshop)

    notes = commands.add_parser(
        "notes", help="take what people say in a workshop to a board and back", epilog=EXIT_STATUS
    )
    ways = notes.add_subparsers(metavar="WAY", required=True)
    export = ways.add_parser(
        "export",
        help="write notes and questions as a table; its column 'text' pastes into a board",
        epilog=EXIT_STATUS,
    )
    export.add_argument("run", metavar="RUN", type=Path, help="such as audits/NAME/latest")
    export.add_argument(
        "--out", metavar="FILE", type=Path, default=Path("notes.csv"),
        help=".csv or .xlsx; default: notes.csv",
    )  # fmt: skip
    export.add_argument(
        "--lang", metavar="CODE", default="en", help="language of the questions: en or de"
    )
    export.set_defaults(command=_export_notes)
    take = ways.add_parser(
        "import", help="read a table of notes and keep it beside the runs", epilog=EXIT_STATUS
    )
    take.add_argument("file", metavar="FILE", type=Path, help="CSV or Excel workbook")
    take.add_argument("--run", metavar="RUN", type=Path, required=True, help="what they are about")
    take.add_argument(
        "--round", metavar="N", type=int, default=1, help="of new notes that do not say theirs"
    )
    take.set_defaults(command=_import_notes)

    schema = commands.add_parser("schema", help="print a JSON Schema")
    schema.add_argument("what", choices=["config", "audit"])
    schema.set_defaults(command=_schema)
    return parser


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no day; write it as 2026-07-01") from None


def _init(options: argparse.Namespace) -> int:
    from journeylib.audits.draft import write_first_config

    path, account = write_first_config(
        options.log, outcomes=options.outcomes, out=options.out, force=options.force
    )
    print(account)
    print(f"\nWrote {path}. Read it, change what is wrong, then: journeylib audit {path}")
    return OK


def _audit(options: argparse.Namespace) -> int:
    from journeylib.present.execute import run_audit

    run = run_audit(
        options.config,
        out=options.out,
        overrides=options.overrides,
        as_of=options.as_of,
        progress=sys.stderr.isatty(),
    )
    print(run.summary)
    return OK if run.passed else GATE_FAILED


def _workshop(options: argparse.Namespace) -> int:
    from journeylib.present.workshop import prepare_workshop

    pack = prepare_workshop(
        options.config,
        out=options.out,
        language=options.lang,
        run=options.run,
        audits=options.audits,
        progress=sys.stderr.isatty(),
    )
    print(pack.summary)
    return OK


def _export_notes(options: argparse.Namespace) -> int:
    from journeylib.present.workshop.starters import export_notes

    notes = export_notes(options.run, options.out, language=options.lang)
    print(f"Wrote {len(notes)} notes to {options.out}. Paste its column 'text' into the board.")
    return OK


def _import_notes(options: argparse.Namespace) -> int:
    from journeylib.audits.notes import notes_file
    from journeylib.present.workshop.starters import take_notes

    found = take_notes(options.run, options.file, round=options.round)
    for message in found.messages:
        print(message, file=sys.stderr)
    print(
        f"{found.summary} Kept in {notes_file(options.run)}; make the workshop again to see them."
    )
    return OK


def _schema(options: argparse.Namespace) -> int:
    import json

    from journeylib.audits.config import config_schema
    from journeylib.audits.document import document_schema

    schema = config_schema() if options.what == "config" else document_schema()
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return OK


if __name__ == "__main__":
    sys.exit(main())
