"""What is there already and is to be taken over: ``adopt`` in greenroom.yaml, and greenroom.adopt.yaml beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from generator.documents.documents import parse_document, read_text
from generator.documents.schema import check_schema
from generator.documents.values import UNDEFINED
from generator.problems.diagnostic import Location
from generator.settings.model import Adopted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.problems.diagnostic import Diagnostics

ADOPT_FILE: Final = "greenroom.adopt.yaml"
_SETTINGS: Final = "greenroom.yaml"


def adopt_path(settings: Path | None, folder: Path, environment: str | None = None) -> Path:
    """The file with what the servers of a settings file have: ``greenroom.adopt.yaml`` in ``folder``.

    It has the name of the settings file (``greenroom.staging.adopt.yaml`` for ``greenroom.staging.yaml``): two of them in
    one folder are about different servers, even where they call them the same. ``environment``, one of several of a file, is
    a part of the name for the same reason.
    """
    stem = Path(_SETTINGS if settings is None else settings).stem
    return folder / (f"{stem}.adopt.yaml" if environment is None else f"{stem}.{environment}.adopt.yaml")


def read_adopted(
    written: Mapping[str, Any],
    settings: Path | None,
    folder: Path,
    diagnostics: Diagnostics,
    environment: str | None = None,
) -> tuple[Adopted, ...]:
    """What ``written`` (the value of ``adopt``) and the file of ``settings`` in ``folder`` name, together, by server.

    ``environment`` is one of several in ``settings``.

    Every problem of the file is in ``diagnostics``; it then counts as empty.
    """
    documents = [written, stored_adoptions(settings, folder, diagnostics, environment)]
    servers = sorted({name for document in documents for name in document})
    return tuple(_merged(name, [document.get(name) or {} for document in documents]) for name in servers)


def stored_adoptions(
    settings: Path | None, folder: Path, diagnostics: Diagnostics, environment: str | None = None
) -> Mapping[str, Any]:
    """What the file of ``settings`` in ``folder`` says, by server; empty when there is none, or none that can be read.

    Where ``settings`` has several environments, a file for all of them is an error (GR455): it is about one's servers.
    """
    path = adopt_path(settings, folder, environment)
    if environment is not None:
        common = adopt_path(settings, folder)
        if common.exists():
            diagnostics.error(
                "GR455",
                "this list is about the servers of one environment, and its name does not say of which",
                Location(str(common)),
                hint=f"rename it to {common.name.removesuffix('adopt.yaml')}NAME.adopt.yaml, NAME being that environment",
            )
    elif not path.exists() and not (folder / _SETTINGS).exists():
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
