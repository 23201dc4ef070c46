// @ts-check
/**
 * `npm run bench:peers`: starts a cluster on this machine, measures what copies, restoring and healing cost, and
 * writes PEERS.md after a full run. Removes everything it made.
 *   --quick          smaller: 64 MiB, 100 clients for 5 s; does not write PEERS.md
 *   --mib N --clients N --seconds N   sizes of one's own; `--write` writes PEERS.md all the same
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DemoMachine, patiently } from '../scripts/demo/machine.mjs';
import { describeMachine } from './machine.mjs';
import {
  askFigure,
  chunkFigures,
  healFigure,
  idleFigures,
  loadFigures,
  reassembleFigure,
} from './peers/measures.mjs';

const graceSeconds = 3;

/** @typedef {import('./peers/measures.mjs').Figure} Figure */

/** @param {Figure} figure */
const isMet = ({ measured, limit, isLeast }) => (isLeast ? measured >= limit : measured <= limit);

/** @param {Figure} figure */
function row(figure) {
  const { name, measured, limit, unit, isLeast } = figure;
  return `| ${name} | ${measured.toFixed(2)} ${unit} | ${isLeast ? 'at least' : 'at most'} ${limit} ${unit} | ${isMet(figure) ? 'ok' : 'MISS'} |`;
}

/** @param {readonly Figure[]} figures @param {string} settings */
function report(figures, settings) {
  const machine = describeMachine().map(([name, value]) => `| ${name} | ${value} |`);
  const table = [
    '| figure | measured | limit | verdict |',
    '| --- | ---: | ---: | --- |',
    ...figures.map(row),
  ];
  const place = ['| machine | |', '| --- | --- |', ...machine];
  return `# Peers\n\nWritten by \`npm run bench:peers\`. ${settings}\n\n${table.join('\n')}\n\n${place.join('\n')}\n`;
}

/** @param {string} folder @param {{mib: number, clients: number, seconds: number}} sizes */
async function measureAll(folder, { mib, clients, seconds }) {
  /** @type {Figure[]} */
  const figures = [];
  const tell = (/** @type {Figure[]} */ ...news) => {
    for (const figure of news) console.log(row(figure));
    figures.push(...news);
  };
  const alone = new DemoMachine(folder, 'alone');
  const machines = ['desk', 'attic', 'cellar', 'garage'].map((name) => new DemoMachine(folder, name));
  const [desk, attic, cellar, garage] = /** @type {[DemoMachine, DemoMachine, DemoMachine, DemoMachine]} */ (
    machines
  );
  const addPeer = async (/** @type {DemoMachine} */ machine) => {
    await machine.serve();
    machine.run('peers', 'join', desk.run('peers', 'invite'));
  };
  const idle = new DemoMachine(folder, 'idle', { DISKTRO_HEARTBEAT_INTERVAL: '30' });
  await idle.serve();
  tell(...(await idleFigures(idle, 60)));
  await idle.kill();
  await desk.serve();
  for (const peer of [attic, cellar]) await addPeer(peer);
  await patiently('all know each other', () =>
    [desk, attic, cellar].every((each) => each.knownCount() === 3),
  );
  for (const machine of [alone, desk]) machine.run('init', '--recovery-file', machine.path('recovery'));
  const { id, figure } = await chunkFigures(alone, desk, folder, mib);
  tell(figure);
  tell(await askFigure(desk, [attic, cellar, desk], 100_000));
  tell(...(await loadFigures(desk, attic, { clients, seconds })));
  tell(await reassembleFigure(desk, id));
  await desk.serve();
  await addPeer(garage);
  await patiently('desk has its objects again', () => desk.objects().size >= attic.objects().size, 300_000);
  tell(await healFigure([desk, garage, attic, cellar], graceSeconds));
  return figures;
}

const USAGE = 'usage: npm run bench:peers -- [--quick] [--mib N] [--clients N] [--seconds N] [--write]';

function readOptions() {
  return parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      mib: { type: 'string' },
      clients: { type: 'string' },
      seconds: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

async function main() {
  let values;
  try {
    values = readOptions();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (values.help) return console.log(USAGE);
  const usual = values.quick
    ? { mib: 64, clients: 100, seconds: 5 }
    : { mib: 1024, clients: 1000, seconds: 60 };
  const given = Object.entries(values).filter(([name, value]) => name in usual && value !== undefined);
  const sizes = { ...usual, ...Object.fromEntries(given.map(([name, value]) => [name, Number(value)])) };
  const folder = mkdtempSync(join(tmpdir(), 'disktro-bench-run-peers-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.once(signal, () => process.exit(130));
  try {
    const figures = await measureAll(folder, sizes);
    const settings = `${sizes.mib} MiB of random bytes; ${sizes.clients} clients for ${sizes.seconds} s.`;
    const text = report(figures, settings);
    const isFull = Object.keys(given).length === 0 && !values.quick;
    if (isFull || values.write) writeFileSync(new URL('PEERS.md', import.meta.url), text);
    else console.log(`\n${text}`);
  } finally {
    DemoMachine.endAll();
  }
}

await main();
