"""Bad input, from the command line: what `greenroom generate` says about each, word for word, and what it leaves behind.

``cases/NAME.txt`` is the exit code and what is printed. Errors end with exit code 1 and nothing written.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import command_line
import pytest

CASES = Path(__file__).with_name("cases")
UPDATE = "run `GREENROOM_UPDATE=1 pytest tests/invalid` (or `make goldens`) and look at the difference"

GOOD = """\
backend:
  database:
    client: pg
    connection: {host: "${POSTGRES_HOST}", user: "${POSTGRES_USER}", password: "${POSTGRES_PASSWORD}"}
"""

CATALOG = "plugins: {discover: false, include: [catalog]}\n"
TWO = "environments: {production: {}, staging: {}}\n"
#: An app-config in the values of a chart, with one plugin that `PLUGIN` adds, and settings for values.
VALUES = """\
backstage:
  appConfig:
    backend:
      database:
        client: pg
        connection: {host: "${H}", user: "${U}", password: "${P}"}
"""
PLUGIN = """\
        plugin: {catalog: {connection: {password: {$env: CATALOG}}}}
"""
VALUES_ONLY = """\
version: 1
appConfig: ["values.yaml#backstage.appConfig"]
credentials: {delivery: {file: "/secrets/{plugin}"}}
targets: {appConfig: {path: out.yaml, format: helm-values}}
"""
VALUES_FIRST = VALUES_ONLY.replace('appConfig"]', 'appConfig", app-config.yaml]')
SQLITE = "backend: {database: {client: better-sqlite3, connection: ':memory:'}}\n"

Files = dict[str, str | bytes]


def config(text: str, **more: str | bytes) -> Files:
    return {"app-config.yaml": text, **{name.replace("__", "."): content for name, content in more.items()}}


#: Name to files, arguments after `generate`, and exit code.
INPUTS: dict[str, tuple[Files, str, int]] = {
    "no-file": ({}, "--plugin catalog", 1),
    "missing-file": ({}, "--config app-config.nope.yaml --plugin catalog", 1),
    "several-missing-files": ({}, "--config a.yaml --config b.yaml --env-file c.env --plugin catalog", 1),
    "a-folder": ({"app-config.yaml/x": ""}, "--plugin catalog", 1),
    "not-utf-8": (config(""), "--plugin catalog", 1),
    "tabs": (config("backend:\n\tdatabase: x\n"), "--plugin catalog", 1),
    "duplicate-keys": (config(GOOD + "backend: {}\napp: {a: 1, a: 2}\n"), "--plugin catalog", 1),
    "a-list": (config("- a\n"), "--plugin catalog", 1),
    "several-documents": (config("a: 1\n---\nb: 2\n"), "--plugin catalog", 1),
    "helm-template": (
        config("backend:\n  {{- if .Values.port }}\n  port: {{ .Values.port }}\n  {{- end }}\n"),
        "--plugin catalog",
        1,
    ),
    "values-with-a-template": (
        {"values.yaml": VALUES.replace("${H}", "{{ .Values.host }}")},
        "--config values.yaml#backstage.appConfig --plugin catalog",
        1,
    ),
    "values-without-the-path": ({"values.yaml": VALUES}, "--config values.yaml --plugin catalog", 1),
    "values-alone": ({"deploy/values.yaml": VALUES}, "--plugin catalog", 1),
    "values-and-sqlite": (
        {"app-config.yaml": SQLITE, "deploy/values.yaml": VALUES},
        "--plugin catalog",
        1,
    ),
    "values-without-one": ({"values.yaml": "replicas: 1\n"}, "--config values.yaml --plugin catalog", 1),
    "values-that-include": (
        {"values.yaml": VALUES.replace('{host: "${H}", user: "${U}", password: "${P}"}', "{$include: connection.yaml}")},
        "--config values.yaml#backstage.appConfig --plugin catalog",
        1,
    ),
    "values-of-two-documents": (
        {"values.yaml": f"{VALUES}---\n{VALUES}"},
        "--config values.yaml#backstage.appConfig --plugin catalog",
        1,
    ),
    "values-read-before-another-file": (
        {"values.yaml": VALUES, "app-config.yaml": GOOD, "greenroom.yaml": VALUES_FIRST},
        "--plugin catalog",
        1,
    ),
    "values-that-helm-cannot-merge": (
        {"values.yaml": VALUES + PLUGIN, "greenroom.yaml": VALUES_ONLY},
        "--plugin catalog",
        1,
    ),
    "values-that-are-a-text": (
        {"values.yaml": VALUES.replace("appConfig:", "appConfig: |"), "greenroom.yaml": VALUES_ONLY},
        "--plugin catalog",
        1,
    ),
    "values-with-braces-in-a-name": (
        {"values.yaml": VALUES.replace("client: pg", 'client: pg\n        prefix: "a{{b"'), "greenroom.yaml": VALUES_ONLY},
        "--plugin catalog",
        1,
    ),
    "a-fragment-that-a-chart-overrules": (
        {"values.yaml": VALUES, "greenroom.yaml": VALUES_ONLY.replace("helm-values", "app-config")},
        "--plugin catalog",
        0,
    ),
    "anchor-bomb": (
        config(
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
            "d: [*c,*c,*c]\n"
        ),
        "--plugin catalog",
        1,
    ),
    "search-path": (
        config(GOOD + "    knexConfig: {searchPath: [portal_app]}\n    plugin: {auth: {knexConfig: {searchPath: [own]}}}\n"),
        "--plugin auth --plugin catalog --plugin scaffolder",
        1,
    ),
    "include-cycle": (
        config("backend: {$include: b.yaml}\n", b__yaml="database: {$include: b.yaml}\n"),
        "--plugin catalog",
        1,
    ),
    "missing-include": (config("backend:\n  database: {$include: db.yaml}\n"), "--plugin catalog", 1),
    "missing-file-value": (
        config("backend:\n  database:\n    client: pg\n    connection: {host: h, ssl: {ca: {$file: ca.pem}}}\n"),
        "--plugin catalog --placeholders backstage",
        1,
    ),
    "missing-file-value-kept": (
        config("backend:\n  database:\n    client: pg\n    connection: {host: h, ssl: {ca: {$file: ca.pem}}}\n"),
        "--plugin catalog",
        0,
    ),
    "unknown-client": (
        config("backend:\n  database: {client: oracle, connection: {host: h}}\n"),
        "--plugin catalog --plugin auth",
        1,
    ),
    "mysql": (
        config(
            "backend:\n  database:\n    client: mysql2\n    connection: {host: h}\n    plugin:\n"
            "      a: {connection: {database: SYS}}\n"
            f"      b: {{connection: {{database: {'x' * 65}}}}}\n"
            "      c: {connection: {database: 'c ', user: root}}\n"
            f"      d: {{connection: {{user: {'u' * 33}}}}}\n"
            "      e: {connection: {database: Portal, ssl: false}}\n"
            "      f: {connection: {database: portal, ssl: {}}}\n"
        ),
        "",
        1,
    ),
    "mysql-names-for-terraform": (
        config(
            "backend:\n  database:\n    client: mysql2\n    connection: {host: h, ssl: {}}\n    plugin:\n"
            "      a: {connection: {database: 'a`b', user: it's}}\n"
        ),
        "",
        1,
    ),
    "wrong-types": (
        config(
            "backend:\n  database:\n    client: 5\n    prefix: [a]\n    ensureExists: maybe\n"
            "    connection: {host: 3, port: x, password: 12}\n    plugin: {catalog: 4}\n"
        ),
        "--plugin auth",
        1,
    ),
    "camel-case-and-misspelt-plugins": (
        config(GOOD + "    plugin: {mcpActions: {connection: {database: x}}, catalogg: {}, mine: {}}\n"),
        "",
        0,
    ),
    "environment-and-environments": (
        config(
            GOOD, greenroom__yaml=f"environment: production\n{CATALOG}environments: {{production: {{}}, staging: {{}}}}\n"
        ),
        "",
        1,
    ),
    "environments-misspelt": (
        config(
            GOOD, greenroom__yaml=f"{CATALOG}environments:\n  production: {{credential: {{}}}}\n  sta ging: {{}}\n  qa: 5\n"
        ),
        "",
        1,
    ),
    "environments-in-one-folder": (
        config(
            GOOD,
            greenroom__yaml=f"{CATALOG}environments:\n  production: {{}}\n  staging:\n    out: infra/production\n",
        ),
        "",
        1,
    ),
    "environment-of-a-list": (
        config(GOOD, greenroom__yaml=f"{CATALOG}environments: [production, staging]\n"),
        "",
        1,
    ),
    "unknown-environment": (
        config(GOOD, greenroom__yaml=f"{CATALOG}{TWO}"),
        "--environment produktion",
        2,
    ),
    "environments-with-problems": (
        config(
            GOOD,
            greenroom__yaml=f"{CATALOG}environments:\n  production: {{appConfig: [app-config.yaml]}}\n"
            "  staging: {appConfig: [app-config.yaml, nope.yaml], credentials: {roleName: x}}\n",
        ),
        "",
        1,
    ),
    "no-plugin": (config(GOOD), "", 1),
    "only-sqlite": (
        config("backend:\n  database: {client: better-sqlite3, connection: ':memory:'}\n"),
        "--plugin catalog",
        0,
    ),
    "no-database": (config("app: {title: x}\n"), "--plugin catalog", 0),
    "placeholders-for-names": (
        config(
            GOOD + "    plugin:\n      a: {connection: {database: '${A_DB}'}}\n      b: {connection: {user: '${B_USER}'}}\n"
        ),
        "",
        1,
    ),
    "schema-mode-without-a-database": (config(GOOD + "    pluginDivisionMode: schema\n"), "--plugin catalog", 1),
    "long-and-colliding-names": (config(GOOD), f"--plugin a-b --plugin a_b --plugin {'x' * 60}", 1),
    "a-literal-password": (
        config("backend:\n  database:\n    client: pg\n    connection: {host: h, user: u, password: hunter2hunter2}\n"),
        "--plugin catalog",
        0,
    ),
    "a-connection-string-with-a-password": (
        config("backend:\n  database:\n    client: pg\n    connection: postgresql://u:hunter2hunter2@h/x\n"),
        "--plugin catalog",
        0,
    ),
    "several-problems-at-once": (
        config(
            GOOD + "    prefix: ''\n    unknwon: 1\n    plugin:\n"
            "      a: {connection: {database: '${A}'}, clien: pg}\n      b: {client: oracle}\n",
            greenroom__yaml="version: 3\ncredentials: {store: vaul}\n",
        ),
        "",
        1,
    ),
    "env-file": (config(GOOD, e__env="A=1\nnonsense here\n"), "--plugin catalog --env-file e.env --env-file no.env", 1),
    "foreign-file": (config(GOOD) | {"infra/app-config.databases.yaml": "mine\n"}, "--plugin catalog", 1),
    "output-is-a-file": (config(GOOD) | {"infra": "mine\n"}, "--plugin catalog", 1),
    "edited-lock": (config(GOOD) | {"infra/greenroom.lock.json": '{"version": 7}\n'}, "--plugin catalog", 1),
    "a-newer-lock-and-more": (
        # Everything there is to say, at once: the lock file, HCL that does not parse, a template of no use.
        config(GOOD, greenroom__yaml="templates: mine\n")
        | {
            "infra/greenroom.lock.json": '{"version": 3, "plugins": {}}\n',
            "infra/terraform/databases/backend.tf": 'terraform {\n  backend "s3" {\n',
            "mine/terraform/reamde.md.j2": "",
        },
        "--plugin catalog",
        1,
    ),
    "names-terraform-cannot-carry": (
        config(GOOD + "    plugin: {a: {connection: {database: 'a b', user: a.b}}, b: {connection: {database: x/y}}}\n")
        | {"infra/terraform/databases/mine.tf.json": "{"},
        "",
        1,
    ),
    "iam": (
        config(
            GOOD.replace("pg", "mysql2") + "    plugin: {a: {client: pg, connection: {host: h}}}\n",
            greenroom__yaml="credentials: {mode: iam}\n",
        ),
        "--plugin catalog",
        1,
    ),
    "iam-without-what-a-cloud-needs": (
        config(
            "backend:\n  database: {client: pg, connection: {user: u}}\n",
            greenroom__yaml='credentials: {mode: iam, iam: cloudsql, roleName: "bs@p.iam"}\n',
        ),
        "--plugin catalog --plugin auth",
        1,
    ),
    "one-google-identity": (
        config(GOOD, greenroom__yaml='credentials: {mode: iam, iam: cloudsql, roleName: "bs_{plugin}"}\n'),
        "--plugin catalog",
        1,
    ),
    "one-role-and-users-of-their-own": (
        config(
            GOOD + "    role: '${OWNER}'\n    plugin: {a: {connection: {user: mine}}, b: {}}\n",
            greenroom__yaml='credentials: {mode: shared, roleName: "bs_{plugin}"}\n',
        ),
        "",
        1,
    ),
    "adopted-but-not-planned": (
        config(GOOD, greenroom__yaml="adopt: {primary: {databases: [old]}}\n")
        | {"greenroom.adopt.yaml": "primary: {roles: [backstage_catalog, gone]}\n"},
        "--plugin catalog",
        0,
    ),
    "adopt-file": (
        config(GOOD) | {"greenroom.adopt.yaml": "primary:\n  schemas: [auth]\n  roels: []\nPrimary: {}\n"},
        "--plugin catalog",
        1,
    ),
    "clashing-terraform": (
        config(GOOD)
        | {
            "infra/terraform/databases/mine.tf": 'module "catalog" {\n  source = "./x"\n}\n\nvariable "primary_host" {}\n'
            'output "plugins" {\n  value = 1\n}\n\nprovider "postgresql" {\n  host = "x"\n}\n\nterraform {\n'
            '  backend "s3" {}\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n',
            "infra/terraform/databases/more.tf": 'resource "x" "y" {\n  a = [1,\n}\n',
            "infra/terraform/databases/plugins.tofu": "# mine\n",
            "infra/terraform/databases/providers_override.tf": 'provider "postgresql" {\n  max_connections = 40\n}\n',
            "infra/terraform/databases/variables.json.tf.json": '{"variable": {"primary_port": {}}}\n',
        },
        "--plugin catalog",
        1,
    ),
    "templates": (
        config(GOOD)
        | {
            "mine/terraform/plugin.tf.j2": "",
            "mine/terraform/outputs.tf.j2": "# {{ plugins }}\n",
            "mine/sqll/databases.sql.j2": "",
        },
        "--plugin catalog --templates mine",
        1,
    ),
    "a-template-that-prints-what-is-not-escaped": (
        config(GOOD)
        | {"mine/terraform/README.md.j2": "# {{ environment }}\n", "mine/sql/README.md.j2": "\n{{ nothing }}\n"},
        "--plugin catalog --templates mine",
        1,
    ),
    "a-template-without-the-plugins": (
        config(GOOD) | {"mine/terraform/calls.tf.j2": "# nothing\n"},
        "--plugin catalog --templates mine",
        1,
    ),
    "names-the-store-refuses": (
        config(
            GOOD + "    plugin: {a_b: {connection: {user: mine}}}\n",
            greenroom__yaml="credentials:\n  store: azure-keyvault\n  secretName: 'portal {plugin}'\n",
        ),
        "--plugin catalog",
        1,
    ),
    "two-plugins-in-one-secret": (
        config(GOOD, greenroom__yaml="credentials: {store: azure-keyvault, secretName: 'db-{plugin}'}\n"),
        "--plugin tech-a --plugin tech_a",
        1,
    ),
    "parameters-of-aws": (
        config(GOOD, greenroom__yaml="credentials:\n  store: aws-ssm\n  secretName: aws/{plugin}\n"),
        "--plugin catalog",
        1,
    ),
    "a-host-for-a-server-that-is-created": (
        config(
            "backend:\n  database:\n    client: pg\n    connection: {host: db.example.com, user: u}\n",
            greenroom__yaml="servers:\n  primary:\n    kind: aws-rds\n",
        ),
        "--plugin catalog",
        0,
    ),
    "tags-google-refuses": (
        config(GOOD, greenroom__yaml="tags:\n  Team: portal\n  team: r&d\nservers:\n  primary: {kind: google-cloudsql}\n"),
        "--plugin catalog",
        1,
    ),
    "a-store-and-a-kind-that-do-not-exist": (
        config(
            GOOD,
            greenroom__yaml="credentials:\n  store: keyvault\nservers:\n  primary: {kind: rds}\n",
        ),
        "--plugin catalog",
        1,
    ),
    "url-as-config": (config(GOOD), "--config https://example.com/app-config.yaml --plugin catalog", 1),
}
CFN = "targets: {cloudformation: %s}\n"
PASSWORDS = "credentials: {store: aws-secretsmanager}\n"
INPUTS |= {
    "cloudformation-several-problems-at-once": (
        config(
            GOOD.replace("${POSTGRES_HOST}", "/var/run/postgresql")
            + "    plugin:\n      a: {connection: {database: '{{resolve:ssm:x'}}\n      b: {}\n",
            greenroom__yaml="version: 1\ncredentials: {store: vault, secretName: 'a b/{plugin}'}\ntags: {'aws:team': x}\n"
            + CFN % "{}",
        ),
        "",
        1,
    ),
    "cloudformation-servers-of-other-clouds": (
        config(
            GOOD + "    plugin:\n      a: {connection: {host: one}}\n      b: {connection: {host: two}}\n",
            greenroom__yaml="version: 1\nservers:\n  one: {kind: google-cloudsql, host: one}\n"
            "  two: {kind: azure-flexible, host: two}\n" + PASSWORDS + CFN % "{}",
        ),
        "",
        1,
    ),
    "cloudformation-iam-with-mysql": (
        config(
            "backend:\n  database: {client: mysql2, connection: {host: h, ssl: {}}}\n",
            greenroom__yaml="version: 1\ncredentials: {mode: iam}\n" + CFN % "{}",
        ),
        "--plugin catalog",
        1,
    ),
    "cloudformation-data-api-without-aurora": (
        config(
            GOOD + "    plugin:\n      a: {}\n      b: {client: mysql2, connection: {host: h, ssl: {}}}\n",
            greenroom__yaml="version: 1\nservers: {primary: {kind: aws-rds}}\n" + PASSWORDS + CFN % "{dataApi: true}",
        ),
        "",
        1,
    ),
    "cloudformation-parameters": (
        config(
            GOOD,
            greenroom__yaml="version: 1\n"
            + PASSWORDS
            + CFN % "{parameters: {databases.yaml: p.json, other.yaml: p.json, database.yaml: no.json}}",
            p__json='[\n  {"ParameterKey": "PrimaryHots", "ParameterValue": "h"},\n'
            '  {"ParameterKey": "PrimaryPort", "ParameterValue": "none"},\n'
            '  {"ParameterKey": "VpcId", "ParameterValue": "sg-0123456789abcdef0"}\n]\n',
        ),
        "--plugin catalog",
        1,
    ),
    "cloudformation-parameters-that-are-none": (
        config(
            GOOD, greenroom__yaml="version: 1\n" + PASSWORDS + CFN % "{parameters: {databases.yaml: p.json}}", p__json="[1,"
        ),
        "--plugin catalog",
        1,
    ),
    "cloudformation-names-over-the-limit": (
        config(GOOD, greenroom__yaml="version: 1\n" + PASSWORDS + CFN % "{}"),
        f"--plugin {'x' * 60} --plugin catalog",
        1,
    ),
    "cloudformation-more-than-a-template-holds": (
        config(
            GOOD
            + "    plugin:\n"
            + "".join(f"      p{number}: {{connection: {{host: host{number}}}}}\n" for number in range(26)),
            greenroom__yaml="version: 1\n" + PASSWORDS + CFN % "{}",
        ),
        "--quiet",
        1,
    ),
    "cloudformation-a-literal-password": (
        config(
            "backend:\n  database:\n    client: pg\n    connection: {host: h, user: u, password: hunter2hunter2}\n",
            greenroom__yaml="version: 1\n" + PASSWORDS + CFN % "{}",
        ),
        "--plugin catalog",
        0,
    ),
    "cloudformation-a-setting-that-does-not-exist": (
        config(GOOD, greenroom__yaml="version: 1\n" + CFN % "{dataAPI: true, allowDrop: catalog}"),
        "--plugin catalog",
        1,
    ),
}
INPUTS["not-utf-8"][0]["app-config.yaml"] = b"a: \xff\xfe\n"


def write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def generate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE") if name in os.environ}
    return command_line.run(
        ["generate", *arguments],
        cwd=folder,
        env=kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", INPUTS)
def test_bad_input(name: str, tmp_path: Path) -> None:
    files, arguments, code = INPUTS[name]
    write(tmp_path, files)
    before = tree(tmp_path)
    result = generate(tmp_path, *arguments.split())
    said = f"exit {result.returncode}\n{result.stdout.replace(str(tmp_path), '…')}"
    expected = CASES / f"{name}.txt"
    if os.environ.get("GREENROOM_UPDATE"):
        expected.write_text(said, encoding="utf-8")
    assert said == (expected.read_text(encoding="utf-8") if expected.is_file() else "(nothing yet)"), UPDATE
    assert result.returncode == code
    after = tree(tmp_path)
    if code:
        assert after == before
    assert not [path for path, data in after.items() if path not in before and b"hunter2" in data]
    assert "hunter2" not in said


def test_every_expectation_belongs_to_a_case() -> None:
    assert {path.stem for path in CASES.iterdir()} == set(INPUTS)


AS_NOBODY = """
import os, sys
from generator.cli.app import run
assert run(["generate", "--plugin", "catalog", "--out", "first"]) == 0  # everything is imported now
os.chmod("app-config.yaml", 0)
if os.geteuid() == 0:
    os.setuid(65534)
sys.exit(run(["generate", "--plugin", "catalog", "--out", "second"]))
"""


def test_a_file_nobody_may_read(tmp_path: Path) -> None:
    write(tmp_path, config(GOOD))
    for folder in (tmp_path, *tmp_path.parents):
        if os.geteuid() == 0 and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    result = subprocess.run(
        [sys.executable, "-c", AS_NOBODY],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert result.returncode == 1, result.stderr
    assert "app-config.yaml error[GR102] cannot read app-config.yaml: permission denied" in result.stderr
    assert not (tmp_path / "second").exists()
