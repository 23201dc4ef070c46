/**
 * Empties a bucket or folder before it leaves: nothing new goes there, and everything that it holds gets as many copies on
 * the others as there are to be. What only it has is taken into this home first. Nothing is deleted there.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Holding } from '../../catalog/holdings.js';
import { findHolding } from '../../catalog/holdings.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { DisktroError, isDisktroError, throwIfAborted } from '../../errors.js';
import type { SignedRecord } from '../../net/member-record.js';
import { OBJECT_KINDS } from '../../store/paths.js';
import type { Cluster } from '../cluster/cluster.js';
import type { NodeFiles } from '../cluster/node-files.js';
import type { DrainOptions } from '../cluster/remove-node.js';
import { HeldWriter, MAX_HELD_OBJECT_BYTES } from '../copies/held-writer.js';
import { repairOnce } from '../copies/repair.js';
import type { OpenHome } from '../home/home.js';
import { tellAll, writeHolderNote } from './add-holder.js';
import type { HolderClient } from './holder-client.js';
import { noCaKey } from './holder-errors.js';
import { changedStaticRecord } from './static-member.js';

const PAGE = 5_000;
const POLL_MS = 500;

/** @throws E_PEER_REFUSED when this node may not, E_PEER_UNREACHABLE; E_TOO_FEW_COPIES when the time is over */
export async function drainHolder(
  home: OpenHome,
  files: NodeFiles,
  cluster: Cluster,
  node: NodeId,
  { timeoutMs, signal, onProgress }: DrainOptions,
): Promise<void> {
  const holder = cluster.holderClients().find(({ id }) => id === node);
  const caKeyPem = (await files.read())?.caKeyPem;
  const record = cluster.membership.record(node);
  if (caKeyPem === undefined || record === undefined) throw noCaKey();
  // Where it cannot be used, this says why.
  if (holder === undefined) return void cluster.peer(node);
  await holder.ping(signal);
  if (record.status !== 'draining') {
    const changed = changedStaticRecord(record, { status: 'draining' }, caKeyPem);
    await noteInStore(holder, changed);
    await tellAll(files, cluster, changed, signal);
  }
  const drain = new Drain(home, cluster, holder, signal);
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const left = await drain.round();
    if (left === 0) return;
    onProgress?.(left);
    if (Date.now() > endMs) {
      throw new DisktroError(
        'E_TOO_FEW_COPIES',
        `${left} objects of ${record.name} have too few copies elsewhere`,
        {
          hint: 'bring the other machines up and run it again; --force gives up what only it has',
          details: { left },
        },
      );
    }
    await pause(POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    throwIfAborted(signal);
  }
}

/** A store that is full, or may only be read, is left as well: what it says of itself then counts as an older record. */
async function noteInStore({ store }: HolderClient, record: SignedRecord): Promise<void> {
  try {
    await writeHolderNote(store, record);
  } catch (error) {
    if (!isDisktroError(error, 'E_NO_SPACE', 'E_PEER_REFUSED', 'E_READ_ONLY')) throw error;
  }
}

/** Its URL and keys go with it. */
export async function forgetHolder(files: NodeFiles, node: NodeId): Promise<void> {
  const known = await files.holders();
  const left = known.filter(({ id }) => id !== node);
  if (left.length < known.length) await files.writeHolders(left);
}

class Drain {
  readonly #home: OpenHome;
  readonly #cluster: Cluster;
  readonly #holder: HolderClient;
  readonly #writer: HeldWriter;
  readonly #signal: AbortSignal | undefined;

  constructor(home: OpenHome, cluster: Cluster, holder: HolderClient, signal: AbortSignal | undefined) {
    this.#home = home;
    this.#cluster = cluster;
    this.#holder = holder;
    this.#writer = new HeldWriter(home, { quotaBytes: 0, reserveBytes: 0 });
    this.#signal = signal;
  }

  /** @returns how many of its objects have too few copies elsewhere, after what could be done now */
  async round(): Promise<number> {
    const others = [this.#cluster.self, ...this.#others()];
    const wanted = Math.min(this.#cluster.options.replicaCount, others.length);
    let left = 0;
    for (const kind of OBJECT_KINDS) {
      let after: StoreId | undefined;
      for (;;) {
        throwIfAborted(this.#signal);
        const listed = await this.#holder.listObjects(kind, {
          limit: PAGE,
          ...(after === undefined ? {} : { after }),
        });
        after = listed.at(-1)?.id;
        if (after === undefined) break;
        left += await this.#settle(
          listed.map((entry) => ({ ...entry, kind })),
          wanted,
        );
      }
    }
    // A disk that was unplugged meanwhile lists nothing.
    await this.#holder.ping(this.#signal);
    if (left === 0) return 0;
    await repairOnce({
      home: this.#home,
      cluster: this.#cluster,
      writer: this.#writer,
      signal: this.#signal,
    });
    await this.#writer.idle();
    return left;
  }

  async #settle(holdings: readonly Holding[], wanted: number): Promise<number> {
    const copies = new Map<StoreId, number>();
    for (const { id } of holdings) copies.set(id, findHolding(this.#home.catalog, id) === undefined ? 0 : 1);
    const ids = holdings.map(({ id }) => id);
    for (const node of this.#others()) {
      const missing = await this.#cluster
        .peer(node)
        .lacking(ids, this.#signal)
        .then((lacking) => new Set([...lacking.missing, ...lacking.deleted]))
        .catch((error: unknown) => {
          if (!isDisktroError(error) || isDisktroError(error, 'E_ABORTED')) throw error;
          return new Set(ids);
        });
      for (const id of ids) if (!missing.has(id)) copies.set(id, (copies.get(id) ?? 0) + 1);
    }
    for (const holding of holdings) if (copies.get(holding.id) === 0) await this.#takeIn(holding);
    return holdings.filter(({ id }) => (copies.get(id) ?? 0) < wanted).length;
  }

  async #takeIn({ kind, id, bytes }: Holding): Promise<void> {
    const room = Buffer.allocUnsafeSlow(Math.min(bytes, MAX_HELD_OBJECT_BYTES));
    try {
      const length = await this.#holder.readObject(kind, id, room, this.#signal);
      await this.#writer.put(kind, id, room.subarray(0, length));
    } catch (error) {
      // Damaged there and nowhere else, or wanted gone by its vault: nothing that could be moved.
      if (!isDisktroError(error, 'E_OBJECT_ID', 'E_OBJECT_MISSING', 'E_PEER_REFUSED')) throw error;
    }
  }

  #others(): readonly NodeId[] {
    const counted = new Set(this.#cluster.counted());
    return this.#cluster.reachable().filter((node) => node !== this.#holder.id && counted.has(node));
  }
}
