// Starts one plugin's database as a real backend does: loads the configuration, asks the published DatabaseManager for the
// plugin's client, and runs one query. Nothing is caught: when Backstage's own code ends the process, this ends as well.
//
// usage: node start.mjs FOLDER_WITH_NODE_MODULES PLUGIN FILE…     (the environment is the process's own; GREENROOM_STATEMENT
//        is a statement to run as well)
// out:   {"database", "user", "ssl"} or {"error"}, as the last line
import { createRequire } from 'node:module';
import path from 'node:path';

const [home, plugin, ...files] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(home), 'index.js'));
process.env.NODE_ENV = 'test'; // no keep-alive timers
process.removeAllListeners('warning');

const { ConfigSources } = require('@backstage/config-loader');
const { DatabaseManager } = require(
  path.join(path.resolve(home), 'vendor/backend-defaults/dist/entrypoints/database/DatabaseManager.cjs.js'),
);
const deps = { logger: { warn() {} }, lifecycle: { addShutdownHook() {} } };
const say = answer => process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit(0));

try {
  const config = await ConfigSources.toConfig(
    ConfigSources.defaultForTargets({ targets: files.map(target => ({ type: 'path', target })), watch: false, rootDir: '.' }),
  );
  config.close();
  const client = await DatabaseManager.fromConfig(config).forPlugin(plugin, deps).getClient();
  const { rows } = await client.raw(
    'select current_database() as database, current_user as user, ssl from pg_stat_ssl where pid = pg_backend_pid()',
  );
  if (process.env.GREENROOM_STATEMENT) await client.raw(process.env.GREENROOM_STATEMENT);
  say(rows[0]);
} catch (error) {
  say({ error: `${error.name}: ${error.message}` });
}
