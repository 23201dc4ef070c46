/** ChaCha20-Poly1305 written down from RFC 8439, slow and readable: what the fast one is held against. */

/** Section 2.1. */
function quarterRound(state: number[], a: number, b: number, c: number, d: number): void {
  const add = (to: number, from: number): void => {
    state[to] = ((state[to] ?? 0) + (state[from] ?? 0)) >>> 0;
  };
  const xorRotate = (to: number, from: number, bits: number): void => {
    const mixed = ((state[to] ?? 0) ^ (state[from] ?? 0)) >>> 0;
    state[to] = ((mixed << bits) | (mixed >>> (32 - bits))) >>> 0;
  };
  add(a, b);
  xorRotate(d, a, 16);
  add(c, d);
  xorRotate(b, c, 12);
  add(a, b);
  xorRotate(d, a, 8);
  add(c, d);
  xorRotate(b, c, 7);
}

/** Section 2.3: 64 bytes of key stream from a 32-byte key, a counter and a 12-byte nonce. */
export function chacha20Block(key: Buffer, counter: number, nonce: Buffer): Buffer {
  const words = (bytes: Buffer): number[] =>
    Array.from({ length: bytes.byteLength / 4 }, (_, index) => bytes.readUInt32LE(index * 4));
  const initial = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, ...words(key), counter, ...words(nonce)];
  const state = [...initial];
  for (let round = 0; round < 10; round++) {
    for (const column of [0, 1, 2, 3]) quarterRound(state, column, column + 4, column + 8, column + 12);
    quarterRound(state, 0, 5, 10, 15);
    quarterRound(state, 1, 6, 11, 12);
    quarterRound(state, 2, 7, 8, 13);
    quarterRound(state, 3, 4, 9, 14);
  }
  const block = Buffer.alloc(64);
  state.forEach((word, index) => {
    block.writeUInt32LE((word + (initial[index] ?? 0)) >>> 0, index * 4);
  });
  return block;
}

/** Section 2.4. */
function chacha20(key: Buffer, counter: number, nonce: Buffer, text: Buffer): Buffer {
  const result = Buffer.from(text);
  for (let at = 0; at < text.byteLength; at += 64) {
    const block = chacha20Block(key, counter + at / 64, nonce);
    for (let i = at; i < Math.min(at + 64, text.byteLength); i++) {
      result[i] = (text[i] ?? 0) ^ (block[i - at] ?? 0);
    }
  }
  return result;
}

const littleEndian = (bytes: Buffer): bigint => BigInt(`0x0${Buffer.from(bytes).reverse().toString('hex')}`);

/** Section 2.5: a 16-byte tag from a 32-byte one-time key. */
export function poly1305(oneTimeKey: Buffer, message: Buffer): Buffer {
  const r = littleEndian(oneTimeKey.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  const s = littleEndian(oneTimeKey.subarray(16, 32));
  const p = 2n ** 130n - 5n;
  let accumulator = 0n;
  for (let at = 0; at < message.byteLength; at += 16) {
    const block = Buffer.concat([message.subarray(at, at + 16), Buffer.from([1])]);
    accumulator = ((accumulator + littleEndian(block)) * r) % p;
  }
  const tag = (accumulator + s) % 2n ** 128n;
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

function padTo16(bytes: Buffer): Buffer {
  return Buffer.alloc((16 - (bytes.byteLength % 16)) % 16);
}

/** Section 2.8: ciphertext and tag. */
export function seal(key: Buffer, nonce: Buffer, associated: Buffer, plaintext: Buffer): Buffer {
  const oneTimeKey = chacha20Block(key, 0, nonce).subarray(0, 32);
  const ciphertext = chacha20(key, 1, nonce, plaintext);
  const lengths = Buffer.alloc(16);
  lengths.writeBigUInt64LE(BigInt(associated.byteLength), 0);
  lengths.writeBigUInt64LE(BigInt(ciphertext.byteLength), 8);
  const mac = Buffer.concat([associated, padTo16(associated), ciphertext, padTo16(ciphertext), lengths]);
  return Buffer.concat([ciphertext, poly1305(oneTimeKey, mac)]);
}

/** Section 2.8, the other way: undefined when the tag does not fit. */
export function open(key: Buffer, nonce: Buffer, associated: Buffer, sealed: Buffer): Buffer | undefined {
  const ciphertext = sealed.subarray(0, -16);
  const plaintext = chacha20(key, 1, nonce, ciphertext);
  return seal(key, nonce, associated, plaintext).equals(sealed) ? plaintext : undefined;
}
