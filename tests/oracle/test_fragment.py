"""The fragment closes the loop: the real Backstage, given the input and the fragment, resolves to the plan.

Every real app-config in the corpus that resolves to PostgreSQL, and configurations made up around everything that can stand
in a fragment's way. Greenroom generates without knowing the run-time environment; Backstage then runs in it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.backstage.config.loader import load_config
from generator.backstage.config.reader import ConfigReader
from generator.backstage.database import resolve_plugins
from generator.backstage.database.origin import BaseOrigin
from generator.output.verify import verify_artifacts, verify_fragment
from generator.planning import make_plan
from generator.problems.diagnostic import Diagnostics
from generator.settings.model import Settings
from generator.targets.base import RenderContext
from generator.targets.fragment import FILE_NAME, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.planning.model import Plan

PROJECT = Path(__file__).resolve().parents[2]
CORPUS = PROJECT.parent / "shared" / "corpus"
EXAMPLES = int(os.environ.get("GREENROOM_ORACLE_EXAMPLES", "200"))
#: Asked for beside what a file configures itself.
PLUGINS = ("auth", "catalog", "proxy", "scaffolder", "search", "tech-insights")


class Backstage:
    """The real config loader and database manager, kept running."""

    def __init__(self, packages: Path) -> None:
        self._process = subprocess.Popen(
            ["node", "--no-warnings", str(Path(__file__).with_name("resolve.mjs")), str(packages)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def ask(self, root: Path, files: Sequence[str], plugins: Sequence[str], environ: Mapping[str, str]) -> Any:
        """``{id: what it resolves to}``; a text when Backstage does not even load the files."""
        question = {"root": str(root), "files": files, "plugins": plugins, "env": environ, "manager": "current"}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(question)}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["error"] if "error" in answer else dict(zip(plugins, answer["plugins"], strict=True))


@pytest.fixture(scope="module")
def backstage(oracle_dir: Path) -> Iterator[Backstage]:
    process = Backstage(oracle_dir)
    yield process
    process.close()


@dataclass
class Generated:
    """What greenroom makes of app-config files, without writing anything but the fragment."""

    root: Path
    files: list[str]
    plan: Plan
    resolved: PluginDatabaseMap
    problems: Diagnostics
    fragment: str | None = None
    environ: dict[str, str] = field(default_factory=dict)


def generate(root: Path, files: list[str], plugins: Sequence[str], environ: Mapping[str, str], **options: Any) -> Generated:
    """Generate as ``greenroom generate`` does, in ``environ`` (that of the generation, not Backstage's)."""
    diagnostics = Diagnostics()
    loaded = load_config(root=root, config=[str(root / name) for name in files], environ=environ)
    reader = ConfigReader.from_layers((layer.data, layer.context) for layer in loaded.layers)
    chosen = Settings(folder=root, **options)
    resolved = resolve_plugins(reader, plugins, environ=environ, diagnostics=diagnostics)
    plan = make_plan(resolved, chosen, diagnostics)
    result = Generated(root, files, plan, resolved, diagnostics)
    if diagnostics.has_errors or loaded.error:
        return result
    context = RenderContext(plan=plan, resolved=resolved, base=BaseOrigin(reader.get("backend.database")))
    TARGET.check(context, diagnostics)
    if diagnostics.has_errors:
        return result
    artifacts = TARGET.render(context)
    for artifact in artifacts:
        result.fragment = artifact.text
        verify_fragment(loaded.layers, artifact.text, plan, diagnostics, environ=environ)
    verify_artifacts("app-config", TARGET, artifacts, plan, diagnostics)
    assert not diagnostics.has_errors, [item.render() for item in diagnostics]
    return result


def assert_backstage_agrees(backstage: Backstage, made: Generated, environ: Mapping[str, str]) -> None:
    """With the fragment: the plan. Apart from names and passwords: what was there without it."""
    assert made.fragment is not None
    (made.root / FILE_NAME).write_text(made.fragment, encoding="utf-8")
    passwords = {role.delivery.env: f"secret of {role.name}" for role in made.plan.roles}
    ids = [plugin.plugin_id for plugin in made.plan.plugins]
    before = backstage.ask(made.root, made.files, ids, environ)
    after = backstage.ask(made.root, [*made.files, FILE_NAME], ids, {**environ, **passwords})
    assert isinstance(before, dict), before
    assert isinstance(after, dict), after
    users: dict[tuple[str, str], str] = {}
    for plugin in made.plan.plugins:
        found, old = after[plugin.plugin_id], before[plugin.plugin_id]
        assert "error" not in found, found
        connection = found["connection"]
        assert isinstance(connection, dict), "a connection string is left"
        assert found["databaseName"] == plugin.database.name
        assert connection["database"] == plugin.database.name
        assert connection["user"] == plugin.role.name
        assert connection["password"] == passwords[plugin.role.delivery.env]
        assert found["ensureExists"] is False
        assert not found.get("ensureSchemaExists")
        assert found.get("schemaName") == plugin.schema
        assert not found.get("setRole")
        assert not found.get("role")
        assert connection.get("type") in (None, "default")
        if len(plugin.role.plugins) == 1:
            assert users.setdefault((plugin.server, connection["user"]), plugin.plugin_id) == plugin.plugin_id
        if "error" in old:  # without the fragment it signs in to a cloud, and there is none
            continue
        assert found["client"] == old["client"]
        wanted = old.get("connection")
        if isinstance(wanted, dict):
            if "connectionString" in wanted:  # the driver lets it win over what stands beside it
                url = urlsplit(wanted["connectionString"])
                wanted = {**wanted, "host": url.hostname, "port": str(url.port)}
                assert "connectionString" not in connection
            for key in ("host", "port", "application_name"):
                # To the driver an empty name is none, and so is an empty host; a port from a variable is a text, one from
                # a URL a number, and both are the same port.
                is_now, was = (str(value) if value else None for value in (connection.get(key), wanted.get(key)))
                assert is_now == was, (plugin.plugin_id, key)
            assert connection.get("ssl") == wanted.get("ssl")


# --- the corpus -------------------------------------------------------------------------------------------------------


def corpus_cases() -> list[list[Path]]:
    """Each file alone, and each installation's files together in their order (base, then overlays)."""
    files = sorted(CORPUS.glob("*")) if CORPUS.is_dir() else []
    together: dict[str, list[Path]] = {}
    for path in files:
        together.setdefault(re.split(r"[_.]", path.name)[0], []).append(path)
    return [[path] for path in files] + [group for group in together.values() if len(group) > 1]


def value_for(name: str) -> str:
    """A plausible value for a variable."""
    upper = name.upper()
    if "URL" in upper or "CONNECTION" in upper:
        return "postgres://base:secret@db.example.com:5433/backstage"
    if "PORT" in upper:
        return "5434"
    if "CLIENT" in upper or "ENGINE" in upper:
        return "pg"
    if any(word in upper for word in ("SSL", "ENABLED", "ENSURE", "REJECT")):
        return "true"
    return f"value-of-{name.lower().replace('_', '-')}"


def prepare(paths: list[Path], root: Path) -> tuple[list[str], dict[str, str]]:
    """Copies of ``paths`` in ``root`` with every file they include, and a run-time environment that has everything."""
    root.mkdir(exist_ok=True)
    environ: dict[str, str] = {}
    names = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"(?<!\$)\$\{([A-Za-z0-9_]+)(?::-[^}]*)?\}", text) + re.findall(r"\$env:\s*(\w+)", text):
            environ[name] = value_for(name)
        # What it includes is made up, below the copy: nothing outside may be written.
        for include in re.findall(r"\$(?:file|include):\s*[\"']?([^\s\"'}#]+)", text):
            inside = Path(include.replace("${", "").replace("}", "").lstrip("/"))
            made = root / "included" / Path(*[part for part in inside.parts if part != ".."])
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_text("included: true\n")
            text = text.replace(include, str(made))
        (root / path.name).write_text(text, encoding="utf-8")
        names.append(path.name)
    return names, environ


def configured_plugins(paths: list[Path]) -> list[str]:
    found = set(PLUGINS)
    for path in paths:
        try:
            plugins = yaml.safe_load(path.read_text())["backend"]["database"]["plugin"]
            found.update(name for name in plugins if isinstance(name, str))
        except (yaml.YAMLError, KeyError, TypeError):
            continue
    return sorted(found)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real app-configs is not beside the project")
def test_every_real_app_config_on_postgresql(backstage: Backstage, tmp_path: Path) -> None:
    """Generated without the run-time environment where the names do not depend on it, else with it, as the hint says."""
    counts = {"keep": 0, "environment": 0, "sqlite": 0, "not an app-config": 0, "refused": 0}
    refused: list[str] = []
    plugins_seen = 0
    for number, paths in enumerate(corpus_cases()):
        root = tmp_path / str(number)
        files, environ = prepare(paths, root)
        ids = configured_plugins(paths)
        real = backstage.ask(root, files, ids, environ)
        on_pg = isinstance(real, dict) and any(found.get("client") == "pg" for found in real.values())
        if not on_pg:
            sqlite = isinstance(real, dict) and any("sqlite" in str(found.get("client")) for found in real.values())
            counts["sqlite" if sqlite else "not an app-config"] += 1
            continue
        made = generate(root, files, ids, {})
        way = "keep"
        if made.fragment is None:
            made, way = generate(root, files, ids, environ), "environment"
        if made.fragment is None:
            counts["refused"] += 1
            refused.append(f"{' + '.join(files)}: {[item.render() for item in made.problems if item.severity == 'error']}")
            continue
        assert_backstage_agrees(backstage, made, environ)
        counts[way] += 1
        plugins_seen += len(made.plan.plugins)
    print(counts, plugins_seen)
    assert not refused, "\n".join(refused)
    assert counts["keep"] + counts["environment"] >= 60
    assert plugins_seen > 300


# --- made up ----------------------------------------------------------------------------------------------------------

ENVIRON = {
    "HOST": "from-the-environment",
    "PORT": "6543",
    "URL": "postgres://base:secret@url.example.com:5433/url",
    "EMPTY": "",
    "LITERAL": "${HOST}",
}
texts = st.sampled_from(
    ["db.example.com", "${HOST}", "a-${HOST}-b", "$${HOST}", "${NOT_SET}", "${HOST:-else}", "10.0.0.1", "on", "é"]
)
ssl = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({}, optional={"rejectUnauthorized": st.booleans(), "ca": st.sampled_from(["A\nB", "${NOT_SET}"])}),
)
strings = st.sampled_from(
    [
        "postgres://u:p@own.example.com:1234/named",
        "postgresql://u:p@own.example.com/named",
        "postgres://u:p@${HOST}:${PORT}/named",
        "postgres://${LITERAL}:${PORT}@own.example.com:1234/named?sslmode=require",
        "postgres://u@own.example.com/named?sslmode=no-verify&application_name=mine",
        "postgres://u:p@own.example.com/named?sslmode=disable",
        "postgres:///named",
        "postgres://u:p@[::1]:1234/a%20name?ssl=true",
        "/var/run/postgresql named",
    ]
)
connections = st.fixed_dictionaries(
    {},
    optional={
        "host": texts,
        "port": st.one_of(st.integers(1, 65535), st.just("${PORT}")),
        "ssl": ssl,
        "database": st.sampled_from(["named", "other", "with space", "ü"]),
        "user": st.sampled_from(["someone", "Else", "${EMPTY}"]),
        "password": st.sampled_from(["secret", "${NOT_SET}", "${HOST}"]),
        "application_name": st.sampled_from(["mine", ""]),
        "type": st.sampled_from(["default", "azure"]),
        "connectionString": st.just("${URL}"),
    },
)
settings_of_plugin = st.fixed_dictionaries(
    {},
    optional={
        "client": st.sampled_from(["pg", "better-sqlite3"]),
        "connection": st.one_of(connections, strings),
        "ensureExists": st.sampled_from([True, False, "yes", "${NOT_SET}"]),
        "ensureSchemaExists": st.booleans(),
        "getEnsureSchemaExistsConfig": st.booleans(),
        "role": st.just("somebody"),
        "skipMigrations": st.booleans(),
    },
)
databases = st.fixed_dictionaries(
    {
        "client": st.sampled_from(["pg", "pg", "pg", "better-sqlite3"]),
        "connection": st.one_of(connections, connections, strings, st.just("${URL}"), st.just(":memory:")),
    },
    optional={
        "prefix": st.sampled_from(["my_company_", "with-dash-"]),
        "pluginDivisionMode": st.sampled_from(["database", "schema"]),
        "schemaPrefix": st.just("bs_"),
        "ensureExists": st.booleans(),
        "ensureSchemaExists": st.booleans(),
        "role": st.just("everybody"),
        "plugin": st.dictionaries(st.sampled_from([*PLUGINS, "null", "on", "y"]), settings_of_plugin, max_size=4),
    },
)


def test_made_up_app_configs(backstage: Backstage, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever greenroom does not refuse, Backstage resolves as planned; and it refuses for a reason."""
    root = tmp_path_factory.mktemp("made-up")
    counts = {"agreed": 0, "refused": 0, "nothing": 0}
    codes: dict[str, int] = {}

    @settings(max_examples=EXAMPLES)
    @given(databases, st.booleans(), st.sampled_from([{}, {"delivery_file": "/run/secrets/{plugin}"}]))
    def one(database: dict[str, Any], layered: bool, options: dict[str, str]) -> None:
        plugins = database.get("plugin", {})
        first = {"backend": {"database": {**database, "plugin": plugins}}}
        second = {"backend": {"database": {"plugin": {name: {"skipMigrations": True} for name in plugins}}}}
        for name, content in (("app-config.yaml", first), ("app-config.more.yaml", second)):
            (root / name).write_text(json.dumps(content), encoding="utf-8")
        files = ["app-config.yaml", "app-config.more.yaml"] if layered else ["app-config.yaml"]
        ids = sorted({"catalog", "auth", *plugins})
        made = generate(root, files, ids, {"EMPTY": ""}, **options)
        if made.fragment is None:
            errors = [item for item in made.problems if item.severity == "error"]
            counts["refused" if errors else "nothing"] += 1
            codes.update({item.code: codes.get(item.code, 0) + 1 for item in errors})
            assert all(item.hint for item in errors if item.code.startswith("GR6")), errors
            assert errors or not made.plan.plugins
            return
        counts["agreed"] += 1
        if options:
            made.fragment = made.fragment.replace("/run/secrets", str(root / "secrets"))
            (root / "secrets").mkdir(exist_ok=True)
            for role in made.plan.roles:
                assert role.delivery.file
                (root / "secrets" / Path(role.delivery.file).name).write_text(f"secret of {role.name}\n")
        assert_backstage_agrees(backstage, made, ENVIRON)

    one()
    print(counts, codes)
    assert counts["agreed"] > EXAMPLES / 5
