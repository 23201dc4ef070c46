/** `disktro gc`: frees the space of objects that no file needs. */
import { collectGarbage, type GcResult } from '../../ops/gc.js';
import { type Context, openHome, progressOf } from '../context.js';
import { count, formatBytes } from '../units.js';

interface GcFlags {
  readonly grace?: number;
  readonly dryRun?: boolean;
}

export async function run(context: Context, _operands: readonly string[], flags: GcFlags): Promise<void> {
  const { output, config, signal } = context;
  const isDryRun = flags.dryRun ?? false;
  await using home = await openHome(context);
  const result = await collect();
  if (output.isJson) output.record(result);
  else output.result(summary(result, isDryRun));
  if (result.incomplete) {
    output.warning(
      'the catalog does not know all that is in the store, so nothing is freed: run `disktro rebuild`',
    );
  }

  async function collect(): Promise<GcResult> {
    using progress = await progressOf(context, { label: 'gc', unit: 'count' });
    return await collectGarbage(home, {
      graceSeconds: flags.grace ?? config.delete_grace,
      dryRun: isDryRun,
      signal,
      onProgress: (facts) => progress.update(facts, facts),
    });
  }
}

function summary({ freed, freedBytes, waiting, tombstoned }: GcResult, isDryRun: boolean): string {
  const freedText = `${isDryRun ? 'would free' : 'freed'} ${count(freed, 'object')}, ${formatBytes(freedBytes)}`;
  const waitingText = waiting === 0 ? '' : `; ${waiting} no longer needed and waiting for their grace`;
  return `${freedText}${waitingText}${tombstoned === 0 ? '' : ` (${tombstoned} of them new)`}`;
}
