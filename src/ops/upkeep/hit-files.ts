/** Which files need what was found damaged or missing. Asks the catalog for many objects at once. */
import type { Catalog } from '../../catalog/catalog.js';
import { filesNeeding } from '../../catalog/file-objects.js';
import type { FileId, StoreId } from '../../core/ids.js';

const BATCH = 1000;

export class HitFiles {
  readonly #catalog: Catalog;
  readonly #onHit: (file: FileId) => Promise<void>;
  readonly #files = new Set<FileId>();
  #waiting: StoreId[] = [];

  /** @param onHit told once of each file */
  constructor(catalog: Catalog, onHit: (file: FileId) => Promise<void> = async () => {}) {
    this.#catalog = catalog;
    this.#onHit = onHit;
  }

  async add(object: StoreId): Promise<void> {
    this.#waiting.push(object);
    if (this.#waiting.length >= BATCH) await this.flush();
  }

  /** From here on all files of what was added are told. */
  async flush(): Promise<void> {
    const objects = this.#waiting;
    this.#waiting = [];
    for (const file of filesNeeding(this.#catalog, objects)) {
      if (this.#files.has(file)) continue;
      this.#files.add(file);
      await this.#onHit(file);
    }
  }

  /** In ascending order. */
  ids(): readonly FileId[] {
    return [...this.#files].sort();
  }
}
