// @ts-check
/**
 * Picks the real files of this machine that the mixed corpus is made of: kinds in fixed shares, in an order
 * that looks shuffled but is the same on every run over the same files.
 */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import { extname, join } from 'node:path';

/** Share of the corpus each kind is to have, in percent. */
export const kindShares = /** @type {const} */ ({ source: 30, binary: 35, compressed: 25, document: 10 });

/** @typedef {keyof typeof kindShares} Kind */

/**
 * @typedef {object} SourceFile
 * @property {string} path
 * @property {number} sizeBytes
 */

const roots = [
  '/usr',
  '/opt',
  '/var/cache/apt/archives',
  ...['.cargo/registry', '.rustup/toolchains', '.m2/repository', '.pyenv/versions', '.nvm/versions'].map(
    (path) => join(homedir(), path),
  ),
];

/** Larger files would make up the whole corpus by themselves. */
const maxFileBytes = 32 * 1024 * 1024;
/** As many neighbours of a folder stay together, as they would in an archive. */
const runLength = 16;

/** @type {Readonly<Record<Kind, string>>} */
const extensions = {
  source:
    '.py .pyi .pyx .pl .pm .rb .sh .c .cc .cpp .h .hpp .rs .go .js .mjs .cjs .ts .map .css .json .toml .yaml .yml ' +
    '.vim .lua .java .cmake .m4 .mk .conf .ini .tcl .el .sql .awk .proto .dectest',
  binary: '.so .a .o .pyc .class .rlib .rmeta .bc .node .wasm .mo .exe .dll .ko .bin',
  compressed:
    '.gz .xz .bz2 .zst .zip .jar .jmod .whl .crate .deb .tgz .png .jpg .jpeg .webp .woff .woff2 .pack',
  document: '.html .htm .md .rst .txt .tex .svg .xml .csv .tsv .pod .texi .info .pom',
};

const kindOfExtension = new Map(
  /** @type {Kind[]} */ (Object.keys(extensions)).flatMap((kind) =>
    extensions[kind].split(' ').map((extension) => /** @type {const} */ ([extension, kind])),
  ),
);

/**
 * Files in the order to take them, kinds interleaved by their shares. When one kind runs out, the others go on.
 *
 * @returns {Generator<{kind: Kind, file: SourceFile}>} may come to an end before a corpus is full
 */
export function* interleavedFiles() {
  const queues = queuesByKind(listFiles());
  const taken = { source: 0, binary: 0, compressed: 0, document: 0 };
  for (;;) {
    const kind = mostBehind(queues, taken);
    const file = kind && queues[kind].pop();
    if (!kind || !file) return;
    taken[kind] += file.sizeBytes;
    yield { kind, file };
  }
}

/**
 * @param {Readonly<Record<Kind, readonly SourceFile[]>>} queues
 * @param {Readonly<Record<Kind, number>>} taken bytes
 * @returns {Kind | undefined}
 */
function mostBehind(queues, taken) {
  const kinds = /** @type {Kind[]} */ (Object.keys(kindShares)).filter((kind) => queues[kind].length > 0);
  kinds.sort((a, b) => taken[a] / kindShares[a] - taken[b] / kindShares[b]);
  return kinds[0];
}

/** @param {readonly SourceFile[]} files first to be taken comes first */
function queuesByKind(files) {
  /** @type {Record<Kind, SourceFile[]>} */
  const queues = { source: [], binary: [], compressed: [], document: [] };
  for (const file of files.toReversed()) {
    const kind = kindOf(file.path);
    if (kind) queues[kind].push(file);
  }
  return queues;
}

function listFiles() {
  /** @type {{key: string, file: SourceFile}[]} */
  const keyed = [];
  for (const root of roots) walk(root, keyed);
  keyed.sort((a, b) => compare(a.key, b.key) || compare(a.file.path, b.file.path));
  return keyed.map(({ file }) => file);
}

/**
 * @param {string} folder
 * @param {{key: string, file: SourceFile}[]} found
 */
function walk(folder, found) {
  const entries = readFolder(folder).sort((a, b) => compare(a.name, b.name));
  let key = '';
  let count = 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path, found);
    if (!entry.isFile()) continue;
    if (count++ % runLength === 0) key = createHash('sha256').update(path).digest('hex');
    const sizeBytes = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (sizeBytes > 0 && sizeBytes <= maxFileBytes) found.push({ key, file: { path, sizeBytes } });
  }
}

/** @param {string} folder */
function readFolder(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/**
 * @param {string} path
 * @returns {Kind | undefined} nothing for a file that cannot be read
 */
function kindOf(path) {
  return kindOfExtension.get(extname(path).toLowerCase()) ?? kindOfContent(path);
}

/**
 * @param {string} path
 * @returns {Kind | undefined}
 */
function kindOfContent(path) {
  const head = readHead(path);
  if (!head) return undefined;
  const isPacked = head.readUInt16BE(0) === 0x1f8b || head.toString('latin1', 0, 2) === 'PK';
  if (isPacked) return 'compressed';
  return head.includes(0) ? 'binary' : 'source';
}

/**
 * @param {string} path
 * @returns {Buffer | undefined} the first bytes, at least two
 */
function readHead(path) {
  const head = Buffer.alloc(1024, ' ');
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head);
    } finally {
      closeSync(fd);
    }
    return head;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
