/** How commands end that have more than the usual in common. Data only. */
import type { ExitName } from '../exit.js';

/** Of a command that opens what is stored, here or with the peers' help. */
export const READING = [
  'usage',
  'notFound',
  'noVault',
  'locked',
  'wrongPassword',
  'corrupt',
  'missing',
  'unreachable',
  'refused',
] as const satisfies readonly ExitName[];
