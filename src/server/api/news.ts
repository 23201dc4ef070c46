/**
 * Looks round and tells listeners what is other than before: files, whoever changed them; members; the state as a whole;
 * the log. Looks only while somebody listens or may come back, and less often the longer a look takes.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { FileId } from '../../core/ids.js';
import { isDisktroError } from '../../errors.js';
import { eachFileFacts, fileFacts } from '../../ops/files/file-facts.js';
import { CatalogWatch } from '../../ops/home/catalog-watch.js';
import type { LogLine } from '../log.js';
import { messageOf } from '../log.js';
import { type Holdings, holdingsOf } from '../shown-members.js';
import type { Api } from './api.js';
import { shownFile } from './shown-files.js';
import { apiNodes } from './shown-nodes.js';
import { apiStatus, shownStatus } from './shown-status.js';

const LOOK_MS = 400;
/** After the last listener has left. */
const MAY_COME_BACK_MS = 5 * 60_000;
/** A look takes at most this share of the time. */
const MOST_SHARE = 0.05;
/** More files than this in one look are not told one by one. */
const MOST_CHANGED = 100;
const LOG_MS = 200;

export class News {
  readonly #api: Api;
  readonly #timer: NodeJS.Timeout;
  #watch: CatalogWatch | undefined;
  #looking: Promise<void> | undefined;
  #beginning: Promise<void> | undefined;
  #nextMs = 0;
  #files = new Map<FileId, number>();
  #counted = '';
  #holdings: Holdings | undefined;
  #peers = '';
  #status = '';
  #lines: LogLine[] = [];
  #linesTimer: NodeJS.Timeout | undefined;

  constructor(api: Api) {
    this.#api = api;
    this.#timer = setInterval(() => this.#tick(), LOOK_MS);
    this.#timer.unref();
    api.node.log.onLine((line) => this.#tellLine(line));
  }

  /** To be called before a listener begins: what is so now is where its news begin. */
  async begin(): Promise<void> {
    // Nobody listens yet: who has asked is not to be taken for gone meanwhile.
    this.#api.events.expectListener();
    this.#beginning ??= this.#start().finally(() => {
      this.#beginning = undefined;
    });
    await this.#beginning;
  }

  async #start(): Promise<void> {
    if (this.#watch !== undefined) return;
    await this.#looking;
    this.#api.events.forget();
    this.#watch = new CatalogWatch(this.#api.node.home);
    this.#looking = this.#look(false).finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#linesTimer);
    this.#end();
  }

  #end(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#files.clear();
  }

  #tick(): void {
    if (this.#watch === undefined || this.#looking !== undefined || this.#beginning !== undefined) return;
    if (!this.#api.events.isHeard(MAY_COME_BACK_MS)) {
      this.#end();
      return;
    }
    if (performance.now() < this.#nextMs) return;
    this.#looking = this.#look(true)
      .catch((error: unknown) => {
        // The home is busy, or the node is stopping: the next look will see it.
        if (!isDisktroError(error)) this.#api.node.log.debug(`looking for news: ${messageOf(error)}`);
      })
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async #look(isTold: boolean): Promise<void> {
    const startedMs = performance.now();
    const counted = this.#api.counted().join();
    const isOther = (this.#watch?.hasChanged() ?? false) || counted !== this.#counted;
    this.#counted = counted;
    if (isOther || !isTold) {
      this.#holdings = holdingsOf(this.#api.node);
      await this.#lookAtFiles(isTold);
    }
    await this.#lookAtNode(isTold, isOther);
    this.#nextMs = performance.now() + (performance.now() - startedMs) / MOST_SHARE;
  }

  async #lookAtFiles(isTold: boolean): Promise<void> {
    const { node, settings, events } = this.#api;
    const options = { self: node.id, wanted: settings.replicaCount, counted: this.#api.counted() };
    const now = new Map<FileId, number>();
    for (const page of eachFileFacts(node.home, options)) {
      for (const { id, copies } of page) now.set(id, copies);
      await nextTick();
    }
    const before = this.#files;
    this.#files = now;
    if (!isTold) return;
    const changed = [...now].filter(([id, copies]) => before.get(id) !== copies).map(([id]) => id);
    const removed = [...before.keys()].filter((id) => !now.has(id));
    if (changed.length + removed.length === 0) return;
    if (changed.length + removed.length > MOST_CHANGED) {
      events.tell('files', () => ({ changed: [], removed: [], reload: true }), 'files reload');
      return;
    }
    const facts = fileFacts(node.home, changed, { ...options, vault: this.#api.door.any() });
    const by = await this.#api.shownBy(false);
    events.tell('files', (hasNames) => ({
      changed: facts.map((each) => shownFile(each, { ...by, hasNames })),
      removed,
    }));
  }

  async #lookAtNode(isTold: boolean, isOther: boolean): Promise<void> {
    const { events, node } = this.#api;
    const peers = await apiNodes(node, false, this.#holdings);
    // That a node was seen again is no news by itself.
    const peersKey = JSON.stringify(peers.map(({ last_seen: _, ...rest }) => rest));
    if (peersKey !== this.#peers && isTold) events.tell('peers', () => peers, 'peers');
    const isSame = peersKey === this.#peers && !isOther && this.#status !== '';
    this.#peers = peersKey;
    if (isSame && !this.#hasStateChanged()) return;
    const status = await apiStatus(this.#api);
    const { uptimeSeconds: _, freeBytes: __, tasks: ___, ...lasting } = status;
    const statusKey = JSON.stringify(lasting);
    if (statusKey !== this.#status && isTold) {
      events.tell('status', (hasNames) => shownStatus(status, hasNames), 'status');
    }
    this.#status = statusKey;
  }

  /** What the catalog does not tell. */
  #hasStateChanged(): boolean {
    return !this.#status.includes(`"unlocked":${this.#api.door.isOpen}`);
  }

  #tellLine(line: LogLine): void {
    if (!this.#api.events.isHeard(MAY_COME_BACK_MS)) return;
    this.#lines.push(line);
    this.#linesTimer ??= setTimeout(() => {
      const lines = this.#lines;
      this.#lines = [];
      this.#linesTimer = undefined;
      this.#api.events.tell('log', () => ({ lines }));
    }, LOG_MS);
    this.#linesTimer.unref();
  }
}
