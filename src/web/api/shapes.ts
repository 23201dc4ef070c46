/**
 * What the JSON API sends and takes (docs/openapi.yaml). Only types: what comes from a peer, such as a name, is text
 * and is never made into HTML.
 */

export interface Copies {
  readonly wanted: number;
  readonly confirmed: number;
}

/** Names, sizes and tags are null as long as nobody has given the password. */
export interface FileInfo {
  readonly id: string;
  readonly name: string | null;
  readonly size: number | null;
  readonly replicas: number;
  readonly created_at: string;
  readonly owner: string | null;
  readonly compressed: boolean;
  readonly encrypted: boolean;
  readonly copies: Copies;
  readonly chunk_count: number | null;
  readonly kind: 'file' | 'tree';
  readonly tags: readonly string[] | null;
}

export interface PlacedChunk {
  readonly id: string;
  readonly bytes: number;
  readonly nodes: readonly string[];
}

export interface PlacedFile extends FileInfo {
  readonly stored_bytes: number;
  readonly placement: readonly PlacedChunk[];
}

/** What lies in a stored folder. */
export interface TreeEntry {
  /** From the root of the tree. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'block' | 'character';
  readonly size: number;
  readonly target?: string;
}

export interface EntriesPage {
  readonly entries: readonly TreeEntry[];
  /** Where the next page begins; null: there is none. */
  readonly next: number | null;
}

export interface ChunkResult {
  readonly bytes: number;
  readonly chunks: number;
  readonly newChunks: number;
  readonly storedBytes: number;
  readonly dedupedBytes: number;
  readonly degraded: boolean;
  readonly seconds: number;
}

export type ChunkedFile = FileInfo & { readonly result: ChunkResult };

export interface Verified {
  readonly objects: number;
  readonly bytes: number;
  readonly ok: number;
  readonly corrupt: readonly string[];
  readonly missing: readonly string[];
}

export type NodeStatus = 'online' | 'unreachable' | 'offline' | 'draining' | 'left';

export interface ClusterNode {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly last_seen: string | null;
  readonly status: NodeStatus;
  readonly zone: string;
  readonly capacity: number;
  readonly free: number;
  readonly self: boolean;
  readonly version: string;
  readonly file_count: number;
  readonly chunk_count: number;
}

export interface ServerStatus {
  readonly nodeId: string;
  readonly name: string;
  readonly version: string;
  readonly port: number;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly home: string;
  /** null: there is no vault yet. */
  readonly vaultId: string | null;
  readonly unlocked: boolean;
  /** Whether it holds the key of its cluster, or is in none. */
  readonly mayInvite: boolean;
  readonly outputDir: string;
  readonly replicas: number;
  readonly minReplicas: number;
  readonly objects: number;
  readonly bytes: number;
  readonly files: number;
  readonly degradedObjects: number;
  readonly tombstoned: number;
  readonly freeBytes: number;
  readonly held: { readonly objects: number; readonly bytes: number };
  readonly lastChunk: string | null;
  readonly lastVerify: string | null;
  readonly scrub: { readonly objects: number; readonly totalObjects: number };
  readonly tasks: readonly TaskProgress[];
}

export type TaskState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

/** How far something is that takes long. */
export interface TaskProgress {
  readonly task: string;
  readonly kind: 'chunk' | 'copy' | 'reassemble' | 'download' | 'upload' | 'verify';
  readonly name: string | null;
  readonly state: TaskState;
  readonly bytes: number;
  readonly totalBytes: number | null;
  readonly chunks: number;
  readonly newChunks: number;
  readonly dedupedBytes: number;
  readonly storedBytes: number;
  readonly sentBytes?: number;
  readonly message?: string;
}

export interface LogLine {
  readonly time: string;
  readonly level: 'ERROR' | 'WARNING' | 'INFO' | 'DEBUG';
  readonly message: string;
}

export interface Unlocked {
  readonly session: string;
  readonly idleSeconds: number;
  readonly recoveryCode?: string;
}

export interface FilesChange {
  readonly changed?: readonly FileInfo[];
  readonly removed?: readonly string[];
  readonly reload?: boolean;
}

export interface WhatIf {
  readonly lost: readonly string[];
  readonly degraded: readonly string[];
  readonly safe: number;
  readonly unreachable: readonly string[];
}

/** How many objects have no, one, two, three or more copies. */
export type CopyCounts = readonly [number, number, number, number];

export interface Buckets {
  readonly wanted: number;
  readonly copies: CopyCounts;
  readonly cells: readonly CopyCounts[];
  readonly nodes: readonly { readonly id: string; readonly objects: number; readonly bytes: number }[];
}
