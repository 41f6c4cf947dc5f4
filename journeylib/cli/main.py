"""Command line: look at a log, run an audit, publish the schemas."""

from __future__ import annotations

import argparse
import datetime as dt
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeylib.cli import commands
from journeylib.cli.status import (
    EXIT_STATUS,
    LAB_STATUS,
    RUN_FAILED,
    WRONG_INPUT,
    fail,
    sigterm_as_interrupt,
    status,
)

Argument = tuple[str, dict[str, Any]]  # its name, and what argparse is told of it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of few letters gets '?' for the others; the run does not end by them.
            stream.reconfigure(errors="replace")
    if problem := _mistyped(arguments):
        return fail(problem, WRONG_INPUT)
    options = _parser().parse_args(arguments)
    try:
        with sigterm_as_interrupt():
            return status(lambda: options.command(options))
    except KeyboardInterrupt:
        return RUN_FAILED


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


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Attributes
    ----------
    name, help : str
        What is typed, and what it is for.
    run : callable or None
        What it does; None where it only holds `ways`.
    arguments : sequence of Argument
    epilog : str
        What stands below its help.
    ways : sequence of Command
        Commands below it.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], int] | None = None
    arguments: Sequence[Argument] = ()
    epilog: str = EXIT_STATUS
    ways: Sequence[Command] = ()


def _argument(name: str, metavar: str, help_text: str, **options: Any) -> Argument:
    return name, {"help": help_text, **({"metavar": metavar} if metavar else {}), **options}


def _folder(name: str, metavar: str, help_text: str, default: str) -> Argument:
    text = f"{help_text}default: {default}"
    return _argument(name, metavar, text, type=Path, default=Path(default))


def _setting(example: str) -> Argument:
    return _argument(
        "--set",
        "KEY=VALUE",
        f"change one setting, such as {example}; may be repeated",
        action="append",
        default=[],
        dest="overrides",
    )


def _move(help_text: str, **options: Any) -> Argument:
    return _argument(
        "--move",
        "TOUCHPOINT=SHARE",
        "the share of its contacts that is to meet the bot first, such as 'Billing call=0.4'; "
        + help_text,
        action="append",
        dest="moves",
        **options,
    )


AS_OF = _argument("--as-of", "DAY", "look back from this day, such as 2026-07-01", type=_day)
RUNS = _argument("--runs", "DIR/NAME", "where runs are; default: audits")
LANGUAGE = _argument("--lang", "CODE", "language of the texts: en or de", default="en")
SEND = _argument(
    "--send",
    "",
    "send mail and messages, or do not; default: as delivery.when says",
    action=argparse.BooleanOptionalAction,
)
PLAN = _argument("plan", "PLAN", "the plan.yaml", type=Path)

INIT = Command(
    "init",
    "look at a log and write a first configuration",
    commands.init,
    (
        _argument(
            "log",
            "LOG",
            "CSV, Parquet, JSON Lines, XES or OCEL file, or a workbook; or the file or folder of "
            "an export of a system that `journeylib recipes` lists",
        ),
        _argument("--outcomes", "FILE", "table of churn, complaints, surveys …"),
        _argument("--out", "CONFIG", "default: LOG's name with .yaml", type=Path),
        _argument("--force", "", "replace an existing configuration", action="store_true"),
        _argument("--object-type", "TYPE", "of an OCEL log: whose objects are the journeys"),
        _argument(
            "--role",
            "ROLE=COLUMN",
            "the column of a role, such as customer=MEMBER_NO; may be repeated",
            action="append",
            default=[],
            dest="roles",
        ),
        _argument(
            "--recipe",
            "NAME",
            "read an export by this recipe: one that `journeylib recipes` lists, or a .sql file; "
            "default: the one that its records are recognised by",
        ),
    ),
)
AUDIT = Command(
    "audit",
    "run an audit and leave its dashboard",
    commands.audit,
    (
        _argument(
            "configs",
            "CONFIG",
            "YAML, as init writes it, or a list of them: audits: [a.yaml, b.yaml]. One that fails "
            "does not stop the others. A log works, too: init reads it first",
            type=Path,
            nargs="+",
        ),
        _folder("--out", "DIR", "", "audits"),
        _setting("measures.repeat_days=14"),
        _argument(
            "--engine",
            "ADDRESS",
            "where it is computed: duckdb, spark or spark://host:7077 (default: the "
            "configuration's, else duckdb)",
        ),
        AS_OF,
        _argument(
            "--lang", "CODE", "language of the texts: en or de; default: the configuration's"
        ),
        SEND,
        _argument("--timeout", "MINUTES", "stop a run that takes longer", type=_minutes),
    ),
)
WHAT_IF = Command(
    "what-if",
    "say what happens to waits, work and money if a share of a matter moves to the bot",
    commands.what_if,
    (
        _argument("run", "RUN", "run directory, run id, latest or previous"),
        _move("may be repeated", required=True),
        _argument("--staff", "N", "people at work afterwards; default: as today", type=int),
        RUNS,
        _argument("--config", "CONFIG", "YAML that says where the log is now", type=Path),
    ),
)
WORKSHOP = Command(
    "workshop",
    "make poster, slides, presentation and cards from a run of an audit",
    commands.workshop,
    (
        _argument(
            "configs",
            "CONFIG",
            "YAML, as init writes it, or a list of audits: one folder each",
            type=Path,
            nargs="+",
        ),
        AS_OF,
        _folder("--out", "DIR", "", "workshops"),
        LANGUAGE,
        _argument(
            "--from",
            "RUN",
            "a run directory; default: the latest of CONFIG in --audits, else a new one",
            type=Path,
            dest="run",
        ),
        _folder("--audits", "DIR", "where runs of audits are; ", "audits"),
    ),
)
NOTES = Command(
    "notes",
    "take what people say in a workshop to a board and back",
    ways=(
        Command(
            "export",
            "write notes and questions as a table; its column 'text' pastes into a board",
            commands.export_notes,
            (
                _argument("run", "RUN", "such as audits/NAME/latest", type=Path),
                _folder("--out", "FILE", ".csv or .xlsx; ", "notes.csv"),
                LANGUAGE,
            ),
        ),
        Command(
            "import",
            "read notes from a table or edited slides and keep them beside the runs",
            commands.import_notes,
            (
                _argument("file", "FILE", "CSV, Excel workbook, or slides.pptx", type=Path),
                _argument("--run", "RUN", "what they are about", type=Path, required=True),
                _argument(
                    "--round", "N", "of new notes that do not say theirs", type=int, default=1
                ),
            ),
        ),
    ),
)
LAB = Command(
    "lab",
    "plan, watch and read an experiment",
    epilog=LAB_STATUS,
    ways=(
        Command(
            "plan",
            "how many customers and weeks, or do not run it",
            commands.plan_experiment,
            (
                _argument(
                    "config", "CONFIG", "YAML, with a lab: unless --move is given", type=Path
                ),
                _folder("--out", "DIR", "the plan is left in DIR/NAME/plan.yaml; ", "lab"),
                _setting("lab.least_worth=0.02"),
                _move("its experiment is filled in, in place of lab:"),
                AS_OF,
            ),
            LAB_STATUS,
        ),
        Command(
            "watch",
            "a broken split or harm stops the experiment",
            commands.watch_experiment,
            (PLAN, SEND, AS_OF),
            LAB_STATUS,
        ),
        Command(
            "read",
            "ship, stop, no difference, or go on",
            commands.read_experiment,
            (PLAN, AS_OF),
            LAB_STATUS,
        ),
        Command(
            "assess",
            "set people's answers to 24 statements beside what an audit measures",
            commands.assess,
            (
                _argument("config", "CONFIG", "YAML, as init writes it", type=Path),
                _folder("--out", "DIR", "", "lab"),
                _argument(
                    "--from",
                    "RUN",
                    "a run directory; default: the audit is made anew",
                    type=Path,
                    dest="run",
                ),
                _argument(
                    "--empty", "", "only write the table that people fill in", action="store_true"
                ),
            ),
            LAB_STATUS,
        ),
    ),
)
LABEL = Command(
    "label",
    "write the openings of contacts that people label, and bring their labels back",
    commands.label,
    (
        _argument("config", "CONFIG", "YAML, as init writes it", type=Path),
        _argument(
            "--out", "FILE", "default: beside CONFIG, as NAME-labels.personal.xlsx", type=Path
        ),
        _argument(
            "--import",
            "FILE",
            "the workbook, filled in; its labels are added to those of the configuration",
            type=Path,
            dest="import_file",
        ),
        _setting("measures.session_gap_minutes=30"),
    ),
)
COMMANDS = (
    INIT,
    AUDIT,
    Command(
        "history",
        "list the runs of an audit",
        commands.history,
        (_argument("runs", "DIR/NAME", "default: audits", nargs="?"),),
        "",
    ),
    Command(
        "compare",
        "say what is not the same in two runs",
        commands.compare,
        (_argument("before", "A", "a run"), _argument("after", "B", "a later run"), RUNS, LANGUAGE),
        "A run is a run directory, a run id, latest or previous.",
    ),
    Command(
        "reproduce",
        "make a run again and compare it byte for byte",
        commands.reproduce,
        (
            _argument("run", "RUN", "run directory, run id, latest or previous"),
            RUNS,
            _argument("--config", "CONFIG", "YAML that says where the log is now", type=Path),
        ),
        "exit status: 0 the same; 1 different; 2 the input is gone or has changed",
    ),
    WHAT_IF,
    LABEL,
    WORKSHOP,
    NOTES,
    LAB,
    Command(
        "notebooks",
        "copy the notebooks into a folder, to explore and to change",
        commands.notebooks,
        (_argument("folder", "DIR", "where to; made if it is not there", type=Path),),
    ),
    Command(
        "recipes",
        "list the systems whose exports are read as they are",
        commands.recipes,
        (_argument("name", "NAME", "print this one, to copy and edit it", nargs="?"),),
        "",
    ),
    Command(
        "schema",
        "print a JSON Schema",
        commands.schema,
        (_argument("what", "", "of which file", choices=["config", "audit"]),),
        "",
    ),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="journeylib",
        description="Rebuild customer journeys from event logs and audit where machines should "
        "serve and where people must.",
        epilog=EXIT_STATUS,
    )
    _add(parser, COMMANDS, "COMMAND")
    return parser


def _add(parser: argparse.ArgumentParser, table: Sequence[Command], metavar: str) -> None:
    """Add the commands of a table below a parser."""
    below = parser.add_subparsers(metavar=metavar, required=True)
    for command in table:
        one = below.add_parser(command.name, help=command.help, epilog=command.epilog)
        for name, options in command.arguments:
            one.add_argument(name, **options)
        if command.ways:
            _add(one, command.ways, "WAY")
        else:
            one.set_defaults(command=command.run)


def _mistyped(arguments: Sequence[str]) -> str:
    """Return what to say of a command that there is not, with the nearest; else nothing."""
    names = [command.name for command in COMMANDS]
    if not arguments or arguments[0].startswith("-") or arguments[0] in names:
        return ""
    from journeylib.core import did_you_mean

    near = did_you_mean(arguments[0], names) or f" Commands: {', '.join(names)}."
    return f"there is no command '{arguments[0]}'.{near}"
