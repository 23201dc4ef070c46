/** `disktro key passwd`: a new password in place of the one that was given. */
import { changePassword, listSlots } from '../../ops/home/slots.js';
import { type Context, newPasswordOf, openVault } from '../context.js';

interface KeyPasswdFlags {
  readonly newPasswordFile?: string;
}

export async function run(
  context: Context,
  _operands: readonly string[],
  flags: KeyPasswdFlags,
): Promise<void> {
  const { output } = context;
  await using vault = await openVault(context);
  const newPassword = await newPasswordOf(context, flags.newPasswordFile);
  const slot = await changePassword(vault, { newPassword });
  if (output.isJson) output.record(slot);
  else output.result(slot.id);
  const isAdded = (await listSlots(vault)).some(({ kind, id }) => kind === 'password' && id !== slot.id);
  output.note(
    isAdded
      ? 'the password is set; other passwords still open this vault: see `disktro key list`'
      : 'the password is changed; the old one opens this vault no longer',
  );
}
