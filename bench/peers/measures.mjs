// @ts-check
/** The figures of a cluster on this machine, each with its limit. Every one works on machines that are up. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DemoMachine, patiently } from '../../scripts/demo/machine.mjs';
import { median } from '../figures.mjs';
import { touchMemory } from '../settle.mjs';

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {number} measured
 * @property {number} limit
 * @property {string} unit
 * @property {boolean} [isLeast] the limit is the least, not the most
 */

const mib = 1 << 20;
const gib = 1 << 30;
const ROUNDS = 3;
const loader = fileURLToPath(new URL('load.mjs', import.meta.url));

/** @param {string} path @param {number} sizeMib */
function makeRandom(path, sizeMib) {
  const file = openSync(path, 'wx');
  for (let done = 0; done < sizeMib; done++) writeSync(file, randomBytes(mib));
  closeSync(file);
}

/** @param {() => void} work @returns {number} seconds */
function timed(work) {
  const startedMs = performance.now();
  work();
  return (performance.now() - startedMs) / 1000;
}

/** Both sides of a ratio find the same room: all copies' worth of memory that was in use a moment ago. */
const prepare = async (/** @type {string} */ file) => {
  spawnSync('sync');
  await touchMemory(`${file}.touched`, 4.5 * statSync(file).size);
};

/** @param {DemoMachine} alone @param {DemoMachine} desk @param {string} folder for the sources @param {number} sizeMib */
export async function chunkFigures(alone, desk, folder, sizeMib) {
  /** @type {{id: string, single: number, copied: number}[]} */
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const file = join(folder, `random-${round}`);
    makeRandom(file, sizeMib);
    await prepare(file);
    const single = timed(() => alone.run('--json', 'chunk', '--no-replicate', file));
    await prepare(file);
    let printed = '';
    const copied = timed(() => {
      printed = desk.run('--json', 'chunk', file);
    });
    const { id, copies } = JSON.parse(printed);
    if (copies.confirmed !== 3) throw new Error(`chunk: expected 3 copies, found ${copies.confirmed}`);
    rounds.push({ id, single, copied });
    rmSync(file);
  }
  const measured = median(rounds.map(({ copied }) => copied)) / median(rounds.map(({ single }) => single));
  return {
    id: rounds.map(({ id }) => id).at(-1) ?? '',
    figure: { name: 'chunk with copies on two peers / alone', measured, limit: 2.3, unit: '' },
  };
}

/** @param {DemoMachine} desk @param {string} id */
export async function reassembleFigure(desk, id) {
  const times = async () => {
    const seconds = [];
    for (let round = 0; round < ROUNDS; round++) {
      seconds.push(timed(() => desk.run('reassemble', id, '-o', 'out')));
      await prepare(desk.path('out'));
      rmSync(desk.path('out'));
    }
    return median(seconds);
  };
  const local = await times();
  await desk.kill();
  desk.loseObjects();
  const remote = await times();
  return { name: 'reassemble from peers only / local', measured: remote / local, limit: 2.0, unit: '' };
}

/** @param {readonly DemoMachine[]} machines the last one is lost @param {number} graceSeconds */
export async function healFigure(machines, graceSeconds) {
  const lost = /** @type {DemoMachine} */ (machines.at(-1));
  const others = machines.slice(0, -1);
  const objects = lost.objects();
  const bytes = [...objects].reduce((sum, id) => sum + statSync(lost.objectFile(id)).size, 0);
  await lost.kill();
  const startedMs = performance.now();
  await patiently(
    'three copies again',
    () => {
      const disks = others.map((machine) => machine.objects());
      return [...objects].every((id) => disks.filter((disk) => disk.has(id)).length >= 3);
    },
    300_000,
  );
  const seconds = (performance.now() - startedMs) / 1000 - graceSeconds;
  return {
    name: 'three copies again, for each GiB of a lost node, after the grace',
    measured: seconds / (bytes / gib),
    limit: 12,
    unit: 's',
  };
}

/** @param {DemoMachine} desk @param {readonly DemoMachine[]} peers @param {number} count */
export async function askFigure(desk, peers, count) {
  const { PeerClient } = await import('../../dist/src/net/peer-client.js');
  const read = (/** @type {string} */ name) => readFileSync(join(desk.home, 'node', name), 'utf8');
  const credentials = {
    keyPem: read('key.pem'),
    certificatePem: read('certificate.pem'),
    caPem: read('ca.pem'),
  };
  // What the figure before has written must not be on its way to the disk meanwhile.
  spawnSync('sync');
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const ids = /** @type {never[]} */ (
      Array.from({ length: count }, () => /** @type {never} */ (randomBytes(32).toString('hex')))
    );
    const clients = peers.map(
      ({ port }) => new PeerClient({ addresses: [`127.0.0.1:${port}`], credentials }),
    );
    const startedMs = performance.now();
    await Promise.all(clients.map((client) => client.lacking(ids)));
    rounds.push((performance.now() - startedMs) / 1000);
    await Promise.all(clients.map((client) => client.close()));
  }
  return {
    name: `asking ${peers.length} peers about ${count} ids`,
    measured: median(rounds),
    limit: 1.5 * (count / 100_000),
    unit: 's',
  };
}

/** @param {number} pid */
const cpuTicks = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

/** @param {number} pid @param {string} field @returns {number} bytes */
const memory = (pid, field) =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

/** @param {DemoMachine} machine @param {number} seconds */
export async function idleFigures(machine, seconds) {
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const before = cpuTicks(machine.pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const percent = cpuTicks(machine.pid) - before;
  return [
    {
      name: 'serve, idle: memory',
      measured: memory(machine.pid, 'VmRSS') / mib,
      limit: 90,
      unit: 'MiB',
    },
    {
      name: 'serve, idle: processor',
      measured: percent / seconds,
      limit: 0.5,
      unit: '%',
    },
  ];
}

/** @param {string[]} words */
async function load(words) {
  const child = spawn(process.execPath, [loader, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  child.stdout.on('data', (part) => {
    told += part;
  });
  await once(child, 'close');
  return JSON.parse(told);
}

/** @param {DemoMachine} client @param {DemoMachine} server @param {{clients: number, seconds: number}} how */
export async function loadFigures(client, server, { clients, seconds }) {
  const sizes = [...server.objects()].map((id) => ({ id, bytes: statSync(server.objectFile(id)).size }));
  const { id = '' } = sizes.sort((a, b) => Math.abs(a.bytes - mib) - Math.abs(b.bytes - mib))[0] ?? {};
  const words = (/** @type {number} */ count, /** @type {number} */ time) => [
    client.home,
    String(server.port),
    id,
    String(count),
    String(time),
  ];
  const one = await load(words(1, Math.min(10, seconds)));
  const many = await load(words(clients, seconds));
  const share = many.bytes / many.seconds / (one.bytes / one.seconds);
  return [
    { name: `${clients} clients: errors`, measured: many.errors, limit: 0, unit: '' },
    {
      name: `${clients} clients: most memory of the server`,
      measured: memory(server.pid, 'VmHWM') / mib,
      limit: 400,
      unit: 'MiB',
    },
    { name: `${clients} clients: rate / that of one`, measured: share, limit: 0.5, unit: '', isLeast: true },
  ];
}
