"""``dynamic-plugins.yaml`` of Red Hat Developer Hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.backstage.repository import Confidence, discover
from generator.backstage.repository.dynamic import dynamic_name

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.discover.conftest import Discover

LIST = """\
includes:
  - dynamic-plugins.default.yaml
plugins:
  - package: ./dynamic-plugins/dist/backstage-community-plugin-jenkins-backend-dynamic
    disabled: false
  - package: ./dynamic-plugins/dist/backstage-community-plugin-jenkins
    disabled: false
    pluginConfig: {}
  - package: ./dynamic-plugins/dist/backstage-plugin-techdocs-backend-dynamic
    disabled: true
  - package: oci://registry.example/acme/plugins@sha256:0123!backstage-community-plugin-tech-radar-backend
  - package: "@backstage-community/plugin-todo-backend@0.23.0"
    integrity: sha512-x
  - package: oci://registry.example/acme/acme-backstage-plugin-costs-backend:1.0.0
  - package: ./dynamic-plugins/dist/backstage-plugin-catalog-backend-module-github-dynamic
"""
DEFAULTS = """\
plugins:
  - package: ./dynamic-plugins/dist/backstage-plugin-techdocs-backend-dynamic
    disabled: false
  - package: ./dynamic-plugins/dist/backstage-plugin-kubernetes-backend-dynamic
    disabled: false
  - package: ./dynamic-plugins/dist/backstage-community-plugin-jenkins-backend-dynamic
    disabled: true
"""


def test_a_deployment_repository(tmp_path: Path) -> None:
    (tmp_path / "dynamic-plugins.yaml").write_text(LIST)
    (tmp_path / "dynamic-plugins.default.yaml").write_text(DEFAULTS)
    result = discover(tmp_path)
    assert result.is_backstage
    assert set(result.plugins) == {"jenkins", "tech-radar", "todo", "costs", "kubernetes"}
    found = result.plugins["jenkins"]
    assert (found.package, found.confidence) == ("@backstage-community/plugin-jenkins-backend", Confidence.HIGH)
    assert (found.location.file, found.location.line) == ("dynamic-plugins.yaml", 4)
    assert result.plugins["costs"].confidence is Confidence.LOW
    assert result.plugins["kubernetes"].location.file == "dynamic-plugins.default.yaml"
    ((_, reason),) = result.unknown
    assert "plugins of its own" in reason


def test_beside_a_backend_that_loads_them(backend: Discover) -> None:
    entry = (
        "import { dynamicPluginsFeatureLoader } from '@backstage/backend-dynamic-feature-service';\n"
        "backend.add(dynamicPluginsFeatureLoader({ moduleLoader: logger => new Loader({ logger }) }));\n"
        "backend.add(import('@backstage/plugin-catalog-backend'));\n"
    )
    result = backend(entry, {"dynamic-plugins.default.yaml": DEFAULTS})
    assert set(result.plugins) == {"catalog", "techdocs", "kubernetes"}
    assert not result.unknown


def test_a_backend_that_loads_a_list_that_is_not_here(backend: Discover) -> None:
    result = backend(
        "import { dynamicPluginsFeatureDiscoveryLoader } from '@backstage/backend-dynamic-feature-service';\n"
        "backend.add(dynamicPluginsFeatureDiscoveryLoader);\nbackend.add(import('@backstage/plugin-app-backend'));\n"
    )
    assert list(result.plugins) == ["app"]
    assert "GR811" in {item.code for item in result.diagnostics}


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("./dynamic-plugins/dist/backstage-plugin-techdocs-backend-dynamic", "backstage-plugin-techdocs-backend"),
        ("./dynamic-plugins/dist/x/", "x"),
        ("oci://host:5000/a/b/some-plugin:1.2", "some-plugin"),
        ("oci://host/a/b@sha256:12!some-plugin-dynamic", "some-plugin"),
        ("oci://host/a/b:{{inherit}}!some-plugin", "some-plugin"),
        ("@scope/name@1.2.3", "@scope/name"),
        ("@scope/name", "@scope/name"),
        ("name@^1.0.0", "name"),
        ("https://host/path/acme-plugin-x-backend-1.2.3.tgz", "acme-plugin-x-backend"),
    ],
)
def test_names(package: str, name: str) -> None:
    assert dynamic_name(package) == name
