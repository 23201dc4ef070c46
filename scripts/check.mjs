// The quick checks, in seconds: lint and format, types (by the build, which compiles only what has changed), whether
// every mutant still fits the source, and the architecture. All of them run, so that one look shows everything; any failure ends it with status 1.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, isBuilt } from './build.mjs';
import { ensure, runMain } from './ensure.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

function runNode(args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

async function checkTypes() {
  if (!isBuilt()) await build();
  return true;
}

const checks = {
  'lint and format': () =>
    runNode([require.resolve('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']),
  types: checkTypes,
  'mutants fit the source': () => runNode([join(root, 'scripts/mutants.mjs'), '--check']),
  architecture: () => runNode([join(root, 'scripts/test.mjs'), 'architecture', '--as-built']),
};

async function main() {
  await ensure({ withBuild: false });
  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    const isGood = await Promise.resolve(check()).catch(() => false);
    if (!isGood) failed.push(name);
  }
  if (failed.length > 0) throw new Error(`check failed: ${failed.join(', ')}`);
}

await runMain(main);
