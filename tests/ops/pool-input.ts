// Inputs that overlap: each is a few pieces of one small pool, so that many processes store the same chunks at once.
import { chance, sampleBytes } from './sample-bytes.js';

const PIECES = 12;
const PIECE_BYTES = 150_000;

/** The bytes that a program stores in its n-th turn; the same in the program and in the test that checks it. */
export function poolInput(seed: number, turn: number): Buffer {
  const { whole } = chance(seed * 1000 + turn);
  const pieces = Array.from({ length: 2 + whole(5) }, () =>
    sampleBytes(`piece ${whole(PIECES)}`, PIECE_BYTES),
  );
  return Buffer.concat([...pieces, sampleBytes(`own ${seed} ${turn}`, 1000)]);
}
