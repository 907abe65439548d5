// What `backstage-cli package build` does for a backend, as far as it matters here: TypeScript to dist/index.cjs.js.
//
// usage: node build.mjs REPOSITORY
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const backend = path.resolve(process.argv[2], 'packages/backend');
const ts = createRequire(path.join(backend, 'package.json'))('typescript');
const { outputText, diagnostics } = ts.transpileModule(readFileSync(path.join(backend, 'src/index.ts'), 'utf8'), {
  compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  reportDiagnostics: true,
});
if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost({})));
mkdirSync(path.join(backend, 'dist'), { recursive: true });
writeFileSync(path.join(backend, 'dist/index.cjs.js'), outputText);
