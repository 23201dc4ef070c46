// @ts-check
/**
 * Writes the mixed corpus: whole files of this machine one after the other, the last one cut to size, and no
 * content twice, so that no figure rests on the luck of deduplication. A machine with too few files gives them
 * again with every byte changed, counted as a kind of its own.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { interleavedFiles, kindShares } from './corpus-files.mjs';
import { openLz4Meter } from './lz4-meter.mjs';
import { xored } from './xored.mjs';

/** @typedef {import('./corpus.mjs').Part} Part */

const repeatedKind = 'repeated, bytes changed';
const maxPasses = 16;

/**
 * @param {import('node:fs/promises').FileHandle} file
 * @param {{unitBytes: number, signal: AbortSignal}} options
 * @returns {Promise<Part[]>} one of each kind, then the whole
 */
export async function writeMixed(file, { unitBytes, signal }) {
  const kinds = [...Object.keys(kindShares), repeatedKind].map((kind) => openCounter(kind, signal));
  const whole = openCounter('whole', signal);
  for await (const { kind, content } of contents(signal)) {
    const rest = content.subarray(0, unitBytes - whole.part.bytes);
    await file.write(rest);
    await whole.add(rest);
    await kinds.find((counter) => counter.part.kind === kind)?.add(rest);
    if (whole.part.bytes === unitBytes) break;
  }
  const parts = await Promise.all([...kinds, whole].map((counter) => counter.finish()));
  if (whole.part.bytes < unitBytes) throw new Error('mixed corpus: found too few files on this machine');
  return parts.filter((part) => part.bytes > 0);
}

/** @param {AbortSignal} signal */
async function* contents(signal) {
  yield* distinctContents(signal);
  for (let pass = 1; pass < maxPasses; pass++) {
    for await (const { content } of distinctContents(signal)) {
      yield { kind: repeatedKind, content: xored(content, pass * 0x11) };
    }
  }
}

/** @param {AbortSignal} signal */
async function* distinctContents(signal) {
  const seen = new Set();
  for (const { kind, file } of interleavedFiles()) {
    signal.throwIfAborted();
    const content = await readFile(file.path).catch(() => undefined);
    if (!content) continue;
    const digest = createHash('sha256').update(content).digest('base64');
    if (seen.has(digest)) continue;
    seen.add(digest);
    yield { kind, content };
  }
}

/**
 * @typedef {object} Counter
 * @property {Part} part
 * @property {(content: Buffer) => Promise<void>} add
 * @property {() => Promise<Part>} finish
 */

/**
 * @param {string} kind
 * @param {AbortSignal} signal
 * @returns {Counter}
 */
function openCounter(kind, signal) {
  /** @type {Part} */
  const part = { kind, files: 0, bytes: 0, lz4Ratio: undefined };
  const meter = openLz4Meter(signal);
  return {
    part,
    async add(content) {
      part.files += 1;
      part.bytes += content.length;
      await meter.write(content);
    },
    async finish() {
      const compressedBytes = await meter.finish();
      if (compressedBytes !== undefined) part.lz4Ratio = compressedBytes / part.bytes;
      return part;
    },
  };
}
