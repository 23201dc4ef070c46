// Builds dist/: every src/**/*.wat becomes WebAssembly, every TypeScript file of src and tests becomes
// JavaScript, the command is bundled into dist/bin, src/web becomes the page in dist/web, and output whose source is
// gone is removed. Does nothing when nothing has changed.
//   node scripts/build.mjs            build
//   node scripts/build.mjs --prepare  the same, but only says so when the compiler is not installed
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildCommand } from './build-command.mjs';
import { buildWeb } from './build-web.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stampPath = join(dist, '.build-stamp.json');
/** The modules work in place on memory that threads share. */
const wasmFeatures = { threads: true };
const require = createRequire(import.meta.url);

/** Every file below the folder, as paths relative to the project; none if the folder is missing. */
function listFiles(folder) {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const isOfPage = (source) => source.startsWith(join('src', 'web'));

/** Where a source file's output goes, or undefined if it has none of its own (as a .d.ts, or a part of the page). */
function outputOf(source) {
  if (isOfPage(source)) return undefined;
  if (source.endsWith('.wat')) return join('dist', source.replace(/\.wat$/, '.wasm'));
  if (/(?<!\.d)\.ts$/.test(source)) return join('dist', source.replace(/\.ts$/, '.js'));
  return undefined;
}

function listSources() {
  const all = [...listFiles('src'), ...listFiles('tests')];
  return all.filter((path) => /\.(ts|wat)$/.test(path) || isOfPage(path)).sort();
}

/** What the build depends on, comparable as text: names, sizes and times of all inputs. */
function describeInputs(sources) {
  const scripts = ['scripts/build.mjs', 'scripts/build-command.mjs', 'scripts/build-web.mjs'];
  const packages = ['typescript', 'esbuild', 'preact', '@preact/signals'];
  const compiler = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    ...scripts,
    ...packages.map((name) => `node_modules/${name}/package.json`),
  ];
  const inputs = [...compiler, ...sources].map((path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    return `${path} ${stat?.size ?? -1} ${stat?.mtimeMs ?? -1}`;
  });
  return JSON.stringify(inputs);
}

/** True when dist/ holds the output of the sources as they are now. */
export function isBuilt() {
  const sources = listSources();
  if (!existsSync(stampPath) || readFileSync(stampPath, 'utf8') !== describeInputs(sources)) return false;
  const bundles = ['bin/main.js', 'bin/entry.js', 'bin/small-reader.js', 'web/index.html'];
  if (!bundles.every((path) => existsSync(join(dist, path)))) return false;
  return sources.every((source) => existsSync(join(root, outputOf(source) ?? source)));
}

/** Removes outputs without a source, so that a deleted test does not run on. */
function prune(sources) {
  const expected = new Set(sources.map(outputOf));
  // Tests compile those parts of the page that they try out one by one.
  for (const source of sources.filter(isOfPage)) expected.add(join('dist', source.replace(/\.ts$/, '.js')));
  for (const output of [...listFiles('dist/src'), ...listFiles('dist/tests')]) {
    const main = output.replace(/\.(js\.map|d\.ts)$/, '.js');
    if (!expected.has(main)) rmSync(join(root, output));
  }
  // The compiler trusts its own notes about what it has written: without the output they are wrong.
  const isMissing = (source) => source.endsWith('.ts') && !existsSync(join(root, outputOf(source) ?? source));
  if (sources.some(isMissing)) rmSync(join(dist, '.tsbuildinfo'), { force: true });
}

async function assemble(sources) {
  const stale = sources.filter((source) => {
    if (!source.endsWith('.wat')) return false;
    const output = statSync(join(root, outputOf(source)), { throwIfNoEntry: false });
    return !output || output.mtimeMs < statSync(join(root, source)).mtimeMs;
  });
  if (stale.length === 0) return;
  const wabt = await require('wabt')();
  for (const source of stale) {
    const wat = wabt.parseWat(source, readFileSync(join(root, source), 'utf8'), wasmFeatures);
    wat.validate(wasmFeatures);
    const output = join(root, outputOf(source));
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, wat.toBinary({}).buffer);
    wat.destroy();
  }
}

/** @returns whether the types are right; JavaScript comes out in any case */
function compile(project) {
  const compiler = require.resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', project], { stdio: 'inherit', cwd: root });
  return status === 0;
}

/** Brings dist/ up to date; throws an Error whose message is for a person when it cannot. */
export async function build() {
  const sources = listSources();
  if (!sources.some((source) => source.endsWith('.ts'))) throw new Error('nothing to build: no src/**/*.ts');
  const inputs = describeInputs(sources);
  rmSync(stampPath, { force: true });
  prune(sources);
  await assemble(sources);
  const isTyped = compile(root);
  await buildCommand();
  if (!isTyped || !compile(join(root, 'src/web')))
    throw new Error('the build failed: see the messages of the compiler above');
  await buildWeb();
  writeFileSync(stampPath, inputs);
}

function isToolchainInstalled() {
  return ['typescript', 'wabt', 'esbuild', 'preact'].every((name) =>
    existsSync(join(root, 'node_modules', name, 'package.json')),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv.includes('--prepare') && !isToolchainInstalled()) {
    console.error('disktro: not building: development dependencies are not installed');
  } else if (!isBuilt()) {
    await build().catch((error) => {
      console.error(`disktro: ${error.message}`);
      process.exitCode = 1;
    });
  }
}
