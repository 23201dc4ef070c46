// @ts-check
/** Timing of one small function: the median of several rounds, as megabytes per second. */

/**
 * @param {number} bytes handled by one call
 * @param {() => unknown} work
 * @returns {number} MB/s
 */
export function speedOf(bytes, work) {
  const callsPerRound = Math.max(1, Math.round(2 ** 26 / bytes));
  for (let warm = 0; warm < callsPerRound; warm++) work();
  const rounds = [];
  for (let round = 0; round < 7; round++) {
    const start = process.hrtime.bigint();
    for (let call = 0; call < callsPerRound; call++) work();
    rounds.push((bytes * callsPerRound * 1e3) / Number(process.hrtime.bigint() - start));
  }
  return rounds.sort((a, b) => a - b)[3] ?? 0;
}

/** @param {number} speed @param {number} [base] */
export function asFigure(speed, base) {
  const plain = `${Math.round(speed).toLocaleString('en')} MB/s`;
  return base === undefined ? plain : `${plain} (${(speed / base).toFixed(2)} ×)`;
}

/** 1 MiB of JavaScript source, as text that compresses. */
export async function sampleText() {
  const { readFile } = await import('node:fs/promises');
  const source = await readFile(new URL('../../node_modules/typescript/lib/typescript.js', import.meta.url));
  return source.subarray(2 ** 20, 2 ** 21);
}
