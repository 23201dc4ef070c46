/**
 * The entries of a manifest, gone through as often as needed: a list chunk at a time, opened once where the list is short
 * enough to be kept. Checks that there are as many as the list says; knows nothing of their order.
 */
import type { Entry } from '../../core/entry.js';
import { decodeEntries } from '../../core/entry-decoder.js';
import type { EncodedList, LoadListChunk } from '../../core/list.js';
import { readListBytes } from '../../core/list.js';
import { integrityError } from '../../errors.js';
import { MIB } from '../../limits.js';

/** The entries of about 200,000 files. Longer lists are opened again for each pass. */
const MOST_KEPT_BYTES = 32 * MIB;

export class EntryPages {
  readonly #list: EncodedList;
  readonly #load: LoadListChunk;
  #kept: readonly Uint8Array[] | undefined;

  constructor(list: EncodedList, load: LoadListChunk) {
    this.#list = list;
    this.#load = load;
  }

  /** The bytes of whole entries, one list chunk after another. @throws what loading throws, E_LIST_INVALID */
  async *read(): AsyncGenerator<Uint8Array> {
    if (this.#kept !== undefined) {
      yield* this.#kept;
      return;
    }
    let kept: Uint8Array[] | undefined = [];
    let bytes = 0;
    for await (const page of readListBytes(this.#list, this.#load)) {
      bytes += page.byteLength;
      if (bytes > MOST_KEPT_BYTES) kept = undefined;
      kept?.push(page);
      yield page;
    }
    this.#kept = kept;
  }

  /** @throws what decoding throws, and E_LIST_INVALID when there are more or fewer than the list says */
  async *entries(): AsyncGenerator<Entry> {
    const { count } = this.#list;
    let seen = 0;
    for await (const page of this.read()) {
      if (page.byteLength === 0 && count > 0)
        throw integrityError('E_LIST_INVALID', 'list: a list chunk holds at least one item');
      for (const entry of decodeEntries(page)) {
        // At once, not at the end: a list chunk that is named many times would expand without end.
        if (++seen > count) throw wrongCount(count, 'more');
        yield entry;
      }
    }
    if (seen !== count) throw wrongCount(count, String(seen));
  }
}

function wrongCount(expected: number, got: string): Error {
  return integrityError('E_LIST_INVALID', `list: expected ${expected} items, got ${got}`);
}
