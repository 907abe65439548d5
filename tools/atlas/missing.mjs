// Which dependencies of the named packages the registry does not have, or not in a version that is wanted: found before an
// installation stops at the first of them. Asks with npm's own client and its cache, as the installation does.
//
// usage: node missing.mjs FOLDER_OF_NPM CACHE; stdin: {"packages": [name, …]}
// stdout: {"packages": [those of them that are not there], "missing": [dependencies that are not there],
//          "versions": [[dependent, dependency], …] where no such version is there}
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const [npm, cache] = process.argv.slice(2);
const pacote = createRequire(path.join(npm, 'package.json'))('pacote');
const { packages } = JSON.parse(readFileSync(0, 'utf8'));
const seen = new Map();
const found = { packages: new Set(), missing: new Set(), versions: new Set() };
// Published plugins and what is published with them; everything else is looked at by npm itself.
const isScoped = name => name.startsWith('@') && !/^@(types|babel|aws-sdk|smithy|azure|google-cloud|octokit|opentelemetry)\//.test(name);

function look(name, spec, dependent) {
  const key = `${name}@${spec}`;
  const work = seen.get(key) ?? (async () => pacote.manifest(key, { cache, preferOffline: true }))().then(
    manifest => ({ dependencies: manifest.dependencies ?? {} }),
    error => ({ dependencies: {}, code: error.code }),
  );
  seen.set(key, work);
  return work.then(({ dependencies, code }) => {
    if (code === 'E404') found[dependent ? 'missing' : 'packages'].add(name);
    if (code === 'ETARGET' || code === 'EUNSUPPORTEDPROTOCOL') found.versions.add(JSON.stringify([dependent, name]));
    return Object.entries(dependencies).map(([dependency, wanted]) => [dependency, wanted, name]);
  });
}

const told = new Set();
for (let wave = packages.map(name => [name, 'latest', undefined]); wave.length;) {
  const next = [];
  for (let at = 0; at < wave.length; at += 16) {
    for (const one of (await Promise.all(wave.slice(at, at + 16).map(item => look(...item)))).flat()) {
      const key = JSON.stringify(one);
      if (isScoped(one[0]) && !told.has(key) && !/^(npm|file|git|https?):/.test(one[1])) next.push(one);
      told.add(key);
    }
  }
  wave = next;
}
const answer = {
  packages: [...found.packages].sort(),
  missing: [...found.missing].sort(),
  versions: [...found.versions].sort().map(pair => JSON.parse(pair)),
};
process.stdout.write(JSON.stringify(answer));
