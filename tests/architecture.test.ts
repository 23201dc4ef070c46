// The rooms of ARCHITECTURE.md, held against the imports of every file of src/. Each rule is also shown a file
// that breaks it, so that none can pass because it sees nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { findImports, type Import, parse, type SourceText, walk } from './architecture/imports.js';

type Rule =
  | 'rooms'
  | 'pure core'
  | 'blind server'
  | 'one importer'
  | 'declared dependencies'
  | 'literal imports'
  | 'no default exports'
  | 'file length'
  | 'names'
  | 'opening comment';

interface Breach {
  readonly rule: Rule;
  readonly path: string;
  readonly detail: string;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const floor = ['errors.ts', 'limits.ts', 'package-root.ts'];
const below = ['core', 'floor'];
const joined = ['net', 'store', 'catalog', ...below];

/** What each room may import besides itself. */
const allowedRooms: Readonly<Record<string, readonly string[]>> = {
  floor: [],
  core: ['floor'],
  store: below,
  catalog: below,
  net: below,
  ops: joined,
  server: ['ops', ...joined],
  web: [],
  cli: ['server', 'ops', ...joined],
  index: ['ops', ...joined],
};

/** The one type that crosses between siblings: a peer is a store. */
const allowedTypeImports = new Set(['net/peer-store.ts -> store/object-store.ts']);

/** Packages that stand at several doors, with the rooms where those are. */
const doorPackages: Readonly<Record<string, readonly string[]>> = { zod: ['cli', 'net', 'server'] };

const impureModules =
  /^node:(fs|net|http|https|http2|tls|dgram|dns|process|child_process|os|perf_hooks)(\/|$)/;
const impureGlobals = new Set(['process', 'performance', 'globalThis']);
const secretModules = new Set(['core/cipher.ts', 'core/keys.ts']);
const vagueWords = /^(utils?|helpers?|common|managers?|services?)$/;
const vagueSuffix = /(^u|U)tils?$|(^h|H)elpers?$|(^m|M)anager$|(^s|S)ervice$/;
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*\.(tsx?|wat|html|css|svg)$/;
const maxLines = 400;

function roomOf(path: string): string {
  if (floor.includes(path)) return 'floor';
  return path === 'index.ts' ? 'index' : (path.split('/')[0] ?? '');
}

const isCode = ({ path }: SourceText): boolean => /\.tsx?$/.test(path);

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function checkLocalImport(path: string, target: string, isTypeOnly: boolean): Breach[] {
  const breaches: Breach[] = [];
  const detail = `${path} -> ${target}`;
  const [from, to] = [roomOf(path), roomOf(target)];
  const isOwnRoom = from === to && from !== 'floor';
  const isAllowed = isOwnRoom || (allowedRooms[from] ?? []).includes(to);
  const isExempt = isTypeOnly && allowedTypeImports.has(detail);
  if (!isAllowed && !isExempt) breaches.push({ rule: 'rooms', path, detail });
  if (from === 'server' && secretModules.has(target)) breaches.push({ rule: 'blind server', path, detail });
  return breaches;
}

function checkImports(path: string, imports: readonly Import[]): Breach[] {
  return imports.flatMap(({ specifier, isTypeOnly }): Breach[] => {
    if (specifier === undefined) return [{ rule: 'literal imports', path, detail: 'a computed import' }];
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
      return checkLocalImport(path, target, isTypeOnly);
    }
    const isImpure = roomOf(path) === 'core' && impureModules.test(specifier);
    const isFloor = roomOf(path) === 'floor';
    return [
      ...(isImpure ? [{ rule: 'pure core', path, detail: specifier } as const] : []),
      ...(isFloor ? [{ rule: 'rooms', path, detail: `${path} -> ${specifier}` } as const] : []),
    ];
  });
}

/** True where an identifier stands for a value, not for a property's or a declaration's name. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  const isName = 'name' in parent && parent.name === node;
  return !isName || ts.isShorthandPropertyAssignment(parent);
}

function checkPurity(path: string, source: ts.SourceFile): Breach[] {
  const breaches: Breach[] = [];
  if (roomOf(path) !== 'core') return breaches;
  walk(source, (node) => {
    const clock =
      /^Date\.now$/.test(node.getText()) || (ts.isNewExpression(node) && /^new Date\b/.test(node.getText()));
    const global = ts.isIdentifier(node) && impureGlobals.has(node.text) && isReference(node);
    if (clock || global) breaches.push({ rule: 'pure core', path, detail: node.getText() });
  });
  return breaches;
}

function checkExports(path: string, source: ts.SourceFile): Breach[] {
  const breaches: Breach[] = [];
  walk(source, (node) => {
    const isDefault =
      node.kind === ts.SyntaxKind.DefaultKeyword && node.parent && !ts.isDefaultClause(node.parent);
    const isRenamed = ts.isExportSpecifier(node) && node.name.text === 'default';
    if (isDefault || ts.isExportAssignment(node) || isRenamed) {
      breaches.push({ rule: 'no default exports', path, detail: node.parent.getText().slice(0, 40) });
    }
  });
  return breaches;
}

function checkNames(path: string, source: ts.SourceFile | undefined): Breach[] {
  const vague = path.split(/[/.-]/).filter((word) => vagueWords.test(word));
  if (!kebabCase.test(posix.basename(path))) vague.push(posix.basename(path));
  for (const statement of source?.statements ?? []) {
    const names = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.map((declaration) => declaration.name.getText())
      : 'name' in statement
        ? [(statement.name as ts.Node | undefined)?.getText() ?? '']
        : [];
    vague.push(...names.filter((name) => vagueSuffix.test(name)));
  }
  return vague.map((detail) => ({ rule: 'names', path, detail }));
}

function checkText({ path, text }: SourceText): Breach[] {
  const breaches: Breach[] = [];
  const lines = text.trimEnd().split('\n').length;
  if (lines > maxLines) breaches.push({ rule: 'file length', path, detail: `${lines} lines` });
  if (!/^(\/\/|\/\*|;;|\(;|<!)/.test(text)) breaches.push({ rule: 'opening comment', path, detail: 'none' });
  return breaches;
}

/** The breaches that one file shows by itself. */
function inspectFile(file: SourceText): Breach[] {
  const source = isCode(file) ? parse(file) : undefined;
  const ofCode = source
    ? [
        ...checkImports(file.path, findImports(source)),
        ...checkPurity(file.path, source),
        ...checkExports(file.path, source),
      ]
    : [];
  return [...checkText(file), ...checkNames(file.path, source), ...ofCode];
}

/** The breaches that show only across files: which packages are imported, and where. */
function inspectPackages(files: readonly SourceText[], manifest: Manifest): Breach[] {
  const importers = new Map<string, Set<string>>();
  for (const file of files.filter(isCode)) {
    for (const { specifier } of findImports(parse(file))) {
      if (!specifier || /^(\.|node:)/.test(specifier) || builtinModules.includes(specifier)) continue;
      const name = packageOf(specifier);
      importers.set(name, (importers.get(name) ?? new Set()).add(file.path));
    }
  }
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  const rule = 'declared dependencies';
  const unused = declared.filter((name) => !importers.has(name));
  const undeclared = [...importers].flatMap(([name, paths]) => {
    // What the page imports is bundled when it is built: nobody installs it with the command.
    const isBundled = [...paths].every((path) => roomOf(path) === 'web');
    const isDeclared = isBundled ? name in manifest.devDependencies : declared.includes(name);
    return isDeclared ? [] : [name];
  });
  const breaches: Breach[] = [
    ...unused.map((name) => ({ rule, path: 'package.json', detail: `${name} is not imported` }) as const),
    ...undeclared.map((name) => ({ rule, path: 'package.json', detail: `${name} is not declared` }) as const),
  ];
  for (const [name, paths] of importers) {
    const doors = doorPackages[name];
    const outside = doors ? [...paths].filter((path) => !doors.includes(roomOf(path))) : [...paths].slice(1);
    for (const path of outside) breaches.push({ rule: 'one importer', path, detail: name });
  }
  return breaches;
}

const root = new URL('../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest;
const files: SourceText[] = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.(tsx?|wat|html|css|svg)$/.test(path))
  .sort()
  .map((path) => ({ path, text: readFileSync(new URL(`src/${path}`, root), 'utf8') }));

/** Per rule: files that keep it, then files that break it. */
const examples: Readonly<Record<Rule, { keep: [string, string][]; break: [string, string][] }>> = {
  rooms: {
    keep: [
      ['ops/chunk.ts', "import { a } from '../store/file-store.js';"],
      ['net/peer-store.ts', "import type { ObjectStore } from '../store/object-store.js';"],
      ['store/paths.ts', "import { a } from '../core/ids.js';"],
    ],
    break: [
      ['core/object.ts', "import { a } from '../store/file-store.js';"],
      ['core/object.ts', "export * from '../ops/chunk.js';"],
      ['core/worker/pool.ts', "const w = new Worker(new URL('../../ops/entry.js', import.meta.url));"],
      ['ops/chunk.ts', "const m = await import('../cli/output.js');"],
      ['ops/chunk.ts', "type A = import('../cli/output.js').A;"],
      ['store/file-store.ts', "import type { a } from '../catalog/database.js';"],
      ['net/peer-store.ts', "import { ObjectStore } from '../store/object-store.js';"],
      ['net/peer-client.ts', "import type { ObjectStore } from '../store/object-store.js';"],
      ['web/page.ts', "import { a } from '../core/ids.js';"],
      ['cli/main.ts', "import { a } from '../index.js';"],
      ['errors.ts', "import type { a } from './limits.js';"],
      ['limits.ts', "import { a } from 'node:buffer';"],
      ['elsewhere/a.ts', "import { a } from '../core/ids.js';"],
    ],
  },
  'pure core': {
    keep: [
      [
        'core/keys.ts',
        "import { hkdfSync } from 'node:crypto'; const a = { process: 1 }; a.process; step.performance;",
      ],
      ['ops/chunk.ts', "import { open } from 'node:fs/promises'; process.cwd(); Date.now();"],
    ],
    break: [
      ['core/a.ts', "import { open } from 'node:fs/promises';"],
      ['core/a.ts', "import { get } from 'node:https';"],
      ['core/a.ts', "createRequire(import.meta.url)('node:child_process');"],
      ['core/a.ts', 'const a = process.env;'],
      ['core/a.ts', 'const a = { process };'],
      ['core/a.ts', 'const a = Date.now();'],
      ['core/a.ts', 'const a = new Date();'],
      ['core/a.ts', 'const a = performance.now();'],
      ['core/a.ts', 'const a = globalThis.process;'],
    ],
  },
  'blind server': {
    keep: [['server/objects.ts', "import { a } from '../core/ids.js';"]],
    break: [
      ['server/objects.ts', "import { a } from '../core/cipher.js';"],
      ['server/api/files.ts', "await import('../../core/keys.js');"],
    ],
  },
  'one importer': {
    keep: [['cli/main.ts', "import { z } from 'zod';"]],
    break: [
      ['core/a.ts', "import { z } from 'zod';"],
      ['cli/other.ts', "import type { A } from 'a-package/deep';"],
    ],
  },
  'declared dependencies': {
    keep: [
      ['core/a.ts', "const load = createRequire(import.meta.url); load('@scope/b');"],
      ['web/a.tsx', "import a from 'for-pages'; export const b = <p>a</p>;"],
    ],
    break: [
      ['core/a.ts', "import a from 'undeclared';"],
      ['core/a.ts', "import a from 'for-pages';"],
      ['web/a.tsx', "import a from 'undeclared';"],
    ],
  },
  'literal imports': {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the example is code with a template in it
    keep: [['cli/main.ts', 'await import(`./commands/${name}.js`); list.require(name);']],
    break: [
      ['cli/main.ts', 'await import(name);'],
      ['cli/main.ts', 'const load = createRequire(import.meta.url); load(name);'],
    ],
  },
  'no default exports': {
    keep: [['core/a.ts', 'export const a = 1; switch (a) { default: }']],
    break: [
      ['core/a.ts', 'export default 1;'],
      ['core/a.ts', 'export default function a() {}'],
      ['core/a.ts', 'const a = 1; export { a as default };'],
    ],
  },
  'file length': {
    keep: [['core/a.ts', '\n'.repeat(398)]],
    break: [['core/a.ts', `${'\n'.repeat(400)}1;`]],
  },
  names: {
    keep: [['core/recovery-code.ts', 'export class Commonwealth {}']],
    break: [
      ['core/utils.ts', ''],
      ['core/helpers/a.ts', ''],
      ['core/object-helper.ts', ''],
      ['core/recoveryCode.ts', ''],
      ['core/a.ts', 'export class SessionManager {}'],
      ['core/a.ts', 'export const keyUtils = {};'],
    ],
  },
  'opening comment': {
    keep: [['core/a.ts', 'export const a = 1;']],
    break: [['core/a.ts', '']],
  },
};

const exampleManifest: Manifest = {
  dependencies: { 'a-package': '1', zod: '1' },
  optionalDependencies: { '@scope/b': '1' },
  devDependencies: { 'for-pages': '1' },
};
const exampleImporters: SourceText[] = [
  { path: 'cli/first.ts', text: "// Promise.\nimport 'a-package';\nimport 'zod';\nimport '@scope/b';" },
];

function inspectExample([path, code]: [string, string], rule: Rule, isBreach: boolean): Breach[] {
  const opening = rule === 'opening comment' && isBreach ? '' : '// Promise.\n';
  const file = { path, text: `${opening}${code}` };
  return [...inspectFile(file), ...inspectPackages([...exampleImporters, file], exampleManifest)];
}

t.test('reads every room that src/ has', async (t) => {
  t.ok(files.length > 0, 'src/ is not empty');
  for (const { path } of files) t.ok(roomOf(path) in allowedRooms, `${path} lies in a room`);
  const unused = { ...exampleManifest, dependencies: { ...exampleManifest.dependencies, c: '1' } };
  t.match(
    inspectPackages(exampleImporters, unused),
    [{ detail: 'c is not imported' }],
    'sees an unused package',
  );
});

const breaches = [...files.flatMap(inspectFile), ...inspectPackages(files, manifest)];
for (const rule of Object.keys(examples) as Rule[]) {
  t.test(`rule: ${rule}`, async (t) => {
    for (const example of examples[rule].break) {
      const found = inspectExample(example, rule, true).filter((breach) => breach.rule === rule);
      t.not(found.length, 0, `sees the breach in ${example.join(': ').slice(0, 80)}`);
    }
    for (const example of examples[rule].keep) {
      const found = inspectExample(example, rule, false).filter((breach) => breach.rule === rule);
      t.same(found, [], `accepts ${example.join(': ').slice(0, 80)}`);
    }
    const found = breaches.filter((breach) => breach.rule === rule);
    t.same(found, [], 'src/ keeps it');
  });
}
