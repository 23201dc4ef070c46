/** `disktro reassemble`: writes a stored file back to a path, a device or stdout. */
import { lstatSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import type { NodeId } from '../../core/ids.js';
import { DisktroError } from '../../errors.js';
import type { Cluster } from '../../ops/cluster.js';
import type { ObjectSource } from '../../ops/peer-source.js';
import {
  type ReassembleProgress,
  type ReassembleResult,
  reassembleFile,
  reassembleToDescriptor,
} from '../../ops/reassemble.js';
import { resolveFileId } from '../../ops/resolve.js';
import type { Vault } from '../../ops/vault.js';
import { openedHome } from '../../ops/vault.js';
import { type Context, openVault, progressOf } from '../context.js';
import { escapeControls } from '../escape.js';
import { clusterOf, type LimitFlags, limitedContext, memberNames } from '../node-context.js';
import { count, formatBytes, formatSeconds, rateRemark } from '../units.js';

interface ReassembleFlags extends LimitFlags {
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
  const fileId = resolveFileId(vault, id);
  const cluster = await clusterOf(context, openedHome(vault));
  await using _closing = { [Symbol.asyncDispose]: async () => cluster?.close() };
  const fetching = cluster === undefined ? undefined : await fetchingFrom(vault, cluster);
  const result = await write(context, vault, fileId, flags, fetching);
  report(context, result, flags);
}

/** Before the password is asked for and worked on: what is there will still be there after it. */
function refuseOverwrite({ output, force }: ReassembleFlags): void {
  if (force || output === undefined || output === STDOUT || isStream(output)) return;
  const status = statusOf(output, lstatSync);
  if (status === undefined) return;
  throw new DisktroError('E_OUTPUT_EXISTS', `output ${output} exists already`, {
    hint: status.isDirectory()
      ? 'name a file inside that folder'
      : 'give --force to overwrite it, or another -o',
    details: { path: resolve(output) },
  });
}

async function write(
  context: Context,
  vault: Vault,
  fileId: string,
  flags: ReassembleFlags,
  fetching: Fetching | undefined,
): Promise<ReassembleResult> {
  const { output: path, force = false } = flags;
  const hasBar = !(path === STDOUT && isatty(STDOUT_DESCRIPTOR));
  using progress = await progressOf(context, { label: path ?? fileId.slice(0, 12), unit: 'bytes' }, hasBar);
  const options = {
    workers: context.config.workers,
    signal: context.signal,
    source: fetching?.source,
    onProgress: (facts: ReassembleProgress) => {
      const { fetchedBytes, peers, text } = fetching?.sofar() ?? NOTHING_FETCHED;
      const detail = `${count(facts.chunks, 'chunk')}${text}`;
      progress.update(
        { done: facts.bytes, total: facts.totalBytes, detail },
        { ...facts, fetchedBytes, peers },
      );
    },
  };
  if (path === STDOUT) return await reassembleToDescriptor(vault, fileId, STDOUT_DESCRIPTOR, options);
  const target = path === undefined ? { folder: context.cwd } : { path: resolve(path) };
  return await reassembleFile(vault, fileId, { ...options, ...target, force });
}

/** Where what is missing comes from, and what has come so far. */
interface Fetching {
  readonly source: ObjectSource;
  sofar(): {
    readonly fetchedBytes: number;
    readonly peers: Readonly<Record<string, number>>;
    /** For the progress bar. */
    readonly text: string;
  };
}

const NOTHING_FETCHED = { fetchedBytes: 0, peers: {}, text: '' };

async function fetchingFrom(vault: Vault, cluster: Cluster): Promise<Fetching> {
  const [{ PeerSource }, { bytesByPeer, peersText }] = await Promise.all([
    import('../../ops/peer-source.js'),
    import('../copy-progress.js'),
  ]);
  const nameOf = memberNames(cluster);
  const nodes = new Map<NodeId, number>();
  let fetchedBytes = 0;
  const source = new PeerSource(openedHome(vault), cluster, (node, bytes) => {
    fetchedBytes += bytes;
    nodes.set(node, (nodes.get(node) ?? 0) + bytes);
  });
  return {
    source,
    sofar() {
      const peers = bytesByPeer(nodes, nameOf);
      return { fetchedBytes, peers, text: fetchedBytes === 0 ? '' : `, from ${peersText(peers)}` };
    },
  };
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
