// Writes fixtures/vectors/: objects, manifests and the Padmé table from code under tests/core/makers/, and what
// reference tools say (argon2, lz4, zstd) where those are installed. What is there already comes out byte for byte the same.
// The vectors of RFCs and of libsodium are copied from their sources and not made here.
//   node scripts/make-vectors.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensure, runMain } from './ensure.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vectors = join(root, 'fixtures/vectors');

function write(name, value) {
  // One vector a line, so that a change shows as one line.
  const text = JSON.stringify(value, null, 1)
    .replace(/\n {3,}/g, ' ')
    .replace(/\n {2}([\]}])/g, ' $1');
  writeFileSync(join(vectors, name), `${text}\n`);
  console.error(`disktro: wrote fixtures/vectors/${name}`);
}

/** The tool's stdout, or undefined where it is not installed. */
function run(tool, args, input) {
  const { status, error, stdout, stderr } = spawnSync(tool, args, { input, maxBuffer: 1 << 26 });
  if (error?.code === 'ENOENT') {
    console.error(`disktro: ${tool} is not installed, its vectors stay as they are`);
    return undefined;
  }
  if (error || status !== 0) throw new Error(`${tool} ${args.join(' ')} failed: ${stderr}`);
  return stdout;
}

/** What the command of the reference implementation says at the costs that disktro uses, and near them. */
function makeArgon2() {
  const inputs = [
    { password: 'correct horse battery staple', salt: '16 bytes of salt', passes: 3, memoryKib: 65_536 },
    { password: 'correct horse battery staple', salt: '16 bytes of salt', passes: 2, memoryKib: 65_536 },
    { password: 'pässwörd', salt: 'another 16 bytes', passes: 3, memoryKib: 8192 },
    { password: 'x', salt: '0123456789abcdef', passes: 16, memoryKib: 1024 },
  ];
  const made = [];
  for (const { password, salt, passes, memoryKib } of inputs) {
    const args = [salt, '-id', '-t', `${passes}`, '-k', `${memoryKib}`, '-p', '1', '-l', '32', '-r'];
    const hash = run('argon2', args, password);
    if (hash === undefined) return;
    made.push({
      password: Buffer.from(password).toString('hex'),
      salt: Buffer.from(salt).toString('hex'),
      passes,
      memoryBytes: memoryKib * 1024,
      hash: hash.toString().trim(),
    });
  }
  write('argon2id-command.json', {
    source:
      'the argon2 command of the reference implementation (github.com/P-H-C/phc-winner-argon2, Debian 0~20171227): ' +
      'argon2 SALT -id -t PASSES -k KIB -p 1 -l 32 -r; password and salt in hex',
    vectors: made,
  });
}

/** Frames by the reference lz4 tool, of texts that lie beside them. */
function makeLz4() {
  const frames = [
    ['licence', ['-1']],
    ['licence', ['-9']],
    ['log', ['-1']],
    ['log', ['-9', '--no-frame-crc']],
    ['log', ['--fast=8', '-BX']],
    ['run', ['-1']],
    ['run', ['-12']],
    ['noise', ['-1']],
  ];
  const made = [];
  for (const [name, options] of frames) {
    const content = readFileSync(join(vectors, `lz4/${name}.txt`));
    const frame = run('lz4', ['-z', '-c', '-B7', ...options], content);
    if (frame === undefined) return;
    const file = `lz4/${[name, ...options].join('').replace(/[^a-z0-9-]/gi, '')}.lz4`;
    writeFileSync(join(vectors, file), frame);
    const sha256 = createHash('sha256').update(content).digest('hex');
    made.push({ frame: file, content: `lz4/${name}.txt`, sha256, options: `-B7 ${options.join(' ')}` });
  }
  write('lz4.json', {
    source: 'the reference tool lz4 1.9.4: lz4 -z -c OPTIONS < CONTENT; one block a frame',
    frames: made,
  });
}

/** Frames by the reference zstd tool, of the same texts: some as docs/FORMAT.md wants them, some that are refused. */
function makeZstd() {
  const refusals = {
    '--check': 'it has a checksum',
    '--no-content-size': 'it does not say its length',
  };
  const frames = [
    ['licence', ['-3']],
    ['licence', ['-19']],
    ['log', ['-1']],
    ['log', ['-3']],
    ['log', ['-19']],
    ['log', ['--fast=5']],
    ['run', ['-3']],
    ['run', ['-12']],
    ['noise', ['-3']],
    ['licence', ['-3', '--check']],
    ['licence', ['-3', '--no-content-size']],
  ];
  const made = [];
  for (const [name, options] of frames) {
    const content = readFileSync(join(vectors, `lz4/${name}.txt`));
    const args = ['-z', '-c', '--no-check', `--stream-size=${content.byteLength}`, ...options];
    const frame = run('zstd', args, content);
    if (frame === undefined) return;
    const file = `zstd/${[name, ...options].join('').replace(/[^a-z0-9-]/gi, '')}.zst`;
    writeFileSync(join(vectors, file), frame);
    const refused = options.map((option) => refusals[option]).find(Boolean);
    made.push({
      frame: file,
      content: `lz4/${name}.txt`,
      options: options.join(' '),
      ...(refused && { refused }),
    });
  }
  write('zstd.json', {
    source: 'the reference tool zstd 1.5.4: zstd -z -c --no-check --stream-size=BYTES OPTIONS < CONTENT',
    frames: made,
  });
}

async function main() {
  await ensure();
  // Before the objects, some of which hold its frames.
  makeZstd();
  const load = (name) => import(join(root, `dist/tests/core/makers/${name}.js`));
  write('objects.json', (await load('object-vectors')).objectVectors());
  write('manifests.json', (await load('manifest-vectors')).manifestVectors());
  write('padme.json', (await load('padme-vectors')).padmeVectors());
  makeArgon2();
  makeLz4();
}

await runMain(main);
