"""The life of a stack: templates that greenroom generates, run by MiniStack with the functions as they are deployed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
import pytest
import yaml
from ministack import MiniStack, ministack, read_template, simplified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfn_stage import Target

PROJECT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
REFUSED = (psycopg.Error, pymysql.MySQLError)
STACK = "backstage"
RUN = "import sys; from generator.cli import main; main(sys.argv[1:])"


@pytest.fixture(scope="module")
def cloud_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    try:
        with ministack(tmp_path_factory.mktemp("ministack")) as running:
            yield running
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"MiniStack cannot be installed: {error}")


@dataclass
class Portal:
    """A project that uses greenroom, its server, and its stack."""

    folder: Path
    target: Target
    cloud: MiniStack
    plugins: list[str] = field(default_factory=lambda: ["catalog", "search"])
    databases: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    cloudformation: dict[str, Any] = field(default_factory=dict)
    database: dict[str, Any] = field(default_factory=dict)
    revision: int = 1

    def generate(self) -> Path:
        """Run greenroom; the folder with the templates."""
        host, port = self.target.host, self.target.port
        connection = {"host": host, "port": port, "user": "${DB_USER}", "password": "${DB_PASSWORD}"}
        connection["ssl"] = {"ca": self.target.ca}
        plugins = {name: {"connection": {"database": database}} for name, database in self.databases.items()}
        database = {"client": "pg" if self.target.is_postgresql else "mysql2", "connection": connection, **self.database}
        if plugins:
            database["plugin"] = plugins
        (self.folder / "app-config.yaml").write_text(json.dumps({"backend": {"database": database}}))
        targets = {"cloudformation": {"path": "infra/cloudformation", **self.cloudformation}}
        settings = {
            "version": 1,
            "environment": "production",
            "plugins": {"include": self.plugins, "discover": False},
            **self.settings,
            "targets": {**targets, "appConfig": {"path": "app-config.databases.yaml"}},
        }
        settings["credentials"] = {"store": "aws-secretsmanager", **settings.get("credentials", {})}
        (self.folder / "greenroom.yaml").write_text(json.dumps(settings))
        done = subprocess.run(
            [sys.executable, "-c", RUN, "generate", "--root", str(self.folder)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return self.folder / "infra" / "cloudformation"

    def deploy(self) -> str:
        """Generate and deploy; the stack's status when it came to rest."""
        folder = self.generate()
        code = self.cloud.upload_functions(folder / "functions")
        template = simplified(read_template((folder / "databases.yaml").read_text()), code)
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::CloudFormation::Stack":
                file = folder / resource["Properties"]["TemplateURL"]
                nested = simplified(read_template(file.read_text()), code)
                body = json.dumps(nested).encode()
                # Another address for another content, as `aws cloudformation package` has it.
                key = self.cloud.upload(f"{hashlib.sha256(body).hexdigest()}-{file.name}", body)
                resource["Properties"]["TemplateURL"] = f"http://127.0.0.1:{self.cloud.port}/artifacts/{key}"
        return self.apply(template)

    def apply(self, template: dict[str, Any]) -> str:
        given = {
            "PrimaryHost": self.target.host,
            "PrimaryPort": str(self.target.port),
            "PrimaryAdminSecretArn": self.admin_secret(),
            "PrimaryCaBundle": self.target.ca,
            "PrimarySecurityGroupId": "sg-0123456789abcdef0",
            "VpcId": "vpc-1",
            "SubnetIds": "subnet-1",
            "Revision": str(self.revision),
        }
        parameters = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in given.items() if key in template["Parameters"]
        ]
        key = self.cloud.upload("databases.json", json.dumps(template).encode())
        client = self.cloud.client("cloudformation")
        change = client.update_stack if self.status() else client.create_stack
        change(
            StackName=STACK,
            TemplateURL=f"http://127.0.0.1:{self.cloud.port}/artifacts/{key}",
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        return self.wait()

    def must_deploy(self) -> None:
        status = self.deploy()
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), (status, self.reasons())

    def admin_secret(self) -> str:
        client = self.cloud.client("secretsmanager")
        name = f"admin-{self.target.label}"
        with contextlib.suppress(client.exceptions.ResourceExistsException):
            value = {"username": self.target.admin, "password": self.target.admin_password}
            client.create_secret(Name=name, SecretString=json.dumps(value))
        return str(client.describe_secret(SecretId=name)["ARN"])

    def status(self) -> str | None:
        client = self.cloud.client("cloudformation")
        with contextlib.suppress(client.exceptions.ClientError):
            status = str(client.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])
            return None if status == "DELETE_COMPLETE" else status
        return None

    def wait(self) -> str:
        for _ in range(3000):
            status = self.status()
            if status is None or not status.endswith("IN_PROGRESS"):
                return status or "DELETE_COMPLETE"
            time.sleep(0.1)
        raise AssertionError(f"the stack is still {status}: {self.reasons()}")

    def delete(self) -> str:
        self.cloud.client("cloudformation").delete_stack(StackName=STACK)
        return self.wait()

    def reasons(self) -> str:
        """Why resources failed."""
        client = self.cloud.client("cloudformation")
        stack = client.describe_stacks(StackName=STACK)["Stacks"][0]
        events = client.describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
        reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
        return "\n".join([stack.get("StackStatusReason", ""), *reasons])

    def password(self, plugin: str) -> str:
        found = self.cloud.client("secretsmanager").get_secret_value(SecretId=f"backstage/production/database/{plugin}")
        return str(json.loads(found["SecretString"])["password"])

    def name(self, plugin: str) -> str:
        return self.databases.get(plugin, f"backstage_plugin_{plugin}")

    @contextlib.contextmanager
    def session(self, plugin: str, database: str = "") -> Iterator[Any]:
        with self.target.session(f"backstage_{plugin}", self.password(plugin), database or self.name(plugin)) as run:
            yield run

    def rows(self, plugin: str, database: str = "") -> int:
        """Add a row as the plugin; how many there are now."""
        with self.session(plugin, database) as run:
            run("CREATE TABLE IF NOT EXISTS entity (id int)")
            run("INSERT INTO entity VALUES (1)")
            return int(run("SELECT count(*) FROM entity")[0][0])

    def environment(self) -> dict[str, str]:
        """What the container of Backstage gets: the plugins' passwords, and a base user that cannot log in."""
        fragment = (self.folder / "app-config.databases.yaml").read_text()
        names = {name: entry["connection"]["password"] for name, entry in _fragment_plugins(fragment).items()}
        env = {text.strip("${}"): self.password(name) for name, text in names.items()}
        return {**env, "DB_USER": "nobody", "DB_PASSWORD": "nothing"}

    def must_be_ready(self) -> None:
        """``greenroom preflight`` finds every database as planned, and isolated."""
        done = subprocess.run(
            [sys.executable, "-c", RUN, "preflight", "--root", str(self.folder)],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"], **self.environment()},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def open_with_backstage(self, oracle_dir: Path) -> dict[str, Any]:
        """What the real DatabaseManager makes of app-config and fragment, with nothing but the plugins' passwords."""
        question = {
            "root": str(self.folder),
            "files": ["app-config.yaml", "app-config.databases.yaml"],
            "env": self.environment(),
            "plugins": self.plugins,
        }
        done = subprocess.run(
            ["node", str(HERE / "open.mjs"), str(oracle_dir)],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=120,
            env={"PATH": os.environ["PATH"], "NODE_ENV": "test"},
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def _fragment_plugins(text: str) -> dict[str, Any]:
    plugins: dict[str, Any] = yaml.safe_load(text)["backend"]["database"]["plugin"]
    return plugins


@pytest.fixture
def portal(target: Target, cloud_stack: MiniStack, tmp_path: Path) -> Iterator[Portal]:
    """A portal on each server."""
    yield from _portal(target, cloud_stack, tmp_path)


@pytest.fixture
def large_portal(pg18: Target, cloud_stack: MiniStack, tmp_path: Path) -> Iterator[Portal]:
    """A portal on one server."""
    pg18.clear()
    yield from _portal(pg18, cloud_stack, tmp_path)
    pg18.clear()


def _portal(target: Target, cloud_stack: MiniStack, folder: Path) -> Iterator[Portal]:
    made = Portal(folder, target, cloud_stack)
    yield made
    if made.status():
        made.delete()
    secrets = cloud_stack.client("secretsmanager")
    while found := secrets.list_secrets(MaxResults=100)["SecretList"]:
        for secret in found:
            secrets.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


def test_the_life_of_a_stack(portal: Portal, oracle_dir: Path) -> None:
    is_postgresql = portal.target.is_postgresql
    # Create.
    portal.must_deploy()
    assert portal.rows("catalog") == 1
    assert portal.rows("search") == 1
    portal.must_be_ready()
    # Plugin A cannot connect to plugin B's.
    with pytest.raises(REFUSED):
        portal.rows("catalog", "backstage_plugin_search")
    # Add.
    portal.plugins = ["auth", *portal.plugins]
    portal.must_deploy()
    assert portal.rows("auth") == 1
    assert portal.rows("catalog") == 2
    if is_postgresql:
        # Rename with an open session: rolled back, and everybody goes on.
        portal.databases = {"catalog": "portal_catalog"}
        with portal.session("catalog", "backstage_plugin_catalog"):
            assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE", portal.reasons()
        assert "open sessions (55006)" in portal.reasons()
        assert portal.rows("catalog", "backstage_plugin_catalog") == 3
        # Rename: the rows are still there.
        portal.must_deploy()
        assert portal.rows("catalog") == 4
        assert "backstage_plugin_catalog" not in portal.target.databases
    # Rotate.
    before = portal.password("catalog")
    portal.settings = {"credentials": {"passwordVersions": {"catalog": 2}}}
    portal.must_deploy()
    assert portal.password("catalog") != before
    rows = portal.rows("catalog")
    with pytest.raises(REFUSED), portal.target.session("backstage_catalog", before, portal.name("catalog")):
        pass
    # A foreign database: the update fails half-way, is rolled back, and what worked works. The foreign one is untouched.
    portal.target.rows("CREATE DATABASE backstage_plugin_techdocs")
    portal.plugins = [*portal.plugins, "techdocs"]
    portal.settings = {"credentials": {"passwordVersions": {"catalog": 3}}}
    assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE"
    assert "'backstage_plugin_techdocs' already exists" in portal.reasons()
    assert portal.rows("catalog") == rows + 1
    assert portal.rows("search") == 2
    assert "backstage_techdocs" not in portal.target.roles
    # Adopt: the owner agrees.
    if is_postgresql:
        portal.target.rows(f'ALTER DATABASE backstage_plugin_techdocs OWNER TO "{portal.target.admin}"')
    portal.settings["adopt"] = {"primary": {"databases": ["backstage_plugin_techdocs"]}}
    portal.must_deploy()
    assert portal.rows("techdocs") == 1
    # Remove: kept.
    portal.plugins.remove("search")
    portal.must_deploy()
    assert "backstage_plugin_search" in portal.target.databases
    assert portal.rows("search") == 3
    # Remove after opting in: gone, once both locks are open.
    portal.cloudformation = {"allowDrop": ["auth"]}
    portal.must_deploy()
    portal.plugins.remove("auth")
    portal.cloudformation = {}
    portal.must_deploy()
    assert "backstage_plugin_auth" not in portal.target.databases
    assert "backstage_auth" not in portal.target.roles
    # Preflight agrees, and the real Backstage opens every database with the fragment.
    portal.must_be_ready()
    opened = portal.open_with_backstage(oracle_dir)
    expected = {name: {"database": portal.name(name), "rows": 1} for name in portal.plugins}
    assert {name: {key: found.get(key) for key in ("database", "rows")} for name, found in opened.items()} == expected, (
        opened
    )
    # Delete: kept. Create again: found again.
    rows = portal.rows("catalog")
    assert portal.delete() == "DELETE_COMPLETE"
    assert {portal.name(name) for name in portal.plugins} <= portal.target.databases
    portal.must_deploy()
    assert portal.rows("catalog") == rows + 1


def test_a_first_deployment_that_fails_can_be_repeated(portal: Portal) -> None:
    portal.target.rows("CREATE DATABASE backstage_plugin_search")
    assert portal.deploy() in ("ROLLBACK_COMPLETE", "CREATE_FAILED")
    assert "'backstage_plugin_search' already exists" in portal.reasons()
    portal.delete()
    portal.target.rows("DROP DATABASE backstage_plugin_search")
    portal.must_deploy()
    assert portal.rows("catalog") == 1
    assert portal.rows("search") == 1


@pytest.mark.parametrize("failing", ["about", "zoo"])
def test_passwords_after_a_rollback(portal: Portal, failing: str) -> None:
    """CloudFormation makes a password anew on the way back, and tells only the roles it had got to; Revision tells all."""
    portal.must_deploy()
    portal.target.rows(f"CREATE DATABASE backstage_plugin_{failing}")
    portal.plugins = sorted([*portal.plugins, failing])
    portal.settings = {"credentials": {"passwordVersions": {"catalog": 2, "search": 2}}}
    assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE"
    portal.plugins.remove(failing)
    portal.settings = {}
    portal.revision += 1
    portal.must_deploy()
    assert portal.rows("catalog") == 1
    assert portal.rows("search") == 1


@pytest.mark.slow
def test_two_hundred_plugins(large_portal: Portal) -> None:
    """More than one template holds: the rest is a nested stack."""
    large_portal.plugins = [f"plugin-{number:03}" for number in range(200)]
    large_portal.must_deploy()
    assert (large_portal.folder / "infra" / "cloudformation" / "databases-2.yaml").exists()
    assert large_portal.target.databases == {f"backstage_plugin_plugin-{number:03}" for number in range(200)}
    assert large_portal.rows("plugin-000") == 1
    assert large_portal.rows("plugin-199") == 1
    with pytest.raises(REFUSED):
        large_portal.rows("plugin-000", "backstage_plugin_plugin-199")
    # One more: nobody moves.
    large_portal.plugins.append("a-new-one")
    large_portal.must_deploy()
    assert large_portal.rows("a-new-one") == 1
    assert large_portal.rows("plugin-000") == 2
