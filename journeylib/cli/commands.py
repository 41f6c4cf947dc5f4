"""What each command does; it returns the exit status."""

from __future__ import annotations

import argparse
import contextlib
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
    from journeylib.core import text

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
    print("\n" + text("cli.init.wrote", file=str(path)))
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
    from journeylib.core import text

    try:
        answer = input(f"{question} {text('cli.ask' if likely else 'cli.ask_no')} ").strip().lower()
    except EOFError:
        return likely
    return answer[:1] in ("y", "j") if answer else likely


def audit(options: argparse.Namespace) -> int:
    """Run audits and say where their dashboards are."""
    from journeylib.cli.kernel import spare_kernel

    with spare_kernel([*options.overrides, *map(_text_of, options.configs)]):
        from journeylib.audits import read_batch

        audits = read_batch([_configuration(path) for path in options.configs])
        return _worst(audits, lambda audit: _run(options, audit))


def _text_of(path: Path) -> str:
    """Return the text of a configuration; nothing for a log, or where it cannot be read."""
    if path.suffix in CONFIGURATIONS and path.is_file():
        with contextlib.suppress(OSError):
            return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _configuration(path: Path) -> Path:
    """Return a configuration; for a log the one beside it, which is written where there is none."""
    from journeylib.audits import write_first_config
    from journeylib.core import text

    if path.suffix in CONFIGURATIONS or not path.exists():
        return path
    beside = path.with_suffix(".yaml")
    if beside.exists():
        print(text("cli.init.beside", log=str(path), file=str(beside)))
        return beside
    written, account = write_first_config(path, out=beside, ask=_asker())
    print(f"{account}\n\n{text('cli.init.wrote_and_audits', file=str(written))}\n")
    return written


def _worst(audits: list[BatchEntry], run: Callable[[BatchEntry], int]) -> int:
    """Run every audit, whatever becomes of the others, and return the worst status."""

    def one(audit: BatchEntry) -> int:
        name = f"{audit.config}: " if len(audits) > 1 else ""
        return status(lambda: run(audit), name)

    return max(one(audit) for audit in audits)


def _run(options: argparse.Namespace, audit: BatchEntry) -> int:
    from journeylib.cli.run_notebook import run_audit
    from journeylib.core import JourneylibError, text
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
        fail(text("cli.unsent_run", reason=reason, folder=str(run.folder)), RUN_FAILED)
    if run.unsent:
        return RUN_FAILED
    return OK if run.passed else GATE_FAILED


def history(options: argparse.Namespace) -> int:
    """List the runs of an audit."""
    from journeylib.audits import find_home, read_history
    from journeylib.core import label, text

    history = read_history(find_home(options.runs))
    runs = history.runs().rename(columns=lambda name: label("cli.history.columns", name))
    print(runs.fillna("").to_string(index=False))
    for name, reason in history.skipped.items():
        print(text("cli.history.skipped", run=name, reason=reason), file=sys.stderr)
    return OK


def compare(options: argparse.Namespace) -> int:
    """Say what is not the same in two runs."""
    from journeylib.audits import compare_runs, find_run
    from journeylib.core import use_language

    before, after = (find_run(name, options.runs) for name in (options.before, options.after))
    with use_language(options.lang or after.language):  # it repeats sentences of the later run
        print(compare_runs(before, after).text)
    return OK


def reproduce(options: argparse.Namespace) -> int:
    """Make a run again and compare it byte for byte."""
    from journeylib.audits import config_of_run, find_run
    from journeylib.audits import reproduce as reproduce_run
    from journeylib.core import RunError, use_language

    run = find_run(options.run, options.runs)
    try:
        with use_language(options.lang or config_of_run(run, options.config).language):
            reproduction = reproduce_run(run, config=options.config)
            print(reproduction.text)
    except RunError as error:
        return fail(f"{error}", WRONG_INPUT)
    return OK if reproduction.same else DIFFERENT


def what_if(options: argparse.Namespace) -> int:
    """Make the audit of a run again and say what moving a share of a matter does."""
    from journeylib.audits import audit, config_of_run, find_run
    from journeylib.audits import what_if as forecast
    from journeylib.core import use_language

    run = find_run(options.run, options.runs)
    config = config_of_run(run, options.config)
    # Some sentences are made with the forecast, in the configuration's language.
    config = config.model_copy(update={"language": options.lang or config.language})
    with use_language(config.language):
        print(forecast(audit(config), _moves(options.moves), staff=options.staff))
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
    from journeylib.workshop import latest_run, prepare_workshop

    chosen = {"overrides": audit.overrides, "as_of": options.as_of}
    run = options.run or latest_run(load_config(audit.config, **chosen), options.audits)
    if run is None:
        run = run_audit(audit.config, out=options.audits, **chosen).folder
    print(prepare_workshop(run, out=options.out, language=options.lang).summary)
    return OK


def export_notes(options: argparse.Namespace) -> int:
    """Write notes and questions as a table."""
    from journeylib.core import text
    from journeylib.workshop import export_notes as write_notes

    notes = write_notes(options.run, options.out, language=options.lang)
    print(text("cli.notes.exported", n=len(notes), file=str(options.out)))
    return OK


def import_notes(options: argparse.Namespace) -> int:
    """Read notes from a table or edited slides."""
    from journeylib.core import text
    from journeylib.workshop import notes_file, take_notes

    notes = take_notes(options.run, options.file, round=options.round)
    for message in notes.messages:
        print(message, file=sys.stderr)
    location = text("cli.notes.kept", file=str(notes_file(options.run)))
    print(f"{notes.summary} {location}")
    return OK


def write_bets(options: argparse.Namespace) -> int:
    """Write the ideas among the notes as bets."""
    from journeylib.core import text
    from journeylib.workshop import write_bets as write

    bets, file = write(options.run, options.out), options.out
    if bets.placeless:
        print(text("cli.bets.placeless", n=bets.placeless), file=sys.stderr)
    for name in bets.incomplete:
        print(text("cli.bets.incomplete", name=name))
    counts, key = {"n": len(bets.bets), "new": bets.new}, "wrote" if bets.bets else "none"
    print(text(f"cli.bets.{key}", file=str(file), name=file.name, **counts))
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
    from journeylib.core import text

    watched = make_watch(options.plan, as_of=options.as_of, send_when=SEND[options.send])
    print(watched.text)
    for reason in watched.unsent:
        fail(text("cli.unsent", reason=reason), RUN_FAILED)
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
    from journeylib.core import text, use_language

    path = options.config
    config = load_config(path, overrides=options.overrides)
    beside = path.with_name(f"{config.name}{LABELS_END}")
    if options.import_file is None:
        out = options.out or path.with_name(f"{config.name}{WORKBOOK_END}")
        lists = write_label_lists(config, read_journeys(config), out)
        files = {"file": str(out), "config": str(path)}
        with use_language(config.language):
            print(text("cli.label.wrote", n=len(lists.rows), **files))
        return OK
    named = config.service_types and config.service_types.labels
    labels = import_labels(config, options.import_file, options.out or Path(named or beside))
    counts = {"learned": labels.learned, "measured": labels.measured, "second": labels.second}
    with use_language(config.language):
        print(text("cli.label.kept", file=str(labels.path), **counts))
        if not named:
            inside = labels.path.parent.resolve() == path.parent.resolve()
            file = labels.path.name if inside else labels.path.resolve()
            heading = text("cli.label.name_it", config=str(path))
            print(f"{heading}\n\nservice_types:\n  labels: {file}")
    return OK


def schema(options: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    from journeylib.audits import config_schema, document_schema

    schema = config_schema() if options.what == "config" else document_schema()
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return OK


def recipes(options: argparse.Namespace) -> int:
    """List the systems whose exports are read as they are, or print one recipe."""
    from journeylib.core import text
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
    print("\n" + text("cli.recipes"))
    return OK


def notebooks(options: argparse.Namespace) -> int:
    """Copy the notebooks into a folder; a file that is there already stays as it is."""
    from journeylib.cli.run_notebook import copy_notebooks
    from journeylib.core import text

    copied, left = copy_notebooks(options.folder)
    key = "files" if copied else "nothing"
    print(text(f"cli.copied.{key}", files=", ".join(copied), folder=str(options.folder)))
    if left:
        print(text("cli.copied.left", files=", ".join(left)), file=sys.stderr)
    return OK
