// The map of ARCHITECTURE.md has every module, and nothing that is gone; and what comments say of a section of another
// document is so. Sources: ARCHITECTURE.md, docs/*.md, src/.
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import t from 'tap';

const root = new URL('../../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const filesBelow = (folder: string): string[] =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((path) =>
    path.replaceAll('\\', '/'),
  );

/** Rooms whose modules stand in a table; `cli` and `web` are told of by folders. */
const ROOMS = ['core', 'store', 'catalog', 'ops', 'net', 'server'];
/** Folders that are named as one. */
const FOLDERS = ['core/worker/', 'server/routes/'];

/** What stands in code spans of the tables' columns but the last, which says what they are for. */
function namesOf(room: string): Set<string> {
  const [, section = ''] = read('ARCHITECTURE.md').split(`\n### ${room}\n`);
  const [table = ''] = section.split(/\n#{2,3} /);
  const columns = table.split('\n').flatMap((line) => line.split('|').slice(1, -2));
  return new Set(columns.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)));
}

for (const room of ROOMS) {
  t.test(`ARCHITECTURE.md names every module of ${room}, and no other`, async (t) => {
    const modules = filesBelow(`src/${room}/`)
      .filter(
        (path) => /\.(ts|wat)$/.test(path) && !FOLDERS.some((folder) => `${room}/${path}`.startsWith(folder)),
      )
      .map((path) => path.replace(/\.ts$/, ''));
    const names = namesOf(room);
    const isNamed = (path: string): boolean => names.has(path) || names.has(posix.basename(path));
    const known = new Set(modules.flatMap((path) => [path, posix.basename(path), `${posix.dirname(path)}/`]));
    t.ok(modules.length > 0, 'there are modules');
    t.same(
      modules.filter((path) => !isNamed(path)),
      [],
      'none is left out',
    );
    t.same(
      [...names].filter((name) => !known.has(name) && !FOLDERS.includes(`${room}/${name}`)),
      [],
      'none is gone',
    );
  });
}

/** Headings, and paragraphs that begin with a bold title. */
function sectionsOf(file: string): Set<string> {
  const text = read(file);
  const titles = [...text.matchAll(/^#+ (.+)$/gm), ...text.matchAll(/^\*\*(.+?)\.\*\*/gm)];
  return new Set(titles.map(([, title = '']) => title));
}

t.test('sections that comments point to are there', async (t) => {
  const sections = new Map(['FORMAT', 'PROTOCOL'].map((name) => [name, sectionsOf(`docs/${name}.md`)]));
  const lost: string[] = [];
  let count = 0;
  for (const path of filesBelow('src/').filter((each) => /\.(tsx?|wat)$/.test(each))) {
    const text = read(`src/${path}`).replace(/\n\s*(?:\*|\/\/|;;) ?/g, ' ');
    for (const [, file = '', quoted = ''] of text.matchAll(
      /docs\/(FORMAT|PROTOCOL)\.md, ((?:"[^"]+"(?:, | and )?)+)/g,
    )) {
      for (const [, title = ''] of quoted.matchAll(/"([^"]+)"/g)) {
        count++;
        if (sections.get(file)?.has(title) !== true) lost.push(`${path}: ${file}.md, "${title}"`);
      }
    }
  }
  t.ok(count > 20, 'there are such comments');
  t.same(lost, []);
});
