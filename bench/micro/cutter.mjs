// @ts-check
/** The chunker's loop: WebAssembly over shared memory against its readable JavaScript twin. */
import { randomFillSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { chunkSizes, contentCutter, INPUT_BASE, thresholds } from '../../dist/src/core/cutter.js';
import { gearTable } from '../../dist/src/core/gear.js';
import { windowMemory } from '../../dist/src/core/input-window.js';
import { asFigure, speedOf } from './timing.mjs';

const INPUT_BYTES = 2 ** 26;

export async function benchCutter() {
  const memory = windowMemory(INPUT_BYTES);
  const bytes = new Uint8Array(memory.buffer);
  randomFillSync(Buffer.from(memory.buffer, INPUT_BASE));
  const code = await readFile(new URL('../../dist/src/core/cutter.wasm', import.meta.url));
  const gear = gearTable(new Uint8Array(32));
  const sizes = chunkSizes(2 ** 20);
  const fast = contentCutter(new Uint8Array(code), memory, gear, sizes);
  const end = INPUT_BASE + INPUT_BYTES;
  const all = (/** @type {(start: number, end: number) => number} */ cut) => () => {
    for (let at = INPUT_BASE; at < end; ) at = cut(at, end);
  };
  const slowSpeed = speedOf(
    INPUT_BYTES,
    all((start, stop) => slowCut(bytes, gear, sizes, start, stop)),
  );
  const fastSpeed = speedOf(INPUT_BYTES, all(fast.cut));
  return [
    { what: 'JavaScript twin, average 1 MiB, random input', figure: asFigure(slowSpeed) },
    { what: 'WebAssembly over shared memory', figure: asFigure(fastSpeed, slowSpeed) },
  ];
}

/**
 * @param {Uint8Array} bytes @param {Uint32Array} gear
 * @param {{ min: number, average: number, max: number }} sizes
 * @param {number} start @param {number} end
 */
function slowCut(bytes, gear, sizes, start, end) {
  const { tight, loose } = thresholds(sizes.average);
  const latest = Math.min(end, start + sizes.max);
  let hash = 0;
  for (let at = start + sizes.min; at < latest; at++) {
    hash = ((hash << 1) + (gear[bytes[at] ?? 0] ?? 0)) >>> 0;
    if (hash < (at < start + sizes.average ? tight : loose)) return at + 1;
  }
  return latest;
}
