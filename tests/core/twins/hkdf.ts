/** HKDF-SHA256 written down from RFC 5869 over HMAC: what the fast one is held against. */
import { createHmac } from 'node:crypto';

const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

/** Section 2.2. No salt is a salt of 32 zero bytes. */
export function extract(salt: Uint8Array, material: Uint8Array): Buffer {
  return hmac(salt.byteLength === 0 ? new Uint8Array(32) : salt, material);
}

/** Section 2.3. */
export function expand(key: Uint8Array, info: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let n = 1; blocks.length * 32 < length; n++) {
    blocks.push(hmac(key, blocks.at(-1) ?? new Uint8Array(0), info, Buffer.from([n])));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

export function hkdf(material: Uint8Array, salt: Uint8Array, info: string, length: number): Buffer {
  return expand(extract(salt, material), Buffer.from(info, 'utf8'), length);
}
