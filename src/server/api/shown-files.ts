/** Files as the API shows them: docs/openapi.yaml, FileInfo. */
import type { NodeId } from '../../core/ids.js';
import type { FileFacts, Placed } from '../../ops/files/file-facts.js';

export interface FileInfo {
  readonly id: string;
  /** null without the vault's key, as are size, tags and chunk_count. */
  readonly name: string | null;
  readonly size: number | null;
  readonly chunks: readonly string[];
  readonly replicas: number;
  readonly created_at: string;
  readonly owner: string | null;
  readonly compressed: boolean;
  readonly encrypted: true;
  readonly nodes: readonly NodeId[];
  readonly copies: { readonly wanted: number; readonly confirmed: number };
  readonly chunk_count: number | null;
  readonly kind: string;
  readonly tags: readonly string[] | null;
}

export interface ShownBy {
  readonly wanted: number;
  readonly vaultId: string | undefined;
  /** Whether names may be told, where they are known. */
  readonly hasNames: boolean;
  /** Copies on others do not count, and whoever was removed may be gone for good. */
  isMember(node: NodeId): boolean;
}

export function shownFile(facts: FileFacts, by: ShownBy): FileInfo {
  const { wanted, vaultId, hasNames } = by;
  const { id, kind, createdMs, copies, objects } = facts;
  const told = hasNames ? facts.told : undefined;
  return {
    id,
    name: told?.name ?? null,
    size: told?.bytes ?? null,
    chunks: objects?.chunks ?? [],
    replicas: wanted,
    created_at: new Date(createdMs).toISOString(),
    owner: vaultId ?? null,
    compressed: objects === undefined || told === undefined || objects.storedBytes < told.bytes,
    encrypted: true,
    nodes: (objects?.nodes ?? []).filter((node) => by.isMember(node)),
    copies: { wanted, confirmed: copies },
    chunk_count: told?.chunks ?? null,
    kind,
    tags: told?.tags ?? null,
  };
}

/** One file with where each of its chunks lies. */
export function shownPlacedFile(facts: FileFacts, by: ShownBy, placement: readonly Placed[]) {
  return {
    ...shownFile(facts, by),
    stored_bytes: facts.objects?.storedBytes ?? 0,
    placement: placement.map(({ id, bytes, nodes }) => ({
      id,
      bytes,
      nodes: nodes.filter((node) => by.isMember(node)),
    })),
  };
}
