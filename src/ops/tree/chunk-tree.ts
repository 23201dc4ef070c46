/**
 * A folder with all that is in it into the vault, as one manifest: one pass, bounded memory, acknowledged only when
 * durable. What cannot be read is named, and the rest is stored.
 */
import os from 'node:os';
import path from 'node:path';
import { TREE_ROOT } from '../../core/entry.js';
import { gearTable } from '../../core/gear.js';
import { loadExtendedAttributes } from '../../store/extended-attributes.js';
import type { ChunkOptions, ChunkResult, FailedPath } from '../chunk/chunk.js';
import { inputError } from '../chunk/file-source.js';
import type { NewManifest } from '../chunk/manifest-writer.js';
import { storeResult } from '../chunk/store-result.js';
import type { Storing } from '../chunk/storing.js';
import { withWriter } from '../chunk/storing.js';
import type { OpenVault, Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import { previousTree } from './previous-tree.js';
import { SmallFiles } from './small-files.js';
import { TreeEntries } from './tree-entries.js';
import type { FilterOptions } from './tree-filter.js';
import { treeFilter } from './tree-filter.js';
import { TreeReader } from './tree-reader.js';
import { runSteps } from './tree-steps.js';
import { absoluteFolder, walkTree } from './tree-walk.js';

export interface TreeOptions extends ChunkOptions, FilterOptions {
  /** Reads also files that seem unchanged since the newest tree of the same host and path. */
  readonly force?: boolean | undefined;
  /** When the run counts as begun: what changed as late as that is read again by the next one. Default: now. */
  readonly startedMs?: number | undefined;
}

/**
 * Stores a folder. `folder` may be bytes, for names that are not UTF-8; a link to a folder is followed.
 * @throws E_INPUT when the folder itself cannot be read; else as `chunkFile`
 */
export async function chunkTree(
  vault: Vault,
  folder: string | Buffer,
  options: TreeOptions = {},
): Promise<ChunkResult> {
  const startedMs = performance.now();
  const open = opened(vault);
  return withWriter(open, options, (storing) =>
    storeTree(open, storing, absoluteFolder(folder), options, startedMs),
  );
}

async function storeTree(
  vault: OpenVault,
  { writer, ahead }: Storing,
  root: string | Buffer,
  options: TreeOptions,
  startedMs: number,
): Promise<ChunkResult> {
  const begunMs = options.startedMs ?? Date.now();
  const { signal, onProgress } = options;
  const notice = options.onNotice ?? (() => {});
  const workspace = vault.borrowWorkspace();
  const lists = { chunks: writer.listWriter(), entries: writer.listWriter() };
  const report = (): void => {
    const { bytes, files, unchanged, chunks } = reader.total;
    onProgress?.({ bytes, totalBytes: undefined, files, unchanged, chunks, ...writer.stats });
  };
  const reader = new TreeReader({
    walk: walkTree(root, {
      ...treeFilter(options, vault.path, notice),
      onFailure: (at, error) => noteFailure(reader, root, at, error),
    }),
    entries: new TreeEntries({
      startedMs: begunMs,
      attributes: await loadExtendedAttributes(),
      onNotice: notice,
    }),
    small: new SmallFiles(vault.sizes, gearTable(vault.keys.chunker), writer.engine.concurrency),
    cutter: workspace.cutters[options.chunker ?? 'cdc'],
    memory: workspace.memory,
    push: (entry) => lists.entries.pushEncoded(entry),
    previous: options.force === true ? undefined : await previousTree(vault, os.hostname(), root),
    writer,
    onNotice: notice,
    onTurn: report,
    signal,
  });
  await runSteps(reader.steps(), writer, lists.chunks, signal, report);
  vault.giveWorkspace(workspace);
  const [chunks, entries] = [await lists.chunks.finish(), await lists.entries.finish()];
  const manifest: NewManifest = {
    kind: 'tree',
    name: options.name ?? nameOf(root),
    tags: options.tags ?? [],
    host: os.hostname(),
    path: root,
    bytes: reader.total.bytes,
    chunks,
    entries,
    createdMs: options.createdMs ?? Date.now(),
  };
  const result = await storeResult(vault, writer, options, manifest, ahead);
  const { files, unchanged, knownBytes } = reader.total;
  const dedupedBytes = result.dedupedBytes + knownBytes;
  const seconds = (performance.now() - startedMs) / 1000;
  return { ...result, dedupedBytes, files, unchanged, failed: inOrder(reader.failed), seconds };
}

/** As in a manifest: what the walk finds out ahead is told among the files that are read later. */
function inOrder(failed: readonly FailedPath[]): readonly FailedPath[] {
  const keyed = failed.map((each) => ({ key: each.path.replaceAll('/', '\0'), each }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ each }) => each);
}

/** A folder that cannot be listed at all is no empty tree. @throws E_INPUT for the root */
function noteFailure(
  reader: TreeReader,
  root: string | Buffer,
  at: string | Uint8Array,
  error: unknown,
): void {
  if (at === TREE_ROOT) inputError(root.toString())(error);
  reader.fail(at, error);
}

/** The folder's own name; of `/` that. */
function nameOf(root: string | Buffer): string {
  const text = root.toString();
  return path.basename(text) || text;
}
