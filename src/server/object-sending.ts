/**
 * Bytes of a file to a response, out of a buffer that is used again and again: a stream would make a fresh one for each
 * piece, and V8 would spend a quarter of the server's time on them. Knows nothing of the catalog.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import type { StoreId } from '../core/ids.js';
import { DisktroError } from '../errors.js';
import type { BandwidthLimit } from '../net/rate-limit.js';

/** The buffer for an object that is sent as it is read: half of it is sent while the other half is filled. */
export const SEND_BYTES = 256 * 1024;

/** A TLS connection keeps native buffers as large as the largest write it has seen: two records are fast enough. */
const WRITE_BYTES = 32 * 1024;

export interface Sending {
  readonly start: number;
  /** The last byte. */
  readonly end: number;
  readonly limit?: BandwidthLimit | undefined;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const read = promisify(fs.read);

/**
 * Reads all of an object before any of it is sent, then sends what was asked for and ends the response.
 * @param room as long as the object; not to be used again when this throws: a write may still look at it
 * @throws E_OBJECT_ID when the bytes hash to something else, E_OBJECT_LENGTH when they are too few; the system's error
 *   when the file cannot be read, or the client has gone. Then the response is not ended.
 */
export async function sendFromMemory(
  file: string,
  id: StoreId,
  { start, end, limit }: Sending,
  room: Buffer,
  response: ServerResponse,
): Promise<void> {
  await withFile(file, (descriptor) => fill(descriptor, room, 0));
  if (createHash('sha256').update(room).digest('hex') !== id) throw damaged(id);
  await write(response, room.subarray(start, end + 1), limit);
  response.end();
}

/**
 * Sends an object while it is read; when the bytes are not its, the last of them are held back.
 * @param room {@link SEND_BYTES} long
 * @throws as {@link sendFromMemory}
 */
export async function sendWhileReading(
  file: string,
  id: StoreId,
  { sizeBytes, limit }: { readonly sizeBytes: number; readonly limit?: BandwidthLimit | undefined },
  room: Buffer,
  response: ServerResponse,
): Promise<void> {
  const hash = createHash('sha256');
  let writing: Promise<void> = Promise.resolve();
  await eachPiece(file, sizeBytes, room, async (piece, isLast) => {
    hash.update(piece);
    if (isLast && hash.digest('hex') !== id) throw damaged(id);
    await writing;
    writing = write(response, piece, limit);
    writing.catch(() => {});
  });
  await writing;
  response.end();
}

/** Reads all of an object, and sends none of it. @param room {@link SEND_BYTES} long @throws as {@link sendFromMemory} */
export async function checkFile(file: string, id: StoreId, sizeBytes: number, room: Buffer): Promise<void> {
  const hash = createHash('sha256');
  await eachPiece(file, sizeBytes, room, async (piece) => {
    hash.update(piece);
  });
  if (hash.digest('hex') !== id) throw damaged(id);
}

/** Sends a part of an object that was checked. @param room {@link SEND_BYTES} long @throws as {@link sendFromMemory} */
export async function sendPart(
  file: string,
  { start, end, limit }: Sending,
  room: Buffer,
  response: ServerResponse,
): Promise<void> {
  await withFile(file, async (descriptor) => {
    for (let at = start; at <= end; at += room.byteLength) {
      const piece = room.subarray(0, Math.min(room.byteLength, end + 1 - at));
      await fill(descriptor, piece, at);
      await write(response, piece, limit);
    }
  });
  response.end();
}

/** A piece is `work`'s own until the end of its next call. */
async function eachPiece(
  file: string,
  sizeBytes: number,
  room: Buffer,
  work: (piece: Buffer, isLast: boolean) => Promise<void>,
): Promise<void> {
  const half = room.byteLength / 2;
  await withFile(file, async (descriptor) => {
    for (let at = 0, from = 0; at < sizeBytes; from = half - from) {
      const piece = room.subarray(from, from + Math.min(half, sizeBytes - at));
      await fill(descriptor, piece, at);
      at += piece.byteLength;
      await work(piece, at === sizeBytes);
    }
  });
}

async function withFile(file: string, work: (descriptor: number) => Promise<void>): Promise<void> {
  const descriptor = await open(file, 'r');
  try {
    await work(descriptor);
  } finally {
    await close(descriptor);
  }
}

async function fill(descriptor: number, piece: Buffer, position: number): Promise<void> {
  for (let got = 0; got < piece.byteLength; ) {
    const { bytesRead } = await read(descriptor, piece, got, piece.byteLength - got, position + got);
    if (bytesRead === 0)
      throw new DisktroError('E_OBJECT_LENGTH', 'the file is shorter than the catalog says');
    got += bytesRead;
  }
}

const damaged = (id: StoreId): DisktroError => new DisktroError('E_OBJECT_ID', `object ${id} is damaged`);

/** Resolves when all of it is on its way. */
function write(response: ServerResponse, bytes: Buffer, limit: BandwidthLimit | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error('the client has gone'));
    response.once('close', onClose);
    let at = 0;
    const next = (error?: Error | null): void => {
      if (error || at === bytes.byteLength) {
        response.off('close', onClose);
        if (error) reject(error);
        else resolve();
        return;
      }
      const slice = bytes.subarray(at, at + WRITE_BYTES);
      at += slice.byteLength;
      if (limit === undefined) response.write(slice, next);
      else limit.take(slice.byteLength).then(() => response.write(slice, next), next);
    };
    next();
  });
}
