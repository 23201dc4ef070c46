/** `disktro peers invite`: one line on stdout that lets one machine join. */
import os from 'node:os';
import { usageError } from '../../errors.js';
import { makeInvite } from '../../ops/cluster/join.js';
import type { NodeFiles } from '../../ops/cluster/node-files.js';
import type { Context } from '../context.js';
import { withNode } from '../node-context.js';
import { tellUntoldVault } from '../untold-vault.js';

interface InviteFlags {
  readonly address?: readonly string[];
}

export async function run(context: Context, _operands: readonly string[], flags: InviteFlags): Promise<void> {
  await withNode(context, async (_home, files) => {
    const addresses = flags.address?.map(plainAddress) ?? (await ownAddresses(context, files));
    const invite = await makeInvite(files, addresses, Date.now());
    if (context.output.isJson) context.output.record({ invite, addresses });
    else context.output.result(invite);
    context.output.note(
      `good for one machine and one hour; on it: disktro peers join ${invite.slice(0, 24)}…`,
    );
  });
  await tellUntoldVault(context);
}

/** Where `serve` listens, or will. */
async function ownAddresses({ config }: Context, files: NodeFiles): Promise<readonly string[]> {
  const { addresses, port } = await files.settings();
  if (addresses.length > 0) return addresses;
  const own = Object.values(os.networkInterfaces()).flatMap((entries = []) => entries);
  const outside = own
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address);
  return [...outside, '127.0.0.1'].map((host) => `${host}:${port === 0 ? config.port : port}`);
}

/** `http://host:8081/` is `host:8081`. */
export function plainAddress(text: string): string {
  const [, address] = /^(?:https?:\/\/)?((?:\[[0-9a-fA-F:.]+\]|[^/:\s]+):\d{1,5})\/?$/.exec(text) ?? [];
  if (address === undefined) throw usageError(`address: expected host:port, got ${JSON.stringify(text)}`);
  return address;
}
