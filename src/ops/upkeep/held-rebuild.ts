/**
 * What a rebuild keeps of a home that is also a node: objects held for the cluster are entered as such, never taken for
 * damage or garbage, and what was agreed on with other nodes comes over from the old catalog when that can be read.
 */
import fs from 'node:fs';
import { Catalog } from '../../catalog/catalog.js';
import type { NewHolding } from '../../catalog/holdings.js';
import { enterHoldings } from '../../catalog/holdings.js';
import type { StoreId } from '../../core/ids.js';
import type { ObjectKind } from '../../core/object.js';
import { OBJECT_HEADER_BYTES, vaultOf } from '../../core/object.js';
import { isDisktroError, throwIfAborted } from '../../errors.js';
import { OBJECT_KINDS } from '../../store/paths.js';
import type { OpenHome } from '../home/home.js';

/** Whether a manifest is another vault's; one that cannot be read may be anybody's. */
export async function isOfOthers(home: OpenHome, id: StoreId): Promise<boolean> {
  const vault = await vaultOfObject(home, 'manifest', id);
  return vault !== undefined && vault !== home.vaultId;
}

/**
 * Enters what no file of this home's vault has reached: of other vaults always, of its own only where the home is a
 * node, because there it may be another machine's of the same vault.
 */
export async function enterHeld(home: OpenHome, signal?: AbortSignal): Promise<void> {
  const isNode = fs.existsSync(home.paths.node);
  for (const kind of OBJECT_KINDS) {
    let after: StoreId | undefined;
    for (;;) {
      throwIfAborted(signal);
      const page = await home.store.list(kind, after === undefined ? {} : { after });
      after = page.at(-1)?.id;
      if (after === undefined) break;
      const holdings: NewHolding[] = [];
      for (const { id, bytes } of page) {
        if (home.objects.find(id) !== undefined) continue;
        const vault = await vaultOfObject(home, kind, id);
        if (vault === undefined || (vault === home.vaultId && !isNode)) continue;
        holdings.push({ id, kind, bytes, vault });
      }
      if (holdings.length > 0) enterHoldings(home.catalog, holdings);
    }
  }
}

async function vaultOfObject({ store }: OpenHome, kind: ObjectKind, id: StoreId) {
  try {
    return vaultOf(await store.get(kind, id, { offset: 0, length: OBJECT_HEADER_BYTES }));
  } catch (error) {
    if (isDisktroError(error, 'E_OBJECT_MISSING', 'E_OBJECT_LENGTH')) return undefined;
    throw error;
  }
}

/** Deletions, those taken back, records of vaults, and what peers are still to be told: none of it is in the store. */
const KEPT_TABLES = ['deletions', 'withdrawals', 'vaults', 'freed'] as const;

/** A catalog that is gone or damaged has nothing to give. */
export function keepAgreements(oldFile: string, catalog: Catalog): void {
  if (!fs.existsSync(oldFile)) return;
  let old: Catalog | undefined;
  try {
    old = Catalog.open(oldFile);
    for (const table of KEPT_TABLES) copyTable(old, catalog, table);
  } catch {
    // Then it is agreed on anew, at the next repair.
  } finally {
    old?.close();
  }
}

function copyTable(from: Catalog, to: Catalog, table: (typeof KEPT_TABLES)[number]): void {
  const rows = from.read(() => from.database.prepare(`SELECT * FROM ${table}`).raw().all()) as unknown[][];
  const [first] = rows;
  if (first === undefined) return;
  const insert = to.database.prepare(
    `INSERT OR IGNORE INTO ${table} VALUES (${first.map(() => '?').join(', ')})`,
  );
  to.write(() => {
    for (const row of rows) insert.run(...row);
  });
}
