/**
 * What one node asks of one other: the routes of docs/PROTOCOL.md as calls. Every answer is bounded, timed and checked
 * for its shape; the bytes of an object are not, whoever reads them hashes them. Owns its connections until `close`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeId, StoreId, VaultId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { abortedError, throwIfAborted, usageError } from '../errors.js';
import { MAX_JSON_BYTES } from './bounded-json.js';
import type { Credentials } from './certificates.js';
import { type Digests, digestsFromJson, type GroupSpan } from './digest.js';
import { ObjectDownload, type ObjectRange } from './object-download.js';
import { type GroupEntry, type Lacking, readGroups, readLacking, readManifestPage } from './peer-answers.js';
import { PeerChannel } from './peer-channel.js';
import type { PeerConnection, PeerTarget } from './peer-connection.js';
import { brokenAnswer, isConnectionLoss } from './peer-errors.js';
import {
  type ChannelOptions,
  type ChannelRequest,
  PEER_TIMEOUTS,
  type PeerTimeouts,
} from './peer-exchange.js';
import { exchangeJson, readShape } from './peer-json.js';
import type { BandwidthLimit } from './rate-limit.js';

export interface PeerClientOptions {
  /** Who must answer. Undefined only for joining and recovering. */
  readonly nodeId?: NodeId | undefined;
  /** Without credentials: whose cluster the peer must be of, as SHA-256 of the CA's certificate in hex. */
  readonly caFingerprint?: string | undefined;
  /** `host:port`, with or without `http://` or `https://`; tried in this order, the one that worked last first. */
  readonly addresses: readonly string[];
  readonly credentials: Credentials | undefined;
  /** May be shared with other clients. */
  readonly uploadLimit?: BandwidthLimit | undefined;
  readonly downloadLimit?: BandwidthLimit | undefined;
  readonly timeouts?: Partial<PeerTimeouts>;
  /** Ms since 1970. */
  readonly clock?: () => number;
}

export interface JsonOptions {
  /** Of the answer; default 1 MiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether it may be sent again when the connection breaks; default for GET and HEAD only. */
  readonly isIdempotent?: boolean;
}

/** `shared`: what both nodes should hold; `all`: what is there. */
export type DigestScope = 'shared' | 'all';

/** One connection whose exporter goes into a request on that very connection. */
export interface BoundConnection {
  readonly nodeId: NodeId;
  /** As the peer showed it, checked against the fingerprint when one was given. */
  readonly caPem: string | undefined;
  /** 32 bytes, empty context (RFC 8446, 7.5). */
  exporter(label: string): Buffer;
  json(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    options?: JsonOptions,
  ): Promise<unknown>;
  close(): Promise<void>;
}

/** 10 million objects of a node are some 2,500 in a group. */
const MAX_GROUP_BYTES = 64 * 1024 * 1024;
const EXPORTER_BYTES = 32;
const IDS_PER_REQUEST = 10_000;
const MAX_MANIFESTS = 10_000_000;
const MAX_RETRIES = 2;
/** Before the first and the second other try; drawn from half of it up. */
const RETRY_DELAYS_MS = [100, 400] as const;
/** What took longer than this to fail is not worth its time again: the caller has other peers. */
const RETRY_WITHIN_MS = 1000;

/** @throws from all calls: E_PEER_UNREACHABLE, E_PEER_REFUSED, with `node` and `address`; E_ABORTED */
export class PeerClient {
  readonly nodeId: NodeId | undefined;
  readonly #target: PeerTarget;
  readonly #options: ChannelOptions;
  readonly #channel: PeerChannel;

  constructor(options: PeerClientOptions) {
    if (options.addresses.length === 0) throw usageError('a peer without an address cannot be reached');
    this.nodeId = options.nodeId;
    this.#target = {
      nodeId: options.nodeId,
      caFingerprint: options.caFingerprint,
      addresses: options.addresses,
      credentials: options.credentials,
    };
    this.#options = {
      timeouts: { ...PEER_TIMEOUTS, ...options.timeouts },
      uploadLimit: options.uploadLimit,
      downloadLimit: options.downloadLimit,
      clock: options.clock ?? Date.now,
    };
    this.#channel = new PeerChannel(this.#target, this.#options);
  }

  /** The address that worked last. */
  get address(): string | undefined {
    return this.#channel.address;
  }

  /** Resolves when the peer answers; there is no second try. */
  async ping(signal?: AbortSignal): Promise<void> {
    let text = '';
    await this.#channel.exchange({
      method: 'GET',
      path: '/ping',
      signal,
      onAnswer: ({ status }) => (status === 200 ? takePong : undefined),
    });
    if (text.trim() !== 'pong')
      throw brokenAnswer('a ping that is not answered with pong', this.#channel.name);
    function takePong(part: Uint8Array): void {
      if (text.length < 16) text += Buffer.from(part).toString('latin1').slice(0, 16);
    }
  }

  /** A request with JSON both ways; undefined when the answer is empty. The shape of the answer is not checked. */
  async json(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    options: JsonOptions = {},
  ): Promise<unknown> {
    const { isIdempotent = method === 'GET', signal } = options;
    const work = () => exchangeJson(this.#channel, method, path, body, options);
    return isIdempotent ? this.#again(work, signal) : work();
  }

  /**
   * Stores an object. When it resolves the peer has it durably, and says whether it is new to it. `bytes` belongs to
   * this call until then.
   * @param isFresh it is new here too, and its other copies are being made
   * @throws E_NO_SPACE; E_PEER_REFUSED when the peer finds another hash
   */
  async putObject(
    kind: ObjectKind,
    id: StoreId,
    bytes: Uint8Array,
    signal?: AbortSignal,
    isFresh = false,
  ): Promise<'new' | 'had'> {
    const request: ChannelRequest = {
      method: 'PUT',
      path: `/chunk?id=${id}&kind=${kind}${isFresh ? '&fresh=1' : ''}`,
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
      // It answers after its disk has.
      answerMs: this.#options.timeouts.progressMs,
      signal,
      onAnswer: ({ status }) => (status === 200 || status === 201 ? ignoreBody() : undefined),
    };
    const { status } = await this.#again(() => this.#channel.exchange(request), signal);
    return status === 201 ? 'new' : 'had';
  }

  /**
   * Reads an object, or a range of it, unverified into the front of `target`; goes on where it was when the connection
   * breaks in the middle, up to three times.
   * @returns its length
   * @throws E_OBJECT_MISSING; E_OBJECT_LENGTH when it is longer than `target`
   */
  async getObject(
    id: StoreId,
    target: Uint8Array,
    options: { readonly signal?: AbortSignal | undefined; readonly range?: ObjectRange | undefined } = {},
  ): Promise<number> {
    return new ObjectDownload(this.#channel, id, {
      ...options,
      room: target.byteLength,
      allocate: () => target,
    }).run();
  }

  /** Reads an object of any length that one may have, or a range of it, unverified. @throws E_OBJECT_MISSING */
  async readObject(
    id: StoreId,
    options: { readonly signal?: AbortSignal | undefined; readonly range?: ObjectRange | undefined } = {},
  ): Promise<Buffer> {
    let target = Buffer.alloc(0);
    const allocate = (bytes: number): Buffer => {
      target = Buffer.allocUnsafe(bytes);
      return target;
    };
    await new ObjectDownload(this.#channel, id, { ...options, allocate }).run();
    return target;
  }

  /** The length of an object in bytes; undefined when the peer lacks it. */
  async headObject(id: StoreId, signal?: AbortSignal): Promise<number | undefined> {
    const request: ChannelRequest = {
      method: 'HEAD',
      path: `/chunk?id=${id}`,
      signal,
      onAnswer: ({ status }) => (status === 200 || status === 404 ? ignoreBody() : undefined),
    };
    const { status, headers } = await this.#again(() => this.#channel.exchange(request), signal);
    if (status === 404) return undefined;
    const length = headers['content-length'] ?? '';
    if (!/^\d{1,15}$/.test(length)) throw brokenAnswer('no content-length', this.#channel.name);
    return Number(length);
  }

  /**
   * Which of these the peer lacks, in the order asked; any number of ids.
   * @param store asks which of them that static member lacks, where the peer can use it
   */
  async lacking(ids: readonly StoreId[], signal?: AbortSignal, store?: NodeId): Promise<Lacking> {
    const missing: StoreId[] = [];
    const deleted: StoreId[] = [];
    for (let start = 0; start < ids.length; start += IDS_PER_REQUEST) {
      const part = [...new Set(ids.slice(start, start + IDS_PER_REQUEST))];
      const answer = await this.json(
        'POST',
        '/chunks/missing',
        store === undefined ? { ids: part } : { ids: part, store },
        { signal, isIdempotent: true },
      );
      const read = readShape(() => readLacking(answer, part), this.#channel.name);
      missing.push(...read.missing);
      deleted.push(...read.deleted);
    }
    return { missing, deleted };
  }

  /** All manifests of a vault that the peer has, in the order of their ids. */
  async listManifests(vault: VaultId, signal?: AbortSignal): Promise<{ id: StoreId; bytes: number }[]> {
    const manifests: { id: StoreId; bytes: number }[] = [];
    let after: StoreId | undefined;
    do {
      const path = `/manifests?vault=${vault}${after === undefined ? '' : `&after=${after}`}`;
      const answer = await this.json('GET', path, undefined, { signal });
      const page = readShape(() => readManifestPage(answer, after), this.#channel.name);
      manifests.push(...page.manifests);
      after = page.next;
      if (manifests.length > MAX_MANIFESTS) throw brokenAnswer('manifests without end', this.#channel.name);
    } while (after !== undefined);
    return manifests;
  }

  /** Count and digest of each group of ids that both nodes should hold, or of all that are there. */
  async digests(signal?: AbortSignal, scope: DigestScope = 'shared'): Promise<Digests> {
    const answer = await this.json('GET', `/digests?scope=${scope}`, undefined, {
      signal,
      maxBytes: MAX_JSON_BYTES,
    });
    const digests = digestsFromJson((answer as { groups?: unknown } | undefined)?.groups);
    if (digests === undefined) throw brokenAnswer('digests that are none', this.#channel.name);
    return digests;
  }

  /** What lies in a span of groups, in the order of the ids. */
  async groups(
    span: GroupSpan,
    signal?: AbortSignal,
    scope: DigestScope = 'shared',
  ): Promise<readonly GroupEntry[]> {
    const options = { signal, maxBytes: MAX_GROUP_BYTES };
    const path = `/digests?scope=${scope}&group=${span.first}&last=${span.last}`;
    const answer = await this.json('GET', path, undefined, options);
    return readShape(() => readGroups(answer, span), this.#channel.name);
  }

  /** A connection of its own, for requests that prove something with its exporter. The caller closes it. */
  async openBound(signal?: AbortSignal): Promise<BoundConnection> {
    throwIfAborted(signal);
    const connection = await this.#channel.connect();
    return boundConnection(connection, this.#target, this.#options);
  }

  /** Ends all connections; what runs on them ends with E_ABORTED. */
  async close(): Promise<void> {
    await this.#channel.close();
  }

  /** For requests that do no harm when they arrive twice. */
  async #again<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const startMs = performance.now();
    for (let retry = 0; ; retry++) {
      try {
        return await work();
      } catch (error) {
        const isLate = performance.now() - startMs > RETRY_WITHIN_MS;
        if (retry >= MAX_RETRIES || isLate || !isConnectionLoss(error)) throw error;
        const waitMs = RETRY_DELAYS_MS[retry as 0 | 1] * (0.5 + Math.random() / 2);
        await delay(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
        throwIfAborted(signal);
      }
    }
  }
}

const ignoreBody = () => (): void => {};

function boundConnection(
  connection: PeerConnection,
  target: PeerTarget,
  options: ChannelOptions,
): BoundConnection {
  const { socket, nodeId, caPem } = connection;
  const channel = new PeerChannel({ ...target, nodeId }, options, connection);
  return {
    nodeId,
    caPem,
    exporter(label) {
      if (socket.destroyed) throw abortedError();
      return socket.exportKeyingMaterial(EXPORTER_BYTES, label, Buffer.alloc(0));
    },
    json: (method, path, body, jsonOptions = {}) => exchangeJson(channel, method, path, body, jsonOptions),
    async close() {
      await channel.close();
      socket.destroy();
    },
  };
}
