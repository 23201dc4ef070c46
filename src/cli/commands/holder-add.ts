/** `disktro peers add s3://…` and `file:///…`: a bucket or folder becomes a member. */
import os from 'node:os';
import { addHolder } from '../../ops/holders/add-holder.js';
import type { Context } from '../context.js';
import { clusterOptions, withNode } from '../node-context.js';
import { ownVersion } from '../own-version.js';

export interface HolderFlags {
  readonly name?: string;
  readonly zone?: string;
  readonly capacity?: number;
  readonly role?: 'share' | 'mirror';
}

export async function addStore(context: Context, url: string, flags: HolderFlags): Promise<void> {
  const { output, signal } = context;
  await withNode(context, async (home) => {
    const added = await addHolder(home, {
      url,
      name: flags.name,
      zone: flags.zone,
      capacityBytes: flags.capacity,
      role: flags.role,
      version: ownVersion(),
      nodeName: context.config.node_name || os.hostname(),
      cluster: clusterOptions(context),
      signal,
    });
    if (output.isJson) output.record(added);
    else output.result(added.id);
    output.note(
      added.isKnown
        ? `this machine uses ${added.name} from now on`
        : `${added.name} is a member now: chunk puts copies there, and \`disktro repair\` or \`serve\` what is stored already`,
    );
    if (added.unchanged.length > 0) {
      output.warning(
        `${added.name} was a member already and stays as it is: --${added.unchanged.join(', --')} changed nothing`,
      );
    }
    if (added.areKeysKept) {
      output.note('the keys of the environment are kept in node/holders.json (mode 0600), for `serve`');
    }
  });
}
