/** `disktro reassemble`: writes a stored file back to a path, a device or stdout; hands trees on. */
import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { DisktroError, usageError } from '../../errors.js';
import type { Vault } from '../../ops/home/vault.js';
import { openedHome } from '../../ops/home/vault.js';
import { type FoundPart, resolvePart } from '../../ops/read/inner-path.js';
import { readFailure } from '../../ops/read/read-failure.js';
import type { ReassembleProgress } from '../../ops/read/read-options.js';
import { type ReassembleResult, reassembleFile, reassembleToDescriptor } from '../../ops/read/reassemble.js';
import { partKind } from '../../ops/read/tree-file.js';
import { isMarkName } from '../../ops/restore/restore-mark.js';
import { type Context, openVault, progressOf } from '../context.js';
import { escapeControls } from '../escape.js';
import { type Fetching, fetchingFrom, showProgress } from '../fetching.js';
import { clusterOf, type LimitFlags, limitedContext } from '../node-context.js';
import { count, formatBytes, formatSeconds, rateRemark } from '../units.js';
import type { TreeFlags } from './reassemble-tree.js';

export interface ReassembleFlags extends LimitFlags, TreeFlags {
  readonly output?: string;
  readonly force?: boolean;
}

const STDOUT = '-';
const STDOUT_DESCRIPTOR = 1;

export async function run(
  given: Context,
  [id = '']: readonly string[],
  flags: ReassembleFlags,
): Promise<void> {
  const context = limitedContext(given, flags);
  refuseOverwrite(flags);
  await using vault = await openVault(context, { isReadOnly: true });
  const part = resolvePart(vault, id);
  const cluster = await clusterOf(context, openedHome(vault));
  await using _closing = { [Symbol.asyncDispose]: async () => cluster?.close() };
  const fetching = cluster === undefined ? undefined : await fetchingFrom(vault, cluster);
  const { source } = fetching ?? {};
  try {
    const options = { workers: context.config.workers, source, signal: context.signal };
    const kind = await partKind(vault, part, options);
    if (kind === 'tree') {
      const { runTree } = await import('./reassemble-tree.js');
      await runTree(context, vault, part, flags, fetching);
      return;
    }
    refuseTreeFlags(flags);
    const result = await write(context, vault, part, flags, fetching);
    report(context, result, flags);
  } catch (error) {
    throw await readFailure(vault, part.id, error);
  }
}

/** Before the password is asked for and worked on: what is there will still be there after it. */
function refuseOverwrite({ output, force, overwrite, verify, dryRun }: ReassembleFlags): void {
  if (force || overwrite !== undefined || verify || dryRun) return;
  if (output === undefined || output === STDOUT || isStream(output)) return;
  const status = statusOf(output, lstatSync);
  // A folder may be a tree's, if it is empty or a restore into it was cut short: that is seen when the tree is known.
  if (status === undefined || mayBecomeTree(output)) return;
  throw outputExists(output, status.isDirectory());
}

function mayBecomeTree(output: string): boolean {
  try {
    const names = readdirSync(output);
    return names.length === 0 || names.some(isMarkName);
  } catch {
    return false;
  }
}

function outputExists(output: string, isFolder: boolean): DisktroError {
  return new DisktroError('E_OUTPUT_EXISTS', `output ${output} exists already`, {
    hint: isFolder
      ? 'name a file inside that folder; for a tree, an empty folder, or --overwrite'
      : 'give --force to overwrite it, or another -o',
    details: { path: resolve(output) },
  });
}

/** What is said of a tree and means nothing for a file. */
function refuseTreeFlags(flags: ReassembleFlags): void {
  const { output, force, overwrite, include, dryRun, verify } = flags;
  const given = { '--overwrite': overwrite, '--include': include, '--dry-run': dryRun, '--verify': verify };
  const [first] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (first !== undefined) throw usageError(`${first}: expected a folder tree, and this is a file`);
  if (output === undefined || output === STDOUT || force) return;
  if (statusOf(output, lstatSync)?.isDirectory() === true) throw outputExists(output, true);
}

async function write(
  context: Context,
  vault: Vault,
  { id, inner }: FoundPart,
  flags: ReassembleFlags,
  fetching: Fetching | undefined,
): Promise<ReassembleResult> {
  const { output: path, force = false } = flags;
  const hasBar = !(path === STDOUT && isatty(STDOUT_DESCRIPTOR));
  using progress = await progressOf(context, { label: path ?? id.slice(0, 12), unit: 'bytes' }, hasBar);
  const options = {
    workers: context.config.workers,
    signal: context.signal,
    source: fetching?.source,
    onProgress: (facts: ReassembleProgress) => showProgress(progress, facts, fetching),
  };
  const whole = inner === '' ? id : `${id}:${inner}`;
  if (path === STDOUT) return await reassembleToDescriptor(vault, whole, STDOUT_DESCRIPTOR, options);
  const target = path === undefined ? { folder: context.cwd } : { path: resolve(path) };
  return await reassembleFile(vault, whole, { ...options, ...target, force });
}

/** A device, named pipe or process substitution is written to as it is. */
function isStream(path: string): boolean {
  const status = statusOf(path, statSync);
  return status !== undefined && !status.isFile() && !status.isDirectory();
}

/** Undefined when there is nothing, or nothing that can be seen: then the write tells why. */
function statusOf(path: string, read: (path: string) => Stats): Stats | undefined {
  try {
    return read(path);
  } catch {
    return undefined;
  }
}

/** Stdout holds the file's bytes with `-o -`, so that its JSON goes to stderr then. */
function report({ output }: Context, result: ReassembleResult, flags: ReassembleFlags): void {
  if (output.isJson && flags.output === STDOUT) output.event(result);
  else if (output.isJson) output.record(result);
  else if (flags.output === undefined && result.path !== null) output.result(escapeControls(result.path));
  const { name, bytes, chunks, seconds, fetchedFromPeers } = result;
  const time = `${formatSeconds(seconds)}${rateRemark(bytes, seconds)}`;
  output.note(
    `${name}: ${formatBytes(bytes)}, ${count(chunks, 'chunk')} in ${time}${fetchedFromPeers > 0 ? `; ${fetchedFromPeers} from peers` : ''}`,
  );
}
