// The real DatabaseManager opens the database of each plugin, with the configuration files as Backstage reads them, and works in it.
//
// usage: node open.mjs FOLDER_WITH_NODE_MODULES       stdin: {"root", "files", "env", "plugins"}
// stdout: {"catalog": {"database", "user", "rows"} | {"error"}, …}
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const home = path.resolve(process.argv[2]);
const require = createRequire(path.join(home, 'index.js'));
const { ConfigSources } = require('@backstage/config-loader');
const { DatabaseManager } = require(path.join(home, 'vendor/backend-defaults/dist/entrypoints/database/DatabaseManager.cjs.js'));

const { root, files, env, plugins } = JSON.parse(readFileSync(0, 'utf8'));
const source = ConfigSources.defaultForTargets({
  targets: files.map(target => ({ type: 'path', target: path.join(root, target) })),
  watch: false,
  rootDir: root,
  substitutionFunc: async name => env[name],
});
const config = await ConfigSources.toConfig(source);
const manager = DatabaseManager.fromConfig(config);
const logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => logger };
const results = {};
for (const plugin of plugins) {
  try {
    const client = await manager.forPlugin(plugin, { logger, lifecycle: { addShutdownHook() {} } }).getClient();
    if (!(await client.schema.hasTable('greenroom'))) await client.schema.createTable('greenroom', table => table.integer('id'));
    await client('greenroom').insert({ id: 1 });
    const [{ count }] = await client('greenroom').count({ count: '*' });
    const { client: { config: { client: kind } } } = client;
    const row = kind.startsWith('mysql')
      ? (await client.raw('select database() as name, current_user() as user'))[0][0]
      : (await client.raw('select current_database() as name, session_user as user')).rows[0];
    results[plugin] = { database: row.name, user: row.user, rows: Number(count) };
    await client.destroy();
  } catch (error) {
    results[plugin] = { error: String(error) };
  }
}
process.stdout.write('\n' + JSON.stringify(results) + '\n', () => process.exit(0));
