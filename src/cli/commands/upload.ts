/** `disktro upload`: puts the objects of one file on one peer. */
import { existsSync } from 'node:fs';
import { chunkFile } from '../../ops/chunk/chunk.js';
import { allObjectsOf } from '../../ops/files/file-objects.js';
import { resolveFileId } from '../../ops/files/resolve.js';
import { type Context, openOrCreateVault } from '../context.js';
import { type LimitFlags, limitedContext } from '../node-context.js';
import { openTarget, put } from '../putting.js';
import { rawArguments } from '../raw-arguments.js';
import { formatBytes } from '../units.js';

export async function run(
  given: Context,
  [what = '', peer = '']: readonly string[],
  flags: LimitFlags,
): Promise<void> {
  const context = limitedContext(given, flags);
  const { config, output, signal } = context;
  await using vault = await openOrCreateVault(context);
  await using target = await openTarget(context, vault, peer);
  const path = rawArguments()(what) ?? what;
  const id = existsSync(path)
    ? (await chunkFile(vault, path, { workers: config.workers, compression: config.compression, signal })).id
    : resolveFileId(vault, what);
  const objects = allObjectsOf(vault, id);
  const { confirmed, sentBytes } = await put(context, vault, target, objects, what);
  const { node, name } = target;
  if (output.isJson) output.record({ id, node, objects: objects.length, sentBytes, copies: { confirmed } });
  else output.result(id);
  output.note(`${objects.length} objects are on ${name}, ${formatBytes(sentBytes)} of them sent now`);
}
