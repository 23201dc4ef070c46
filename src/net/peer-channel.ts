/**
 * HTTP/1.1 requests to one peer through undici: one answer per request, never a redirect followed, everything timed
 * and bounded. Knows no route. Who may use a connection was settled before it got here (peer-connection.ts).
 */
import { Client, type Dispatcher, Pool } from 'undici';
import { abortedError, throwIfAborted } from '../errors.js';
import { connectToPeer, type PeerConnection, type PeerTarget, secureContextOf } from './peer-connection.js';
import { type PeerName, transportError } from './peer-errors.js';
import { type Answer, type ChannelOptions, type ChannelRequest, PeerExchange } from './peer-exchange.js';

const CONNECTIONS = 6;
const KEEP_ALIVE_MS = 30_000;
/** Nobody resolves this: the connector knows where the peer is. */
const ORIGIN = 'https://peer.invalid';

/** Up to 6 connections to one peer, made when needed. */
export class PeerChannel {
  readonly #target: PeerTarget;
  readonly #options: ChannelOptions;
  readonly #dispatcher: Dispatcher;
  readonly #stop = new AbortController();
  #secureContext: ReturnType<typeof secureContextOf> | undefined;
  #lastAddress: string | undefined;

  /** @param connection the only one to use; without it they are made as needed */
  constructor(target: PeerTarget, options: ChannelOptions, connection?: PeerConnection) {
    this.#target = target;
    this.#options = options;
    this.#lastAddress = connection?.address;
    const common = {
      pipelining: 1,
      // Timed in PeerExchange, which knows an upload that moves from one that has stopped.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    };
    this.#dispatcher =
      connection === undefined
        ? new Pool(ORIGIN, {
            ...common,
            connections: CONNECTIONS,
            connect: (_, callback) => {
              this.connect().then(
                ({ socket }) => callback(null, socket),
                (error) => callback(error, null),
              );
            },
          })
        : new Client(ORIGIN, { ...common, connect: onlyOnce(connection, this.name) });
  }

  /** The address that worked last. */
  get address(): string | undefined {
    return this.#lastAddress;
  }

  get name(): PeerName {
    return { nodeId: this.#target.nodeId, address: this.#lastAddress ?? this.#target.addresses[0] ?? '' };
  }

  /** A connection of its own, begun with the address that worked last. Who asked for it destroys it. */
  async connect(): Promise<PeerConnection> {
    const { addresses } = this.#target;
    const first = addresses.filter((address) => address === this.#lastAddress);
    const rest = addresses.filter((address) => address !== this.#lastAddress);
    this.#secureContext ??= secureContextOf(this.#target);
    const connection = await connectToPeer(
      { ...this.#target, addresses: [...first, ...rest] },
      this.#secureContext,
      {
        timeoutMs: this.#options.timeouts.connectMs,
        clock: this.#options.clock,
        signal: this.#stop.signal,
      },
    );
    this.#lastAddress = connection.address;
    return connection;
  }

  /**
   * Sends a request; resolves when the whole answer was taken.
   * @throws E_PEER_UNREACHABLE, E_PEER_REFUSED, E_OBJECT_MISSING, E_NO_SPACE, E_ABORTED, and what `onAnswer` throws
   */
  async exchange(request: ChannelRequest): Promise<Answer> {
    throwIfAborted(request.signal);
    const exchange = new PeerExchange(request, this.#options, () => this.name);
    this.#dispatcher.dispatch(
      {
        path: request.path,
        method: request.method,
        headers: {
          ...request.headers,
          ...(request.body === undefined ? {} : { 'content-length': String(request.body.byteLength) }),
        },
        // undici takes async iterables; its types forget them.
        body: exchange.body() as never,
      },
      exchange,
    );
    return exchange.answer;
  }

  /** Ends all connections; what runs on them ends with E_ABORTED. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#dispatcher.destroy(abortedError());
  }
}

function onlyOnce(connection: PeerConnection, name: PeerName) {
  let isUsed = false;
  return (_: unknown, callback: (...result: [null, PeerConnection['socket']] | [Error, null]) => void) => {
    const isUsable = !isUsed && !connection.socket.destroyed;
    isUsed = true;
    // Called at once, undici would never send the request.
    queueMicrotask(() => {
      if (isUsable) callback(null, connection.socket);
      else callback(transportError({ code: 'UND_ERR_SOCKET' }, name), null);
    });
  };
}
