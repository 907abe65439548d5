"""Backends of the old system: the plugin id is what ``createEnv`` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.backstage.repository import Confidence, Source

if TYPE_CHECKING:
    from tests.unit.discover.conftest import Discover

HEAD = """
import { useHotMemoize, loadBackendConfig } from '@backstage/backend-common';
import catalog from './plugins/catalog';
function makeCreateEnv(config: Config) {
  const databaseManager = DatabaseManager.fromConfig(config);
  return (plugin: string): PluginEnvironment => ({ database: databaseManager.forPlugin(plugin) });
}
async function main() {
  const createEnv = makeCreateEnv(await loadBackendConfig({ argv: process.argv }));
"""
FILES = {"packages/backend/src/plugins/catalog.ts": "import { CatalogBuilder } from '@backstage/plugin-catalog-backend';\n"}


def test_create_env(backend: Discover) -> None:
    result = backend(
        """
  const catalogEnv = useHotMemoize(module, () => createEnv('catalog'));
  const own = createEnv('billing-reports');
  // const searchEnv = useHotMemoize(module, () => createEnv('search'));
  if (process.env.X) createEnv('explore');
  apiRouter.use('/reports', await reports(own));
}
""",
        FILES,
        head=HEAD,
    )
    assert set(result.plugins) == {"catalog", "billing-reports", "explore"}
    found = result.plugins["catalog"]
    assert (found.source, found.package, found.confidence) == (
        Source.ENVIRONMENT,
        "@backstage/plugin-catalog-backend",
        Confidence.HIGH,
    )
    assert found.location.line == 11
    assert result.plugins["billing-reports"].package is None
    assert result.plugins["explore"].confidence is Confidence.MEDIUM


def test_ids_through_a_wrapper(backend: Discover) -> None:
    result = backend(
        """
  await addPlugin({ plugin: 'proxy', createEnv, router: proxy });
  await addPlugin({ plugin: 'auth', createEnv, router: auth });
  for (const id of ['kafka', 'todo']) await add(createEnv(id));
}
async function addPlugin(options: { plugin: string; createEnv: CreateEnv }) {
  const { plugin, createEnv } = options;
  return createEnv(options.plugin);
}
""",
        head=HEAD,
    )
    assert set(result.plugins) == {"proxy", "auth", "kafka", "todo"}
    assert not result.unknown


def test_a_computed_id_is_unknown(backend: Discover) -> None:
    result = backend("  createEnv('catalog');\n  createEnv(config.getString('own.id'));\n}\n", head=HEAD)
    assert list(result.plugins) == ["catalog"]
    ((location, reason),) = result.unknown
    assert location.line == 11
    assert "computed" in reason
