/** `disktro chunk`: stores each input and prints its id. An input that fails does not stop the others. */
import { basename } from 'node:path';
import type { Compression } from '../../core/codec.js';
import { checkCompression } from '../../core/codecs.js';
import type { NodeId } from '../../core/ids.js';
import { DisktroError, isDisktroError, throwIfAborted, usageError } from '../../errors.js';
import {
  type ChunkOptions,
  type ChunkResult,
  type Copier,
  chunkDescriptor,
  chunkFile,
} from '../../ops/chunk/chunk.js';
import { tooFewCopies } from '../../ops/chunk/too-few-copies.js';
import type { Cluster } from '../../ops/cluster/cluster.js';
import type { ReplicateProgress } from '../../ops/copies/object-sender.js';
import type { Vault } from '../../ops/home/vault.js';
import { opened, openedHome } from '../../ops/home/vault.js';
import { ChunkStats } from '../chunk-stats.js';
import type { Config } from '../config-keys.js';
import { type Context, openOrCreateVault, progressOf } from '../context.js';
import { escapeControls } from '../escape.js';
import { isFolder, partsFailed } from '../folder-input.js';
import {
  agreeOnRecord,
  clusterOf,
  type LimitFlags,
  limitedContext,
  memberNames,
  replicasOf,
} from '../node-context.js';
import type { Progress } from '../progress.js';
import { rawArguments } from '../raw-arguments.js';
import { type TreeFilterFlags, treeFilterOf } from '../tree-flags.js';
import { count, formatBytes, formatSeconds, rateRemark } from '../units.js';

interface ChunkFlags extends LimitFlags, TreeFilterFlags {
  readonly name?: string;
  readonly tag?: readonly string[];
  readonly replicas?: number;
  readonly compression?: Compression;
  readonly compress: boolean;
  readonly chunker?: 'cdc' | 'fixed';
  readonly replicate: boolean;
  readonly stats?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly time?: number;
}

const STDIN = '-';
const STDIN_DESCRIPTOR = 0;

export async function run(given: Context, paths: readonly string[], flags: ChunkFlags): Promise<void> {
  const context = limitedContext(given, flags);
  checkUsage(context, paths, flags);
  if (flags.dryRun === true) return await runDry(context, paths, flags);
  await using vault = await openOrCreateVault(context, { isStdinTaken: paths.includes(STDIN) });
  const cluster = flags.replicate ? await clusterOf(context, openedHome(vault)) : undefined;
  const agreement = agreeOnRecord(context, vault, cluster);
  await using _closing = {
    [Symbol.asyncDispose]: async () => {
      await agreement;
      await cluster?.close();
    },
  };
  const makeCopier = cluster === undefined ? undefined : await copierMaker(context, vault, cluster);
  const rawOf = rawArguments();
  const stats = new ChunkStats();
  let failed = 0;
  let unread = 0;
  let tooFew: DisktroError | undefined;
  let unsaid: DisktroError | undefined;
  for (const path of paths) {
    throwIfAborted(context.signal);
    try {
      const result = await chunkOne(context, vault, rawOf(path) ?? path, flags, makeCopier);
      stats.add(result, result.files);
      unsaid = report(context, result, cluster, openedHome(vault).outer?.where) ?? unsaid;
      unread += result.failed?.length ?? 0;
      tooFew ??= flags.replicate ? tooFewCopies(result, context.config.min_replicas) : undefined;
    } catch (error) {
      if (paths.length === 1 || !isDisktroError(error, 'E_INPUT')) throw error;
      context.output.error(error);
      failed += 1;
    }
  }
  if (flags.stats) stats.print(context.output);
  if (failed > 0) throw inputsFailed(failed, paths.length);
  if (unread > 0) throw partsFailed(unread, 'the rest is stored');
  if (tooFew !== undefined) throw tooFew;
  if (unsaid !== undefined) throw unsaid;
}

/** An input that fails does not stop the others here either. */
async function runDry(context: Context, paths: readonly string[], flags: ChunkFlags): Promise<void> {
  const { dryRun } = await import('../dry-run.js');
  const filter = treeFilterOf(context, flags);
  const rawOf = rawArguments();
  let failed = 0;
  for (const path of paths) {
    if (path === STDIN) continue;
    try {
      failed += await dryRun(context, rawOf(path) ?? path, filter);
    } catch (error) {
      if (paths.length === 1 || !isDisktroError(error, 'E_INPUT')) throw error;
      context.output.error(error);
      failed++;
    }
  }
  if (failed > 0) throw partsFailed(failed, 'nothing was stored');
}

function checkUsage({ config }: Context, paths: readonly string[], flags: ChunkFlags): void {
  if (flags.compression !== undefined && !flags.compress) {
    throw usageError('expected --compression or --no-compress, got both');
  }
  checkCompression(compressionOf(config, flags));
  if (flags.name !== undefined && paths.length > 1) {
    throw usageError(`--name: expected one input, got ${paths.length}`);
  }
  if (paths.indexOf(STDIN) !== paths.lastIndexOf(STDIN)) {
    throw usageError('expected - once at most: stdin can be read only once');
  }
  const replicas = flags.replicas ?? config.replica_count;
  if (flags.replicate && replicas < config.min_replicas) {
    throw usageError(
      `expected at least min_replicas (${config.min_replicas}) copies to be asked for, got ${replicas}`,
      'raise --replicas or replica_count, or lower min_replicas',
    );
  }
}

async function chunkOne(
  context: Context,
  vault: Vault,
  path: string | Buffer,
  flags: ChunkFlags,
  makeCopier: CopierMaker | undefined,
): Promise<ChunkResult> {
  const label = flags.name ?? (path === STDIN ? 'stdin' : basename(path.toString()));
  using progress = await progressOf(context, { label, unit: 'bytes' });
  const options: ChunkOptions = {
    ...chunkOptions(context, vault, flags),
    copier: makeCopier?.(label, progress),
    onProgress: (facts) => {
      const { bytes, totalBytes, chunks, newChunks, files } = facts;
      const seen = files === undefined ? '' : `${count(files, 'file')}, `;
      const detail = `${seen}${count(chunks, 'chunk')} (${newChunks} new, ${Math.max(0, chunks - newChunks)} dup)`;
      progress.update({ done: bytes, total: totalBytes, detail }, facts);
    },
  };
  if (path === STDIN) return await chunkDescriptor(vault, STDIN_DESCRIPTOR, options);
  if (!isFolder(path)) return await chunkFile(vault, path, options);
  const { chunkTree } = await import('../../ops/tree/chunk-tree.js');
  return await chunkTree(vault, path, { ...options, ...treeFilterOf(context, flags), force: flags.force });
}

/** Makes what copies one input to peers, with a progress of its own once `storing` is done. */
type CopierMaker = (label: string, storing: Progress) => Copier;

/** Loads what speaks to peers, only where there are some. */
async function copierMaker(context: Context, vault: Vault, cluster: Cluster): Promise<CopierMaker> {
  const [{ copierOf }, { showCopying }] = await Promise.all([
    import('../../ops/copies/replicate.js'),
    import('../copy-progress.js'),
  ]);
  const nameOf = memberNames(cluster);
  const onFailure = (node: NodeId, error: unknown): void =>
    context.output.warning(`${nameOf(node)}: ${error instanceof Error ? error.message : String(error)}`);
  return (label, storing) => {
    // What is sent while the file is still being read shows in the line about copies, once that is all that is left.
    let copying: Progress | undefined;
    let show: ((facts: ReplicateProgress) => void) | undefined;
    const copier = copierOf(opened(vault), cluster, { onFailure, onProgress: (facts) => show?.(facts) });
    const begin = async (): Promise<void> => {
      if (copying !== undefined) return;
      storing.stop();
      copying = await progressOf(context, { label, unit: 'bytes' });
      show = showCopying(copying, nameOf);
    };
    return {
      ahead(copies, signal) {
        const ahead = copier.ahead(copies, signal);
        return {
          offer: (object) => ahead.offer(object),
          async drained() {
            await begin();
            await ahead.drained();
          },
          async stop() {
            copying?.stop();
            await ahead.stop();
          },
        };
      },
      async copy(objects, copies, signal) {
        await begin();
        return await copier.copy(objects, copies, signal);
      },
    };
  };
}

function chunkOptions({ config, output, signal }: Context, vault: Vault, flags: ChunkFlags): ChunkOptions {
  return {
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.tag === undefined ? {} : { tags: flags.tag }),
    ...(flags.chunker === undefined ? {} : { chunker: flags.chunker }),
    ...(flags.time === undefined ? {} : { createdMs: flags.time }),
    compression: compressionOf(config, flags),
    workers: config.workers,
    replicas: flags.replicas ?? replicasOf(openedHome(vault), config),
    signal,
    onNotice: (message) => output.warning(message),
  };
}

function compressionOf(config: Config, { compress, compression }: ChunkFlags): Compression {
  return compress ? (compression ?? config.compression) : 'none';
}

/**
 * Who reads stdout may go away: that is no reason to store less.
 * @param bucket where the objects are, when that is not the home
 * @returns the error of stdout
 */
function report(
  { output }: Context,
  result: ChunkResult,
  cluster: Cluster | undefined,
  bucket: string | undefined,
): DisktroError | undefined {
  const unsaid = sayId(output, result);
  if (!output.isJson)
    for (const { path, reason } of result.failed ?? []) output.warning(`${path}: ${reason}; not stored`);
  output.note(summary(result, cluster, bucket));
  return unsaid;
}

function sayId(output: Context['output'], result: ChunkResult): DisktroError | undefined {
  try {
    if (output.isJson) output.record(result);
    else output.result(result.id);
    return undefined;
  } catch (error) {
    if (!isDisktroError(error, 'E_OUTPUT')) throw error;
    output.notice(`${escapeControls(result.name)} is stored as ${result.id}`, { id: result.id });
    return error;
  }
}

/** `photo.tar: 1.0 GiB, 1012 chunks, 988 new, stored 612 MiB in 1.9 s (551 MiB/s); 1 of 3 copies: no peers yet`. */
function summary(result: ChunkResult, cluster: Cluster | undefined, bucket: string | undefined): string {
  const { name, bytes, chunks, newChunks, storedBytes, seconds, copies } = result;
  const work = `stored ${formatBytes(storedBytes)} in ${formatSeconds(seconds)}${rateRemark(bytes, seconds)}`;
  const isShort = copies.confirmed < copies.wanted;
  const copiesText = `${copies.confirmed} of ${count(copies.wanted, 'copy', 'copies')}`;
  const place = bucket === undefined ? '' : ` in ${bucket}`;
  const hasPeers = (cluster?.reachable().length ?? 0) > 0;
  const reason =
    bucket === undefined && isShort && copies.confirmed <= 1 && !hasPeers ? ': no peers yet' : '';
  const files =
    result.files === undefined ? '' : `${count(result.files, 'file')} (${result.unchanged} unchanged), `;
  return `${name}: ${files}${formatBytes(bytes)}, ${count(chunks, 'chunk')}, ${newChunks} new, ${work}; ${copiesText}${place}${reason}`;
}

function inputsFailed(failed: number, total: number): DisktroError {
  return new DisktroError('E_INPUTS_FAILED', `${failed} of ${count(total, 'input')} failed`, {
    details: { failed, total },
  });
}
