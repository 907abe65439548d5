"""What is there already and is to be taken over: ``adopt`` in greenroom.yaml, and greenroom.adopt.yaml beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.documents.documents import parse_document, read_text
from generator.documents.schema import check_schema
from generator.documents.values import UNDEFINED
from generator.settings.model import Adopted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.problems.diagnostic import Diagnostics

ADOPT_FILE: Final = "greenroom.adopt.yaml"
_SETTINGS: Final = "greenroom.yaml"


def adopt_path(settings: Path | None, folder: Path) -> Path:
    """The file with what the servers of a settings file have: ``greenroom.adopt.yaml`` in ``folder``.

    It has the name of the settings file (``greenroom.staging.adopt.yaml`` for ``greenroom.staging.yaml``): two of them in
    one folder are about different servers, even where they call them the same.
    """
    return folder / (ADOPT_FILE if settings is None else f"{settings.stem}.adopt.yaml")


def read_adopted(
    written: Mapping[str, Any], settings: Path | None, folder: Path, diagnostics: Diagnostics
) -> tuple[Adopted, ...]:
    """What ``written`` (the value of ``adopt``) and the file of ``settings`` in ``folder`` name, together, by server.

    Every problem of the file is in ``diagnostics``; it then counts as empty.
    """
    documents = [written, stored_adoptions(settings, folder, diagnostics)]
    servers = sorted({name for document in documents for name in document})
    return tuple(_merged(name, [document.get(name) or {} for document in documents]) for name in servers)


def stored_adoptions(settings: Path | None, folder: Path, diagnostics: Diagnostics) -> Mapping[str, Any]:
    """What the file of ``settings`` in ``folder`` says, by server; empty when there is none, or none that can be read."""
    path = adopt_path(settings, folder)
    if not path.exists() and not (folder / _SETTINGS).exists():
        path = folder / ADOPT_FILE  # all settings files had this one once; with a greenroom.yaml it is that one's
    if not path.exists():
        return {}
    text = read_text(path, diagnostics)
    data = parse_document(text, str(path), diagnostics) if text is not None else None
    if data is None or data is UNDEFINED or not check_schema("adopt", data, str(path), diagnostics):
        return {}
    found: Mapping[str, Any] = data
    return found


def _merged(server: str, entries: list[Mapping[str, Any]]) -> Adopted:
    def names(key: str) -> tuple[str, ...]:
        return tuple(sorted({str(name) for entry in entries for name in entry.get(key) or ()}))

    # A database may have a dot in its name; a schema, which ends in a plugin id, has none.
    schemas = tuple((database, schema) for database, _, schema in (name.rpartition(".") for name in names("schemas")))
    secrets = {str(name): int(version) for entry in entries for name, version in (entry.get("secrets") or {}).items()}
    as_of = next((str(entry["asOf"]) for entry in entries if "asOf" in entry), None)
    return Adopted(server, names("databases"), schemas, names("roles"), tuple(sorted(secrets.items())), as_of=as_of)
