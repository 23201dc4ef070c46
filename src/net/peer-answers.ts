/**
 * The shapes of a peer's answers, read with suspicion: what is not as docs/PROTOCOL.md says is refused. By hand and not
 * with zod, which would hold up the start of a command by 35 ms.
 */
import { isStoreId, type StoreId } from '../core/ids.js';
import type { ObjectKind } from '../core/object.js';
import { digestGroupOf, type GroupSpan } from './digest.js';

export interface GroupEntry {
  readonly id: StoreId;
  readonly kind: ObjectKind;
  readonly bytes: number;
}

export interface ManifestPage {
  readonly manifests: readonly { readonly id: StoreId; readonly bytes: number }[];
  /** The last id of this page when there are more. */
  readonly next: StoreId | undefined;
}

/** Why an answer does not fit; the caller knows the peer. */
export class AnswerShape extends Error {
  override readonly name = 'AnswerShape';
}

type Fields = Readonly<Record<string, unknown>>;

/** What a member does not have of what it was asked for. */
export interface Lacking {
  /** It would take them. */
  readonly missing: readonly StoreId[];
  /** Their vault has had them deleted there: no copies, whether they are still there or not. */
  readonly deleted: readonly StoreId[];
}

/** `{missing:[…],deleted?:[…]}`: some of those that were asked for, none of them twice. */
export function readLacking(json: unknown, asked: readonly StoreId[]): Lacking {
  const known = new Set<string>(asked);
  const { missing, deleted = [] } = fieldsOf(json);
  const taken = (list: unknown, name: string): StoreId[] =>
    listOf(list, name).map((id) => {
      if (typeof id !== 'string' || !known.delete(id))
        throw new AnswerShape(`${name}: an id that was not asked for`);
      return id as StoreId;
    });
  return { missing: taken(missing, 'missing'), deleted: taken(deleted, 'deleted') };
}

/** `{manifests:[{id,bytes}],next}`: in ascending order after `after`. */
export function readManifestPage(json: unknown, after: StoreId | undefined): ManifestPage {
  const { manifests, next } = fieldsOf(json);
  let last: string = after ?? '';
  const entries = listOf(manifests, 'manifests').map((entry) => {
    const { id, bytes } = fieldsOf(entry);
    const storeId = readId(id);
    if (storeId <= last) throw new AnswerShape('manifests: ids that do not ascend');
    last = storeId;
    return { id: storeId, bytes: readCount(bytes, 'bytes') };
  });
  if (next === null || next === undefined) return { manifests: entries, next: undefined };
  // Anything else could lead in circles.
  if (next !== entries.at(-1)?.id) throw new AnswerShape('next: expected the last id of the page');
  return { manifests: entries, next: readId(next) };
}

/** `{ids:[{id,kind,bytes}]}` of a span of digest groups, sorted by id. */
export function readGroups(json: unknown, { first, last }: GroupSpan): GroupEntry[] {
  const entries = listOf(fieldsOf(json).ids, 'ids').map((entry): GroupEntry => {
    const { id, kind, bytes } = fieldsOf(entry);
    const storeId = readId(id);
    const group = digestGroupOf(storeId);
    if (group < first || group > last) throw new AnswerShape('ids: one of another group');
    if (kind !== 'chunk' && kind !== 'manifest') throw new AnswerShape('kind: expected chunk or manifest');
    return { id: storeId, kind, bytes: readCount(bytes, 'bytes') };
  });
  return entries.sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
}

function fieldsOf(json: unknown): Fields {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new AnswerShape('expected an object');
  return json as Fields;
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new AnswerShape(`${name}: expected a list`);
  return value;
}

function readId(id: unknown): StoreId {
  if (typeof id !== 'string' || !isStoreId(id)) throw new AnswerShape('id: expected 64 hex digits');
  return id;
}

function readCount(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new AnswerShape(`${name}: expected a number of at least 0`);
}
