/** `disktro rebuild`: makes the catalog again from the store. */
import { DisktroError } from '../../errors.js';
import { type RebuildResult, rebuildCatalog } from '../../ops/upkeep/rebuild.js';
import { type Context, homeOptions, passwordOf, progressOf } from '../context.js';
import { count, formatBytes, formatSeconds } from '../units.js';

export async function run(context: Context): Promise<void> {
  const { output } = context;
  const password = await passwordOf(context);
  const result = await rebuild(context, password);
  if (output.isJson) output.record(result);
  else output.result(summary(result));
  if (result.damaged.length === 0) return;
  throw new DisktroError('E_CORRUPT', `${count(result.damaged.length, 'object')} could not be read`, {
    hint: 'run `disktro verify --read-data` to see what is wrong with each',
    details: { damaged: result.damaged },
  });
}

async function rebuild(context: Context, password: string): Promise<RebuildResult> {
  using progress = await progressOf(context, { label: 'rebuild', unit: 'bytes' });
  return await rebuildCatalog({
    ...homeOptions(context),
    password,
    onProgress: (facts) => {
      progress.update({ done: facts.bytes, total: undefined, detail: count(facts.objects, 'object') }, facts);
    },
  });
}

function summary({ files, objects, bytes, seconds }: RebuildResult): string {
  const found = `${count(files, 'file')}, ${count(objects, 'object')}, ${formatBytes(bytes)}`;
  return `${found} in ${formatSeconds(seconds)}`;
}
