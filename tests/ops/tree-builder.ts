// Trees made with the library, entry by entry, so that tests can store what no folder on a disk would give.
import fs from 'node:fs';
import path from 'node:path';
import type { CborValue } from '../../src/core/cbor.js';
import type { Entry } from '../../src/core/entry.js';
import { encodeEntry } from '../../src/core/entry.js';
import type { FileId } from '../../src/core/ids.js';
import { encodeRef } from '../../src/core/list.js';
import { ChunkWriter } from '../../src/ops/chunk/chunk-writer.js';
import { storeManifest } from '../../src/ops/chunk/manifest-writer.js';
import type { OpenVault } from '../../src/ops/home/vault.js';

export type LooseEntry = Partial<Entry> & Pick<Entry, 'path'>;

export interface TreeContent {
  readonly entries: readonly LooseEntry[];
  /** Plaintexts of the chunks, in order. */
  readonly chunks?: readonly Uint8Array[];
  /** Default: what the files' sizes add up to. */
  readonly bytes?: number;
  /** Entries as CBOR, behind those of `entries`. */
  readonly raw?: readonly CborValue[];
  readonly name?: string;
}

export const MTIME_NS = 1_600_000_000_123_456_000n;

/** A whole entry: a file of mode 0644, of whoever runs the tests, unless it says otherwise. */
export function entryOf(loose: LooseEntry): Entry {
  const type = loose.type ?? 'file';
  return {
    type,
    mode: type === 'directory' ? 0o755 : 0o644,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtimeNs: MTIME_NS,
    extents: [],
    sizeBytes: (loose.extents ?? []).reduce((sum, { length }) => sum + length, 0),
    ...loose,
  };
}

export const ROOT: LooseEntry = { path: '.', type: 'directory' };

/** Stores exactly what is given, broken or not. */
export async function storeTree(vault: OpenVault, content: TreeContent): Promise<FileId> {
  const writer = new ChunkWriter(vault, vault.engine(0), 'auto');
  try {
    const chunks = writer.listWriter();
    for (const bytes of content.chunks ?? []) {
      const { ref } = await writer.write({ bytes });
      writer.flush();
      const stored = await ref;
      await chunks.push(encodeRef(stored), stored.storeId);
    }
    const list = writer.listWriter();
    const entries = content.entries.map(entryOf);
    const values = [...entries.map((entry) => looseValue(entry)), ...(content.raw ?? [])];
    for (const value of values) await list.push(value);
    const sum = entries.reduce((bytes, { type, sizeBytes }) => bytes + (type === 'file' ? sizeBytes : 0), 0);
    const { id } = await storeManifest(vault, writer, {
      kind: 'tree',
      name: content.name ?? 'tree',
      tags: [],
      host: 'here',
      bytes: content.bytes ?? sum,
      chunks: await chunks.finish(),
      entries: await list.finish(),
      createdMs: 1_700_000_000_000,
    });
    return id;
  } finally {
    await writer.close();
  }
}

/** encodeEntry refuses bad paths: they are put in afterwards. */
export function looseValue(entry: Entry): CborValue {
  const value = encodeEntry({ ...entry, path: 'x' }) as Record<string, CborValue>;
  return { ...value, path: entry.path };
}

export interface Snapshot {
  readonly [path: string]: string;
}

/** Everything below a folder, with what a restore shall bring back, one line per entry. */
export function snapshot(folder: string): Snapshot {
  const lines: Record<string, string> = {};
  const inodes = new Map<bigint, string>();
  const walk = (at: string): void => {
    const full = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(at, 'latin1')]);
    const stat = fs.lstatSync(full, { bigint: true });
    const { mode, uid, gid, mtimeNs, ino, nlink, size, rdev } = stat;
    const key = at;
    const facts = [`${mode.toString(8)} ${uid}:${gid} ${mtimeNs / 1000n}`];
    if (stat.isFile()) facts.push(`${size} ${fs.readFileSync(full).toString('base64').slice(0, 4000)}`);
    if (stat.isSymbolicLink()) facts.push(fs.readlinkSync(full, 'latin1'));
    if (stat.isBlockDevice() || stat.isCharacterDevice()) facts.push(`device ${rdev}`);
    if (stat.isFile() && nlink > 1n) {
      const first = inodes.get(ino) ?? key;
      inodes.set(ino, first);
      facts.push(`= ${first}`);
    }
    lines[key] = facts.join(' ');
    if (!stat.isDirectory()) return;
    for (const name of fs.readdirSync(full, { encoding: 'latin1' }).sort()) walk(path.posix.join(at, name));
  };
  walk('.');
  return lines;
}
