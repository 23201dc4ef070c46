/** Garbage collection as commands run it: here, and with the password on peers too. */
import type { CollectResult } from '../ops/copies/collect-everywhere.js';
import { opened } from '../ops/home/vault.js';
import { collectGarbage, type GcOptions, type GcResult } from '../ops/upkeep/gc.js';
import { unknownManifests } from '../ops/upkeep/unknown-manifests.js';
import { type Context, progressOf } from './context.js';
import { openForPeers, type PeerDoors } from './node-context.js';
import { count, formatBytes } from './units.js';

export interface CollectFlags {
  /** Seconds. */
  readonly grace?: number;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** The doors of `gc`: with the vault's keys too where there are peers, or files that a killed process left. */
export function openToCollect(context: Context): Promise<PeerDoors> {
  return openForPeers(context, async (home) => (await unknownManifests(home)).length > 0);
}

/** With peers and a password they are told as well. */
export async function collectWith(
  context: Context,
  { vault, cluster, home }: Pick<PeerDoors, 'vault' | 'cluster' | 'home'>,
  flags: CollectFlags,
): Promise<GcResult | CollectResult> {
  using progress = await progressOf(context, { label: 'gc', unit: 'count' });
  const { config, signal } = context;
  const options: GcOptions = {
    graceSeconds: flags.grace ?? config.delete_grace,
    dryRun: flags.dryRun ?? false,
    signal,
    onProgress: (facts) => progress.update(facts, facts),
  };
  if (vault === undefined || cluster === undefined) {
    const result = await collectGarbage(home, options);
    if (cluster !== undefined && result.freed > 0) {
      context.output.note('peers are told at the next `disktro gc` that is given the password');
    }
    return result;
  }
  const { collectEverywhere } = await import('../ops/copies/collect-everywhere.js');
  return await collectEverywhere(opened(vault), cluster, { ...options, isForced: flags.force ?? false });
}

/** What was freed goes to people only: a JSON record is the command's own. */
export function reportCollection(
  context: Context,
  result: GcResult | CollectResult,
  isDryRun: boolean,
): void {
  const { output } = context;
  if (!output.isJson) output.result(summary(result, isDryRun));
  const { entered, unknown, incomplete } = result;
  if (entered > 0) output.note(`${count(entered, 'file')} that the catalog did not know found`);
  if (incomplete) {
    const how = unknown > 0 ? '`disktro gc` with the password, and if that does not help ' : '';
    output.warning(
      `the catalog does not know all that is in the store, so nothing is freed: run ${how}\`disktro rebuild\``,
    );
  }
  if ('peers' in result) reportPeers(context, result);
}

function summary({ freed, freedBytes, waiting, tombstoned }: GcResult, isDryRun: boolean): string {
  const freedText = `${isDryRun ? 'would free' : 'freed'} ${count(freed, 'object')}, ${formatBytes(freedBytes)}`;
  const waitingText = waiting === 0 ? '' : `; ${waiting} no longer needed and waiting for their grace`;
  return `${freedText}${waitingText}${tombstoned === 0 ? '' : ` (${tombstoned} of them new)`}`;
}

function reportPeers({ output }: Context, { imported, peers }: CollectResult): void {
  const { told, unreachable, isWaiting, neverServed } = peers;
  if (imported > 0) output.note(`${count(imported, 'file')} of other machines found`);
  if (told > 0) output.note(`peers were told of ${count(told, 'object')} to delete`);
  if (neverServed.length > 0) {
    output.warning(
      `${count(neverServed.length, 'node')} never ran \`disktro serve\` and was not asked; \`disktro peers\` shows it`,
    );
  }
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
