/**
 * What a running node does for buckets and folders: learns which it may use, looks after those that fall to it, and says
 * once what it cannot use. Knows no routes and no schedule.
 */
import type { NodeId } from '../core/ids.js';
import { isDisktroError } from '../errors.js';
import { shortNodeId } from '../net/node-id.js';
import type { Cluster } from '../ops/cluster/cluster.js';
import type { NodeFiles } from '../ops/cluster/node-files.js';
import { readHolderAccess } from '../ops/holders/holder-access.js';
import type { HolderClient } from '../ops/holders/holder-client.js';
import { scrubHolder } from '../ops/holders/scrub-holder.js';
import { HolderTending } from '../ops/holders/tend-holder.js';
import type { OpenHome } from '../ops/home/home.js';
import { type Log, messageOf } from './log.js';

/** All of a folder in a week; all of a bucket in three months, because what is read from it is paid for. */
const FOLDER_ROUND_SECONDS = 7 * 24 * 60 * 60;
const BUCKET_ROUND_SECONDS = 90 * 24 * 60 * 60;
const LEAST_SCRUB_BYTES = 1024 * 1024;

export class HolderCare {
  readonly #home: OpenHome;
  readonly #files: NodeFiles;
  readonly #log: Log;
  readonly #tendings = new Map<HolderClient, HolderTending>();
  readonly #told = new Set<NodeId>();
  #cluster: Cluster | undefined;
  #known = '';

  constructor(home: OpenHome, files: NodeFiles, log: Log) {
    this.#home = home;
    this.#files = files;
    this.#log = log;
  }

  /** To be called when node/ has changed. */
  async learn(cluster: Cluster): Promise<void> {
    try {
      const known = JSON.stringify(await this.#files.holders());
      // node/ changes with every heartbeat; what was compared with a store would have to be compared anew.
      if (cluster === this.#cluster && known === this.#known && cluster.unusable.size === 0) return;
      [this.#cluster, this.#known] = [cluster, known];
      cluster.useHolders(await readHolderAccess(this.#files, this.#home.fileSystem));
    } catch (error) {
      this.#log.warning(`holders: ${messageOf(error)}`);
    }
    this.#tendings.clear();
    for (const [id, error] of cluster.unusable) this.#sayOnce(cluster, id, messageOf(error));
  }

  /** One round for each holder that falls to this node. @returns how many objects were sent */
  async tend(cluster: Cluster, signal: AbortSignal): Promise<number> {
    let sent = 0;
    for (const { id, kind } of cluster.membership.members()) {
      if (kind === undefined || cluster.unusable.has(id)) continue;
      const isUsable = cluster.holderClients().some((holder) => holder.id === id);
      if (!isUsable) this.#sayOnce(cluster, id, 'left to the nodes that can use it');
    }
    for (const holder of this.#own(cluster)) {
      const tending = this.#tendings.get(holder) ?? new HolderTending(holder);
      this.#tendings.set(holder, tending);
      const onFailure = (node: NodeId, error: unknown): void =>
        this.#log.debug(`${nameOf(cluster, holder.id)}: ${shortNodeId(node)}: ${messageOf(error)}`);
      const result = await tending.round({ home: this.#home, cluster, signal, onFailure });
      sent += result.sent;
      if (result.lost > 0) {
        this.#log.error(
          `${nameOf(cluster, holder.id)}: ${result.lost} objects are gone or cut; they are sent again`,
        );
      }
      if (result.sent + result.failed > 0) {
        this.#log.info(`${nameOf(cluster, holder.id)}: ${result.sent} objects sent, ${result.failed} failed`);
      }
    }
    return sent;
  }

  /** Reads as much again as is due for `seconds`. */
  async scrub(cluster: Cluster, seconds: number, signal: AbortSignal): Promise<void> {
    for (const holder of this.#own(cluster)) {
      const record = cluster.membership.record(holder.id);
      const roundSeconds = record?.kind === 'folder' ? FOLDER_ROUND_SECONDS : BUCKET_ROUND_SECONDS;
      const { bytes } = this.#home.objects.totals();
      const share = Math.max(LEAST_SCRUB_BYTES, (bytes / roundSeconds) * seconds);
      try {
        const { repaired, damaged } = await scrubHolder(this.#home, cluster, holder, share, signal);
        const name = nameOf(cluster, holder.id);
        for (const id of repaired)
          this.#log.error(`${name}: object ${id} was damaged there; it is whole again`);
        for (const id of damaged)
          this.#log.error(`${name}: object ${id} is damaged there, and nobody has it whole`);
      } catch (error) {
        // No room: to replace what is damaged there.
        if (!isDisktroError(error, 'E_PEER_UNREACHABLE', 'E_PEER_REFUSED', 'E_NO_SPACE')) throw error;
        this.#log.debug(`${nameOf(cluster, holder.id)}: ${messageOf(error)}`);
      }
    }
  }

  #own(cluster: Cluster): readonly HolderClient[] {
    return cluster.holderClients().filter(({ id }) => cluster.tenderOf(id) === cluster.self);
  }

  #sayOnce(cluster: Cluster, id: NodeId, why: string): void {
    if (this.#told.has(id)) return;
    this.#told.add(id);
    this.#log.warning(`${nameOf(cluster, id)} cannot be used from here: ${why}`);
  }
}

/** Which stores a node can use. */
export function storesOf(cluster: Cluster | undefined): readonly NodeId[] {
  return (
    cluster
      ?.holderClients()
      .map(({ id }) => id)
      .sort() ?? []
  );
}

function nameOf(cluster: Cluster, id: NodeId): string {
  const record = cluster.membership.record(id);
  return `${record?.kind ?? 'holder'} ${record?.name ?? shortNodeId(id)}`;
}
