/**
 * Bytes of a file to a response, through two buffers that are used again and again: while one is sent the other one
 * is read and hashed. A stream would make a fresh buffer for each piece, and V8 would spend a quarter of the server's
 * time on them. Knows nothing of the catalog.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import type { StoreId } from '../core/ids.js';
import { DisktroError } from '../errors.js';
import type { BandwidthLimit } from '../net/rate-limit.js';

/** What one object takes while it is sent, beside what the connection itself needs. */
export const SEND_BYTES = 256 * 1024;

const PIECE_BYTES = SEND_BYTES / 2;
const KEPT_PAIRS = 8;

export interface Sending {
  readonly start: number;
  /** The last byte. */
  readonly end: number;
  /** Of a whole object: when the bytes are not its, the last of them are held back. */
  readonly whole?: StoreId | undefined;
  readonly limit?: BandwidthLimit | undefined;
}

type Pair = readonly [Buffer, Buffer];

const open = promisify(fs.open);
const close = promisify(fs.close);
const kept: Pair[] = [];

/**
 * Sends the bytes and ends the response.
 * @throws E_OBJECT_ID when they hash to something else; the system's error when the file cannot be read, or the client
 *   has gone. Then the response is not ended.
 */
export async function sendFile(file: string, sending: Sending, response: ServerResponse): Promise<void> {
  await withFile(file, (descriptor, pair) => copyOut(descriptor, sending, response, pair));
  response.end();
}

/** Reads all of an object before any of it is sent. @throws as {@link sendFile} */
export function checkFile(file: string, whole: StoreId, sizeBytes: number): Promise<void> {
  return withFile(file, async (descriptor, [room]) => {
    const hash = createHash('sha256');
    for (let at = 0; at < sizeBytes; ) {
      const bytes = await readAt(descriptor, room, Math.min(PIECE_BYTES, sizeBytes - at), at);
      hash.update(room.subarray(0, bytes));
      at += bytes;
    }
    if (hash.digest('hex') !== whole) throw damaged(whole);
  });
}

async function withFile(
  file: string,
  work: (descriptor: number, pair: Pair) => Promise<void>,
): Promise<void> {
  const descriptor = await open(file, 'r');
  const pair = kept.pop() ?? [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)];
  try {
    await work(descriptor, pair);
    // Only after success: after a failure a write may still look at them.
    if (kept.length < KEPT_PAIRS) kept.push(pair);
  } finally {
    await close(descriptor);
  }
}

async function copyOut(
  descriptor: number,
  { start, end, whole, limit }: Sending,
  response: ServerResponse,
  pair: Pair,
): Promise<void> {
  const hash = whole === undefined ? undefined : createHash('sha256');
  const gone = clientGone(response);
  let writing: Promise<void> = Promise.resolve();
  for (let at = start, turn = 0; at <= end; turn = 1 - turn) {
    const room = pair[turn === 0 ? 0 : 1];
    const piece = room.subarray(0, await readAt(descriptor, room, Math.min(PIECE_BYTES, end + 1 - at), at));
    at += piece.byteLength;
    hash?.update(piece);
    if (whole !== undefined && at > end && hash?.digest('hex') !== whole) throw damaged(whole);
    await limit?.take(piece.byteLength);
    await Promise.race([writing, gone]);
    writing = write(response, piece);
  }
  await Promise.race([writing, gone]);
}

async function readAt(descriptor: number, room: Buffer, bytes: number, position: number): Promise<number> {
  const { bytesRead } = await promisify(fs.read)(descriptor, room, 0, bytes, position);
  if (bytesRead === 0) throw new DisktroError('E_OBJECT_LENGTH', 'the file is shorter than the catalog says');
  return bytesRead;
}

const damaged = (id: StoreId): DisktroError => new DisktroError('E_OBJECT_ID', `object ${id} is damaged`);

function write(response: ServerResponse, piece: Buffer): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    response.write(piece, (error) => (error ? reject(error) : resolve()));
  });
  written.catch(() => {});
  return written;
}

/** Never resolves. */
function clientGone(response: ServerResponse): Promise<never> {
  const gone = new Promise<never>((_, reject) => {
    response.once('close', () => reject(new Error('the client has gone')));
  });
  gone.catch(() => {});
  return gone;
}
