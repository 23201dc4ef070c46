/**
 * The name of a node: SHA-256 of its public key in base32, so that whoever holds the key can prove the name
 * (docs/PROTOCOL.md, "Identity"). Knows nothing of certificates and of who is a member.
 */
import { sha256 } from '../core/hashes.js';
import type { NodeId } from '../core/ids.js';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const SHORT_LENGTH = 8;
/** 256 bits are 51 digits of 5 bits and one bit more, so the last digit is one of two. */
const NODE_ID = /^[a-z2-7]{51}[aq]$/;

/**
 * The node id of a public key.
 * @param spkiDer the key as SubjectPublicKeyInfo, DER
 * @returns lower-case base32 (RFC 4648, no padding) of its SHA-256: 52 characters
 */
export function nodeIdOf(spkiDer: Uint8Array): NodeId {
  return base32(sha256(spkiDer)) as NodeId;
}

/** True for text that {@link nodeIdOf} could have made: 52 digits, no bits left over. */
export const isNodeId = (text: string): text is NodeId => NODE_ID.test(text);

/** The first 8 characters, for people. Never compared: two nodes may share them. */
export const shortNodeId = (id: NodeId): string => id.slice(0, SHORT_LENGTH);

function base32(bytes: Uint8Array): string {
  let text = '';
  let pending = 0;
  let pendingBits = 0;
  for (const byte of bytes) {
    pending = ((pending & 31) << 8) | byte;
    pendingBits += 8;
    for (; pendingBits >= 5; pendingBits -= 5) text += ALPHABET.charAt((pending >> (pendingBits - 5)) & 31);
  }
  return pendingBits === 0 ? text : text + ALPHABET.charAt((pending << (5 - pendingBits)) & 31);
}
