// What streams and files that are read are told when it ends early, and progress of what is written.
// Sources: src/ops/chunk/inputs.ts, src/core/input-window.ts, src/ops/read/reassemble.ts.
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { chunkFile, chunkStream } from '../../src/ops/chunk/chunk.js';
import type { ReassembleProgress } from '../../src/ops/read/read-options.js';
import { reassembleStream } from '../../src/ops/read/reassemble.js';
import { FaultFileSystem } from './fault-file-system.js';
import { promptFileSystem } from './prompt-file-system.js';
import { sampleBytes, sliced } from './sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder, TINY_SIZES } from './scratch-home.js';

const SLICE_BYTES = 64 * 1024;
const READ_MS = 90;

/** A source that counts how often it is told that nobody reads on. */
class WatchedSource implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  returns = 0;
  given = 0;
  readonly #next: (turn: number) => Promise<IteratorResult<Uint8Array>>;

  constructor(next: (turn: number) => Promise<IteratorResult<Uint8Array>>) {
    this.#next = next;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return this.#next(this.given++);
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.returns++;
    return { done: true, value: undefined };
  }
}

const slice = async (turn: number): Promise<IteratorResult<Uint8Array>> => ({
  done: false,
  value: sampleBytes(turn, SLICE_BYTES),
});
const never = (): Promise<never> => new Promise(() => {});
/** Longer than a stop takes, shorter than anyone waits. */
const within = { signal: AbortSignal.timeout(20_000) };

t.test('a stream is told when storing fails', async (t) => {
  const fileSystem = new FaultFileSystem(promptFileSystem);
  const vault = await openScratch(await makeScratchHome(scratchFolder(t)), { fileSystem });
  vault.home.session();
  const source = new WatchedSource(slice);
  fileSystem.plan({ fault: 'EIO', at: 8 });
  await t.rejects(chunkStream(vault, source, { workers: 0, ...within }), { code: 'E_IO' });
  t.equal(source.returns, 1);
  await vault.close();
});

t.test('a stream is told when storing is aborted', async (t) => {
  const vault = await openScratch(await makeScratchHome(scratchFolder(t)));
  for (const [title, hangsFrom] of [
    ['between its slices', Number.POSITIVE_INFINITY],
    ['while it hangs', 3],
    ['while it hangs from the first on', 0],
  ] as const) {
    const stop = new AbortController();
    const source = new WatchedSource((turn) => {
      if (turn === Math.min(hangsFrom, 10)) setImmediate(() => stop.abort());
      return turn < hangsFrom ? slice(turn) : never();
    });
    const stopped = chunkStream(vault, source, { workers: 0, signal: stop.signal });
    await t.rejects(stopped, { code: 'E_ABORTED' }, title);
    t.equal(source.returns, 1, `${title}: told once`);
  }
  await vault.close();
});

t.test('the end of a stream, its own failure, and one that fails at being told', async (t) => {
  const vault = await openScratch(await makeScratchHome(scratchFolder(t)));
  const whole = new WatchedSource(async (turn) =>
    turn < 3 ? slice(turn) : { done: true, value: undefined },
  );
  t.match(await chunkStream(vault, whole, { workers: 0, ...within }), { bytes: 3 * SLICE_BYTES });

  const broken = new WatchedSource(async (turn) => {
    if (turn < 3) return slice(turn);
    throw new Error('the other end is gone');
  });
  await t.rejects(chunkStream(vault, broken, { workers: 0, ...within }), {
    message: 'the other end is gone',
  });

  const stop = new AbortController();
  const deaf = new WatchedSource((turn) => {
    if (turn === 3) stop.abort();
    return slice(turn);
  });
  deaf.return = async () => {
    deaf.returns++;
    throw new Error('not now');
  };
  const stopped = chunkStream(vault, deaf, { workers: 0, signal: stop.signal });
  await t.rejects(stopped, { code: 'E_ABORTED' }, 'the first error is the one that is told');
  t.equal(deaf.returns, 1);
  await vault.close();
});

/** Reads that take long. @returns how many of `file` are under way */
function slowReads(test: Test, file: string): () => number {
  let underWay = 0;
  const original = fs.read;
  const identity = fs.statSync(file).ino;
  const slow = (descriptor: number, ...rest: unknown[]): void => {
    const done = rest.pop() as (...args: unknown[]) => void;
    const read = (then: typeof done): void => {
      (original as (...args: unknown[]) => void)(descriptor, ...rest, then);
    };
    if (fs.fstatSync(descriptor).ino !== identity) {
      read(done);
      return;
    }
    underWay++;
    setTimeout(() => {
      read((...outcome) => {
        underWay--;
        done(...outcome);
      });
    }, READ_MS);
  };
  Object.assign(fs, { read: slow });
  test.teardown(() => Object.assign(fs, { read: original }));
  return () => underWay;
}

t.test('chunkFile that ends early lets go of its file only when no read is under way', async (t) => {
  const folder = scratchFolder(t);
  const home = await makeScratchHome(folder);
  const file = path.join(folder, 'input');
  fs.writeFileSync(file, sampleBytes('input', 1024 * 1024));
  const readsUnderWay = slowReads(t, file);
  const openDescriptors = (): number =>
    process.platform === 'linux'
      ? fs.readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === fs.realpathSync(file)).length
      : 0;

  const vault = await openScratch(home);
  for (const afterMs of [READ_MS / 3, READ_MS * 1.5]) {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), afterMs);
    let atAbort = 0;
    stop.signal.addEventListener('abort', () => {
      atAbort = readsUnderWay();
    });
    await t.rejects(chunkFile(vault, file, { workers: 0, signal: stop.signal }), { code: 'E_ABORTED' });
    t.equal(atAbort, 1, 'it was reading when it was stopped');
    t.equal(readsUnderWay(), 0, `stopped after ${afterMs} ms`);
    t.equal(openDescriptors(), 0, 'and the file is closed');
  }
  await vault.close();

  const fileSystem = new FaultFileSystem(promptFileSystem);
  const failing = await openScratch(home, { fileSystem });
  failing.home.session();
  fileSystem.plan({ fault: 'EIO', at: 3 });
  await t.rejects(chunkFile(failing, file, { workers: 0 }), { code: 'E_IO' });
  t.equal(readsUnderWay(), 0, 'after a failure of the store');
  t.equal(openDescriptors(), 0);
  await failing.close();
});

function linkOf(descriptor: string): string {
  try {
    return fs.readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}

t.test('reassembleStream reports its progress', async (t) => {
  const vault = await openScratch(await makeScratchHome(scratchFolder(t)), { sizes: TINY_SIZES });
  for (const [length, chunks] of [
    [256 * 10 + 77, 11],
    [1, 1],
    [0, 0],
  ] as const) {
    const bytes = sampleBytes('progress', length);
    const options = { workers: 0, chunker: 'fixed' } as const;
    const { id } = await chunkStream(vault, sliced(bytes, [4096]), options);
    const reports: ReassembleProgress[] = [];
    const parts: Uint8Array[] = [];
    const given: number[] = [];
    for await (const part of reassembleStream(vault, id, {
      workers: 0,
      onProgress: (report) => reports.push({ ...report }),
    })) {
      parts.push(part);
      given.push(Buffer.concat(parts).byteLength);
    }
    t.ok(Buffer.concat(parts).equals(bytes));
    const expected = given.map((sum, index) => ({ bytes: sum, chunks: index + 1, totalBytes: length }));
    t.same(reports, expected, `${length} bytes`);
    t.equal(reports.length, chunks);
  }
  await vault.close();
});
