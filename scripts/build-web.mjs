// Bundles src/web into dist/web: index.html and assets whose names carry the hash of their contents, each also packed
// with brotli and gzip, so that `serve` only hands out files. Knows nothing of what the page shows.
//   node scripts/build-web.mjs           once
//   node scripts/build-web.mjs --watch   again at each change, for work on the page
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src/web');
const output = join(root, 'dist/web');

/** What esbuild makes of the page, by the names that index.html has for it. */
async function bundle(folder) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { page: join(source, 'main.tsx'), style: join(source, 'style/page.css') },
    outdir: join(folder, 'assets'),
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    metafile: true,
    format: 'esm',
    target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    tsconfigRaw: {},
    legalComments: 'none',
    logLevel: 'warning',
  });
  return Object.fromEntries(
    Object.entries(metafile.outputs).map(([path, { entryPoint }]) => [basename(entryPoint), basename(path)]),
  );
}

const readWithoutComment = (name) =>
  readFileSync(join(source, name), 'utf8').replace(/^<!--[\s\S]*?-->\s*/, '');

function pack(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }));
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

/** Builds dist/web anew; throws when the page does not compile. */
export async function buildWeb() {
  const folder = `${output}.new`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'assets'), { recursive: true });
  const names = await bundle(folder);
  const html = readWithoutComment('index.html')
    .replace('page.js', names['main.tsx'])
    .replace('page.css', names['page.css']);
  writeFileSync(join(folder, 'index.html'), html);
  writeFileSync(join(folder, 'assets/icon.svg'), readWithoutComment('icon.svg'));
  pack(folder);
  rmSync(output, { recursive: true, force: true });
  renameSync(folder, output);
}

async function keepBuilding() {
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void buildWeb().then(() => console.error('built'), console.error), 50);
  };
  watch(source, { recursive: true }, again);
  again();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await (process.argv.includes('--watch') ? keepBuilding() : buildWeb());
}
