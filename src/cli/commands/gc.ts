/** `disktro gc`: frees the space of objects that no file needs, here and on peers. */
import { type CollectFlags, collectWith, openToCollect, reportCollection } from '../collecting.js';
import { type Context, openHome } from '../context.js';

export async function run(
  context: Context,
  _operands: readonly string[],
  flags: CollectFlags,
): Promise<void> {
  const { output } = context;
  const isDryRun = flags.dryRun ?? false;
  const result = isDryRun ? await collectHere(context, flags) : await collect(context, flags);
  if (output.isJson) output.record(result);
  reportCollection(context, result, isDryRun);
}

async function collectHere(context: Context, flags: CollectFlags) {
  await using home = await openHome(context);
  return await collectWith(context, { home, vault: undefined, cluster: undefined }, flags);
}

async function collect(context: Context, flags: CollectFlags) {
  await using doors = await openToCollect(context);
  return await collectWith(context, doors, flags);
}
