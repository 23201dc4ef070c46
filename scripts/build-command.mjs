// Bundles the compiled command into dist/bin, so that it starts by reading some files instead of 150: main.js, the way
// in; entry.js and small-reader.js, worker threads; each command, and what is shared. esbuild splits ES modules only, so it first makes
// those; then each becomes CommonJS, which Node reads and links in a third of the time.
//   node scripts/build-command.mjs    once, from what tsc has left in dist/src
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The repository that this script is in; `npm run mutants` builds a copy of it. */
const ownRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** Plain JavaScript that nearly every command needs, or that only ES modules could load. All other packages stay outside. */
const bundledPackages = new Set(['aws4fetch', 'cborg', 'chalk', 'commander', 'ignore', 'zstddec']);

function externalPackages(root) {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.keys({ ...dependencies, ...optionalDependencies }).filter(
    (name) => !bundledPackages.has(name),
  );
}

/** The notices of all packages whose code is in the bundle. */
function licenses(root, inputs) {
  const folders = inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders)]
    .filter((folder) => folder !== undefined)
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      const notices = readdirSync(join(root, folder)).filter((file) => /^licen[cs]e/i.test(file));
      const texts = notices.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts].join('\n\n');
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}

/** ES modules, split where imports are dynamic, and what went into them. */
async function bundle(root, folder) {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    // They find each other by the names that they have in the source.
    entryPoints: [
      'dist/src/cli/main.js',
      'dist/src/core/worker/entry.js',
      'dist/src/ops/tree/small-reader.js',
    ],
    entryNames: '[name]',
    outdir: folder,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: externalPackages(root),
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'warning',
  });
  return { modules: outputFiles, inputs: Object.keys(metafile.inputs) };
}

async function toCommonJs({ path, text }) {
  const { transform } = await import('esbuild');
  const knowsItsUrl = text.includes('import.meta.url');
  const { code, map } = await transform(text, {
    sourcefile: path,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'moduleUrl' },
    banner: knowsItsUrl ? "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" : '',
    minifyWhitespace: true,
    sourcemap: 'external',
    sourcesContent: false,
    logLevel: 'warning',
  });
  writeFileSync(path, `${code}//# sourceMappingURL=${basename(path)}.map\n`);
  writeFileSync(`${path}.map`, map);
}

/** Builds dist/bin anew from dist/src; throws when an import leads nowhere. */
export async function buildCommand(root = ownRoot) {
  const output = join(root, 'dist/bin');
  const folder = `${output}.new`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { modules, inputs } = await bundle(root, folder);
  await Promise.all(modules.map(toCommonJs));
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(join(folder, 'LICENSES.txt'), `${licenses(root, inputs)}\n`);
  rmSync(output, { recursive: true, force: true });
  renameSync(folder, output);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildCommand();
