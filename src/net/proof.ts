/**
 * Proofs that a node holds bytes: what is asked, the answer that bytes give, and how an answer is read
 * (docs/PROTOCOL.md, `POST /chunks/prove`). Reads no store.
 */
import { createHmac } from 'node:crypto';
import type { StoreId } from '../core/ids.js';

/** Of one range. */
export const MAX_PROOF_BYTES = 64 * 1024;
/** Of one request. */
export const MAX_PROOFS = 1_000;

export interface ProofRange {
  readonly id: StoreId;
  readonly offset: number;
  /** 1 to 65,536. */
  readonly length: number;
}

/** HMAC-SHA256(nonce, offset u64be ‖ length u64be ‖ bytes), hex. */
export function proofOf(nonce: Uint8Array, offset: number, bytes: Uint8Array): string {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(BigInt(offset), 0);
  head.writeBigUInt64BE(BigInt(bytes.byteLength), 8);
  return createHmac('sha256', nonce).update(head).update(bytes).digest('hex');
}

/** One answer for each range, null where the node says that it has no such bytes; undefined for another shape. */
export function readProofs(json: unknown, ranges: number): readonly (string | null)[] | undefined {
  const { proofs } = (json ?? {}) as { readonly proofs?: unknown };
  if (!Array.isArray(proofs) || proofs.length !== ranges) return undefined;
  const isProof = (proof: unknown): boolean =>
    proof === null || (typeof proof === 'string' && /^[0-9a-f]{64}$/.test(proof));
  return proofs.every(isProof) ? (proofs as (string | null)[]) : undefined;
}
