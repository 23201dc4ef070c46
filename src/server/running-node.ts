/**
 * A node that is up: listens, shows signs of life, keeps its own record fresh, repairs, scrubs, frees what was deleted,
 * and notices when a command changes node/. Needs no vault and holds no key that decrypts (I5).
 */
import os from 'node:os';
import path from 'node:path';
import { ProcessLock } from '../catalog/lock.js';
import type { NodeId } from '../core/ids.js';
import { lockedError, throwIfAborted } from '../errors.js';
import type { SignedRecord } from '../net/member-record.js';
import type { MergeResult } from '../net/membership.js';
import { shortNodeId } from '../net/node-id.js';
import type { Cluster } from '../ops/cluster/cluster.js';
import { makeCluster } from '../ops/cluster/cluster.js';
import { contact } from '../ops/cluster/contact.js';
import type { NodeIdentity } from '../ops/cluster/node-files.js';
import { NodeFiles } from '../ops/cluster/node-files.js';
import { freeDueDeletions } from '../ops/copies/deletions.js';
import { HeldWriter } from '../ops/copies/held-writer.js';
import { repairOnce } from '../ops/copies/repair.js';
import { census, scrubSome } from '../ops/copies/scrub.js';
import type { OpenHome } from '../ops/home/home.js';
import { openNodeHome } from '../ops/home/home.js';
import { Api } from './api/api.js';
import { BodyBuffers } from './body-buffers.js';
import { CertificateRenewal } from './certificate-renewal.js';
import { Discovery } from './discovery.js';
import { HolderCare, storesOf } from './holder-care.js';
import type { Listener } from './listen.js';
import { listenOnePort } from './listen.js';
import { type Log, messageOf } from './log.js';
import { OwnRecord } from './own-record.js';
import { RepairPause } from './repair-pause.js';
import { createRouter } from './router.js';
import { allRoutes } from './routes.js';
import { Schedule } from './schedule.js';
import type { ServeOptions } from './serve-options.js';
import type { ServingNode } from './serving-node.js';
import { StatusChanges } from './status-changes.js';
import { warnOfUntoldVault } from './untold-warning.js';

const BODY_MEMORY_BYTES = 128 * 1024 * 1024;
const SEND_MEMORY_BYTES = 32 * 1024 * 1024;
const CLOSE_GRACE_MS = 5_000;
const WATCH_MS = 250;
const NEWS_CONTACTS = 5;
const WEEK_SECONDS = 7 * 24 * 60 * 60;
const DAY_MS = 24 * 60 * 60 * 1000;
const SCRUB_SECONDS = 60;
const FIRST_SCRUB_MS = 5_000;
const LEAST_SCRUB_BYTES = 8 * 1024 * 1024;

export class RunningNode implements ServingNode {
  readonly home: OpenHome;
  readonly files: NodeFiles;
  readonly writer: HeldWriter;
  readonly bodies = new BodyBuffers(BODY_MEMORY_BYTES);
  readonly sends = new BodyBuffers(SEND_MEMORY_BYTES);
  readonly log: Log;
  readonly version: string;
  readonly deleteGraceSeconds: number;
  readonly apiToken: string;
  readonly #options: ServeOptions;
  readonly #api: Api;
  readonly #lock: ProcessLock;
  readonly #schedule: Schedule;
  readonly #own: OwnRecord;
  readonly #care: HolderCare;
  readonly #pause: RepairPause;
  readonly #statuses = new StatusChanges();
  readonly #renewal = new CertificateRenewal(this);
  #identity: NodeIdentity;
  #cluster: Cluster | undefined;
  #listener: Listener | undefined;
  #discovery: Discovery | undefined;
  #seenNs = 0n;
  #keeping: Promise<void> = Promise.resolve();
  #signing: Promise<unknown> = Promise.resolve();
  #isDraining = false;
  /** Whether this node has just come up, or heard of members that it did not know. */
  #isNew = true;

  private constructor(
    options: ServeOptions,
    home: OpenHome,
    files: NodeFiles,
    identity: NodeIdentity,
    apiToken: string,
    lock: ProcessLock,
  ) {
    this.#options = options;
    this.home = home;
    this.files = files;
    this.#identity = identity;
    this.apiToken = apiToken;
    this.#lock = lock;
    this.log = options.log;
    this.version = options.version;
    this.deleteGraceSeconds = options.deleteGraceSeconds;
    this.writer = new HeldWriter(home, options);
    this.#api = new Api(this, options.api);
    this.#care = new HolderCare(home, files, options.log);
    this.#pause = new RepairPause(home, options.heartbeatSeconds);
    this.#own = new OwnRecord(home, files, options, () => [this.port, storesOf(this.#cluster)]);
    this.#schedule = new Schedule((task, error) => this.log.warning(`${task}: ${messageOf(error)}`));
  }

  /** @throws E_LOCKED when this home is served already; what opening a home and listening throw */
  static async start(options: ServeOptions): Promise<RunningNode> {
    const home = await openNodeHome(options);
    let lock: ProcessLock | undefined;
    try {
      lock = ProcessLock.tryAcquire(path.join(home.paths.temporary, 'serve.lock'));
      if (lock === undefined) throw lockedError(`home ${home.path}: \`serve\``);
      const files = new NodeFiles(home);
      const name = options.name === '' ? os.hostname() : options.name;
      const identity = await files.ensure(name);
      const node = new RunningNode(options, home, files, identity, await files.apiToken(), lock);
      await node.#begin(name);
      return node;
    } catch (error) {
      lock?.release();
      await home.close();
      throw error;
    }
  }

  get id(): NodeId {
    return this.#identity.id;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  cluster(): Cluster | undefined {
    return this.#cluster;
  }

  /** Stops taking requests, finishes those that run, and leaves everything durable. */
  async close(): Promise<void> {
    await this.#schedule.stop();
    await this.#discovery?.close();
    this.#api.stopTelling();
    await this.#listener?.close(CLOSE_GRACE_MS);
    await this.#api.close();
    await this.writer.idle();
    await this.#cluster?.close();
    this.#lock.release();
    await this.home.close();
  }

  /** No copies come here from now on, the others make theirs elsewhere; or, when false, they come again. */
  async drain(isDraining: boolean): Promise<void> {
    this.#isDraining = isDraining;
    await this.#publish(true);
    this.#schedule.soon('heartbeat');
    this.#schedule.soon('repair');
  }

  noteFresh(): void {
    this.#pause.noteFresh();
  }

  async noteMerge({ changed, conflicts, refusals }: MergeResult): Promise<void> {
    for (const refusal of refusals) this.log.debug(`member records: ${refusal}`);
    for (const id of conflicts) {
      if (id === this.id) await this.#answerClone();
      else
        this.log.warning(
          `two machines say that they are node ${shortNodeId(id)}: is one a copy of the other?`,
        );
    }
    if (changed.length === 0) return;
    this.#dropRemoved({ changed });
    await this.#keepMembers();
    await warnOfUntoldVault(this);
    this.#schedule.soon('repair');
  }

  #dropRemoved({ changed }: Pick<MergeResult, 'changed'>): void {
    for (const id of changed.filter((each) => this.#cluster?.membership.isRemoved(each))) {
      this.#listener?.dropPeer(id);
      this.log.info(`node ${shortNodeId(id)} was removed from the cluster`);
    }
  }

  async #begin(name: string): Promise<void> {
    const { host, port, isPortFixed, log, heartbeatSeconds } = this.#options;
    this.#listener = await listenOnePort({
      host,
      port,
      isPortFixed,
      tls: this.#identity.credentials,
      handler: createRouter(allRoutes(this, this.#api), this.#gate()),
      log: (message) => log.debug(message),
    });
    const settings = { ...this.#identity.settings, name, zone: this.#options.zone, port: this.port };
    await this.files.writeSettings({ ...settings, addresses: this.#own.addresses() });
    await this.#reload();
    const every = this.#schedule;
    const discovery = new Discovery(this, { ...this.#options, port: this.port });
    this.#discovery = discovery;
    every.run('discovery', heartbeatSeconds * 1000, (signal) => discovery.look(signal), 100);
    every.run('heartbeat', heartbeatSeconds * 1000, (signal) => this.#heartbeat(signal), 200);
    every.run('repair', heartbeatSeconds * 2000, (signal) => this.#repair(signal), heartbeatSeconds * 1000);
    every.run('census', DAY_MS, (signal) => this.#census(signal), 100);
    every.run('scrub', SCRUB_SECONDS * 1000, (signal) => this.#scrub(signal), FIRST_SCRUB_MS);
    every.run('deletions', Math.min(60, heartbeatSeconds) * 1000, () => this.#freeDeleted());
    every.run('watch', WATCH_MS, () => this.#watch());
  }

  #gate() {
    return {
      isMember: (id: NodeId): boolean => this.#cluster?.membership.record(id) !== undefined,
      isRemoved: (id: NodeId): boolean => this.#cluster?.membership.isRemoved(id) ?? true,
      apiToken: this.apiToken,
      isTicket: (ticket: string): boolean => this.#api.tickets.find(ticket) !== undefined,
      onAnswer: this.#api.metrics.countAnswer.bind(this.#api.metrics),
      log: this.log,
    };
  }

  async #watch(): Promise<void> {
    const changedNs = await this.files.changedNs();
    if (changedNs !== this.#seenNs) await this.#reload();
  }

  /** Reads node/ again: a command may have founded or joined a cluster, or heard news of members. */
  async #reload(): Promise<void> {
    this.#seenNs = await this.files.changedNs();
    const before = this.#identity;
    this.#identity = (await this.files.read()) ?? before;
    const { credentials } = this.#identity;
    if (credentials === undefined) return;
    const isSame =
      credentials.certificatePem === before.credentials?.certificatePem && this.#cluster !== undefined;
    if (isSame && this.#cluster !== undefined) {
      const { membership } = this.#cluster;
      await this.#care.learn(this.#cluster);
      const { records, removals } = await this.files.knownMembers();
      const merged = membership.merge({ records, removals });
      if (merged.changed.length > 0) {
        await this.noteMerge(merged);
        this.#isNew = true;
        this.#schedule.soon('heartbeat');
      } else if (!membership.isAllIn(records, removals)) {
        // A command that had read the file before this node wrote it last has put older news over newer.
        await this.#keepMembers();
      }
      return;
    }
    await this.#cluster?.close();
    this.#listener?.setCredentials(credentials);
    this.#cluster = makeCluster(
      this.#identity,
      credentials,
      await this.files.members(),
      this.#options,
      await this.#nextRecord(),
    );
    await this.#care.learn(this.#cluster);
    await this.#keepMembers();
    const others = this.#cluster.everyone().length;
    this.log.info(`node ${shortNodeId(this.id)}: ${others} other nodes in the cluster`);
    await warnOfUntoldVault(this);
    for (const task of ['discovery', 'heartbeat', 'repair']) this.#schedule.soon(task);
  }

  async #heartbeat(signal: AbortSignal): Promise<void> {
    const isNews = await this.#publish(false);
    const cluster = this.#cluster;
    if (cluster === undefined) return;
    const { membership } = cluster;
    // A node that has something to tell, such as where it is now, tells more than one.
    const talks = isNews || this.#isNew ? NEWS_CONTACTS : 1;
    this.#isNew = false;
    const peers = Array.from({ length: talks }, () => membership.randomPeer());
    const nodes = [...peers, membership.randomAbsentPeer()];
    for (const node of new Set(nodes.filter((id) => id !== undefined))) {
      try {
        for (const merged of await contact(cluster, node, signal)) await this.noteMerge(merged);
      } catch (error) {
        throwIfAborted(signal);
        this.log.debug(`node ${shortNodeId(node)}: ${messageOf(error)}`);
      }
    }
    const changes = this.#statuses.take(cluster.everyone(), (each) => membership.status(each));
    for (const [id, status] of changes) {
      this.log.info(`node ${shortNodeId(id)} (${membership.record(id)?.name ?? ''}) is ${status}`);
      if (status === 'online') this.#schedule.soon('repair');
    }
    // Commands tell from it when somebody was last seen.
    if (changes.length > 0) await this.#keepMembers();
    await this.#renewal.renewIfDue(cluster);
  }

  async #repair(signal: AbortSignal): Promise<void> {
    const cluster = this.#cluster;
    if (cluster === undefined || cluster.membership.members().length === 1) return;
    if (this.#pause.isOn() && !this.#isDraining) return;
    const { pushed, fetched, failed } = await repairOnce({
      home: this.home,
      cluster,
      writer: this.writer,
      signal,
      onFailure: (node, error) => this.log.debug(`repair with ${shortNodeId(node)}: ${messageOf(error)}`),
    });
    this.#api.metrics.countRepair({ pushed, fetched, failed });
    if (pushed + fetched + failed > 0) {
      this.log.info(`repair: ${pushed} objects sent, ${fetched} fetched, ${failed} failed`);
    }
    const sent = await this.#care.tend(cluster, signal);
    // More may have to move: what was just made has to be compared too.
    if (pushed + fetched + sent > 0) this.#schedule.soon('repair');
  }

  async #census(signal: AbortSignal): Promise<void> {
    const gone = await census(this.home, signal);
    if (gone === 0) return;
    this.log.error(`${gone} objects are gone from the disk here; they are fetched again from peers`);
    this.#schedule.soon('repair');
  }

  /** In small parts, so that all of it is read once a week. */
  async #scrub(signal: AbortSignal): Promise<void> {
    const { bytes } = this.home.objects.totals();
    const share = Math.max(LEAST_SCRUB_BYTES, (bytes / WEEK_SECONDS) * SCRUB_SECONDS);
    const { damaged } = await scrubSome(this.home, share, signal);
    for (const id of damaged) this.log.error(`object ${id} is damaged here: put aside, to be fetched again`);
    if (damaged.length > 0) this.#schedule.soon('repair');
    if (this.#cluster !== undefined) await this.#care.scrub(this.#cluster, SCRUB_SECONDS, signal);
  }

  async #freeDeleted(): Promise<void> {
    const freed = await freeDueDeletions(this.home, Date.now());
    if (freed > 0) this.log.info(`${freed} objects freed that their vault had deleted`);
  }

  async #answerClone(): Promise<void> {
    if (this.#cluster === undefined) return;
    this.log.warning(
      'another machine says that it is this node: a copied disk? Remove node/ on one of them and join it anew',
    );
    await this.#publish(true);
  }

  /** Signs a new record when something in it has changed enough, one at a time. @returns whether it has */
  #publish(isForced: boolean): Promise<boolean> {
    const sign = (): Promise<boolean> => this.#signRecord(isForced);
    const signed = this.#signing.then(sign, sign);
    this.#signing = signed;
    return signed;
  }

  async #signRecord(isForced: boolean): Promise<boolean> {
    const cluster = this.#cluster;
    if (cluster === undefined) return false;
    const current = cluster.membership.record(this.id);
    const isNews = await this.#own.isNews(current, this.#status());
    if (!isNews && !isForced) return false;
    cluster.membership.publish(await this.#nextRecord(cluster.membership.ownSeqHeard));
    await this.#keepMembers();
    return true;
  }

  async #nextRecord(heard = 0): Promise<SignedRecord> {
    const { record, identity } = await this.#own.next(heard, this.#status());
    this.#identity = identity;
    return record;
  }

  #status(): SignedRecord['status'] {
    return this.#isDraining ? 'draining' : 'active';
  }

  /** One write at a time, each with what is known when it begins: of two at once the older might stay. */
  async #keepMembers(): Promise<void> {
    const write = async (): Promise<void> => {
      const { membership } = this.#cluster ?? {};
      if (membership === undefined) return;
      this.#dropRemoved(membership.merge(await this.files.knownMembers()));
      await this.files.writeMembers(membership.snapshot());
    };
    this.#keeping = this.#keeping.then(write, write);
    await this.#keeping;
  }
}
