/**
 * The line that lets one machine join a cluster, and the proof that a machine has it.
 * Whether an invite was used already is known to the node that made it, not here. docs/PROTOCOL.md, "Joining".
 */
import { equalInConstantTime, hmacSha256, sha256Hex } from '../core/hashes.js';
import type { NodeId } from '../core/ids.js';
import { usageError } from '../errors.js';
import { MAX_ADDRESSES } from './member-record.js';

const PREFIX = 'disktro-invite-1:';
export const INVITE_SECRET_BYTES = 16;
export const INVITE_VALID_MS = 3_600_000;
const MAX_ADDRESS_LENGTH = 300;
const MAX_LINE_LENGTH = 8192;
/** How far the clock of the joining machine may be ahead. */
const CLOCK_SLACK_MS = 10 * 60_000;

export const JOIN_EXPORTER_LABEL = 'EXPORTER-disktro-join';
export const RECOVER_EXPORTER_LABEL = 'EXPORTER-disktro-recover';

export interface Invite {
  /** Of the node that invites, 1 to 8, each `host:port`. */
  readonly addresses: readonly string[];
  /** SHA-256 of the CA's certificate: 64 hex digits. */
  readonly caFingerprint: string;
  /** 16 bytes. */
  readonly secret: Uint8Array;
  /** When it ends, in ms since 1970. */
  readonly endMs: number;
}

/** The invite as one line. */
export function formatInvite({ addresses, caFingerprint, secret, endMs }: Invite): string {
  const fields = {
    a: addresses.slice(0, MAX_ADDRESSES),
    f: caFingerprint,
    s: Buffer.from(secret).toString('hex'),
    e: endMs,
  };
  return PREFIX + Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/**
 * Reads an invite, with white space and line breaks that copying put in.
 * @throws E_USAGE when it is no invite, cut off, or over for more than ten minutes
 */
export function parseInvite(line: string, nowMs: number): Invite {
  const text = line.replaceAll(/\s+/g, '');
  if (!text.startsWith('disktro-invite-')) {
    throw usageError(
      `invite: expected a line that begins with ${PREFIX}`,
      'run `disktro peers invite` on a machine of the cluster and paste the whole line',
    );
  }
  if (!text.startsWith(PREFIX)) {
    throw usageError('invite: made by a newer disktro', 'update disktro on this machine');
  }
  const invite = readFields(text.slice(PREFIX.length), text.length);
  if (nowMs > invite.endMs + CLOCK_SLACK_MS) {
    throw usageError(
      `invite: expired on ${new Date(invite.endMs).toISOString()}`,
      'run `disktro peers invite` again; an invite is good for one hour',
    );
  }
  return invite;
}

function readFields(encoded: string, length: number): Invite {
  const broken = (why: string): never => {
    throw usageError(
      `invite: ${why}`,
      'paste the whole line as `disktro peers invite` printed it, from its first to its last character',
    );
  };
  if (length > MAX_LINE_LENGTH) broken('too long');
  if (!/^[\w-]+$/.test(encoded)) broken('has characters that do not belong in it');
  let fields: Record<string, unknown> = {};
  try {
    const json: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    if (typeof json === 'object' && json !== null) fields = json as Record<string, unknown>;
  } catch {
    broken('incomplete');
  }
  const { a, f, s, e } = fields;
  const isAddress = (one: unknown): one is string =>
    typeof one === 'string' && one.length > 0 && one.length <= MAX_ADDRESS_LENGTH && /^[!-~]+$/.test(one);
  if (!Array.isArray(a) || a.length === 0 || a.length > MAX_ADDRESSES || !a.every(isAddress)) {
    return broken('has no usable addresses');
  }
  if (typeof f !== 'string' || !/^[0-9a-f]{64}$/.test(f)) return broken('has no fingerprint');
  if (typeof s !== 'string' || !/^[0-9a-f]{32}$/.test(s)) return broken('has no secret');
  if (!Number.isSafeInteger(e) || (e as number) <= 0 || (e as number) > 8.64e15) return broken('has no end');
  return { addresses: a, caFingerprint: f, secret: Buffer.from(s, 'hex'), endMs: e as number };
}

/** By what the inviting node knows an invite again: SHA-256 of its secret, 64 hex digits. */
export function inviteIdOf(secret: Uint8Array): string {
  return sha256Hex(secret);
}

/** What a join is bound to: two nodes and one TLS connection. */
export interface JoinContext {
  readonly joiningNodeId: NodeId;
  readonly invitingNodeId: NodeId;
  /** 32 bytes, label {@link JOIN_EXPORTER_LABEL}. */
  readonly exporter: Uint8Array;
}

/** The proof that this machine has the secret, good on this one connection: 64 hex digits. */
export function joinProof(secret: Uint8Array, context: JoinContext): string {
  return joinMac(secret, context).toString('hex');
}

/** Whether a proof fits, compared in constant time. */
export function isJoinProof(proof: string, secret: Uint8Array, context: JoinContext): boolean {
  return (
    /^[0-9a-f]{64}$/.test(proof) && equalInConstantTime(Buffer.from(proof, 'hex'), joinMac(secret, context))
  );
}

function joinMac(secret: Uint8Array, context: JoinContext): Buffer {
  const { joiningNodeId, invitingNodeId, exporter } = context;
  const text = `disktro/v1/join\n${joiningNodeId}\n${invitingNodeId}\n${Buffer.from(exporter).toString('hex')}`;
  return hmacSha256(secret, Buffer.from(text));
}
