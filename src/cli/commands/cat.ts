/** `disktro cat`: the bytes of a stored file, on stdout. */
import type { Context } from '../context.js';
import { run as reassemble } from './reassemble.js';

export async function run(context: Context, operands: readonly string[]): Promise<void> {
  // stdout carries the bytes and nothing is said beside them: not even how it went.
  const { output } = context;
  const quiet = { ...output, note: () => {}, event: () => {} };
  await reassemble({ ...context, output: quiet }, operands, { output: '-' });
}
