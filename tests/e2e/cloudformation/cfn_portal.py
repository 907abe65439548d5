"""A project that uses greenroom, and the stack that MiniStack makes of its templates on a real server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
import pymysql
import pytest
import yaml
from ministack import MiniStack, read_template, simplified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfn_stage import Target

PROJECT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
REFUSED = (psycopg.Error, pymysql.MySQLError)
STACK = "backstage"
COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


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
    connection: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    revision: int = 1
    stack_plugins: int = 160
    """So many plugins go into one template; fewer than greenroom's own number make nested stacks of a few plugins."""

    def generate(self) -> Path:
        """Run greenroom; the folder with the templates."""
        host, port = self.target.host, self.target.port
        connection = {"host": host, "port": port, "user": "${DB_USER}", "password": "${DB_PASSWORD}"}
        connection |= {"ssl": {"ca": self.target.ca}, **self.connection}
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
        limit = (
            "from generator.targets import TARGETS; "
            f'TARGETS["cloudformation"] = TARGETS["cloudformation"]._replace(stack_plugins={self.stack_plugins})'
        )
        done = command_line.run(
            ["generate", "--root", str(self.folder)],
            setup=limit,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return self.folder / "infra" / "cloudformation"

    def deploy(self, *, take_over: bool = False) -> str:
        """Generate and deploy; the stack's status when it came to rest. See :meth:`deploy_templates`."""
        self.generate()
        return self.deploy_templates(take_over=take_over)

    def deploy_templates(self, *, take_over: bool = False) -> str:
        """Deploy the templates as they are; the stack's status when it came to rest.

        ``take_over``: secrets that are there already are meant. AWS keeps their passwords when a change set imports them;
        MiniStack imports no secrets, and gives them new passwords.
        """
        folder = self.folder / "infra" / "cloudformation"
        code = self.cloud.upload_functions(folder / "functions")
        template = simplified(read_template((folder / "databases.yaml").read_text()), code)
        secrets = _secret_names(template)
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::CloudFormation::Stack":
                file = folder / resource["Properties"]["TemplateURL"]
                nested = simplified(read_template(file.read_text()), code)
                secrets |= _secret_names(nested)
                resource["Properties"]["TemplateURL"] = self.upload(nested)
        if not take_over:
            # AWS refuses a secret whose name is taken; MiniStack would write over it.
            taken = secrets & (self.secrets - self.own_secrets())
            assert not taken, f"AWS would say that these secrets exist already: {sorted(taken)}"
        return self.apply(template)

    def upload(self, template: dict[str, Any]) -> str:
        """The address of an uploaded template; another content has another one, as ``package`` does it."""
        body = json.dumps(template).encode()
        key = self.cloud.upload(f"{hashlib.sha256(body).hexdigest()}.template", body)
        return f"http://127.0.0.1:{self.cloud.port}/artifacts/{key}"

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
            **self.parameters,
        }
        client = self.cloud.client("cloudformation")
        change = client.update_stack if self.status() else client.create_stack
        change(
            StackName=STACK,
            TemplateURL=self.upload(template),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in given.items()
                if key in template["Parameters"]
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        return self.wait()

    def must_deploy(self, *, take_over: bool = False) -> None:
        status = self.deploy(take_over=take_over)
        assert status in COMPLETE, (status, self.reasons())

    @property
    def secrets(self) -> set[str]:
        """The names of the plugins' secrets that there are, in the stack or not."""
        client = self.cloud.client("secretsmanager")
        pages = client.get_paginator("list_secrets").paginate()
        names = {secret["Name"] for page in pages for secret in page["SecretList"]}
        return {name for name in names if not name.startswith("admin-")}

    def own_secrets(self, stack: str = STACK) -> set[str]:
        """Those of a stack, and of the stacks in it."""
        if stack == STACK and not self.status():
            return set()
        found = set()
        client = self.cloud.client("cloudformation")
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceType"] == "AWS::SecretsManager::Secret":
                    found.add(resource["PhysicalResourceId"])
                elif resource["ResourceType"] == "AWS::CloudFormation::Stack":
                    found |= self.own_secrets(resource["PhysicalResourceId"])
        return found

    def kept(self) -> set[str]:
        """The types of what the stack left behind so far."""
        events = self.cloud.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
        return {event["ResourceType"] for event in events if event["ResourceStatus"] == "DELETE_SKIPPED"}

    def must_be_out(self, plugin: str) -> None:
        """The password of the plugin's secret does not open its database."""
        with pytest.raises(REFUSED), self.session(plugin):
            pass

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
        done = command_line.run(
            ["preflight", "--root", str(self.folder)],
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


def _secret_names(template: dict[str, Any]) -> set[str]:
    resources = template["Resources"].values()
    return {entry["Properties"]["Name"] for entry in resources if entry["Type"] == "AWS::SecretsManager::Secret"}


def _fragment_plugins(text: str) -> dict[str, Any]:
    plugins: dict[str, Any] = yaml.safe_load(text)["backend"]["database"]["plugin"]
    return plugins


def clean_up(portal: Portal) -> None:
    """No stack and no secret any more."""
    if portal.status():
        portal.delete()
    secrets = portal.cloud.client("secretsmanager")
    while found := secrets.list_secrets(MaxResults=100)["SecretList"]:
        for secret in found:
            secrets.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)
