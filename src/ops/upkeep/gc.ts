/**
 * Frees what no file needs any more, in the order that keeps a running `chunk` and a crash safe: tombstone, grace,
 * check again under the lock, unlink, fsync of the folder, row (docs/FORMAT.md, "Deleting"). Needs no key; with the vault's
 * own it first enters what a killed process left.
 */

import fs from 'node:fs';
import {
  beginFreeing,
  countFreeable,
  countTombstones,
  entombOrphans,
  finishFreeing,
  restartFutureTombstones,
} from '../../catalog/garbage.js';
import { isRebuildIncomplete, setMeta } from '../../catalog/meta.js';
import type { ObjectRow } from '../../catalog/objects.js';
import { lastSessionId, liveSessions } from '../../catalog/sessions.js';
import type { StoreId } from '../../core/ids.js';
import type { ObjectKind } from '../../core/object.js';
import { DisktroError, isDisktroError, throwIfAborted } from '../../errors.js';
import { MAX_BATCH_OBJECTS } from '../../limits.js';
import type { Home, OpenHome } from '../home/home.js';
import { OpenVault, openedHome } from '../home/vault.js';
import { enterUnknownManifests, unknownManifests } from './unknown-manifests.js';

export interface GcOptions {
  /** How long an object must have been unreferenced; default 24 h, 0 frees at once. */
  readonly graceSeconds?: number | undefined;
  /** Count only. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

export interface GcResult {
  readonly examined: number;
  /** Objects newly found unreferenced. */
  readonly tombstoned: number;
  readonly freed: number;
  readonly freedBytes: number;
  /** Unreferenced, but their grace is not over or a running `chunk` may need them. */
  readonly waiting: number;
  /** The catalog does not know all that may be needed: nothing but removed manifests is freed until it does. */
  readonly incomplete: boolean;
  /** Files that the catalog did not know and that are listed since now: it takes the vault's keys. */
  readonly entered: number;
  /** Manifests that the catalog still does not know. */
  readonly unknown: number;
  readonly seconds: number;
}

const DEFAULT_GRACE_SECONDS = 24 * 60 * 60;
/** On a node, `serve` takes objects in beside this process: a file this young may be about to get its row. */
const ARRIVAL_MS = 60 * 60 * 1000;

/** @throws E_READ_ONLY, E_LOCKED, E_IO; stopping it half way loses nothing, the next run goes on */
export async function collectGarbage(home: Home, options: GcOptions = {}): Promise<GcResult> {
  const startedMs = performance.now();
  const open = openedHome(home);
  if (open.isReadOnly) throw new DisktroError('E_READ_ONLY', `home ${open.path} is open for reading only`);
  const { catalog, objects } = open;
  const examined = objects.totals().objects;
  const nowMs = Date.now();
  const beforeMs = nowMs - (options.graceSeconds ?? DEFAULT_GRACE_SECONDS) * 1000;
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  if (options.dryRun === true) return { ...(await countOnly(open, beforeMs)), examined, seconds: seconds() };
  const entered = home instanceof OpenVault ? await enterUnknownManifests(home, options.signal) : 0;
  // A process that is killed from here on may leave a manifest that is not seen below: it counts as live to the end.
  const next = lastSessionId(catalog) + 1;
  const liveAtFirst = liveIds(open);
  const live = (): readonly number[] => [...liveAtFirst, ...liveIds(open), next].sort((a, b) => a - b);
  const unknown = (await unknownManifests(open)).length;
  // What a rebuild could not read may need anything: until one could read all, only removed manifests go.
  const isComplete = !isRebuildIncomplete(catalog) && unknown === 0;
  restartFutureTombstones(catalog, nowMs);
  const tombstoned = entombOrphans(catalog, live, nowMs).length;
  const total = countTombstones(catalog).objects;
  const freed = { objects: 0, bytes: 0 };
  const add = (objectsFreed: number, bytes: number): void => {
    freed.objects += objectsFreed;
    freed.bytes += bytes;
    options.onProgress?.({ done: freed.objects, total });
  };
  const locked: Locked = { rows: [], refusal: undefined };
  for (;;) {
    throwIfAborted(options.signal);
    const rows = beginFreeing(
      catalog,
      beforeMs,
      live,
      MAX_BATCH_OBJECTS,
      isComplete ? 'everything' : 'manifests',
      locked.rows,
    );
    if (rows.length === 0) break;
    const gone = await deleteFiles(open, rows, locked);
    finishFreeing(catalog, gone);
    add(
      gone.length,
      gone.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    );
  }
  if (isComplete) await removeStrays(open, beforeMs, add, options.signal);
  if (locked.refusal !== undefined) throw locked.refusal;
  catalog.write(() => setMeta(catalog.database, 'last_gc_ms', Date.now()));
  const waiting = countTombstones(catalog).objects;
  return {
    examined,
    tombstoned,
    freed: freed.objects,
    freedBytes: freed.bytes,
    waiting,
    incomplete: !isComplete,
    entered,
    unknown,
    seconds: seconds(),
  };
}

async function countOnly(home: OpenHome, beforeMs: number): Promise<Omit<GcResult, 'examined' | 'seconds'>> {
  const { catalog } = home;
  const freeable = countFreeable(catalog, beforeMs);
  const unknown = (await unknownManifests(home)).length;
  return {
    tombstoned: 0,
    freed: freeable.objects,
    freedBytes: freeable.bytes,
    waiting: countTombstones(catalog).objects - freeable.objects,
    incomplete: isRebuildIncomplete(catalog) || unknown > 0,
    entered: 0,
    unknown,
  };
}

function liveIds({ catalog, paths }: OpenHome): readonly number[] {
  return liveSessions(catalog, paths.temporary).map(({ id }) => id);
}

/** Chunks that a bucket does not let go, and what it said. */
interface Locked {
  rows: readonly number[];
  refusal: DisktroError | undefined;
}

/**
 * Manifests first: one that stays must find its chunks. A chunk that stays keeps no other from going, unless none goes.
 * @returns those that are gone
 */
async function deleteFiles(
  { store }: OpenHome,
  rows: readonly ObjectRow[],
  locked: Locked,
): Promise<readonly ObjectRow[]> {
  const idsOf = (kind: ObjectKind): readonly StoreId[] =>
    rows.filter((row) => row.kind === kind).map(({ storeId }) => storeId);
  await store.delete('manifest', idsOf('manifest'));
  const chunks = idsOf('chunk');
  try {
    await store.delete('chunk', chunks);
    return rows;
  } catch (error) {
    if (!isDisktroError(error, 'E_PEER_REFUSED')) throw error;
    const sizes = await store.sizes('chunk', chunks);
    const left = new Set(chunks.filter((_, index) => sizes[index] !== undefined));
    if (left.size === chunks.length) throw error;
    const kept = rows.filter(({ storeId }) => left.has(storeId)).map(({ row }) => row);
    locked.rows = [...locked.rows, ...kept];
    locked.refusal ??= error;
    return rows.filter(({ storeId }) => !left.has(storeId));
  }
}

/**
 * Chunks that never got a row: their process was killed between rename and commit. They go when they are older than
 * the grace, nobody is adding objects, and nobody began to while they were being looked for.
 */
async function removeStrays(
  home: OpenHome,
  beforeMs: number,
  add: (objects: number, bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { catalog, paths, store, objects } = home;
  const olderMs = Math.min(beforeMs, arrivedBeforeMs(home));
  const newest = lastSessionId(catalog);
  const isQuiet = (): boolean =>
    liveSessions(catalog, paths.temporary).length === 0 && lastSessionId(catalog) === newest;
  let after: StoreId | undefined;
  for (;;) {
    throwIfAborted(signal);
    if (!isQuiet()) return;
    const page = await store.list('chunk', after === undefined ? {} : { after });
    after = page.at(-1)?.id;
    if (after === undefined) return;
    const strays = page.filter(({ id }) => objects.find(id) === undefined);
    const old = await filterAsync(strays, ({ id }) => isOlder(home, 'chunk', id, olderMs));
    if (old.length === 0) continue;
    if (!isQuiet()) return;
    const ids = old.map(({ id }) => id);
    await store.delete('chunk', ids);
    const bytes = old.reduce((sum, stray) => sum + stray.bytes, 0);
    add(old.length, bytes);
  }
}

/** What is older than this is not about to be entered by another process. */
function arrivedBeforeMs({ paths }: OpenHome): number {
  return fs.existsSync(paths.node) ? Date.now() - ARRIVAL_MS : Number.MAX_SAFE_INTEGER;
}

async function isOlder(
  { store }: OpenHome,
  kind: ObjectKind,
  id: StoreId,
  beforeMs: number,
): Promise<boolean> {
  const storedMs = await store.storedMs(kind, id);
  return storedMs !== undefined && storedMs <= beforeMs;
}

async function filterAsync<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const verdicts = await Promise.all(items.map(test));
  return items.filter((_, index) => verdicts[index]);
}
