// Asks every feature of every named package what it registers, and looks into the package for what uses a database.
//
// stdin: {"folder", "packages": [name, …]}
// stdout, for each in order, a line: marker + {"package", "version", "role", "features": [{"export", "type", "pluginId", "moduleId"}],
//   "migrations": [folders], "creates": [extensions], "hints": {database, ownConnections: […]}, "error"}
import { createRequire } from 'node:module';
import { existsSync, readFileSync, readdirSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const { folder, packages, marker } = JSON.parse(readFileSync(0, 'utf8'));
const require = createRequire(path.join(folder, 'package.json'));
process.on('unhandledRejection', () => {});
process.on('uncaughtException', () => {});

const isFeature = value => String(value?.$$type ?? '').startsWith('@backstage/BackendFeature');
const CODE = /\.(c|m)?js$/;
const LIBRARIES = ['pg', 'mysql2', 'typeorm', 'typeorm-adapter', 'sequelize', 'prisma', '@prisma/client', 'slonik', 'pg-boss', 'drizzle-orm'];

function* files(root, depth = 0) {
  for (const name of readdirSync(root).sort()) {
    if (name === 'node_modules' || depth > 8) continue;
    const file = path.join(root, name);
    if (statSync(file).isDirectory()) yield* files(file, depth + 1);
    else yield file;
  }
}

function look(root) {
  const found = { migrations: new Set(), creates: new Set(), database: false, ownConnections: new Set() };
  for (const file of files(root)) {
    const relative = path.relative(root, file);
    if (!CODE.test(file) && !file.endsWith('.sql')) continue;
    if (/(^|\/)(__tests__|__mocks__|static)\/|\.test\.|dist-scalprum|dist-dynamic/.test(relative)) continue;
    const text = readFileSync(file, 'utf8');
    if (/\bexports\.up\s*=|export\s+(async\s+)?function\s+up\b|\bup:\s|exports\s*=\s*\{[^}]*\bup\b/.test(text) && /migrations?\//.test(relative)) {
      found.migrations.add(path.dirname(relative));
    }
    for (const match of text.matchAll(/create\s+extension\s+(?:if\s+not\s+exists\s+)?(?:\\?["'`])?([a-z0-9_-]+)/gi)) {
      if (match[1].toLowerCase() !== 'if') found.creates.add(match[1].toLowerCase());
    }
    if (/coreServices\.database\b|DatabaseManager|createTable\(|\.migrate\.latest|from\(['"]?(pg|mysql)/.test(text)) found.database = true;
    for (const match of text.matchAll(/(?:require\(|from\s+|import\()['"]([^'"]+)['"]/g)) {
      if (LIBRARIES.includes(match[1])) found.ownConnections.add(match[1]);
      if (match[1] === 'knex' && /(?:knex__default|knexFactory|knex)(?:\.default|\["default"\])?\(\{/.test(text)) found.ownConnections.add('knex');
    }
  }
  return {
    migrations: [...found.migrations].sort(),
    creates: [...found.creates].sort(),
    database: found.database,
    ownConnections: [...found.ownConnections].sort(),
  };
}

async function registrations(feature, depth = 0) {
  if (depth > 10) throw new Error('feature loaders are nested too deeply');
  let value = await feature;
  for (let i = 0; i < 2 && !isFeature(value); i++) value = value?.default;
  if (value?.$$type === '@backstage/BackendFeatureFactory') value = value();
  if (!isFeature(value) || value.featureType === 'service' || value.service) return [];
  if (value.featureType === 'loader') {
    if (Object.keys(value.deps ?? {}).length) return [{ type: 'loader' }];
    const found = [];
    for await (const item of await value.loader({})) found.push(...(await registrations(item, depth + 1)));
    return found;
  }
  return value
    .getRegistrations()
    .filter(item => /^(plugin|module)/.test(item.type))
    .map(({ type, pluginId, moduleId }) => ({ type: type.split('-')[0], pluginId, moduleId }));
}

async function load(specifier) {
  try {
    return require(specifier);
  } catch (error) {
    if (error?.code !== 'ERR_REQUIRE_ESM' && error?.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    return import(pathToFileURL(require.resolve(specifier)).href);
  }
}

async function features(name, manifest) {
  const found = [];
  for (const subpath of ['.', ...Object.keys(manifest.exports ?? {}).filter(key => key === './alpha' || key === './dynamic')]) {
    const loaded = await load(subpath === '.' ? name : `${name}/${subpath.slice(2)}`);
    for (const [key, value] of Object.entries({ ...loaded?.default, ...loaded, default: loaded?.default ?? loaded })) {
      const feature = key === 'default' && isFeature(value?.default) ? value.default : value;
      if (!isFeature(feature) && feature?.$$type !== '@backstage/BackendFeatureFactory') continue;
      for (const item of await registrations(feature)) found.push({ export: subpath === '.' ? key : `${subpath}#${key}`, ...item });
    }
  }
  return found;
}

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

for (const name of packages) {
  const root = path.join(folder, 'node_modules', name);
  if (!existsSync(path.join(root, 'package.json'))) {
    answer({ package: name, error: 'not installed' });
    continue;
  }
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const result = { package: name, version: manifest.version, role: manifest.backstage?.role, ...look(root) };
  result.dependencies = Object.keys(manifest.dependencies ?? {});
  try {
    result.features = await features(name, manifest);
  } catch (error) {
    result.error = String(error?.message ?? error).split('\n')[0];
  }
  answer(result);
}
process.exit(0);
