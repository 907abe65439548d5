"""``greenroom init`` from the command line: what it refuses, and what it looks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generator.backstage.config.production import find_config_files
from generator.cli.app import run
from generator.init.manager import find_manager

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "backend: {database: {client: pg, connection: {host: '${HOST}', user: u, password: '${P}'}}}\n"


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_what_it_wrote_and_what_to_run(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (portal / "app-config.yaml").write_text(CONFIG.replace("client: pg,", "client: pg, plugin: {catalog: {}, auth: {}},"))
    assert run(["init"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "greenroom.yaml written: 2 plugins on 1 server\nnext: `greenroom generate`\n")
    assert run(["generate"]) == 0


def test_where_nobody_names_a_plugin(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--settings", "rooms.yaml"]) == 0
    assert capsys.readouterr().err == (
        "rooms.yaml written: 0 plugins on 1 server\n"
        "name the backend's plugins in it under plugins.include, then `greenroom generate --settings rooms.yaml`\n"
    )


def test_a_file_that_is_there_stays(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (portal / "greenroom.yaml").write_text("# mine\n")
    assert run(["init"]) == 1
    assert capsys.readouterr().err == (
        "greenroom.yaml error[GR420] this file is there already, and it is yours: nothing was written\n"
        "    help: `greenroom init --stdout` prints a new one to compare; remove the file to start over\n1 error\n"
    )
    assert (portal / "greenroom.yaml").read_text() == "# mine\n"
    # A link that leads nowhere would be written through.
    (portal / "greenroom.yaml").unlink()
    (portal / "greenroom.yaml").symlink_to("elsewhere.yaml")
    assert run(["init"]) == 1
    assert not (portal / "elsewhere.yaml").exists()


def test_settings_that_are_there_do_not_colour_what_is_printed(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--stdout"]) == 0
    before = capsys.readouterr().out
    (portal / "greenroom.yaml").write_text("plugins: {include: [todo]}\nnonsense: 1\n")
    assert run(["init", "--stdout"]) == 0
    assert capsys.readouterr().out == before


def test_no_app_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--root", str(tmp_path)]) == 1
    assert "error[GR421]" in (said := capsys.readouterr().err)
    assert "help: run this in the Backstage repository or give --root, or name the files with --config" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "place"), [("backend: [\n", "2:1"), ("backend: {database: {client: oracle, connection: {}}}\n", "1:30")]
)
def test_an_app_config_that_is_broken(portal: Path, capsys: pytest.CaptureFixture[str], text: str, place: str) -> None:
    (portal / "app-config.yaml").write_text(text)
    assert run(["init"]) == 1
    assert f"app-config.yaml:{place} error[" in capsys.readouterr().err
    assert not (portal / "greenroom.yaml").exists()


def test_a_config_that_is_not_there(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--config", "nope.yaml"]) == 1
    assert "nope.yaml" in capsys.readouterr().err


def test_a_root_that_is_not_there_is_usage(portal: Path) -> None:
    assert run(["init", "--root", "nowhere"]) == 2


def test_a_folder_that_cannot_be_written_to(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--settings", "no/such/folder/greenroom.yaml"]) == 1
    said = capsys.readouterr().err
    assert "error[GR422] this file cannot be written: No such file or directory" in said
    assert "help: `greenroom init --stdout` prints it instead" in said


def test_paths_are_relative_to_the_file(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (portal / "infra").mkdir()
    assert run(["init", "--settings", "infra/greenroom.yaml", "--config", "app-config.yaml"]) == 0
    assert "\nappConfig: [../app-config.yaml]\n" in (portal / "infra/greenroom.yaml").read_text().replace('"', "")
    assert run(["generate", "--settings", "infra/greenroom.yaml", "--plugin", "catalog"]) == 0


def test_the_environment_of_this_machine_does_not_count(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "my-laptop")
    monkeypatch.setenv("P", "a secret")
    monkeypatch.setenv("BACKSTAGE_ENV", "mine")
    assert run(["init"]) == 0
    text = (portal / "greenroom.yaml").read_text()
    assert "my-laptop" not in text
    assert "a secret" not in text


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_roles_of_another_environment_have_other_names(portal: Path, environment: str) -> None:
    """Both may be on one server. Production's roles keep the names they have always had."""
    overlay = f"app-config.{environment}.yaml"
    (portal / overlay).write_text("{}")
    assert run(["init", "--config", "app-config.yaml", "--config", overlay]) == 0
    assert run(["generate", "--plugin", "catalog"]) == 0
    lock = json.loads((portal / "infra/greenroom.lock.json").read_text())
    role = {"production": "backstage_catalog", "staging": "backstage_staging_catalog"}[environment]
    assert lock["plugins"]["catalog"]["role"] == role


def test_names_that_would_end_a_comment(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What code says goes into comments: no text of it may become a key."""
    (portal / "packages/backend/src").mkdir(parents=True)
    (portal / "package.json").write_text("{}")
    (portal / "packages/backend/package.json").write_text('{"backstage": {"role": "backend"}}')
    (portal / "packages/backend/src/index.ts").write_text(
        "const backend = createBackend();\n"
        "backend.add(createBackendPlugin({ pluginId: 'a\\nversion: 2', register() {} }));\n"
        "backend.add(import(`x\\n\\u2028version: 3 ${y}`));\n"
    )
    run(["init", "--stdout"])
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if "version" in line and not line.lstrip().startswith("#")] in (
        ["version: 1"],
        [],
    )


@pytest.mark.parametrize(
    ("names", "chosen", "environment"),
    [
        (["app-config.yaml"], ["app-config.yaml"], None),
        (["app-config.yaml", "app-config.dev.yaml"], ["app-config.yaml", "app-config.dev.yaml"], "dev"),
        (["app-config.yaml", "app-config.dev.yaml", "app-config.docker.yaml"], ["app-config.yaml"], None),
        (
            ["app-config.yaml", "app-config.prod.yaml", "app-config.dev.yaml"],
            ["app-config.yaml", "app-config.prod.yaml"],
            "prod",
        ),
        (["app-config.production.yaml"], ["app-config.production.yaml"], "production"),
        (["app-config.yaml", "app-config.local.yaml", "app-config.example.yaml"], ["app-config.yaml"], None),
        (["app-config.yaml", "app-config.databases.yaml"], ["app-config.yaml"], None),
        (["app-config.yml", "app-config.production.yml"], ["app-config.yml", "app-config.production.yml"], "production"),
        (["greenroom.yaml"], [], None),
    ],
)
def test_which_files(tmp_path: Path, names: list[str], chosen: list[str], environment: str | None) -> None:
    for name in names:
        (tmp_path / name).write_text("# Made by greenroom …\n" if "databases" in name else "")
    found = find_config_files(tmp_path)
    assert (list(found.chosen), found.environment) == (chosen, environment)


@pytest.mark.parametrize(
    ("dockerfile", "chosen"),
    [
        ("CMD node packages/backend --config app-config.yaml --config=app-config.aws.yaml", "app-config.aws.yaml"),
        ('ENTRYPOINT ["node", "packages/backend", "--config", "./app-config.yaml"]\n', "app-config.yaml"),
        ('CMD ["node", "--config", "app-config.yaml", "--config", "/etc/mounted.yaml"]', "app-config.production.yaml"),
        ("# CMD node --config app-config.yaml\nRUN x --config app-config.yaml\n", "app-config.production.yaml"),
        ("CMD node --config app-config.yaml\\", "app-config.yaml"),
        ("\xff\xfe", "app-config.production.yaml"),
    ],
)
def test_a_dockerfile_says_it(tmp_path: Path, dockerfile: str, chosen: str) -> None:
    for name in ("app-config.yaml", "app-config.production.yaml", "app-config.aws.yaml"):
        (tmp_path / name).write_text("")
    (tmp_path / "Dockerfile").write_bytes(dockerfile.encode("latin-1"))
    assert find_config_files(tmp_path).chosen[-1] == chosen


@pytest.mark.parametrize(
    ("manager", "version", "kind"),
    [
        ("SingleConnectionDatabaseManager", "^0.25.0", "single-connection"),
        ("PluginConnectionDatabaseManager", "^0.8.3", "plugin-connection"),
        ("DatabaseManager", "^0.8.2", "single-connection"),
        ("DatabaseManager", "^0.9.9", "plugin-connection"),
        ("DatabaseManager", "^0.9.10", None),
        ("DatabaseManager", "workspace:^", None),
        ("DatabaseManager as Manager", "0.9.0", "plugin-connection"),
        ("createServiceBuilder", "^0.8.3", None),
    ],
)
@pytest.mark.parametrize("locked", [False, True])
def test_old_managers(tmp_path: Path, manager: str, version: str, kind: str | None, locked: bool) -> None:
    folder = tmp_path / "packages/backend/src"
    folder.mkdir(parents=True)
    (tmp_path / "package.json").write_text("{}")
    declared = "^0.1.0" if locked and "workspace" not in version else version
    (folder.parent / "package.json").write_text(
        f'{{"backstage": {{"role": "backend"}}, "dependencies": {{"@backstage/backend-common": "{declared}"}}}}'
    )
    (folder / "index.ts").write_text(f"import {{ {manager} }} from '@backstage/backend-common';\n")
    if locked:
        number = version.lstrip("^")
        text = f'"@backstage/backend-common@{declared}":\n  version "{number}"\n' if number[0].isdigit() else ""
        (tmp_path / "yarn.lock").write_text(text)
    found = find_manager(tmp_path)
    assert (found.kind if found else None) == kind
    if found:
        assert str(found.location) == ("packages/backend/src/index.ts:1:1")
