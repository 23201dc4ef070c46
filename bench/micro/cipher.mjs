// @ts-check
/** Sealing and opening: the cipher alone, then the whole of an object, stored and compressed. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { encryptInto } from '../../dist/src/core/cipher.js';
import { maxObjectBytes, openObject, Scratch, sealObject } from '../../dist/src/core/object.js';
import { asFigure, sampleText, speedOf } from './timing.mjs';

const keys = { vaultId: /** @type {any} */ ('00'.repeat(16)), objectKey: new Uint8Array(32) };

export async function benchCipher() {
  const text = await sampleText();
  const size = text.byteLength;
  const random = randomBytes(size);
  const out = Buffer.from(new SharedArrayBuffer(maxObjectBytes(size)));
  const scratch = new Scratch();
  const whole = speedOf(size, () => {
    const cipher = createCipheriv('chacha20-poly1305', randomBytes(32), Buffer.alloc(12), {
      authTagLength: 16,
    });
    out.set(cipher.update(random));
    cipher.final();
  });
  const sliced = speedOf(size, () => encryptInto(randomBytes(32), new Uint8Array(52), [random], out));
  const seal = (/** @type {Buffer} */ raw, /** @type {'auto' | 'none'} */ compression) =>
    sealObject(keys, raw, { kind: 'chunk', salt: randomBytes(32), compression }, out, scratch);
  const rows = [
    { what: 'ChaCha20-Poly1305, one update of 1 MiB, copied out', figure: asFigure(whole) },
    { what: 'ChaCha20-Poly1305, slices of 256 KiB (encryptInto)', figure: asFigure(sliced, whole) },
    { what: 'sealObject, random bytes', figure: asFigure(speedOf(size, () => seal(random, 'auto'))) },
    { what: 'sealObject, text', figure: asFigure(speedOf(size, () => seal(text, 'auto'))) },
  ];
  for (const [name, raw] of /** @type {const} */ ([
    ['random bytes', random],
    ['text', text],
  ])) {
    const { id, length } = seal(raw, 'auto');
    const object = Buffer.from(out.subarray(0, length));
    const target = Buffer.from(new SharedArrayBuffer(size));
    const options = { kind: /** @type {const} */ ('chunk'), id, maxRawBytes: size };
    const speed = speedOf(size, () =>
      openObject(keys, object, options, (n) => target.subarray(0, n), scratch),
    );
    rows.push({ what: `openObject, ${name}`, figure: asFigure(speed) });
  }
  return rows;
}
