/**
 * The routes of the JSON API by name, each with what it takes and gives. Keeps nothing.
 */
import { ask } from './request.js';
import type {
  Buckets,
  ClusterNode,
  EntriesPage,
  FileInfo,
  LogLine,
  PlacedFile,
  ServerStatus,
  Unlocked,
  Verified,
  WhatIf,
} from './shapes.js';

const post = <T>(
  path: string,
  body: unknown,
  more: { task?: string; signal?: AbortSignal } = {},
): Promise<T> =>
  ask<T>(path, {
    method: 'POST',
    body,
    ...(more.task === undefined ? {} : { headers: { 'X-Disktro-Task': more.task } }),
    ...(more.signal === undefined ? {} : { signal: more.signal }),
  });

export const getStatus = (): Promise<ServerStatus> => ask('/api/status');
export const getFiles = (): Promise<FileInfo[]> => ask('/api/files?summary=1');
export const getFile = (id: string, signal: AbortSignal): Promise<PlacedFile> =>
  ask(`/api/files?id=${id}`, { signal });
export const getPeers = (): Promise<ClusterNode[]> => ask('/api/peers');
/** @param lost nodes whose copies are not counted */
export const getBuckets = (lost: readonly string[] = [], signal?: AbortSignal): Promise<Buckets> =>
  ask(`/api/buckets?lose=${lost.join()}`, signal === undefined ? {} : { signal });
export const getLog = (): Promise<LogLine[]> => ask('/api/log');

export const unlock = (password: string, create: boolean): Promise<Unlocked> =>
  post('/api/unlock', create ? { password, create } : { password });
export const lock = (): Promise<unknown> => post('/api/lock', {});

export const removeFile = (id: string): Promise<unknown> => ask(`/api/files?id=${id}`, { method: 'DELETE' });
/** @param folder inside the tree; empty for its root */
export const getEntries = (
  id: string,
  folder: string,
  from: number,
  signal?: AbortSignal,
): Promise<EntriesPage> =>
  ask(
    `/api/entries?id=${id}&path=${encodeURIComponent(folder)}&from=${from}`,
    signal === undefined ? {} : { signal },
  );
/** @param path inside a tree; empty for all of it */
export const makeTicket = (fileId: string, path: string): Promise<{ readonly url: string }> =>
  post('/api/tickets', { fileId, path });

/** A request that a task's events belong to, and that `signal` breaks off. */
export interface Watched {
  readonly task: string;
  readonly signal: AbortSignal;
}

export const reassemble = (
  fileId: string,
  outputPath: string,
  watched: Watched,
): Promise<{ readonly path: string; readonly bytes: number; readonly fetchedFromPeers: number }> =>
  post('/api/reassemble', { fileId, outputPath }, watched);

export const verify = (fileId: string, watched: Watched): Promise<Verified> =>
  post('/api/verify', { fileId }, watched);

export const uploadStored = (
  fileId: string,
  peerAddress: string,
  watched: Watched,
): Promise<{ readonly objects: number; readonly sentBytes: number }> =>
  post('/api/upload', { fileId, peerAddress }, watched);

export const invite = (
  address: string,
): Promise<{ readonly invite: string; readonly addresses: readonly string[] }> =>
  post('/api/invite', address === '' ? {} : { address });
export const join = (line: string): Promise<{ readonly peers: readonly string[] }> =>
  post('/api/join', { invite: line });
export const whatIf = (nodes: readonly string[], signal: AbortSignal): Promise<WhatIf> =>
  post('/api/whatif', { nodes }, { signal });
