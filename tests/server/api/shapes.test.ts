// The shapes that the page takes answers for, held against docs/openapi.yaml, which is held against the server. The page is
// compiled for browsers, where the server's types mean nothing, so that it has its own. Source: src/web/api/shapes.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { parse } from 'yaml';
import { ROOT } from '../../cli/command.js';

/** The schema of each shape; those of other shapes stand inline in their routes. */
const SCHEMAS: Readonly<Record<string, string>> = {
  FileInfo: 'FileInfo',
  PlacedFile: 'PlacedFile',
  TreeEntry: 'TreeEntry',
  ChunkResult: 'ChunkResult',
  Verified: 'Verified',
  ClusterNode: 'Node',
  ServerStatus: 'Status',
  TaskProgress: 'Task',
  LogLine: 'LogLine',
  Unlocked: 'Session',
};

interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

const schemas = (
  parse(readFileSync(join(ROOT, 'docs/openapi.yaml'), 'utf8')) as {
    readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  }
).components.schemas;

/** With all that it takes over from others; what comes later has the last word. */
function flat(schema: Schema): Schema {
  const { $ref, allOf = [], properties = {}, required = [] } = schema;
  const parts = [...allOf, ...($ref === undefined ? [] : [schemas[$ref.split('/').at(-1) ?? ''] ?? {}])].map(
    flat,
  );
  return {
    ...parts.at(-1),
    ...schema,
    properties: Object.assign({}, ...parts.map((part) => part.properties), properties),
    required: [...parts.flatMap((part) => part.required ?? []), ...required],
  };
}

const file = join(ROOT, 'src/web/api/shapes.ts');
const program = ts.createProgram([file], { strict: true, noEmit: true, lib: ['lib.es2023.d.ts'], types: [] });
const checker = program.getTypeChecker();

function fieldsOf(name: string): readonly ts.Symbol[] {
  const source = program.getSourceFile(file);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  const shape = module?.exports?.get(ts.escapeLeadingUnderscores(name));
  if (shape === undefined) throw new Error(`no shape ${name}`);
  return checker.getDeclaredTypeOfSymbol(shape).getProperties();
}

/** What a value may be, as openapi says it: its words, or the kinds of value. */
function valuesOf(type: ts.Type): string {
  const parts = type.isUnion() ? type.types : [type];
  const words = parts.flatMap((part) => {
    if (part.isStringLiteral()) return [part.value];
    if (part.flags & ts.TypeFlags.Null) return ['null'];
    if (part.flags & ts.TypeFlags.Undefined) return [];
    if (part.flags & ts.TypeFlags.StringLike) return ['string'];
    if (part.flags & ts.TypeFlags.NumberLike) return ['number'];
    if (part.flags & ts.TypeFlags.BooleanLike) return ['boolean'];
    return [checker.isArrayLikeType(part) ? 'array' : 'object'];
  });
  return [...new Set(words)].sort().join(' | ');
}

function schemaValues(schema: Schema): string {
  const { type = 'object', enum: words, ...rest } = flat(schema) as Schema & { readonly const?: unknown };
  if (words !== undefined) return [...words].map(String).sort().join(' | ');
  if (rest.const !== undefined) return typeof rest.const;
  const kinds = [type].flat().map((kind) => (kind === 'integer' ? 'number' : kind));
  return [...new Set(kinds)].sort().join(' | ');
}

for (const [shape, name] of Object.entries(SCHEMAS)) {
  t.test(`${shape} is what the API calls ${name}`, async (t) => {
    const { properties = {}, required = [] } = flat(schemas[name] ?? {});
    for (const field of fieldsOf(shape)) {
      const schema = properties[field.name];
      if (schema === undefined) {
        t.fail(`${field.name} is nowhere in ${name}`);
        continue;
      }
      const isOptional = (field.flags & ts.SymbolFlags.Optional) !== 0;
      t.equal(isOptional, !required.includes(field.name), `${field.name} is there as often`);
      t.equal(
        valuesOf(checker.getTypeOfSymbol(field)),
        schemaValues(schema),
        `${field.name} has the same values`,
      );
    }
  });
}
