"""The report as JUnit XML: a suite for each plugin, a case for each check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from generator.problems.inert import inert_xml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.preflight.results import Check, PreflightReport

#: What XML 1.0 cannot hold, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: PreflightReport) -> str:
    """The text of the XML file."""
    root = ET.Element("testsuites", name="greenroom preflight")
    for result in report.results:
        _suite(root, result.plugin_id, result.checks, result.seconds)
    for server in report.servers:
        _suite(root, f"server {server.server}", [server.check], 0.0)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{sum(result.seconds for result in report.results):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + inert_xml(ET.tostring(root, encoding="unicode")) + "\n"


def _suite(root: ET.Element, name: str, checks: Sequence[Check], seconds: float) -> None:
    failures = sum(not check.ok for check in checks)
    suite = ET.SubElement(root, "testsuite", name=_text(name), time=f"{seconds:.3f}")
    for key, count in {"tests": len(checks), "failures": failures, "errors": 0, "skipped": 0}.items():
        suite.set(key, str(count))
    for number, check in enumerate(checks):
        # The time is known for all checks of a plugin together: the first case carries it.
        time = f"{seconds:.3f}" if number == 0 else "0.000"
        case = ET.SubElement(suite, "testcase", classname=_text(name), name=check.name, time=time)
        if not check.ok:
            failure = ET.SubElement(case, "failure", message=_text(check.detail), type=check.code)
            failure.text = _text(_words(check))
        elif check.warning:
            ET.SubElement(case, "system-out").text = _text(f"warning[{check.code}] {_words(check)}")


def _words(check: Check) -> str:
    lines = [check.detail]
    lines += [f"Backstage: {check.backstage}"] if check.backstage else []
    lines += [f"help: {check.hint}"] if check.hint else []
    return "\n".join(lines)


def _text(value: str) -> str:
    return _NOT_XML.sub("\ufffd", value)
