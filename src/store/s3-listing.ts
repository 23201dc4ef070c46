/**
 * Pages of a listing (ListObjectsV2) as ids and sizes, and the shortest way to ask a bucket about many ids: a page of
 * 1,000 names costs what one HEAD costs. Reads XML of one known shape, with suspicion; knows no connection.
 */
import type { StoreId } from '../core/ids.js';
import { isStoreId } from '../core/ids.js';
import type { ObjectSize } from './object-store.js';

export interface ListPage {
  readonly keys: readonly { readonly key: string; readonly bytes: number }[];
  /** For the next page; undefined: this is the last one. */
  readonly token: string | undefined;
}

export const PAGE_KEYS = 1000;
/** Of 1,000 keys, which have some 400 KB; of the longest there can be, with each character escaped, 5 MB. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024;

/**
 * @param after the key that it was to go on from
 * @returns undefined when it is no listing, or one that stays where it was and would be asked for without end
 */
export function readListPage(body: Uint8Array, after = ''): ListPage | undefined {
  const text = Buffer.from(body).toString('utf8');
  if (!/<ListBucketResult[\s>]/.test(text)) return undefined;
  const keys: { key: string; bytes: number }[] = [];
  // Cut, not matched: an entry without an end would be looked for again from each one before it.
  for (const part of text.split('<Contents>').slice(1)) {
    const [entry = '', rest] = part.split('</Contents>', 2);
    if (rest === undefined) return undefined;
    const key = /<Key>([^<]*)<\/Key>/.exec(entry)?.[1];
    const size = /<Size>(\d{1,15})<\/Size>/.exec(entry)?.[1];
    if (key === undefined || size === undefined) return undefined;
    keys.push({ key: unescapeXml(key), bytes: Number(size) });
  }
  const isMore = /<IsTruncated>true<\/IsTruncated>/.test(text);
  const token = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(text)?.[1];
  const last = keys.at(-1)?.key;
  const goesOn = last !== undefined && Buffer.compare(Buffer.from(last), Buffer.from(after)) > 0;
  if (isMore && (token === undefined || !goesOn)) return undefined;
  return { keys, token: isMore && token !== undefined ? unescapeXml(token) : undefined };
}

/** Those of a page that are named like objects below `folder`. */
export function objectsOf({ keys }: ListPage, folder: string): ObjectSize[] {
  const objects: ObjectSize[] = [];
  for (const { key, bytes } of keys) {
    const id = key.slice(folder.length + 3);
    if (isStoreId(id) && key === `${folder}${id.slice(0, 2)}/${id}`) objects.push({ id, bytes });
  }
  return objects;
}

export interface SizesQuestion {
  /** Ids greater than `after`, ascending, and whether there may be more behind them. */
  list(
    after: string | undefined,
    prefix: string,
  ): Promise<{ readonly page: readonly ObjectSize[]; readonly isLast: boolean }>;
  head(id: StoreId): Promise<number | undefined>;
}

const LANES = 16;
/** Fewer ids than this in what a page spans: asking for each by itself costs as little, and reads less. */
const WORTH_A_PAGE = 6;

/**
 * The sizes of ids: a listing is walked where ids lie close together, the others are asked for one by one. Costs at most
 * one request for each id, and about one for 1,000 names where most of what is there is asked about.
 */
export async function sizesOf(
  ids: readonly StoreId[],
  question: SizesQuestion,
): Promise<ReadonlyMap<StoreId, number>> {
  const found = new Map<StoreId, number>();
  const lanes = new Map<string, StoreId[]>();
  for (const id of [...new Set(ids)].sort()) {
    const lane = id.slice(0, 1);
    const list = lanes.get(lane);
    if (list) list.push(id);
    else lanes.set(lane, [id]);
  }
  await Promise.all([...lanes].map(([prefix, list]) => askLane(prefix, list, question, found)));
  return found;
}

async function askLane(
  prefix: string,
  ids: readonly StoreId[],
  question: SizesQuestion,
  found: Map<StoreId, number>,
): Promise<void> {
  let next = 0;
  let isDense = ids.length > WORTH_A_PAGE;
  while (next < ids.length) {
    if (!isDense) {
      const some = ids.slice(next, next + LANES);
      next += some.length;
      await Promise.all(
        some.map(async (id) => {
          const bytes = await question.head(id);
          if (bytes !== undefined) found.set(id, bytes);
        }),
      );
      isDense = ids.length - next > WORTH_A_PAGE && next % (LANES * 8) === 0;
      continue;
    }
    const before = next;
    const { page, isLast } = await question.list(idBefore(ids[next] as StoreId), prefix);
    const sizes = new Map(page.map(({ id, bytes }) => [id, bytes]));
    const through = page.at(-1)?.id;
    for (; next < ids.length; next++) {
      const id = ids[next] as StoreId;
      // A page of nothing but foreign keys tells of none.
      if (!isLast && (through === undefined || id > through)) break;
      const bytes = sizes.get(id);
      if (bytes !== undefined) found.set(id, bytes);
    }
    isDense = next - before >= WORTH_A_PAGE && ids.length - next > WORTH_A_PAGE;
  }
}

/** Sorts before `id` and its neighbours, for it is shorter by the last digit. */
function idBefore(id: StoreId): string {
  return id.slice(0, -1);
}

function unescapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w{2,4}));/g, (all, hex, decimal, name) => {
    if (name !== undefined) return named[name] ?? all;
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : all;
  });
}
