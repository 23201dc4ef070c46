/**
 * Which copies an audit looks at: a fair sample of all that other nodes are known or supposed to hold, in random order,
 * of bounded size whatever the number of objects.
 */
import { randomInt } from 'node:crypto';
import type { CopiedObject } from '../../catalog/copies.js';
import { eachCopiedObject } from '../../catalog/copies.js';
import type { NodeId } from '../../core/ids.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenHome } from '../home/home.js';

/** A copy of an object on another node. */
export interface AuditedCopy extends Omit<CopiedObject, 'nodes'> {
  readonly node: NodeId;
  /** Its node has confirmed it; else it is only where the object belongs. */
  readonly isKnown: boolean;
}

export interface AuditSample {
  readonly copies: readonly AuditedCopy[];
  /** Of which this is a sample. */
  readonly total: number;
}

/** More than can be asked about in an hour on a home network. */
const SAMPLE_SIZE = 50_000;

/** @param size most copies in the sample */
export function sampleCopies(home: OpenHome, cluster: Cluster, size = SAMPLE_SIZE): AuditSample {
  const copies: AuditedCopy[] = [];
  let total = 0;
  for (const copy of eachCopy(home, cluster)) {
    total++;
    // Each of the `total` seen so far is in the sample with the same chance.
    const place = copies.length < size ? copies.length : randomInt(total);
    if (place < size) copies[place] = copy;
  }
  shuffle(copies);
  return { copies, total };
}

function* eachCopy(home: OpenHome, cluster: Cluster): Generator<AuditedCopy> {
  const members = new Set(cluster.everyone());
  for (const { nodes, ...object } of eachCopiedObject(home.catalog)) {
    const known = nodes.filter((node) => members.has(node));
    for (const node of known) yield { ...object, node, isKnown: true };
    for (const node of cluster.holders(object.id)) {
      if (members.has(node) && !known.includes(node)) yield { ...object, node, isKnown: false };
    }
  }
}

function shuffle<T>(items: T[]): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    const [a, b] = [items[last] as T, items[other] as T];
    items[last] = b;
    items[other] = a;
  }
}
