// The pieces greenroom has of its own, as node and the npm packages have them. One JSON line in, one out.
// usage: node resolve_parts.mjs FOLDER_WITH_NODE_MODULES      in: [operation, argument, …]      out: {"value"} | {"error"}
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const home = path.resolve(process.argv[2]);
const require = createRequire(path.join(home, 'index.js'));
process.removeAllListeners('warning');
const _ = require('lodash');
const { ConfigReader, readDurationFromConfig } = require('@backstage/config');
const { parse } = require('pg-connection-string');
const { parseMysqlConnectionString } = require(path.join(home, 'vendor/backend-defaults/dist/entrypoints/database/connectors/mysql.cjs.js'));

const chain = layers => layers.reduce((below, data, index) => new ConfigReader(data, `layer${index}`, below), undefined);
const operations = {
  merge: (...sources) => _.merge({}, ...sources),
  omit: (value, keys) => _.omit(value, keys),
  spread: (...values) => Object.assign({}, ...values.map(value => ({ ...value }))),
  join: (...parts) => path.join(...parts),
  encodeURI: text => encodeURI(text),
  decodeURI: text => decodeURI(text),
  decodeURIComponent: text => decodeURIComponent(text),
  query: text => [...new URL(`postgres://h/?${text}`).searchParams.entries()],
  number: text => String(Number(text)),
  string: value => String(value),
  trim: text => text.trim(),
  pg: text => parse(text),
  mysql: text => parseMysqlConnectionString(text),
  read: (layers, method, key) => chain(layers)[method](key),
  readAt: (layers, at, method, key) => chain(layers).getConfig(at)[method](key),
  duration: value => (readDurationFromConfig(new ConfigReader({ key: value }), { key: 'key' }), null),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [operation, ...args] = JSON.parse(line);
  let answer;
  try { answer = { value: operations[operation](...args) }; } catch (error) { answer = { error: `${error.name}: ${error.message}` }; }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
