// ChaCha20-Poly1305 into buffers. Source: src/core/cipher.ts. Vectors: rfc8439.json.
// cipher.ts has a zero nonce only, so the RFC proves node:crypto and the twin, and the twin proves cipher.ts.
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { decryptInto, encryptInto, TAG_BYTES } from '../../src/core/cipher.js';
import { bytes, holds } from './properties.js';
import { noise } from './samples.js';
import * as twin from './twins/chacha20-poly1305.js';
import { fromHex, readVectors, toHex } from './vectors.js';

interface CipherVectors {
  readonly aead: readonly Record<
    'section' | 'key' | 'nonce' | 'aad' | 'plaintext' | 'ciphertext' | 'tag',
    string
  >[];
  readonly block: readonly {
    section: string;
    key: string;
    nonce: string;
    counter: number;
    keystream: string;
  }[];
  readonly poly1305: readonly Record<'section' | 'key' | 'message' | 'tag', string>[];
}

const vectors = readVectors<CipherVectors>('rfc8439');
const NONCE = Buffer.alloc(12);
const key = noise('key', 32);
const associated = Buffer.from('associated data');

function encrypt(plaintext: Buffer, ad: Uint8Array = associated): Buffer {
  const out = Buffer.alloc(plaintext.byteLength + TAG_BYTES);
  encryptInto(key, ad, [plaintext], out);
  return out;
}

for (const vector of vectors.block) {
  t.test(`the twin's block function is that of RFC 8439, ${vector.section}`, async (t) => {
    const block = twin.chacha20Block(fromHex(vector.key), vector.counter, fromHex(vector.nonce));
    t.equal(toHex(block), vector.keystream);
  });
}

for (const vector of vectors.poly1305) {
  t.test(`the twin's Poly1305 is that of RFC 8439, ${vector.section}`, async (t) => {
    t.equal(toHex(twin.poly1305(fromHex(vector.key), fromHex(vector.message))), vector.tag);
  });
}

for (const vector of vectors.aead) {
  t.test(`the AEAD is that of RFC 8439, ${vector.section}`, async (t) => {
    const [aeadKey, nonce, aad] = [fromHex(vector.key), fromHex(vector.nonce), fromHex(vector.aad)];
    const plaintext = fromHex(vector.plaintext);
    const wanted = vector.ciphertext + vector.tag;
    t.equal(toHex(twin.seal(aeadKey, nonce, aad, plaintext)), wanted, 'by the twin');
    t.same(twin.open(aeadKey, nonce, aad, fromHex(wanted)), plaintext, 'by the twin, the other way');
    const cipher = createCipheriv('chacha20-poly1305', aeadKey, nonce, { authTagLength: 16 });
    cipher.setAAD(aad, { plaintextLength: plaintext.byteLength });
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    t.equal(toHex(ciphertext) + toHex(cipher.getAuthTag()), wanted, 'by node:crypto');
  });
}

for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 4096, 65_537]) {
  t.test(`${length} bytes are encrypted as the twin does it`, async (t) => {
    const plaintext = noise('plaintext', length);
    const sealed = encrypt(plaintext);
    t.ok(sealed.equals(twin.seal(key, NONCE, associated, plaintext)));
    const out = Buffer.alloc(length);
    t.equal(decryptInto(key, associated, sealed, out), length);
    t.ok(out.equals(plaintext));
  });
}

for (const length of [0, 1, 12, 16, 17, 52]) {
  t.test(`${length} bytes of associated data are bound as the twin does it`, async (t) => {
    const ad = noise('ad', length);
    t.ok(encrypt(key, ad).equals(twin.seal(key, NONCE, ad, key)));
  });
}

holds(
  'the ciphertext does not depend on how the plaintext is sliced into parts',
  [bytes(500), fc.array(fc.nat({ max: 120 }), { maxLength: 8 })],
  (plaintext, sizes) => {
    const parts: Buffer[] = [];
    let at = 0;
    for (const size of sizes) {
      parts.push(plaintext.subarray(at, at + size));
      at = Math.min(plaintext.byteLength, at + size);
    }
    parts.push(plaintext.subarray(at));
    const out = Buffer.alloc(plaintext.byteLength + TAG_BYTES);
    return encryptInto(key, associated, parts, out) === out.byteLength && out.equals(encrypt(plaintext));
  },
);

t.test(
  'the bytes are the same at every alignment of the output, in shared memory too, of every length near a slice',
  async (t) => {
    const slice = 256 * 1024;
    const plaintext = noise('long', slice + 20);
    const memory = Buffer.from(new SharedArrayBuffer(plaintext.byteLength + 100));
    for (const length of [slice - 9, slice - 1, slice, slice + 1, slice + 9]) {
      const wanted = encrypt(plaintext.subarray(0, length));
      for (let offset = 0; offset < 9; offset++) {
        const out = memory.subarray(offset, offset + length + TAG_BYTES);
        const parts = [plaintext.subarray(0, offset * 3), plaintext.subarray(offset * 3, length)];
        encryptInto(key, associated, parts, out);
        if (!out.equals(wanted)) t.fail(`${length} bytes at ${offset}`);
        const back = memory.subarray(offset, offset + length);
        decryptInto(key, associated, wanted, back);
        if (!back.equals(plaintext.subarray(0, length))) t.fail(`${length} bytes back at ${offset}`);
      }
    }
    t.pass('all alike');
  },
);

t.test('a message of several slices is encrypted as node:crypto does it in one go', async (t) => {
  const plaintext = noise('several', 1_000_000);
  const cipher = createCipheriv('chacha20-poly1305', key, NONCE, { authTagLength: 16 });
  cipher.setAAD(associated, { plaintextLength: plaintext.byteLength });
  const wanted = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  t.ok(encrypt(plaintext).equals(wanted));
  const back = Buffer.alloc(plaintext.byteLength);
  t.equal(decryptInto(key, associated, wanted, back), plaintext.byteLength);
  t.ok(back.equals(plaintext));
});

t.test('nothing is written behind the tag, nor behind the plaintext', async (t) => {
  const out = Buffer.alloc(100, 0xee);
  const written = encryptInto(key, associated, [Buffer.alloc(20)], out);
  t.equal(written, 36);
  t.ok(out.subarray(36).equals(Buffer.alloc(64, 0xee)));
  const back = Buffer.alloc(50, 0xee);
  t.equal(decryptInto(key, associated, out.subarray(0, 36), back), 20);
  t.ok(back.subarray(20).equals(Buffer.alloc(30, 0xee)));
});

t.test('every flipped bit of ciphertext, tag and associated data is refused', async (t) => {
  const sealed = encrypt(Buffer.from('twenty bytes of text'));
  const out = Buffer.alloc(20);
  const passed: string[] = [];
  const check = (what: string, ad: Uint8Array, bytes: Uint8Array): void => {
    try {
      decryptInto(key, ad, bytes, out);
      passed.push(what);
    } catch (error) {
      if ((error as { code?: string }).code !== 'E_OBJECT_TAG') passed.push(`${what}: ${error}`);
    }
  };
  for (let bit = 0; bit < sealed.byteLength * 8; bit++) {
    const flipped = Buffer.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    check(`bit ${bit} of the ciphertext`, associated, flipped);
  }
  for (let bit = 0; bit < associated.byteLength * 8; bit++) {
    const flipped = Buffer.from(associated);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    check(`bit ${bit} of the associated data`, flipped, sealed);
  }
  t.same(passed, []);
});

t.test('another key is refused', async (t) => {
  const sealed = encrypt(Buffer.from('text'));
  const run = (): number => decryptInto(noise('other', 32), associated, sealed, Buffer.alloc(4));
  t.throws(run, { name: 'DisktroError', code: 'E_OBJECT_TAG' });
});

t.test('the caller names the code', async (t) => {
  const sealed = encrypt(Buffer.from('text'));
  const decrypt = (bytes: Uint8Array) => () =>
    decryptInto(key, Buffer.alloc(0), bytes, Buffer.alloc(4), 'E_CATALOG_CORRUPT');
  t.throws(decrypt(sealed), { code: 'E_CATALOG_CORRUPT' });
  t.throws(decrypt(sealed.subarray(0, 15)), { code: 'E_CATALOG_CORRUPT' }, 'also for less than a tag');
});

for (const length of [0, 1, 15]) {
  t.test(`${length} bytes are too short for a tag`, async (t) => {
    const run = (): number => decryptInto(key, associated, Buffer.alloc(length), Buffer.alloc(0));
    t.throws(run, { name: 'DisktroError', code: 'E_OBJECT_TAG' });
  });
}
