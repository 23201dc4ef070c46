// @ts-check
/** LZ4 codecs on 1 MiB of text and of random bytes, and the sample that tells them apart. */
import { randomBytes } from 'node:crypto';
import { isWorthCompressing, loadNative } from '../../dist/src/core/codec.js';
import { portableLz4 } from '../../dist/src/core/codec-portable.js';
import { asFigure, sampleText, speedOf } from './timing.mjs';

export async function benchCodecs() {
  const text = await sampleText();
  const random = randomBytes(text.byteLength);
  const native = loadNative();
  const rows = [];
  /** @type {Record<string, number>} */
  const base = {};
  for (const codec of [portableLz4, ...(native ? [native] : [])]) {
    const packed = Buffer.alloc(text.byteLength * 2);
    const length = codec.compress(text, packed);
    const block = packed.subarray(0, length);
    const plain = Buffer.alloc(text.byteLength);
    const speeds = {
      'compress text': speedOf(text.byteLength, () => codec.compress(text, packed)),
      'decompress text': speedOf(text.byteLength, () => codec.decompress(Buffer.from(block), plain)),
      'compress random': speedOf(text.byteLength, () => codec.compress(random, packed)),
    };
    for (const [what, speed] of Object.entries(speeds)) {
      rows.push({ what: `${codec.name}: ${what}`, figure: asFigure(speed, base[what]) });
      base[what] ??= speed;
    }
  }
  const codec = native ?? portableLz4;
  const sampling = speedOf(random.byteLength, () => isWorthCompressing(codec, random));
  rows.push({ what: `sample of ${codec.name} on random bytes`, figure: asFigure(sampling) });
  return rows;
}
