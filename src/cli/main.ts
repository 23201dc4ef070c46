/**
 * The way in. `--version` answers here, before anything else is loaded; all else is in run.ts.
 */
import { ownVersion } from './own-version.js';

/** Runs the command and sets `process.exitCode`; the process ends by itself when nothing is left to do. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  const words = argv.slice(2);
  const version = ownVersion();
  if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
    const { writeResult } = await import('./output.js');
    try {
      return writeResult(`${version}\n`);
    } catch {
      // stdout failed: run() meets the same and reports it as for any command
    }
  }
  if (showsStacks(words)) process.setSourceMapsEnabled(true); // of what is loaded from here on
  const { run } = await import('./run.js');
  process.exitCode = await run(words, version);
}

/** `-vv`, however it is written. */
function showsStacks(words: readonly string[]): boolean {
  const flags = words.filter((word) => /^-[a-z]*v/.test(word) || word === '--verbose');
  return flags.length > 1 || flags.some((flag) => /v.*v/.test(flag));
}
