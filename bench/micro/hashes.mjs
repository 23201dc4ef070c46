// @ts-check
/** SHA-256 and HMAC-SHA256 of 1 MiB, and the small derivation that every object costs. */
import { randomBytes } from 'node:crypto';
import { hkdf, hmacSha256, sha256Hex } from '../../dist/src/core/hashes.js';
import { asFigure, speedOf } from './timing.mjs';

export async function benchHashes() {
  const bytes = randomBytes(2 ** 20);
  const key = randomBytes(32);
  const perSecond = (speedOf(2 ** 16, () => hkdf(key, key, 'disktro/v1/object', 32)) * 1e6) / 2 ** 16;
  return [
    { what: 'SHA-256', figure: asFigure(speedOf(bytes.byteLength, () => sha256Hex(bytes))) },
    { what: 'HMAC-SHA256', figure: asFigure(speedOf(bytes.byteLength, () => hmacSha256(key, bytes))) },
    { what: 'HKDF of one object key', figure: `${(1e6 / perSecond).toFixed(1)} µs` },
  ];
}
