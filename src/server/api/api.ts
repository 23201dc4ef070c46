/**
 * What the JSON API of one running node keeps between requests: the open vault, tickets, tasks, events, and how much is
 * done at once. Its routes are in routes/api-*.ts; docs/openapi.yaml says what they answer.
 */
import { setMaxListeners } from 'node:events';
import type { Compression } from '../../core/codec.js';
import type { NodeId } from '../../core/ids.js';
import type { Copier } from '../../ops/chunk/chunk.js';
import { agreeOnRecord } from '../../ops/cluster/vault-record.js';
import { PeerSource } from '../../ops/copies/peer-source.js';
import type { ReplicateOptions } from '../../ops/copies/replicate.js';
import { copierOf } from '../../ops/copies/replicate.js';
import { vaultIdOfHome } from '../../ops/home/home.js';
import type { Vault } from '../../ops/home/vault.js';
import { opened, openedHome } from '../../ops/home/vault.js';
import { messageOf } from '../log.js';
import { Metrics } from '../metrics.js';
import type { Call } from '../router.js';
import type { ServingNode } from '../serving-node.js';
import { Events } from './events.js';
import { measuresOf } from './measures.js';
import { News } from './news.js';
import type { ShownBy } from './shown-files.js';
import { shownTask, Tasks } from './tasks.js';
import { Tickets } from './tickets.js';
import { Turns } from './turns.js';
import { type Credentials, type Lease, VaultDoor } from './vault-door.js';

export interface ApiSettings {
  /** Absolute; what files may be written below. */
  readonly outputDir: string;
  readonly replicaCount: number;
  readonly minReplicas: number;
  readonly compression: Compression;
  readonly workers: number | 'auto';
  readonly averageChunkBytes: number;
}

/** Each takes up to 40 MiB with chunks of 1 MiB, and all share the same threads. */
const MOST_WRITES = 3;
const MOST_READS = 4;

export class Api {
  readonly node: ServingNode;
  readonly settings: ApiSettings;
  readonly startedAt = new Date();
  readonly door: VaultDoor;
  readonly tickets = new Tickets();
  readonly events = new Events();
  readonly tasks: Tasks;
  readonly writes = new Turns(MOST_WRITES);
  readonly reads = new Turns(MOST_READS);
  readonly news: News;
  readonly metrics: Metrics;
  readonly #stop = new AbortController();
  #agreement: { readonly members: string; readonly done: Promise<void> } | undefined;

  constructor(node: ServingNode, settings: ApiSettings) {
    this.node = node;
    this.settings = settings;
    this.door = new VaultDoor({
      home: node.home.path,
      averageChunkBytes: settings.averageChunkBytes,
      onNotice: (message) => node.log.warning(message),
    });
    this.tasks = new Tasks((task) =>
      this.events.tell('task', (hasNames) => shownTask(task, hasNames), `task ${task.task}`),
    );
    this.news = new News(this);
    this.metrics = new Metrics(() => measuresOf(this));
  }

  /** Other nodes whose copies count. */
  counted(): readonly NodeId[] {
    return (this.node.cluster()?.counted() ?? []).filter((id) => id !== this.node.id);
  }

  async shownBy(hasNames: boolean): Promise<ShownBy> {
    const vaultId = await vaultIdOfHome(this.node.home);
    const { node } = this;
    const membership = node.cluster()?.membership;
    return {
      wanted: this.settings.replicaCount,
      vaultId,
      hasNames,
      isMember: (id) => id === node.id || membership?.record(id) !== undefined,
    };
  }

  /** @param password of the body, which goes before the header's. @throws what {@link VaultDoor.lease} throws */
  lease(call: Call, password?: string): Promise<Lease> {
    const shown = credentialsOf(call);
    return this.door.lease(password === undefined ? shown : { password });
  }

  /** undefined without a password and without a session that is still open. */
  async leaseIfAny(call: Call): Promise<Lease | undefined> {
    const { session, password } = credentialsOf(call);
    if (password === undefined && this.door.peek(session) === undefined) return undefined;
    return this.lease(call);
  }

  /** Whether names may be told to this one; a session is looked at, not used. @throws as {@link lease} for a password */
  async mayKnowNames(call: Call): Promise<boolean> {
    const { session, password } = credentialsOf(call);
    if (password === undefined) return this.door.peek(session) !== undefined;
    using _lease = await this.lease(call);
    return true;
  }

  /** Ends when the client goes, or the node stops. */
  signalOf({ response }: Call): AbortSignal {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    if (response.destroyed) gone.abort();
    const signal = AbortSignal.any([gone.signal, this.#stop.signal]);
    // Each chunk that is fetched ahead waits for it.
    setMaxListeners(0, signal);
    return signal;
  }

  /** Makes copies as the command does. undefined: there is no cluster. */
  copier(vault: Vault, options: Pick<ReplicateOptions, 'only' | 'onProgress'>): Copier | undefined {
    const cluster = this.node.cluster();
    if (cluster === undefined) return undefined;
    this.agree(vault);
    return copierOf(opened(vault), cluster, {
      ...options,
      onFailure: (node, error) => this.node.log.warning(`node ${node.slice(0, 8)}: ${messageOf(error)}`),
    });
  }

  /** Where objects come from that are not here whole. */
  source(vault: Vault): PeerSource | undefined {
    const cluster = this.node.cluster();
    return cluster === undefined ? undefined : new PeerSource(openedHome(vault), cluster);
  }

  /** Ends the streams of events, which would hold up the end of the node. */
  stopTelling(): void {
    this.news.close();
    this.events.close();
  }

  /** Stops what still runs, and wipes the keys. */
  async close(): Promise<void> {
    this.stopTelling();
    this.#stop.abort();
    this.tickets.clear();
    await this.#agreement?.done;
    await this.door.close();
  }

  /** Tells the members the vault's public record: again only when others have come. */
  agree(vault: Vault): void {
    const cluster = this.node.cluster();
    const members = cluster?.everyone().join() ?? '';
    if (cluster === undefined || this.#agreement?.members === members) return;
    const done = agreeOnRecord(opened(vault), cluster, this.#stop.signal).then(
      () => {},
      (error: unknown) => {
        this.#agreement = undefined;
        this.node.log.warning(`the vault's record was not told to all: ${messageOf(error)}`);
      },
    );
    this.#agreement = { members, done };
  }
}

/** What a request's headers show. A password's bytes are UTF-8, which Node reads as Latin-1. */
export function credentialsOf({ request }: Call): Credentials {
  const { 'x-disktro-session': session, 'x-disktro-password': password } = request.headers;
  return {
    session: typeof session === 'string' ? session : undefined,
    password: typeof password === 'string' ? Buffer.from(password, 'latin1').toString('utf8') : undefined,
  };
}

/** How the client calls the work that it asks for. */
export function taskIdOf({ request }: Call): string | undefined {
  const { 'x-disktro-task': id } = request.headers;
  return typeof id === 'string' ? id : undefined;
}
