"""What ``greenroom adopt`` leaves behind: the list of what is taken over, as text and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.adopt.scripts import MARK, script_names, scripts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from generator.adopt.assessment import Assessment
    from generator.settings.model import Adopted


def adopt_text(assessments: Sequence[Assessment], before: Mapping[str, Any], as_of: str | None) -> str:
    """The list: what the servers looked at have, and what ``before`` says of the others.

    ``as_of`` is what :class:`~generator.settings.model.Adopted` has of that name.
    """
    stamp = {"asOf": as_of} if as_of else {}
    servers = {
        **before,
        **{item.server: names and {**stamp, **names} for item in assessments for names in [_names(item.adopted)]},
    }
    kept = {name: value for name, value in sorted(servers.items()) if value}
    return (
        f"# {MARK}\n# What the servers have already: `greenroom generate` takes it over instead of making it.\n"
        + yaml_text(kept)
    )


def _names(adopted: Adopted) -> dict[str, Any]:
    names: dict[str, Any] = {
        "databases": list(adopted.databases),
        "schemas": [f"{database}.{schema}" for database, schema in adopted.schemas],
        "roles": list(adopted.roles),
        "secrets": dict(adopted.secrets),
    }
    return {key: value for key, value in names.items() if value}


def yaml_text(value: Any) -> str:
    """``value`` as YAML, keys in their order."""
    import yaml

    value = _plain(value)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000) if value else "{}\n"


def _plain(value: Any) -> Any:
    """``value`` without what only app-config's own reader knows: a dumper takes plain mappings, lists and texts."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def files(
    assessments: Sequence[Assessment], path: Path, before: Mapping[str, Any], as_of: str | None = None
) -> dict[Path, bytes]:
    """Every file of a run that writes: the list at ``path``, and the scripts of each server beside it."""
    made = {path: adopt_text(assessments, before, as_of).encode()}
    for item in assessments:
        made |= {path.parent / name: text.encode() for name, text in scripts(item, path.stem).items()}
    return made


_ENDS: Final = ("before-apply.sql", "after-apply.sql")


def is_ours(path: Path) -> bool:
    """Whether ``path`` was written by an earlier run."""
    marks = (f"# {MARK}", f"-- {MARK}")
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") in marks
    except (OSError, UnicodeDecodeError):
        return False


def leftovers(path: Path, wanted: Mapping[Path, bytes], unseen: Collection[str] = ()) -> list[Path]:
    """Scripts beside the list at ``path`` that an earlier run wrote and that are of no use any more.

    Those of ``unseen`` servers may still be needed.
    """
    folder, base = path.parent, path.stem
    kept = {*wanted, *(folder / name for server in unseen for name in script_names(server, base))}
    found = (file for file in folder.iterdir() if file.name.startswith(f"{base}.") and file.name.endswith(_ENDS))
    return sorted(file for file in found if file not in kept and is_ours(file))


def to_json(assessment: Assessment, base: str) -> dict[str, Any]:
    """One server's part of ``adopt --format json``."""
    return {
        "engine": assessment.engine,
        "administrator": assessment.administrator,
        "adopt": _names(assessment.adopted),
        "missing": _names(assessment.missing),
        "rotations": [item._asdict() for item in assessment.standings],
        "unplanned": [item._asdict() for item in assessment.strangers],
        "keepNames": {"appConfig": assessment.keep.app_config or None, "settings": assessment.keep.settings or None},
        "scripts": scripts(assessment, base),
    }
