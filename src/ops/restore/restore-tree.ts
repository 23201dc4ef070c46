/**
 * Trees out of the vault: a folder as it was, below one folder and nowhere else. Folders and files first, then links, then
 * what folders themselves have, the deepest first. What cannot be restored is named and the rest comes back; a run that
 * was cut short goes on where it stopped.
 */
import path from 'node:path';
import type { FileId } from '../../core/ids.js';
import { throwIfAborted } from '../../errors.js';
import { loadExtendedAttributes } from '../../store/extended-attributes.js';
import type { Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import { ChunkWindow } from '../read/chunk-window.js';
import type { ReadOptions } from '../read/read-options.js';
import type { ReassembleResult } from '../read/reassemble.js';
import type { TreeSource } from '../read/tree-source.js';
import { chunksHeld, openTree } from '../read/tree-source.js';
import type { AttributeOptions } from './restore-attributes.js';
import { Attributes } from './restore-attributes.js';
import { writeContents } from './restore-contents.js';
import type { RestoreFailure, RestoreOutcome } from './restore-failures.js';
import { Failures, fatalOutput } from './restore-failures.js';
import { FileWriter } from './restore-file.js';
import { finishTree } from './restore-finish.js';
import type { Overwrite } from './restore-mark.js';
import { removeMark, temporaryPrefix } from './restore-mark.js';
import type { RestoreRun } from './restore-run.js';
import { makeDurable, openTarget } from './restore-target.js';

export interface RestoreOptions extends ReadOptions, AttributeOptions {
  /** The folder that becomes the tree's; default: the tree's name in `folder`. */
  readonly path?: string | undefined;
  /** Default: the working folder. */
  readonly folder?: string | undefined;
  /** A folder of the tree in place of all of it: `/`-separated. */
  readonly inner?: string | undefined;
  /** Only what these match, by the rules of .gitignore. */
  readonly include?: readonly string[] | undefined;
  /** What becomes of files that are there; without it the target must be empty, or hold this tree's unfinished restore. */
  readonly overwrite?: Overwrite | undefined;
  /** Devices too, for root. */
  readonly devices?: boolean | undefined;
  /** Told of each entry that could not be restored. */
  readonly onFailure?: ((failure: RestoreFailure) => void) | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface RestoreResult extends ReassembleResult, RestoreOutcome {
  readonly path: string;
  /** Entries that were written, folders not counted. */
  readonly files: number;
  /** Entries that were left as they are. */
  readonly skipped: number;
}

/**
 * Writes a tree back below one folder.
 * @param id a tree's id
 * @throws E_OUTPUT_EXISTS, E_OUTPUT, E_NO_SPACE, E_MANIFEST_INVALID, E_MANIFEST_PATH, E_OBJECT_MISSING of the manifest,
 *   E_ABORTED; what holds for single entries is in `failures`
 */
export async function restoreTree(
  vault: Vault,
  id: FileId,
  options: RestoreOptions = {},
): Promise<RestoreResult> {
  throwIfAborted(options.signal);
  const open = opened(vault);
  const source = await openTree(open, id, options);
  try {
    return await restore(source, options, chunksHeld(open));
  } finally {
    source.close();
    source.reader.noteLost();
  }
}

async function restore(source: TreeSource, options: RestoreOptions, room: number): Promise<RestoreResult> {
  const startedMs = performance.now();
  const { id, manifest, reader } = source;
  const { folder = process.cwd(), path: asked = path.join(folder, manifest.name) } = options;
  const attributes = new Attributes(options, await loadExtendedAttributes());
  const target = openTarget(path.resolve(asked), id, options);
  const window = new ChunkWindow(reader, source.chunks, room, options.signal);
  const run: RestoreRun = {
    source,
    options,
    target,
    attributes,
    // Where nothing that is there may be written over, the next run could not mend a file that was cut short.
    writer: new FileWriter(attributes, temporaryPrefix(target.mark), target.mark.overwrite !== 'never'),
    failures: new Failures(options.onFailure),
    otherSystems: new Map(),
    total: { bytes: 0, files: 0, skipped: 0 },
  };
  try {
    await writeContents(run, window, room - 1);
    const finishRoot = await finishTree(run);
    await makeDurable(target.root, [...run.otherSystems.values()]);
    // The mark goes before the root gets its time and mode, which its going would change.
    if (run.failures.count === 0) removeMark(target.root, id);
    finishRoot();
    await makeDurable(target.root, []);
  } catch (error) {
    throw fatalOutput(error, target.path);
  } finally {
    await window.close();
    target.root.close();
  }
  for (const remark of attributes.remarks()) options.onNotice?.(remark);
  return {
    id,
    name: manifest.name,
    path: target.path,
    ...run.total,
    chunks: window.reads,
    fetchedFromPeers: reader.fetched,
    failures: run.failures.list,
    failed: run.failures.count,
    lostAttributes: attributes.failures,
    seconds: (performance.now() - startedMs) / 1000,
  };
}
