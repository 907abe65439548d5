"""What one of several environments has: the shared settings, and its own over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.problems.diagnostic import Diagnostics
from generator.settings.environments import of_environment
from generator.settings.read import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from generator.settings.model import Settings

TEXT = """\
appConfig: [a.yaml]
plugins: {discover: false, include: [catalog, auth], renamed: {a: b}}
credentials:
  roleName: "r_{plugin}"
  delivery: {env: "X_{PLUGIN}"}
values: {A: one, B: two}
environments:
  production:
  staging:
    out: elsewhere
    appConfig: [b.yaml]
    plugins: {include: [catalog], renamed: {c: d}}
    credentials: {delivery: {file: "/run/{plugin}"}}
    values: {B: three}
"""


def settings(folder: Path, name: str, text: str = TEXT) -> Settings:
    (folder / "greenroom.yaml").write_text(text)
    diagnostics = Diagnostics()
    found = read_settings(None, root=folder, diagnostics=diagnostics, environment=name)
    assert not list(diagnostics)
    return found


def test_maps_are_merged_and_lists_are_replaced(tmp_path: Path) -> None:
    production, staging = (settings(tmp_path, name) for name in ("production", "staging"))
    assert (production.environment, production.environments, production.out) == (
        "production",
        ("production", "staging"),
        None,
    )
    assert (production.app_config, production.include, production.renamed) == (("a.yaml",), ("catalog", "auth"), {"a": "b"})
    assert (staging.app_config, staging.include, staging.renamed) == (("b.yaml",), ("catalog",), {"a": "b", "c": "d"})
    assert (staging.discover, staging.role_name, staging.out) == (False, "r_{plugin}", "elsewhere")
    assert staging.values == {"A": "one", "B": "three"}


def test_a_choice_is_replaced(tmp_path: Path) -> None:
    assert settings(tmp_path, "production").delivery_env == "X_{PLUGIN}"
    staging = settings(tmp_path, "staging")
    assert staging.delivery_file == "/run/{plugin}"
    assert staging.delivery_env != "X_{PLUGIN}"


def test_every_value_knows_where_it_was_written(tmp_path: Path) -> None:
    places = settings(tmp_path, "staging").locations
    lines = {key: places[key].line for key in ("credentials.roleName", "values.A", "values.B", "appConfig", "environment")}
    assert lines == {"credentials.roleName": 4, "values.A": 6, "values.B": 14, "appConfig": 11, "environment": 9}


def test_the_only_environment_has_not_to_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "greenroom.yaml").write_text("environments: {live: {}}\n")
    diagnostics = Diagnostics()
    assert read_settings(None, root=tmp_path, diagnostics=diagnostics).environment == "live"
    assert not list(diagnostics)


SCALARS = st.one_of(st.integers(0, 9), st.text(max_size=3))
TREES = st.recursive(
    st.one_of(SCALARS, st.lists(SCALARS, max_size=2)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
MAPS = st.dictionaries(st.sampled_from(["a", "b", "c"]), TREES, max_size=3)


@given(MAPS, MAPS)
def test_merging_is_that_of_maps(shared: dict[str, object], own: dict[str, object]) -> None:
    """Nothing of either is lost, and what is in both is the environment's own, as far down as both are maps."""
    import json

    from generator.documents.documents import parse_document

    document = json.dumps({**shared, "environments": {"x": own}})
    data = parse_document(document, "greenroom.yaml", Diagnostics())

    def merged(one: object, other: object) -> object:
        if isinstance(one, dict) and isinstance(other, dict):
            keys = {**one, **other}
            return {key: merged(one.get(key, other.get(key)), other.get(key, one.get(key))) for key in keys}
        return other

    assert dict(of_environment(data, "x")) == {**merged(shared, own), "environment": "x"}  # type: ignore[dict-item]


@pytest.mark.parametrize("text", ["environments: {a: {}, b: {}}\n", "environments: {a: {}, b: {}}\nenvironment: a\n"])
def test_none_was_chosen(tmp_path: Path, text: str) -> None:
    (tmp_path / "greenroom.yaml").write_text(text)
    diagnostics = Diagnostics()
    found = read_settings(None, root=tmp_path, diagnostics=diagnostics)
    assert not found.complete
    assert "GR451" in [item.code for item in diagnostics]
