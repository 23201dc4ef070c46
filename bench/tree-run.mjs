// @ts-check
/**
 * `npm run bench:tree`: a tree of real files, stored and stored again, by disktro, restic and borg in turn; writes
 * TREES.md. In each round every tool gets a new repository and does all the works, beginning with another tool each time.
 * All of it stays to the end: right after the deletion of many files some file systems look long for a free inode.
 * What disktro restores is durable when it ends: the time that the file system then takes with what the others restored
 * is measured too.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { mebibytes, median, seconds } from './figures.mjs';
import { describeMachine } from './machine.mjs';
import { measure, run } from './measure.mjs';
import { readOptions } from './options.mjs';
import { borg, command, disktro, restic } from './peers.mjs';
import { openScratch } from './scratch.mjs';
import { treeCorpus } from './tree/corpus.mjs';

/** @typedef {import('./peers.mjs').Tool} Tool */
/** @typedef {import('./scratch.mjs').Room} Room */
/** @typedef {import('./measure.mjs').Sample} Sample */
/** @typedef {'first' | 'unchanged' | 'ten files touched' | 'restore'} Work */
/** @typedef {Work | 'restore, durable'} Measured */

const usage = `usage: npm run bench:tree -- [options]
  --runs N      rounds that count, after one that does not (default 3)
  --no-write    prints only, and leaves TREES.md as it is
`;

/** borg names its archives; a second one needs another name. */
const borgTree = {
  ...borg,
  backup: (/** @type {Room} */ room, /** @type {string} */ path) => {
    const { argv, ...rest } = borg.backup(room, path);
    return { ...rest, argv: argv.map((word) => (word === '::one' ? '::{now:%s.%f}' : word)) };
  },
  restore: (/** @type {Room} */ room) => {
    const rest = borg.restore(room, '');
    const script = 'exec borg extract "::$(borg list --short --last 1)"';
    return { ...rest, argv: ['sh', '-c', script] };
  },
};

/** disktro without `--force`, and a folder as the target. */
const disktroTree = {
  ...disktro,
  restore: (/** @type {Room} */ room, /** @type {string} */ path) => {
    const { argv, ...rest } = disktro.restore(room, path);
    return { ...rest, argv: argv.filter((word) => word !== '--force') };
  },
};

const tools = /** @type {readonly Tool[]} */ ([disktroTree, restic, borgTree]);
const works = /** @type {readonly Work[]} */ (['first', 'unchanged', 'ten files touched', 'restore']);

/** Limits of our time against that of others, in one run. */
const goals = /** @type {const} */ ([
  { work: 'first', peer: 'restic', limit: 0.6, aim: 0.4 },
  { work: 'first', peer: 'borg', limit: 0.9, aim: 0.6 },
  { work: 'unchanged', peer: 'restic', limit: 0.6, aim: 0.3 },
  { work: 'restore', peer: 'restic', limit: 0.7, aim: 0.5 },
  { work: 'restore, durable', peer: 'restic', limit: 0.7, aim: 0.5 },
]);
const storedGoal = { peer: 'borg', limit: 1.05, aim: 1 };

/** @type {Map<string, Sample[]>} */
const samples = new Map();
/** @type {Map<string, number>} */
const stored = new Map();
const key = (/** @type {string} */ tool, /** @type {string} */ work) => `${tool}: ${work}`;

/** @param {import('./tree/corpus.mjs').TreeCorpus} corpus @param {Room} room @param {Tool} tool @param {boolean} counts @param {AbortSignal} signal */
async function round(corpus, room, tool, counts, signal) {
  for (const step of tool.init(room)) await run(step, { signal });
  for (const work of works) {
    if (work === 'ten files touched') touchTen(corpus.files);
    // What is fresher than two seconds is read again by careful tools, and would blur what is measured next.
    await sleep(2500, undefined, { signal });
    await run(command(room, ['sync', '-f', room.path]), { signal });
    const act = work === 'restore' ? tool.restore(room, corpus.path) : tool.backup(room, corpus.path);
    try {
      const sample = await measure(act, { signal, statsFile: `${room.path}.stats` });
      if (work !== 'restore') room.lastPrinted = sample.stdout.trim();
      console.error(`bench: ${counts ? '' : 'warm-up '}${tool.name}  ${work}  ${seconds(sample.wallMs)}`);
      if (counts) note(tool, work, sample);
      if (work === 'restore') {
        const syncing = command(room, ['sync', '-f', room.at('out')]);
        const synced = await measure(syncing, { signal, statsFile: `${room.path}.stats` });
        const wallMs = sample.wallMs + synced.wallMs;
        if (counts) note(tool, 'restore, durable', { ...sample, wallMs, cpuMs: sample.cpuMs + synced.cpuMs });
      }
    } catch (error) {
      signal.throwIfAborted();
      console.error(`bench: ${tool.name}  ${work} failed: ${error instanceof Error ? error.message : error}`);
    }
    if (work === 'first') stored.set(tool.name, await storedBytes(room, tool, signal));
  }
}

/** @param {Tool} tool @param {Measured} work @param {Sample} sample */
function note(tool, work, sample) {
  const name = key(tool.name, work);
  samples.set(name, [...(samples.get(name) ?? []), sample]);
}

/** @param {readonly string[]} files */
function touchTen(files) {
  const every = Math.floor(files.length / 10);
  for (let index = 0; index < 10; index++) appendFileSync(files[index * every] ?? '', '\n');
}

/** @param {Room} room @param {Tool} tool @param {AbortSignal} signal */
async function storedBytes(room, tool, signal) {
  const argv = ['du', '-s', '--apparent-size', '--block-size=1', '--', tool.storedPath(room)];
  return Number.parseInt((await run(command(room, argv), { signal })).stdout, 10);
}

/** @param {number} ratio @param {{limit: number, aim: number}} goal */
const verdict = (ratio, { limit, aim }) => (ratio <= aim ? 'aim' : ratio <= limit ? 'ok' : 'MISS');

/** @param {string} tool @param {string} work @param {'wallMs' | 'cpuMs' | 'peakBytes'} figure */
function middle(tool, work, figure) {
  const found = samples.get(key(tool, work));
  return found === undefined ? undefined : median(found.map((sample) => sample[figure]));
}

/** @param {string} heading @param {number | undefined} ours @param {number | undefined} theirs @param {{limit: number, aim: number}} goal @param {(figure: number) => string} format */
function ratioRow(heading, ours, theirs, goal, format) {
  if (ours === undefined || theirs === undefined)
    return `| ${heading} | | | | ${goal.limit} | ${goal.aim} | not measured |`;
  const ratio = ours / theirs;
  return `| ${heading} | ${format(ours)} | ${format(theirs)} | ${ratio.toFixed(2)} | ${goal.limit} | ${goal.aim} | ${verdict(ratio, goal)} |`;
}

/** @param {import('./tree/corpus.mjs').TreeCorpus} corpus @param {number} runs */
function report(corpus, runs) {
  const ratios = goals.flatMap((goal) => {
    const { work, peer } = goal;
    const of = (/** @type {'wallMs' | 'cpuMs'} */ figure) =>
      /** @type {const} */ ([middle('disktro', work, figure), middle(peer, work, figure)]);
    return [
      ratioRow(`${work} / ${peer}`, ...of('wallMs'), goal, seconds),
      ratioRow(`${work} / ${peer}, processor time`, ...of('cpuMs'), goal, seconds),
    ];
  });
  const size = ratioRow(
    'stored size / borg',
    stored.get('disktro'),
    stored.get('borg'),
    storedGoal,
    mebibytes,
  );
  const times = [...works, 'restore, durable'].flatMap((work) =>
    tools.map(({ name }) => {
      const wall = middle(name, work, 'wallMs');
      if (wall === undefined) return `| ${work} | ${name} | not measured | | |`;
      const [cpu = 0, peak = 0] = [middle(name, work, 'cpuMs'), middle(name, work, 'peakBytes')];
      return `| ${work} | ${name} | ${seconds(wall)} | ${seconds(cpu)} | ${mebibytes(peak)} |`;
    }),
  );
  const sizes = tools.map(({ name }) => `| stored | ${name} | | | ${mebibytes(stored.get(name) ?? 0)} |`);
  return [
    '# Trees',
    '',
    `Written by \`npm run bench:tree\`. ${corpus.files.length} files of /usr/include and /usr/share, ${mebibytes(corpus.bytes)}; medians of ${runs} rounds.`,
    '',
    '| work | disktro | peer | ratio | limit | aim | |',
    '| --- | ---: | ---: | ---: | ---: | ---: | --- |',
    ...ratios,
    size,
    '',
    '| work | tool | time | processor time | peak memory, or bytes |',
    '| --- | --- | ---: | ---: | ---: |',
    ...times,
    ...sizes,
    '',
    '| machine | |',
    '| --- | --- |',
    ...describeMachine().map(([name, value]) => `| ${name} | ${value} |`),
    '',
  ].join('\n');
}

async function main() {
  const values = readOptions(usage, {
    runs: { type: 'string', default: '3' },
    write: { type: 'boolean', default: true },
  });
  const runs = Number(values.runs);
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'])
    process.on(name, () => controller.abort(new Error(`stopped by ${name}`)));
  const { signal } = controller;
  const scratch = await openScratch();
  try {
    const corpus = await treeCorpus(signal);
    for (let turn = 0; turn <= runs; turn++) {
      for (let index = 0; index < tools.length; index++) {
        const tool = tools[(turn + index) % tools.length];
        if (tool === undefined) continue;
        const room = await scratch.openRoom();
        await round(corpus, room, tool, turn > 0, signal);
      }
    }
    const text = report(corpus, runs);
    console.log(text);
    if (values.write) writeFileSync(new URL('TREES.md', import.meta.url), text);
  } finally {
    await scratch.close();
  }
}

await main();
