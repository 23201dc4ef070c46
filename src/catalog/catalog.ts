/**
 * The index of a home: which objects there are, what refers to what, which files. Rebuildable from the store (I6).
 * Holds names only sealed. Each file beside this one owns the queries of one concern; all writes go through `write`.
 */
import fs from 'node:fs';
import { integrityError } from '../errors.js';
import type { Database, Statement } from './database.js';
import { openDatabase, syncFolderOf, translated } from './database.js';
import { checkVersion, migrate } from './migrations.js';

/** Called around each commit: tests make the power fail there. */
export type CommitObserver = (moment: 'before-commit' | 'after-commit') => void;

export interface CatalogOptions {
  readonly readOnly?: boolean;
  /** How long to wait for another process that writes. */
  readonly busyTimeoutMs?: number;
  readonly observer?: CommitObserver | undefined;
}

export class Catalog {
  readonly database: Database;
  readonly file: string;
  readonly #observer: CommitObserver | undefined;
  readonly #statements = new Map<string, Statement>();
  #hasSyncedFolder = false;

  private constructor(database: Database, file: string, observer: CommitObserver | undefined) {
    this.database = database;
    this.file = file;
    this.#observer = observer;
  }

  /** Makes an empty catalog. `journal` is `delete` for one that will be moved into place. */
  static create(file: string, options: CatalogOptions & { journal?: 'wal' | 'delete' } = {}): Catalog {
    const database = openDatabase(file, { create: true, journal: options.journal ?? 'wal' });
    return Catalog.#checked(database, file, () => {
      migrate(database);
      syncFolderOf(file);
      return new Catalog(database, file, options.observer);
    });
  }

  /** @throws E_CATALOG_CORRUPT (also when it is missing or empty), E_FORMAT_TOO_NEW, E_LOCKED */
  static open(file: string, options: CatalogOptions = {}): Catalog {
    if (!fs.existsSync(file)) throw missingCatalog('is missing');
    const database = openDatabase(file, {
      readOnly: options.readOnly ?? false,
      ...(options.busyTimeoutMs === undefined ? {} : { busyTimeoutMs: options.busyTimeoutMs }),
    });
    return Catalog.#checked(database, file, () => {
      if (checkVersion(database) === 0) throw missingCatalog('is empty');
      if (options.readOnly !== true) migrate(database);
      return new Catalog(database, file, options.observer);
    });
  }

  static #checked(database: Database, file: string, work: () => Catalog): Catalog {
    try {
      return translated(file, work);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** A statement that is compiled once: as long as its text is the same it is the same statement. */
  prepare<Parameters extends unknown[] = unknown[], Row = unknown>(sql: string): Statement<Parameters, Row> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement as Statement<Parameters, Row>;
  }

  /** Runs queries with their errors translated. */
  read<T>(query: () => T): T {
    return translated(this.file, query);
  }

  /** Many queries on one state of the catalog: SQLite takes its locks once, which costs more than a query does. */
  readAll<T>(queries: () => T): T {
    if (this.database.inTransaction) return this.read(queries);
    return this.read(() => {
      this.database.exec('BEGIN');
      try {
        return queries();
      } finally {
        if (this.database.inTransaction) this.database.exec('COMMIT');
      }
    });
  }

  /** One `BEGIN IMMEDIATE … COMMIT`, durable when it returns (I9). */
  write<T>(change: () => T): T {
    const result = translated(this.file, () => {
      this.database.exec('BEGIN IMMEDIATE');
      try {
        const value = change();
        this.#observer?.('before-commit');
        this.database.exec('COMMIT');
        return value;
      } catch (error) {
        if (this.database.inTransaction) this.database.exec('ROLLBACK');
        throw error;
      }
    });
    if (!this.#hasSyncedFolder) syncFolderOf(this.file);
    this.#hasSyncedFolder = true;
    this.#observer?.('after-commit');
    return result;
  }

  /** Whether this process could write now; changes nothing. @throws E_LOCKED when another one is writing */
  probe(): void {
    this.read(() => this.database.exec('BEGIN IMMEDIATE; ROLLBACK'));
  }

  setBusyTimeout(timeoutMs: number): void {
    this.database.pragma(`busy_timeout = ${timeoutMs}`);
  }

  /** SQLite's own check of its pages and indexes. @throws E_CATALOG_CORRUPT */
  check(): void {
    const findings = this.read(() => this.database.pragma('quick_check(1)', { simple: true }));
    if (findings === 'ok') return;
    throw integrityError('E_CATALOG_CORRUPT', `catalog ${this.file} is damaged: ${String(findings)}`, {
      hint: 'run `disktro rebuild` to make it again from the store; no file is lost',
    });
  }

  close(): void {
    this.database.close();
  }
}

function missingCatalog(how: string): Error {
  return integrityError('E_CATALOG_CORRUPT', `catalog.db ${how}, though this home has a vault`, {
    hint: 'run `disktro rebuild` to make it again from the store; no file is lost',
  });
}
