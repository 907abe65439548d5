// Asks features what they register: loads each wanted export in the repository's own node.
// stdin: {"folder", "marker", "wanted": [{"specifier", "name"}]}
// stdout, for each of them in order, a line: marker + {"registrations": [{"type", "pluginId", "moduleId"}]} | {"error", "missing"}
import { createRequire } from 'node:module';
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { folder, marker, wanted } = JSON.parse(readFileSync(0, 'utf8'));
const require = createRequire(join(folder, 'package.json'));

const isFeature = value => String(value?.$$type ?? '').startsWith('@backstage/BackendFeature');

function exported(module, name) {
  for (const space of [module, module?.default]) {
    if (space && isFeature(space[name])) return space[name];
  }
  // A CommonJS module with `exports.default`, imported from an ES module.
  const inner = module?.default?.default;
  return name === 'default' && isFeature(inner) ? inner : module?.[name] ?? module?.default?.[name];
}

async function registrations(feature, depth = 0) {
  if (depth > 10) throw new Error('feature loaders are nested too deeply');
  let value = await feature;
  if (!isFeature(value) && isFeature(value?.default)) value = value.default;
  if (!isFeature(value) && isFeature(value?.default?.default)) value = value.default.default;
  if (value?.$$type === '@backstage/BackendFeatureFactory') value = value();
  if (!isFeature(value)) throw new Error('this export is not a backend feature');
  if (value.featureType === 'service' || value.service) return [];
  if (value.featureType === 'loader') {
    if (Object.keys(value.deps ?? {}).length) throw new Error('this feature loader decides with services of a running backend');
    const found = [];
    for await (const item of await value.loader({})) found.push(...(await registrations(item, depth + 1)));
    return found;
  }
  return value
    .getRegistrations()
    .filter(item => /^(plugin|module)/.test(item.type))
    .map(({ type, pluginId, moduleId }) => ({ type: type.split('-')[0], pluginId, moduleId }));
}

// Each answer is written at once: one package that ends or blocks the process does not take the others' answers with it.
const answer = value => {
  let rest = Buffer.from(`\n${marker}${JSON.stringify(value)}\n`);
  while (rest.length) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error?.code !== 'EAGAIN') throw error;
    }
  }
};

for (const { specifier, name } of wanted) {
  try {
    let module;
    try {
      module = require(specifier);
    } catch (error) {
      if (error?.code !== 'ERR_REQUIRE_ESM' && error?.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
      module = await import(pathToFileURL(require.resolve(specifier)).href);
    }
    answer({ registrations: await registrations(exported(module, name) ?? module) });
  } catch (error) {
    const message = String(error?.message ?? error).split('\n')[0];
    answer({ error: message, missing: error?.code === 'MODULE_NOT_FOUND' && message.includes(`'${specifier}'`) });
  }
}
process.exit(0);
