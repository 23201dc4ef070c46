// @ts-check
/** One run of the bench: goes through the works asked for and gathers what they found. */
import { corpusBytes, ensureCorpus } from './corpus.mjs';
import { measureMemory, measureStartup } from './extra-works.mjs';
import { mebibytes, median, plainRow, sizeLabel, storedRows, timeRows, timing } from './figures.mjs';
import { disktro } from './peers.mjs';
import { programPath } from './programs.mjs';
import { runRounds } from './rounds.mjs';
import { memoryWork, startupWork, timedWorks } from './works.mjs';

/** @typedef {import('./corpus.mjs').Corpus} Corpus */
/** @typedef {import('./corpus.mjs').CorpusName} CorpusName */

/**
 * @typedef {import('./rounds.mjs').Bench & {hasMemory8: boolean}} SessionBench
 *
 * @typedef {object} Findings
 * @property {import('./figures.mjs').Row[]} rows
 * @property {import('./figures.mjs').Timing[]} timings
 * @property {Corpus[]} corpora those that were used
 * @property {boolean} isWhole no work failed
 */

/**
 * Runs the works named. One that fails is told in the log, and the others go on.
 *
 * @param {SessionBench} bench
 * @param {readonly string[]} names
 * @returns {Promise<Findings>}
 */
export async function runWorks(bench, names) {
  /** @type {Findings} */
  const findings = { rows: [], timings: [], corpora: [], isWhole: true };
  const works = [
    ...timedWorks.map((work) => ({ name: work.name, go: () => runTimed(bench, findings, work) })),
    { name: memoryWork.name, go: () => runMemory(bench, findings) },
    { name: startupWork.name, go: () => runStartup(bench, findings) },
  ];
  for (const work of works.filter(({ name }) => names.includes(name))) {
    try {
      await work.go();
    } catch (error) {
      if (bench.signal.aborted) throw error;
      findings.isWhole = false;
      bench.log(`${work.name} failed: ${error instanceof Error ? error.message : error}`);
    } finally {
      await bench.scratch.clear();
    }
  }
  return findings;
}

/**
 * @param {SessionBench} bench
 * @param {Findings} findings
 * @param {import('./works.mjs').TimedWork} work
 */
async function runTimed(bench, findings, work) {
  const { path: file, title: corpusTitle } = await corpus(bench, findings, work.corpus);
  const ours = work.ours ?? disktro;
  const wanted = [ours, ...work.rivals.map((rival) => rival.tool)];
  const tools = wanted.filter((tool) => tool.programs.every((name) => programPath(name)));
  const all = await runRounds(bench, { name: work.name, action: work.action, file, tools });
  const what = ours.setting === undefined ? corpusTitle : `${corpusTitle}, ${ours.setting}`;
  const title = `${work.verb} ${what}`;
  findings.rows.push(...timeRows(title, work.action, work.rivals, { ours, all }));
  findings.rows.push(...storedRows(`stored bytes, ${what}`, work.storedRivals ?? [], { ours, all }));
  findings.timings.push(...all.map((series) => timing(title, series)));
}

/**
 * @param {SessionBench} bench
 * @param {Findings} findings
 */
async function runMemory(bench, findings) {
  const { goalMib, runs } = memoryWork;
  const goal = { limit: goalMib.limit * 2 ** 20, aim: goalMib.aim * 2 ** 20 };
  /** @type {(readonly [CorpusName, number])[]} */
  const files = [['mixed', runs]];
  if (bench.hasMemory8) files.push(['mixed8', 1]);
  for (const [name, times] of files) {
    const { path: file, title } = await corpus(bench, findings, name);
    bench.log(`${memoryWork.name}  ${name}`);
    const peaks = await measureMemory(bench, { file, runs: times });
    for (const [verb, values] of Object.entries(peaks)) {
      const figure = Math.max(...values);
      const work = `peak memory, ${verb} ${title}`;
      findings.rows.push(
        plainRow({ work, ours: mebibytes(figure), peer: '', figure, goal, format: mebibytes }),
      );
    }
  }
}

/**
 * @param {SessionBench} bench
 * @param {Findings} findings
 */
async function runStartup(bench, findings) {
  bench.log(startupWork.name);
  const times = await measureStartup(bench, startupWork);
  const [ours, node] = [median(times.version), median(times.node)];
  findings.rows.push(
    plainRow({
      work: '--version / node -e 0',
      ours: `${ours.toFixed(0)} ms`,
      peer: `${node.toFixed(0)} ms`,
      figure: ours - node,
      goal: startupWork.goalMs,
      format: (ms) => `+${ms.toFixed(0)} ms`,
    }),
  );
}

/**
 * @param {SessionBench} bench
 * @param {Findings} findings
 * @param {CorpusName} name
 * @returns {Promise<{path: string, title: string}>}
 */
async function corpus(bench, findings, name) {
  const title = `${sizeLabel(corpusBytes(name, bench.unitBytes))} ${name}`;
  const known = findings.corpora.find((one) => one.name === name);
  if (known) return { path: known.path, title };
  const made = await ensureCorpus(name, bench);
  findings.corpora.push(made);
  return { path: made.path, title };
}
