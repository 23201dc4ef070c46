/** `disktro reassemble` of a folder tree: writes it, lists what it would write, or compares it with what is there. */
import { resolve } from 'node:path';
import { DisktroError, usageError } from '../../errors.js';
import type { Vault } from '../../ops/home/vault.js';
import type { FoundPart } from '../../ops/read/inner-path.js';
import type { ReassembleProgress } from '../../ops/read/read-options.js';
import { restoreFailure } from '../../ops/restore/restore-failures.js';
import type { Overwrite } from '../../ops/restore/restore-mark.js';
import { type RestoreOptions, type RestoreResult, restoreTree } from '../../ops/restore/restore-tree.js';
import { type Context, progressOf } from '../context.js';
import { escapeControls } from '../escape.js';
import { type Fetching, showProgress } from '../fetching.js';
import { count, formatBytes, formatSeconds, rateRemark } from '../units.js';

export interface TreeFlags {
  readonly output?: string;
  readonly force?: boolean;
  readonly overwrite?: Overwrite;
  readonly include?: readonly string[];
  readonly dryRun?: boolean;
  readonly verify?: boolean;
  readonly keepSetuid?: boolean;
  readonly devices?: boolean;
  readonly numericIds?: boolean;
}

export async function runTree(
  context: Context,
  vault: Vault,
  part: FoundPart,
  flags: TreeFlags,
  fetching: Fetching | undefined,
): Promise<void> {
  if (flags.output === '-') {
    throw usageError(
      '-o -: a folder tree cannot go to stdout',
      'name a folder with -o, or one file as ID:path/inside',
    );
  }
  if (flags.verify && flags.dryRun) throw usageError('expected --verify or --dry-run, not both');
  const label = flags.output ?? part.id.slice(0, 12);
  using progress = await progressOf(context, { label, unit: 'bytes' }, flags.dryRun !== true);
  const options = {
    ...optionsOf(context, part, flags),
    source: fetching?.source,
    onProgress: (facts: ReassembleProgress) => showProgress(progress, facts, fetching),
  };
  if (flags.dryRun) await plan(context, vault, part, options);
  else if (flags.verify) await compare(context, vault, part, options);
  else await restore(context, vault, part, flags, options);
}

function optionsOf(
  { cwd, config, signal, output }: Context,
  { inner }: FoundPart,
  flags: TreeFlags,
): RestoreOptions {
  const { output: path, include, keepSetuid, devices, numericIds } = flags;
  const innerName = inner.slice(inner.lastIndexOf('/') + 1);
  return {
    path: path === undefined ? (inner === '' ? undefined : resolve(cwd, innerName)) : resolve(cwd, path),
    folder: cwd,
    inner,
    include,
    keepSetuid,
    devices,
    numericIds,
    overwrite: flags.overwrite ?? (flags.force ? 'if-changed' : undefined),
    workers: config.workers,
    signal,
    onNotice: (message) => output.warning(message),
  };
}

async function restore(
  context: Context,
  vault: Vault,
  { id }: FoundPart,
  flags: TreeFlags,
  options: RestoreOptions,
): Promise<void> {
  const { output } = context;
  const result = await restoreTree(vault, id, {
    ...options,
    onFailure: ({ path, message }) => output.warning(`${path}: ${message}`),
  });
  const { failures: _told, ...facts } = result;
  if (output.isJson) output.record(facts);
  else if (flags.output === undefined) output.result(escapeControls(result.path));
  output.note(summary(result));
  const failure = restoreFailure(result);
  if (failure !== undefined) throw failure;
}

function summary(result: RestoreResult): string {
  const { name, files, bytes, skipped, seconds, fetchedFromPeers } = result;
  const time = `${formatSeconds(seconds)}${rateRemark(bytes, seconds)}`;
  const left = skipped > 0 ? `, ${skipped} left as they are` : '';
  const fetched = fetchedFromPeers > 0 ? `; ${fetchedFromPeers} from peers` : '';
  return `${name}: ${count(files, 'file')}, ${formatBytes(bytes)}${left} in ${time}${fetched}`;
}

async function plan(
  { output }: Context,
  vault: Vault,
  { id }: FoundPart,
  options: RestoreOptions,
): Promise<void> {
  const { planRestore } = await import('../../ops/restore/restore-plan.js');
  const total = { files: 0, bytes: 0, skipped: 0 };
  for await (const entry of planRestore(vault, id, options)) {
    if (output.isJson) output.record(entry);
    if (entry.action === 'skip') {
      total.skipped++;
      continue;
    }
    if (!output.isJson) output.result(escapeControls(entry.path) + (entry.type === 'directory' ? '/' : ''));
    if (entry.type !== 'directory') total.files++;
    if (entry.type === 'file') total.bytes += entry.size;
  }
  const { files, bytes, skipped } = total;
  output.note(
    `would write ${count(files, 'file')}, ${formatBytes(bytes)}; ${skipped} would be left as they are`,
  );
}

async function compare(
  { output }: Context,
  vault: Vault,
  { id }: FoundPart,
  options: RestoreOptions,
): Promise<void> {
  const { compareTree } = await import('../../ops/restore/restore-compare.js');
  const result = await compareTree(vault, id, {
    ...options,
    onDifference: (difference) => {
      if (output.isJson) output.record(difference);
      else output.result(`${escapeControls(difference.path)}: ${difference.differences.join(', ')}`);
    },
  });
  if (output.isJson) output.record(result);
  const { files, bytes, differing, seconds, path } = result;
  output.note(
    `${count(files, 'entry', 'entries')}, ${formatBytes(bytes)} compared in ${formatSeconds(seconds)}`,
  );
  if (differing === 0) return;
  throw new DisktroError(
    'E_CORRUPT',
    `${count(differing, 'entry', 'entries')} of ${files} in ${path} differ from what is stored`,
    {
      details: { differing, files, path },
    },
  );
}
