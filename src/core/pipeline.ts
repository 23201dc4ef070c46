/**
 * How stages are joined: the one place where work runs side by side, and waiting that ends when the signal fires.
 * A stage is `(options) => (source: AsyncIterable<A>, { signal }) => AsyncIterable<B>`.
 */
import { abortedError, isDisktroError, throwIfAborted } from '../errors.js';

export interface StageContext {
  readonly signal?: AbortSignal | undefined;
}

export type Stage<A, B> = (source: AsyncIterable<A> | Iterable<A>, context: StageContext) => AsyncIterable<B>;

/**
 * Runs `work` on up to `concurrency` items at a time and yields the results in the order of the items.
 * Takes the next item only when there is room, so a slow consumer slows the source (back-pressure).
 * After a failure or an early return no further item is taken; work under way is waited for before the error leaves.
 */
export function mapOrdered<A, B>(concurrency: number, work: (item: A) => Promise<B>): Stage<A, B> {
  return async function* mapped(source, { signal }) {
    const underWay: Promise<B>[] = [];
    try {
      for await (const item of source) {
        throwIfAborted(signal);
        const result = work(item);
        result.catch(() => {});
        underWay.push(result);
        const first = underWay.length >= concurrency ? underWay.shift() : undefined;
        if (first !== undefined) yield await first;
      }
      for (let first = underWay.shift(); first !== undefined; first = underWay.shift()) {
        throwIfAborted(signal);
        yield await first;
      }
    } finally {
      await Promise.allSettled(underWay);
    }
  };
}

/** The promise's outcome, or `E_ABORTED` as soon as the signal fires. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) promise.catch(() => {});
  throwIfAborted(signal);
  return new Promise<T>((resolve, reject) => {
    const stop = (): void =>
      reject(isDisktroError(signal.reason) ? signal.reason : abortedError(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
