/** What a command does about a vault that is older than its cluster, which the other machines could not give back yet. */
import { isDisktroError } from '../errors.js';
import type { Cluster } from '../ops/cluster/cluster.js';
import type { OpenHome } from '../ops/home/home.js';
import type { Context } from './context.js';
import { agreeOnRecord, clusterOf, withNode } from './node-context.js';
import { unaskedVault } from './unasked-vault.js';

/** To be said where a person asks how safe the files are. */
export async function warnOfUntoldVault(
  { output }: Context,
  home: OpenHome,
  cluster: Cluster | undefined,
): Promise<void> {
  if ((cluster?.everyone().length ?? 0) === 0) return;
  const { isVaultUntold, UNTOLD_VAULT } = await import('../ops/cluster/untold-vault.js');
  if (await isVaultUntold(home)) output.warning(UNTOLD_VAULT);
}

/** Makes the record for the others where that takes no question, else says what does. The command itself has done its work. */
export async function tellUntoldVault(context: Context): Promise<void> {
  const { output } = context;
  const { isVaultUntold } = await import('../ops/cluster/untold-vault.js');
  if (!(await withNode(context, isVaultUntold))) return;
  try {
    await using vault = await unaskedVault(context, 'this vault is not told to the others', {
      isReadOnly: false,
    });
    if (vault === undefined) {
      output.note(
        'run `disktro repair` here once another machine has joined: with the password, so that it can give this vault back',
      );
      return;
    }
    const { openedHome } = await import('../ops/home/vault.js');
    const cluster = await clusterOf(context, openedHome(vault));
    try {
      await agreeOnRecord(context, vault, cluster);
    } finally {
      await cluster?.close();
    }
  } catch (error) {
    if (!isDisktroError(error)) throw error;
    output.warning(`this vault is not told to the others: ${error.message}`);
  }
}
