/**
 * Whether everything is there and whole, as a list of steps: the catalog's own structure; every object present and
 * re-hashed; with `readData` opened, and its plaintext compared with its plain id. Re-hashing needs no key.
 */
import { forgetReplaced } from '../../catalog/commits.js';
import { heldTotals } from '../../catalog/holdings.js';
import { isRebuildIncomplete, setMeta } from '../../catalog/meta.js';
import type { ObjectRow } from '../../catalog/objects.js';
import { bufferPool } from '../../core/buffer-pool.js';
import type { Engine } from '../../core/engine.js';
import { createEngine } from '../../core/engine.js';
import type { FileId, VaultId } from '../../core/ids.js';
import { decodeManifest } from '../../core/manifest.js';
import { maxObjectBytes } from '../../core/object.js';
import { mapOrdered } from '../../core/pipeline.js';
import type { ErrorCode } from '../../errors.js';
import { DisktroError, integrityError, isDisktroError } from '../../errors.js';
import { MAX_RAW_BYTES } from '../../limits.js';
import { threadCount } from '../chunk/threads.js';
import { resolveFileId } from '../files/resolve.js';
import type { Home, OpenHome } from '../home/home.js';
import { OpenVault, openedHome } from '../home/vault.js';
import { ObjectReader } from '../read/object-reader.js';
import { HitFiles } from './hit-files.js';
import { referenceCheck } from './reference-check.js';

export interface VerifyProgress {
  readonly objects: number;
  readonly totalObjects: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface Finding {
  readonly id: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface VerifyOptions {
  /** File ids; default: everything. */
  readonly ids?: readonly string[] | undefined;
  /** Open every object as well; needs a vault. */
  readonly readData?: boolean | undefined;
  /** Move damaged objects away, so that the next `chunk` of the same bytes stores them anew. */
  readonly repair?: boolean | undefined;
  readonly workers?: number | 'auto' | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  readonly onFinding?: ((finding: Finding) => void) | undefined;
  /** Told once of each file that is hit; with `repair` before anything of it is moved away. */
  readonly onHitFile?: ((file: FileId) => Promise<void>) | undefined;
}

export interface VerifyResult {
  readonly objects: number;
  readonly bytes: number;
  readonly ok: number;
  readonly corrupt: readonly string[];
  readonly missing: readonly string[];
  /** Damaged or missing ones whose plaintext another object holds: nothing is lost. */
  readonly repaired: readonly string[];
  /** Files that need what is corrupt or missing. */
  readonly files: readonly FileId[];
}

interface Verdict {
  readonly row: ObjectRow;
  readonly finding: Finding | undefined;
}

const PAGE_ROWS = 1000;

/** @throws E_CATALOG_CORRUPT when the catalog itself is damaged; findings about objects are results, not errors */
export async function verify(home: Home, options: VerifyOptions = {}): Promise<VerifyResult> {
  const open = openedHome(home);
  const vault = home instanceof OpenVault ? home : undefined;
  if (options.readData === true && vault === undefined) {
    throw new DisktroError('E_PASSWORD_NEEDED', 'reading the data needs the password');
  }
  open.catalog.check();
  const threads = threadCount(options.workers);
  const engine = vault?.engine(threads) ?? hashingEngine(threads);
  try {
    const check =
      options.readData === true && vault !== undefined
        ? openingCheck(vault, engine, hashingCheck(open, engine))
        : hashingCheck(open, engine);
    const rows = chooseRows(home, open, options.ids);
    const result = await collect(
      open,
      mapOrdered(engine.concurrency, check)(rows.rows, { signal: options.signal }),
      {
        ...options,
        totals: rows.totals,
      },
    );
    const isGood = result.corrupt.length === 0 && result.missing.length === 0;
    if (options.ids === undefined && isGood && !open.isReadOnly) {
      open.catalog.write(() => setMeta(open.catalog.database, 'last_verify_ms', Date.now()));
    }
    return result;
  } finally {
    if (vault === undefined) await engine.close();
  }
}

type Totals = { readonly objects: number; readonly bytes: number };

async function collect(
  home: OpenHome,
  verdicts: AsyncIterable<Verdict>,
  options: VerifyOptions & { readonly totals: Totals },
): Promise<VerifyResult> {
  const seen = { objects: 0, bytes: 0, ok: 0 };
  const isIncomplete = isRebuildIncomplete(home.catalog);
  const hit = new HitFiles(home.catalog, options.onHitFile);
  const bad = { corrupt: [] as string[], missing: [] as string[], repaired: [] as string[] };
  for await (const { row, finding } of verdicts) {
    seen.objects++;
    seen.bytes += row.storedBytes;
    if (finding === undefined) {
      seen.ok++;
      // What a rebuild could not read has no references in the catalog: it takes another rebuild to make it good.
      if (row.state === 'lost' && !home.isReadOnly && !isIncomplete) home.objects.markPresent([row.row]);
    } else if (isGarbage(home, row)) {
      if (!home.isReadOnly) home.objects.markLost([row.row]);
    } else if (
      finding.code === 'E_OBJECT_MISSING' &&
      options.repair !== true &&
      twinOf(home, row) !== undefined
    ) {
      if (!home.isReadOnly) home.objects.markLost([row.row]);
      seen.ok++;
    } else {
      options.onFinding?.(finding);
      await hit.add(row.storeId);
      if (options.repair === true) await hit.flush();
      bad[await settle(home, row, finding, options.repair === true)].push(row.storeId);
    }
    const { objects, bytes } = seen;
    options.onProgress?.({
      objects,
      bytes,
      totalObjects: options.totals.objects,
      totalBytes: options.totals.bytes,
    });
  }
  if (isIncomplete && bad.corrupt.length + bad.missing.length === 0) throw incompleteCatalog();
  await hit.flush();
  // Objects are checked several at a time, in the order of their rows: an order that tells nobody anything.
  for (const ids of Object.values(bad)) ids.sort();
  return { ...seen, ...bad, files: hit.ids() };
}

/** Notes the damage, so that nothing new relies on the object, and with `repair` moves it away. */
async function settle(
  home: OpenHome,
  row: ObjectRow,
  finding: Finding,
  repair: boolean,
): Promise<'corrupt' | 'missing' | 'repaired'> {
  const isMissing = finding.code === 'E_OBJECT_MISSING';
  if (!home.isReadOnly) home.objects.markLost([row.row]);
  if (!repair || home.isReadOnly) return isMissing ? 'missing' : 'corrupt';
  if (!isMissing) await home.store.quarantine(row.kind, row.storeId);
  const twin = twinOf(home, row);
  if (twin === undefined) return isMissing ? 'missing' : 'corrupt';
  forgetReplaced(home.catalog, row.row, twin.row);
  return 'repaired';
}

/** Another object that holds the same plaintext: what needs this one reads that one. */
function twinOf(home: OpenHome, row: ObjectRow): ObjectRow | undefined {
  return row.plainId === undefined ? undefined : home.objects.findTwin(row.plainId, row.storeId);
}

/** No file needs it any more, or `gc` has freed it since its row was read: nothing is lost with it. */
function isGarbage(home: OpenHome, row: ObjectRow): boolean {
  const now = home.objects.find(row.storeId);
  return now === undefined || now.state === 'freeing' || now.isTombstoned;
}

function incompleteCatalog(): DisktroError {
  return integrityError('E_CATALOG_CORRUPT', 'the catalog was rebuilt while some objects could not be read', {
    hint: 'they can be now: run `disktro rebuild` again; until then `gc` frees next to nothing',
  });
}

function hashingCheck(home: OpenHome, engine: Engine): (row: ObjectRow) => Promise<Verdict> {
  // What is held for others may be of vaults with longer chunks.
  const isAlone = heldTotals(home.catalog).objects === 0;
  const most = (isAlone ? home.vaultFile?.sizes.max : undefined) ?? MAX_RAW_BYTES;
  const buffers = bufferPool(engine.concurrency, maxObjectBytes(most));
  return (row) =>
    verdict(row, async () => {
      const buffer = await buffers.take();
      try {
        const length = await home.store.read(row.kind, row.storeId, buffer);
        const id = await engine.run({ type: 'hash', input: buffer.subarray(0, length) });
        if (id !== row.storeId)
          throw integrityError('E_OBJECT_ID', `object hashes to ${id}, expected ${row.storeId}`);
      } finally {
        buffers.give(buffer);
      }
    });
}

/** @param byHash for what is held for others, which this vault's key need not open */
function openingCheck(
  vault: OpenVault,
  engine: Engine,
  byHash: (row: ObjectRow) => Promise<Verdict>,
): (row: ObjectRow) => Promise<Verdict> {
  const reader = new ObjectReader(vault, engine);
  const checkReferences = referenceCheck(vault, reader);
  return (row) => {
    if (row.isHeld) return byHash(row);
    return verdict(row, async () => {
      const chunk = await reader.readExactly(row);
      try {
        if (row.kind === 'manifest') {
          const manifest = decodeManifest(Buffer.from(chunk.bytes));
          await checkReferences(row.storeId, manifest);
          return;
        }
        const plainId = await engine.run({ type: 'plain-id', input: chunk.bytes });
        if (row.plainId !== undefined && plainId !== row.plainId) {
          throw integrityError(
            'E_CORRUPT',
            `object ${row.storeId}: its plaintext is not the one it was stored for`,
          );
        }
      } finally {
        chunk.release();
      }
    });
  };
}

async function verdict(row: ObjectRow, check: () => Promise<void>): Promise<Verdict> {
  // Once more before it is called damaged: the way here may have been bad, not the object.
  const twice = async (error: unknown): Promise<void> => {
    if (!isDisktroError(error) || !isAboutTheObject(error) || error.code === 'E_OBJECT_MISSING') throw error;
    await check();
  };
  try {
    await check().catch(twice);
    return { row, finding: undefined };
  } catch (error) {
    if (!isDisktroError(error) || !isAboutTheObject(error)) throw error;
    return { row, finding: { id: row.storeId, code: error.code, message: error.message } };
  }
}

function isAboutTheObject({ code }: DisktroError): boolean {
  return (
    code.startsWith('E_OBJECT_') ||
    [
      'E_CBOR_INVALID',
      'E_MANIFEST_INVALID',
      'E_MANIFEST_PATH',
      'E_LIST_INVALID',
      'E_CORRUPT',
      'E_IO',
    ].includes(code)
  );
}

function chooseRows(
  home: Home,
  open: OpenHome,
  ids: readonly string[] | undefined,
): { rows: AsyncIterable<ObjectRow> | Iterable<ObjectRow>; totals: Totals } {
  if (ids === undefined || ids.length === 0) return { rows: allRows(open), totals: open.objects.totals() };
  const rows = new Map<number, ObjectRow>();
  for (const id of ids) {
    for (const row of open.objects.descendants(resolveFileId(home, id))) rows.set(row.row, row);
  }
  const bytes = [...rows.values()].reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  return { rows: rows.values(), totals: { objects: rows.size, bytes } };
}

async function* allRows({ objects }: OpenHome): AsyncGenerator<ObjectRow> {
  let after = 0;
  for (;;) {
    const page = objects.page(after, PAGE_ROWS);
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.row;
    yield* page.filter(({ state }) => state !== 'freeing');
  }
}

/** Hashing needs no keys: an engine that has none. */
function hashingEngine(threads: number): Engine {
  const none = new Uint8Array(32);
  return createEngine({ vaultId: '' as VaultId, objectKey: none, dedupKey: none }, threads);
}
