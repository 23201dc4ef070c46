/** Routes of the API by which a browser saves a file or folder: the bytes, and links to them that need no headers. */
import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';
import { abortedError, DisktroError, isDisktroError } from '../../errors.js';
import { type FoundPart, partOf } from '../../ops/read/inner-path.js';
import { openStoredPart, type StoredFile, type StoredFolder } from '../../ops/read/stored-file.js';
import type { Api } from '../api/api.js';
import { taskIdOf } from '../api/api.js';
import { TICKET_MS } from '../api/tickets.js';
import type { Lease } from '../api/vault-door.js';
import { refusal, replyData, requiredJson, withStatus } from '../json-body.js';
import { hasTag, rangeOf } from '../range.js';
import type { Call, Route } from '../router.js';
import { INNER_PATH } from './api-read.js';

const TICKET = z.strictObject({
  fileId: z.string().min(1).max(4096),
  path: INNER_PATH.optional(),
  password: z.string().min(1).optional(),
});

export function apiDownloadRoutes(api: Api): readonly Route[] {
  return [
    { method: 'GET', path: '/api/download', audience: 'ticket', handle: (call) => download(api, call) },
    {
      method: 'POST',
      path: '/api/tickets',
      audience: 'local',
      handle: async (call) => {
        const { fileId, path, password } = TICKET.parse(await requiredJson(call.request));
        using lease = await api.lease(call, password);
        const ticket = api.tickets.make(partOf(lease.vault, fileId, path ?? ''), lease.fork());
        const url = `/api/download?ticket=${ticket}`;
        replyData(call.response, 201, 'a link', { ticket, url, expiresSeconds: TICKET_MS / 1000 });
      },
    },
  ];
}

async function download(api: Api, call: Call): Promise<void> {
  const { lease: held, part } = await wanted(api, call);
  using lease = held;
  const signal = api.signalOf(call);
  await api.tasks.run('download', taskIdOf(call), signal, (tell) =>
    api.reads.run(signal, async () => {
      const stored = await openStoredPart(lease.vault, part, {
        workers: api.settings.workers,
        source: api.source(lease.vault),
        signal,
        onProgress: (progress) => tell({ state: 'running', ...progress }),
      });
      try {
        tell({ name: stored.name, totalBytes: stored.bytes });
        if (stored.kind === 'tree') await sendArchive(call, stored);
        else await sendFile(call, stored);
      } finally {
        stored.close();
      }
    }),
  );
}

async function wanted(api: Api, call: Call): Promise<{ readonly lease: Lease; readonly part: FoundPart }> {
  const { query } = call;
  const id = query.get('id');
  const ticket = query.get('ticket');
  if (ticket !== null) {
    const found = api.tickets.find(ticket);
    if (found === undefined) throw refusal(401, 'ticket: this link is not good, or not any more');
    return { lease: found.lease.fork(), part: found.part };
  }
  if (id === null || id === '') throw refusal(400, 'id: expected a file id');
  const lease = await api.lease(call);
  try {
    return { lease, part: partOf(lease.vault, id, query.get('path') ?? '') };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

async function sendFile(call: Call, file: StoredFile): Promise<void> {
  const { request, response } = call;
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('cache-control', 'no-store');
  const etag = file.inner === '' ? `"${file.id}"` : `"${file.id}:${encodeURIComponent(file.inner)}"`;
  if (hasTag(request.headers['if-none-match'], etag)) {
    response.writeHead(304, { etag }).end();
    return;
  }
  const isOtherFile = request.headers['if-range'] !== undefined && request.headers['if-range'] !== etag;
  const range = isOtherFile ? undefined : rangeOf(request.headers.range, file.bytes);
  if (range === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${file.bytes}`);
    throw withStatus(416, new DisktroError('E_USAGE', `Range: the file has ${file.bytes} bytes`));
  }
  const { start, end } = range ?? { start: 0, end: file.bytes - 1 };
  await sendBytes(call, file.read(start, end + 1), range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': end + 1 - start,
    'content-disposition': dispositionOf(file.name),
    etag,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${file.bytes}` }),
  });
}

/** All of it from the beginning: an archive is made while it is read. */
async function sendArchive(call: Call, folder: StoredFolder): Promise<void> {
  await sendBytes(call, folder.read(), 200, {
    'content-type': 'application/x-tar',
    'content-length': folder.bytes,
    'content-disposition': dispositionOf(`${folder.name}.tar`),
    'accept-ranges': 'none',
    'cache-control': 'no-store',
  });
}

async function sendBytes(
  { request, response }: Call,
  bytes: AsyncGenerator<Buffer>,
  status: number,
  headers: OutgoingHttpHeaders,
): Promise<void> {
  const isHead = request.method === 'HEAD';
  // The first chunk before the headers: what is missing or damaged then has a status.
  const first = isHead ? undefined : await bytes.next();
  response.writeHead(status, {
    ...headers,
    'x-content-type-options': 'nosniff',
    // Were it ever shown instead of saved, it could do nothing.
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
  });
  if (first === undefined || first.done === true) {
    response.end();
    return;
  }
  const source = Readable.from(chained(first.value, bytes), { objectMode: false });
  await pipeline(source, response).catch((error: unknown) => {
    throw isDisktroError(error) ? error : abortedError(error);
  });
}

async function* chained(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** RFC 6266, with the name as RFC 5987 has it, and a plain one for clients that know only that. */
function dispositionOf(name: string): string {
  const base = name.replaceAll(/[/\\]/g, '_');
  const plain = base.replaceAll(/[^\x20-\x7e]|["%]/g, '_');
  const wellFormed = Buffer.from(base, 'utf8').toString('utf8');
  const encoded = encodeURIComponent(wellFormed).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
