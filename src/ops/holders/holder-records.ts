/**
 * Records in a bucket or folder: the public records of vaults, by which their owner comes back from the store alone, and
 * the holder's own. The newer one goes to the other side, as between nodes (docs/PROTOCOL.md, "The vault's public record").
 */
import type { VaultId } from '../../core/ids.js';
import { isDisktroError } from '../../errors.js';
import { verifyVaultRecord } from '../../net/vault-record.js';
import { recordVersions, storedRecord, takeRecord } from '../cluster/stored-records.js';
import type { OpenHome } from '../home/home.js';
import type { HolderClient } from './holder-client.js';

/** @returns how many records moved. What is no record, or is refused, is passed over: it may be of an older time */
export async function exchangeWithHolder(
  home: OpenHome,
  holder: HolderClient,
  signal?: AbortSignal,
): Promise<number> {
  const mine = recordVersions(home);
  const there = await holder.vaults(signal);
  let moved = 0;
  for (const vault of new Set([...Object.keys(mine), ...there]) as Set<VaultId>) {
    const theirs = there.includes(vault) ? await checkedRecord(holder, vault, signal) : undefined;
    const [here, theirVersion] = [mine[vault] ?? 0, theirs?.version ?? 0];
    if (here > theirVersion) {
      await holder.writeVaultRecord(vault, storedRecord(home, vault), signal);
      moved++;
    } else if (theirs !== undefined && theirVersion > here) {
      try {
        if (takeRecord(home, vault, theirs) === 'new') moved++;
      } catch (error) {
        if (!isDisktroError(error, 'E_PEER_REFUSED')) throw error;
      }
    }
  }
  return moved;
}

/** The record of a vault in a store, if it is one that its own key has signed. */
export async function checkedRecord(holder: HolderClient, vault: VaultId, signal?: AbortSignal) {
  const check = verifyVaultRecord(await holder.vaultRecord(vault, signal));
  return 'record' in check && check.record.id === vault ? check.record : undefined;
}
