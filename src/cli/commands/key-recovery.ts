/** `disktro key recovery`: a new recovery code in place of the old one. */
import { newRecoveryCode } from '../../ops/home/slots.js';
import { type Context, openVault } from '../context.js';
import { deliverWithCode, openRecoveryFile } from '../recovery-code.js';

interface KeyRecoveryFlags {
  readonly recoveryFile?: string;
}

export async function run(
  context: Context,
  _operands: readonly string[],
  flags: KeyRecoveryFlags,
): Promise<void> {
  const { output } = context;
  await using vault = await openVault(context);
  using file = flags.recoveryFile === undefined ? undefined : openRecoveryFile(output, flags.recoveryFile);
  const { slot, recoveryCode } = await newRecoveryCode(vault);
  deliverWithCode(output, slot.id, slot, recoveryCode, file);
  output.note('the old recovery code opens this vault no longer');
}
