/** `disktro key remove`: takes a password or recovery code away. */
import { removeSlot } from '../../ops/home/slots.js';
import { type Context, openVault } from '../context.js';

export async function run(context: Context, [slotId = '']: readonly string[]): Promise<void> {
  const { output } = context;
  await using vault = await openVault(context);
  const slot = await removeSlot(vault, slotId);
  if (output.isJson) output.record(slot);
  else output.result(slot.id);
  output.note(`removed the ${slot.kind} slot${slot.label === '' ? '' : ` ${slot.label}`}`);
}
