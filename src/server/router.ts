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
import { issueText } from './issue-text.js';
import { refusal, replyError, withStatus } from './json-body.js';
import type { Log } from './log.js';

/**
 * `anyone`; `joining`: TLS, with or without a certificate; `certified`: with a certificate of this cluster, also before
 * the others know the node's record; `member`: of this cluster, or this machine with the token. On plain HTTP from
 * this machine only: `local`: with the token; `ticket`: with the token or a ticket; `page`: nothing that is secret.
 */
export type Audience = 'anyone' | 'joining' | 'certified' | 'member' | 'local' | 'ticket' | 'page';

const LOCAL_AUDIENCES: readonly Audience[] = ['local', 'ticket', 'page'];

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
  /** With `/*` at its end: that and one more part. */
  readonly path: string;
  readonly audience: Audience;
  readonly handle: (call: Call) => Promise<void>;
}

export interface Gate {
  isMember(id: NodeId): boolean;
  isRemoved(id: NodeId): boolean;
  readonly apiToken: string;
  /** Whether a link with this ticket may be followed now. */
  isTicket(ticket: string): boolean;
  readonly log: Log;
  /** Told of each answer that is out, or was cut off. @param route its path in the table; empty: none fits */
  onAnswer?(method: string, route: string, status: number, seconds: number): void;
}

type Handler = (request: IncomingMessage, response: ServerResponse, connection: Connection) => void;

const LOCAL_HOSTS = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

export function createRouter(routes: readonly Route[], gate: Gate): Handler {
  const find = tableOf(routes);
  return (request, response, connection) => {
    const startedMs = performance.now();
    let route: Route | undefined;
    response.once('close', () => {
      const seconds = (performance.now() - startedMs) / 1000;
      gate.onAnswer?.(request.method ?? '', route?.path ?? '', response.statusCode, seconds);
    });
    void answer().catch((error: unknown) => {
      const told = error instanceof z.ZodError ? refusal(400, issueText(error)) : error;
      const line = `${request.method} ${request.url?.split('?')[0]}: ${told instanceof Error ? told.message : String(told)}`;
      if (told instanceof DisktroError) gate.log.debug(line);
      else gate.log.error(line);
      replyError(response, told);
    });

    async function answer(): Promise<void> {
      const url = urlOf(request);
      const found = find(request.method ?? '', url.pathname);
      route = found.route;
      const caller = callerOf(connection, gate);
      const asking: Asking = { route, request, connection, caller, ticket: url.searchParams.get('ticket') };
      admit(asking, gate);
      if (route === undefined) {
        throw found.methods.length > 0 ? wrongMethod(found.methods) : refusal(404, 'no such route');
      }
      await route.handle({ request, response, connection, query: url.searchParams, caller });
    }
  };
}

function tableOf(routes: readonly Route[]) {
  const table = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const methodsOf = (path: string): string[] =>
    routes.filter((route) => route.path === path).map((route) => route.method);
  return (method: string, path: string): { readonly route?: Route; readonly methods: readonly string[] } => {
    const wild = path.replace(/[^/]+$/, '*');
    const asked = method === 'HEAD' ? ['HEAD', 'GET'] : [method];
    const route = asked
      .flatMap((each) => [table.get(`${each} ${path}`), table.get(`${each} ${wild}`)])
      .find((each) => each !== undefined);
    const methods = [...methodsOf(path), ...methodsOf(wild)];
    return route === undefined ? { methods } : { route, methods };
  };
}

function wrongMethod(methods: readonly string[]): DisktroError {
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const details = { allow: [...new Set(allowed)].sort().join(', ') };
  return withStatus(405, new DisktroError('E_USAGE', 'no such method here', { details }));
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

interface Asking {
  readonly route: Route | undefined;
  readonly request: IncomingMessage;
  readonly connection: Connection;
  readonly caller: NodeId | undefined;
  readonly ticket: string | null;
}

/** @throws 401, 403 or 421 before anything about routes is told */
function admit(asking: Asking, gate: Gate): void {
  const { route, connection, caller } = asking;
  if (route?.audience === 'anyone') return;
  if (connection.isTls) {
    if (route !== undefined && LOCAL_AUDIENCES.includes(route.audience)) {
      throw refusal(403, 'only for this machine, over plain HTTP');
    }
    if (route?.audience === 'joining' || caller !== undefined) return;
    const { peer } = connection;
    if (route?.audience === 'certified' && peer !== undefined && !gate.isRemoved(peer.nodeId)) return;
    throw refusal(403, 'not a member of this cluster');
  }
  if (!connection.isLoopback) throw refusal(403, 'plain HTTP is for this machine only');
  checkLocal(asking, gate);
}

/** Another page in the same browser, or a name that somebody pointed at 127.0.0.1, must not get in. */
function checkLocal({ route, request, ticket }: Asking, gate: Gate): void {
  if (route?.audience !== 'page' && !hasToken(request, gate)) {
    if (route?.audience !== 'ticket' || ticket === null)
      throw refusal(401, 'expected the token of api-token');
    if (!gate.isTicket(ticket)) throw refusal(401, 'ticket: this link is not good, or not any more');
  }
  if (!LOCAL_HOSTS.test(request.headers.host ?? '')) throw refusal(421, 'expected localhost as host');
  // To come to the page by a link from anywhere is no harm: it shows nothing without the token.
  if (route?.audience === 'page') return;
  const { origin, 'sec-fetch-site': site } = request.headers;
  // Another port of localhost is the same site to a browser, but not this page.
  const isOtherSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (isOtherSite || (origin !== undefined && origin !== `http://${request.headers.host}`))
    throw refusal(403, 'another site may not ask');
}

function hasToken({ headers }: IncomingMessage, { apiToken }: Gate): boolean {
  const given = /^Bearer ([0-9a-f]{64})$/.exec(headers.authorization ?? '')?.[1] ?? '';
  return given.length === apiToken.length && timingSafeEqual(Buffer.from(given), Buffer.from(apiToken));
}
