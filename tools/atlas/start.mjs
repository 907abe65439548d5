// Starts published plugins, one after the other, each in a real backend of its own: the services of backend-defaults, the real
// DatabaseManager, the plugin's own init. Where init fails for something else than the database, its migrations run alone.
//
// usage: node start.mjs FOLDER_WITH_NODE_MODULES, and a line for each job on stdin:
//   {"name", "plugin", "features": [[package, export], …], "config": [files], "migrations": [folders], "environment": {…}}
// stdout: marker + {"started", "error", "migrated", "migrationError"} for each
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder, marker] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(folder), 'package.json'));
const { createBackend } = require('@backstage/backend-defaults');
const { DatabaseManager } = require('@backstage/backend-defaults/database');
const { ConfigSources } = require('@backstage/config-loader');

let stray;
process.on('unhandledRejection', error => { stray ??= String(error); });
process.on('uncaughtException', error => { stray ??= String(error); });
const exit = process.exit;
process.exit = code => { throw new Error(`the plugin ends the process with ${code}`); };

const inTime = (work, seconds) => Promise.race([
  work,
  new Promise((_, reject) => setTimeout(() => reject(new Error(`no answer in ${seconds} seconds`)), seconds * 1000).unref()),
]);

async function load([name, key]) {
  const [subpath, wanted] = key.includes('#') ? key.split('#') : ['.', key];
  const specifier = subpath === '.' ? name : `${name}/${subpath.slice(2)}`;
  let loaded;
  try {
    loaded = require(specifier);
  } catch (error) {
    if (error?.code !== 'ERR_REQUIRE_ESM' && error?.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    loaded = await import(pathToFileURL(require.resolve(specifier)).href);
  }
  const value = loaded[wanted] ?? loaded.default?.[wanted];
  const feature = value?.default ?? value;
  return typeof feature === 'function' && !feature.$$type?.includes('Feature') ? feature() : feature;
}

async function start(job) {
  let backend;
  try {
    backend = createBackend();
    for (const feature of job.features) backend.add(await load(feature));
    await inTime(backend.start(), 60);
    await new Promise(resolve => setTimeout(resolve, 300)); // what init leaves to run behind it
    return stray ? { started: false, error: stray } : { started: true };
  } catch (error) {
    return { started: false, error: String(error?.cause ?? error) };
  } finally {
    await inTime(backend?.stop() ?? Promise.resolve(), 15).catch(() => {});
  }
}

// The package's migrations by themselves, on the client that the real DatabaseManager hands out.
async function migrate(job) {
  const source = ConfigSources.default({ argv: process.argv, watch: false });
  const config = await ConfigSources.toConfig(source);
  const logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => logger };
  const lifecycle = { addStartupHook() {}, addShutdownHook() {} };
  const service = DatabaseManager.fromConfig(config).forPlugin(job.plugin, { logger, lifecycle });
  let client;
  try {
    client = await inTime(service.getClient(), 30);
    await inTime(client.migrate.latest({ directory: job.migrations }), 60);
    return { migrated: true };
  } catch (error) {
    return { migrated: false, migrationError: String(error) };
  } finally {
    await inTime(client?.destroy() ?? Promise.resolve(), 5).catch(() => {});
    config.close?.();
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  Object.assign(process.env, job.environment ?? {});
  process.argv = [process.argv[0], 'backend', ...job.config.flatMap(file => ['--config', file])];
  stray = undefined;
  const result = job.features.length ? await start(job) : { started: false };
  if (!result.started && job.migrations.length) Object.assign(result, await migrate(job));
  await new Promise(resolve => setTimeout(resolve, 50));
  process.stdout.write(`\n${marker}${JSON.stringify(result)}\n`);
}
exit(0);
