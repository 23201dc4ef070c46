// The states that a disk may be in when the power goes: what was not synced is there, lost or torn, in any combination.
// What has been synced, and what SQLite has committed, is there.
import path from 'node:path';
import type { CatalogFiles, DiskEvent } from './disk-recorder.js';
import type { Chance } from './sample-bytes.js';
import { HomeImage } from './scratch-home.js';

export interface Recording {
  /** The home when the recording began. */
  readonly start: HomeImage;
  readonly events: readonly DiskEvent[];
  /** Inodes of files that were there from the start, by path. */
  readonly found: ReadonlyMap<string, number>;
}

export interface LossState {
  readonly image: HomeImage;
  /** Acknowledged before the power went, and not on its way out. */
  readonly acknowledged: ReadonlyMap<string, Buffer>;
}

/** One of the states that may be left when the power goes right before event number `crash`. */
export function stateAfterLoss(recording: Recording, crash: number, chance: Chance): LossState {
  const seen = recording.events.slice(0, crash);
  const syncs = new Syncs(seen);
  const contents = contentsOf(seen, syncs, chance);
  const files = new Map<string, Buffer>();
  for (const [name, inode] of namesOf(recording, seen, syncs, chance)) {
    const bytes = typeof inode === 'number' ? contents.get(inode) : inode;
    if (bytes !== undefined) files.set(name, bytes);
  }
  const catalog = catalogAt(recording, crash, chance);
  if (catalog !== undefined) {
    files.set('catalog.db', catalog.database);
    if (catalog.log === undefined) files.delete('catalog.db-wal');
    else files.set('catalog.db-wal', catalog.log);
  }
  return { image: new HomeImage(files), acknowledged: acknowledgedIn(seen) };
}

/** Which syncs have returned before the power went. */
class Syncs {
  readonly #files = new Map<number, number>();
  readonly #folders = new Map<string, number>();

  constructor(events: readonly DiskEvent[]) {
    for (const event of events) {
      if (event.type === 'synced') raise(this.#files, event.inode, event.since);
      if (event.type === 'folder-synced') raise(this.#folders, event.folder, event.since);
    }
  }

  coversFile(inode: number, doneAt: number): boolean {
    return (this.#files.get(inode) ?? -1) >= doneAt;
  }

  coversName(name: string, doneAt: number): boolean {
    return (this.#folders.get(path.dirname(name)) ?? -1) >= doneAt;
  }
}

/** A sync that began at `since` covers what had returned by then; the latest covers most. */
function raise<Key>(map: Map<Key, number>, key: Key, since: number): void {
  map.set(key, Math.max(map.get(key) ?? -1, since));
}

function contentsOf(events: readonly DiskEvent[], syncs: Syncs, chance: Chance): Map<number, Buffer> {
  const contents = new Map<number, Buffer>();
  for (const event of events) {
    if (event.type === 'create') contents.set(event.inode, Buffer.alloc(0));
    if (event.type !== 'write') continue;
    const isSafe = syncs.coversFile(event.inode, event.doneAt);
    const written = isSafe ? event.bytes : tornWrite(event.bytes, chance);
    const before = contents.get(event.inode) ?? Buffer.alloc(0);
    const after = Buffer.alloc(Math.max(before.byteLength, event.offset + written.byteLength));
    after.set(before);
    after.set(written, event.offset);
    contents.set(event.inode, after);
  }
  return contents;
}

/** All of it, nothing, the beginning, its length in zeros, or the end behind zeros. */
function tornWrite(bytes: Buffer, chance: Chance): Buffer {
  const cut = chance.whole(bytes.byteLength + 1);
  switch (chance.whole(6)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return bytes.subarray(0, cut);
    case 2:
      return Buffer.alloc(bytes.byteLength);
    case 3:
      return Buffer.concat([Buffer.alloc(cut), bytes.subarray(cut)]);
    default:
      return bytes;
  }
}

type Names = Map<string, number | Buffer>;

/** Path → inode, or the bytes of a file that was there from the start. */
function namesOf(recording: Recording, events: readonly DiskEvent[], syncs: Syncs, chance: Chance): Names {
  const names: Names = new Map(recording.start.files);
  const startOf = new Map(
    [...recording.found].map(([name, inode]) => [inode, recording.start.files.get(name)]),
  );
  const bind = (name: string, inode: number): unknown => names.set(name, startOf.get(inode) ?? inode);
  for (const event of events) {
    if (event.type === 'create' || event.type === 'link') {
      if (syncs.coversName(event.path, event.doneAt) || chance.hit(0.5)) bind(event.path, event.inode);
    } else if (event.type === 'unlink') {
      if (syncs.coversName(event.path, event.doneAt) || chance.hit(0.5)) names.delete(event.path);
    } else if (event.type === 'rename') {
      const isOldGone = syncs.coversName(event.from, event.doneAt);
      const isNewThere = syncs.coversName(event.to, event.doneAt) || isOldGone;
      if (!isNewThere && chance.hit(0.4)) continue;
      bind(event.to, event.inode);
      if (isOldGone || chance.hit(0.7)) names.delete(event.from);
    }
  }
  return names;
}

/** The catalog as last committed, or as just being committed, or with a torn end of its write-ahead log. */
function catalogAt({ events }: Recording, crash: number, chance: Chance): CatalogFiles | undefined {
  const last = events.slice(0, crash).findLast((event) => event.type === 'committed')?.catalog;
  const next = events.slice(crash).find((event) => event.type === 'committed')?.catalog;
  const isCommitting = events.slice(0, crash).findLast(isCommitEvent)?.type === 'committing';
  if (!isCommitting || next === undefined) return last;
  if (chance.hit(0.3)) return next;
  if (last === undefined || !last.database.equals(next.database)) return last;
  return { database: last.database, log: tornLog(last.log, next.log, chance) };
}

function isCommitEvent({ type }: DiskEvent): boolean {
  return type === 'committing' || type === 'committed';
}

/** The next commit's frames, cut off anywhere: what stands before them is as it was. */
function tornLog(last: Buffer | undefined, next: Buffer | undefined, chance: Chance): Buffer | undefined {
  const kept = last ?? Buffer.alloc(0);
  if (
    next === undefined ||
    next.byteLength <= kept.byteLength ||
    !next.subarray(0, kept.byteLength).equals(kept)
  ) {
    return last;
  }
  return next.subarray(0, kept.byteLength + chance.whole(next.byteLength - kept.byteLength));
}

function acknowledgedIn(events: readonly DiskEvent[]): Map<string, Buffer> {
  const acknowledged = new Map<string, Buffer>();
  for (const event of events) {
    if (event.type === 'acknowledged') acknowledged.set(event.id, event.bytes);
    if (event.type === 'removing') acknowledged.delete(event.id);
  }
  return acknowledged;
}
