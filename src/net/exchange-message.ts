/**
 * The body of `POST /exchange` and of its answer (docs/PROTOCOL.md, "Exchange"): its shape and its bounds.
 * The records inside stay unread here; each is checked by whoever takes it.
 */
import type { NodeId } from '../core/ids.js';
import { isNodeId } from './node-id.js';

/** Of records, and of removals, in one message. */
export const MAX_MESSAGE_RECORDS = 500;
/** Of entries in `seqs`, and of ids in `removed`: with as many, and records of 8 KiB, a message is below 8 MiB. */
export const MAX_MESSAGE_MEMBERS = 30_000;
/** Requests in one contact, follow-ups included: what is left over waits for the next contact. */
export const MAX_CONTACT_REQUESTS = 8;

export interface ExchangeMessage {
  /** What the sender knows: the `seq` of each member's record it has. */
  readonly seqs: Readonly<Record<string, number>>;
  readonly removed: readonly NodeId[];
  /** Signed records that the sender believes the other lacks, and always its own. */
  readonly records: readonly unknown[];
  readonly removals: readonly unknown[];
}

/** Reads a message from the network, or says why it is refused. An absent field is an empty one. */
export function readExchange(
  json: unknown,
): { readonly message: ExchangeMessage } | { readonly refusal: string } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { refusal: 'not an object' };
  const own = (key: string): unknown =>
    Object.hasOwn(json, key) ? (json as Record<string, unknown>)[key] : undefined;
  const seqs = readSeqs(own('seqs') ?? {});
  if (typeof seqs === 'string') return { refusal: seqs };
  const removed = own('removed') ?? [];
  if (!isListOf(removed, MAX_MESSAGE_MEMBERS, isId)) {
    return { refusal: `removed: expected at most ${MAX_MESSAGE_MEMBERS} node ids` };
  }
  const [records, removals] = [own('records') ?? [], own('removals') ?? []];
  if (!isListOf(records, MAX_MESSAGE_RECORDS) || !isListOf(removals, MAX_MESSAGE_RECORDS)) {
    return { refusal: `records and removals: expected at most ${MAX_MESSAGE_RECORDS} each` };
  }
  return { message: { seqs, removed: removed as NodeId[], records, removals } };
}

const isId = (value: unknown): boolean => typeof value === 'string' && isNodeId(value);

function isListOf(
  value: unknown,
  most: number,
  isGood: (item: unknown) => boolean = () => true,
): value is unknown[] {
  return Array.isArray(value) && value.length <= most && value.every(isGood);
}

function readSeqs(json: unknown): Record<string, number> | string {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return 'seqs: expected an object';
  const entries = Object.entries(json);
  if (entries.length > MAX_MESSAGE_MEMBERS) return `seqs: expected at most ${MAX_MESSAGE_MEMBERS} members`;
  const isGood = entries.every(([id, seq]) => isNodeId(id) && Number.isSafeInteger(seq) && seq >= 1);
  return isGood ? (json as Record<string, number>) : 'seqs: expected node ids and positive integers';
}
