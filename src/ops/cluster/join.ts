/**
 * How a machine becomes a member: an invite made here, taken up there (docs/PROTOCOL.md, "Joining").
 * The secret of an invite is spent by the first who proves it.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeId } from '../../core/ids.js';
import { DisktroError, isDisktroError, throwIfAborted } from '../../errors.js';
import {
  authorityFingerprint,
  createAuthority,
  createCertificateRequest,
  isOfCluster,
  parseCertificate,
  signCertificateRequest,
} from '../../net/certificates.js';
import {
  formatInvite,
  INVITE_SECRET_BYTES,
  INVITE_VALID_MS,
  type Invite,
  inviteIdOf,
  isJoinProof,
  JOIN_EXPORTER_LABEL,
  joinProof,
} from '../../net/invite.js';
import { PeerClient } from '../../net/peer-client.js';
import type { Cluster } from './cluster.js';
import type { NodeFiles, NodeIdentity } from './node-files.js';

const MAX_OPEN_INVITES = 100;
/** Invites that this process has given a certificate for: the file is read and written between awaits, and by commands. */
const spent = new Set<string>();
const CONNECT_ATTEMPTS = 4;
const CONNECT_PAUSE_MS = 400;

/**
 * One line that lets one machine join within an hour. The first invite of a node without a cluster founds one.
 * @param addresses `host:port` under which this node is reached
 * @throws E_PEER_REFUSED when this node does not hold the key of its cluster's CA
 */
export async function makeInvite(
  files: NodeFiles,
  addresses: readonly string[],
  nowMs: number,
  validMs = INVITE_VALID_MS,
): Promise<string> {
  const identity = await foundCluster(files, nowMs);
  if (identity.credentials === undefined || identity.caKeyPem === undefined) {
    throw new DisktroError(
      'E_PEER_REFUSED',
      'this node may not invite: it does not hold the key of its cluster',
      {
        hint: 'run `disktro peers invite` on the machine that the cluster began on',
      },
    );
  }
  const secret = randomBytes(INVITE_SECRET_BYTES);
  const endMs = nowMs + validMs;
  const open = await files.invites(nowMs);
  await files.writeInvites([
    ...open.slice(-MAX_OPEN_INVITES),
    { hash: inviteIdOf(secret), secret: secret.toString('hex'), endMs },
  ]);
  return formatInvite({
    addresses,
    caFingerprint: authorityFingerprint(identity.credentials.caPem),
    secret,
    endMs,
  });
}

/** This node's identity as a member: of the cluster it is in, or of a new one. */
export async function foundCluster(files: NodeFiles, nowMs: number): Promise<NodeIdentity> {
  const identity = await files.ensure('');
  if (identity.credentials !== undefined) return identity;
  const ca = await createAuthority(nowMs);
  const csr = await createCertificateRequest(identity.keyPem);
  const { certificatePem } = await signCertificateRequest(csr, ca, nowMs);
  await files.writeCredentials({ certificatePem, caPem: ca.certificatePem }, ca.keyPem);
  return (await files.read()) as NodeIdentity;
}

export interface JoinRequest {
  readonly invite: string;
  readonly csr: string;
  readonly proof: string;
}

export interface Joined {
  readonly nodeId: NodeId;
  readonly certificatePem: string;
  readonly caPem: string;
}

/**
 * The inviting side. @param exporter TLS exporter of the very connection that the request came on
 * @throws E_PEER_REFUSED, the same for every reason
 */
export async function acceptJoin(files: NodeFiles, request: JoinRequest, exporter: Buffer): Promise<Joined> {
  const nowMs = Date.now();
  const refused = new DisktroError('E_PEER_REFUSED', 'this invite is not good, or not any more');
  const identity = await files.read();
  const open = await files.invites(nowMs);
  const invite = open.find(({ hash }) => hash === request.invite);
  if (identity?.credentials === undefined || identity.caKeyPem === undefined || invite === undefined)
    throw refused;
  const { caPem } = identity.credentials;
  const authority = { certificatePem: caPem, keyPem: identity.caKeyPem };
  const signed = await signCertificateRequest(request.csr, authority, nowMs).catch(() => undefined);
  const secret = Buffer.from(invite.secret, 'hex');
  if (signed === undefined) throw refused;
  const context = { joiningNodeId: signed.nodeId, invitingNodeId: identity.id, exporter };
  if (!isJoinProof(request.proof, secret, context)) throw refused;
  // Spent before the certificate leaves: two at once get one.
  if (spent.has(invite.hash)) throw refused;
  spent.add(invite.hash);
  const left = await files.invites(nowMs);
  if (!left.some(({ hash }) => hash === invite.hash)) throw refused;
  await files.writeInvites(left.filter(({ hash }) => hash !== invite.hash));
  return { nodeId: signed.nodeId, certificatePem: signed.certificatePem, caPem };
}

/** A member's new certificate. @throws E_PEER_REFUSED when the request is not for its own key, or this node has no CA key */
export async function renewCertificate(
  files: NodeFiles,
  caller: NodeId,
  csr: string,
): Promise<{ readonly certificate: string }> {
  const identity = await files.read();
  if (identity?.credentials === undefined || identity.caKeyPem === undefined) {
    throw new DisktroError('E_PEER_REFUSED', 'this node does not hold the key of its cluster');
  }
  const authority = { certificatePem: identity.credentials.caPem, keyPem: identity.caKeyPem };
  const { nodeId, certificatePem } = await signCertificateRequest(csr, authority, Date.now());
  if (nodeId !== caller) throw new DisktroError('E_PEER_REFUSED', 'not a request of your own');
  return { certificate: certificatePem };
}

interface JoinAnswer {
  readonly certificate: string;
  readonly ca: string;
  readonly records: unknown;
  readonly removals: unknown;
}

/** The joining side. @throws E_PEER_UNREACHABLE, E_PEER_REFUSED; E_ABORTED */
export async function takeUpInvite(files: NodeFiles, invite: Invite, signal?: AbortSignal): Promise<void> {
  const identity = await files.ensure('');
  const csr = await createCertificateRequest(identity.keyPem);
  const { addresses, caFingerprint, secret } = invite;
  const client = new PeerClient({ addresses, caFingerprint, credentials: undefined });
  const connection = await patiently(() => client.openBound(signal), signal);
  try {
    const exporter = connection.exporter(JOIN_EXPORTER_LABEL);
    const context = { joiningNodeId: identity.id, invitingNodeId: connection.nodeId, exporter };
    const body = { v: 1, invite: inviteIdOf(secret), csr, proof: joinProof(secret, context) };
    const answer = (await connection
      .json('POST', '/register', body, { signal })
      .catch(throwSpent)) as JoinAnswer;
    const { nodeId } = parseCertificate(String(answer.certificate));
    if (authorityFingerprint(String(answer.ca)) !== caFingerprint || nodeId !== identity.id) {
      throw new DisktroError(
        'E_PEER_REFUSED',
        'the answer to the invite is not of the cluster that it names',
      );
    }
    // The certificate last: a running `serve` begins to be a member when it sees it, and must know the others then.
    await files.writeMembers({ v: 1, records: answer.records, removals: answer.removals });
    await files.writeCredentials({ certificatePem: answer.certificate, caPem: answer.ca });
  } finally {
    await connection.close();
    await client.close();
  }
}

/** The inviting node says the same of an invite that was used, has expired, or was never one of its own. */
function throwSpent(error: unknown): never {
  if (!isDisktroError(error, 'E_PEER_REFUSED') || error.details?.status !== 403) throw error;
  throw new DisktroError('E_PEER_REFUSED', 'this invite was used or has expired', {
    hint: 'run `disktro peers invite` again on a machine of the cluster, and take up the new one',
    cause: error,
  });
}

/** A `serve` that has just founded its cluster takes a moment to notice. */
async function patiently<T>(connect: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect();
    } catch (error) {
      if (attempt === CONNECT_ATTEMPTS || !isDisktroError(error, 'E_PEER_UNREACHABLE')) throw error;
      throwIfAborted(signal);
      await pause(CONNECT_PAUSE_MS);
    }
  }
}

/** Asks the members, one after another, until one that holds the CA's key signs. @returns whether one did */
export async function renewOwnCertificate(files: NodeFiles, cluster: Cluster): Promise<boolean> {
  const identity = await files.read();
  if (identity?.credentials === undefined) return false;
  const csr = await createCertificateRequest(identity.keyPem);
  const { caPem } = identity.credentials;
  if (identity.caKeyPem !== undefined) {
    const authority = { certificatePem: caPem, keyPem: identity.caKeyPem };
    const { certificatePem } = await signCertificateRequest(csr, authority, Date.now());
    await files.writeCredentials({ certificatePem, caPem });
    return true;
  }
  for (const node of cluster.everyone()) {
    try {
      const answer = (await cluster.client(node).json('POST', '/register', { csr })) as {
        certificate?: unknown;
      };
      const certificatePem = String(answer.certificate);
      if (!isOfCluster(certificatePem, caPem, Date.now())) continue;
      if (parseCertificate(certificatePem).nodeId !== identity.id) continue;
      await files.writeCredentials({ certificatePem, caPem });
      return true;
    } catch (error) {
      if (!isDisktroError(error, 'E_PEER_UNREACHABLE', 'E_PEER_REFUSED')) throw error;
    }
  }
  return false;
}
