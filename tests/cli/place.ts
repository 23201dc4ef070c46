// A place to run the command in: a folder, a home, a password. A vault takes a second to make, so it is made once per
// test file and copied.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';
import {
  type Outcome,
  RECOVERY_CODE,
  type Running,
  type RunOptions,
  run,
  runShell,
  type Surroundings,
  start,
} from './command.js';

/** Long, with a space and letters outside ASCII: what people use. */
export const PASSWORD = 'Zwölf boxkämpfer jagen 47 Wölfe';

/** Average chunk size of every vault here: small files have several chunks. */
export const CHUNK_BYTES = 65_536;

export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly bytes: Buffer;
}

export class Place implements Surroundings {
  /** The working folder of every run. */
  readonly cwd: string;
  readonly home: string;
  readonly code: string;
  readonly env: Record<string, string>;
  readonly secrets: readonly string[];

  /** @param code the recovery code, which opens the vault in place of the password: that takes no Argon2id */
  constructor(folder: string, code: string) {
    this.cwd = join(folder, 'work');
    this.home = join(folder, 'home');
    this.code = code;
    this.env = { HOME: join(folder, 'user'), DISKTRO_HOME: this.home, DISKTRO_PASSWORD: code || PASSWORD };
    this.secrets = [PASSWORD, ...(code === '' ? [] : [code])];
    for (const each of [this.cwd, join(folder, 'user')]) mkdirSync(each, { recursive: true });
  }

  run(...words: string[]): Promise<Outcome> {
    return run(this, words);
  }

  runWith(options: RunOptions, ...words: string[]): Promise<Outcome> {
    return run(this, words, options);
  }

  start(...words: string[]): Running {
    return start(this, words);
  }

  startWith(options: RunOptions, ...words: string[]): Running {
    return start(this, words, options);
  }

  shell(script: string, options: Parameters<typeof runShell>[2] = {}): Promise<Outcome> {
    return runShell(this, script, options);
  }

  path(name: string): string {
    return join(this.cwd, name);
  }

  /** Writes a file in the working folder. @returns its name */
  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content);
    return name;
  }

  read(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** Names in the working folder, hidden ones too. */
  names(): string[] {
    return readdirSync(this.cwd).sort();
  }

  /** Paths of all objects of the home. */
  objects(kind: 'chunks' | 'manifests'): string[] {
    const folder = join(this.home, 'objects', kind);
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names.map((name) => join(folder, name)).filter((path) => /[0-9a-f]{64}$/.test(path));
  }

  /** Names in the home's tmp/. */
  temporary(): string[] {
    return readdirSync(join(this.home, 'tmp'));
  }

  /** Runs `verify --read-data` and throws unless all is good. */
  async expectGood(): Promise<void> {
    const { status, stdout, stderr } = await this.run('verify', '--read-data');
    if (status !== 0 || !/: all good\n$/.test(stdout))
      throw new Error(`verify: ${status} ${stdout}${stderr}`);
  }
}

/** A place without a vault; its password is {@link PASSWORD}. */
export function emptyPlace(test: Test): Place {
  return new Place(scratchFolder(test), '');
}

/** A place with an empty vault that {@link PASSWORD} and `code` open. */
export async function placeWithVault(test: Test): Promise<Place> {
  template ??= makeTemplate();
  const { home, code } = await template;
  const place = new Place(scratchFolder(test), code);
  cpSync(home, place.home, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return place;
}

/** A place with a vault in which one file is stored, of several chunks. */
export async function placeWithFile(
  test: Test,
): Promise<{ readonly place: Place; readonly file: StoredFile }> {
  const place = await placeWithVault(test);
  stocked ??= stock();
  const { home, file } = await stocked;
  rmSync(place.home, { recursive: true });
  cpSync(home, place.home, { recursive: true, preserveTimestamps: true });
  return { place, file };
}

interface Template {
  readonly home: string;
  readonly code: string;
}

let template: Promise<Template> | undefined;
let stocked: Promise<{ readonly home: string; readonly file: StoredFile }> | undefined;

async function makeTemplate(): Promise<Template> {
  const place = new Place(scratchFolder(t), '');
  const made = await place.runWith({ mayShowCode: true }, 'init', '--chunk-size', String(CHUNK_BYTES));
  const code = RECOVERY_CODE.exec(made.stderr)?.[0];
  if (made.status !== 0 || code === undefined) throw new Error(`init: ${made.status}\n${made.stderr}`);
  return { home: place.home, code };
}

async function stock(): Promise<{ home: string; file: StoredFile }> {
  const { home, code } = await (template ?? makeTemplate());
  const place = new Place(scratchFolder(t), code);
  cpSync(home, place.home, { recursive: true });
  const bytes = sampleBytes('stocked', 400_000);
  const name = place.write('holiday.tar', bytes);
  const { status, stdout, stderr } = await place.run('chunk', name);
  if (status !== 0) throw new Error(`chunk: ${status}\n${stderr}`);
  return { home: place.home, file: { id: stdout.trim(), name, bytes } };
}
