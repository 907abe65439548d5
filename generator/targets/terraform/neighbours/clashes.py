"""A user's own Terraform files beside the generated ones: what they declare that greenroom declares too.

Terraform reads all files of a folder as one. A name that is there twice fails at `terraform init`, after greenroom has
written its files; so it is found before. The user's files are only read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.problems.diagnostic import Location
from generator.problems.paths import shown
from generator.targets.terraform.neighbours.model import ADDRESSED, LABELLED, Declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from generator.problems.diagnostic import Diagnostics

_FILES: Final = (".tf", ".tofu", ".tf.json", ".tofu.json")

_HEADER: Final = re.compile(r'^(\w+)(?: "([^"]+)")?(?: "([^"]+)")? \{$')
_ALIAS: Final = re.compile(r'^  alias\s+= "([^"]+)"$')
_ADDRESS: Final = re.compile(r"^  (from|to)\s+= (\S+)$")
_LOCAL: Final = re.compile(r"^  ([\w-]+)\s+= ")


def check_beside(files: Mapping[Path, bytes], owned: Callable[[Path], bool], root: Path, diagnostics: Diagnostics) -> None:
    """Report every clash of a user's own files with those of ``files`` that are to be written below ``root``.

    Errors: a name that both declare (GR641), a file that cannot be read (GR642). Warning: a file that overrides what
    greenroom generates (GR643). ``owned`` says whether greenroom generated a file.
    """
    written = {path for path in files if path.name.endswith(_FILES) and path.is_relative_to(root)}
    for folder in sorted({path.parent for path in written}):
        theirs = _user_files(folder, written, owned)
        if theirs:
            ours = [item for path in sorted(written) if path.parent == folder for item in _own(path, files[path])]
            _compare(ours, {path for path in written if path.parent == folder}, theirs, diagnostics)


def check_readable(root: Path, diagnostics: Diagnostics) -> None:
    """Report the files one folder below ``root`` that cannot be read (GR642), where nothing was rendered to compare with."""
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return
    for folder in folders:
        for path in _user_files(folder, set(), lambda _: False):
            from generator.targets.terraform.neighbours.declared import read_declared

            read_declared(path, diagnostics)


def _user_files(folder: Path, written: set[Path], owned: Callable[[Path], bool]) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []  # not there yet; or in the way, which the writer reports
    return [
        path for path in found if path.name.endswith(_FILES) and path not in written and not owned(path) and path.is_file()
    ]


def _own(path: Path, data: bytes) -> list[Declared]:
    """What a generated file declares. It has one form only, so no parser is needed, which would take seconds."""
    found: list[Declared] = []
    block = ""
    for line in data.decode().split("\n"):
        if header := _HEADER.match(line):
            block, labels = header[1], [label for label in header.groups()[1:] if label]
            if block in LABELLED:
                found.append(Declared(block, ".".join(labels), path.name))
            elif block == "provider":
                found.append(Declared(block, labels[0], path.name))
        elif block == "provider" and (alias := _ALIAS.match(line)):
            found[-1] = found[-1]._replace(name=f"{found[-1].name}.{alias[1]}")
        elif block in ADDRESSED and (address := _ADDRESS.match(line)) and address[1] == ADDRESSED[block]:
            found.append(Declared(block, address[2], path.name))
        elif block == "locals" and (local := _LOCAL.match(line)):
            found.append(Declared("local", local[1], path.name))
        elif line == "  required_providers {":
            found.append(Declared("required_providers", "", path.name))
    return found


def _compare(ours: list[Declared], own_files: set[Path], theirs: list[Path], diagnostics: Diagnostics) -> None:
    from generator.targets.terraform.neighbours.declared import read_declared

    known = {(item.kind, item.name): item for item in ours}
    for path in theirs:
        twin = path.with_name(path.name.replace(".tofu", ".tf"))
        if twin != path and twin in own_files:
            _clash(path, 0, f"OpenTofu reads this file in place of the generated {twin.name}", diagnostics)
        is_override = re.fullmatch(r"(.*_)?override\.(tf|tofu)(\.json)?", path.name) is not None
        for item in read_declared(path, diagnostics):
            other = known.get((item.kind, item.name))
            if is_override:
                if other is not None:
                    diagnostics.warning(
                        "GR643",
                        f"this changes {_text(item)} of the generated {other.file}, and greenroom does not see how",
                        Location(shown(path), item.line, 1),
                        hint="fine where it is meant; --templates changes what is generated instead",
                    )
            elif other is not None:
                _clash(path, item.line, f"{_text(item)} is in the generated {other.file} as well", diagnostics)
            elif item.kind in ("removed", "moved") and ("module", item.name.removeprefix("module.")) in known:
                what = f"a `{item.kind}` block for {item.name}, which the generated plugins.tf has"
                _clash(path, item.line, what, diagnostics)


def _clash(path: Path, line: int, what: str, diagnostics: Diagnostics) -> None:
    hint = "rename yours or take it out; greenroom touches no file it did not generate"
    diagnostics.error("GR641", what, Location(shown(path), line, 1 if line else 0), hint=hint)


def _text(item: Declared) -> str:
    if item.kind == "required_providers":
        return "the block `required_providers`"
    if item.kind in ADDRESSED:
        return f"the `{item.kind}` block for {item.name}"
    if item.kind == "provider" and "." in item.name:
        name, _, alias = item.name.partition(".")
        return f"the provider {name!r} with the alias {alias!r}"
    return f"the {item.kind} {item.name!r}"
