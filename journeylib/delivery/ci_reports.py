"""Signals: a run for machines: JUnit XML, a list of findings, a job summary in Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from journeylib.delivery.briefing import SIGNS, Briefing
from journeylib.delivery.rendering import render

# XML has no place for these, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(document: Mapping[str, Any]) -> str:
    """Return the run as JUnit XML: an alarm is a failure, no answer is skipped with its reason.

    Parameters
    ----------
    document : mapping
        The content of `audit.json`.

    Returns
    -------
    str
        One test suite: the run itself, every gate, and every finding without an answer.
    """
    audit = document["audit"]
    suite, cases = _suite(audit["name"])
    ET.SubElement(cases, "testcase", classname=audit["name"], name="run")
    for finding in document["findings"]:
        if finding["kind"] in ("insight", "quality") and finding["verdict"] == "pass":
            continue
        case = ET.SubElement(cases, "testcase", classname=audit["name"], name=finding["id"])
        text = _allowed(finding["text"])
        if finding["verdict"] == "fail":
            failure = ET.SubElement(case, "failure", message=text, type=finding["severity"])
            failure.text = json.dumps(finding["evidence"], ensure_ascii=False)
        elif finding["verdict"] == "not_assessable":
            ET.SubElement(case, "skipped", message=text)
    return _written(suite, cases)


def junit_of_failure(name: str, reason: str) -> str:
    """Return a run that came to nothing as JUnit XML: one error.

    Parameters
    ----------
    name : str
        Of the audit.
    reason : str
        A message of ours, free of customers' data.
    """
    suite, cases = _suite(name)
    case = ET.SubElement(cases, "testcase", classname=name, name="run")
    ET.SubElement(case, "error", message=_allowed(reason), type="RunError")
    return _written(suite, cases)


def findings_list(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a pipeline reads first: which run, whether it passed, and every finding.

    Parameters
    ----------
    document : mapping
        The content of `audit.json`.
    """
    failed = any(finding["verdict"] == "fail" for finding in document["findings"])
    return {
        "audit": document["audit"]["name"],
        "run_id": document["audit"]["run_id"],
        "exit_status": int(failed),
        "findings": document["findings"],
    }


def summary(briefing: Briefing, notes: tuple[str, ...] = ()) -> str:
    """Return the job summary in Markdown, as GitHub and GitLab show it.

    Parameters
    ----------
    briefing : Briefing
    notes : tuple of str
        What else the reader should know.
    """
    words = {"sign": SIGNS[briefing.state], "changes": briefing.change_lines, "notes": notes}
    return render("summary.md.j2", briefing=briefing, **words).rstrip() + "\n"


def _suite(name: str) -> tuple[ET.Element, ET.Element]:
    suites = ET.Element("testsuites", name="journeylib")
    return suites, ET.SubElement(suites, "testsuite", name=name)


def _written(suites: ET.Element, cases: ET.Element) -> str:
    """Count, and write; no time and no host, so that the same run gives the same file."""
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        cases.set(key, str(len(cases.findall(f"testcase/{tag}"))))
    cases.set("tests", str(len(cases)))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, "unicode") + "\n"


def _allowed(text: str) -> str:
    return _FORBIDDEN.sub("", text)
