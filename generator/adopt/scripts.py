"""The SQL that fixes what stands in the way: a script to run before the first apply, and one to run after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.adopt.findings import TIMEOUTS
from generator.adopt.objects import OBJECTS
from generator.targets.text.escaped import Escaped
from generator.targets.text.postgresql import FILTERS
from generator.targets.text.templates import render_template

if TYPE_CHECKING:
    from generator.adopt.assessment import Assessment

MARK: Final = "Made by `greenroom adopt`: do not edit, it is written anew."
#: Options and settings of a role.
_WORDS: Final = frozenset({"NOSUPERUSER", "NOCREATEDB", "NOCREATEROLE", "NOREPLICATION", "NOBYPASSRLS", *TIMEOUTS})


def _word(value: str) -> Escaped:
    """One of the words ``ALTER ROLE`` knows, a timeout among them.

    Raises:
        ValueError: it is another word.
    """
    if value not in _WORDS:
        raise ValueError("not an option or a setting of a role")
    return Escaped(value)


_FILTERS: Final = (*FILTERS, ("word", _word))


def script_names(server: str, base: str) -> tuple[str, str]:
    """The names of a server's two scripts; ``base`` is that of the list beside them, without its ending."""
    start = f"{base}." if server == "primary" else f"{base}.{server}-"
    return f"{start}before-apply.sql", f"{start}after-apply.sql"


def scripts(assessment: Assessment, base: str) -> dict[str, str]:
    """File name to text: ``greenroom.adopt.before-apply.sql`` and ``….after-apply.sql``, each where there is work.

    With another server than ``primary`` its name is in the file's: ``greenroom.adopt.reporting-before-apply.sql``. ``base``
    is what all of them begin with.
    """
    before, after = script_names(assessment.server, base)
    made: dict[str, str] = {}
    if assessment.repairs:
        file = before
        view = _before(assessment) | {"runner": assessment.runners[0]}
        made[file] = _render("before-apply.sql.j2", assessment, file, view)
    if assessment.hand_overs:
        file = after
        view = {
            "runner": assessment.runners[1],
            "objects": Escaped(OBJECTS.strip()),
            "hand_overs": [
                item._asdict() | {"schema": item.schema or "", "owners": ", ".join(item.owners)}
                for item in assessment.hand_overs
            ],
        }
        made[file] = _render("after-apply.sql.j2", assessment, file, view)
    return made


def _render(template: str, assessment: Assessment, file: str, view: dict[str, Any]) -> str:
    common = {"mark": MARK, "server": assessment.server, "administrator": assessment.administrator, "file": file}
    return render_template("adopt", template, common | view, _FILTERS)


def _before(assessment: Assessment) -> dict[str, Any]:
    roles: list[dict[str, Any]] = []
    databases: dict[str, dict[str, Any]] = {}
    for repair in assessment.repairs:
        if repair.kind == "powers":
            role, *words = repair.subjects
            roles.append({"kind": "powers", "role": role, "words": words})
        elif repair.kind == "admin-option":
            role, administrator = repair.subjects
            roles.append({"kind": "admin-option", "role": role, "administrator": administrator})
        elif repair.kind == "timeout":
            role, setting, *value = repair.subjects
            timeout = {"setting": setting, "database": repair.database, "value": "".join(value)}
            roles.append({"kind": "timeout", "role": role, **timeout})
        else:
            assert repair.database is not None
            entry = databases.setdefault(
                repair.database, {"name": repair.database, "owner": None, "schemas": [], "schema_owner": None}
            )
            if repair.kind == "database-owner":
                (entry["owner"],) = repair.subjects
            else:
                schema, entry["schema_owner"] = repair.subjects
                entry["schemas"].append(schema)
    return {"roles": roles, "databases": list(databases.values())}
