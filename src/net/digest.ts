/**
 * Digests of what two nodes should both hold, so that equal halves are seen to be equal without listing them
 * (docs/PROTOCOL.md, "Comparing and repairing"). Ids fall into 4,096 groups by their first 12 bits: fewer than there are
 * buckets, so that an answer stays below 400 KiB however many objects there are.
 */
import { createHash, type Hash } from 'node:crypto';
import { idToBytes, type StoreId } from '../core/ids.js';

const GROUP_DIGITS = 3;
export const DIGEST_GROUPS = 16 ** GROUP_DIGITS;

const DIGEST = /^[0-9a-f]{64}$/;
const GROUP = /^(0|[1-9][0-9]{0,3})$/;

export interface GroupDigest {
  readonly count: number;
  /** SHA-256 of the group's ids as bytes, in ascending order, 64 hex digits. */
  readonly digest: string;
}

/** Group number to digest; groups without an object are absent. */
export type Digests = ReadonlyMap<number, GroupDigest>;

/** Groups in a row that are listed at once, both ends included. */
export interface GroupSpan {
  readonly first: number;
  readonly last: number;
}

/** The group of an object: the first 12 bits of its id, 0 to 4,095. */
export function digestGroupOf(id: StoreId): number {
  return Number.parseInt(id.slice(0, GROUP_DIGITS), 16);
}

/**
 * Digests of all groups in one pass.
 * @param sortedIds ascending, each once
 * @throws RangeError when they are not: the digest would compare as different for ever
 */
export function digestGroups(sortedIds: Iterable<StoreId>): Digests {
  const digests = new Map<number, GroupDigest>();
  let open: { group: number; count: number; hash: Hash } | undefined;
  let last = '';
  const close = (): void => {
    if (open) digests.set(open.group, { count: open.count, digest: open.hash.digest('hex') });
  };
  for (const id of sortedIds) {
    if (id <= last) throw new RangeError(`digest: expected ascending ids, got ${id} after ${last}`);
    last = id;
    const group = digestGroupOf(id);
    if (open?.group !== group) {
      close();
      open = { group, count: 0, hash: createHash('sha256') };
    }
    open.count++;
    open.hash.update(idToBytes(id));
  }
  close();
  return digests;
}

/** The groups that differ, ascending: those whose ids have to be compared one by one. */
export function differingGroups(mine: Digests, theirs: Digests): number[] {
  const groups = new Set([...mine.keys(), ...theirs.keys()]);
  return [...groups]
    .filter((group) => {
      const [here, there] = [mine.get(group), theirs.get(group)];
      return here?.digest !== there?.digest || here?.count !== there?.count;
    })
    .sort((a, b) => a - b);
}

/**
 * Few spans that hold all of these groups: listing a thousand groups of one object each would take as many requests.
 * @param groups ascending
 * @param sizes what the nodes have; a span of more than one group holds at most `maxIds` on each
 */
export function spansOf(groups: readonly number[], sizes: readonly Digests[], maxIds: number): GroupSpan[] {
  const spans: { first: number; last: number }[] = [];
  let ids = 0;
  for (const group of groups) {
    const open = spans.at(-1);
    for (let next = (open?.last ?? group - 1) + 1; next <= group; next++)
      ids += Math.max(0, ...sizes.map((digests) => digests.get(next)?.count ?? 0));
    if (open !== undefined && ids <= maxIds) open.last = group;
    else {
      spans.push({ first: group, last: group });
      ids = Math.max(0, ...sizes.map((digests) => digests.get(group)?.count ?? 0));
    }
  }
  return spans;
}

/** Digests as they go over the wire: the value of `groups` in the answer of `GET /digests`. */
export function digestsToJson(digests: Digests): Record<string, GroupDigest> {
  return Object.fromEntries(digests);
}

/** Reads the value of `groups`; undefined if any of it is not as docs/PROTOCOL.md says. */
export function digestsFromJson(json: unknown): Digests | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const digests = new Map<number, GroupDigest>();
  for (const [key, value] of Object.entries(json)) {
    const { count, digest } = (value ?? {}) as { readonly count?: unknown; readonly digest?: unknown };
    const isGroup = GROUP.test(key) && Number(key) < DIGEST_GROUPS;
    if (!isGroup || typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) return undefined;
    if (typeof digest !== 'string' || !DIGEST.test(digest)) return undefined;
    digests.set(Number(key), { count, digest });
  }
  return digests;
}
