"""What an earlier `greenroom preflight --format json` found, compared with the plan of now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from generator.documents.files import ReadError, read_bytes
from generator.documents.schema import schema_text
from generator.documents.schema_quick import conforms
from generator.documents.values import Placeholder
from generator.problems.diagnostic import Diagnostics, Location
from generator.report.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from generator.planning.model import PluginPlan, Server

_HINT = "make it with `greenroom preflight --format json > FILE`"
_CODE = "GR920"


class Verdicts(NamedTuple):
    """A result of preflight: ``file`` is what a reader knows it as, ``plugins`` and ``servers`` are as in the document."""

    file: str
    plugins: Mapping[str, dict[str, Any]]
    servers: Mapping[str, dict[str, Any]]

    def on(self, plugin: PluginPlan, server: Server) -> Verdict:
        """The verdict on a planned plugin. It is none on this plan where preflight saw other names than are planned now."""
        found = self.plugins.get(plugin.plugin_id)
        if found is None:
            return Verdict("unknown", "the result does not mention this plugin")
        place = f"{found['server'] or 'the server'}, database {found['database']}"
        place += f", schema {found['schema']}" if found["schema"] is not None else ""
        looked = f"{place}, as {found['user']}"
        planned = (plugin.database.name, plugin.schema, plugin.role.live.name, server.engine)
        if (found["database"], found["schema"], found["user"], found["engine"]) != planned or _elsewhere(found, server):
            return Verdict("other", f"preflight looked at {looked}")
        if found["ready"]:
            return Verdict("ready", found["server"])
        failed = [f"{check['name']}: {check['detail']}" for check in found["checks"] if check["status"] == "failed"]
        return Verdict("failed", "; ".join(failed))

    def room(self, plugins: Collection[str]) -> tuple[tuple[str, bool], ...]:
        """What was found about the connections of the servers that these plugins are on."""
        addresses = {self.plugins[name]["server"] for name in plugins if name in self.plugins}
        checks = [(address, self.servers[address]["check"]) for address in sorted(addresses & self.servers.keys())]
        return tuple((f"{address}: {check['detail']}", check["status"] != "failed") for address, check in checks)


def read_verdicts(path: str, shown: str, diagnostics: Diagnostics) -> Verdicts | None:
    """The result of preflight in the file ``path``; ``None`` with an error (GR920) where it is none."""
    try:
        text = read_bytes(path).decode()
    except ReadError as error:
        diagnostics.error(_CODE, f"cannot read the result of preflight: {error.reason}", Location(shown), hint=_HINT)
        return None
    except UnicodeDecodeError:
        diagnostics.error(_CODE, "the result of preflight is not UTF-8", Location(shown), hint=_HINT)
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        diagnostics.error(_CODE, "the result of preflight is not JSON", Location(shown), hint=_HINT)
        return None
    problem = _problem(document)
    if problem is not None:
        what = f"this is JSON, and not what `greenroom preflight --format json` prints: {problem}"
        diagnostics.error(_CODE, what, Location(shown), hint=_HINT)
        return None
    return Verdicts(shown, document["plugins"], document["servers"])


def _problem(document: Any) -> str | None:
    """What a result of preflight has otherwise than ``document``: the first key that differs."""
    schema = json.loads(schema_text("preflight"))
    if conforms(schema, document):
        return None
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    found = best_match(Draft202012Validator(schema).iter_errors(document))
    if found is None:
        return None
    # Only the place and the rule: the value may be anything.
    return f"{'.'.join(map(str, found.absolute_path)) or 'the document'} is not as {found.validator} in its schema wants it"


def _elsewhere(found: Mapping[str, Any], server: Server) -> bool:
    """Whether preflight connected to another server than the planned one, as far as both are known."""
    host, port = server.host, server.port
    if not found["server"] or not isinstance(host, str) or not host or isinstance(host, Placeholder) or "$" in host:
        return False
    seen_host, _, seen_port = found["server"].rpartition(":")
    if seen_host.strip("[]").lower() != host.strip("[]").lower():
        return True
    return isinstance(port, int) and not isinstance(port, bool) and seen_port != str(port)
