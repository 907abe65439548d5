"""Writes what docs and schemas say of the program anew, from the program: part of ``make goldens``."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
README = PROJECT / "README.md"
CLI = PROJECT / "docs" / "cli.md"
LINT = PROJECT / "docs" / "lint" / "README.md"
CODES = PROJECT / "docs" / "codes.md"
PLUGINS = PROJECT / "docs" / "plugins.md"
SETTINGS_PAGE = PROJECT / "docs" / "settings.md"
SETTINGS = PROJECT / "schemas" / "settings.schema.json"
_STORES = re.compile(r'(?<="store": \{\n)(?P<description> *"description": .*\n *"enum": )\[.*\]')
_RULES = re.compile(r"(?<=<!-- rules -->\n).*(?=<!-- end of rules -->)", re.DOTALL)

_CODES_HEAD = """# Codes

Every problem that greenroom reports has a code. `greenroom explain GR501` prints what this page says about it.

What `greenroom lint` finds in app-config has [a page for each code](lint/README.md#rules), with a bad and a good example.
The other codes are below: what is wrong, what Backstage would do, and what to do about it.
"""

_TRANSCRIPT = re.compile(r"(<!-- transcript: greenroom (?P<arguments>.*?) -->\n```console\n).*?(```\n)", re.DOTALL)
_HEAD = """# Command line

What `greenroom COMMAND --help` prints. The result of a command goes to stdout, everything else to stderr. A bug in greenroom
ends with exit code 70 and says so; every other code is in the table.

| exit code | means |
|---|---|
| 0 | ok |
| 1 | problems in the input |
| 2 | wrong usage |
| 3 | `generate --check`: files would change; `plan-check`: something would be deleted or replaced |
| 4 | `preflight`: a database is not ready |
"""


def run(arguments: list[str], cwd: Path) -> str:
    """What a command prints in ``cwd``, results and the rest together; no variable an app-config could ask for is set."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", "from generator.cli import main; main()", *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "120", "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.strip("\n").splitlines())


def readme(text: str) -> str:
    """README.md with every transcript as it is now, run one after the other in a folder with nothing but ``examples``."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PROJECT / "examples", Path(folder) / "examples", ignore=shutil.ignore_patterns("expected"))

        def transcript(match: re.Match[str]) -> str:
            arguments = match["arguments"]
            return f"{match[1]}$ greenroom {arguments}\n{run(arguments.split(), Path(folder))}{match[3]}"

        return _TRANSCRIPT.sub(transcript, text)


def cli() -> str:
    """docs/cli.md as it is now."""
    from generator.cli.app import COMMANDS

    parts = [_HEAD, f"\n```console\n$ greenroom --help\n{run(['--help'], PROJECT)}```\n"]
    parts += [
        f"\n## greenroom {name}\n\n```console\n$ greenroom {name} --help\n{run([name, '--help'], PROJECT)}```\n"
        for name in COMMANDS
    ]
    return "".join(parts)


def lint_index() -> str:
    """docs/lint/README.md with the table of rules as it is now."""
    from generator.lint.registry import RULES

    rows = [
        f"| [{code}]({code}.md) | {rule.name} | {rule.severity}{' · fix' if rule.fixable else ''} | {rule.summary} |\n"
        for code, rule in RULES.items()
    ]
    table = "".join(["\n| code | name | severity | |\n|---|---|---|---|\n", *rows, "\n"])
    return _RULES.sub(lambda _: table, LINT.read_text(encoding="utf-8"))


def settings_schema() -> str:
    """schemas/settings.schema.json with the stores there are."""
    from generator.stores.names import STORES

    return _STORES.sub(lambda match: match["description"] + json.dumps(list(STORES)), SETTINGS.read_text(encoding="utf-8"))


def codes_page() -> str:
    """docs/codes.md, made from the registry of codes."""
    from generator.problems.codes import families

    parts = [_CODES_HEAD]
    for family in families():
        parts.append(f"\n## {family.title}\n")
        if family.backstage:
            parts.append(f"\n{family.backstage}\n")
        for code in family.codes:
            parts.append(f"\n### {code.code}\n\n**{code.title}** ({' or '.join(code.severities)})\n")
            said = [code.what, code.backstage if code.backstage != family.backstage else "", f"What to do: {code.fix}"]
            parts += [f"\n{text}\n" for text in said if text]
    return "".join(parts)


def plugins_page() -> str:
    """docs/plugins.md, made from the atlas."""
    sys.path.insert(0, str(PROJECT / "tools" / "atlas"))
    from atlas_page import page

    return page()


def settings_page() -> str:
    """docs/settings.md, made from the JSON Schema."""
    from settings_page import page

    return page()


def main() -> None:
    """Write what changed."""
    documents = (
        (README, readme(README.read_text(encoding="utf-8"))),
        (CLI, cli()),
        (LINT, lint_index()),
        (CODES, codes_page()),
        (PLUGINS, plugins_page()),
        (SETTINGS, settings_schema()),
        (SETTINGS_PAGE, settings_page()),
    )
    for path, text in documents:
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(PROJECT)}: changed")


if __name__ == "__main__":
    sys.path.insert(0, str(PROJECT))
    main()
