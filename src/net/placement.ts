/**
 * Which nodes hold which objects: weighted rendezvous hashing (docs/PROTOCOL.md, "Placement"). Every node that knows
 * the same members works out the same holders, and when one joins or goes only its own share moves.
 * Knows no network, and not whether a node is there.
 */
import { sha256 } from '../core/hashes.js';
import type { NodeId, StoreId } from '../core/ids.js';

/** 2^20: with fewer, the fullest of 1,000 nodes holds over 15 % more than its share (docs/SCALE.md). */
export const BUCKET_BITS = 20;
export const BUCKETS = 2 ** BUCKET_BITS;
const BUCKET_DIGITS = BUCKET_BITS / 4;

const UINT32 = 2 ** 32;
/** How many ranks are remembered of each bucket: the usual 3 replicas, and one to take the place of one that fails. */
const DEFAULT_DEPTH = 4;

/** What placement asks of a member. Ids are distinct. */
export interface PlacementNode {
  readonly id: NodeId;
  /** Its weight: a node of twice the capacity gets twice the buckets. 0 gets what nobody else can take. */
  readonly capacityBytes: number;
  /** Copies go to distinct zones first; a node without one is in the zone with the empty name. */
  readonly zone: string;
}

/** The bucket of an object: the first 20 bits of its id, 0 to 1,048,575. */
export function bucketOf(id: StoreId): number {
  return Number.parseInt(id.slice(0, BUCKET_DIGITS), 16);
}

/** Where the hash of a node begins: two numbers of 32 bits. */
function seedsOf(id: NodeId): readonly [number, number] {
  const digest = sha256(Buffer.from(`disktro/v1/place\n${id}`));
  return [digest.readInt32BE(0), digest.readInt32BE(4)];
}

/** The finaliser of MurmurHash3, a bijection on 32 bits. */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** A number in (0, 1), even over buckets and nodes: 3 ns, where a SHA-256 for each pair takes 2 µs. */
function fractionOf(bucket: number, first: number, second: number): number {
  return ((mix((mix(bucket ^ first) + second) | 0) >>> 0) + 0.5) / UINT32;
}

/**
 * The holders of each bucket among a fixed set of nodes: of each zone its best node, in the order of their scores, then of
 * each zone its second best, and so on. Each bucket is ranked once.
 * Remembers 16 bytes for each bucket at the default depth, in pages that are only taken when they are touched.
 */
export class Placement {
  readonly #ids: readonly NodeId[];
  /** What a score is made of, by node number. */
  readonly #columns: {
    readonly firstSeeds: Int32Array;
    readonly secondSeeds: Int32Array;
    readonly capacities: Float64Array;
    readonly zones: Int32Array;
  };
  readonly #zoneCount: number;
  readonly #depth: number;
  /** Node numbers + 1 of each bucket's best; 0 where nothing was worked out yet. */
  readonly #ranks: Uint32Array;

  /** @param depth how many ranks of a bucket are remembered; asking for more works, and is worked out each time */
  constructor(nodes: readonly PlacementNode[], depth = DEFAULT_DEPTH) {
    // In the order of their ids, the first of two equal scores is the one with the lower id.
    const sorted = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1));
    const seeds = sorted.map(({ id }) => seedsOf(id));
    const zones = [...new Set(sorted.map(({ zone }) => zone))];
    const zoneNumbers = new Map(zones.map((zone, index) => [zone, index]));
    this.#ids = sorted.map(({ id }) => id);
    this.#columns = {
      firstSeeds: Int32Array.from(seeds, ([first]) => first),
      secondSeeds: Int32Array.from(seeds, ([, second]) => second),
      capacities: Float64Array.from(sorted, ({ capacityBytes }) => capacityBytes),
      zones: Int32Array.from(sorted, ({ zone }) => zoneNumbers.get(zone) ?? 0),
    };
    this.#zoneCount = zones.length;
    this.#depth = Math.min(depth, sorted.length);
    this.#ranks = new Uint32Array(BUCKETS * this.#depth);
  }

  /** The `count` best holders of a bucket, best first, or all nodes if there are fewer. */
  holders(bucket: number, count: number): NodeId[] {
    const wanted = Math.min(count, this.#ids.length);
    if (wanted > this.#depth) return this.#name(this.#select(bucket, wanted));
    const start = bucket * this.#depth;
    if (this.#ranks[start] === 0) {
      for (const [rank, node] of this.#select(bucket, this.#depth).entries()) {
        this.#ranks[start + rank] = node + 1;
      }
    }
    return this.#name(Array.from(this.#ranks.subarray(start, start + wanted), (number) => number - 1));
  }

  /** The `count` best holders of an object, best first. */
  holdersOfObject(id: StoreId, count: number): NodeId[] {
    return this.holders(bucketOf(id), count);
  }

  #name(nodes: readonly number[]): NodeId[] {
    return nodes.map((node) => this.#ids[node] as NodeId);
  }

  /** Node numbers, best first. Keeps the best of each zone, then takes one of each in turns. */
  #select(bucket: number, count: number): number[] {
    // The other zones take a turn before this one has its second, so no zone can give more than this.
    const room = Math.max(1, count - this.#zoneCount + 1);
    const scores = new Float64Array(this.#zoneCount * room).fill(-1);
    const nodes = new Int32Array(this.#zoneCount * room).fill(-1);
    const { zones, capacities, firstSeeds, secondSeeds } = this.#columns;
    for (let node = 0; node < zones.length; node++) {
      const start = (zones[node] as number) * room;
      const least = scores[start + room - 1] as number;
      const capacity = capacities[node] as number;
      const fraction = fractionOf(bucket, firstSeeds[node] as number, secondSeeds[node] as number);
      // -ln(h) ≥ 1 - h: most nodes are out of the running without a logarithm, which takes twice as long as the rest.
      if (capacity < least * (1 - fraction)) continue;
      const score = -capacity / Math.log(fraction);
      if (score <= least) continue;
      let place = start + room - 1;
      for (; place > start && (scores[place - 1] as number) < score; place--) {
        scores[place] = scores[place - 1] as number;
        nodes[place] = nodes[place - 1] as number;
      }
      scores[place] = score;
      nodes[place] = node;
    }
    return this.#takeTurns(scores, nodes, room, count);
  }

  #takeTurns(scores: Float64Array, nodes: Int32Array, room: number, count: number): number[] {
    const taken: number[] = [];
    for (let round = 0; round < room && taken.length < count; round++) {
      const places: number[] = [];
      for (let place = round; place < nodes.length; place += room) {
        if (nodes[place] !== -1) places.push(place);
      }
      const order = (a: number, b: number): number =>
        (scores[b] as number) - (scores[a] as number) || (nodes[a] as number) - (nodes[b] as number);
      for (const place of places.sort(order).slice(0, count - taken.length))
        taken.push(nodes[place] as number);
    }
    return taken;
  }
}
