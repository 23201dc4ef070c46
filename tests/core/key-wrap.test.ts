// XChaCha20-Poly1305. Source: src/core/key-wrap.ts. Vectors: xchacha20-poly1305.json, and libsodium itself.
import sodium from 'libsodium-wrappers-sumo';
import t from 'tap';
import { unwrap, wrap } from '../../src/core/key-wrap.js';
import { noise } from './samples.js';
import { fromHex, readVectors, toHex } from './vectors.js';

const draft =
  readVectors<Record<'key' | 'nonce' | 'aad' | 'plaintext' | 'ciphertext' | 'tag', string>>(
    'xchacha20-poly1305',
  );
const [key, nonce, aad, plaintext] = [draft.key, draft.nonce, draft.aad, draft.plaintext].map(fromHex) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];
const wrapped = fromHex(draft.ciphertext + draft.tag);

t.test('wrapping is XChaCha20-Poly1305 as the draft has it', async (t) => {
  t.equal(toHex(wrap(key, nonce, plaintext, aad)), toHex(wrapped));
  t.equal(toHex(unwrap(key, nonce, wrapped, aad) ?? Buffer.alloc(0)), draft.plaintext, 'and back');
});

t.test('a changed bit anywhere unwraps to nothing', async (t) => {
  const passed: string[] = [];
  const inputs = { key, nonce, wrapped, aad };
  for (const [name, input] of Object.entries(inputs)) {
    for (let bit = 0; bit < input.byteLength * 8; bit++) {
      const flipped = Buffer.from(input);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const changed = { ...inputs, [name]: flipped };
      const secret = unwrap(changed.key, changed.nonce, changed.wrapped, changed.aad);
      if (secret !== undefined) passed.push(`bit ${bit} of ${name}`);
    }
  }
  t.same(passed, []);
});

t.test('every truncation unwraps to nothing', async (t) => {
  for (let length = 0; length < wrapped.byteLength; length++) {
    if (unwrap(key, nonce, wrapped.subarray(0, length), aad) !== undefined) t.fail(`${length} bytes`);
  }
  t.equal(unwrap(key, nonce, Buffer.concat([wrapped, Buffer.alloc(1)]), aad), undefined, 'and one byte more');
});

t.test('it is what libsodium makes, whatever is wrapped', async (t) => {
  await sodium.ready;
  for (let run = 0; run < 100; run++) {
    const [key, nonce] = [noise(`key ${run}`, 32), noise(`nonce ${run}`, 24)];
    const [secret, associated] = [noise(`secret ${run}`, run), noise(`associated ${run}`, (run * 7) % 90)];
    const wanted = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(secret, associated, null, nonce, key);
    t.equal(toHex(wrap(key, nonce, secret, associated)), toHex(wanted), `${run} bytes`);
  }
});

t.test('keys and nonces of another length are refused', async (t) => {
  for (const bytes of [0, 23, 25]) {
    t.throws(() => wrap(key, noise('nonce', bytes), plaintext, aad), RangeError, `a nonce of ${bytes} bytes`);
    t.equal(unwrap(key, noise('nonce', bytes), wrapped, aad), undefined, 'unwraps to nothing');
  }
  for (const bytes of [0, 31, 33]) {
    t.throws(() => wrap(noise('key', bytes), nonce, plaintext, aad), RangeError, `a key of ${bytes} bytes`);
    t.throws(() => unwrap(noise('key', bytes), nonce, wrapped, aad), RangeError, 'also to unwrap');
  }
});
