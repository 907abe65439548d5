"""Several environments in one greenroom.yaml: one command for all of them, each with a folder and a lock file of its own."""

from __future__ import annotations

import errno
import json
import subprocess
from typing import TYPE_CHECKING, Any

import command_line
import pytest
import yaml
from jsonschema import Draft202012Validator

from generator.documents.schema import schema_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BASE = "backend: {database: {client: pg, connection: {user: '${U}', password: '${P}'}}}\n"
SHARED = {"version": 1, "plugins": {"discover": False, "include": ["catalog", "auth"]}}
ROLE = "backstage_{environment}_{plugin}"
TWO = {
    "production": {"appConfig": ["app-config.yaml", "app-config.production.yaml"]},
    "staging": {
        "appConfig": ["app-config.yaml", "app-config.staging.yaml"],
        "credentials": {"roleName": ROLE},
        "plugins": {"include": ["catalog"]},
    },
}


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("app-config.yaml", BASE)
        for name in ("production", "staging"):
            self.write(f"app-config.{name}.yaml", f"backend: {{database: {{connection: {{host: db.{name}.example}}}}}}\n")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def settings(self, environments: Mapping[str, Any] | None = None, **more: Any) -> None:
        own = {} if environments is None else {"environments": environments}
        self.write("greenroom.yaml", yaml.safe_dump({**SHARED, **more, **own}, sort_keys=False))

    def run(self, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": "/usr/bin:/bin", **(env or {})}
        done = command_line.run([*arguments], cwd=self.folder, env=environ, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def lock(self, folder: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / folder / "greenroom.lock.json").read_text())
        return found

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.settings(TWO)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_command_generates_every_environment(repository: Repository) -> None:
    done = repository.run("generate")
    assert done.stdout.splitlines() == [
        "production:",
        "+ auth: database backstage_plugin_auth, role backstage_auth",
        "+ catalog: database backstage_plugin_catalog, role backstage_catalog",
        "staging:",
        "+ catalog: database backstage_plugin_catalog, role backstage_staging_catalog",
    ]
    assert {name: repository.lock(f"infra/{name}")["environment"] for name in TWO} == {name: name for name in TWO}
    assert not (repository.folder / "infra" / "greenroom.lock.json").exists()
    fragments = {name: (repository.folder / f"infra/{name}/app-config.databases.yaml").read_text() for name in TWO}
    assert "backstage_auth" in fragments["production"]
    assert "backstage_auth" not in fragments["staging"]
    assert repository.run("generate", "--check").stderr == "production: up to date\nstaging: up to date\n"


def test_an_environment_is_what_a_file_of_its_own_would_give(repository: Repository, tmp_path: Path) -> None:
    """The bytes are those of one settings file for each environment."""
    repository.run("generate")
    for name, own in TWO.items():
        merged = {**SHARED, **own, "environment": name, "plugins": {**SHARED["plugins"], **own.get("plugins", {})}}  # type: ignore[dict-item]
        repository.write("greenroom.yaml", yaml.safe_dump(merged))
        repository.run("generate", "--out", f"alone/{name}")
        assert contents(tmp_path / "alone" / name) == contents(tmp_path / "infra" / name)


def test_one_of_them(repository: Repository) -> None:
    repository.run("generate", "--environment", "staging")
    assert [path.name for path in (repository.folder / "infra").iterdir()] == ["staging"]
    done = repository.run("generate", "--check", code=3)
    assert "production: nothing has made the databases of the plugins 'auth' (greenroom.yaml:" in done.stderr
    assert "staging: up to date" in done.stderr
    assert (
        "run `greenroom generate --environment production`"
        in repository.run("generate", "--check", "--environment", "production", code=3).stderr
    )


def test_out_is_the_folder_above_all_of_them(repository: Repository) -> None:
    for arguments in ([], ["--environment", "staging"]):
        repository.run("generate", "--out", "elsewhere", *arguments)
    assert sorted(path.name for path in (repository.folder / "elsewhere").iterdir()) == ["production", "staging"]


def test_nothing_is_written_where_one_of_them_has_errors(repository: Repository) -> None:
    repository.write("app-config.staging.yaml", "backend: {database: {client: oracle}}\n")
    done = repository.run("generate", code=1)
    assert "app-config.staging.yaml:1:30 error" in done.stderr
    assert "(environment staging)" in done.stderr
    assert not (repository.folder / "infra").exists()
    # The gate still says what it knows of the others, and ends with the worst code.
    done = repository.run("generate", "--check", code=1)
    assert "production: nothing has made the databases of the plugins 'auth'" in done.stderr
    for form in ("github", "markdown", "sarif"):
        said = repository.run("generate", "--check", "--format", form, code=1).stdout
        assert "app-config.staging.yaml" in said
        assert "production" in said


def test_nothing_is_written_where_a_file_is_in_the_way_of_one_of_them(repository: Repository) -> None:
    own = repository.write("infra/staging/sql/databases.sql", "-- mine\n")
    for obstacle in ("GR501", "GR503"):
        done = repository.run("generate", code=1)
        assert f"error[{obstacle}]" in done.stderr
        assert "(environment staging)" in done.stderr
        assert not (repository.folder / "infra/production").exists()
        repository.run("generate", "--check", code=3)
        if own.is_file():
            own.unlink()
            own.mkdir()
    own.rmdir()
    repository.run("generate")
    # What is in the way of none of what would be written is no obstacle.
    assert "staging: up to date" in repository.run("generate", "--check").stderr


def test_nothing_is_written_where_another_run_was_faster(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from generator.cli.app import greenroom
    from generator.run import steps

    render = steps.render

    def meanwhile(project: Any, *arguments: Any, **options: Any) -> Any:
        made = render(project, *arguments, **options)
        if project.settings.environment == "staging":
            repository.run("generate", "--environment", "staging", "--plugin", "search")
        return made

    monkeypatch.chdir(repository.folder)
    monkeypatch.setattr(steps, "render", meanwhile)
    result = CliRunner().invoke(greenroom, ["generate"])
    assert "error[GR508] nothing was written: infra/staging/greenroom.lock.json has changed" in str(result.exception)
    assert not (repository.folder / "infra/production").exists()


def test_what_fails_while_writing_says_what_was_written(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from generator.cli.app import greenroom
    from generator.output.write import tree

    stage = tree._stage

    def full(change: Any, data: bytes) -> None:
        if "staging" in change.path.parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        stage(change, data)

    monkeypatch.chdir(repository.folder)
    monkeypatch.setattr(tree, "_stage", full)
    said = str(CliRunner().invoke(greenroom, ["generate"]).exception)
    assert "nothing of staging was written" in said
    assert "(production was written before staging)" in said


def test_a_problem_of_all_is_told_once_where_one_of_them_fails(repository: Repository) -> None:
    repository.run("generate")
    (repository.folder / "infra/staging").rename(repository.folder / "infra/old")
    lock = repository.folder / "infra/old/greenroom.lock.json"
    lock.write_text(lock.read_text().replace('"environment": "staging"', '"environment": "old"'))
    repository.write("app-config.staging.yaml", "backend: {database: {client: oracle}}\n")
    assert repository.run("generate", "--check", "--format", "github", code=1).stdout.count("title=GR456") == 1
    log = json.loads(repository.run("generate", "--check", "--format", "sarif", code=1).stdout)
    assert [item["ruleId"] for item in log["runs"][0]["results"]].count("GR456") == 1
    # JSON has each environment, the one that failed with what is wrong.
    found = json.loads(repository.run("generate", "--check", "--format", "json", code=1).stdout)["environments"]
    assert list(found) == ["production", "staging"]
    assert found["production"]["check"]["sentence"] is None
    assert found["staging"].keys() == {"diagnostics"}
    assert "GR210" in [item["code"] for item in found["staging"]["diagnostics"]]


def test_the_formats_of_the_gate_name_the_environments(repository: Repository) -> None:
    found = json.loads(repository.run("generate", "--check", "--format", "json", code=3).stdout)["environments"]
    assert {name: [item["plugin"] for item in one["check"]["plugins"]] for name, one in found.items()} == {
        "production": ["auth", "catalog"],
        "staging": ["catalog"],
    }
    said = repository.run("generate", "--check", "--format", "markdown", code=3).stdout
    assert "### greenroom: production: 2 plugins have no database yet" in said
    assert "### greenroom: staging: 1 plugin has no database yet" in said
    assert said.startswith("<!-- greenroom -->")
    annotations = repository.run("generate", "--check", "--format", "github", code=3).stdout.splitlines()
    assert len(annotations) == 3
    assert "(environment staging)" in annotations[2]
    results = json.loads(repository.run("generate", "--check", "--format", "sarif", code=3).stdout)["runs"][0]["results"]
    assert len(results) == 3
    one = repository.run("generate", "--check", "--format", "json", "--environment", "staging", code=3).stdout
    assert len(json.loads(one)["changes"]) == 1


def test_the_gate_compares_each_with_its_own_past(repository: Repository) -> None:
    repository.run("generate")
    repository.git("init", "--quiet")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "x")
    (repository.folder / "infra/staging/greenroom.lock.json").unlink()
    repository.settings({**TWO, "staging": {**TWO["staging"], "plugins": {"include": ["auth"]}}})
    done = repository.run("generate", "--check", "--base", "HEAD", code=3)
    assert "production: up to date, and nothing of HEAD (--base) is forgotten" in done.stderr
    assert "- catalog: retired, its data stays (the lock file of HEAD has" in done.stdout
    assert done.stdout.startswith("staging:\n")


def test_a_folder_that_was_moved_is_not_another_environments_past(repository: Repository) -> None:
    """The base has only production's lock file, in the folder from before there were several."""
    repository.settings(appConfig=TWO["production"]["appConfig"])
    repository.run("generate")
    repository.git("init", "--quiet")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "one")
    repository.git("mv", "infra", "old")
    (repository.folder / "infra").mkdir()
    repository.git("mv", "old", "infra/production")
    repository.settings(TWO)
    done = repository.run("generate", "--base", "HEAD")
    assert done.stdout.splitlines() == [
        "staging:",
        "+ catalog: database backstage_plugin_catalog, role backstage_staging_catalog",
    ]
    assert "production: up to date" in repository.run("generate", "--check", "--base", "HEAD").stderr


def test_resolve_lint_explain_and_report_are_for_all(repository: Repository) -> None:
    for command, schema in (
        (["resolve"], "plugin-database-map"),
        (["lint"], "lint"),
        (["report"], "report"),
        (["explain", "catalog"], ""),
        (["generate"], ""),
    ):
        found = json.loads(repository.run(*command, "--format", "json").stdout)
        assert list(found) == ["environments"], command
        assert list(found["environments"]) == ["production", "staging"], command
        one = json.loads(repository.run(*command, "--format", "json", "--environment", "production").stdout)
        assert one.keys() == found["environments"]["production"].keys(), command
        for document in (found, one) if schema else ():
            Draft202012Validator(json.loads(schema_text(schema))).validate(document)
    said = repository.run("resolve").stdout
    assert said.index("production:") < said.index("db.production.example") < said.index("\nstaging:")
    assert said.index("\nstaging:") < said.index("db.staging.example")
    said = repository.run("explain", "catalog").stdout
    assert said.index("backstage_catalog") < said.index("\nstaging:") < said.index("backstage_staging_catalog")
    page = repository.run("report").stdout
    assert "production: primary" in page
    assert "staging: primary" in page
    assert page.count("<!doctype html>") == 1
    picture = repository.run("report", "--format", "mermaid").stdout
    assert picture.count("flowchart") == 1
    assert picture.count("subgraph") == 2


def test_one_has_to_be_chosen_where_a_server_is_asked(repository: Repository) -> None:
    for command in ("preflight", "adopt", "rotate"):
        done = repository.run(command, code=2)
        assert f"{command} is for one environment; choose it with --environment: production, staging" in done.stderr
    repository.run("generate")
    done = repository.run("preflight", "--environment", "staging", "--timeout", "1", code=4, env={"U": "u", "P": "p"})
    assert "backstage_staging_catalog" in done.stdout
    assert "auth" not in done.stdout


def test_an_unknown_environment_is_one_sentence(repository: Repository) -> None:
    for command in ("generate", "resolve", "lint", "report", "preflight", "adopt", "rotate"):
        done = repository.run(command, "--environment", "stagin", code=2)
        assert done.stderr.endswith("--environment: there is no environment 'stagin'; did you mean 'staging'?\n")
    repository.settings()
    assert (
        "there is no environment 'staging'; there is production"
        in repository.run("generate", "--environment", "staging", code=2).stderr
    )
    repository.run("generate", "--environment", "production")


def test_files_on_the_command_line_are_of_one_environment(repository: Repository) -> None:
    done = repository.run("generate", "--config", "app-config.yaml", code=2)
    assert "say which with --environment: production, staging" in done.stderr
    repository.run("generate", "--config", "app-config.yaml", "--environment", "staging")


def test_the_same_problem_is_told_once(repository: Repository) -> None:
    repository.write("app-config.yaml", BASE.replace("client: pg", "client: pg, clinet: pg"))
    done = repository.run("lint")
    (line,) = [line for line in done.stdout.splitlines() if "clinet" in line]
    assert line.startswith("app-config.yaml:1:")
    assert line.endswith("(environments production and staging)")
    assert done.stdout.count("GR211") == 1
    # Of one of them only.
    repository.write("app-config.yaml", BASE)
    repository.write(
        "app-config.staging.yaml", "backend: {database: {clinet: pg, connection: {host: db.staging.example}}}\n"
    )
    (line,) = [line for line in repository.run("lint").stdout.splitlines() if "clinet" in line]
    assert line.endswith("(environment staging)")


def test_a_comment_that_one_environment_needs_is_not_unused(repository: Repository) -> None:
    """The finding is in the base; staging's own file has the key as it should be."""
    repository.write(
        "app-config.yaml",
        "backend:\n  database:\n    client: pg\n    connection:\n      # greenroom-ignore: GR001 why\n      ssl: 'false'\n",
    )
    repository.write(
        "app-config.staging.yaml",
        "backend: {database: {connection: {host: db.staging.example, ssl: true}}}\n",
    )
    production, staging = (repository.run("lint", "--environment", name).stdout for name in TWO)
    both = repository.run("lint").stdout
    assert "GR091" in staging or "GR091" in production
    assert "GR091" not in both


def test_the_same_names_on_the_same_server_are_told(repository: Repository) -> None:
    repository.write(
        "app-config.staging.yaml", "backend: {database: {connection: {host: db.production.example, port: 5432}}}\n"
    )
    done = repository.run("generate")
    (line,) = [line for line in done.stderr.splitlines() if "warning[GR453]" in line]
    assert line.startswith("greenroom.yaml:")
    assert "production and staging have the same database backstage_plugin_catalog on db.production.example" in line
    # The hint.
    repository.write(
        "app-config.staging.yaml",
        "backend: {database: {prefix: staging_, connection: {host: db.production.example, port: 5432}}}\n",
    )
    repository.run("generate")
    assert "GR453" not in repository.run("generate", "--check").stderr
    # The other one: one host name, two networks.
    repository.write("app-config.staging.yaml", "backend: {database: {connection: {host: db.production.example}}}\n")
    repository.settings(TWO, ignore=[{"code": "GR453", "reason": "two networks"}])
    assert "GR453" not in repository.run("generate").stderr


@pytest.mark.parametrize(
    ("shared", "environments", "place"),
    [
        ({}, {"production": {"out": "infra"}, "staging": {"out": "infra"}}, "infra"),
        ({}, {"production": {"out": "infra"}, "staging": {"out": "./infra/"}}, "infra"),
        ({"targets": {"sql": {"path": "db"}}}, {"production": {}, "staging": {}}, "db"),
        ({}, {"production": {"out": "x"}, "staging": {"targets": {"sql": {"path": "x/sql"}}}}, "x/sql"),
    ],
)
def test_two_of_them_write_to_the_same_place(
    repository: Repository, shared: dict[str, Any], environments: dict[str, Any], place: str
) -> None:
    merged = {name: {**TWO[name], **own} for name, own in environments.items()}
    repository.settings(merged, **shared)
    for arguments in ([], ["--environment", "production"]):
        done = repository.run("generate", *arguments, code=1)
        assert done.stderr.count("error[GR452]") == 1
        assert f"production and staging are to write to the same place: {place}" in done.stderr
    assert not (repository.folder / "infra").exists()


def test_what_there_was_before_there_were_several_is_not_left_behind(repository: Repository) -> None:
    repository.settings(appConfig=TWO["production"]["appConfig"])
    repository.run("generate")
    before = contents(repository.folder / "infra")
    repository.settings(TWO)
    done = repository.run("generate", code=1)
    assert (
        "error[GR454] environments.production.out: infra/greenroom.lock.json is the lock file of production" in done.stderr
    )
    assert "`out: infra` leaves everything where it is" in done.stderr
    repository.settings({**TWO, "production": {**TWO["production"], "out": "infra"}})
    assert "production: up to date" in repository.run("generate").stderr
    assert {name: data for name, data in contents(repository.folder / "infra").items() if "staging" not in name} == before
    # One of them goes, or gets another name.
    repository.settings({"production": {**TWO["production"], "out": "infra"}})
    assert "infra/staging/greenroom.lock.json warning[GR456]" in repository.run("generate", "--check").stderr


def test_another_name_does_not_leave_behind_what_there_was(repository: Repository) -> None:
    repository.settings(appConfig=TWO["production"]["appConfig"])
    repository.run("generate")
    renamed = {"prod": TWO["production"], "staging": TWO["staging"]}
    repository.settings(renamed)
    for arguments in ((), ("--check",)):
        done = repository.run("generate", *arguments, code=1)
        assert done.stderr.count("error[GR454]") == 1
        assert "infra/greenroom.lock.json is the lock file of production, which greenroom.yaml does not have" in done.stderr
    assert not (repository.folder / "infra/prod").exists()
    # Settings in a file of another name may have it: nobody knows that it is left.
    other = repository.write("greenroom.old.yaml", "version: 1\n")
    repository.run("generate", "--check", code=3)
    other.unlink()
    repository.settings({**renamed, "prod": {**TWO["production"], "out": "infra"}})
    lock = repository.folder / "infra/greenroom.lock.json"
    lock.write_text(lock.read_text().replace('"environment": "production"', '"environment": "prod"'))
    repository.run("generate")
    assert set(repository.lock("infra")["plugins"]) == {"auth", "catalog"}
    repository.run("generate", "--check")


def test_a_list_with_the_name_of_no_environment(repository: Repository) -> None:
    found = repository.write("greenroom.prodution.adopt.yaml", "primary: {databases: [backstage_plugin_catalog]}\n")
    done = repository.run("generate", code=1)
    assert done.stderr.count("error[GR455]") == 1
    assert "rename it to greenroom.production.adopt.yaml, if it is about production" in done.stderr
    other = repository.write("greenroom.prodution.yaml", "version: 1\n")  # whose list it is then
    repository.run("generate", "--check", code=3)
    other.unlink()
    found.rename(repository.folder / "greenroom.production.adopt.yaml")
    repository.run("generate")


def test_a_list_of_what_is_there_says_of_which_environment_it_is(repository: Repository) -> None:
    found = repository.write("greenroom.adopt.yaml", "primary: {databases: [backstage_plugin_catalog]}\n")
    done = repository.run("generate", code=1)
    assert done.stderr.count("GR455") == 1
    assert "rename it to greenroom.NAME.adopt.yaml" in done.stderr
    found.rename(repository.folder / "greenroom.production.adopt.yaml")
    repository.run("generate")
    assert (repository.folder / "infra/production/terraform/databases/imports.tf").exists()
    assert not (repository.folder / "infra/staging/terraform/databases/imports.tf").exists()


def test_the_library_has_to_choose(repository: Repository) -> None:
    from generator import Request, load

    (found,) = [item for item in load(Request(root=repository.folder)).diagnostics if item.code == "GR451"]
    assert found.hint == "choose one: production and staging"
    project = load(Request(root=repository.folder, environment="staging"))
    assert project.settings.environment == "staging"
    assert project.plugin_ids == ("catalog",)
    assert [item.code for item in load(Request(root=repository.folder, environment="x")).diagnostics] == ["GR451"]
