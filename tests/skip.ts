// Why a test cannot run somewhere, said where it is skipped: false where it can. On Linux as root all of them run.
import { spawnSync } from 'node:child_process';

export const offLinux = process.platform !== 'linux' && 'needs Linux';
export const onWindows = process.platform === 'win32' && 'needs the permissions and signals of POSIX';

/** @param command one that may not be installed */
export function without(command: string): string | false {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0 && `needs ${command}`;
}
