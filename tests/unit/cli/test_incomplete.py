"""While not everything that a repository adds is known, nothing is retired; and what a hint says, done, ends the warning."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.backstage.repository import packages, typescript
from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "backend:\n  database:\n    client: pg\n    connection: {host: '${H}', user: u, password: '${P}'}\n"
HEAD = "import { createBackend } from '@backstage/backend-defaults';\nimport { more } from './more';\n"
START = "const backend = createBackend();\nbackend.add(import('@backstage/plugin-catalog-backend'));\n"
MORE = "export const more = backend => {\n  backend.add(import('@backstage/plugin-auth-backend'));\n};\n"
UNKNOWN = "backend.add(import(process.env.EXTRA));\n"
INDEX = "packages/backend/src/index.ts"
SECOND = "packages/backend/src/more.ts"


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backend with two plugins, the second of them in a file of its own, whose databases are generated."""
    names = ("backend-defaults", "plugin-catalog-backend", "plugin-auth-backend")
    manifest = {"name": "backend", "backstage": {"role": "backend"}, "dependencies": {f"@backstage/{n}": "*" for n in names}}
    files = {
        "package.json": '{"workspaces": ["packages/*"]}',
        "app-config.yaml": CONFIG,
        "packages/backend/package.json": json.dumps(manifest),
        INDEX: f"{HEAD}{START}more(backend);\n",
        SECOND: MORE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert greenroom("generate").returncode == 0
    return tmp_path


def greenroom(*arguments: str) -> subprocess.CompletedProcess[str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def plugins(root: Path) -> tuple[list[str], list[str]]:
    """What the lock file has: planned, retired."""
    lock = json.loads((root / "infra/greenroom.lock.json").read_text())
    return sorted(lock["plugins"]), sorted(lock["retired"])


def damaged(root: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make discovery miss the plugin auth."""
    second = root / SECOND
    if how == "the time is up":
        monkeypatch.setattr(packages, "_SECONDS", -1000.0)
    elif how == "too many steps":
        monkeypatch.setattr(packages, "_STEPS", 2)
    elif how == "a file is too hard":
        monkeypatch.setattr(typescript, "SECONDS", -1.0)
        second.write_text(f"{MORE}// {'x' * 2000}\n")
    elif how == "a file is too large":
        second.write_text(f"// {'x' * (5 << 20)}\n{MORE}")
    elif how == "a file does not parse":
        second.write_text("export const more = backend => {{{\n  backend.ad d(imp ort('@backstage/plugin-auth-backend'));\n")
    elif how == "a value is not known":
        second.write_text(MORE.replace("'@backstage/plugin-auth-backend'", "process.env.EXTRA"))
    elif how == "the entry file adds nothing":
        (root / INDEX).write_text("console.log('hello');\n")


@pytest.mark.parametrize(
    "how",
    [
        "the time is up",
        "too many steps",
        "a file is too hard",
        "a file is too large",
        "a file does not parse",
        "a value is not known",
        "the entry file adds nothing",
    ],
)
def test_nothing_is_retired(portal: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    before = (portal / "infra/greenroom.lock.json").read_bytes()
    damaged(portal, how, monkeypatch)
    for options in (("--check",), ("--check", "--quiet"), ("--diff",), ()):
        done = greenroom("generate", *options)
        assert (done.returncode, done.stdout) == (0, ""), how
        assert ("GR549" in done.stderr) == ("--quiet" not in options)
    assert (portal / "infra/greenroom.lock.json").read_bytes() == before
    assert plugins(portal) == (["auth", "catalog"], [])


def test_both_ways_out(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged(portal, "a file is too large", monkeypatch)
    done = greenroom("generate", "--check")
    assert (
        f"{SECOND} warning[GR549] plugins: plugin auth of the lock file was not found, but not everything is known: "
        f"{SECOND} is larger than 4 MiB and was not read; it is kept\n"
        "    help: in greenroom.yaml, `plugins: {exclude: [auth]}` retires what is gone, and `plugins: {include: [auth]}` "
        "says that it is still there\n"
    ) in done.stderr
    (portal / "greenroom.yaml").write_text("plugins: {include: [auth]}\n")
    done = greenroom("generate")
    assert done.returncode == 0
    assert "GR549" not in done.stderr
    assert plugins(portal) == (["auth", "catalog"], [])
    (portal / "greenroom.yaml").write_text("plugins: {exclude: [auth]}\n")
    done = greenroom("generate")
    assert done.stdout == "- auth: retired, its data stays\n"
    assert "GR549" not in done.stderr
    assert plugins(portal) == (["catalog"], ["auth"])


def test_what_only_git_remembers_is_kept_as_well(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock file is gone (an older branch, ``infra`` made anew): HEAD's counts, but not what it was called before."""
    repository(portal)
    (portal / SECOND).write_text(MORE.replace("plugin-auth", "plugin-search"))
    (portal / "greenroom.yaml").write_text("plugins: {renamed: {auth: search}}\n")
    assert greenroom("generate").returncode == 0
    assert plugins(portal) == (["catalog", "search"], [])
    git(portal, "add", "--all")
    git(portal, "commit", "--quiet", "--message", "renamed")
    (portal / "greenroom.yaml").unlink()
    damaged(portal, "a value is not known", monkeypatch)
    for lost in (False, True):
        if lost:
            shutil.rmtree(portal / "infra")
        done = greenroom("generate")
        assert (done.returncode, "GR549" in done.stderr) == (0, True)
        assert plugins(portal) == (["catalog", "search"], [])


def test_a_folder_without_a_backend(portal: Path) -> None:
    """A wrong --root, or a checkout of a part: what is retired then is said, and the hint ends it."""
    (portal / "packages").rename(portal / "elsewhere")
    (portal / "greenroom.yaml").write_text("plugins: {include: [catalog]}\n")
    done = greenroom("generate", "--check")
    assert done.returncode == 3
    assert "warning[GR552] plugins: auth: retired, and there is no Backstage backend at --root" in done.stderr
    (portal / "elsewhere").rename(portal / "packages")
    assert "GR552" not in (done := greenroom("generate", "--check")).stderr
    assert done.returncode == 0
    (portal / "packages").rename(portal / "elsewhere")
    (portal / "greenroom.yaml").write_text("plugins: {include: [catalog], discover: false}\n")
    assert "GR552" not in greenroom("generate", "--check").stderr


def test_what_is_kept_cannot_be_ignored(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged(portal, "a file is too large", monkeypatch)
    (portal / "greenroom.yaml").write_text("ignore: [{code: GR549, reason: seen}]\n")
    assert "GR549" in greenroom("generate", "--check").stderr


def repository(root: Path) -> None:
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


def test_a_plugin_that_is_gone_is_retired(portal: Path) -> None:
    (portal / SECOND).write_text("export const more = backend => {};\n")
    assert greenroom("generate").stdout == "- auth: retired, its data stays\n"
    assert plugins(portal) == (["catalog"], ["auth"])


def test_the_time_is_up_inside_one_expression(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged(portal, "too many steps", monkeypatch)
    (portal / INDEX).write_text(f"{HEAD}{START}backend.add(cond ? a : b);\nbackend.add(a);\nmore(backend);\n")
    said = greenroom("generate", "--check").stderr
    assert "nested too deeply" not in said
    assert said.count("warning[GR803] the repository takes too long to read") == 1


def test_a_plugin_that_is_named_answers_for_an_unknown_value(portal: Path) -> None:
    (portal / INDEX).write_text(f"{HEAD}{START}{UNKNOWN}more(backend);\n")
    done = greenroom("generate")
    assert f"{INDEX}:5:13 warning[GR803]" in done.stderr
    assert greenroom("generate", "--plugin", "extra", "--check").stderr.count("GR803") == 0
    # One that is found anyway answers for nothing, and one name does not answer for two values.
    (portal / "greenroom.yaml").write_text("plugins: {include: [auth]}\n")
    assert "GR803" in greenroom("generate").stderr
    (portal / "greenroom.yaml").write_text("plugins: {include: [extra]}\n")
    assert "GR803" not in greenroom("generate").stderr
    (portal / INDEX).write_text(f"{HEAD}{START}{UNKNOWN}{UNKNOWN.replace('EXTRA', 'OTHER')}more(backend);\n")
    assert greenroom("generate").stderr.count("warning[GR803]") == 2
    (portal / "greenroom.yaml").write_text("plugins: {include: [extra, other]}\n")
    greenroom("generate")
    assert greenroom("generate").stderr == "up to date\n"


@pytest.mark.parametrize(
    "comment", ["// greenroom-ignore: GR803 adds a service\n", "/* greenroom-ignore: GR803, GR804 */\n"]
)
def test_a_comment_answers_for_an_unknown_value(portal: Path, comment: str) -> None:
    (portal / INDEX).write_text(f"{HEAD}{START}// more\n{comment}// and more\n{UNKNOWN}more(backend);\n")
    assert greenroom("generate").stderr == "up to date\n"
    assert "GR803" not in greenroom("discover").stderr
    assert "GR803" not in greenroom("lint").stdout
    (portal / SECOND).write_text("export const more = backend => {};\n")
    assert greenroom("generate").stdout == "- auth: retired, its data stays\n"
    (portal / INDEX).write_text(f"{HEAD}{comment}{START}{UNKNOWN}more(backend);\n")
    assert "GR803" in greenroom("generate").stderr


def test_a_setting_with_a_reason(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged(portal, "a file is too large", monkeypatch)
    entry = f"plugins: {{include: [auth]}}\nignore:\n  - {{code: GR801, file: {SECOND}, reason: generated code}}\n"
    (portal / "greenroom.yaml").write_text(entry)
    assert greenroom("generate").stderr == "up to date\n"
    (portal / "greenroom.yaml").write_text(entry.replace(SECOND, "packages/backend/src/other.ts"))
    assert "GR801" in greenroom("generate").stderr
    (portal / "greenroom.yaml").write_text(entry.replace(", reason: generated code", ""))
    assert greenroom("generate").returncode == 1
    # An error stays one.
    (portal / "greenroom.yaml").write_text("ignore: [{code: GR202, reason: no}]\n")
    (portal / "app-config.yaml").write_text(CONFIG.replace("client: pg", "client: '${C}'"))
    assert "error[GR202]" in greenroom("generate").stderr


def test_an_id_that_is_guessed_is_confirmed_or_corrected(portal: Path) -> None:
    (portal / INDEX).write_text(
        f"{HEAD}{START}backend.add(import('@acme/backstage-plugin-cost-backend'));\nmore(backend);\n"
    )
    done = greenroom("generate")
    assert "warning[GR804] the id 'cost' is derived from the package name @acme/backstage-plugin-cost-backend" in done.stderr
    assert "`plugins: {include: [cost]}`" in done.stderr
    for settings in ("plugins: {include: [cost]}\n", "plugins: {exclude: [cost], include: [costs]}\n"):
        (portal / "greenroom.yaml").write_text(settings)
        assert "GR804" not in greenroom("generate").stderr


def test_a_healthy_repository_prints_one_line(portal: Path) -> None:
    """What changes nothing that is generated is said by `discover` and `lint`."""
    manifest = json.loads((portal / "packages/backend/package.json").read_text())
    manifest["dependencies"]["@backstage/plugin-todo-backend"] = "*"
    del manifest["dependencies"]["@backstage/plugin-auth-backend"]
    (portal / "packages/backend/package.json").write_text(json.dumps(manifest))
    assert "GR805" in greenroom("discover").stderr
    assert "GR808" in greenroom("discover").stderr
    assert greenroom("generate", "--check").stderr == "up to date\n"
    assert json.loads(greenroom("generate", "--check", "--format", "json").stdout)["diagnostics"] == []


def test_a_legacy_plugin_of_ones_own_is_added(portal: Path) -> None:
    """GR805 said that nothing adds the package, while its database was generated."""
    package = "@roadiehq/backstage-plugin-argo-cd-backend"
    manifest = json.loads((portal / "packages/backend/package.json").read_text())
    manifest["dependencies"] |= {package: "*", "@backstage/backend-common": "*"}
    (portal / "packages/backend/package.json").write_text(json.dumps(manifest))
    (portal / INDEX).write_text(
        f"import {{ legacyPlugin }} from '@backstage/backend-common';\n{HEAD}{START}more(backend);\n"
        "backend.add(legacyPlugin('argocd', import('./plugins/argocd')));\n"
    )
    (portal / "packages/backend/src/plugins").mkdir()
    (portal / "packages/backend/src/plugins/argocd.ts").write_text(
        f"import {{ createRouter }} from '{package}';\nexport default async env => createRouter(env);\n"
    )
    document = json.loads(greenroom("discover", "--format", "json").stdout)
    assert "argocd" in document["plugins"]
    assert [item["code"] for item in document["diagnostics"]] == []
