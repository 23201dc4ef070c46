/** Bytes to test on: a function of their seed, so that a failure can be seen again. */
import { createCipheriv, createHash } from 'node:crypto';

/** `length` bytes that no codec shortens. */
export function noise(seed: string | number, length: number): Buffer {
  const key = createHash('sha256').update(`noise ${seed}`).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

const WORDS = 'the of and a to in is you that it he was for on are as with his they I at be this have'.split(
  ' ',
);

/** `length` bytes of lines of words and numbers. */
export function text(seed: string | number, length: number): Buffer {
  const choices = noise(`text ${seed}`, Math.ceil(length / 2) + 1);
  let line = '';
  for (let at = 0; line.length < length; at++) {
    const choice = choices[at] ?? 0;
    line += choice < 8 ? `${at * 7919}\n` : `${WORDS[choice % WORDS.length]} `;
  }
  return Buffer.from(line.slice(0, length), 'latin1');
}

/** `length` bytes that repeat a noise of `period` bytes. */
export function periodic(seed: string | number, length: number, period: number): Buffer {
  return Buffer.alloc(length, noise(`period ${seed}`, period));
}

/** Kinds of content by name, each a function of the length. */
export const contents: Readonly<Record<string, (length: number) => Buffer>> = {
  zeros: (length) => Buffer.alloc(length),
  ones: (length) => Buffer.alloc(length, 0xff),
  noise: (length) => noise('contents', length),
  text: (length) => text('contents', length),
  'period 3': (length) => periodic(3, length, 3),
  'period 1000': (length) => periodic(1000, length, 1000),
  'noise with a zero run': (length) => {
    const bytes = noise('run', length);
    return bytes.fill(0, Math.floor(length / 3), Math.floor(length / 2));
  },
  'nearly incompressible': (length) => {
    const bytes = noise('nearly', length);
    if (length >= 64) bytes.copy(bytes, length - 32, 0, 12);
    return bytes;
  },
};
