// Runs the compiled tests through tap, shows each file with its result and each failure with its details,
// and prints `N passed, N failed` as its very last line: assertions, as tap itself has counted them.
//   node scripts/test.mjs                       everything, with a summary of coverage
//   node scripts/test.mjs core/chunker cli/ls   test files whose path contains one of these words
//   node scripts/test.mjs --as-built            what was compiled last, even if it had type errors
//   node scripts/test.mjs --grep=truncated      other options go to tap
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ensure, ensureTestTools, runMain } from './ensure.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/** The source of a compiled test: what a person wants to read and open. */
const toSource = (name) => name.replace(/^dist\//, '').replace(/\.js$/, '.ts');

function listTests(words) {
  const wanted = words.map((word) => word.replaceAll('\\', '/').replace(/\.ts$/, '.js'));
  return readdirSync(join(root, 'dist/tests'), { recursive: true })
    .map((path) => `dist/tests/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.js'))
    .filter((path) => wanted.length === 0 || wanted.some((word) => path.includes(word)))
    .sort();
}

/** Details of a failed assertion worth a person's time, in the order they help. */
function describeDiagnostics(diag) {
  const { diff, found, wanted, stack, at, signal, exitCode, expired, timeout, tapError, cause } = diag ?? {};
  const place = at?.fileName && `${at.fileName}:${at.lineNumber}:${at.columnNumber}`;
  const values = diff === undefined && (found !== undefined || wanted !== undefined);
  const lines = [
    tapError,
    diff,
    values && `found:  ${JSON.stringify(found)}\nwanted: ${JSON.stringify(wanted)}`,
    diag?.reason,
    signal && `killed by ${signal}`,
    expired && `ran out of time (${expired}${timeout ? `, ${timeout} ms` : ''})`,
    exitCode && `exit status ${exitCode}`,
    stack?.trimEnd() || place,
    cause && `cause: ${JSON.stringify(cause, null, 2)}`,
  ];
  return lines.filter(Boolean).join('\n').replace(/^/gm, '      ');
}

/** Reads TAP and prints what a person needs; `totals` is set once tap has printed its own count. */
class Report {
  totals;
  failures = 0;
  emptyFiles = 0;

  constructor() {
    const { Parser } = require('tap-parser');
    this.parser = new Parser();
    this.#watch(this.parser, []);
    this.parser.on('comment', (comment) => this.#readTotals(comment));
  }

  #watch(parser, path) {
    let failuresAtStart = this.failures;
    parser.on('child', (child) => {
      failuresAtStart = this.failures;
      this.#watch(child, [...path, child.name]);
    });
    parser.on('assert', (result) => {
      const isExplained = result.closingTestPoint && this.failures > failuresAtStart;
      if (!result.ok && !result.todo && !result.skip && !isExplained)
        this.#fail([...path, result.name], result);
      if (path.length === 0) this.#finishFile(result);
    });
    // What is not TAP is what a test has printed, or at the end the summary of coverage.
    parser.on('extra', (text) => {
      if (!/^\s*(1\.\.0|TAP version)/.test(text)) process.stdout.write(text);
    });
    parser.on('bailout', (reason) => console.log(`  bail out: ${reason}`));
  }

  #fail(path, result) {
    this.failures += 1;
    const [file, ...titles] = path;
    console.log(`  ✗ ${[toSource(file), ...titles].join(' > ')}`);
    const details = describeDiagnostics({ tapError: result.tapError, ...result.diag });
    if (details.trim()) console.log(details);
  }

  #finishFile(result) {
    // To tap that is a file to skip; here it is a test that cannot fail.
    if (result.skip === 'no tests found') {
      this.emptyFiles += 1;
      result.ok = false;
      console.log(`  ✗ ${toSource(result.name)} > asserts nothing`);
    }
    const took = result.time ? ` (${(result.time / 1000).toFixed(1)} s)` : '';
    console.log(`${result.ok ? 'ok  ' : 'FAIL'} ${toSource(result.name)}${took}`);
  }

  #readTotals(comment) {
    const match = /^# \{ (total: .*) \}$/m.exec(comment);
    if (!match) return;
    const counts = match[1].split(', ').map((pair) => pair.split(': '));
    this.totals = { pass: 0, fail: 0, todo: 0, skip: 0 };
    for (const [name, count] of counts) this.totals[name] = Number(count);
  }
}

/** Runs tap on the files; resolves to the report and how tap ended. What follows the TAP is shown as it is. */
function runTap(files, options) {
  const tap = join(dirname(require.resolve('tap/package.json')), 'dist/esm/run.mjs');
  const args = [tap, 'run', '--reporter=tap', '--no-color', ...options, ...files];
  const env = { ...process.env };
  // Under TAP=1, as in a test of this script, tap would not read its options.
  delete env.TAP;
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  const report = new Report();
  const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', (line) => report.parser.write(`${line}\n`));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      report.parser.end();
      resolve({ report, ending: signal ?? status });
    });
  });
}

async function main() {
  const args = process.argv.slice(2).filter((arg) => arg !== '--');
  const isAsBuilt = args.includes('--as-built');
  const options = args.filter((arg) => arg.startsWith('-') && arg !== '--as-built');
  const words = args.filter((arg) => !arg.startsWith('-'));
  let totals = { pass: 0, fail: 0 };
  try {
    await ensure({ withBuild: !isAsBuilt });
    const files = listTests(words);
    if (files.length === 0)
      throw new Error(`no test file${words.length ? ` matches ${words.join(', ')}` : ''}`);
    ensureTestTools(files);
    if (words.length > 0) options.push('--disable-coverage');
    const { report, ending } = await runTap(files, options);
    if (!report.totals) throw new Error(`tap ended with ${ending} before it had counted`);
    totals = report.totals;
    totals.fail += report.emptyFiles;
    if (totals.skip || totals.todo) console.log(`${totals.skip} skipped, ${totals.todo} to do`);
    if (totals.pass + totals.fail === 0) throw new Error('no test ran');
    if (totals.fail === 0 && ending !== 0) throw new Error(`tap ended with ${ending}`);
  } catch (error) {
    console.log(`disktro: ${error.message}`);
    totals.fail += 1;
  }
  if (totals.fail > 0) process.exitCode = 1;
  console.log(`${totals.pass} passed, ${totals.fail} failed`);
}

await runMain(main);
