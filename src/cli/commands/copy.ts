/** `disktro copy`: puts the objects of stored files on one member, whatever placement says. */
import { usageError } from '../../errors.js';
import { fileObjects } from '../../ops/files/file-objects.js';
import { type Context, openVault } from '../context.js';
import { type LimitFlags, limitedContext } from '../node-context.js';
import { openTarget, put } from '../putting.js';
import { count, formatBytes } from '../units.js';

interface CopyFlags extends LimitFlags {
  readonly to?: string;
  readonly since?: number;
}

export async function run(given: Context, ids: readonly string[], flags: CopyFlags): Promise<void> {
  const context = limitedContext(given, flags);
  const { output } = context;
  if (flags.to === undefined)
    throw usageError('expected --to NODE', 'run `disktro peers` to see the members');
  if (ids.length > 0 && flags.since !== undefined) throw usageError('expected ids or --since, got both');
  await using vault = await openVault(context);
  await using target = await openTarget(context, vault, flags.to);
  const { files, objects, absent } = fileObjects(vault, { ids, sinceMs: flags.since });
  const { sentBytes } = await put(context, vault, target, objects, 'copy');
  const { node, name } = target;
  if (output.isJson) output.record({ node, files, objects: objects.length, absent, sentBytes });
  else output.result(`${count(files, 'file')}, ${count(objects.length, 'object')} on ${name}`);
  output.note(`${formatBytes(sentBytes)} sent now`);
  if (absent > 0) {
    output.warning(
      `${count(absent, 'object')} not on this machine: run \`disktro repair\` first, or copy from another`,
    );
  }
}
