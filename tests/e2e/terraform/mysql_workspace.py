"""The workspace of the MySQL tests: the same Terraform, MariaDB servers by TLS with a certificate authority of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from terraform_workspace import Workspace

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from mariadb import MariaDB

    from generator.demo.embedded import EmbeddedServer
    from generator.planning.model import Plan


class MysqlWorkspace(Workspace):
    """Terraform on ``mariadb`` (by their names in the plan), beside PostgreSQL ``servers`` if there are any."""

    def __init__(
        self,
        folder: Path,
        mirror: Path,
        mariadb: Mapping[str, MariaDB],
        servers: Mapping[str, EmbeddedServer] | None = None,
        program: str = "terraform",
    ) -> None:
        super().__init__(folder, mirror, servers or {}, program)
        self.mariadb = dict(mariadb)

    def _environment(self, variables: Mapping[str, Any]) -> dict[str, str]:
        found = super()._environment(variables)
        for name, server in self.mariadb.items():
            found |= {
                f"TF_VAR_{name}_host": server.host,
                f"TF_VAR_{name}_port": str(server.port),
                f"TF_VAR_{name}_admin_user": server.admin,
                f"TF_VAR_{name}_admin_password": server.admin_password,
                f"TF_VAR_{name}_tls_ca": str(server.ca),
            }
        return found | {f"TF_VAR_{name}": str(value) for name, value in variables.items()}

    def assert_no_secret(self, plan: Path | None = None) -> None:
        """Nor the administrator's of MariaDB."""
        super().assert_no_secret(plan)
        kept = [path.read_bytes() for path in self.root.glob("terraform.tfstate*")] + [self.log.read_bytes()]
        for server in self.mariadb.values():
            assert not any(server.admin_password.encode() in text for text in kept)

    def as_plugin(
        self, plan: Plan, plugin_id: str, statements: str, database: str | None = None, *, tls: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run statements as a plugin does, in its own database unless another is named."""
        plugin = next(item for item in plan.plugins if item.plugin_id == plugin_id)
        password = self.passwords[plugin.role.plugins[0]]
        return self.mariadb[plugin.server].query(
            plugin.role.name, password, statements, database or plugin.database.name, tls=tls
        )

    def resources(self) -> list[dict[str, Any]]:
        """What the state says of each resource."""
        state = json.loads((self.root / "terraform.tfstate").read_text())
        return [
            {"module": item.get("module"), "type": item["type"], **instance["attributes"]}
            for item in state["resources"]
            for instance in item["instances"]
        ]

    def clean(self) -> None:
        """Drop what was made, so that the next test finds empty servers."""
        for server in self.mariadb.values():
            server.clear()
        super().clean()
