/**
 * Which request goes to which handler, and who may ask at all. Default deny: a route says who may call it, and the
 * answer is decided anew for every request (docs/PROTOCOL.md, "One port").
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import type { NodeId } from '../core/ids.js';
import { DisktroError } from '../errors.js';
import type { Connection } from './connection.js';
import { refusal, replyError } from './json-body.js';
import type { Log } from './log.js';

/**
 * `anyone`; `joining`: TLS, with or without a certificate; `certified`: with a certificate of this cluster, also before
 * the others know the node's record; `member`: of this cluster, or this machine with the token.
 */
export type Audience = 'anyone' | 'joining' | 'certified' | 'member';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  readonly query: URLSearchParams;
  /** The member that asks; undefined for this machine and for those who join. */
  readonly caller: NodeId | undefined;
}

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly audience: Audience;
  readonly handle: (call: Call) => Promise<void>;
}

export interface Gate {
  isMember(id: NodeId): boolean;
  isRemoved(id: NodeId): boolean;
  readonly apiToken: string;
  readonly log: Log;
}

type Handler = (request: IncomingMessage, response: ServerResponse, connection: Connection) => void;

const LOCAL_HOSTS = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

export function createRouter(routes: readonly Route[], gate: Gate): Handler {
  const table = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const paths = new Set(routes.map(({ path }) => path));
  return (request, response, connection) => {
    void answer().catch((error: unknown) => {
      const told = toldOf(error);
      const line = `${request.method} ${request.url?.split('?')[0]}: ${told instanceof Error ? told.message : String(told)}`;
      if (told instanceof DisktroError) gate.log.debug(line);
      else gate.log.error(line);
      replyError(response, told);
    });

    async function answer(): Promise<void> {
      const url = urlOf(request);
      const method = request.method === 'HEAD' && !table.has(`HEAD ${url.pathname}`) ? 'GET' : request.method;
      const route = table.get(`${method} ${url.pathname}`);
      const caller = callerOf(connection, gate);
      admit(route, request, connection, caller, gate);
      if (route === undefined) {
        throw paths.has(url.pathname) ? refusal(405, 'no such method here') : refusal(404, 'no such route');
      }
      await route.handle({ request, response, connection, query: url.searchParams, caller });
    }
  };
}

function toldOf(error: unknown): unknown {
  if (!(error instanceof z.ZodError)) return error;
  const [issue] = error.issues;
  return refusal(400, `${issue?.path.join('.') ?? 'body'}: ${issue?.message ?? 'not as expected'}`);
}

function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? '/', 'http://localhost');
  } catch {
    throw refusal(400, 'the request has no valid path');
  }
}

function callerOf({ peer }: Connection, gate: Gate): NodeId | undefined {
  return peer !== undefined && gate.isMember(peer.nodeId) ? peer.nodeId : undefined;
}

/** @throws 401, 403 or 421 before anything about routes is told */
function admit(
  route: Route | undefined,
  request: IncomingMessage,
  connection: Connection,
  caller: NodeId | undefined,
  gate: Gate,
): void {
  if (route?.audience === 'anyone') return;
  if (connection.isTls) {
    if (route?.audience === 'joining' || caller !== undefined) return;
    const { peer } = connection;
    if (route?.audience === 'certified' && peer !== undefined && !gate.isRemoved(peer.nodeId)) return;
    throw refusal(403, 'not a member of this cluster');
  }
  if (!connection.isLoopback) throw refusal(403, 'plain HTTP is for this machine only');
  checkLocal(request, gate);
}

/** Another page in the same browser, or a name that somebody pointed at 127.0.0.1, must not get in. */
function checkLocal(request: IncomingMessage, gate: Gate): void {
  if (!LOCAL_HOSTS.test(request.headers.host ?? '')) {
    throw refusal(421, 'expected localhost as host');
  }
  const { origin, 'sec-fetch-site': site } = request.headers;
  const isForeign =
    (origin !== undefined && origin !== `http://${request.headers.host}`) || site === 'cross-site';
  if (isForeign) throw refusal(403, 'another site may not ask');
  const given = /^Bearer ([0-9a-f]{64})$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const isRight =
    given.length === gate.apiToken.length && timingSafeEqual(Buffer.from(given), Buffer.from(gate.apiToken));
  if (!isRight) throw refusal(401, 'expected the token of api-token');
}
