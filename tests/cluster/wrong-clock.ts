// Processes whose clock is wrong, by libfaketime.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARY = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib']
  .map((folder) => join(folder, 'faketime/libfaketime.so.1'))
  .find((path) => existsSync(path));
/** On Linux as root nothing excuses its absence: scripts/test.mjs installs it. */
const mayMiss = process.platform !== 'linux' || process.getuid?.() !== 0;

/** Why there are no wrong clocks here; false where there are. */
export const clockMissing = LIBRARY === undefined && mayMiss ? 'libfaketime is not installed' : false;

/** What a process needs in its environment to be off by so much, such as `+1h`. */
export function wrongClock(offset: string): Record<string, string> {
  if (LIBRARY === undefined) throw new Error('libfaketime is not installed');
  return { LD_PRELOAD: LIBRARY, FAKETIME: offset, DONT_FAKE_MONOTONIC: '1' };
}
