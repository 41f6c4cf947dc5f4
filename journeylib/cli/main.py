"""Command line: look at a log, run an audit, publish the schemas."""

from __future__ import annotations

import argparse
import datetime as dt
import io
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from journeylib.cli import commands
from journeylib.cli.status import RUN_FAILED, WRONG_INPUT, fail, sigterm_as_interrupt, status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of few letters gets '?' for the others; the run does not end by them.
            stream.reconfigure(errors="replace")
    commands_of = tomllib.loads(COMMANDS.read_text(encoding="utf-8"))
    names = [command["name"] for command in commands_of["commands"]]
    if problem := _mistyped(arguments, names):
        return fail(problem, WRONG_INPUT)
    options = _parser(commands_of).parse_args(arguments)
    try:
        with sigterm_as_interrupt():
            return status(lambda: _in_language(options))
    except KeyboardInterrupt as stop:
        return fail(f"{stop}stopped; no half run was left.", RUN_FAILED)


def _in_language(options: argparse.Namespace) -> int:
    """Run a command in the language that it was given, if any."""
    language = getattr(options, "lang", None)
    with ExitStack() as stack:
        if language:
            from journeylib.core import use_language  # --help must answer at once

            stack.enter_context(use_language(language))
        return int(options.command(options))


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


COMMANDS = Path(__file__).with_name("commands.toml")
TYPES: dict[str, Callable[[str], Any]] = {
    "day": _day,
    "minutes": _minutes,
    "path": Path,
    "int": int,
}


def _parser(commands_of: Mapping[str, Any]) -> argparse.ArgumentParser:
    """Return the parser of `commands.toml`."""
    parser = argparse.ArgumentParser(
        prog="journeylib",
        description="Rebuild customer journeys from event logs and audit where machines should "
        "serve and where people must.",
        epilog=commands_of["epilogs"]["audit"],
    )
    _add(parser, commands_of["commands"], commands_of, "COMMAND")
    return parser


def _add(
    parser: argparse.ArgumentParser,
    table: Sequence[Mapping[str, Any]],
    commands_of: Mapping[str, Any],
    metavar: str,
) -> None:
    """Add the commands of a table below a parser."""
    below = parser.add_subparsers(metavar=metavar, required=True)
    for command in table:
        epilog = command.get("epilog", "")
        epilog = commands_of["epilogs"].get(epilog, epilog)
        one = below.add_parser(command["name"], help=command["help"], epilog=epilog)
        for argument in command.get("arguments", ()):
            name, options = _argument(argument, commands_of["shared"])
            one.add_argument(name, **options)
        if ways := command.get("ways"):
            _add(one, ways, commands_of, "WAY")
        else:
            one.set_defaults(command=getattr(commands, command["run"]))


def _argument(
    argument: str | Mapping[str, Any], shared: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the name of an argument, and what argparse is told of it."""
    own = {"of": argument} if isinstance(argument, str) else dict(argument)
    options = {**shared.get(own.pop("of", ""), {}), **own}
    if kind := options.get("type"):
        options["type"] = TYPES[kind]
    if options.get("action") == "yes_or_no":
        options["action"] = argparse.BooleanOptionalAction
    return options.pop("name"), options


def _mistyped(arguments: Sequence[str], names: Sequence[str]) -> str:
    """Return what to say of a command that there is not, with the nearest; else nothing."""
    if not arguments or arguments[0].startswith("-") or arguments[0] in names:
        return ""
    from journeylib.core import did_you_mean  # --help must answer at once

    near = did_you_mean(arguments[0], names) or f" Commands: {', '.join(names)}."
    return f"there is no command '{arguments[0]}'.{near}"
