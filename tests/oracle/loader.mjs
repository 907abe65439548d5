// Answers one JSON line per JSON line on stdin, with the real packages from GREENROOM_ORACLE_DIR:
//   {"op": "yaml", "text"}                    what npm yaml reads
//   {"op": "load", "root", "config", "env"}   the layers of ConfigSources.default
//   {"op": "dotenv", "text"}                  what node --env-file reads
// Numbers that JSON has no word for are {"$number": "NaN"}; an error is {"error": "Name: message"}.
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import util from 'node:util';

const require = createRequire(path.join(process.env.GREENROOM_ORACLE_DIR, 'package.json'));
const yaml = require('yaml');
const { ConfigSources } = require('@backstage/config-loader');
process.removeAllListeners('warning');
process.on('warning', () => {});

const encode = value =>
  JSON.stringify(value, (_key, item) =>
    typeof item === 'number' && !Number.isFinite(item) ? { $number: String(item) } : item);

async function load({ root, config, env }) {
  if ('BACKSTAGE_ENV' in env) process.env.BACKSTAGE_ENV = env.BACKSTAGE_ENV;
  else delete process.env.BACKSTAGE_ENV;
  const source = ConfigSources.default({
    argv: config.flatMap(target => ['--config', target]),
    env,
    rootDir: root,
    watch: false,
    substitutionFunc: async name => env[name]?.trim(),
  });
  for await (const { configs } of source.readConfigData({ signal: new AbortController().signal })) {
    return { layers: configs.map(({ data, context }) => ({ data, context })) };
  }
}

// The loader copies objects key by key: a Date or a Set ends up as {}, a Buffer as its bytes by index.
const copy = value =>
  Array.isArray(value) ? value.map(copy)
  : value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, copy(v)]))
  : value;

const operations = {
  yaml: ({ text }) => ({ value: copy(yaml.parse(text)) }),
  load,
  dotenv: ({ text }) => ({ value: util.parseEnv(text) }),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = encode(await operations[request.op](request));
  } catch (error) {
    answer = encode({ error: `${error?.name ?? 'Error'}: ${error?.message ?? error}` });
  }
  console.log(answer);
}
