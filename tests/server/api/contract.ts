// docs/openapi.yaml as something to hold answers against, and a list of the answers that were seen.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { ROOT } from '../../cli/command.js';
import type { Answer } from './api-node.js';

const METHODS = ['get', 'post', 'put', 'delete'] as const;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Response>> };
}

interface Operation {
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
}

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
}

export interface DocumentedRoute {
  readonly method: string;
  /** As in the table of routes: `/assets/*`. */
  readonly path: string;
  readonly statuses: readonly number[];
  /** Whether it takes no token. */
  readonly isFree: boolean;
}

export class Contract {
  readonly #document: Document;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #compiled = new Map<string, ValidateFunction>();
  readonly #seen = new Set<string>();

  constructor() {
    this.#document = parse(readFileSync(join(ROOT, 'docs/openapi.yaml'), 'utf8')) as Document;
    // biome-ignore lint/suspicious/noExplicitAny: its types are those of CommonJS.
    (addFormats as any)(this.#ajv);
    this.#ajv.addSchema({ $id: 'api', ...this.#document });
  }

  routes(): readonly DocumentedRoute[] {
    return Object.entries(this.#document.paths).flatMap(([path, operations]) =>
      METHODS.flatMap((method) => {
        const operation = operations[method];
        if (operation === undefined) return [];
        const statuses = Object.keys(operation.responses).map(Number);
        const isFree = operation.security?.length === 0;
        return [{ method: method.toUpperCase(), path: path.replace(/\{\w+\}$/, '*'), statuses, isFree }];
      }),
    );
  }

  /** @returns what is wrong with an answer; undefined: it is as documented, and counts as seen */
  complaint(method: string, path: string, answer: Answer): string | undefined {
    const shown = `${method} ${path} ${answer.status}`;
    const documented = path.replace('/*', '/{name}');
    const given = this.#document.paths[documented]?.[method.toLowerCase()]?.responses[String(answer.status)];
    if (given === undefined) return `${shown}: not documented: ${answer.text.slice(0, 300)}`;
    const { content } = this.#resolved(given);
    this.#seen.add(shown);
    if (content === undefined) return undefined;
    const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
    const media = content[type] ?? content['*/*'];
    if (media === undefined) return `${shown}: documented as ${Object.keys(content)}, got ${type}`;
    if (type !== 'application/json') return undefined;
    const validate = this.#validator(shown, media.schema);
    if (validate(answer.json)) return undefined;
    return `${shown}: ${errorsText(validate.errors)} in ${answer.text.slice(0, 500)}`;
  }

  /** Answers that are documented and that nobody has seen. */
  unseen(): readonly string[] {
    return this.routes().flatMap(({ method, path, statuses }) =>
      statuses.map((status) => `${method} ${path} ${status}`).filter((each) => !this.#seen.has(each)),
    );
  }

  #resolved(response: Response | { readonly $ref: string }): Response {
    if (!('$ref' in response)) return response;
    const name = response.$ref.split('/').at(-1) ?? '';
    return this.#document.components.responses[name] ?? {};
  }

  #validator(key: string, schema: unknown): ValidateFunction {
    let validate = this.#compiled.get(key);
    if (validate === undefined) {
      const absolute = JSON.parse(JSON.stringify(schema ?? true).replaceAll('"#/', '"api#/')) as object;
      validate = this.#ajv.compile(absolute);
      this.#compiled.set(key, validate);
    }
    return validate;
  }
}

const errorsText = (errors: readonly ErrorObject[] | null | undefined): string =>
  (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ');
