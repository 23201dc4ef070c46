/**
 * How safe a file is, from how many machines hold all of it. Never told by colour alone.
 */
import type { Copies } from '../api/shapes.js';

/** `good`: as many copies as wanted; `short`: fewer; `bad`: one or none where more are wanted. */
export type Safety = 'good' | 'short' | 'bad';

export function safetyOf({ wanted, confirmed }: Copies): Safety {
  if (confirmed >= wanted) return confirmed === 0 ? 'bad' : 'good';
  return confirmed <= 1 ? 'bad' : 'short';
}

/** `2/3`. */
export function copiesText({ wanted, confirmed }: Copies): string {
  return `${confirmed}/${wanted}`;
}

const WORDS: Readonly<Record<Safety, string>> = {
  good: 'all copies are there',
  short: 'short of copies',
  bad: 'at risk',
};

/** For a screen reader and a tooltip. */
export function copiesTitle(copies: Copies): string {
  const { confirmed, wanted } = copies;
  return `${confirmed} of ${wanted} ${wanted === 1 ? 'copy' : 'copies'}: ${WORDS[safetyOf(copies)]}`;
}
