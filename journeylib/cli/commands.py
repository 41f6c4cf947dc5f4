"""What each command does; it returns the exit status."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from journeylib.cli.status import DIFFERENT, GATE_FAILED, OK, RUN_FAILED, WRONG_INPUT, fail, status

if TYPE_CHECKING:
    from journeylib.audits import BatchEntry, When
    from journeylib.log import Ask

CONFIGURATIONS = (".yaml", ".yml")
SEND: dict[bool | None, When | None] = {True: "always", False: "never", None: None}


def init(options: argparse.Namespace) -> int:
    """Look at a log and write a first configuration."""
    from journeylib.audits import write_first_config

    path, account = write_first_config(
        options.log,
        outcomes=options.outcomes,
        out=options.out,
        force=options.force,
        object_type=options.object_type,
        roles=_roles(options.roles),
        recipe=options.recipe,
        ask=_asker(),
    )
    print(account)
    print(f"\nWrote {path}. Read it, change what is wrong, then: journeylib audit {path}")
    return OK


def _roles(given: Sequence[str]) -> dict[str, str]:
    from journeylib.core import ConfigError

    pairs = [role.partition("=") for role in given]
    for role, equals, column in pairs:
        if not equals or not column:
            raise ConfigError(f"'{role}' is no role; write it as --role customer=COLUMN")
    return {role.strip(): column for role, _equals, column in pairs}


def _asker() -> Ask | None:
    return _ask if sys.stdin.isatty() and sys.stdout.isatty() else None


def _ask(question: str, likely: bool) -> bool:
    """Ask on the terminal; Enter, or no answer at all, is the likely one."""
    try:
        answer = input(f"{question} [{'Y/n' if likely else 'y/N'}] ").strip().lower()
    except EOFError:
        return likely
    return answer[:1] in ("y", "j") if answer else likely


def audit(options: argparse.Namespace) -> int:
    """Run audits and say where their dashboards are."""
    from journeylib.audits import read_batch

    audits = read_batch([_configuration(path) for path in options.configs])
    return _worst(audits, lambda audit: _run(options, audit))


def _configuration(path: Path) -> Path:
    """Return a configuration; for a log the one beside it, which is written where there is none."""
    from journeylib.audits import write_first_config

    if path.suffix in CONFIGURATIONS or not path.exists():
        return path
    beside = path.with_suffix(".yaml")
    if beside.exists():
        print(f"{path} is a log: audited as {beside} beside it says.")
        return beside
    written, account = write_first_config(path, out=beside, ask=_asker())
    print(f"{account}\n\nWrote {written}, and audit the log as it says.\n")
    return written


def _worst(audits: list[BatchEntry], run: Callable[[BatchEntry], int]) -> int:
    """Run every audit, whatever becomes of the others, and return the worst status."""

    def one(audit: BatchEntry) -> int:
        name = f"{audit.config}: " if len(audits) > 1 else ""
        return status(lambda: run(audit), name)

    return max(one(audit) for audit in audits)


def _run(options: argparse.Namespace, audit: BatchEntry) -> int:
    from journeylib.cli.run_notebook import run_audit
    from journeylib.core import JourneylibError
    from journeylib.delivery import append_job_summary

    given = {"engine.address": options.engine, "language": options.lang}
    settings = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    try:
        run = run_audit(
            audit.config,
            out=options.out,
            overrides=[*audit.overrides, *options.overrides, *settings],
            as_of=options.as_of,
            send_when=SEND[options.send],
            timeout_minutes=options.timeout,
        )
    except JourneylibError as error:
        append_job_summary(f"## 🔻 {audit.config.name} could not be run\n\n{error}")
        raise
    print(run.summary)
    append_job_summary((run.folder / "summary.md").read_text(encoding="utf-8"))
    for reason in run.unsent:
        fail(f"not sent: {reason} The run is complete in {run.folder}; start the same command "
              "again to send what is missing.", RUN_FAILED)  # fmt: skip
    if run.unsent:
        return RUN_FAILED
    return OK if run.passed else GATE_FAILED


def history(options: argparse.Namespace) -> int:
    """List the runs of an audit."""
    from journeylib.audits import find_home, read_history

    runs = read_history(find_home(options.runs))
    print(runs.runs().fillna("").to_string(index=False))
    for name, reason in runs.skipped.items():
        print(f"skipped {name}: {reason}", file=sys.stderr)
    return OK


def compare(options: argparse.Namespace) -> int:
    """Say what is not the same in two runs."""
    from journeylib.audits import compare_runs, find_run
    from journeylib.core import use_language

    runs = [find_run(name, options.runs) for name in (options.before, options.after)]
    with use_language(options.lang):
        print(compare_runs(*runs).text)
    return OK


def reproduce(options: argparse.Namespace) -> int:
    """Make a run again and compare it byte for byte."""
    from journeylib.audits import find_run
    from journeylib.audits import reproduce as reproduce_run
    from journeylib.core import RunError

    try:
        again = reproduce_run(find_run(options.run, options.runs), config=options.config)
    except RunError as error:
        return fail(f"{error}", WRONG_INPUT)
    print(again.text)
    return OK if again.same else DIFFERENT


def what_if(options: argparse.Namespace) -> int:
    """Make the audit of a run again and say what moving a share of a matter does."""
    from journeylib.audits import audit, config_of_run, find_run
    from journeylib.audits import what_if as forecast

    run = find_run(options.run, options.runs)
    audited = audit(config_of_run(run, options.config))
    print(forecast(audited, _moves(options.moves), staff=options.staff))
    return OK


def _moves(given: Sequence[str]) -> dict[str, float]:
    from journeylib.core import ConfigError

    moves = {}
    for move in given:
        name, _equals, share = move.rpartition("=")
        try:
            moves[name.strip()] = float(share)
        except ValueError:
            raise ConfigError(f"'{move}' is no move; write it as 'Billing call=0.4'") from None
    return moves


def workshop(options: argparse.Namespace) -> int:
    """Make what a workshop needs from runs of audits."""
    from journeylib.audits import read_batch

    audits = read_batch(options.configs)
    if options.run is not None and len(audits) > 1:
        return fail("--from names one run: give one configuration with it.", WRONG_INPUT)

    return _worst(audits, lambda audit: _prepare(options, audit))


def _prepare(options: argparse.Namespace, audit: BatchEntry) -> int:
    from journeylib.audits import load_config
    from journeylib.cli.run_notebook import run_audit
    from journeylib.core import catalogue_of
    from journeylib.workshop import latest_run, prepare_workshop

    catalogue_of(options.lang)  # a typing error should not cost an audit
    chosen = {"overrides": audit.overrides, "as_of": options.as_of}
    run = options.run or latest_run(load_config(audit.config, **chosen), options.audits)
    if run is None:
        run = run_audit(audit.config, out=options.audits, **chosen).folder
    print(prepare_workshop(run, out=options.out, language=options.lang).summary)
    return OK


def export_notes(options: argparse.Namespace) -> int:
    """Write notes and questions as a table."""
    from journeylib.core import catalogue_of
    from journeylib.workshop import export_notes as write_notes

    notes = write_notes(options.run, options.out, language=options.lang)
    words = catalogue_of(options.lang)
    print(words.text("cli.notes.exported", n=len(notes), file=str(options.out)))
    return OK


def import_notes(options: argparse.Namespace) -> int:
    """Read notes from a table or edited slides."""
    from journeylib.workshop import notes_file, take_notes

    notes = take_notes(options.run, options.file, round=options.round)
    for message in notes.messages:
        print(message, file=sys.stderr)
    print(
        f"{notes.summary} Kept in {notes_file(options.run)}; make the workshop again to see them."
    )
    return OK


def write_bets(options: argparse.Namespace) -> int:
    """Write the ideas among the notes as bets."""
    from journeylib.workshop import write_bets as write

    found = write(options.run, options.out)
    if found.placeless:
        print(
            f"Ideas at no touchpoint of the run, so no bets: {found.placeless}. "
            "Give them one and import the notes again.",
            file=sys.stderr,
        )
    for name in found.incomplete:
        print(f"{name}: say its smallest test and what stops it (Test: …, Stop if: …).")
    print(
        f"Bets in {options.out}: {len(found.bets)}, of them new: {found.new}. Name the file in the "
        f"configuration: bets: {options.out.name}"
    )
    return OK


def plan_experiment(options: argparse.Namespace) -> int:
    """Plan an experiment and write its plan."""
    from journeylib.cli.experiment_files import make_plan

    moves = _moves(options.moves) if options.moves else None
    overrides, as_of = options.overrides, options.as_of
    print(make_plan(options.config, out=options.out, overrides=overrides, as_of=as_of, moves=moves))
    return OK


def watch_experiment(options: argparse.Namespace) -> int:
    """Watch an experiment; what stops it ends with the status of a failed gate."""
    from journeylib.cli.experiment_files import make_watch

    watched = make_watch(options.plan, as_of=options.as_of, send_when=SEND[options.send])
    print(watched.text)
    for reason in watched.unsent:
        fail(f"not sent: {reason}", RUN_FAILED)
    if watched.stopped:
        return GATE_FAILED
    return RUN_FAILED if watched.unsent else OK


def read_experiment(options: argparse.Namespace) -> int:
    """Read an experiment and write its reading."""
    from journeylib.cli.experiment_files import make_reading

    print(make_reading(options.plan, as_of=options.as_of))
    return OK


def assess(options: argparse.Namespace) -> int:
    """Set people's answers beside what an audit measures."""
    from journeylib.cli.experiment_files import make_assessment

    print(make_assessment(options.config, out=options.out, run=options.run, empty=options.empty))
    return OK


def label(options: argparse.Namespace) -> int:
    """Write the openings that people label, or bring their labels back."""
    from journeylib.audits import (
        LABELS_END,
        WORKBOOK_END,
        import_labels,
        load_config,
        read_journeys,
        write_label_lists,
    )

    path = options.config
    config = load_config(path, overrides=options.overrides)
    beside = path.with_name(f"{config.name}{LABELS_END}")
    if options.import_file is None:
        out = options.out or path.with_name(f"{config.name}{WORKBOOK_END}")
        lists = write_label_lists(config, read_journeys(config), out)
        print(
            f"Wrote {len(lists.rows)} openings to {out}. They are personal: keep them to those who "
            f"label.\nWhen it is filled in: journeylib label {path} --import {out}"
        )
        return OK
    named = config.service_types and config.service_types.labels
    labels = import_labels(config, options.import_file, options.out or Path(named or beside))
    print(
        f"{labels.learned} labels to learn from, {labels.measured} to measure with, "
        f"{labels.second} by a second person: kept in {labels.path}, which is personal."
    )
    if not named:
        inside = labels.path.parent.resolve() == path.parent.resolve()
        file = labels.path.name if inside else labels.path.resolve()
        print(f"Add to {path}:\n\nservice_types:\n  labels: {file}")
    return OK


def schema(options: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    from journeylib.audits import config_schema, document_schema

    schema = config_schema() if options.what == "config" else document_schema()
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return OK


def recipes(options: argparse.Namespace) -> int:
    """List the systems whose exports are read as they are, or print one recipe."""
    from journeylib.log import find_recipe
    from journeylib.log import recipes as all_recipes

    if options.name is not None:
        print(find_recipe(options.name).text, end="")
        return OK
    listed = all_recipes()
    width = max(len(recipe.name) for recipe in listed)
    for recipe in listed:
        needed = ", ".join(one.name for one in recipe.inputs if not one.optional)
        print(f"{recipe.name:<{width}}  {recipe.title}: {needed}")
    print("\njourneylib recipes NAME > mine.sql copies one; log.recipe: mine.sql uses it.")
    return OK


def notebooks(options: argparse.Namespace) -> int:
    """Copy the notebooks into a folder; a file that is there already stays as it is."""
    from journeylib.cli.run_notebook import copy_notebooks

    copied, left = copy_notebooks(options.folder)
    print(f"Copied {', '.join(copied) or 'nothing'} to {options.folder}.")
    if left:
        print(f"Left as they are, for they are there already: {', '.join(left)}.", file=sys.stderr)
    return OK
