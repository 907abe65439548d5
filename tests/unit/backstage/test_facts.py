"""Each measured fact about Backstage's database settings, as greenroom resolves it (the oracle tests ask Backstage)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.backstage.config.loader import load_config
from generator.backstage.config.reader import ConfigReader
from generator.backstage.database import resolve_plugins
from generator.backstage.database.to_json import plugin_to_json
from generator.problems.diagnostic import Diagnostics

FACTS = yaml.safe_load(Path(__file__).with_name("facts.yaml").read_text(encoding="utf-8"))


def dig(document: Any, key: str) -> Any:
    for part in key.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return document


@pytest.mark.parametrize("fact", FACTS, ids=[fact["fact"] for fact in FACTS])
def test_fact(fact: dict[str, Any], tmp_path: Path) -> None:
    names = ("app-config.yaml", "app-config.production.yaml", "app-config.local.yaml")
    contents = [{"backend": {"database": layer}} for layer in fact.get("layers", [])] or [fact["root"]]
    files = [tmp_path / name for name in names[: len(contents)]]
    for file, content in zip(files, contents, strict=True):
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
    environ = fact.get("env", {})
    config = load_config(root=tmp_path, config=[str(file) for file in files], environ=environ, placeholders="backstage")
    assert config.error is None
    plugin_id = fact.get("plugin", "catalog")
    diagnostics = Diagnostics()
    plugin = resolve_plugins(
        ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers),
        [plugin_id],
        manager=fact.get("manager", "current"),
        environ=environ,
        diagnostics=diagnostics,
        placeholders="backstage",
    )[plugin_id]
    if "error" in fact:
        assert plugin.error == fact["error"]
        assert diagnostics.has_errors
        return
    assert plugin.error is None
    assert not diagnostics.has_errors
    document = {**plugin_to_json(plugin, show_secrets=True), "setRole": plugin.set_role}
    assert {key: dig(document, key) for key in fact["expect"]} == fact["expect"]
