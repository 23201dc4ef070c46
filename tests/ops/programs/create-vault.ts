// Makes a vault and says how that ended: create-vault HOME PASSWORD
import { createVault, isDisktroError } from '../../../src/index.js';

const [home = '', password = ''] = process.argv.slice(2);
try {
  const { vaultId } = await createVault({ home, password });
  process.stdout.write(`made ${vaultId}\n`);
} catch (error) {
  if (!isDisktroError(error)) throw error;
  process.stdout.write(`refused ${error.code}\n`);
}
