"""From packages to ids: local sources, installed code, metadata, the catalogue, the name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from generator.backstage.database.plugin_ids import KNOWN
from generator.backstage.repository import Confidence, Source, discover
from generator.backstage.repository.catalogue import Catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.discover.conftest import Discover

API = "import { createBackendPlugin, createBackendModule } from '@backstage/backend-plugin-api';\n"


def installed(name: str, plugin_id: str, role: str = "backend-plugin", code: str = "", **more: Any) -> dict[str, Any]:
    """A package as npm installs it."""
    return {
        f"node_modules/{name}/package.json": {
            "name": name,
            "version": "1.2.3",
            "main": "dist/index.cjs.js",
            "backstage": {"role": role, "pluginId": plugin_id},
            **more,
        },
        f"node_modules/{name}/dist/index.cjs.js": code,
    }


def test_a_local_plugin_by_its_source(backend: Discover) -> None:
    files: dict[str, Any] = {
        "plugins/billing/package.json": {
            "name": "@acme/backstage-billing-server",
            "version": "0.1.0",
            "main": "src/index.ts",
        },
        "plugins/billing/src/index.ts": "export { billingPlugin as default } from './plugin';\n",
        "plugins/billing/src/plugin.ts": API + "export const billingPlugin = createBackendPlugin({ pluginId: 'costs' });\n",
    }
    found = backend("backend.add(import('@acme/backstage-billing-server'));\n", files).plugins["costs"]
    assert (found.package, found.source, found.confidence) == (
        "@acme/backstage-billing-server",
        Source.CODE,
        Confidence.HIGH,
    )


def test_the_source_counts_more_than_metadata(backend: Discover) -> None:
    files: dict[str, Any] = {
        "plugins/chat/package.json": {
            "name": "@acme/plugin-chat-backend",
            "main": "dist/index.cjs.js",
            "backstage": {"role": "backend-plugin", "pluginId": "chat-backend"},
        },
        "plugins/chat/src/index.ts": API + "export default createBackendPlugin({ pluginId: 'chat' });\n",
    }
    assert list(backend("backend.add(import('@acme/plugin-chat-backend'));\n", files).plugins) == ["chat"]


def test_metadata_where_the_source_cannot_be_read(backend: Discover) -> None:
    files: dict[str, Any] = {
        "plugins/chat/package.json": {"name": "@acme/chat", "backstage": {"role": "backend-plugin", "pluginId": "chat"}},
        "plugins/chat/src/index.ts": "export default makePlugin(options);\n",
    }
    result = backend("backend.add(import('@acme/chat'));\n", files)
    assert result.plugins["chat"].source is Source.METADATA
    assert not result.unknown


def test_subpaths_of_local_packages(backend: Discover) -> None:
    files: dict[str, Any] = {
        "plugins/x/package.json": {"name": "@acme/x", "exports": {".": "./src/index.ts", "./alpha": "./src/preview.ts"}},
        "plugins/x/src/index.ts": API + "export default createBackendPlugin({ pluginId: 'x' });\n",
        "plugins/x/src/preview.ts": API + "export default createBackendPlugin({ pluginId: 'x-preview' });\n",
    }
    assert list(backend("backend.add(import('@acme/x/alpha'));\n", files).plugins) == ["x-preview"]


def test_installed_code_counts_more_than_metadata(backend: Discover) -> None:
    code = (
        "'use strict';\nvar plugin = require('./plugin.cjs.js');\nexports.thing = 1;\nexports.default = plugin.thePlugin;\n"
    )
    files = installed("@acme/plugin-a-backend", "a-backend", code=code) | {
        "node_modules/@acme/plugin-a-backend/dist/plugin.cjs.js": (
            "'use strict';\nvar api = require('@backstage/backend-plugin-api');\n"
            'const thePlugin = api.createBackendPlugin({\n  pluginId: "a",\n  register(env) {}\n});\n'
            "exports.thePlugin = thePlugin;\n"
        )
    }
    found = backend("backend.add(import('@acme/plugin-a-backend'));\n", files).plugins["a"]
    assert (found.source, found.version) == (Source.CODE, "1.2.3")


API_1 = 'var api_1 = require("@backstage/backend-plugin-api");\n'


@pytest.mark.parametrize(
    "code",
    [
        'exports.default = void 0;\nvar plugin_1 = require("./plugin");\n'
        'Object.defineProperty(exports, "default", { enumerable: true, get: function () { return plugin_1.it; } });\n',
        'exports.other = exports.default = void 0;\nvar plugin_1 = require("./plugin");\nexports.default = plugin_1.it;\n',
        'const plugin_1 = __importDefault(require("./plugin"));\nexports.default = plugin_1.default;\n',
        'Object.defineProperty(exports,"__esModule",{value:!0});var e=require("./plugin");exports.x=1,exports.default=e.it;',
        API_1 + 'var it = (0, api_1.createBackendPlugin)({ pluginId: "code" });\nmodule.exports = __toCommonJS(all);\n',
        "export { it as default } from './plugin';\n",
    ],
    ids=["getter", "declared first", "interop", "minified", "bundled", "ES module"],
)
def test_what_compilers_write(backend: Discover, code: str) -> None:
    files = installed("@acme/one", "metadata", code=code) | {
        "node_modules/@acme/one/dist/plugin.js": (
            API_1 + "exports.it = void 0;\n"
            'exports.it = (0, api_1.createBackendPlugin)({ pluginId: "code", register(env) {} });\n'
            "exports.default = exports.it;\n"
        )
    }
    result = backend("backend.add(import('@acme/one'));\n", files)
    assert list(result.plugins) == ["code"], result.unknown


def test_installed_metadata(backend: Discover) -> None:
    files = installed("@acme/one", "alpha") | installed("@acme/two", "alpha", "backend-plugin-module")
    result = backend("backend.add(import('@acme/one'));\nbackend.add(import('@acme/two'));\n", files)
    assert list(result.plugins) == ["alpha"]
    assert result.plugins["alpha"].source is Source.METADATA
    assert result.plugins["alpha"].modules == ("@acme/two",)


def test_installed_packages_below_the_backend_come_first(backend: Discover) -> None:
    near = {f"packages/backend/{name}": content for name, content in installed("@acme/one", "near").items()}
    assert list(backend("backend.add(import('@acme/one'));\n", installed("@acme/one", "far") | near).plugins) == ["near"]


def test_an_installed_package_without_metadata_but_with_code(backend: Discover) -> None:
    files: dict[str, Any] = {
        "node_modules/thing/package.json": {"name": "thing", "main": "index.js"},
        "node_modules/thing/index.js": "module.exports = { default: createBackendPlugin({ pluginId: 'the-thing' }) };\n",
    }
    assert list(backend("backend.add(import('thing'));\n", files).plugins) == ["the-thing"]


def test_a_library_with_services_brings_no_plugin(backend: Discover) -> None:
    result = backend(
        "import { rootLogger } from '@acme/lib';\nbackend.add(rootLogger);\n", installed("@acme/lib", "", "node-library")
    )
    assert not result.plugins
    assert [reason for _, reason in result.unknown] == ["no plugin was found: nothing that is known adds one"]


@pytest.mark.parametrize(
    ("package", "plugin_id"),
    [
        ("@backstage-community/plugin-rbac-backend", "permission"),
        ("@janus-idp/backstage-plugin-rbac-backend", "permission"),
        ("@spotify/backstage-plugin-rbac-backend", "rbac"),
        ("@spotify/backstage-plugin-insights-backend", "backstage-insights"),
        ("@backstage-community/plugin-argocd-backend", "backstage-community-argocd"),
        ("@backstage-community/plugin-redhat-argocd-backend", "argocd"),
        ("@roadiehq/backstage-plugin-argo-cd-backend", "argocd"),
        ("@backstage/plugin-mcp-actions-backend", "mcp-actions"),
        ("@backstage/plugin-user-settings-backend", "user-settings"),
    ],
)
def test_the_catalogue_where_nothing_is_installed(backend: Discover, package: str, plugin_id: str) -> None:
    found = backend(f"backend.add(import('{package}'));\n").plugins
    assert list(found) == [plugin_id]
    assert (found[plugin_id].source, found[plugin_id].confidence) == (Source.CATALOGUE, Confidence.HIGH)


@pytest.mark.parametrize(
    ("package", "plugin_id"),
    [
        ("@dynatrace/backstage-plugin-dql-backend", "dynatrace-dql"),
        ("@spacelift-io/backstage-integration-backend", "spacelift-io"),
        ("@wiz-sec/backstage-plugin-wiz-backend", "backstage-plugin-wiz"),
        ("@rsc-labs/backstage-changelog-plugin-backend", "changelog"),
    ],
)
def test_an_id_that_is_not_in_the_name(backend: Discover, package: str, plugin_id: str) -> None:
    assert list(backend(f"backend.add(import('{package}'));\n").plugins) == [plugin_id]


@pytest.mark.parametrize(
    "package", ["@dweber019/backstage-plugin-relations-backend", "@seatgeek/backstage-plugin-slack-catalog-backend"]
)
def test_a_module_that_is_called_like_a_plugin(backend: Discover, package: str) -> None:
    names = ("@backstage/plugin-catalog-backend", package)
    found = backend("".join(f"backend.add(import('{name}'));\n" for name in names)).plugins
    assert list(found) == ["catalog"]
    assert found["catalog"].modules == (package,)


@pytest.mark.parametrize(
    ("packages", "tables"),
    [
        (["@backstage/plugin-permission-backend"], "keys"),
        (["@backstage-community/plugin-rbac-backend"], "own"),
        (["@backstage/plugin-permission-backend", "@backstage-community/plugin-rbac-backend"], "own"),
        (["@pagerduty/backstage-plugin-backend"], "own"),
        (["@backstage-community/plugin-jenkins-backend"], "keys"),
        (["@alithya-oss/backstage-plugin-rag-ai-backend"], "keys"),
        (["@alithya-oss/backstage-plugin-rag-ai-backend", "@roadiehq/rag-ai-storage-pgvector"], "own"),
        (["@backstage/plugin-adr-backend"], None),  # nobody has measured it
        (["@acme/backstage-plugin-cost-center-backend"], None),
    ],
)
def test_what_a_package_keeps_in_its_database(backend: Discover, packages: list[str], tables: str | None) -> None:
    found = backend("".join(f"backend.add(import('{name}'));\n" for name in packages)).plugins
    assert [plugin.tables for plugin in found.values()] == [tables]


def test_the_name_is_the_last_resort(backend: Discover) -> None:
    result = backend("backend.add(import('@acme/backstage-plugin-cost-center-backend'));\n")
    found = result.plugins["cost-center"]
    assert (found.source, found.confidence) == (Source.NAME, Confidence.LOW)
    assert [item.code for item in result.diagnostics] == ["GR804"]


def test_a_service_by_its_name(backend: Discover) -> None:
    result = backend("import { auditServiceFactory } from '@acme/thing';\nbackend.add(auditServiceFactory());\n")
    assert not result.plugins


def test_a_backend_that_adds_what_is_installed(backend: Discover) -> None:
    files = installed("@acme/one", "alpha") | installed("@acme/two", "catalog", "backend-plugin-module")
    files["packages/backend/package.json"] = {
        "name": "backend",
        "backstage": {"role": "backend"},
        "dependencies": {"@acme/one": "*", "@acme/two": "*", "@backstage/plugin-catalog-backend": "*", "lodash": "*"},
    }
    result = backend(
        "import { discoveryFeatureLoader } from '@backstage/backend-defaults';\nbackend.add(discoveryFeatureLoader);\n",
        files,
    )
    assert set(result.plugins) == {"alpha", "catalog"}
    assert {found.confidence for found in result.plugins.values()} == {Confidence.MEDIUM}


def test_the_catalogue_is_consistent() -> None:
    catalogue = Catalogue.load()
    assert len({name.removeprefix("@").replace("/", "-") for name in catalogue.packages}) == len(catalogue.packages)
    for listed in catalogue.packages.values():
        assert listed.plugin_id == listed.plugin_id.strip().lower()


def test_core_plugins_are_known_to_the_spelling_check() -> None:
    """The ids people are asked about when they misspell one are ids that packages have."""
    core = {
        listed.plugin_id
        for name, listed in Catalogue.load().packages.items()
        if name.startswith("@backstage/") and listed.is_plugin
    }
    assert core <= KNOWN


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("yarn.lock", '"@backstage/plugin-app-backend@^0.5.0":\n  version "0.5.7"\n  resolved "x"\n'),
        (
            "yarn.lock",
            '__metadata:\n  version: 8\n\n"@backstage/plugin-app-backend@npm:^0.5.0":\n  version: 0.5.7\n',
        ),
        ("pnpm-lock.yaml", "packages:\n\n  '@backstage/plugin-app-backend@0.5.7':\n    resolution: {integrity: x}\n"),
        ("pnpm-lock.yaml", "packages:\n\n  /@backstage/plugin-app-backend@0.5.7(react@18.0.0):\n    dev: false\n"),
        (
            "package-lock.json",
            json.dumps({"packages": {"node_modules/@backstage/plugin-app-backend": {"version": "0.5.7"}}}),
        ),
        ("package-lock.json", json.dumps({"dependencies": {"@backstage/plugin-app-backend": {"version": "0.5.7"}}})),
    ],
    ids=["yarn classic", "yarn berry", "pnpm 9", "pnpm 6", "npm", "npm 6"],
)
def test_versions_from_lock_files(backend: Discover, name: str, text: str) -> None:
    result = backend("backend.add(import('@backstage/plugin-app-backend'));\n", {name: text})
    assert result.plugins["app"].version == "0.5.7"


def test_pnpm_workspaces(backend: Discover, tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "package.json": {"name": "root"},
        "pnpm-workspace.yaml": "packages:\n  - 'packages/*'\n  - \"services/**\"\n  - '!services/old/*'\n",
        "services/a/b/package.json": {"name": "@acme/b", "main": "src/index.ts"},
        "services/a/b/src/index.ts": API + "export default createBackendPlugin({ pluginId: 'bee' });\n",
    }
    assert list(backend("backend.add(import('@acme/b'));\n", files).plugins) == ["bee"]


def test_a_root_called_like_a_package(backend: Discover, tmp_path: Path) -> None:
    """A folder without a package name is no package that anybody can import."""
    name = tmp_path.name
    files = installed(name, "alpha") | {"package.json": {"private": True, "workspaces": ["packages/*"]}}
    assert list(backend(f"backend.add(import('{name}'));\n", files).plugins) == ["alpha"]


def test_one_package_in_two_backends_is_one_cause(tmp_path: Path) -> None:
    added = "const backend = createBackend();\nbackend.add(import('@acme/something'));\nbackend.start();\n"
    files: dict[str, Any] = {"package.json": {"workspaces": ["packages/*"]}}
    for name in ("backend", "headless"):
        files[f"packages/{name}/package.json"] = {"name": name, "backstage": {"role": "backend"}}
        files[f"packages/{name}/src/index.ts"] = added
    _write(tmp_path, files)
    assert [item.file for item, _ in discover(tmp_path).unknown] == ["packages/backend/src/index.ts"]


def test_the_file_of_lerna_counts_where_nothing_else_says_the_workspaces(tmp_path: Path) -> None:
    backend = {"name": "backend", "backstage": {"role": "backend"}}
    files = {"packages/backend/package.json": backend, "packages/backend/src/index.ts": "createBackend().start();\n"}
    _write(tmp_path, {"package.json": {"workspaces": ["packages/*"]}, "lerna.json": "// says\n{}", **files})
    assert "GR801" not in {item.code for item in discover(tmp_path).diagnostics}
    _write(tmp_path, {"package.json": {}, "lerna.json": {"packages": ["packages/*"]}})
    assert discover(tmp_path).backends == ("packages/backend",)


def _write(root: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
