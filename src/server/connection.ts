/**
 * What is known of the other end of a connection. The certificate is judged for every request anew, because time goes
 * on and the cluster may change; whether its node is still a member is for the handler to say.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { NodeId } from '../core/ids.js';
import { DisktroError } from '../errors.js';
import { type CertificateFacts, isOfCluster, parseCertificate, refusalOfTime } from '../net/certificates.js';

const EXPORTER_BYTES = 32;

export interface PeerIdentity {
  readonly nodeId: NodeId;
  readonly certificateDer: Buffer;
}

/** The other end, as one request sees it. */
export interface Connection {
  readonly isTls: boolean;
  readonly isLoopback: boolean;
  /** Without the prefix that an IPv4 address has on an IPv6 socket. */
  readonly remoteAddress: string;
  /** Who has shown a certificate of this cluster that is in time; undefined for all others. */
  readonly peer: PeerIdentity | undefined;
  /**
   * The TLS exporter (RFC 8446, 7.5) of this connection: 32 bytes, empty context.
   * @throws E_USAGE on plain HTTP
   */
  exporter(label: string): Buffer;
}

interface JudgedCertificate {
  readonly caPem: string;
  readonly der: Buffer;
  /** Undefined when it is not of this CA. */
  readonly facts: CertificateFacts | undefined;
}

/** The signature is checked once for a connection and a CA; the dates every time. */
const judged = new WeakMap<TLSSocket, JudgedCertificate>();

/** @param caPem of this node's cluster; undefined when it has none yet */
export function connectionOf(socket: Socket, caPem: string | undefined, nowMs: number): Connection {
  const remoteAddress = plainAddress(socket.remoteAddress ?? '');
  const isTls = socket instanceof TLSSocket;
  return {
    isTls,
    isLoopback: remoteAddress.startsWith('127.') || remoteAddress === '::1',
    remoteAddress,
    peer: isTls && caPem !== undefined ? peerOf(socket, caPem, nowMs) : undefined,
    exporter(label) {
      if (!isTls) throw new DisktroError('E_USAGE', 'this request needs TLS');
      return socket.exportKeyingMaterial(EXPORTER_BYTES, label, Buffer.alloc(0));
    },
  };
}

/** The node whose key the certificate holds that was shown, whoever has signed it. */
export function claimedNodeId(socket: TLSSocket): NodeId | undefined {
  try {
    const certificate = socket.getPeerX509Certificate();
    return certificate === undefined ? undefined : parseCertificate(certificate.raw).nodeId;
  } catch {
    return undefined;
  }
}

function peerOf(socket: TLSSocket, caPem: string, nowMs: number): PeerIdentity | undefined {
  let entry = judged.get(socket);
  if (entry?.caPem !== caPem) {
    const der = socket.getPeerX509Certificate()?.raw;
    if (der === undefined) return undefined;
    entry = { caPem, der, facts: isOfCluster(der, caPem, nowMs) ? parseCertificate(der) : undefined };
    judged.set(socket, entry);
  }
  const { facts, der } = entry;
  if (facts === undefined || refusalOfTime(facts, nowMs) !== undefined) return undefined;
  return { nodeId: facts.nodeId, certificateDer: der };
}

const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');
