// Opens the database of every plugin with the real DatabaseManager, as a starting backend does, and uses it: a table, an
// index, a temporary table.
//
// Reads {database, plugins, environment} from stdin; `database` is the value of backend.database. Prints {plugin: {error,
// database, schema, user, acting, rows}}: `acting` is who the objects belong to, `rows` what is in the table `kept`.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'index.js'));
const { DatabaseManager } = require('@backstage/backend-defaults/database');
const { ConfigReader } = require('@backstage/config');

const logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => logger };
const lifecycle = { addStartupHook() {}, addShutdownHook() {} };
const { database, plugins, environment } = JSON.parse(readFileSync(0, 'utf8'));
Object.assign(process.env, environment ?? {});

async function open(plugin) {
  const manager = DatabaseManager.fromConfig(new ConfigReader({ backend: { database } }));
  const client = await manager.forPlugin(plugin, { logger, lifecycle }).getClient();
  try {
    await client.schema.createTable('opened', table => { table.increments('id'); table.text('name').index(); });
    await client.raw('create temporary table passing (id int)');
    await client.schema.dropTable('opened');
    const { rows: [found] } = await client.raw(
      'select current_database() as database, current_schema() as schema, session_user as user, current_user as acting',
    );
    const rows = (await client.schema.hasTable('kept')) ? await client('kept').pluck('value') : null;
    return { error: null, ...found, rows };
  } finally {
    await Promise.race([client.destroy(), new Promise(resolve => setTimeout(resolve, 2000).unref())]);
  }
}

const results = {};
await Promise.all(plugins.map(async plugin => {
  results[plugin] = await open(plugin).catch(error => ({ error: String(error) }));
}));
process.stdout.write(JSON.stringify(results), () => process.exit(0));
