/** The name of a node: base32 of the SHA-256 of its public key. Knows nothing of certificates or members. */
import { sha256 } from '../core/hashes.js';
import type { NodeId } from '../core/ids.js';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const NODE_ID = /^[a-z2-7]{51}[aq]$/;

/** The id of the node with this public key (SPKI, DER): 52 characters, lower-case base32 (RFC 4648) without padding. */
export function nodeIdOf(spkiDer: Uint8Array): NodeId {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of sha256(spkiDer)) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return (text + ALPHABET[(value << (5 - bits)) & 31]) as NodeId;
}

export const isNodeId = (text: string): text is NodeId => NODE_ID.test(text);

/** What people see of it: the first 8 characters. */
export const shortNodeId = (id: NodeId): string => id.slice(0, 8);
