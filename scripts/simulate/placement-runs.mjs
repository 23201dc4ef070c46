// Where objects lie, and what moves: the placement and repair planning of dist/src/net over buckets of 10 million objects.
import { BUCKET_BITS, BUCKETS, Placement } from '../../dist/src/net/placement.js';
import { planRepair } from '../../dist/src/net/repair-plan.js';

const NOBODY = 0xffff;

/** Node numbers of each bucket's holders, `replicas` to a bucket. `bits` below 20 joins neighbouring buckets. */
export function assign(nodes, replicas, bits = BUCKET_BITS) {
  const placement = new Placement(nodes, replicas);
  const numbers = new Map(nodes.map(({ id }, number) => [id, number]));
  const holders = new Uint16Array(2 ** bits * replicas).fill(NOBODY);
  for (let bucket = 0; bucket < 2 ** bits; bucket++) {
    const ids = placement.holders(bucket, replicas);
    for (let rank = 0; rank < ids.length; rank++) holders[bucket * replicas + rank] = numbers.get(ids[rank]);
  }
  return { nodes, replicas, bits, holders };
}

/** Bytes on each node. */
export function loadOf({ nodes, replicas, bits, holders }, bucketBytes) {
  const load = new Float64Array(nodes.length);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const start = (bucket >> (BUCKET_BITS - bits)) * replicas;
    for (let rank = 0; rank < replicas; rank++) {
      const node = holders[start + rank];
      if (node !== NOBODY) load[node] += bucketBytes[bucket];
    }
  }
  return load;
}

/** How full the fullest node is, as a multiple of the cluster's mean fill. */
export function balanceOf(assignment, bucketBytes) {
  const load = loadOf(assignment, bucketBytes);
  const capacities = assignment.nodes.map(({ capacityBytes }) => capacityBytes);
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const mean = sum(load) / sum(capacities);
  return Math.max(...load.map((bytes, node) => bytes / capacities[node] / mean));
}

/** Bytes that a holder of `after` has to be sent, because it was none before. */
export function movedBytes(before, after, bucketBytes) {
  const { replicas } = after;
  const oldNumbers = new Map(before.nodes.map(({ id }, number) => [id, number]));
  const toOld = after.nodes.map(({ id }) => oldNumbers.get(id) ?? NOBODY - 1);
  let moved = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const start = bucket * replicas;
    const old = before.holders.subarray(start, start + replicas);
    for (let rank = 0; rank < replicas; rank++) {
      if (!old.includes(toOld[after.holders[start + rank]])) moved += bucketBytes[bucket];
    }
  }
  return moved;
}

/** An id that stands for all objects of its bucket. */
const standIn = (bucket) =>
  bucket
    .toString(16)
    .padStart(BUCKET_BITS / 4, '0')
    .padEnd(64, '0');

/** Lets every live node plan its part of the repair of some buckets, and adds up what they would send. */
export function repair(nodes, replicas, buckets, havers, bucketBytes, isLive) {
  const placement = new Placement(nodes, replicas);
  const have = new Map(nodes.map(({ id }) => [id, new Set()]));
  for (const bucket of buckets) for (const id of havers(bucket)) have.get(id)?.add(standIn(bucket));
  const holdersOf = (id) => placement.holdersOfObject(id, replicas);
  const [sent, received, copies] = [new Map(), new Map(), new Map()];
  const count = (from, to, ids) => {
    for (const id of ids) {
      const bytes = bucketBytes[Number.parseInt(id.slice(0, BUCKET_BITS / 4), 16)];
      sent.set(from, (sent.get(from) ?? 0) + bytes);
      received.set(to, (received.get(to) ?? 0) + bytes);
      copies.set(`${id} ${to}`, (copies.get(`${id} ${to}`) ?? 0) + 1);
    }
  };
  for (const { id: self } of nodes) {
    const plan = planRepair({ self, holdersOf, isLive, have });
    for (const [to, ids] of plan.push) count(self, to, ids);
    for (const [from, ids] of plan.fetch) count(from, self, ids);
  }
  const ids = [...buckets].map(standIn);
  const wanted = ids.flatMap((id) =>
    holdersOf(id)
      .filter((to) => !have.get(to).has(id))
      .map((to) => `${id} ${to}`),
  );
  return {
    bytes: [...sent.values()].reduce((total, bytes) => total + bytes, 0),
    senders: sent.size,
    mostSent: Math.max(...sent.values()),
    mostReceived: Math.max(...received.values()),
    notMade: wanted.filter((copy) => !copies.has(copy)).length,
    madeTwice: [...copies.values()].filter((times) => times > 1).length,
  };
}
