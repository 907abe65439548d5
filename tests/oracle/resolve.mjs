// Asks the published Backstage packages what each plugin's database settings resolve to. Answers on stdout, one JSON line for
// each JSON line on stdin.
//
// usage: node resolve.mjs FOLDER_WITH_NODE_MODULES
// in:    {"root", "files": ["app-config.yaml", …], "plugins": ["catalog", …], "env": {…}, "manager", "legacy"}
// out:   {"plugins": [{client, …, connection} | {error}, …]} in the order of the question, or {"error"}
//
// `manager` is "current" (backend-defaults), or an old manager with `legacy` the folder of its unpacked @backstage/backend-common.
// What knex would get from those is caught where knex is called: the code that runs is Backstage's own up to there.
import { createRequire } from 'node:module';
import Module from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const home = path.resolve(process.argv[2]);
const require = createRequire(path.join(home, 'index.js'));
process.env.NODE_ENV = 'test'; // no keep-alive timers
process.removeAllListeners('warning');

// --- knex, caught -------------------------------------------------------------------------------------------------------
let caught;
const { resolveConfig } = require('knex/lib/knex-builder/internal/config-resolver.js');
const query = { where: () => query, count: async () => [{ count: '1' }] };
const fakeKnex = config => {
  resolveConfig({ client: config.client }); // knex's own check of the client
  caught = config;
  return { client: { pool: { on() {} } }, from: () => query, raw: async () => {}, destroy: async () => {} };
};
// Stands for the many packages of the old backend-common that have nothing to do with databases.
const nothing = new Proxy(function () {}, {
  get: (_, key) => key === 'then' ? undefined : key === 'prototype' ? {} : nothing,
  apply: () => nothing,
  construct: () => nothing,
});
const legacyFolders = new Set();
const load = Module._load;
Module._load = function (request, parent, ...rest) {
  if (request === 'knex') return fakeKnex;
  if (![...legacyFolders].some(folder => parent?.filename?.startsWith(folder))) return load.call(this, request, parent, ...rest);
  if (request === 'fs-extra') return { ensureDirSync() {} }; // all the database code uses, and it makes folders
  for (const find of [name => name, require.resolve]) {
    try { return load.call(this, find(request), parent, ...rest); } catch (error) { if (error.code !== 'MODULE_NOT_FOUND') throw error; }
  }
  return nothing;
};

const { ConfigReader } = require('@backstage/config');
const { ConfigSources, EnvConfigSource } = require('@backstage/config-loader');
const database = path.join(home, 'vendor/backend-defaults/dist/entrypoints/database');
const { DatabaseManager } = require(path.join(database, 'DatabaseManager.cjs.js'));
const { computePgPluginConfig } = require(path.join(database, 'connectors/postgres.cjs.js'));

const text = error => `${error?.name ?? 'Error'}: ${error?.message ?? error}`;
const deps = { logger: { warn() {} }, lifecycle: { addShutdownHook() {} } };

async function loadConfig({ files, root, env }) {
  const source = ConfigSources.defaultForTargets({
    targets: files.map(target => ({ type: 'path', target: path.join(root, target) })),
    watch: false,
    rootDir: root,
    substitutionFunc: async name => env[name]?.trim(),
  });
  const config = await ConfigSources.toConfig(ConfigSources.merge([source, EnvConfigSource.create({ env })]));
  config.close();
  return config;
}

// What the service factory does before it makes a manager.
const withDefault = config =>
  config.getOptional('backend.database')
    ? config
    : new ConfigReader({ backend: { database: { client: 'better-sqlite3', connection: ':memory:' } } });

const { buildMysqlDatabaseConfig } = require(path.join(database, 'connectors/mysql.cjs.js'));
const { buildPgDatabaseConfig } = require(path.join(database, 'connectors/postgres.cjs.js'));
const { buildSqliteDatabaseConfig } = require(path.join(database, 'connectors/sqlite3.cjs.js'));
const { mergeDatabaseConfig } = require(path.join(database, 'connectors/mergeDatabaseConfig.cjs.js'));

// A connection may be a function that signs in anew each time: then it is asked, and the password it fetched left out.
async function settled(connection) {
  if (typeof connection !== 'function') return { connection };
  try {
    const { password, ...rest } = await connection();
    return { connection: rest };
  } catch { return { dynamic: true }; } // no cloud to ask
}

// The path knex sends for each connection; nothing for one that it throws for.
function sent(path) {
  if (typeof path === 'string' && path) return [path];
  return Array.isArray(path) && path.every(name => typeof name === 'string') ? path : undefined;
}

async function current(config, pluginId) {
  const chosen = withDefault(config);
  const manager = DatabaseManager.fromConfig(chosen);
  const c = chosen.getConfig('backend.database');
  const prefix = c.getOptionalString('prefix') || 'backstage_plugin_';
  const schemaPrefix = c.getOptionalString('schemaPrefix') || '';
  const service = manager.forPlugin(pluginId, deps);
  const { client } = manager.impl.getClientType(pluginId);
  const out = { client, skipMigrations: service.migrations.skip };
  if (client === 'pg') {
    const r = computePgPluginConfig(c, pluginId, prefix, schemaPrefix);
    const { clientOverridden, databaseName, schemaName, role, ensureExists, ensureSchemaExists, pluginDivisionMode } = r;
    Object.assign(out, { clientOverridden, databaseName, schemaName, role, ensureExists, ensureSchemaExists, pluginDivisionMode });
    out.setRole = c.getOptionalString('role');
    const overrides = mergeDatabaseConfig(r.knexConfig, r.databaseClientOverrides);
    out.searchPath = sent(mergeDatabaseConfig(c.get(), overrides).searchPath);
    // The last step of getClient, without the one before it, which creates the database.
    try {
      const { connection } = await buildPgDatabaseConfig(c, overrides);
      return { ...out, ...(await settled(connection)) };
    } catch (error) {
      if (/default credentials/.test(error.message)) return { ...out, dynamic: true }; // Cloud SQL, and no cloud to ask
      throw error;
    }
  }
  const connector = manager.impl.connectors[client];
  if (!connector.getConfigForPlugin) return service.getClient(); // a client called "toString" finds a function
  const mysql = client.startsWith('mysql');
  const conf = connector.getConfigForPlugin(pluginId);
  const mode = connector.getPluginDivisionModeConfig();
  Object.assign(out, {
    clientOverridden: connector.getClientType(pluginId).overridden,
    databaseName: connector.getDatabaseName(pluginId),
    role: connector.getRoleConfig(pluginId),
    ensureExists: mysql ? connector.getEnsureExistsConfig(pluginId) : undefined,
    pluginDivisionMode: mode,
  });
  // What getClient throws, for MySQL after it has created the database.
  if (mode !== 'database') throw new Error(`The ${mysql ? 'MySQL' : 'SQLite'} driver does not support plugin division mode '${mode}'`);
  const build = mysql ? buildMysqlDatabaseConfig : buildSqliteDatabaseConfig;
  return { ...out, connection: build(new ConfigReader(conf), connector.getDatabaseOverrides(pluginId)).connection };
}

function legacyPackage(folder) {
  legacyFolders.add(folder);
  return createRequire(path.join(folder, 'index.js'))('./dist/index.cjs.js');
}

async function old(config, pluginId, name, folder) {
  const manager = legacyPackage(folder)[name === 'single-connection' ? 'SingleConnectionDatabaseManager' : 'DatabaseManager'].fromConfig(config);
  caught = undefined;
  await manager.forPlugin(pluginId).getClient();
  const out = { connection: caught.connection };
  if (name === 'single-connection') {
    const { client, connection } = caught;
    const { database } = manager.constructor.getDatabaseOverrides(pluginId).connection;
    const inFile = client === 'sqlite3';
    return { ...out, client, clientOverridden: false, databaseName: inFile ? connection.filename : database, ensureExists: inFile ? undefined : true };
  }
  const { client, overridden } = manager.getClientType(pluginId);
  return { ...out, client, clientOverridden: overridden, databaseName: manager.getDatabaseName(pluginId), ensureExists: manager.getEnsureExistsConfig(pluginId) };
}

async function answer(question) {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
    if (question.env[name] === undefined) delete process.env[name];
    else process.env[name] = question.env[name];
  }
  let config;
  try { config = await loadConfig(question); } catch (error) { return { error: text(error) }; }
  const ask = id =>
    question.manager === 'current' ? current(config, id) : old(config, id, question.manager, question.legacy);
  const plugins = [];
  for (const id of question.plugins) {
    try { plugins.push(await ask(id)); } catch (error) { plugins.push({ error: text(error) }); }
  }
  return { plugins };
}

for await (const line of readline.createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
