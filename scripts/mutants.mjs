// Mutation proof: breaks the program on purpose, one way at a time, and fails unless the tests notice each of them.
// Works on a copy of the repository in a temporary folder; what is broken, and which tests must see it, stands in
// mutant-table.mjs. About five minutes.
//   node scripts/mutants.mjs             everything
//   node scripts/mutants.mjs fsync slot  mutants whose name contains one of these words
//   node scripts/mutants.mjs --check     only whether every mutant still fits the source
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCommand } from './build-command.mjs';
import { runMain } from './ensure.mjs';
import { MUTANTS } from './mutant-table.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
/** For the tests of one mutant: one that makes them hang has been noticed. */
const MUTANT_LIMIT_MS = 150_000;
const UNMUTATED_LIMIT_MS = 15 * 60_000;

/** Every source of a mutant as it becomes; throws when a text to replace is not there exactly once. */
function mutated({ name, edits }) {
  const sources = new Map();
  for (const { file, from, to } of edits) {
    const text = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
    const count = text.split(from).length - 1;
    if (count !== 1) {
      throw new Error(`mutant "${name}": expected this once in ${file}, found it ${count} times:\n${from}`);
    }
    sources.set(
      file,
      text.replace(from, () => to),
    );
  }
  return sources;
}

/** Copies what git knows or would take; the packages stay where they are. */
function copyRepository(copy) {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error('git ls-files failed: mutants needs a clone of the repository');
  for (const path of new Set(stdout.split('\0'))) {
    // A link to packages elsewhere is no folder to git's rules; what is gone was removed and is not committed yet.
    if (path === '' || path === 'node_modules' || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path), { preserveTimestamps: true, verbatimSymlinks: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
}

function build(copy) {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: copy, stdio: 'inherit' });
  if (status !== 0) throw new Error('the tree does not build as it is');
}

/** Compiles one file at a time, without a look at types: milliseconds instead of seconds. */
function compiler(copy) {
  const ts = require('typescript');
  const { config } = ts.readConfigFile(join(copy, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, copy);
  const compilerOptions = { ...options, sourceMap: false };
  return (file, text) => ts.transpileModule(text, { compilerOptions, fileName: file }).outputText;
}

/** Runs test files by words of their paths. @returns whether all passed, and the first line that says what did not */
async function runTests(copy, words, limitMs) {
  const args = ['scripts/test.mjs', '--as-built', '--bail', ...words];
  const child = spawn(process.execPath, args, {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // its own process group: tap and the tests end with it
  });
  const kill = () => process.kill(-child.pid, 'SIGKILL');
  process.once('exit', kill);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  let isHung = false;
  const timer = setTimeout(() => {
    isHung = true;
    kill();
  }, limitMs);
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  clearTimeout(timer);
  process.off('exit', kill);
  const [, failure] = /^ *✗ (.*)$/m.exec(output) ?? [];
  if (status !== 0 && !isHung && failure === undefined)
    throw new Error(`the tests could not be run:\n${output}`);
  return { isGreen: status === 0, why: isHung ? 'the tests hang' : (failure ?? ''), output };
}

const testFile = (word) => `dist/tests/${word}.test`;

async function proveUnmutated(copy, mutants) {
  const words = [...new Set(mutants.flatMap(({ tests }) => tests))].sort();
  for (const word of words) {
    if (!existsSync(join(copy, `${testFile(word)}.js`))) throw new Error(`there is no tests/${word}.test.ts`);
  }
  console.log(`unmutated: ${words.join(' ')}`);
  const { isGreen, why, output } = await runTests(copy, words.map(testFile), UNMUTATED_LIMIT_MS);
  if (!isGreen) throw new Error(`the tests fail on the tree as it is: ${why}\n${output}`);
}

/** @returns whether the tests noticed */
async function tryMutant(copy, compile, mutant) {
  const startedMs = performance.now();
  const originals = new Map();
  for (const [file, text] of mutated(mutant)) {
    const compiled = join(copy, 'dist', file.replace(/\.ts$/, '.js'));
    originals.set(compiled, readFileSync(compiled));
    writeFileSync(compiled, compile(file, text));
  }
  await buildCommand(copy);
  const { isGreen, why } = await runTests(copy, mutant.tests.map(testFile), MUTANT_LIMIT_MS);
  for (const [compiled, bytes] of originals) writeFileSync(compiled, bytes);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const verdict = isGreen ? 'SURVIVED' : 'killed  ';
  console.log(`${verdict}  ${mutant.name} (${seconds} s)${why && `\n          ${why.slice(0, 140)}`}`);
  return !isGreen;
}

async function main() {
  const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  for (const mutant of MUTANTS) mutated(mutant);
  if (process.argv.includes('--check')) return console.log(`${MUTANTS.length} mutants fit the source`);
  const chosen = MUTANTS.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  if (chosen.length === 0) throw new Error(`no mutant matches ${words.join(', ')}`);
  const copy = mkdtempSync(join(tmpdir(), 'disktro-mutants-'));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(1));
  process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
  copyRepository(copy);
  build(copy);
  await proveUnmutated(copy, chosen);
  const compile = compiler(copy);
  const survivors = [];
  for (const mutant of chosen) if (!(await tryMutant(copy, compile, mutant))) survivors.push(mutant.name);
  console.log(`${chosen.length - survivors.length} killed, ${survivors.length} survived`);
  if (survivors.length > 0) throw new Error(`no test notices: ${survivors.join('; ')}`);
}

await runMain(main);
