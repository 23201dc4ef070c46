/** `disktro key add`: one more password beside those there are. */
import { addPasswordSlot } from '../../ops/home/slots.js';
import { type Context, newPasswordOf, openVault } from '../context.js';

interface KeyAddFlags {
  readonly label?: string;
  readonly newPasswordFile?: string;
}

export async function run(context: Context, _operands: readonly string[], flags: KeyAddFlags): Promise<void> {
  await using vault = await openVault(context);
  const newPassword = await newPasswordOf(context, flags.newPasswordFile);
  const label = flags.label === undefined ? {} : { label: flags.label };
  const slot = await addPasswordSlot(vault, { newPassword, ...label });
  if (context.output.isJson) context.output.record(slot);
  else context.output.result(slot.id);
}
