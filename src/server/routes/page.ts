/**
 * The page: files that were built into dist/web, and nothing secret among them. Tells browsers to load nothing from
 * elsewhere, and to run nothing but these files.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../../package-root.js';
import { refusal } from '../json-body.js';
import { hasTag } from '../range.js';
import type { Call, Route } from '../router.js';

const FOLDER = fileURLToPath(new URL('dist/web/', PACKAGE_ROOT));
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}$/;

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** In the order in which they are liked. */
const ENCODINGS = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>disktro</title>
<p>This node is up. Its page has not been built: run <code>npm run build</code> where disktro was installed from, then load this again. The JSON API works without it.</p></html>
`;

/** @param folder default: where the build puts the page */
export function pageRoutes(folder: string = FOLDER): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      audience: 'page',
      handle: async (call) => {
        const isSent = await send(call, path.join(folder, 'index.html'), 'no-cache');
        if (!isSent) reply(call, 200, { type: '.html', body: Buffer.from(NOT_BUILT), cache: 'no-store' });
      },
    },
    {
      method: 'GET',
      path: '/assets/*',
      audience: 'page',
      handle: async (call) => {
        const name = (call.request.url ?? '').split('?', 1)[0]?.slice('/assets/'.length) ?? '';
        // Names with a hash of what they hold never hold anything else.
        const isHashed = /-[A-Z0-9]{8}\.[a-z0-9]+$/.test(name);
        const cache = isHashed ? 'public, max-age=31536000, immutable' : 'no-cache';
        const isSent = NAME.test(name) && (await send(call, path.join(folder, 'assets', name), cache));
        if (!isSent) throw refusal(404, 'no such file');
      },
    },
  ];
}

/** @returns false when there is no such file */
async function send(call: Call, file: string, cache: string): Promise<boolean> {
  const accepted = acceptedEncodings(call.request.headers['accept-encoding'] ?? '');
  for (const { name, suffix } of ENCODINGS) {
    if (!accepted.has(name)) continue;
    const packed = await contentOf(`${file}${suffix}`);
    if (packed === undefined) continue;
    reply(call, 200, { type: path.extname(file), body: packed, cache, encoding: name });
    return true;
  }
  const body = await contentOf(file);
  if (body === undefined) return false;
  reply(call, 200, { type: path.extname(file), body, cache });
  return true;
}

/** Encodings that are not refused by `q=0`. */
function acceptedEncodings(header: string): ReadonlySet<string> {
  const parts = header.split(',').map((part) => part.trim().toLowerCase());
  return new Set(parts.flatMap((part) => (/;\s*q=0(\.0*)?$/.test(part) ? [] : part.split(';', 1))));
}

async function contentOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

interface Content {
  /** Its file name's extension. */
  readonly type: string;
  readonly body: Buffer;
  readonly cache: string;
  readonly encoding?: string;
}

function reply({ request, response }: Call, status: number, { type, body, cache, encoding }: Content): void {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  setGuards(response);
  response.setHeader('content-type', TYPES[type] ?? 'application/octet-stream');
  response.setHeader('cache-control', cache);
  response.setHeader('etag', etag);
  response.setHeader('vary', 'accept-encoding');
  if (status === 200 && hasTag(request.headers['if-none-match'], etag)) {
    response.writeHead(304).end();
    return;
  }
  if (encoding !== undefined) response.setHeader('content-encoding', encoding);
  response.writeHead(status, { 'content-length': body.byteLength });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function setGuards(response: ServerResponse): void {
  response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
}
