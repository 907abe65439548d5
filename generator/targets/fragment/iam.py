"""What a fragment without passwords needs of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.backstage.database.cloud import INSTANCE
from generator.clouds import CLOUDS
from generator.documents.values import Placeholder

if TYPE_CHECKING:
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.fragment.plugin_input import PluginInput


def check_iam(found: PluginInput, cloud: str, diagnostics: Diagnostics) -> None:
    """What Backstage has to know besides, to sign in without a password: an error (GR635), or a doubt (GR636)."""
    key = CLOUDS[cloud].names_server
    origin, own = found.origin, found.origin.parts
    base = origin.base if isinstance(origin.base, dict) else {}
    written = [found.resolved, own, base]
    if key is not None and not any(part.get(key) for part in written):
        backstage = {
            "host": "asks AWS for a token for this host",
            "instance": "connects through Google's connector, which takes the instance and no host",
        }[key]
        diagnostics.error(
            "GR635",
            f"plugin {found.plan.plugin_id!r} signs in with {cloud}, and connection.{key} is not set",
            origin.locate(),
            path=f"backend.database.connection.{key}",
            backstage=backstage,
            hint=f"set backend.database.connection.{key}{' to project:region:instance' if key == 'instance' else ''}",
        )
    instance = own.get("instance") or base.get("instance")
    if (
        CLOUDS[cloud].names_server == "instance"
        and isinstance(instance, str)
        and not isinstance(instance, Placeholder)
        and not INSTANCE.fullmatch(instance)
    ):
        diagnostics.error(
            "GR635",
            f"plugin {found.plan.plugin_id!r} signs in with {cloud}, and connection.instance names no instance",
            origin.locate("instance"),
            path="backend.database.connection.instance",
            hint="write it as project:region:instance",
        )
    own_identity = isinstance(own.get("tokenCredential"), dict) and own["tokenCredential"].get("clientId")
    if CLOUDS[cloud].names_identity and not found.plan.role.is_common and not own_identity:
        diagnostics.warning(
            "GR636",
            f"plugin {found.plan.plugin_id!r} has a role of its own and no connection.tokenCredential.clientId",
            origin.locate(),
            path=f"{found.path}.tokenCredential.clientId",
            backstage="signs in as the identity of its process: the same for every plugin that names no other",
            hint="name the plugin's own identity, or let all share one role: credentials.roleName without {plugin}",
        )
