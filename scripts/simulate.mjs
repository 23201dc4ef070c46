// Runs the real placement, membership and repair planning under a simulated clock and network, with 1,000 nodes and
// 10 million objects, prints the figures of docs/SCALE.md and ends with status 1 when one misses its limit.
//   node scripts/simulate.mjs                  everything
//   node scripts/simulate.mjs --seed=7         other objects and nodes
//   node scripts/simulate.mjs --objects=100000 fewer objects: quick, but then their number limits the balance
import { parseArgs } from 'node:util';
import { runMain } from './ensure.mjs';
import { Chance, fillBuckets, makeNodes } from './simulate/cluster.mjs';
import {
  GossipNetwork,
  idleCost,
  isShortAbsenceHarmless,
  roundsUntilKnown,
  roundsUntilMissed,
} from './simulate/gossip-runs.mjs';
import { assign, balanceOf, loadOf, movedBytes, repair } from './simulate/placement-runs.mjs';

const NODES = 1000;
const REPLICAS = 3;
const BALANCE_LIMIT = 1.15;
const MOVED_LIMIT = 1.1;
const GRACE_MS = 900_000;
const TERABYTES = [1, 2, 4];
const ZONES = 20;
/** New nodes, one after another. */
const JOINS = 5;

const rows = [];

/** A line of the table; one without a limit is for information. */
function report(what, figure, limit, isGood = limit === undefined || figure <= limit) {
  const text = typeof figure === 'number' ? figure.toFixed(3).replace(/\.?0+$/, '') : figure;
  const shown =
    limit === undefined ? '' : typeof limit === 'number' ? `≤ ${+limit.toFixed(1 + (limit < 2))}` : limit;
  rows.push({ what, isGood });
  const verdict = limit === undefined ? '' : isGood ? 'ok' : 'MISSED';
  console.log(`| ${what.padEnd(72)} | ${text.padStart(16)} | ${shown.padEnd(8)} | ${verdict.padEnd(6)} |`);
}

const mixed = (number) => TERABYTES[number % TERABYTES.length];
const zoned = (number) => `zone-${number % ZONES}`;
const inGib = (bytes) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

function simulateBalance(chance, bytes) {
  const equal = makeNodes(chance, NODES);
  for (const bits of [12, 16, 18]) {
    report(
      `fullest node / mean, if buckets were ${bits} bits`,
      balanceOf(assign(equal, REPLICAS, bits), bytes),
    );
  }
  const assigned = assign(equal, REPLICAS);
  report('fullest node / mean, equal capacities', balanceOf(assigned, bytes), BALANCE_LIMIT);
  const unequal = assign(makeNodes(chance, NODES, { capacityOf: mixed }), REPLICAS);
  report('fullest node / mean for its capacity, 1, 2 and 4 TiB', balanceOf(unequal, bytes), BALANCE_LIMIT);
  const inZones = assign(makeNodes(chance, NODES, { zoneOf: zoned }), REPLICAS);
  report(`fullest node / mean, ${ZONES} zones`, balanceOf(inZones, bytes), BALANCE_LIMIT);
  const few = assign(makeNodes(chance, 10, { capacityOf: mixed }), REPLICAS);
  report('fullest node / mean for its capacity, 10 nodes of 1, 2 and 4 TiB', balanceOf(few, bytes));
  return { equal: assigned, inZones };
}

function simulateMoves(chance, bytes, before, kind, options) {
  const [joining] = makeNodes(chance, 1, options);
  const joined = assign([...before.nodes, joining], REPLICAS);
  const share = loadOf(joined, bytes)[before.nodes.length];
  report(
    `bytes moved / the new node's share, a node joins, ${kind}`,
    movedBytes(before, joined, bytes) / share,
    MOVED_LIMIT,
  );
  const [lost, ...left] = before.nodes;
  const after = assign(left, REPLICAS);
  const held = loadOf(before, bytes)[0];
  report(
    `bytes moved / the lost node's share, a node goes, ${kind}`,
    movedBytes(before, after, bytes) / held,
    MOVED_LIMIT,
  );
  return { lost, left, held };
}

function simulateRepair(before, bytes, { lost, left, held }) {
  const holdersOf = (bucket) =>
    Array.from(
      before.holders.subarray(bucket * REPLICAS, (bucket + 1) * REPLICAS),
      (node) => before.nodes[node].id,
    );
  const affected = [];
  for (let bucket = 0; bucket < bytes.length; bucket++) {
    if (bytes[bucket] > 0 && holdersOf(bucket).includes(lost.id)) affected.push(bucket);
  }
  const havers = (bucket) => holdersOf(bucket).filter((id) => id !== lost.id);
  const gone = repair(left, REPLICAS, affected, havers, bytes, (id) => id !== lost.id);
  report('a node is lost for good: bytes it held', inGib(held));
  report('  bytes sent by the others / bytes it held', gone.bytes / held, MOVED_LIMIT);
  report('  copies not made, or made twice', gone.notMade + gone.madeTwice, 0);
  report('  nodes that send; most sent by one', `${gone.senders}; ${inGib(gone.mostSent)}`);
  report('  most received by one', inGib(gone.mostReceived));
  const empty = repair(before.nodes, REPLICAS, affected, havers, bytes, () => true);
  report('a node comes back with an empty disk: bytes sent / bytes it held', empty.bytes / held, MOVED_LIMIT);
  report('  copies not made, or made twice', empty.notMade + empty.madeTwice, 0);
}

function simulateGossip(chance, count) {
  const network = new GossipNetwork(chance, count);
  const rounds = roundsUntilKnown(network, JOINS);
  const mean = rounds.reduce((total, number) => total + number, 0) / rounds.length;
  report(`${count} nodes: heartbeats until all know a new one, mean of ${JOINS}`, mean);
  report(
    `${count} nodes: heartbeats until all know a new one, worst of ${JOINS}`,
    Math.max(...rounds),
    2 * Math.log2(count),
  );
  const { messagesPerSecond, messageBytes } = idleCost(network, 10);
  report(`${count} nodes: messages per node and second`, messagesPerSecond);
  report(`${count} nodes: bytes of a message when there is no news`, messageBytes);
  const isHarmless = isShortAbsenceHarmless(network, GRACE_MS);
  report(
    `${count} nodes: holders that change when 1 % are away for 30 s`,
    isHarmless ? '0' : 'some',
    '0',
    isHarmless,
  );
  if (count <= 100) {
    const { half, all } = roundsUntilMissed(network);
    report(`${count} nodes: heartbeats until half, and all, have missed a dead one`, `${half}, ${all}`);
  }
  return { messagesPerSecond, signaturesChecked: network.signaturesChecked };
}

function main() {
  const options = {
    seed: { type: 'string', default: '1' },
    objects: { type: 'string', default: '10000000' },
  };
  const { seed, objects } = parseArgs({ options }).values;
  const chance = new Chance(seed);
  const started = performance.now();
  console.log(`${NODES} nodes, ${objects} objects, ${REPLICAS} replicas, seed ${seed}\n`);
  console.log(`| ${'figure'.padEnd(72)} | ${'measured'.padStart(16)} | limit    |        |`);
  console.log(`|${'-'.repeat(74)}|${'-'.repeat(17)}:|----------|--------|`);
  const bytes = fillBuckets(chance, Number(objects));
  const { equal, inZones } = simulateBalance(chance, bytes);
  const loss = simulateMoves(chance, bytes, equal, 'no zones', {});
  simulateMoves(chance, bytes, inZones, `${ZONES} zones`, { zoneOf: zoned });
  simulateRepair(equal, bytes, loss);
  const costs = [10, 100, NODES].map((count) => simulateGossip(chance, count));
  const rates = costs.map(({ messagesPerSecond }) => messagesPerSecond);
  report(
    'messages per node and second: most / least of the three',
    Math.max(...rates) / Math.min(...rates),
    MOVED_LIMIT,
  );
  const missed = rows.filter(({ isGood }) => !isGood).map(({ what }) => what.trim());
  const checks = costs.reduce((total, { signaturesChecked }) => total + signaturesChecked, 0);
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `\n${checks} signatures checked; ${((performance.now() - started) / 1000).toFixed(0)} s, ${megabytes} MiB`,
  );
  if (missed.length > 0) throw new Error(`${missed.length} limits missed: ${missed.join('; ')}`);
}

await runMain(main);
