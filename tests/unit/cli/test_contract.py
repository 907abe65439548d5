"""The command line's contract: what goes where, which exit code, and nothing written when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import command_line
import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
backend:
  database:
    client: pg
    connection:
      host: ${POSTGRES_HOST}
      user: ${POSTGRES_USER}
      password: ${POSTGRES_PASSWORD}
"""


def greenroom(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder, in an environment without anything an app-config could ask for."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE") if name in os.environ}
    return command_line.run(
        [*arguments],
        cwd=cwd,
        env={**kept, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_version(tmp_path: Path) -> None:
    for arguments in (("--version",), ("resolve", "--version")):
        result = greenroom(*arguments, cwd=tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        lines = ["greenroom, version 0.1.0", "verified with @backstage/backend-defaults 0.18.0 and 0.19.0"]
        assert result.stdout.splitlines() == lines


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("generate", "--nope"), ("generate", "--target", "pulumi"), ("explain",)]
)
def test_usage_is_exit_code_2(project: Path, arguments: tuple[str, ...]) -> None:
    result = greenroom(*arguments, cwd=project)
    assert result.returncode == 2
    assert not result.stdout
    assert result.stderr


def test_a_misspelt_command_gets_a_hint(project: Path) -> None:
    assert "Did you mean 'generate'?" in greenroom("genrate", cwd=project).stderr


def test_a_root_that_is_not_there_is_usage(tmp_path: Path) -> None:
    assert greenroom("resolve", "--root", "nowhere", cwd=tmp_path).returncode == 2


def test_resolve_json(project: Path) -> None:
    result = greenroom("resolve", "--plugin", "catalog", "--format", "json", cwd=project)
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    catalog = document["plugins"]["catalog"]
    assert catalog["databaseName"] == "backstage_plugin_catalog"
    assert catalog["connection"]["host"] == "${POSTGRES_HOST}"
    assert catalog["sources"]["connection.host"] == "app-config.yaml:5:13"
    assert document["diagnostics"] == []
    assert not result.stderr


def test_resolve_prints_json_on_errors_too(project: Path) -> None:
    (project / "app-config.yaml").write_text(CONFIG.replace("client: pg", "client: oracle"))
    result = greenroom("resolve", "--plugin", "catalog", "--format", "json", cwd=project)
    assert result.returncode == 1
    document = json.loads(result.stdout)
    assert "Unsupported database client type 'oracle'" in document["plugins"]["catalog"]["error"]
    assert [
        (item["severity"], item["file"], item["line"]) for item in document["diagnostics"] if item["severity"] == "error"
    ]


def test_a_secret_is_shown_only_on_demand(project: Path) -> None:
    env = {"POSTGRES_PASSWORD": "correct horse"}
    hidden = greenroom("resolve", "--plugin", "catalog", "--format", "json", cwd=project, env=env)
    assert "correct horse" not in hidden.stdout + hidden.stderr
    shown = greenroom("resolve", "--plugin", "catalog", "--format", "json", "--show-secrets", cwd=project, env=env)
    assert json.loads(shown.stdout)["plugins"]["catalog"]["connection"]["password"] == "correct horse"


def test_explain_says_where_each_value_is_from(project: Path) -> None:
    result = greenroom("explain", "catalog", cwd=project)
    assert result.returncode == 0, result.stderr
    assert "app-config.yaml:5:13" in result.stdout
    assert "Backstage's default" in result.stdout
    assert "backstage_catalog" in result.stdout


def test_explain_knows_the_other_servers(project: Path) -> None:
    (project / "app-config.yaml").write_text(CONFIG + "    plugin:\n      search: {connection: {host: search.example}}\n")
    result = greenroom("explain", "search", "--plugin", "catalog", "--format", "json", cwd=project)
    document = json.loads(result.stdout)
    assert document["generated"]["server"] == "search_example"
    assert {"key": "connection.host", "value": "search.example", "source": "app-config.yaml:9:35"} in document["settings"]


def test_generate_check_diff_and_write_agree(project: Path) -> None:
    arguments = ("generate", "--plugin", "catalog", "--plugin", "auth")
    checked = greenroom(*arguments, "--check", cwd=project)
    assert checked.returncode == 3
    assert "+ auth: database backstage_plugin_auth, role backstage_auth\n" in checked.stdout
    assert not (project / "infra").exists()
    diffed = greenroom(*arguments, "--diff", cwd=project)
    assert diffed.returncode == 0
    assert "+++ b/infra/app-config.databases.yaml" in diffed.stdout
    assert not (project / "infra").exists()

    written = greenroom(*arguments, cwd=project)
    assert written.returncode == 0, written.stderr
    tree = files(project / "infra")
    assert {
        "greenroom.lock.json",
        "app-config.databases.yaml",
        "sql/databases.sql",
        "terraform/databases/plugins.tf",
    } <= set(tree)

    assert greenroom(*arguments, "--check", cwd=project).returncode == 0
    assert greenroom(*arguments, "--diff", "--check", cwd=project).stdout == ""
    assert greenroom(*arguments, cwd=project).returncode == 0
    assert files(project / "infra") == tree


def test_check_names_the_plugin_that_is_new_and_the_one_that_is_gone(project: Path) -> None:
    assert greenroom("generate", "--plugin", "catalog", "--plugin", "proxy", cwd=project).returncode == 0
    result = greenroom("generate", "--plugin", "catalog", "--plugin", "search", "--check", cwd=project)
    assert result.returncode == 3
    assert result.stdout.splitlines() == [
        "- proxy: retired, its data stays",
        "+ search: database backstage_plugin_search, role backstage_search",
    ]


def test_a_retired_plugin_stays_retired_and_is_never_dropped(project: Path) -> None:
    greenroom("generate", "--plugin", "catalog", "--plugin", "proxy", cwd=project)
    assert greenroom("generate", "--plugin", "catalog", cwd=project).returncode == 0
    tree = files(project / "infra")
    assert b"destroy = false" in tree["terraform/databases/retired.tf"]
    assert b"module.proxy" in tree["terraform/databases/retired.tf"]
    assert b"DROP" not in tree["sql/databases.sql"].upper().replace(b"DROP TABLE PG_TEMP.", b"")
    assert greenroom("generate", "--plugin", "catalog", "--check", cwd=project).returncode == 0


def test_an_error_writes_nothing(project: Path) -> None:
    greenroom("generate", "--plugin", "catalog", cwd=project)
    before = files(project)
    (project / "app-config.yaml").write_text(
        CONFIG + "    plugin:\n      catalog:\n        connection: {database: '${CATALOG_DB}'}\n"
    )
    result = greenroom("generate", "--plugin", "catalog", cwd=project)
    assert result.returncode == 1
    assert "app-config.yaml:10:32" in result.stderr
    assert "--env-file" in result.stderr
    after = files(project)
    assert {name: data for name, data in after.items() if name != "app-config.yaml"} == {
        name: data for name, data in before.items() if name != "app-config.yaml"
    }


def test_a_file_that_is_not_ours_is_never_overwritten(project: Path) -> None:
    (project / "infra" / "sql").mkdir(parents=True)
    (project / "infra" / "sql" / "databases.sql").write_text("-- by hand\n")
    result = greenroom("generate", "--plugin", "catalog", cwd=project)
    assert result.returncode == 1
    assert "infra/sql/databases.sql" in result.stderr
    assert files(project / "infra") == {"sql/databases.sql": b"-- by hand\n"}


def test_no_plugin_at_all_is_an_error_with_a_hint(project: Path) -> None:
    result = greenroom("generate", cwd=project)
    assert result.returncode == 1
    assert "plugins.include" in result.stderr
    assert not (project / "infra").exists()


def test_excluded_plugins_are_left_out(project: Path) -> None:
    (project / "greenroom.yaml").write_text("plugins: {include: [catalog, auth], exclude: [auth]}\n")
    document = json.loads(greenroom("resolve", "--format", "json", cwd=project).stdout)
    assert list(document["plugins"]) == ["catalog"]


def test_settings_say_where_the_targets_go(project: Path) -> None:
    (project / "greenroom.yaml").write_text(
        "plugins: {include: [catalog]}\ntargets:\n  sql: {path: db/sql}\n  appConfig: {path: app-config.databases.yaml}\n"
    )
    assert greenroom("generate", cwd=project).returncode == 0
    assert {path for path in files(project) if not path.startswith("app-config.yaml")} == {
        "greenroom.yaml",
        "greenroom.lock.json",
        "app-config.databases.yaml",
        "db/sql/databases.sql",
        "db/sql/README.md",
    }


def test_the_own_fragment_is_not_input(project: Path) -> None:
    (project / "greenroom.yaml").write_text(
        "appConfig: [app-config.yaml, app-config.databases.yaml]\nplugins: {include: [catalog, auth]}\n"
        "targets: {appConfig: {path: app-config.databases.yaml}}\n"
    )
    assert greenroom("generate", cwd=project).returncode == 0
    again = greenroom("generate", "--check", cwd=project)
    assert again.returncode == 0, again.stdout
    assert "GR406" in again.stderr


def test_a_closed_pipe_is_not_a_problem(project: Path) -> None:
    program = (
        f"{sys.executable} -c 'from generator.cli import main; main()' schema settings | head -c 1; exit ${{PIPESTATUS[0]}}"
    )
    result = subprocess.run(["bash", "-c", program], cwd=project, capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
    assert "internal error" not in result.stderr


def test_env_files_give_values(project: Path) -> None:
    (project / "prod.env").write_text("POSTGRES_HOST=db.example.com\n")
    result = greenroom("resolve", "--plugin", "catalog", "--env-file", "prod.env", "--format", "json", cwd=project)
    assert json.loads(result.stdout)["plugins"]["catalog"]["connection"]["host"] == "db.example.com"


def test_placeholders_backstage_drops_what_has_no_value(project: Path) -> None:
    result = greenroom("resolve", "--plugin", "catalog", "--placeholders", "backstage", "--format", "json", cwd=project)
    assert set(json.loads(result.stdout)["plugins"]["catalog"]["connection"]) == {"application_name", "database"}
