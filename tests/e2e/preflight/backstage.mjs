// What the real Backstage makes of one database after the other: its DatabaseManager hands out the client of a plugin, and
// the published migrations of the catalog run on it.
//
// Reads {cases: [{database, plugin, environment, rbac}, …]} from stdin; `database` is the value of backend.database. With
// `rbac` the published RBAC backend follows, as its policy builder does it: its adapter connects by itself, its policies are
// loaded, its migrations run on the plugin's client. Prints
// {results: [{started, error, crashed}, …]}: the error is the text Backstage prints after "caused by"; `crashed` that the
// whole process would have ended (an unhandled rejection). With `probe`, ten transactions at once say where they are.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'index.js'));
const { DatabaseManager } = require('@backstage/backend-defaults/database');
const { ConfigReader } = require('@backstage/config');
const catalog = path.dirname(require.resolve('@backstage/plugin-catalog-backend/package.json'));

const defaults = path.dirname(require.resolve('@backstage/backend-defaults/package.json'));
const entrypoints = path.join(defaults, 'dist', 'entrypoints');
const { DatabaseKeyStore } = require(path.join(entrypoints, 'auth/plugin/keys/DatabaseKeyStore.cjs.js'));
const { migrateBackendTasks } = require(path.join(entrypoints, 'scheduler/database/migrateBackendTasks.cjs.js'));

const rbac = path.join(path.resolve(process.argv[2]), 'vendor', 'plugin-rbac-backend');
const { CasbinDBAdapterFactory } = require(path.join(rbac, 'dist/database/casbin-adapter-factory.cjs.js'));
const { MODEL } = require(path.join(rbac, 'dist/service/permission-model.cjs.js'));
const casbin = require('casbin');

// dist/service/policy-builder.cjs.js, up to what asks other services.
async function buildPolicies(config, client) {
  const adapter = await new CasbinDBAdapterFactory(config, client).createAdapter();
  try {
    const enforcer = await casbin.newEnforcer(casbin.newModelFromString(MODEL), adapter);
    await enforcer.loadPolicy();
    enforcer.enableAutoSave(true);
    await client.migrate.latest({ directory: path.join(rbac, 'migrations') });
    await enforcer.addPolicy('role:default/truth', 'policy-entity', 'read', 'allow'); // what its synchronisation does
    await enforcer.removePolicy('role:default/truth', 'policy-entity', 'read', 'allow');
  } finally {
    await adapter.close().catch(() => {});
  }
}

const logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => logger };
const lifecycle = { addStartupHook() {}, addShutdownHook() {} };
let crash;
process.on('unhandledRejection', error => { crash ??= String(error); });
process.on('uncaughtException', error => { crash ??= String(error); });

async function look({ database, plugin, environment, probe, rbac: withRbac }) {
  Object.assign(process.env, environment ?? {});
  crash = undefined;
  let client;
  let error = null;
  let places = null;
  const inTime = work => Promise.race([
    work,
    new Promise((_, reject) => setTimeout(() => reject(new Error('no answer in 20 seconds')), 20000).unref()),
  ]);
  try {
    const config = new ConfigReader({ backend: { database } });
    const service = DatabaseManager.fromConfig(config).forPlugin(plugin ?? 'catalog', { logger, lifecycle });
    client = await inTime(service.getClient());
    if (withRbac) await inTime(buildPolicies(config, client));
    else await inTime(client.migrate.latest({ directory: path.join(catalog, 'migrations') }));
    // The services of the plugin migrate as well: its keys at start, its tasks with the first one.
    await inTime(DatabaseKeyStore.create({ database: { getClient: async () => client }, logger }));
    await inTime(migrateBackendTasks(client));
    if (probe) {
      const one = () => client.transaction(async trx => {
        const found = await trx.raw('select current_schema() as schema, current_user as name, pg_sleep(0.2)');
        return `${found.rows[0].schema} ${found.rows[0].name}`;
      });
      places = [...new Set(await inTime(Promise.all(Array.from({ length: 10 }, one))))].sort();
    }
  } catch (caught) {
    error = String(caught);
  }
  await new Promise(resolve => setTimeout(resolve, 50)); // what nobody handles is reported now
  const pool = client?.client?.pool;
  const result = { started: !error && !crash, error, crashed: crash ?? null, places, min: pool?.min, max: pool?.max };
  await Promise.race([client?.destroy().catch(() => {}), new Promise(resolve => setTimeout(resolve, 2000).unref())]);
  for (const name of Object.keys(environment ?? {})) delete process.env[name];
  return result;
}

const results = [];
for (const one of JSON.parse(readFileSync(0, 'utf8')).cases) results.push(await look(one));
// Migrations may write to stdout: the answer is the last line.
process.stdout.write('\n' + JSON.stringify({ results }) + '\n', () => process.exit(0));
