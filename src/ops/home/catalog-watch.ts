/** Tells whether anybody has changed a home's catalog: this process by another connection, or another process. */
import { Catalog } from '../../catalog/catalog.js';
import type { OpenHome } from './home.js';

export class CatalogWatch {
  readonly #catalog: Catalog;
  #seen: number;

  /** @throws what opening a catalog throws */
  constructor({ paths }: OpenHome) {
    this.#catalog = Catalog.open(paths.catalog, { readOnly: true });
    this.#seen = this.#version();
  }

  /** Whether something was committed since the last call. */
  hasChanged(): boolean {
    const version = this.#version();
    const isOther = version !== this.#seen;
    this.#seen = version;
    return isOther;
  }

  close(): void {
    this.#catalog.close();
  }

  /** SQLite counts commits of all connections but the one that asks, which here makes none. */
  #version(): number {
    return this.#catalog.read(() => Number(this.#catalog.database.pragma('data_version', { simple: true })));
  }
}
