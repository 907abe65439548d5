// Reads [{connection, searchPath, statement}, …] from stdin; for each one opens a knex client as Backstage does and runs the
// statement. Prints [{ok, error}, …]: the error is the text that Backstage prints after "caused by".
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.argv[2] + '/');
const knex = require('knex');

const results = [];
for (const { connection, searchPath, statement } of JSON.parse(readFileSync(0, 'utf8'))) {
  let client;
  try {
    client = knex({ client: 'pg', connection, searchPath, useNullAsDefault: true, acquireConnectionTimeout: 10000 });
    if (statement === 'create table') {
      await client.schema.createTable('from_knex', table => table.increments());
    } else {
      await client.raw('select 1');
    }
    results.push({ ok: true, error: null });
  } catch (error) {
    results.push({ ok: false, error: String(error) });
  } finally {
    client?.destroy().catch(() => {}); // not awaited: the pool waits for a login that never comes
  }
}
// knex writes to stdout as well: the answer is the last line.
process.stdout.write('\n' + JSON.stringify(results) + '\n', () => process.exit(0));
