"""A real Backstage through a rotation: each login runs the migrations, and the old one works until it is retired."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import command_line
import pytest
import yaml
from test_backend import BASE, PLUGINS, Installation, installation

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
__all__ = ["installation"]

OUTPUTS = ("--target", "sql", "--target", "app-config")


def greenroom(here: Installation, command: str, *arguments: str) -> None:
    done = command_line.run([command, *arguments, *OUTPUTS], cwd=here.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def apply(here: Installation) -> Path:
    """Apply with a new password for whatever the fragment names; a copy of the fragment, as an image has one."""
    fragment = here.root / "infra" / "app-config.databases.yaml"
    plugins = yaml.safe_load(fragment.read_text())["backend"]["database"]["plugin"]
    names = [plugin["connection"]["password"][2:-1] for plugin in plugins.values()]
    here.passwords.update({name: f"the value of {name}" for name in names})
    here.apply()
    copy = here.root / f"fragment-{len(list(here.root.glob('fragment-*')))}.yaml"
    shutil.copy(fragment, copy)
    return copy


def starts(here: Installation, fragment: Path) -> bool:
    done = here.start("app-config.yaml", fragment.name)
    return done.returncode == 0 and "the backend has started" in done.stdout


def test_a_backend_runs_through_a_rotation(installation: Installation) -> None:
    installation.configure(BASE)
    settings = {"plugins": {"include": [*PLUGINS]}, "credentials": {"rotation": "pair"}}
    (installation.root / "greenroom.yaml").write_text(yaml.safe_dump(settings))
    greenroom(installation, "generate")
    first = apply(installation)
    assert starts(installation, first)  # with all migrations, as login a
    greenroom(installation, "rotate")
    second = apply(installation)
    assert starts(installation, second)  # on what login a made
    assert starts(installation, first)  # a pod that restarts before it is rolled out
    greenroom(installation, "rotate", "--retire", "--offline")
    apply(installation)
    assert starts(installation, second)
    assert not starts(installation, first)
    for name in PLUGINS:
        owners = installation.owners(f"backstage_plugin_{name}", "public")
        assert set(owners.values()) == {f"backstage_{name}"}
