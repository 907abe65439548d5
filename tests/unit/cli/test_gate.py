"""``generate --check`` as the gate of a pull request: one sentence with the plugin, its line and a command to copy."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.cli.app import run

CONFIG = (
    "backend:\n  database:\n    client: pg\n    connection: {host: '${POSTGRES_HOST}', user: u, password: '${PASSWORD}'}\n"
)
MANIFEST = '{"name": "backend", "backstage": {"role": "backend"}, "dependencies": {"@backstage/backend-defaults": "*"%s}}'
FIRST = ("catalog", "auth")
DOCS = Path(__file__).resolve().parents[3] / "docs" / "gate.md"


def entry(*plugins: str) -> str:
    """An entry file; the first plugin is added in line 4."""
    adds = "".join(f"backend.add(import('@backstage/plugin-{name}-backend'));\n" for name in plugins)
    head = "import { createBackend } from '@backstage/backend-defaults';\n\nconst backend = createBackend();\n"
    return f"{head}{adds}backend.start();\n"


class Portal:
    """A Backstage repository whose databases are generated and committed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "packages/backend/src").mkdir(parents=True)
        (root / "package.json").write_text('{"workspaces": ["packages/*"]}')
        (root / "app-config.yaml").write_text(CONFIG)
        self.adds(*FIRST)

    def adds(self, *plugins: str) -> None:
        (self.root / "packages/backend/src/index.ts").write_text(entry(*plugins))
        listed = "".join(f', "@backstage/plugin-{name}-backend": "*"' for name in plugins)
        (self.root / "packages/backend/package.json").write_text(MANIFEST % listed)

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """The command line, in this process: many short runs."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(cwd or self.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(arguments))
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    made = Portal(tmp_path / "portal")
    assert made.run("generate").returncode == 0
    assert made.run("generate", "--check").returncode == 0
    return made


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr of a check that fails."""
    assert result.returncode == 3, result.stderr
    (sentence,) = result.stderr.splitlines()
    return sentence


def fixed_by(sentence: str) -> list[str]:
    (command,) = re.findall(r"`(.+)`", sentence)
    words = shlex.split(command)
    assert words[0] == "greenroom"
    return words[1:]


def test_one_plugin(portal: Portal) -> None:
    portal.adds(*FIRST, "mcp-actions")
    before = portal.files()
    result = portal.run("generate", "--check")
    assert refused(result) == (
        "packages/backend/src/index.ts:6:1 adds the plugin 'mcp-actions', and nothing has made its database yet: "
        "run `greenroom generate` and commit the result"
    )
    assert result.stdout == "+ mcp-actions: database backstage_plugin_mcp-actions, role backstage_mcp-actions\n"
    assert portal.files() == before


def test_several_plugins_are_one_sentence(portal: Portal) -> None:
    portal.adds(*FIRST, "proxy", "events", "search")
    index = "packages/backend/src/index.ts"
    assert refused(portal.run("generate", "--check")) == (
        f"nothing has made the databases of the plugins 'events' ({index}:7:1), 'proxy' ({index}:6:1) and "
        f"'search' ({index}:8:1) yet: run `greenroom generate` and commit the result"
    )


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--root", "portal"),
        ("--root", "portal", "--out", "some where", "--target", "sql", "--target", "app-config"),
        ("--root", "portal", "--config", "portal/app-config.yaml", "--env-file", "it's.env", "--plugin", "extra,other"),
        ("--root", "portal", "--settings", "portal/rooms.yaml", "--placeholders", "keep", "--verify"),
    ],
)
def test_the_command_can_be_copied(portal: Portal, options: tuple[str, ...]) -> None:
    """With the options of the check, from the folder of the check: after it the check succeeds, whatever they are."""
    cwd = portal.root.parent if options else portal.root
    (cwd / "it's.env").write_text("POSTGRES_HOST=db\n")
    (portal.root / "rooms.yaml").write_text("targets: {sql: {path: db/sql}}\n")
    portal.run("generate", *options, cwd=cwd)
    portal.adds(*FIRST, "proxy")
    talk = ("--check", "--quiet") if options else ("--check", "--diff")
    place = "portal/" if options else ""
    sentence = refused(portal.run("generate", *options, *talk, cwd=cwd))
    assert sentence.startswith(f"{place}packages/backend/src/index.ts:6:1 adds the plugin 'proxy', ")
    words = fixed_by(sentence)
    assert sorted(words) == sorted(["generate", *options])
    assert portal.run(*words, cwd=cwd).returncode == 0
    assert portal.run("generate", *options, "--check", cwd=cwd).returncode == 0


def test_json_carries_it(portal: Portal) -> None:
    assert json.loads(portal.run("generate", "--check", "--format", "json").stdout)["check"] == {
        "base": None,
        "sentence": None,
        "command": None,
        "plugins": [],
    }
    portal.adds("catalog", "proxy")
    result = portal.run("generate", "--check", "--format", "json")
    assert (result.returncode, result.stderr) == (3, "")
    document: dict[str, Any] = json.loads(result.stdout)
    assert document["check"] == {
        "base": None,
        "sentence": "packages/backend/src/index.ts:5:1 adds the plugin 'proxy', and nothing has made its database yet; "
        "nothing adds the plugin 'auth' any more, and its database is to be retired (the data stays): "
        "run `greenroom generate` and commit the result",
        "command": "greenroom generate",
        "plugins": [
            {"plugin": "auth", "change": "retired", "file": None, "line": None},
            {"plugin": "proxy", "change": "added", "file": "packages/backend/src/index.ts", "line": 5},
        ],
    }
    assert document["written"] is False
    assert "check" not in json.loads(portal.run("generate", "--format", "json").stdout)


def test_a_plugin_that_is_gone(portal: Portal) -> None:
    """The lock file and the artifacts are all that is left of it."""
    portal.adds("catalog")
    assert refused(portal.run("generate", "--check")) == (
        "nothing adds the plugin 'auth' any more, and its database is to be retired (the data stays): "
        "run `greenroom generate` and commit the result"
    )
    assert portal.run("generate").returncode == 0
    assert portal.run("generate", "--check").returncode == 0
    # Retired is settled: only the lock file still knows it. When the code adds it again, that is said.
    portal.adds(*FIRST)
    assert refused(portal.run("generate", "--check")) == (
        "packages/backend/src/index.ts:5:1 adds the plugin 'auth' again, which was retired, and nothing has made its "
        "database yet: run `greenroom generate` and commit the result"
    )


def test_a_plugin_in_the_lock_file_only(portal: Portal) -> None:
    """Half a merge: the lock file knows the plugin, the files it lists do not."""
    committed = portal.files()
    portal.adds(*FIRST, "proxy")
    assert portal.run("generate").returncode == 0
    for name, data in committed.items():
        if name.startswith("infra/") and not name.endswith("greenroom.lock.json"):
            (portal.root / name).write_bytes(data)
    result = portal.run("generate", "--check")
    sentence = refused(result)
    assert re.fullmatch(r"\d generated files are out of date: run `greenroom generate` and commit the result", sentence)
    assert "  infra/terraform/databases/plugins.tf\n" in result.stdout
    assert portal.run("generate").returncode == 0
    assert portal.run("generate", "--check").returncode == 0


def test_an_edited_file(portal: Portal) -> None:
    path = portal.root / "infra/sql/databases.sql"
    path.write_text(path.read_text() + "-- by hand\n")
    result = portal.run("generate", "--check")
    assert refused(result) == "1 generated file is out of date: run `greenroom generate` and commit the result"
    assert result.stdout == "  infra/sql/databases.sql\n"


def test_a_changed_name(portal: Portal) -> None:
    (portal.root / "app-config.yaml").write_text(CONFIG.replace("client: pg", "client: pg\n    prefix: portal_"))
    assert refused(portal.run("generate", "--check")) == (
        "what is generated for the plugins 'auth' and 'catalog' is out of date: "
        "run `greenroom generate` and commit the result"
    )


def test_who_asks_for_it(portal: Portal) -> None:
    """Not only code adds plugins."""
    (portal.root / "app-config.yaml").write_text(CONFIG + "    plugin:\n      tech-insights: {ensureExists: false}\n")
    assert refused(portal.run("generate", "--check")).startswith(
        "app-config.yaml:6:22 configures the plugin 'tech-insights', and nothing has made its database yet: "
    )
    (portal.root / "app-config.yaml").write_text(CONFIG)
    (portal.root / "greenroom.yaml").write_text("plugins:\n  include: [todo]\n")
    assert refused(portal.run("generate", "--check")).startswith("greenroom.yaml:2:12 includes the plugin 'todo', and ")
    (portal.root / "greenroom.yaml").unlink()
    assert refused(portal.run("generate", "--check", "--plugin", "todo")) == (
        "--plugin names the plugin 'todo', and nothing has made its database yet: "
        "run `greenroom generate --plugin todo` and commit the result"
    )


def test_nothing_was_ever_generated(tmp_path: Path) -> None:
    fresh = Portal(tmp_path / "portal")
    sentence = refused(fresh.run("generate", "--check"))
    assert sentence.startswith(
        "nothing has made the databases of the plugins 'auth' (packages/backend/src/index.ts:5:1) and "
    )


def test_an_error_is_no_drift(portal: Portal) -> None:
    """What cannot be generated is exit code 1, not 3: the command would not help."""
    portal.adds(*FIRST, "proxy")
    (portal.root / "app-config.yaml").write_text(CONFIG + "    plugin: {proxy: {connection: {database: '${X}'}}}\n")
    result = portal.run("generate", "--check")
    assert result.returncode == 1
    assert "commit the result" not in result.stderr


def examples() -> list[tuple[str, dict[str, Any]]]:
    """The pipeline files in the documentation."""
    text = DOCS.read_text(encoding="utf-8")
    found = re.findall(r"```yaml\n# (\S+)\n(.*?)```", text, re.DOTALL)
    return [(name, yaml.safe_load(body)) for name, body in found]


def scripts(value: Any) -> list[str]:
    """Every command of a pipeline, in order."""
    if isinstance(value, dict):
        return [
            command
            for key, item in value.items()
            for command in (
                ([item] if isinstance(item, str) else list(item))
                if key in ("run", "script", "before_script")
                else scripts(item)
            )
        ]
    return [command for item in value for command in scripts(item)] if isinstance(value, list) else []


APPLIES = examples()


@pytest.mark.parametrize(("name", "pipeline"), APPLIES, ids=lambda value: value if isinstance(value, str) else "")
def test_the_pipelines_that_apply_read_the_plan_first(name: str, pipeline: dict[str, Any]) -> None:
    """The very plan that was read is applied. What refuses a plan is in tests/unit/plan_check and tests/e2e/terraform."""
    lines = scripts(pipeline)
    steps = ("terraform plan ", "terraform show -json tfplan", ("greenroom plan-check tfplan.json", "jq -rf policy/plan.jq"))
    order = [next(index for index, line in enumerate(lines) if line.startswith(step)) for step in steps]
    order.append(lines.index("terraform apply -input=false tfplan"))
    assert order == sorted(order)


def test_the_pipeline_that_applies_is_there() -> None:
    """Those of the gate, and of the apply on GitHub, are files: tests/e2e/pipelines runs them."""
    assert [name for name, _ in APPLIES] == [".gitlab-ci.yml"]


# --- for pull requests ------------------------------------------------------------------------------------------------


def test_an_annotation_at_the_line_that_adds_the_plugin(portal: Portal) -> None:
    portal.adds(*FIRST, "scaffolder")
    ran = portal.run("generate", "--check", "--format", "github")
    assert (ran.returncode, ran.stderr) == (3, "")
    (line,) = ran.stdout.splitlines()
    assert line.startswith(
        "::error file=packages/backend/src/index.ts,line=6,col=1,title=GR559::the plugin 'scaffolder' has "
    )
    assert "run `greenroom generate` and commit the result" in line


def test_annotations_where_no_plugin_differs(portal: Portal) -> None:
    assert portal.run("generate", "--check", "--format", "github").stdout == ""
    script = portal.root / "infra/sql/databases.sql"
    script.write_text(script.read_text() + "-- mine\n")
    (line,) = portal.run("generate", "--check", "--format", "github").stdout.splitlines()
    assert line.startswith("::error file=infra/sql/databases.sql,title=GR559::")
    portal.adds("catalog")
    lines = portal.run("generate", "--check", "--format", "github").stdout.splitlines()
    assert [re.findall(r"file=([^,]*)", line) for line in lines] == [
        ["infra/greenroom.lock.json"],
        ["infra/sql/databases.sql"],
    ]


def test_the_summary_of_a_pull_request(portal: Portal) -> None:
    portal.adds("auth", "scaffolder")
    ran = portal.run("generate", "--check", "--format", "markdown")
    assert (ran.returncode, ran.stderr) == (3, "")
    assert ran.stdout.startswith("<!-- greenroom -->\n### greenroom: 1 plugin has no database yet\n")
    rows = [line for line in ran.stdout.splitlines() if line.startswith("| ")][1:]
    assert sorted(rows, reverse=True) == [
        "| retired | `catalog` | `backstage_plugin_catalog` | `backstage_catalog` |  |  |",
        "| new | `scaffolder` | `backstage_plugin_scaffolder` | `backstage_scaffolder` | `BACKSTAGE_DB_SCAFFOLDER_PASSWORD` "
        "| `packages/backend/src/index.ts:5:1` |",
    ]
    assert "- create the database, role and grants, where they do not exist yet, of `scaffolder`" in ran.stdout
    assert "- stop managing, without dropping anything, `catalog`" in ran.stdout
    assert "1. run and commit `greenroom generate`" in ran.stdout
    assert '"backstage_scaffolder"' in ran.stdout.partition("```mermaid")[2]
    assert "catalog" not in ran.stdout.partition("```mermaid")[2]
    assert portal.run("generate").returncode == 0
    ran = portal.run("generate", "--check", "--format", "markdown")
    assert (ran.returncode, ran.stdout) == (0, "<!-- greenroom -->\n### greenroom: Databases are up to date\n")


def test_the_summary_stays_below_what_a_comment_may_hold(portal: Portal) -> None:
    names = "".join(f"      a-plugin-with-a-long-name-{number:04}: {{}}\n" for number in range(600))
    (portal.root / "app-config.yaml").write_text(f"{CONFIG}    plugin:\n{names}")
    ran = portal.run("generate", "--check", "--format", "markdown")
    assert ran.returncode == 3
    assert len(ran.stdout) < 65_536
    assert "500 more are not listed here." in ran.stdout
    assert "```mermaid" not in ran.stdout


def test_code_scanning(portal: Portal) -> None:
    portal.adds(*FIRST, "scaffolder")
    ran = portal.run("generate", "--check", "--format", "sarif")
    (result,) = json.loads(ran.stdout)["runs"][0]["results"]
    assert (ran.returncode, result["ruleId"]) == (3, "GR559")
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 6, "startColumn": 1}


@pytest.mark.parametrize("output_format", ["github", "markdown", "sarif"])
def test_without_a_verdict_the_problems_are_told_in_the_same_format(portal: Portal, output_format: str) -> None:
    (portal.root / "app-config.yaml").write_text(CONFIG.replace("client: pg", "client: oracle"))
    ran = portal.run("generate", "--check", "--format", output_format)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "oracle" in ran.stdout
    assert {"github": "::error ", "markdown": "no verdict", "sarif": '"results"'}[output_format] in ran.stdout
    before = portal.files()
    ran = portal.run("generate", "--format", output_format)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "is for --check" in ran.stderr
    assert portal.files() == before


# --- what comes next --------------------------------------------------------------------------------------------------


def steps_of(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.removeprefix("next: ") for line in result.stderr.splitlines() if line.startswith("next: ")]


def test_the_first_run_says_what_comes_next(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "portal")
    (portal.root / "Dockerfile").write_text(
        'FROM node\nCMD ["node", "packages/backend", \\\n     "--config", "app-config.yaml"]\n'
    )
    assert steps_of(portal.run("generate")) == [
        "commit what was written, and apply it with Terraform in infra/terraform/databases (README.md has the variables), "
        "or psql -X -f infra/sql/databases.sql",
        "copy infra/app-config.databases.yaml into the image, and add it as the last --config at Dockerfile:2: "
        'CMD ["node", "packages/backend", "--config", "app-config.yaml"]',
        "no plugin uses user and password of the base connection any more (app-config.yaml:4:63): remove them after the "
        "rollout",
    ]
    assert steps_of(portal.run("generate")) == []
    portal.adds(*FIRST, "scaffolder")
    (step,) = steps_of(portal.run("generate"))
    assert step.startswith("commit what was written, and apply ")


def test_what_comes_next_says_only_what_is_known(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "portal")
    index = portal.root / "packages/backend/src/index.ts"
    index.write_text(index.read_text() + "backend.add(import(process.env.PLUGIN));\n")
    steps = steps_of(portal.run("generate"))
    assert "give Backstage infra/app-config.databases.yaml as its last --config" in steps
    assert not [step for step in steps if "base connection" in step], "a plugin that is not known may use it"
    portal = Portal(tmp_path / "named")
    (portal.root / "Dockerfile").write_text('CMD ["node", "--config", "./infra/app-config.databases.yaml"]\n')
    assert not [step for step in steps_of(portal.run("generate")) if "--config" in step], "it is there already"
    portal = Portal(tmp_path / "quiet")
    assert portal.run("generate", "--quiet").stderr == ""
