/** `disktro init`: makes home, vault and recovery code. */
import { hasVault, vaultExists } from '../../ops/home/home.js';
import { createVault } from '../../ops/home/vault.js';
import { type Context, homeOptions, passwordOf, storeOption } from '../context.js';
import { deliverWithCode, openRecoveryFile } from '../recovery-code.js';

interface InitFlags {
  readonly recoveryFile?: string;
  readonly chunkSize?: number;
  readonly store?: string;
}

export async function run(context: Context, _operands: readonly string[], flags: InitFlags): Promise<void> {
  const { output, config } = context;
  if (await hasVault(config.home)) throw vaultExists(config.home);
  using file = flags.recoveryFile === undefined ? undefined : openRecoveryFile(output, flags.recoveryFile);
  const password = await passwordOf(context, { isNew: true });
  const averageChunkBytes = flags.chunkSize ?? config.chunk_size;
  const { recoveryCode, ...made } = await createVault({
    ...homeOptions(context),
    password,
    averageChunkBytes,
    ...storeOption(context, flags.store),
  });
  deliverWithCode(output, made.vaultId, made, recoveryCode, file);
}
