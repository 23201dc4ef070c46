// What must hold of a home after whatever happened to it: the questions that every crash and fault test asks.
import path from 'node:path';
import type { Test } from 'tap';
import type { FileSummary } from '../../src/ops/files/files.js';
import { listFiles } from '../../src/ops/files/files.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import { reassembleStream } from '../../src/ops/read/reassemble.js';
import { verify } from '../../src/ops/upkeep/verify.js';
import { filesOf } from './scratch-home.js';

/** What was acknowledged: file id → the bytes that must come back. */
export type Acknowledged = ReadonlyMap<string, Buffer>;

/** All of a file's bytes, as a reader of the library gets them. */
export async function restored(vault: OpenVault, id: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of reassembleStream(vault, id, { workers: 0 })) parts.push(part);
  return Buffer.concat(parts);
}

/** Each breach in plain words; none when the home is intact. Collected, so that a sweep reports one line per state. */
export async function breaches(vault: OpenVault, acknowledged: Acknowledged): Promise<string[]> {
  const found: string[] = [];
  const listed = new Map<string, FileSummary>([...listFiles(vault)].map((file) => [file.id, file]));
  for (const id of acknowledged.keys()) {
    if (!listed.has(id)) found.push(`acknowledged file ${id.slice(0, 8)} is not listed`);
  }
  for (const [id, { name }] of listed) {
    const expected = acknowledged.get(id);
    try {
      const bytes = await restored(vault, id);
      if (expected !== undefined && !bytes.equals(expected)) found.push(`${name} restores to other bytes`);
    } catch (error) {
      found.push(`${name} is listed but does not restore: ${String(error)}`);
    }
  }
  const { corrupt, missing } = await verify(vault, { readData: true, workers: 0 });
  if (corrupt.length > 0) found.push(`verify finds ${corrupt.length} corrupt`);
  if (missing.length > 0) found.push(`verify finds ${missing.length} missing`);
  return found;
}

/** Files of tmp/ that are not this open vault's own lock. */
export function leftInTemporary(vault: OpenVault): string[] {
  return filesOf(vault.home.paths.temporary).filter((name) => !name.startsWith(vault.home.token));
}

/** Objects in the store without a row, and rows whose object is not there. */
export function unmatched(vault: OpenVault): string[] {
  const { catalog, paths } = vault.home;
  const stored = new Set(filesOf(paths.objects).map((file) => path.basename(file)));
  const rows = catalog.database.prepare('SELECT lower(hex(store_id)) FROM objects').pluck().all() as string[];
  const known = new Set(rows);
  return [
    ...[...stored].filter((id) => !known.has(id)).map((id) => `object ${id} has no row`),
    ...rows.filter((id) => !stored.has(id)).map((id) => `row ${id} has no object`),
  ];
}

/** Asserts that nothing acknowledged is lost and nothing is damaged. */
export async function expectIntact(
  test: Test,
  vault: OpenVault,
  acknowledged: Acknowledged,
  moment: string,
): Promise<void> {
  test.same(await breaches(vault, acknowledged), [], moment);
}
