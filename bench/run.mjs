// @ts-check
/**
 * `npm run bench`: makes the corpora, races disktro against its peers, prints the table and, after a full run,
 * writes RESULTS.md. Cleans up after itself, also when interrupted.
 */
import { statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { keptBytes } from './corpus.mjs';
import { describeMachine } from './machine.mjs';
import { ensurePrograms, installHint, programPath } from './programs.mjs';
import { markdownReport, terminalReport } from './report.mjs';
import { findLeftovers, openScratch } from './scratch.mjs';
import { runWorks } from './session.mjs';
import { workNames } from './works.mjs';

const usage = `usage: npm run bench -- [options]
  --runs N          rounds of each work (default 5, with --quick 3)
  --quick           corpora of 128 MiB instead of 1 GiB; does not write RESULTS.md
  --only NAME,…     some of: ${workNames.join(', ')}; does not write RESULTS.md
  --memory8         peak memory on the eightfold corpus as well (the default of a full run)
  --no-memory8      not that: saves 20 GiB of disk
  --results FILE    write the results there, whatever was run
  --strict          exit 1 when a figure misses its limit
`;

const resultsFile = new URL('RESULTS.md', import.meta.url);
const quickBytes = 128 * 2 ** 20;
const fullBytes = 2 ** 30;
/** Disk a run needs at its widest, kept corpora included, as multiples of the size of one corpus. */
const spaceNeeded = { plain: 10, memory8: 24 };

/** @typedef {ReturnType<typeof parse>} Options */

process.exitCode = await main(process.argv.slice(2));

/**
 * @param {string[]} argv
 * @returns {Promise<number>} exit status
 */
async function main(argv) {
  const log = (/** @type {string} */ line) => console.error(`bench: ${line}`);
  try {
    const options = parse(argv);
    if (!options) return 0;
    const missing = ensurePrograms(log);
    if (missing.length > 0) log(installHint(missing));
    if (!programPath('time')) throw new Error('nothing can be measured without GNU time');
    await requireSpace(options);
    for (const path of await findLeftovers())
      log(`${path} is there from another run; remove it if none is going on`);
    return await measureAll(options, log);
  } catch (error) {
    log(error instanceof Error ? error.message : String(error));
    return 2;
  }
}

/** @param {string[]} argv */
function parse(argv) {
  const { values } = parseArgs({
    args: argv,
    allowNegative: true,
    options: {
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      memory8: { type: 'boolean' },
      results: { type: 'string' },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return undefined;
  }
  const runs = Number(values.runs ?? (values.quick ? 3 : 5));
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs: expected a number from 1, found ${values.runs}`);
  const names = values.only?.split(',') ?? workNames;
  const unknown = names.filter((name) => !workNames.includes(name));
  if (unknown.length > 0)
    throw new Error(`--only: expected ${workNames.join(', ')}, found ${unknown.join(', ')}`);
  const isFull = !values.quick && !values.only;
  return {
    runs,
    names,
    unitBytes: values.quick ? quickBytes : fullBytes,
    hasMemory8: values.memory8 ?? isFull,
    results: values.results ?? (isFull ? resultsFile : undefined),
    isStrict: values.strict,
  };
}

/**
 * @param {NonNullable<Options>} options
 * @param {(line: string) => void} log
 * @returns {Promise<number>} exit status
 */
async function measureAll(options, log) {
  const { signal, interruptedBy, release } = listenForInterrupts(log);
  const scratch = await openScratch();
  try {
    const machine = describeMachine();
    const { isWhole, ...findings } = await runWorks({ ...options, scratch, signal, log }, options.names);
    const settings = `Rounds: ${options.runs}; corpora of ${options.unitBytes / 2 ** 20} MiB.`;
    const report = { ...findings, machine, settings };
    console.log(terminalReport(report));
    if (options.results && isWhole) await writeFile(options.results, markdownReport(report));
    if (!isWhole) log('a work failed; no results file written');
    const isMissed = report.rows.some((row) => row.verdict === 'MISS');
    return !isWhole || (options.isStrict && isMissed) ? 1 : 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    return interruptedBy();
  } finally {
    await scratch.close();
    release();
  }
}

/**
 * Turns signals into an abort, so that everything unwinds and cleans up.
 *
 * @param {(line: string) => void} log
 */
function listenForInterrupts(log) {
  const controller = new AbortController();
  const statuses = /** @type {const} */ ({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 });
  let status = 0;
  const listen = (/** @type {keyof typeof statuses} */ name) => {
    log('stopping');
    status = statuses[name];
    controller.abort(new Error(`stopped by ${name}`));
  };
  const names = /** @type {(keyof typeof statuses)[]} */ (Object.keys(statuses));
  for (const name of names) process.on(name, listen);
  return {
    signal: controller.signal,
    interruptedBy: () => status,
    release: () => {
      for (const name of names) process.off(name, listen);
    },
  };
}

/** @param {NonNullable<Options>} options */
async function requireSpace({ unitBytes, hasMemory8 }) {
  const { bavail, bsize } = await statfs(tmpdir());
  const needed = unitBytes * (hasMemory8 ? spaceNeeded.memory8 : spaceNeeded.plain);
  const free = bavail * bsize + (await keptBytes());
  if (free >= needed) return;
  const gib = (/** @type {number} */ bytes) => (bytes / 2 ** 30).toFixed(1);
  throw new Error(`${tmpdir()}: expected ${gib(needed)} GiB free or in corpora, found ${gib(free)}`);
}
