/**
 * One port for peers (TLS 1.3) and for this machine (plain HTTP): the first byte decides. Bounds what a stranger can
 * hold up: sockets, silence, handshakes, headers, bodies, answers. Says who is there and decides nothing; the handler
 * is asked for every request. docs/PROTOCOL.md, "One port".
 */
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { NodeId } from '../core/ids.js';
import { DisktroError } from '../errors.js';
import type { Credentials } from '../net/certificates.js';
import { addressKey } from '../net/rate-limit.js';
import { claimedNodeId } from './connection.js';
import { type ExchangeOptions, type Exchanges, type RequestHandler, serveExchanges } from './exchanges.js';

const TLS_HANDSHAKE_BYTE = 0x16;
const PORTS_TO_TRY = 20;

/** Times in ms, sizes in bytes, rates in bytes per second. */
export interface ListenLimits {
  readonly maxConnections: number;
  /** Of one address, or one IPv6 /64: one machine must not take all of them. */
  readonly maxPerAddress: number;
  /** Until the first byte of a connection. */
  readonly silentMs: number;
  readonly handshakeMs: number;
  readonly headersMs: number;
  readonly maxHeaderBytes: number;
  /** A connection between two requests. */
  readonly idleMs: number;
  /** Over how long the rate of a body is taken. */
  readonly progressMs: number;
  readonly minRate: number;
  /** How long a request whose answer is out may go on sending. */
  readonly lingerMs: number;
  /** Requests of one connection sent without waiting for the answers. */
  readonly maxPipelined: number;
}

const LISTEN_LIMITS: ListenLimits = {
  maxConnections: 2000,
  maxPerAddress: 1200,
  silentMs: 10_000,
  handshakeMs: 5000,
  headersMs: 10_000,
  maxHeaderBytes: 16_384,
  idleMs: 60_000,
  progressMs: 60_000,
  minRate: 1024,
  lingerMs: 2000,
  maxPipelined: 16,
};

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Whether no other port will do. */
  readonly isPortFixed: boolean;
  /** Undefined while this node is of no cluster: TLS connections are then closed. */
  readonly tls: Credentials | undefined;
  readonly handler: RequestHandler;
  readonly log: (message: string) => void;
  readonly limits?: Partial<ListenLimits>;
  /** Ms since 1970. */
  readonly clock?: () => number;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  readonly address: string;
  /** For all connections from now on; those that are open keep the certificate they were begun with. */
  setCredentials(credentials: Credentials): void;
  /** Destroys all connections of this node. @returns how many */
  dropPeer(nodeId: NodeId): number;
  /** Takes no more connections, lets running requests end for up to `graceMs`, then destroys what is left. */
  close(graceMs: number): Promise<void>;
}

/**
 * Listens. When the port is taken and need not be that one, tries the 20 after it.
 * @throws E_IO when no port could be had
 */
export async function listenOnePort(options: ListenOptions): Promise<Listener> {
  const limits = { ...LISTEN_LIMITS, ...options.limits };
  const port = new OnePort(options, limits);
  try {
    await port.listen(options);
  } catch (error) {
    await port.close(0);
    throw error;
  }
  return port;
}

class OnePort implements Listener {
  readonly host: string;
  readonly #limits: ListenLimits;
  readonly #log: (message: string) => void;
  readonly #outer: Server;
  readonly #plain: HttpServer;
  readonly #secure: HttpsServer;
  readonly #exchanges: Exchanges;
  /** By remote address and port: those in mid-handshake are nowhere else. */
  readonly #sockets = new Map<string, Socket>();
  readonly #countByAddress = new Map<string, number>();
  readonly #peers = new Map<TLSSocket, NodeId | undefined>();
  #credentials: Credentials | undefined;

  constructor(options: ListenOptions, limits: ListenLimits) {
    this.host = options.host;
    this.#limits = limits;
    this.#log = options.log;
    const exchangeOptions: ExchangeOptions = {
      handler: options.handler,
      log: options.log,
      limits,
      clock: options.clock ?? Date.now,
      caPem: () => this.#credentials?.caPem,
      socketBelow: (socket) => this.#sockets.get(endOf(socket)) ?? socket,
    };
    this.#exchanges = serveExchanges(exchangeOptions);
    const httpOptions = {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersMs,
      // Bodies are watched for progress instead, so that a big one may take its time.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs / 4),
      requireHostHeader: true,
      insecureHTTPParser: false,
    };
    const onRequest = this.#exchanges.onRequest;
    this.#plain = createHttpServer(httpOptions, onRequest);
    // A client that ends its side after the request still gets its answer.
    (this.#plain as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
    this.#secure = createHttpsServer(
      {
        ...httpOptions,
        minVersion: 'TLSv1.3',
        requestCert: true,
        // Who shows none may still ping, register and recover; the certificate is judged for each request.
        rejectUnauthorized: false,
        handshakeTimeout: limits.handshakeMs,
      },
      onRequest,
    );
    this.#secure.on('secureConnection', (socket) => this.#onPeer(socket));
    // Half-open, so that a client may end its side after its request; the TLS branch takes that back.
    this.#outer = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) =>
      this.#onSocket(socket),
    );
    this.#outer.maxConnections = limits.maxConnections;
    if (options.tls !== undefined) this.setCredentials(options.tls);
  }

  get port(): number {
    return (this.#outer.address() as AddressInfo | null)?.port ?? 0;
  }

  get address(): string {
    return (this.#outer.address() as AddressInfo | null)?.address ?? this.host;
  }

  async listen({ host, port, isPortFixed }: ListenOptions): Promise<void> {
    const last = isPortFixed || port === 0 ? port : Math.min(port + PORTS_TO_TRY, 65_535);
    for (let candidate = port; ; candidate++) {
      try {
        this.#outer.listen(candidate, host);
        await once(this.#outer, 'listening');
        break;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EADDRINUSE' || candidate >= last) throw listenError(error, host, port, last);
      }
    }
    this.#outer.on('error', (error) => this.#log(`accepting connections: ${error.message}`));
    // These two never listen themselves, and watch their headers only from this event on.
    this.#plain.emit('listening');
    this.#secure.emit('listening');
  }

  setCredentials(credentials: Credentials): void {
    const { keyPem, certificatePem, caPem } = credentials;
    this.#secure.setSecureContext({
      key: keyPem,
      // With the CA's own, so that a joining machine can compare its fingerprint.
      cert: `${certificatePem.trim()}\n${caPem.trim()}\n`,
      ca: caPem,
      minVersion: 'TLSv1.3',
    });
    this.#credentials = credentials;
  }

  dropPeer(nodeId: NodeId): number {
    const sockets = [...this.#peers].filter(([, id]) => id === nodeId).map(([socket]) => socket);
    for (const socket of sockets) socket.destroy();
    return sockets.length;
  }

  async close(graceMs: number): Promise<void> {
    const closed = this.#outer.listening ? once(this.#outer, 'close') : undefined;
    this.#outer.close();
    this.#plain.close();
    this.#secure.close();
    await this.#exchanges.end(graceMs);
    this.#plain.closeAllConnections();
    this.#secure.closeAllConnections();
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  #onSocket(socket: Socket): void {
    const release = this.#admit(socket);
    if (release === undefined) {
      socket.on('error', () => {}).destroy();
      return;
    }
    const end = endOf(socket);
    this.#sockets.set(end, socket);
    // A broken connection is no news; who was using it hears of it.
    socket.on('error', () => {});
    socket.once('close', () => {
      clearTimeout(silence);
      release();
      if (this.#sockets.get(end) === socket) this.#sockets.delete(end);
    });
    const silence = setTimeout(() => socket.destroy(), this.#limits.silentMs);
    socket.once('readable', () => {
      clearTimeout(silence);
      const first: Buffer | null = socket.read();
      if (first === null || first.byteLength === 0) {
        socket.destroy();
        return;
      }
      socket.unshift(first);
      this.#hand(socket, first[0] === TLS_HANDSHAKE_BYTE);
    });
  }

  /** @returns what counts it off again; undefined when its address has enough */
  #admit(socket: Socket): (() => void) | undefined {
    const counts = this.#countByAddress;
    const key = addressKey(socket.remoteAddress ?? '');
    const count = counts.get(key) ?? 0;
    if (count >= this.#limits.maxPerAddress) return undefined;
    counts.set(key, count + 1);
    return () => {
      const left = (counts.get(key) ?? 1) - 1;
      if (left > 0) counts.set(key, left);
      else counts.delete(key);
    };
  }

  #hand(socket: Socket, isTls: boolean): void {
    if (!isTls) {
      this.#plain.emit('connection', socket);
    } else if (this.#credentials === undefined) {
      socket.destroy();
    } else {
      socket.allowHalfOpen = false;
      this.#secure.emit('connection', socket);
    }
  }

  #onPeer(socket: TLSSocket): void {
    this.#peers.set(socket, claimedNodeId(socket));
    socket.once('close', () => this.#peers.delete(socket));
  }
}

const endOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;

function listenError(error: unknown, host: string, port: number, last: number): DisktroError {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = `${host} port ${last === port ? port : `${port} to ${last}`}`;
  if (code === 'EADDRINUSE') {
    return new DisktroError('E_USAGE', `listening on ${where}: in use by another program`, {
      hint: 'stop that program, or give another port with --port',
      details: { host, port },
      cause: error,
    });
  }
  return new DisktroError('E_USAGE', `listening on ${where}: ${code ?? message}`, {
    hint: 'check the host, and for ports below 1024 the rights of this user',
    details: { host, port },
    cause: error,
  });
}
