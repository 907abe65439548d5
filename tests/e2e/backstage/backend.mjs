// A real Backstage backend: catalog, auth and scaffolder as they are published, with nothing replaced. Starts, says so, stops.
//
// usage: node backend.mjs FOLDER_WITH_NODE_MODULES --config app-config.yaml --config …   (Backstage reads --config itself)
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'index.js'));
const load = name => import(pathToFileURL(require.resolve(name)).href);

const { createBackend } = (await load('@backstage/backend-defaults')).default;
const backend = createBackend();
backend.add(load('@backstage/plugin-auth-backend'));
backend.add(load('@backstage/plugin-catalog-backend'));
backend.add(load('@backstage/plugin-scaffolder-backend'));
try {
  await backend.start();
} catch (error) {
  console.error(String(error));
  process.exit(1); // pools and timers of the plugins that did start would keep it alive
}
console.log('the backend has started');
await backend.stop();
process.exit(0);
