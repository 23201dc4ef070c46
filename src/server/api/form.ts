/**
 * A form with one file, read while it comes: what precedes the file first, then the file as a stream that ends only
 * when the whole form was good. Nothing is kept on disk. The only file that knows busboy.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { refusal } from '../json-body.js';

export interface UploadForm {
  /** Fields so far: all of them once the stream has ended. */
  readonly fields: ReadonlyMap<string, string>;
  /** Those that came before the file. */
  readonly early: ReadonlyMap<string, string>;
  /** As the sender calls it, without folders. */
  readonly fileName: string | undefined;
  /** @throws 400 or 413 in the middle when what follows is not as expected, or the form is cut off */
  readonly file: AsyncIterable<Uint8Array>;
  /** Throws the rest away, so that the sender hears the answer. */
  [Symbol.dispose](): void;
}

const MAX_FIELDS = 16;
const MAX_FIELD_BYTES = 64 * 1024;
const MAX_FIELD_NAME_BYTES = 100;

/**
 * Reads until the file begins. @param allowed the fields that there may be, beside `file`
 * @throws 415 for what is no form; 400 naming the field; 413 for more than 16 fields, or one over 64 KiB
 */
export function openForm(request: IncomingMessage, allowed: readonly string[]): Promise<UploadForm> {
  return new Promise((resolve, reject) => {
    const reading = new FormReading(request, allowed, reject);
    reading.onFile = (fileName, file) =>
      resolve({
        fields: reading.fields,
        early: new Map(reading.fields),
        fileName,
        file: reading.whole(file),
        [Symbol.dispose]: () => reading.drop(),
      });
    reading.begin();
  });
}

class FormReading {
  readonly fields = new Map<string, string>();
  onFile: (fileName: string | undefined, file: Readable) => void = () => {};
  readonly #request: IncomingMessage;
  readonly #allowed: readonly string[];
  readonly #reject: (error: unknown) => void;
  readonly #parser: busboy.Busboy;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};
  #breakOff: (error: unknown) => void = () => {};
  #file: Readable | undefined;
  #error: Error | undefined;

  constructor(request: IncomingMessage, allowed: readonly string[], reject: (error: unknown) => void) {
    this.#request = request;
    this.#allowed = allowed;
    this.#reject = reject;
    this.#parser = parserOf(request);
    this.#ended = new Promise((resolve, fail) => {
      this.#end = resolve;
      this.#breakOff = fail;
    });
    this.#ended.catch(() => {});
  }

  begin(): void {
    const parser = this.#parser;
    parser.on('field', (name, value, { nameTruncated, valueTruncated }) => {
      if (nameTruncated || valueTruncated) this.#fail(refusal(413, `${shown(name)}: longer than 64 KiB`));
      else this.#take(name, value);
    });
    parser.on('file', (name, file, { filename }) => this.#takeFile(name, file, filename));
    parser.on('fieldsLimit', () => this.#fail(refusal(413, `form: expected at most ${MAX_FIELDS} fields`)));
    parser.on('filesLimit', () => this.#fail(refusal(400, 'file: expected one, got several')));
    parser.on('partsLimit', () => this.#fail(refusal(413, `form: expected at most ${MAX_FIELDS} fields`)));
    parser.on('error', (error) => this.#fail(refusal(400, `form: ${messageOf(error)}`)));
    parser.on('close', () => {
      if (this.#file === undefined) this.#fail(refusal(400, 'file: expected a part with a file, got none'));
      else this.#end();
    });
    this.#request.on('close', () => {
      if (!this.#request.complete) this.#fail(refusal(400, 'form: cut off before its end'));
    });
    this.#request.on('error', () => this.#fail(refusal(400, 'form: cut off before its end')));
    this.#request.pipe(parser);
  }

  /** The file's bytes; ends only after the rest of the form. */
  async *whole(file: Readable): AsyncGenerator<Uint8Array> {
    try {
      for await (const part of file) yield part as Uint8Array;
      await this.#ended;
    } catch (error) {
      throw this.#error ?? refusal(400, `form: ${messageOf(error)}`);
    }
  }

  #take(name: string, value: string): void {
    if (!this.#allowed.includes(name)) {
      const wanted =
        name === 'file'
          ? 'expected a file, got a field'
          : `no such field, expected one of ${this.#allowed.join(', ')} and file`;
      this.#fail(refusal(400, `${shown(name)}: ${wanted}`));
    } else if (this.fields.has(name)) this.#fail(refusal(400, `${name}: given twice`));
    else this.fields.set(name, value);
  }

  #takeFile(name: string, file: Readable, fileName: string | undefined): void {
    file.on('error', () => {});
    if (name !== 'file') this.#fail(refusal(400, `${shown(name)}: no such file part, expected file`));
    if (this.#error !== undefined) {
      file.resume();
      return;
    }
    this.#file = file;
    this.onFile(fileName === undefined || fileName === '' ? undefined : fileName, file);
  }

  #fail(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#reject(error);
    this.#breakOff(error);
    this.drop();
    this.#file?.destroy(error);
  }

  drop(): void {
    this.#request.unpipe(this.#parser);
    this.#request.resume();
  }
}

function parserOf(request: IncomingMessage): busboy.Busboy {
  if (!/^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')) {
    throw refusal(415, 'Content-Type: expected multipart/form-data');
  }
  try {
    return busboy({
      headers: request.headers,
      defParamCharset: 'utf8',
      limits: {
        files: 1,
        fields: MAX_FIELDS,
        parts: MAX_FIELDS + 2,
        fieldSize: MAX_FIELD_BYTES,
        fieldNameSize: MAX_FIELD_NAME_BYTES,
        headerPairs: 50,
      },
    });
  } catch (error) {
    throw refusal(400, `form: ${messageOf(error)}`);
  }
}

const shown = (name: string | undefined): string =>
  JSON.stringify((name ?? '').slice(0, MAX_FIELD_NAME_BYTES));

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message.toLowerCase() : String(error);
