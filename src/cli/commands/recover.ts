/** `disktro recover`: everything back from peers, on a machine that has nothing. */
import type { VaultId } from '../../core/ids.js';
import { isVaultId } from '../../core/ids.js';
import { DisktroError, isDisktroError, usageError } from '../../errors.js';
import { vaultExists, vaultIdAt } from '../../ops/home/home.js';
import { checkPassword } from '../../ops/home/vault.js';
import { type RecoverResult, recoverVault } from '../../ops/recover/recover.js';
import { isStoreUrl } from '../../store/store-url.js';
import { type Context, homeOptions, passwordOf, progressOf } from '../context.js';
import { clusterOptions } from '../node-context.js';
import { count, formatSeconds } from '../units.js';
import { plainAddress } from './peers-invite.js';

interface RecoverFlags {
  readonly from?: string;
  readonly vault?: string;
}

export async function run(
  context: Context,
  _operands: readonly string[],
  flags: RecoverFlags,
): Promise<void> {
  const { output } = context;
  const { vault } = flags;
  if (flags.from === undefined) {
    throw usageError(
      'expected --from ADDRESS',
      'name any machine of the cluster, such as nas.local:8080, or the URL of a bucket or folder',
    );
  }
  const from = isStoreUrl(flags.from) ? flags.from : plainAddress(flags.from);
  if (vault !== undefined && !isVaultId(vault))
    throw usageError('--vault: expected 32 lower-case hex digits');
  const result = await recover(context, from, vault, await secretFor(context, vault));
  if (output.isJson) output.record(result);
  else output.result(result.vaultId);
  report(context, result);
}

/**
 * The secret, after a look at the home: what was begun there goes on, and another vault is refused before anybody asks.
 * @throws E_VAULT_EXISTS
 */
async function secretFor(context: Context, vault: VaultId | undefined): Promise<string> {
  const { home } = context.config;
  const present = await vaultIdAt(home);
  if (present === undefined) return passwordOf(context);
  if (vault !== undefined && vault !== present) throw vaultExists(home);
  const secret = await passwordOf(context).catch((error: unknown) => {
    throw isDisktroError(error, 'E_PASSWORD_NEEDED') ? vaultExists(home) : error;
  });
  await checkPassword({ ...homeOptions(context), password: secret }).catch((error: unknown) => {
    if (isDisktroError(error, 'E_WRONG_PASSWORD')) throw vaultExists(home);
  });
  return secret;
}

async function recover(
  context: Context,
  from: string,
  vault: VaultId | undefined,
  secret: string,
): Promise<RecoverResult> {
  using progress = await progressOf(context, { label: 'recover', unit: 'count' });
  const recoverIt = isStoreUrl(from)
    ? (await import('../../ops/recover/recover-store.js')).recoverFromStore
    : recoverVault;
  return await recoverIt({
    ...homeOptions(context),
    from,
    secret,
    vault,
    nodeName: context.config.node_name,
    cluster: clusterOptions(context),
    onProgress: (facts) => progress.update(facts, facts),
  });
}

function report({ output }: Context, { files, failed, nodes, unreachable, seconds }: RecoverResult): void {
  const places = nodes.length === 0 ? '' : ` from ${count(nodes.length, 'node')}`;
  output.note(`${count(files, 'file')}${places} in ${formatSeconds(seconds)}`);
  if (unreachable.length > 0) {
    output.warning(
      `${count(unreachable.length, 'node')} out of reach: files that only they know are not listed`,
    );
  }
  if (failed.length === 0) return;
  throw new DisktroError('E_OBJECT_MISSING', `${count(failed.length, 'file')} could not be read`, {
    hint: 'bring more machines of the cluster up, then run `disktro recover` again',
    details: { failed },
  });
}
