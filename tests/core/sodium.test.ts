// Argon2id, native and portable, and XChaCha20-Poly1305. Source: src/core/argon2id.ts, src/core/sodium.ts.
// Vectors: argon2id.json, argon2id-command.json, xchacha20-poly1305.json.
import t from 'tap';
import { argon2id, nativeArgon2id } from '../../src/core/argon2id.js';
import { loadSodium, portableArgon2id, unwrap, wrap } from '../../src/core/sodium.js';
import { fromHex, readVectors, toHex } from './vectors.js';

interface Argon2Vectors {
  readonly vectors: readonly {
    readonly password: string;
    readonly salt: string;
    readonly passes: number;
    readonly memoryBytes: number;
    readonly hash: string;
  }[];
}

await loadSodium();

const implementations = [
  ['chosen', argon2id],
  ['portable', portableArgon2id],
  ['native', nativeArgon2id() ?? portableArgon2id],
] as const;

for (const file of ['argon2id', 'argon2id-command']) {
  for (const { password, salt, passes, memoryBytes, hash } of readVectors<Argon2Vectors>(file).vectors) {
    t.test(
      `Argon2id at ${memoryBytes / 1024} KiB and ${passes} passes is that of ${file}.json`,
      async (t) => {
        for (const [name, hashing] of implementations) {
          t.equal(toHex(hashing(fromHex(password), fromHex(salt), passes, memoryBytes)), hash, name);
        }
      },
    );
  }
}

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
