/**
 * What goes wrong with a peer, as errors of this program: cannot be reached, or answered with something else than the
 * protocol says. What a peer says of itself is shown as its words, never as ours.
 */
import type { NodeId } from '../core/ids.js';
import { abortedError, DisktroError, type ErrorCode, isDisktroError } from '../errors.js';
import { parseBoundedJson } from './bounded-json.js';
import { shortNodeId } from './node-id.js';

export interface PeerName {
  readonly nodeId: NodeId | undefined;
  readonly address: string;
}

const MAX_MESSAGE_LENGTH = 200;

/** `phase` of the details says how far it came: `lost` and `connecting` are worth another try. */
export type FailurePhase = 'connecting' | 'lost' | 'timeout' | 'answer';

export function peerError(
  code: ErrorCode,
  { nodeId, address }: PeerName,
  why: string,
  options: {
    readonly phase: FailurePhase;
    readonly status?: number;
    readonly cause?: unknown;
    readonly hint?: string;
  },
): DisktroError {
  const { phase, status, cause, hint } = options;
  const who = nodeId === undefined ? 'node' : `peer ${shortNodeId(nodeId)}`;
  return new DisktroError(code, `${who}${address ? ` at ${address}` : ''} ${why}`, {
    details: { node: nodeId, address, phase, ...(status === undefined ? {} : { status }) },
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}

/** An answer that does not keep to the protocol. */
export const brokenAnswer = (what: string, name: PeerName, cause?: unknown): DisktroError =>
  peerError('E_PEER_REFUSED', name, `broke the protocol: ${what}`, { phase: 'answer', cause });

/** An error of the connection while a request was on it. */
export function transportError(error: unknown, name: PeerName): DisktroError {
  if (error instanceof DisktroError) return error;
  const { code = '', name: kind = '', message = '' } = (error ?? {}) as NodeJS.ErrnoException;
  if (kind === 'TimeoutError') {
    return peerError('E_PEER_UNREACHABLE', name, 'has stopped answering', { phase: 'timeout', cause: error });
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return abortedError(error);
  const isProtocol =
    kind === 'HTTPParserError' ||
    code.startsWith('ERR_SSL') ||
    code === 'UND_ERR_HEADERS_OVERFLOW' ||
    code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ||
    code === 'UND_ERR_RESPONSE';
  if (isProtocol) return brokenAnswer(`an answer that is no HTTP (${code || message})`, name, error);
  return peerError('E_PEER_UNREACHABLE', name, `broke off the connection (${code || message})`, {
    phase: 'lost',
    cause: error,
  });
}

/** An answer with a status that was not asked for. */
export function answerError(status: number, body: Uint8Array, name: PeerName): DisktroError {
  const said = messageOf(body);
  const words = said === undefined ? `status ${status}` : `status ${status}, ${JSON.stringify(said)}`;
  const options = { phase: 'answer', status } as const;
  if (status === 507) {
    return peerError('E_NO_SPACE', name, `has no room left: ${words}`, {
      ...options,
      hint: 'free some space on that machine or raise its quota',
    });
  }
  if (status >= 300 && status < 400) {
    return peerError('E_PEER_REFUSED', name, `points elsewhere, which is never followed: ${words}`, options);
  }
  if (status >= 500) return peerError('E_PEER_REFUSED', name, `failed: ${words}`, options);
  return peerError('E_PEER_REFUSED', name, `refused: ${words}`, options);
}

/** Whether the connection broke or could not be had: a peer that refused or fell silent is not asked again. */
export function isConnectionLoss(error: unknown): boolean {
  if (!isDisktroError(error, 'E_PEER_UNREACHABLE')) return false;
  const phase = error.details?.phase as FailurePhase | undefined;
  return phase === 'lost' || phase === 'connecting';
}

/** The message of `{"error":{"code","message"}}`, cut short. */
function messageOf(body: Uint8Array): string | undefined {
  try {
    const { error } = parseBoundedJson(body) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === 'string' ? error.message.slice(0, MAX_MESSAGE_LENGTH) : undefined;
  } catch {
    return undefined;
  }
}
