// A file system that fails at the N-th operation, or is dead from the N-th on as after `kill -9`.
// Counts what is asked of it, so that a test can first see how many operations a run takes and then fail each.
import type { CommitObserver } from '../../src/catalog/catalog.js';
import type { FileSystem, OpenFile } from '../../src/store/file-system.js';

export type Fault = 'EIO' | 'ENOSPC' | 'kill';

export interface Call {
  /** Such as `write` or `syncFolder`. */
  readonly name: string;
  readonly path: string;
}

export interface FaultPlan {
  readonly fault: Fault;
  /** Which operation it hits: 0 is the first. */
  readonly at: number;
}

/** Operations that can run out of space. */
export const TAKES_SPACE: ReadonlySet<string> = new Set([
  'open',
  'write',
  'sync',
  'rename',
  'link',
  'makeFolder',
  'syncFolder',
  'truncate',
]);

export class FaultFileSystem implements FileSystem {
  readonly calls: Call[] = [];
  /** Operations refused because the process is dead. */
  refused = 0;
  isDead = false;
  readonly #inner: FileSystem;
  #plan: FaultPlan | undefined;

  constructor(inner: FileSystem, plan?: FaultPlan) {
    this.#inner = inner;
    this.#plan = plan;
  }

  /** From now on every operation and every commit throws. */
  kill(): void {
    this.isDead = true;
  }

  /** Sets what fails next; `at` counts on from the operations there have been. */
  plan(plan: FaultPlan): void {
    this.#plan = { ...plan, at: this.calls.length + plan.at };
  }

  /** Throws before or after the `at`-th commit as well, 0 being the first. */
  killingObserver(moment: 'before-commit' | 'after-commit', at: number): CommitObserver {
    let seen = 0;
    return (now) => {
      if (this.isDead && now === 'before-commit') throw new KilledError();
      if (now !== moment || seen++ !== at) return;
      this.kill();
      throw new KilledError();
    };
  }

  /** Commits throw once the process is dead. */
  get observer(): CommitObserver {
    return (moment) => {
      if (this.isDead && moment === 'before-commit') throw new KilledError();
    };
  }

  async open(file: string, flags: 'r' | 'wx', mode?: number): Promise<OpenFile> {
    const handle = await this.#do('open', file, () => this.#inner.open(file, flags, mode));
    return this.#file(file, handle);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do('rename', to, () => this.#inner.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return this.#do('link', to, () => this.#inner.link(from, to));
  }

  unlink(file: string): Promise<void> {
    return this.#do('unlink', file, () => this.#inner.unlink(file));
  }

  makeFolder(folder: string, mode?: number): Promise<void> {
    return this.#do('makeFolder', folder, () => this.#inner.makeFolder(folder, mode));
  }

  readFolder(folder: string): Promise<string[]> {
    return this.#do('readFolder', folder, () => this.#inner.readFolder(folder));
  }

  stat(file: string) {
    return this.#do('stat', file, () => this.#inner.stat(file));
  }

  syncFolder(folder: string): Promise<void> {
    return this.#do('syncFolder', folder, () => this.#inner.syncFolder(folder));
  }

  space(folder: string) {
    return this.#do('space', folder, () => this.#inner.space(folder));
  }

  #file(file: string, inner: OpenFile): OpenFile {
    return {
      read: (target, position) => this.#do('read', file, () => inner.read(target, position)),
      write: (bytes, position) =>
        this.#do(
          'write',
          file,
          () => inner.write(bytes, position),
          () => inner.write(bytes.subarray(0, bytes.byteLength >> 1), position),
        ),
      truncate: (length) => this.#do('truncate', file, () => inner.truncate(length)),
      sync: () => this.#do('sync', file, () => inner.sync()),
      stat: () => this.#do('stat', file, () => inner.stat()),
      // The descriptor goes in any case: the operating system takes it from a dead process too.
      close: () =>
        this.#do(
          'close',
          file,
          () => inner.close(),
          () => inner.close(),
        ),
    };
  }

  /** @param half what has happened of it when it fails */
  async #do<T>(
    name: string,
    path: string,
    work: () => Promise<T>,
    half: () => Promise<unknown> = async () => {},
  ): Promise<T> {
    if (this.isDead) {
      this.refused++;
      if (name === 'close') await half();
      throw new KilledError();
    }
    const isHit = this.calls.push({ name, path }) - 1 === this.#plan?.at;
    if (!isHit || this.#plan === undefined) return work();
    const { fault } = this.#plan;
    if (fault === 'ENOSPC' && !TAKES_SPACE.has(name)) return work();
    await half();
    if (fault === 'kill') {
      this.kill();
      throw new KilledError();
    }
    throw Object.assign(new Error(`${fault}: injected, ${name} '${path}'`), { code: fault });
  }
}

/** What a dead process cannot do. */
export class KilledError extends Error {
  constructor() {
    super('this process was killed');
    this.name = 'KilledError';
  }
}
