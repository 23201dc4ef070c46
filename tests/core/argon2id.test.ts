// Argon2id, native and portable. Source: src/core/argon2id.ts, src/core/sodium.ts.
// Vectors: argon2id.json, argon2id-command.json.
import t from 'tap';
import { argon2id, nativeArgon2id } from '../../src/core/argon2id.js';
import { portableArgon2id } from '../../src/core/sodium.js';
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
          t.equal(toHex(await hashing(fromHex(password), fromHex(salt), passes, memoryBytes)), hash, name);
        }
      },
    );
  }
}
