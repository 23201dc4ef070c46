/**
 * The way in. `--version` answers here, before anything else is loaded; all else is in run.ts.
 */
import { readFileSync } from 'node:fs';

/** Commands that will need a password opened: their worker loads while the rest of the command does. */
const OPENS_VAULT: ReadonlySet<string> = new Set([
  'chunk',
  'reassemble',
  'ls',
  'info',
  'init',
  'rebuild',
  'key',
]);

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
  if (
    words.some((word) => OPENS_VAULT.has(word)) &&
    !words.some((word) => word === '--help' || word === '-h')
  ) {
    const { prepareOwnWorker } = await import('../core/worker/pool.js');
    prepareOwnWorker();
  }
  const { run } = await import('./run.js');
  process.exitCode = await run(words, version);
}

/** From package.json, which lies three folders above the built dist/src/cli. */
function ownVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
