/**
 * One TLS 1.3 connection to a peer, given out only when its certificate is that of the node that was meant: before that
 * not a byte of a request leaves. Sends nothing itself. docs/PROTOCOL.md, "One port" and "Joining".
 */
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { NodeId } from '../core/ids.js';
import { DisktroError, type ErrorCode, isDisktroError } from '../errors.js';
import {
  authorityFingerprint,
  type Credentials,
  certificateToPem,
  parseCertificate,
  refusalOfCertificate,
} from './certificates.js';
import { shortNodeId } from './node-id.js';
import { type Endpoint, resolveAddress } from './peer-address.js';
import { type FailurePhase, peerError } from './peer-errors.js';

/** When the next address is tried while the one before is still silent. */
const STAGGER_MS = 700;

export interface PeerTarget {
  /** Undefined only when joining or recovering. */
  readonly nodeId: NodeId | undefined;
  /** SHA-256 of the CA's certificate, hex: who the peer must belong to when there are no credentials yet. */
  readonly caFingerprint: string | undefined;
  readonly addresses: readonly string[];
  readonly credentials: Credentials | undefined;
}

export interface PeerConnection {
  readonly socket: TLSSocket;
  /** The one of the target's that it goes to. */
  readonly address: string;
  readonly nodeId: NodeId;
  /** The CA's certificate as the peer showed it; checked against the fingerprint when one was given. */
  readonly caPem: string | undefined;
}

export interface ConnectOptions {
  /** For name, TCP and TLS of one address, in ms. */
  readonly timeoutMs: number;
  /** Ms since 1970. */
  readonly clock: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link connectToPeer} needs again and again for one target: made once, it costs 1 ms. */
export function secureContextOf({ credentials }: PeerTarget): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.3',
    ...(credentials === undefined
      ? {}
      : { key: credentials.keyPem, cert: credentials.certificatePem, ca: credentials.caPem }),
  });
}

/**
 * Connects to the first address that answers as the right node. They are begun in order, the next one when the one
 * before fails or stays silent for 0.7 s.
 * @throws E_PEER_UNREACHABLE; E_PEER_REFUSED when someone answered who is not that node; with `node` and `address`
 */
export async function connectToPeer(
  target: PeerTarget,
  secureContext: SecureContext,
  options: ConnectOptions,
): Promise<PeerConnection> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const errors: unknown[] = [];
  const tries = target.addresses.map((address) => async (): Promise<PeerConnection> => {
    const connection = await connectToAddress(address, target, secureContext, { ...options, signal });
    if (!stop.signal.aborted) return connection;
    connection.socket.destroy();
    throw new Error('another address was faster');
  });
  try {
    const connection = await firstSuccess(tries, errors);
    return connection;
  } catch {
    const refused = errors.find((error) => isDisktroError(error, 'E_PEER_REFUSED', 'E_USAGE'));
    throw (
      refused ??
      errors.find(isOfNetwork) ??
      errors[0] ??
      failure('E_PEER_UNREACHABLE', target, '', 'has no address')
    );
  } finally {
    stop.abort();
  }
}

/** The first that succeeds; begun in order, staggered. Errors go to `errors` in the order they came. */
async function firstSuccess<T>(tries: readonly (() => Promise<T>)[], errors: unknown[]): Promise<T> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let running = 0;
    let isDone = false;
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      isDone = true;
      clearTimeout(timer);
    };
    const startNext = (): void => {
      clearTimeout(timer);
      const attempt = tries[next++];
      if (isDone) return;
      if (attempt === undefined) {
        if (running === 0) reject(new Error('all failed'));
        return;
      }
      running++;
      attempt().then(
        (value) => {
          finish();
          resolve(value);
        },
        (error: unknown) => {
          errors.push(error);
          running--;
          startNext();
        },
      );
      timer = setTimeout(startNext, STAGGER_MS);
    };
    startNext();
  });
}

async function connectToAddress(
  address: string,
  target: PeerTarget,
  secureContext: SecureContext,
  options: ConnectOptions,
): Promise<PeerConnection> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  let lastError: unknown;
  for (const endpoint of await withSignal(resolveAddress(address), signal, target, address)) {
    let socket: TLSSocket;
    try {
      socket = await handshake(endpoint, secureContext, signal);
    } catch (error) {
      lastError = connectionError(error, target, address);
      continue;
    }
    try {
      return { socket, address, ...checkIdentity(socket, target, address, options.clock()) };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }
  throw lastError;
}

/** A name server that does not answer cannot be stopped, but need not be waited for. */
async function withSignal<T>(
  work: Promise<T>,
  signal: AbortSignal,
  target: PeerTarget,
  address: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(connectionError(signal.reason, target, address));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function handshake(
  { ip, port }: Endpoint,
  secureContext: SecureContext,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const options = {
      host: ip,
      port,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      // Judged by checkIdentity instead, before anything is sent: OpenSSL would know of no slack for clocks, and
      // host names mean nothing here. No session is ever passed in, so none is resumed unjudged.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    };
    const socket = connect(options);
    const onAbort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.setNoDelay(true).setKeepAlive(true, 30_000);
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', onAbort);
      resolve(socket);
    });
    socket.on('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
    });
  });
}

function checkIdentity(
  socket: TLSSocket,
  target: PeerTarget,
  address: string,
  nowMs: number,
): { nodeId: NodeId; caPem: string | undefined } {
  const certificate = socket.getPeerX509Certificate();
  const refuse = (why: string): never => {
    throw failure('E_PEER_REFUSED', target, address, why);
  };
  if (certificate === undefined) return refuse('shows no certificate');
  const { nodeId } = parseCertificate(certificate.raw);
  const shownCa = certificate.issuerCertificate?.raw;
  const { caFingerprint, credentials } = target;
  if (caFingerprint !== undefined && (!shownCa || authorityFingerprint(shownCa) !== caFingerprint)) {
    return refuse('belongs to another cluster than the invite');
  }
  const ca = credentials?.caPem ?? (caFingerprint === undefined ? undefined : shownCa);
  if (ca !== undefined) {
    const refusal = refusalOfCertificate(certificate.raw, ca, nowMs);
    if (refusal !== undefined) return refuse(`shows a certificate that ${refusal}`);
  }
  if (target.nodeId !== undefined && target.nodeId !== nodeId) {
    return refuse(`is another node: ${shortNodeId(nodeId)}`);
  }
  return { nodeId, caPem: shownCa === undefined ? undefined : certificateToPem(shownCa) };
}

/** That nobody listens on loopback says nothing of a peer that is another machine, and comes before its own silence. */
function isOfNetwork(error: unknown): boolean {
  const address = isDisktroError(error) ? String(error.details?.address ?? '') : '';
  return !/^(127\.|localhost:|\[::1\])/.test(address);
}

function connectionError(error: unknown, target: PeerTarget, address: string): DisktroError {
  if (error instanceof DisktroError) return error;
  const { code = '', name = '', message = '' } = (error ?? {}) as NodeJS.ErrnoException;
  if (name === 'TimeoutError')
    return failure('E_PEER_UNREACHABLE', target, address, 'does not answer', error);
  // What answers there speaks no TLS 1.3, or not to us.
  const isProtocol = code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS');
  if (isProtocol) {
    return failure('E_PEER_REFUSED', target, address, `refused the TLS connection (${code})`, error);
  }
  return failure('E_PEER_UNREACHABLE', target, address, `cannot be reached (${code || message})`, error);
}

function failure(
  code: ErrorCode,
  { nodeId, addresses }: PeerTarget,
  address: string,
  why: string,
  cause?: unknown,
  phase: FailurePhase = 'connecting',
): DisktroError {
  return peerError(code, { nodeId, address: address || (addresses[0] ?? '') }, why, { phase, cause });
}
