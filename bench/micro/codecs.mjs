// @ts-check
/** Every codec that is here on 1 MiB of text and of random bytes, and the sample that tells them apart. */
import { randomBytes } from 'node:crypto';
import { isWorthCompressing } from '../../dist/src/core/codec.js';
import { lz4Addon } from '../../dist/src/core/codec-lz4.js';
import { portableLz4 } from '../../dist/src/core/codec-lz4-portable.js';
import { codecOf, decoderOf, zstdAddon, zstdOfNode } from '../../dist/src/core/codec-zstd.js';
import { portableZstd } from '../../dist/src/core/codec-zstd-portable.js';
import { asFigure, sampleText, speedOf } from './timing.mjs';

export async function benchCodecs() {
  const text = await sampleText();
  const random = randomBytes(text.byteLength);
  const plain = Buffer.alloc(text.byteLength);
  const packed = Buffer.alloc(text.byteLength * 2);
  const rows = [];
  /** @type {Record<string, number>} */
  const base = {};
  const zstd = [zstdAddon(), zstdOfNode()].map((library) => library && codecOf(library, 3));
  for (const codec of [portableLz4, lz4Addon(), ...zstd]) {
    if (codec === undefined) continue;
    const block = Buffer.from(packed.subarray(0, codec.compress(text, packed)));
    const speeds = {
      'compress text': speedOf(text.byteLength, () => codec.compress(text, packed)),
      'decompress text': speedOf(text.byteLength, () => codec.decompress(block, plain)),
      'compress random': speedOf(text.byteLength, () => codec.compress(random, packed)),
      'sample of random': speedOf(text.byteLength, () => isWorthCompressing(codec, random)),
    };
    for (const [what, speed] of Object.entries(speeds)) {
      rows.push({ what: `${codec.name}: ${what}`, figure: asFigure(speed, base[what]) });
      base[what] ??= speed;
    }
  }
  const [writer] = zstd.filter((codec) => codec !== undefined);
  if (writer === undefined) return rows;
  const frame = Buffer.from(packed.subarray(0, writer.compress(text, packed)));
  const reader = decoderOf(await portableZstd());
  const speed = speedOf(text.byteLength, () => reader.decompress(frame, plain));
  rows.push({
    what: `${reader.name}: decompress text`,
    figure: asFigure(speed, base['decompress text']),
  });
  return rows;
}
