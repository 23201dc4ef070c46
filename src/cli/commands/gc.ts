/** `disktro gc`: frees the space of objects that no file needs, here and on peers. */
import type { CollectResult } from '../../ops/collect-everywhere.js';
import { collectGarbage, type GcOptions, type GcResult } from '../../ops/gc.js';
import { opened } from '../../ops/vault.js';
import { type Context, openHome, progressOf } from '../context.js';
import { openForPeers } from '../node-context.js';
import { count, formatBytes } from '../units.js';

interface GcFlags {
  readonly grace?: number;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

export async function run(context: Context, _operands: readonly string[], flags: GcFlags): Promise<void> {
  const { output } = context;
  const isDryRun = flags.dryRun ?? false;
  const result = isDryRun ? await collectHere(context, flags) : await collect(context, flags);
  if (output.isJson) output.record(result);
  else output.result(summary(result, isDryRun));
  if (result.incomplete) {
    output.warning(
      'the catalog does not know all that is in the store, so nothing is freed: run `disktro rebuild`',
    );
  }
  if (isEverywhere(result)) reportPeers(context, result);
}

async function collectHere(context: Context, flags: GcFlags): Promise<GcResult> {
  await using home = await openHome(context);
  using progress = await progressOf(context, { label: 'gc', unit: 'count' });
  return await collectGarbage(home, gcOptions(context, flags, progress));
}

/** With peers and a password they are told as well. */
async function collect(context: Context, flags: GcFlags): Promise<GcResult | CollectResult> {
  await using doors = await openForPeers(context);
  const { vault, cluster, home } = doors;
  using progress = await progressOf(context, { label: 'gc', unit: 'count' });
  const options = gcOptions(context, flags, progress);
  if (vault === undefined || cluster === undefined) {
    const result = await collectGarbage(home, options);
    if (cluster !== undefined && result.freed > 0) {
      context.output.note('peers are told at the next `disktro gc` that is given the password');
    }
    return result;
  }
  const { collectEverywhere } = await import('../../ops/collect-everywhere.js');
  return await collectEverywhere(opened(vault), cluster, { ...options, isForced: flags.force ?? false });
}

function gcOptions(
  { config, signal }: Context,
  flags: GcFlags,
  progress: Awaited<ReturnType<typeof progressOf>>,
): GcOptions {
  return {
    graceSeconds: flags.grace ?? config.delete_grace,
    dryRun: flags.dryRun ?? false,
    signal,
    onProgress: (facts) => progress.update(facts, facts),
  };
}

function summary({ freed, freedBytes, waiting, tombstoned }: GcResult, isDryRun: boolean): string {
  const freedText = `${isDryRun ? 'would free' : 'freed'} ${count(freed, 'object')}, ${formatBytes(freedBytes)}`;
  const waitingText = waiting === 0 ? '' : `; ${waiting} no longer needed and waiting for their grace`;
  return `${freedText}${waitingText}${tombstoned === 0 ? '' : ` (${tombstoned} of them new)`}`;
}

function reportPeers({ output }: Context, { imported, peers }: CollectResult): void {
  const { told, unreachable, isWaiting } = peers;
  if (imported > 0) output.note(`${count(imported, 'file')} of other machines found`);
  if (told > 0) output.note(`peers were told of ${count(told, 'object')} to delete`);
  if (isWaiting) {
    output.warning(
      unreachable.length > 0
        ? `${count(unreachable.length, 'node')} out of reach: nothing is deleted on peers until they are back, or with --force`
        : 'a file of this vault on a peer cannot be read: nothing is deleted on peers, unless with --force',
    );
  } else if (unreachable.length > 0) {
    output.warning(
      `${count(unreachable.length, 'node')} did not hear what to delete: the next gc tells it again`,
    );
  }
}

function isEverywhere(result: GcResult | CollectResult): result is CollectResult {
  return 'peers' in result;
}
