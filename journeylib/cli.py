"""Command line: look at a log, run an audit, publish the schemas."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journeylib.audits.delivery import When
    from journeylib.audits.several import Planned

OK, GATE_FAILED, WRONG_INPUT, RUN_FAILED = 0, 1, 2, 3
DIFFERENT = 1  # a run made again is not the same

EXIT_STATUS = (
    "exit status: 0 done and all gates passed; 1 done, a gate failed; "
    "2 the input or the configuration is wrong, nothing was written; 3 the run itself failed, or "
    "could not be sent. Of several audits the worst counts"
)
TRACE = "JOURNEYLIB_TRACE"
SEND: dict[bool | None, When | None] = {True: "always", False: "never", None: None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        with _ended_gently():
            return _status(lambda: options.command(options))
    except KeyboardInterrupt:
        return RUN_FAILED


def _status(command: Callable[[], int], name: str = "") -> int:
    """Run a command; say what went wrong, and return the exit status that stands for it."""
    # Nothing heavy is imported before here: --help must answer at once.
    from journeylib.errors import ConfigError, JourneylibError, LogError

    try:
        return int(command())
    except (ConfigError, LogError) as error:
        return _fail(f"{name}{error}", WRONG_INPUT)
    except JourneylibError as error:
        return _fail(f"{name}{error}", RUN_FAILED)
    except KeyboardInterrupt:
        _fail(f"{name}stopped; no half run was left.", RUN_FAILED)
        raise
    except Exception as error:
        # Else Python would end with 1, which says that a gate failed. The text of an error that
        # is not ours may hold a customer's data.
        if os.environ.get(TRACE):
            raise
        return _fail(
            f"{name}stopped by a fault of its own ({type(error).__name__}); no half run was left. "
            f"Set {TRACE}=1 to see where, and report it.",
            RUN_FAILED,
        )


@contextlib.contextmanager
def _ended_gently() -> Iterator[None]:
    """Let a scheduler's stop tidy up as Ctrl-C does."""

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = None
    with contextlib.suppress(ValueError):  # not in the main thread
        before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


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
    init.add_argument(
        "log", metavar="LOG",
        help="CSV, Parquet, JSON Lines, XES or OCEL file; or file or folder of an export of a "
        "system that `journeylib recipes` lists",
    )  # fmt: skip
    init.add_argument("--outcomes", metavar="FILE", help="table of churn, complaints, surveys …")
    init.add_argument("--out", metavar="CONFIG", type=Path, help="default: LOG's name with .yaml")
    init.add_argument("--force", action="store_true", help="replace an existing configuration")
    init.add_argument(
        "--object-type", metavar="TYPE", help="of an OCEL log: whose objects are the journeys"
    )
    init.set_defaults(command=_init)

    audit = commands.add_parser(
        "audit", help="run an audit and leave its dashboard", epilog=EXIT_STATUS
    )
    audit.add_argument(
        "configs", metavar="CONFIG", type=Path, nargs="+",
        help="YAML, as init writes it, or a list of them: audits: [a.yaml, b.yaml]. One that "
        "fails does not stop the others",
    )  # fmt: skip
    audit.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("audits"), help="default: audits"
    )
    audit.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], dest="overrides",
        help="change one setting, such as measures.repeat_days=14; may be repeated",
    )  # fmt: skip
    audit.add_argument(
        "--engine", metavar="ADDRESS",
        help="where it is computed: duckdb, spark or spark://host:7077 (default: the "
        "configuration's, else duckdb)",
    )  # fmt: skip
    audit.add_argument(
        "--as-of", metavar="DAY", type=_day, help="look back from this day, such as 2026-07-01"
    )
    audit.add_argument(
        "--send", action=argparse.BooleanOptionalAction,
        help="send mail and messages, or do not; default: as delivery.when says",
    )  # fmt: skip
    audit.add_argument(
        "--timeout", metavar="MINUTES", type=_minutes, help="stop a run that takes longer"
    )
    audit.set_defaults(command=_audit)

    history = commands.add_parser("history", help="list the runs of an audit")
    history.add_argument("runs", metavar="DIR/NAME", nargs="?", help="default: audits")
    history.set_defaults(command=_history)

    compare = commands.add_parser(
        "compare",
        help="say what is not the same in two runs",
        epilog="A run is a run directory, a run id, latest or previous.",
    )
    compare.add_argument("before", metavar="A")
    compare.add_argument("after", metavar="B")
    compare.add_argument("--runs", metavar="DIR/NAME", help="where runs are; default: audits")
    compare.set_defaults(command=_compare)

    reproduce = commands.add_parser(
        "reproduce",
        help="make a run again and compare it byte for byte",
        epilog="exit status: 0 the same; 1 different; 2 the input is gone or has changed",
    )
    reproduce.add_argument("run", metavar="RUN", help="run directory, run id, latest or previous")
    reproduce.add_argument("--runs", metavar="DIR/NAME", help="where runs are; default: audits")
    reproduce.add_argument(
        "--config", metavar="CONFIG", type=Path, help="YAML that says where the log is now"
    )
    reproduce.set_defaults(command=_reproduce)

    workshop = commands.add_parser(
        "workshop",
        help="make poster, slides, presentation and cards from a run of an audit",
        epilog=EXIT_STATUS,
    )
    workshop.add_argument(
        "configs", metavar="CONFIG", type=Path, nargs="+",
        help="YAML, as init writes it, or a list of audits: one folder each",
    )  # fmt: skip
    workshop.add_argument(
        "--as-of", metavar="DAY", type=_day, help="look back from this day, such as 2026-07-01"
    )
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
        "import",
        help="read notes from a table or edited slides and keep them beside the runs",
        epilog=EXIT_STATUS,
    )
    take.add_argument("file", metavar="FILE", type=Path, help="CSV, Excel workbook, or slides.pptx")
    take.add_argument("--run", metavar="RUN", type=Path, required=True, help="what they are about")
    take.add_argument(
        "--round", metavar="N", type=int, default=1, help="of new notes that do not say theirs"
    )
    take.set_defaults(command=_import_notes)

    recipes = commands.add_parser(
        "recipes", help="list the systems whose exports are read as they are"
    )
    recipes.add_argument(
        "name", metavar="NAME", nargs="?", help="print this one, to copy and edit it"
    )
    recipes.set_defaults(command=_recipes)

    schema = commands.add_parser("schema", help="print a JSON Schema")
    schema.add_argument("what", choices=["config", "audit"])
    schema.set_defaults(command=_schema)
    return parser


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no day; write it as 2026-07-01") from None


def _minutes(text: str) -> float:
    try:
        if (minutes := float(text)) > 0:
            return minutes
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"'{text}' is no number of minutes above 0")


def _init(options: argparse.Namespace) -> int:
    from journeylib.audits.draft import write_first_config

    path, account = write_first_config(
        options.log,
        outcomes=options.outcomes,
        out=options.out,
        force=options.force,
        object_type=options.object_type,
    )
    print(account)
    print(f"\nWrote {path}. Read it, change what is wrong, then: journeylib audit {path}")
    return OK


def _audit(options: argparse.Namespace) -> int:
    from journeylib.audits.several import planned

    audits = planned(options.configs)

    def run(audit: Planned) -> int:
        name = f"{audit.config}: " if len(audits) > 1 else ""
        return _status(lambda: _run(options, audit), name)

    return max(run(audit) for audit in audits)


def _run(options: argparse.Namespace, audit: Planned) -> int:
    from journeylib.errors import JourneylibError
    from journeylib.present.deliver import append_job_summary
    from journeylib.present.execute import run_audit

    engine = [] if options.engine is None else [f"engine.address={json.dumps(options.engine)}"]
    try:
        run = run_audit(
            audit.config,
            out=options.out,
            overrides=[*audit.overrides, *options.overrides, *engine],
            as_of=options.as_of,
            send_when=SEND[options.send],
            timeout_minutes=options.timeout,
            progress=sys.stderr.isatty(),
        )
    except JourneylibError as error:
        append_job_summary(f"## 🔻 {audit.config.name} could not be run\n\n{error}")
        raise
    print(run.summary)
    append_job_summary((run.folder / "summary.md").read_text(encoding="utf-8"))
    for reason in run.unsent:
        _fail(f"not sent: {reason} The run is complete in {run.folder}; start the same command "
              "again to send what is missing.", RUN_FAILED)  # fmt: skip
    if run.unsent:
        return RUN_FAILED
    return OK if run.passed else GATE_FAILED


def _history(options: argparse.Namespace) -> int:
    from journeylib.audits.history import find_home, read_history

    found = read_history(find_home(options.runs))
    print(found.runs().fillna("").to_string(index=False))
    for name, reason in found.skipped.items():
        print(f"skipped {name}: {reason}", file=sys.stderr)
    return OK


def _compare(options: argparse.Namespace) -> int:
    from journeylib.audits.between import between
    from journeylib.audits.history import find_run

    runs = [find_run(name, options.runs) for name in (options.before, options.after)]
    print(between(*runs).text)
    return OK


def _reproduce(options: argparse.Namespace) -> int:
    from journeylib.audits.history import find_run
    from journeylib.audits.reproduce import reproduce
    from journeylib.errors import RunError

    try:
        found = reproduce(find_run(options.run, options.runs), config=options.config)
    except RunError as error:
        return _fail(f"{error}", WRONG_INPUT)
    print(found.text)
    return OK if found.same else DIFFERENT


def _workshop(options: argparse.Namespace) -> int:
    from journeylib.audits.several import planned

    audits = planned(options.configs)
    if options.run is not None and len(audits) > 1:
        return _fail("--from names one run: give one configuration with it.", WRONG_INPUT)

    def make(audit: Planned) -> int:
        name = f"{audit.config}: " if len(audits) > 1 else ""
        return _status(lambda: _prepare(options, audit), name)

    return max(make(audit) for audit in audits)


def _prepare(options: argparse.Namespace, audit: Planned) -> int:
    from journeylib.present.workshop import prepare_workshop

    pack = prepare_workshop(
        audit.config,
        out=options.out,
        language=options.lang,
        run=options.run,
        audits=options.audits,
        overrides=audit.overrides,
        as_of=options.as_of,
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


def _recipes(options: argparse.Namespace) -> int:
    from journeylib.log.recipes.recipe import find_recipe, recipes

    if options.name is not None:
        print(find_recipe(options.name).text, end="")
        return OK
    known = recipes()
    width = max(len(recipe.name) for recipe in known)
    for recipe in known:
        needed = ", ".join(w.name for w in recipe.inputs if not w.optional)
        print(f"{recipe.name:<{width}}  {recipe.title}: {needed}")
    print("\njourneylib recipes NAME > mine.sql copies one; log.recipe: mine.sql uses it.")
    return OK


def _schema(options: argparse.Namespace) -> int:
    from journeylib.audits.config import config_schema
    from journeylib.audits.document import document_schema

    schema = config_schema() if options.what == "config" else document_schema()
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return OK


if __name__ == "__main__":
    sys.exit(main())
