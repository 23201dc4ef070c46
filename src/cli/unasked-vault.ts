/** The vault where its key costs no question: for what is nicer with names, and works without. */
import { isDisktroError } from '../errors.js';
import type { Vault } from '../ops/home/vault.js';
import { type Context, openVault } from './context.js';

/**
 * @param without what goes without it, for a warning
 * @returns undefined without a source of the password, or with a wrong one, which is warned of. The caller closes it.
 */
export async function unaskedVault(
  context: Context,
  without: string,
  { isReadOnly = true } = {},
): Promise<Vault | undefined> {
  if (!hasPasswordSource(context)) return undefined;
  try {
    return await openVault(context, { isReadOnly });
  } catch (error) {
    if (!isDisktroError(error, 'E_WRONG_PASSWORD')) throw error;
    context.output.warning(`wrong password: ${without}`);
    return undefined;
  }
}

function hasPasswordSource({ globals, env }: Context): boolean {
  const names = ['DISKTRO_PASSWORD', 'DISKTRO_PASSWORD_FILE', 'DISKTRO_PASSWORD_COMMAND'];
  const isGiven = globals.passwordFile !== undefined || globals.passwordCommand !== undefined;
  return isGiven || names.some((name) => (env[name] ?? '') !== '');
}
