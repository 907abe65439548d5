"""Compiled templates are used only while they say what the templates say."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import jinja2
import pytest

from generator.package_data import data_folder
from generator.targets.text import compiled
from generator.targets.text import templates as templating
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from pathlib import Path

FILTERS = (("quoted", lambda value: Escaped(f'"{value}"')),)


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target ``demo`` with a template that includes another, compiled."""
    folder = tmp_path / "templates" / "demo"
    (folder / "parts").mkdir(parents=True)
    (folder / "main.txt.j2").write_text('{{ name | quoted }} {{ "constant" | quoted }} {% include "parts/static.txt" %}\n')
    (folder / "parts" / "static.txt").write_text("as it is")
    for module in (compiled, templating):
        monkeypatch.setattr(module, "data_folder", lambda name: tmp_path / name)
    monkeypatch.setattr(compiled, "FOLDER", tmp_path / "compiled-templates")
    templating.environment.cache_clear()
    templating.compile_all()
    yield folder
    templating.environment.cache_clear()


def rendered() -> str:
    templating.environment.cache_clear()
    return templating.render_template("demo", "main.txt.j2", {"name": "x"}, FILTERS)


def loader() -> type:
    templating.environment.cache_clear()
    return type(templating.environment("demo", FILTERS).loader)


def test_the_compiled_ones_are_used_and_say_the_same(templates: Path) -> None:
    assert loader() is jinja2.ModuleLoader
    with_compiled = rendered()
    shutil.rmtree(compiled.FOLDER)
    assert loader() is jinja2.FileSystemLoader
    assert with_compiled == rendered() == '"x" "constant" as it is'


def test_a_changed_template_is_not_missed(templates: Path) -> None:
    (templates / "main.txt.j2").write_text("new {{ name | quoted }}\n")
    assert rendered() == 'new "x"\n'


def test_a_changed_part_is_not_missed(templates: Path) -> None:
    (templates / "parts" / "static.txt").write_text("changed")
    assert rendered().endswith(" changed")


def test_an_added_template_is_not_missed(templates: Path) -> None:
    (templates / "second.txt.j2").write_text("second")
    templating.environment.cache_clear()
    assert templating.render_template("demo", "second.txt.j2", {}, FILTERS) == "second"


def test_another_jinja_compiles_again(templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jinja2, "__version__", "3.0.0")
    assert loader() is jinja2.FileSystemLoader


def test_a_value_nobody_escaped_is_an_error_in_compiled_templates_too(templates: Path) -> None:
    (templates / "main.txt.j2").write_text("{{ name }}\n")
    templating.compile_all()
    assert loader() is jinja2.ModuleLoader
    with pytest.raises(TypeError, match="without an escaping filter"):
        rendered()


def test_every_real_template_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    templating.compile_all()
    templates = [path for path in data_folder("templates").rglob("*") if path.is_file()]
    assert len(list(tmp_path.rglob("tmpl_*.py"))) == len(templates) > 0
