"""Helpers for resolving a configuration that is written in the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.backstage.config.loader import load_config
from generator.backstage.config.reader import ConfigReader
from generator.backstage.database import resolve_plugins
from generator.backstage.database.resolved import PluginDatabaseMap
from generator.problems.diagnostic import Diagnostics

Resolve = Callable[..., tuple[PluginDatabaseMap, Diagnostics]]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ConfigReader]:
    """A reader of texts, the last of which wins; their names are ``a.yaml``, ``b.yaml``, …."""
    monkeypatch.chdir(tmp_path)

    def read(*texts: str, environ: dict[str, str] | None = None, placeholders: Any = "keep") -> ConfigReader:
        names = [f"{chr(ord('a') + index)}.yaml" for index in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            Path(name).write_text(text, encoding="utf-8")
        config = load_config(root=Path(), config=names, environ=environ or {}, placeholders=placeholders)
        assert config.error is None
        return ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers)

    return read


@pytest.fixture
def resolve(read: Callable[..., ConfigReader]) -> Resolve:
    """Resolve the plugins (``catalog`` by default) of texts."""

    def resolve(
        *texts: str,
        plugins: tuple[str, ...] = ("catalog",),
        environ: dict[str, str] | None = None,
        placeholders: Any = "keep",
        manager: Any = "current",
    ) -> tuple[PluginDatabaseMap, Diagnostics]:
        reader = read(*texts, environ=environ, placeholders=placeholders)
        diagnostics = Diagnostics()
        resolved = resolve_plugins(
            reader,
            plugins,
            manager=manager,
            environ=environ or {},
            diagnostics=diagnostics,
            placeholders=placeholders,
        )
        return resolved, diagnostics

    return resolve
