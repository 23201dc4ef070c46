// Mutation proof: breaks one promise at a time in a copy of the built project and sees that tests go red.
//   npm run mutants            all
//   npm run mutants -- salt    those whose name contains the word
// A mutant that no test notices, or whose text is no longer found in the source exactly once, fails the run.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { build } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const TEST_TIMEOUT_MS = 300_000;

/** What is broken, where, and the tests that must notice; the first to fail is enough. */
const MUTANTS = [
  {
    name: 'constant salt',
    file: 'src/ops/chunk-writer.ts',
    from: 'const salt = randomBytes(SALT_BYTES);',
    to: 'const salt = Buffer.alloc(SALT_BYTES, randomBytes(0).length);',
    tests: ['ops/chunk'],
  },
  {
    name: 'tag check skipped',
    file: 'src/core/cipher.ts',
    from: '    decipher.final();',
    to: '    decipher.getAuthTag;',
    tests: ['core/cipher', 'core/object-corruption'],
  },
  {
    name: 'associated data dropped',
    file: 'src/core/cipher.ts',
    from: '  decipher.setAAD(associated, { plaintextLength: length });',
    to: '',
    and: { from: '  cipher.setAAD(associated, { plaintextLength: 0 });', to: '' },
    tests: ['core/cipher', 'core/object-vectors'],
  },
  {
    name: 'store id check skipped',
    file: 'src/core/object.ts',
    from: '  if (id !== options.id) {',
    to: '  if (id === undefined) {',
    tests: ['core/object-vectors', 'core/object'],
  },
  {
    name: 'padding check skipped',
    file: 'src/core/object.ts',
    from: 'if (!isZero(padding)) throw',
    to: 'if (!isZero(padding.subarray(padding.length))) throw',
    tests: ['core/object-vectors'],
  },
  {
    name: 'fsync of the file skipped',
    file: 'src/store/file-batch.ts',
    from: '    await handle.sync();',
    to: '',
    tests: ['store/file-batch', 'ops/power-loss-chunk'],
  },
  {
    name: 'fsync of the folders skipped',
    file: 'src/store/file-batch.ts',
    from: 'await Promise.all([...folders].map((folder) => fileSystem.syncFolder(folder)));',
    to: '',
    tests: ['store/file-batch', 'ops/power-loss-chunk'],
  },
  {
    name: 'catalog not synchronous',
    file: 'src/catalog/database.ts',
    from: "  database.pragma('synchronous = FULL');\n  if (database.pragma('synchronous', { simple: true }) !== 2) throw new Error('synchronous: expected FULL');",
    to: "  database.pragma('synchronous = OFF');",
    tests: ['catalog/database'],
  },
  {
    name: 'entered before it is durable',
    file: 'src/ops/object-sink.ts',
    from: '      await batch.commit();\n',
    to: '      void batch.commit();\n',
    tests: ['ops/faults', 'ops/power-loss-chunk'],
  },
  {
    name: 'gc blind to running sessions',
    file: 'src/catalog/garbage.ts',
    from: 'live()[0] ?? Number.MAX_SAFE_INTEGER',
    to: 'Number.MAX_SAFE_INTEGER',
    tests: ['catalog/garbage', 'ops/gc'],
  },
  {
    name: 'known chunk left under its tombstone',
    file: 'src/ops/chunk-writer.ts',
    from: 'if (row.isTombstoned && !reviveObject(catalog, row.row)) return undefined;',
    to: 'if (catalog === undefined && !reviveObject(catalog, row.row)) return undefined;',
    and: {
      file: 'src/catalog/commits.ts',
      from: 'if (statements.anyTombstone.get() !== undefined) statements.reviveChildren.run(row);',
      to: '',
    },
    tests: ['ops/gc', 'catalog/commits'],
  },
  {
    name: 'known chunk not looked for on disk',
    file: 'src/ops/chunk-writer.ts',
    from: 'if (size === row.storedBytes) return row.storeId;',
    to: 'if (size !== -1) return row.storeId;',
    tests: ['ops/verify', 'ops/chunk'],
  },
  {
    name: 'hostile password costs accepted',
    file: 'src/core/slot.ts',
    from: "  if (header.kdf === 'argon2id' && isPassesFine && isMemoryFine) return;",
    to: "  if (header.kdf === 'argon2id' || (isPassesFine && isMemoryFine)) return;",
    tests: ['core/slot'],
  },
  {
    name: 'path rules dropped',
    file: 'src/core/entry-path.ts',
    from: "if (part === '.' || part === '..')",
    to: "if (part === '.')",
    tests: ['core/entry-path'],
  },
  {
    name: 'output named before it is durable',
    file: 'src/ops/output-file.ts',
    from: '      await this.#file.sync();\n',
    to: '',
    tests: ['ops/reassemble', 'ops/output-file'],
  },
  {
    name: 'a dead worker leaves its jobs waiting',
    file: 'src/core/worker/pool.ts',
    from: 'for (const { reject } of this.#waiting.values()) reject(this.#death);',
    to: '',
    tests: ['core/worker/pool', 'core/engine'],
  },
];

await build();
const wanted = process.argv[2] ?? '';
const chosen = MUTANTS.filter(({ name }) => name.includes(wanted));
const copy = mkdtempSync(join(tmpdir(), 'disktro-mutants-'));
let survivors = 0;
try {
  for (const part of ['dist', 'bin', 'fixtures', 'package.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const mutant of chosen) {
    const killer = tryMutant(mutant);
    if (killer === undefined) survivors++;
    console.log(
      `${killer === undefined ? 'SURVIVED' : 'killed  '} ${mutant.name}${killer ? ` by ${killer}` : ''}`,
    );
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${chosen.length - survivors} killed, ${survivors} survived`);
process.exitCode = survivors === 0 && chosen.length > 0 ? 0 : 1;

/** @returns the test that noticed */
function tryMutant(mutant) {
  const edits = [mutant, ...(mutant.and ? [{ file: mutant.file, ...mutant.and }] : [])];
  const sources = new Map();
  for (const { file, from, to } of edits) {
    const text = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${mutant.name}: its text is not once in ${file}`);
    sources.set(
      file,
      text.replace(from, () => to),
    );
  }
  for (const [file, text] of sources) writeFileSync(outputOf(file), transpile(text));
  try {
    return mutant.tests.find((test) => spawnTest(test) !== 0);
  } finally {
    for (const file of sources.keys()) cpSync(outputOf(file).replace(copy, root), outputOf(file));
  }
}

function outputOf(file) {
  return join(copy, 'dist', file.replace(/\.ts$/, '.js'));
}

function transpile(text) {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

function spawnTest(test) {
  const file = join(copy, 'dist/tests', `${test}.test.js`);
  const options = {
    cwd: copy,
    stdio: 'ignore',
    timeout: TEST_TIMEOUT_MS,
    env: { ...process.env, TAP_BAIL: '1' },
  };
  const { status } = spawnSync(process.execPath, [file], options);
  return status ?? 1;
}
