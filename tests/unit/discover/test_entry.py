"""``backend.add(…)`` in the forms people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from generator.backstage.repository import Confidence, Source

if TYPE_CHECKING:
    from tests.unit.discover.conftest import Discover

PLUGIN = "import { createBackendPlugin } from '@backstage/backend-plugin-api';\n"
CATALOG = "@backstage/plugin-catalog-backend"


@pytest.mark.parametrize(
    "call",
    [
        f"backend.add(import('{CATALOG}'));",
        f'backend.add(import("{CATALOG}"));',
        f"backend.add(import(`{CATALOG}`));",
        f"backend.add(\n  // the catalog\n  import(\n    '{CATALOG}',\n  ),\n);",
        f"backend.add(import('{CATALOG}/alpha'));",
        f"backend.add(import('{CATALOG}').then(m => m.default));",
        f"backend.add(import('{CATALOG}').then(({{ default: feature }}) => feature));",
        f"backend.add(import('{CATALOG}').then(m => {{ return {{ default: m.catalogPlugin }}; }}));",
        f"backend.add(await import('{CATALOG}'));",
        f"backend.add((await import('{CATALOG}')).default);",
        f"backend.add(require('{CATALOG}').default);",
        f"backend.add(import('{CATALOG}') as any);",
        f"const name = '{CATALOG}';\nbackend.add(import(name));",
        "const scope = '@backstage';\nbackend.add(import(`${scope}/plugin-catalog-backend`));",
        f"const catalog = import('{CATALOG}');\nbackend.add(catalog);",
        f"const {{ default: catalog }} = await import('{CATALOG}');\nbackend.add(catalog);",
        f"const [one] = await Promise.all([import('{CATALOG}')]);\nbackend.add(one);",
        f"[import('{CATALOG}')].forEach(feature => backend.add(feature));",
        f"for (const feature of [import('{CATALOG}')]) backend.add(feature);",
        f"const all = {{ it: () => import('{CATALOG}') }};\nfor (const load of Object.values(all)) backend.add(load());",
        f"const load = () => import('{CATALOG}');\nbackend.add(load());",
        f"function load() {{ return import('{CATALOG}'); }}\nbackend.add(load());",
        f"function add(feature: any) {{ backend.add(feature); }}\nadd(import('{CATALOG}'));",
        f"async function main() {{\n  const app = createBackend();\n  app.add(import('{CATALOG}'));\n}}\nmain();",
    ],
)
def test_one_plugin_in_many_forms(backend: Discover, call: str) -> None:
    result = backend(call + "\nbackend.start();\n")
    assert list(result.plugins) == ["catalog"], result.unknown
    found = result.plugins["catalog"]
    assert (found.package, found.source, found.confidence) == (CATALOG, Source.CATALOGUE, Confidence.HIGH)
    assert not result.unknown


@pytest.mark.parametrize(
    ("imported", "argument"),
    [
        (f"import catalogPlugin from '{CATALOG}';", "catalogPlugin"),
        (f"import {{ catalogPlugin }} from '{CATALOG}/alpha';", "catalogPlugin"),
        (f"import {{ catalogPlugin as it }} from '{CATALOG}';", "it"),
        (f"import * as catalog from '{CATALOG}';", "catalog.catalogPlugin"),
        (f"import {{ catalogPlugin }} from '{CATALOG}/alpha';", "catalogPlugin()"),
        (f"import catalog = require('{CATALOG}');", "catalog.default"),
    ],
)
def test_features_imported_by_name(backend: Discover, imported: str, argument: str) -> None:
    result = backend(f"{imported}\nbackend.add({argument});\n")
    assert list(result.plugins) == ["catalog"]
    assert not result.unknown


def test_the_line_is_the_one_that_adds_it(backend: Discover) -> None:
    result = backend(f"import plugin from '{CATALOG}';\n\nbackend.add(\n  plugin,\n);\n")
    location = result.plugins["catalog"].location
    assert (location.file, location.line, location.column) == ("packages/backend/src/index.ts", 5, 1)


@pytest.mark.parametrize(
    "text",
    [
        f"// backend.add(import('{CATALOG}'));",
        f"/*\nbackend.add(import('{CATALOG}'));\n*/",
        f"const text = \"backend.add(import('{CATALOG}'))\";",
        f"if (false) {{ backend.add(import('{CATALOG}')); }}",
        f"const seen = new Set<string>();\nseen.add('{CATALOG}');",
        "backend.add(undefined);",
    ],
)
def test_what_is_never_added(backend: Discover, text: str) -> None:
    result = backend(f"backend.add(import('@backstage/plugin-app-backend'));\n{text}\n")
    assert list(result.plugins) == ["app"]
    assert not result.unknown


@pytest.mark.parametrize(
    "call",
    [
        f"if (process.env.CATALOG) {{ backend.add(import('{CATALOG}')); }}",
        f"if (x) backend.add(import('@backstage/plugin-app-backend'));\nelse backend.add(import('{CATALOG}'));",
        f"process.env.CATALOG && backend.add(import('{CATALOG}'));",
        f"backend.add(process.env.X ? import('{CATALOG}') : import('@backstage/plugin-app-backend'));",
        f"switch (mode) {{ case 'a': backend.add(import('{CATALOG}')); }}",
        f"[import('{CATALOG}')].filter(enabled).forEach(f => backend.add(f));",
    ],
)
def test_conditions_lower_the_confidence(backend: Discover, call: str) -> None:
    assert backend(call).plugins["catalog"].confidence is Confidence.MEDIUM


def test_a_plugin_added_twice_keeps_the_surer_place(backend: Discover) -> None:
    result = backend(f"if (x) backend.add(import('{CATALOG}'));\nbackend.add(import('{CATALOG}'));\n")
    assert result.plugins["catalog"].confidence is Confidence.HIGH
    assert result.plugins["catalog"].location.line == 4


@pytest.mark.parametrize(
    "call",
    [
        "backend.add(import(process.env.PLUGIN!));",
        "backend.add(import(`@internal/plugin-${name}-backend`));",
        "for (const name of names) backend.add(import(name));",
        "backend.add(makeFeature(options));",
        "backend.add(features[Math.random()]);",
        "backend.add(import('./not/there'));",
        "backend.add(import('@acme/search-thing'));",
        "backend.add(createBackendPlugin({ pluginId: `${prefix}-x`, register() {} }));",
        "backend.add(createBackendPlugin(options));",
        "backend.add(new Thing());",
    ],
)
def test_what_cannot_be_known_is_said(backend: Discover, call: str) -> None:
    result = backend(PLUGIN + call)
    assert not result.plugins
    (location, reason), *more = result.unknown
    assert not more
    assert reason
    assert location.file == "packages/backend/src/index.ts"
    assert location.line == 4
    assert [item.code for item in result.diagnostics] == ["GR803"]


def test_inline_plugins_modules_and_services(backend: Discover) -> None:
    result = backend(
        """
import { createBackendPlugin as make, createBackendModule, createServiceFactory } from '@backstage/backend-plugin-api';
import { rootHttpRouterServiceFactory } from '@backstage/backend-defaults/rootHttpRouter';
const ID = 'status' as const;
const options = { pluginId: ID, register() {} };
const statusPlugin = make(options);
backend.add(statusPlugin);
backend.add(make({ pluginId: 'kebab-id', register: env => {} }));
backend.add(createBackendModule({ pluginId: 'status', moduleId: 'extra', register() {} }));
backend.add(rootHttpRouterServiceFactory({ configure({ app, applyDefaults }) { applyDefaults(); } }));
backend.add(createServiceFactory({ service: coreServices.rootLogger, deps: {}, factory: () => logger }));
"""
    )
    assert set(result.plugins) == {"status", "kebab-id"}
    assert result.plugins["status"].source is Source.CODE
    assert result.plugins["status"].modules == ("packages/backend/src/index.ts",)
    assert not result.unknown
    assert not len(result.diagnostics)


def test_local_files(backend: Discover) -> None:
    files: dict[str, Any] = {
        "packages/backend/src/plugins/index.ts": "export * from './one';\nexport { default as two } from './two';\n",
        "packages/backend/src/plugins/one.ts": PLUGIN + "export const one = createBackendPlugin({ pluginId: 'one' });\n",
        "packages/backend/src/plugins/two.ts": PLUGIN + "export default createBackendPlugin({ pluginId: 'two' });\n",
        "packages/backend/src/three.ts": PLUGIN
        + "import { THREE } from './ids';\n"
        + "const it = createBackendPlugin({ pluginId: THREE });\nexport { it as default };\n",
        "packages/backend/src/ids.ts": "export const THREE = 'three';\n",
    }
    result = backend(
        "import { one, two } from './plugins';\nbackend.add(one);\nbackend.add(two);\nbackend.add(import('./three.js'));\n",
        files,
    )
    assert set(result.plugins) == {"one", "two", "three"}, result.unknown
    assert result.plugins["three"].package == "packages/backend/src/three.ts"
    assert result.plugins["three"].location.line == 6


def test_feature_loaders(backend: Discover) -> None:
    result = backend(
        """
const loader = createBackendFeatureLoader({
  deps: { config: coreServices.rootConfig },
  *loader({ config }) {
    yield import('@backstage/plugin-search-backend');
    if (config.has('search.pg')) {
      yield import('@backstage/plugin-search-backend-module-pg');
      yield import('@backstage/plugin-signals-backend');
    }
    yield* [import('@backstage/plugin-events-backend')];
  },
});
backend.add(loader);
backend.add(createBackendFeatureLoader({ loader: () => [import('@backstage/plugin-app-backend')] }));
backend.add(createBackendFeatureLoader({ async loader() { return [await import('@backstage/plugin-proxy-backend')]; } }));
const many = [() => import('@backstage/plugin-auth-backend'), () => localPlugin];
const localPlugin = createBackendPlugin({ pluginId: 'local', register() {} });
backend.add(createBackendFeatureLoader({ async *loader() { for (const load of many) { yield load(); } } }));
"""
    )
    assert set(result.plugins) == {"search", "signals", "events", "app", "proxy", "auth", "local"}, result.unknown
    assert result.plugins["search"].confidence is Confidence.HIGH
    assert result.plugins["search"].location.line == 7
    assert result.plugins["signals"].confidence is Confidence.MEDIUM
    assert result.plugins["search"].modules == ("@backstage/plugin-search-backend-module-pg",)


def test_a_backend_that_is_handed_over(backend: Discover) -> None:
    files: dict[str, Any] = {
        "packages/backend/src/add.ts": (
            f"import type {{ Backend }} from '@backstage/backend-app-api';\nexport function addAll(host: Backend) "
            f"{{\n  host.add(import('{CATALOG}'));\n}}\n"
        ),
        "packages/shared/package.json": {"name": "@internal/shared", "main": "src/index.ts"},
        "packages/shared/src/index.ts": (
            "export const addMore = (b: any) => {\n  b.add(import('@backstage/plugin-app-backend'));\n};\n"
        ),
    }
    entry = (
        "import { addAll } from './add';\nimport { addMore } from '@internal/shared';\naddAll(backend);\naddMore(backend);\n"
    )
    result = backend(entry, files)
    assert set(result.plugins) == {"catalog", "app"}
    assert result.plugins["app"].location.file == "packages/shared/src/index.ts"


def test_the_entry_file_may_only_import_the_one_that_adds(backend: Discover) -> None:
    files = {"packages/backend/src/main.ts": f"export const backend = createBackend();\nbackend.add(import('{CATALOG}'));\n"}
    assert list(backend("import { backend } from './main';\nbackend.start();\n", files, head="").plugins) == ["catalog"]


def test_legacy_plugins_in_the_new_system(backend: Discover) -> None:
    result = backend(
        "import { legacyPlugin } from '@backstage/backend-common';\nbackend.add(legacyPlugin('todo', import('./todo')));\n"
    )
    assert list(result.plugins) == ["todo"]


def test_dependencies_that_nothing_adds_are_told(backend: Discover) -> None:
    package = {
        "name": "backend",
        "backstage": {"role": "backend"},
        "dependencies": {
            CATALOG: "^3.0.0",
            "@backstage/plugin-todo-backend": "*",
            "@backstage/plugin-search-backend-node": "*",
        },
    }
    result = backend(f"backend.add(import('{CATALOG}'));\n", {"packages/backend/package.json": package})
    (only,) = result.diagnostics
    assert only.code == "GR805"
    assert only.severity == "info"
    assert "plugin-todo-backend" in only.summary
    assert only.location is not None
    assert only.location.line == 8


def test_a_module_without_its_plugin_is_told(backend: Discover) -> None:
    result = backend(
        "backend.add(import('@backstage/plugin-app-backend'));\nbackend.add(import('@backstage/plugin-search-backend-module-pg'));\n"
    )
    assert list(result.plugins) == ["app"]
    (only,) = result.diagnostics
    assert only.code == "GR806"
    assert only.location is not None
    assert only.location.line == 4


def test_several_backends(backend: Discover) -> None:
    files: dict[str, Any] = {
        "packages/backend-jobs/package.json": {"name": "backend-jobs", "backstage": {"role": "backend"}},
        "packages/backend-jobs/src/index.ts": (
            "const jobs = createBackend();\njobs.add(import('@backstage/plugin-events-backend'));\n"
        ),
        "packages/backend-common/package.json": {"name": "@internal/backend-common", "backstage": {"role": "node-library"}},
        "packages/backend-common/src/index.ts": "export {};\n",
    }
    result = backend(f"backend.add(import('{CATALOG}'));\n", files)
    assert result.backends == ("packages/backend", "packages/backend-jobs")
    assert set(result.plugins) == {"catalog", "events"}
