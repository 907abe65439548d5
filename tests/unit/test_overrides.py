"""A user's own templates: in the place of greenroom's, and with the same rules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from generator import Request, load, plan, render, resolve
from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "backend: {database: {client: pg, connection: {host: db.example.com}, plugin: {auth: {}}}}\n"


def files(root: Path, templates: dict[str, str], settings: str = "") -> dict[str, str]:
    """The rendered files by name, with ``templates`` in the folder ``mine``."""
    (root / "app-config.yaml").write_text(CONFIG)
    (root / "greenroom.yaml").write_text(settings)
    for name, text in templates.items():
        path = root / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project = load(Request(root=root, environ={}, templates=None if settings else root / "mine"))
    resolved = resolve(project)
    rendering = render(project, resolved, plan(project, resolved))
    ours = {path: data for path, data in rendering.files.items() if path.parent != project.layout.base}
    return {path.name: data.decode() for path, data in ours.items() if "modules" not in path.parts}


def problems(root: Path, templates: dict[str, str]) -> list[str]:
    with pytest.raises(GreenroomError) as caught:
        files(root, templates)
    return [item.render().replace(str(root), "ROOT").splitlines()[0] for item in caught.value.diagnostics]


@pytest.mark.parametrize("settings", ["", "templates: mine\n"], ids=["option", "settings"])
def test_a_template_takes_the_place_of_greenrooms(tmp_path: Path, settings: str) -> None:
    mine = {
        "terraform/README.variables.md.j2": "Ask the database team.\n",  # included by another
        "terraform/terraform.tf.j2": "# Ours.\nterraform {}\n",
        ".gitignore": "*.bak\n",
    }
    found = files(tmp_path, mine, settings)
    assert "Ask the database team." in found["README.md"]
    assert found["terraform.tf"] == "# Ours.\nterraform {}\n"
    assert 'module "auth"' in found["plugins.tf"]


def test_nothing_is_left_of_it_afterwards(tmp_path: Path) -> None:
    files(tmp_path, {"terraform/terraform.tf.j2": "# Ours.\nterraform {}\n"})
    (tmp_path / "mine" / "terraform" / "terraform.tf.j2").unlink()
    assert "required_version" in files(tmp_path, {})["terraform.tf"]


def test_what_takes_no_place_is_reported(tmp_path: Path) -> None:
    names = ("terraform/plugin.tf.j2", "terraform/reamde.md.j2")
    assert problems(tmp_path, {**dict.fromkeys(names, ""), "sql/databases.sql.j2": "x"}) == [
        f"ROOT/mine/{name} error[GR650] templates: there is no template {name} that this could take the place of"
        for name in names
    ]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert problems(tmp_path, {}) == ["ROOT/mine error[GR650] templates: the templates folder ROOT/mine is not there"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n# {{ providers[0].name }}\n", "2:1 error[GR651] templates: a template printed a value of type str without an"),
        ("{{ nothing | string }}\n", "1:1 error[GR651] templates: the template cannot be rendered: TypeError"),
        ("a\n{% if %}\n", "2:1 error[GR651] templates: the template cannot be rendered: Expected an expression, got 'end"),
        ("{{ ''.__class__ | string }}\n", "1:1 error[GR651] templates: the template cannot be rendered: "),
        (
            "{{ cycler.__init__.__globals__.os.popen('id').read() | string }}\n",
            "1:1 error[GR651] templates: the template cannot be rendered: access to attribute '__init__' of",
        ),
        ("{{ 'x' | shout }}\n", "1:1 error[GR651] templates: the template cannot be rendered: No filter named 'shout'."),
    ],
    ids=["unescaped", "undefined", "syntax", "class", "program", "filter"],
)
def test_a_template_that_fails(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, {"terraform/terraform.tf.j2": text})
    assert found.startswith(f"ROOT/mine/terraform/terraform.tf.j2:{problem}")


def test_what_a_template_leaves_out_is_missed(tmp_path: Path) -> None:
    assert problems(tmp_path, {"terraform/calls.tf.j2": "# nothing\n"}) == [
        f"error[GR530] templates: the target terraform does not create the {what} on server 'primary'"
        for what in ("database 'backstage_plugin_auth'", "role 'backstage_auth'")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m(n) %}{% if n %}{% set x = m(n - 1) %}{% set y = m(n - 1) %}{% endif %}{% endmacro %}{% set z = m(60) %}",
        "{{ (9 ** 9 ** 9 ** 9) | string }}",
        "{{ ('x' * 10 ** 12) | comment }}",
        "{{ (10 ** 12 * [1]) | length }}",
    ],
    ids=["nested loops", "doubling macros", "powers", "a long text", "a long list"],
)
def test_a_template_that_does_not_end_is_stopped(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.targets.text.bounded.STEPS", 200_000)
    (found,) = problems(tmp_path, {"sql/README.md.j2": text})
    assert "error[GR651] templates: the template cannot be rendered: " in found


def test_the_budget_is_that_of_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.targets.text.bounded.STEPS", 1000)
    for _ in range(3):
        assert files(tmp_path, {"sql/README.md.j2": "{% for a in range(600) %}{% endfor %}"})


def test_a_link_out_of_the_folder_and_a_pipe_are_no_templates(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("a secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "README.md.j2").write_text("a secret")
    (tmp_path / "mine" / "terraform").mkdir(parents=True)
    (tmp_path / "mine" / "terraform" / "README.md.j2").symlink_to(tmp_path / "outside")
    (tmp_path / "mine" / "sql").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "mine" / "terraform" / "terraform.tf.j2")
    leads_out = "error[GR686] templates: the template is a link that leads out of the templates folder"
    assert problems(tmp_path, {}) == [
        f"ROOT/mine/sql/README.md.j2 {leads_out}",
        f"ROOT/mine/terraform/README.md.j2 {leads_out}",
        "ROOT/mine/terraform/terraform.tf.j2 error[GR687] templates: the template is no plain file",
    ]
