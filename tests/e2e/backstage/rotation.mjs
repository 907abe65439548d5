// Instances of Backstage under load while their passwords rotate: the published DatabaseManager with the published migrations of
// catalog, auth and scaffolder.
//
// usage: node rotation.mjs FOLDER_WITH_NODE_MODULES   (one command in JSON a line on stdin, one answer a line on stdout)
//
// {"start": NAME, "database": {…}, "hold": N} starts an instance: it migrates, but for the last N migrations of each plugin, adds a
// column of its own to a table, and then goes on inserting rows. {"stop": NAME} lets it finish what it is at, and ends it.
// {"report": true} says what succeeded and what failed, by plugin.
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'index.js'));
const { DatabaseManager } = require('@backstage/backend-defaults/database');
const { ConfigReader } = require('@backstage/config');
const logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => logger };
const lifecycle = { addStartupHook() {}, addShutdownHook() {} };

// Milliseconds between queries, and how many come at once. The pools close a connection that was idle for 300 ms
// (knexConfig.pool.idleTimeoutMillis, which is 30,000 where nobody sets it): the scaffolder always pauses longer than that.
const LOAD = { catalog: [40, 1], auth: [700, 5], scaffolder: [900, 1] };

const done = Object.fromEntries(Object.keys(LOAD).map(plugin => [plugin, { succeeded: 0, failed: 0, errors: {} }]));
const instances = new Map();
process.on('unhandledRejection', error => { console.error(`unhandled: ${error}`); process.exit(1); });

async function migrate(client, plugin, hold) {
  const directory = path.join(path.dirname(require.resolve(`@backstage/plugin-${plugin}-backend/package.json`)), 'migrations');
  const [, pending] = await client.migrate.list({ directory });
  for (let left = pending.length - hold; left > 0; left--) await client.migrate.up({ directory });
  return Math.max(0, pending.length - hold);
}

async function start(name, database, hold) {
  const manager = DatabaseManager.fromConfig(new ConfigReader({ backend: { database } }));
  const clients = [];
  const migrated = {};
  try {
    for (const plugin of Object.keys(LOAD)) {
      const client = await manager.forPlugin(plugin, { logger, lifecycle }).getClient();
      clients.push([plugin, client]);
      migrated[plugin] = await migrate(client, plugin, hold);
      if (!(await client.schema.hasTable('load'))) await client.schema.createTable('load', table => table.increments());
      // As a migration does to a table that the login before has made.
      await client.schema.alterTable('load', table => table.integer(`of_${name}`));
    }
  } catch (error) {
    await Promise.all(clients.map(([, client]) => client.destroy()));
    throw error;
  }
  const instance = { stopping: false, clients, loops: [] };
  instance.loops = clients.map(([plugin, client]) => load(instance, plugin, client, `of_${name}`));
  instances.set(name, instance);
  return migrated;
}

async function load(instance, plugin, client, column) {
  const [pause, atOnce] = LOAD[plugin];
  const counts = done[plugin];
  while (!instance.stopping) {
    await Promise.all(Array.from({ length: atOnce }, async () => {
      try {
        await client('load').insert({ [column]: 1 });
        counts.succeeded++;
      } catch (error) {
        counts.failed++;
        counts.errors[error.message] = (counts.errors[error.message] ?? 0) + 1;
      }
    }));
    await new Promise(resolve => setTimeout(resolve, pause));
  }
}

async function stop(name) {
  const instance = instances.get(name);
  instance.stopping = true;
  await Promise.all(instance.loops);
  await Promise.all(instance.clients.map(([, client]) => client.destroy()));
  instances.delete(name);
}

async function answer(command) {
  if (command.report) return done;
  if (command.stop) return stop(command.stop).then(() => ({}));
  return start(command.start, command.database, command.hold).then(migrated => ({ migrated }), error => ({ error: String(error) }));
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`\n${JSON.stringify({ answer: await answer(JSON.parse(line)) })}\n`);
}
process.exit(0);
