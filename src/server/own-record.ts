/** What this node says of itself: where it is, how much room it has; signed anew when that has changed enough. */
import type { NodeId } from '../core/ids.js';
import type { SignedRecord } from '../net/member-record.js';
import type { NodeMeasures } from '../ops/cluster/cluster.js';
import { ownRecord, roundedCapacity } from '../ops/cluster/cluster.js';
import type { NodeFiles, NodeIdentity } from '../ops/cluster/node-files.js';
import type { OpenHome } from '../ops/home/home.js';
import { ownAddresses } from './own-addresses.js';

export interface OwnRecordOptions {
  readonly host: string;
  /** `host:port` by which others reach this node; empty: its interfaces' addresses. */
  readonly addresses: readonly string[];
  readonly version: string;
  readonly quotaBytes: number;
  readonly reserveBytes: number;
}

/** A change of free space below this share of the capacity is no news. */
const FREE_NEWS_SHARE = 0.02;

export class OwnRecord {
  readonly #home: OpenHome;
  readonly #files: NodeFiles;
  readonly #options: OwnRecordOptions;
  readonly #now: () => readonly [port: number, stores: readonly NodeId[]];

  /** @param now where it listens, and which buckets and folders it can use */
  constructor(
    home: OpenHome,
    files: NodeFiles,
    options: OwnRecordOptions,
    now: () => readonly [port: number, stores: readonly NodeId[]],
  ) {
    this.#home = home;
    this.#files = files;
    this.#options = options;
    this.#now = now;
  }

  /** A new record, with a `seq` above all that were ever heard of. */
  async next(
    heard: number,
    status: SignedRecord['status'],
  ): Promise<{ readonly record: SignedRecord; readonly identity: NodeIdentity }> {
    const settings = await this.#files.settings();
    await this.#files.writeSettings({ ...settings, seq: Math.max(settings.seq, heard) + 1 });
    const identity = await this.#files.read();
    if (identity?.credentials === undefined) throw new Error('a record needs a certificate');
    return { record: ownRecord(identity, identity.credentials, await this.#measures(status)), identity };
  }

  /** Whether the record that is out says something else than is true now. */
  async isNews(current: SignedRecord | undefined, status: SignedRecord['status']): Promise<boolean> {
    const { addresses, version, capacityBytes, freeBytes, stores = [] } = await this.#measures(status);
    return (
      current === undefined ||
      current.addresses.join() !== addresses.join() ||
      current.version !== version ||
      (current.stores ?? []).join() !== stores.join() ||
      current.status !== status ||
      current.capacity !== capacityBytes ||
      Math.abs(current.free - freeBytes) > FREE_NEWS_SHARE * capacityBytes
    );
  }

  /** Where this node is reached. */
  addresses(): readonly string[] {
    return ownAddresses(this.#options, this.#now()[0]);
  }

  async #measures(status: SignedRecord['status']): Promise<NodeMeasures> {
    const { quotaBytes, reserveBytes, version } = this.#options;
    const { freeBytes, totalBytes } = await this.#home.fileSystem.space(this.#home.path);
    const most = quotaBytes > 0 ? Math.min(quotaBytes, totalBytes) : Math.max(0, totalBytes - reserveBytes);
    return {
      addresses: this.addresses(),
      capacityBytes: roundedCapacity(most),
      freeBytes: Math.max(0, Math.min(freeBytes - reserveBytes, most)),
      version,
      status,
      stores: this.#now()[1],
    };
  }
}
