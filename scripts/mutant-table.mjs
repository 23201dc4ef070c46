// What mutants.mjs breaks, and the test files that must notice. Each edit replaces a text that stands exactly once in
// its file, so that a mutant that no longer fits the source is an error and not a silent success.

import { PEER_MUTANTS } from './mutants-of-peers.mjs';

const cipher = 'src/core/cipher.ts';
const object = 'src/core/object.ts';
const slot = 'src/core/slot.ts';
const chunkWriter = 'src/ops/chunk/chunk-writer.ts';
const manifestWriter = 'src/ops/chunk/manifest-writer.ts';
const objectSink = 'src/ops/chunk/object-sink.ts';
const outputFile = 'src/ops/read/output-file.ts';
const fileBatch = 'src/store/file-batch.ts';

export const MUTANTS = [
  // Sealing.
  {
    name: 'constant salt of objects',
    edits: [
      {
        file: chunkWriter,
        from: 'const salt = randomBytes(SALT_BYTES);',
        to: 'const salt = Buffer.alloc(SALT_BYTES, 7);',
      },
    ],
    tests: ['ops/chunk/chunk'],
  },
  {
    name: 'constant salt of names in the catalog',
    edits: [
      {
        file: manifestWriter,
        from: 'sealRecord(vault.keys.name, randomBytes(SALT_BYTES),',
        to: 'sealRecord(vault.keys.name, Buffer.alloc(SALT_BYTES, 7),',
      },
    ],
    tests: ['ops/chunk/chunk'],
  },
  {
    name: 'tag not checked',
    edits: [{ file: cipher, from: '    decipher.final();\n', to: '' }],
    tests: ['core/cipher', 'core/object-vectors'],
  },
  {
    name: 'plaintext released when the tag does not fit',
    edits: [
      {
        file: cipher,
        from: `    throw integrityError(
      code,
      'authentication tag does not fit: the bytes were changed or the key is another',
      { cause },
    );`,
        to: '    void cause;',
      },
    ],
    tests: ['core/object-vectors'],
  },
  {
    name: 'associated data of objects dropped',
    edits: [
      { file: cipher, from: '  cipher.setAAD(associated, { plaintextLength: 0 });\n', to: '' },
      { file: cipher, from: '  decipher.setAAD(associated, { plaintextLength: length });\n', to: '' },
    ],
    tests: ['core/cipher', 'core/object'],
  },
  {
    name: 'associated data of slots dropped',
    edits: [
      {
        file: 'src/core/key-wrap.ts',
        from: '    cipher.setAAD(associated, { plaintextLength: secret.byteLength });\n',
        to: '',
      },
      {
        file: 'src/core/key-wrap.ts',
        from: '    decipher.setAAD(associated, { plaintextLength: secretBytes });\n',
        to: '',
      },
    ],
    tests: ['core/slot'],
  },
  {
    name: 'store id not checked',
    edits: [{ file: object, from: 'if (id !== options.id) {', to: "if (id === '') {" }],
    tests: ['core/object-vectors'],
  },
  {
    name: 'vault id not checked',
    edits: [{ file: object, from: 'if (vault !== keys.vaultId) {', to: "if (vault === '') {" }],
    tests: ['core/object-vectors'],
  },
  {
    name: 'padding not checked',
    edits: [{ file: object, from: 'if (!isZero(padding))', to: 'if (padding === undefined)' }],
    tests: ['core/object-vectors'],
  },
  {
    name: 'promised length not checked',
    edits: [
      { file: object, from: 'options.rawBytes !== undefined && raw !== options.rawBytes', to: 'raw < 0' },
    ],
    tests: ['core/object-vectors'],
  },

  // zstd.
  {
    name: 'zstd frame decompressed without a look at it',
    edits: [
      {
        file: 'src/core/codec-zstd.ts',
        from: '(isFrameOf(source, target.byteLength) ? decompress(source, target) : -1)',
        to: '(isFrameOf !== undefined ? decompress(source, target) : -1)',
      },
    ],
    tests: ['core/codec-zstd', 'core/object-vectors'],
  },
  {
    name: 'zstd window not bounded',
    edits: [
      { file: 'src/core/zstd-frame.ts', from: 'windowBytes <= MAX_WINDOW_BYTES', to: 'windowBytes > 0' },
    ],
    tests: ['core/codec-zstd'],
  },
  {
    name: 'zstd frame may have something behind it',
    edits: [
      {
        file: 'src/core/zstd-frame.ts',
        from: 'blocksEnd(view, firstBlock) === body.byteLength',
        to: 'blocksEnd(view, firstBlock) !== undefined',
      },
    ],
    tests: ['core/codec-zstd', 'core/object-vectors'],
  },
  {
    name: 'zstd level ignored',
    edits: [
      {
        file: 'src/core/codec-zstd.ts',
        from: 'found.compress(source, target, level)',
        to: 'found.compress(source, target, 0 * level + 3)',
      },
    ],
    tests: ['core/codec-zstd'],
  },
  {
    name: 'zstd decoder not waited for',
    edits: [
      {
        file: 'src/core/jobs.ts',
        from: 'if (!(error instanceof DecoderNotLoaded)) throw error;',
        to: 'if (!(error instanceof TypeError)) throw error;',
      },
    ],
    tests: ['cli/compression'],
  },
  {
    name: 'zstd not refused before a vault is made',
    edits: [
      {
        file: 'src/cli/commands/chunk.ts',
        from: '  checkCompression(compressionOf(config, flags));\n',
        to: '  if (config === undefined) checkCompression(compressionOf(config, flags));\n',
      },
    ],
    tests: ['cli/compression'],
  },

  // Slots.
  {
    name: 'slot check compared after the open',
    edits: [
      {
        file: slot,
        from: 'if (keys === undefined || !equalInConstantTime(hmacSha256(keys.commit, bound), check)) {',
        to: 'if (keys === undefined) {',
      },
      {
        file: slot,
        from: '  return masterKey;\n',
        to: `  if (!equalInConstantTime(hmacSha256(keys.commit, bound), check)) {
    throw new DisktroError('E_WRONG_PASSWORD', 'wrong password or recovery code');
  }
  return masterKey;
`,
      },
    ],
    tests: ['core/slot'],
  },
  {
    name: 'KDF bounds of a slot not checked',
    edits: [{ file: slot, from: '  checkParameters(slot);\n', to: '' }],
    tests: ['core/slot'],
  },

  // Durability.
  {
    name: 'fsync of objects skipped',
    edits: [{ file: fileBatch, from: '    await handle.sync();\n', to: '' }],
    tests: ['store/file-batch', 'ops/power-loss-chunk'],
  },
  {
    name: 'commit does not wait for fsync',
    edits: [{ file: fileBatch, from: '      await Promise.all(this.#syncs);\n', to: '' }],
    tests: ['store/file-batch'],
  },
  {
    name: 'fsync of object folders skipped',
    edits: [
      {
        file: fileBatch,
        from: '      await Promise.all([...folders].map((folder) => fileSystem.syncFolder(folder)));\n',
        to: '',
      },
    ],
    tests: ['store/file-batch', 'ops/power-loss-chunk'],
  },
  {
    name: 'fsync of small files skipped',
    edits: [{ file: 'src/store/file-system.ts', from: '      await handle.sync();\n', to: '' }],
    tests: ['store/file-system'],
  },
  {
    name: 'fsync of folders after deleting skipped',
    edits: [
      {
        file: 'src/store/file-store.ts',
        from: '      await Promise.all([...folders].map((folder) => this.#fileSystem.syncFolder(folder)));\n',
        to: '',
      },
    ],
    tests: ['store/file-store'],
  },
  {
    name: 'catalog with synchronous=OFF',
    edits: [
      {
        file: 'src/catalog/database.ts',
        from: "database.pragma('synchronous = FULL');",
        to: "database.pragma('synchronous = OFF');",
      },
      {
        file: 'src/catalog/database.ts',
        from: "database.pragma('synchronous', { simple: true }) !== 2",
        to: "database.pragma('synchronous', { simple: true }) !== 0",
      },
    ],
    tests: ['catalog/database'],
  },
  {
    name: 'chunks committed before they are durable',
    edits: [
      { file: objectSink, from: '      await batch.commit();\n', to: '' },
      {
        file: objectSink,
        from: '      const rows = commitChunks(this.#home.catalog, this.#home.session().id, objects);\n',
        to: `      const rows = commitChunks(this.#home.catalog, this.#home.session().id, objects);
      await batch.commit();
`,
      },
    ],
    tests: ['ops/power-loss-chunk'],
  },
  {
    name: 'output not synced before it gets its name',
    edits: [{ file: outputFile, from: '      await file.sync();\n', to: '' }],
    tests: ['cli/output-steps'],
  },
  {
    name: 'output under its name before it is complete',
    edits: [
      {
        file: outputFile,
        from: 'this.#temporary = temporaryBeside(target);',
        to: 'this.#temporary = target;',
      },
      { file: outputFile, from: '      await this.#giveName();\n', to: '' },
    ],
    tests: ['cli/output-steps'],
  },

  // Deduplication and gc.
  {
    name: 'gc does not see running chunks',
    edits: [
      {
        file: 'src/ops/upkeep/gc.ts',
        from: 'return liveSessions(catalog, paths.temporary).map(({ id }) => id);',
        to: 'return [];',
      },
    ],
    tests: ['ops/upkeep/gc'],
  },
  {
    name: 'a known chunk keeps its tombstone',
    edits: [
      {
        file: chunkWriter,
        from: '    if (row.isTombstoned && !reviveObject(catalog, row.row)) return undefined;\n',
        to: '',
      },
    ],
    tests: ['ops/upkeep/gc', 'ops/recovery-freed'],
  },
  {
    name: 'a known chunk is not looked for in the store',
    edits: [
      {
        file: chunkWriter,
        from: 'if (size === row.storedBytes) return row.storeId;',
        to: 'return row.storeId;',
      },
    ],
    tests: ['ops/upkeep/verify'],
  },

  // Manifests, lists and threads.
  {
    name: 'paths in manifests not checked',
    edits: [
      {
        file: 'src/core/entry-path.ts',
        from: 'export function checkEntryPath(path: string | Uint8Array): void {\n',
        to: 'export function checkEntryPath(path: string | Uint8Array): void {\n  return;\n',
      },
    ],
    tests: ['core/entry-path'],
  },
  {
    name: 'paths not checked when a manifest is read',
    edits: [
      {
        file: 'src/core/entry.ts',
        from: "  if (path !== TREE_ROOT || type !== 'directory') checkEntryPath(path);\n",
        to: '',
      },
    ],
    tests: ['core/manifest-vectors', 'core/manifest'],
  },
  {
    name: 'list chunks end in the middle of an item',
    edits: [
      {
        file: 'src/core/list.ts',
        from: '    const taken = this.#store(Buffer.concat(group.map((item) => item.encoded)), children);\n',
        to: `    const whole = Buffer.concat(group.map((item) => item.encoded));
    const head = await (await this.#store(whole.subarray(0, -1), children)).ref;
    await above.push(encodeRef(head), head.storeId);
    const taken = this.#store(whole.subarray(-1), children);
`,
      },
    ],
    tests: ['core/list'],
  },
  {
    name: 'list chunks end anywhere, not by their items',
    edits: [
      {
        file: 'src/core/list.ts',
        from: 'return hash < encoded.byteLength * BOUNDARY_PER_BYTE;',
        to: 'return hash < 0;',
      },
    ],
    tests: ['core/list'],
  },
  {
    name: 'a dead worker leaves its jobs waiting',
    edits: [
      {
        file: 'src/core/worker/lane.ts',
        from: '    for (const { reject } of this.#waiting.values()) reject(this.#death);\n',
        to: '',
      },
    ],
    tests: ['core/worker/pool'],
  },
  ...PEER_MUTANTS,
];
