// Makes a fresh clone ready to run: Node's version, installed packages, native parts, the test runner's
// plugins and the build. What is in place is left alone, without a network request, in milliseconds.
//   node scripts/ensure.mjs
//   node scripts/ensure.mjs --with ceph        a program that tests and measurements run against, and nothing else
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, isBuilt } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const note = (text) => console.error(`disktro: ${text}`);

/** Throws unless this Node satisfies `engines` (of the form ">=major.minor") in package.json. */
export function checkNodeVersion(actual = process.versions.node) {
  const { engines } = readJson('package.json');
  const parse = (version) => version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = parse(engines.node.replace('>=', ''));
  const [major, minor] = parse(actual);
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    throw new Error(`Node ${engines.node} is needed, this is ${actual}: see https://nodejs.org`);
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/** True when what is installed is what package-lock.json asks for; optional packages may be absent. */
function isInstalled() {
  const recordPath = 'node_modules/.package-lock.json';
  if (!existsSync(join(root, recordPath))) return false;
  const wanted = readJson('package-lock.json').packages;
  const installed = readJson(recordPath).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return installed[path] ? installed[path].version === version : optional === true;
  });
}

/** True when the one native part that must be there was compiled for this Node. */
function isNativeReady() {
  const binary = join(root, 'node_modules/better-sqlite3/build/Release/better_sqlite3.node');
  if (!existsSync(binary)) return false;
  try {
    createRequire(import.meta.url)(binary);
    return true;
  } catch {
    return false;
  }
}

function isTapBuilt() {
  const built = join(root, 'node_modules/@tapjs/test/test-built/dist/esm/index.js');
  return existsSync(built) && !readFileSync(built, 'utf8').includes('@tapjs/typescript');
}

function run(command, args, failure) {
  note(`running ${[command, ...args].join(' ')}`);
  // Output goes to stderr: the caller's stdout is for its own results.
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    shell: process.platform === 'win32',
    env: withNodeHeaders({ DEBIAN_FRONTEND: 'noninteractive', ...process.env }),
  });
  if (error || status !== 0) throw new Error(failure);
}

/** Native parts compile without a download when Node's own headers lie beside its binary. */
function withNodeHeaders(env) {
  const nodedir = dirname(dirname(process.execPath));
  const isHeaderHere = existsSync(join(nodedir, 'include/node/node.h'));
  return isHeaderHere ? { npm_package_config_node_gyp_nodedir: nodedir, ...env } : env;
}

const isMissing = (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0;
const mayInstall = () => process.getuid?.() === 0 && !isMissing('apt-get');

function aptInstall(packages, failure) {
  try {
    // Another apt may be at work.
    const wait = ['-o', 'DPkg::Lock::Timeout=300'];
    run('apt-get', [...wait, 'update', '-qq'], failure);
    run('apt-get', [...wait, 'install', '-y', '-qq', '--no-install-recommends', ...packages], failure);
  } catch (error) {
    note(error.message);
  }
}

/** Compilers for native parts: added with apt where that is ours to do, else named in a note. */
function ensureCompilers() {
  if (process.platform === 'win32') return;
  const missing = ['g++', 'make', 'python3'].filter(isMissing);
  if (missing.length === 0) return;
  if (mayInstall())
    aptInstall(missing, `could not install ${missing.join(', ')}, which native parts may need`);
  else {
    note(
      `${missing.join(', ')} not found: install them if the next step cannot fetch ready-made native parts`,
    );
  }
}

/** The browser that the page is tried out in: added where that is ours to do, else named in the error. */
export function ensureChromium() {
  if (!isMissing('chromium')) return;
  const failure = 'Chromium is needed for this: install the package `chromium`';
  if (!mayInstall()) throw new Error(failure);
  aptInstall(['chromium'], failure);
  if (isMissing('chromium')) throw new Error(failure);
}

/** Commands that tests run: the Debian package that has each, and which test files need it. */
const TEST_TOOLS = [
  { command: 'ip', package: 'iproute2', tests: /\/cluster\// },
  { command: 'tshark', package: 'tshark', tests: /\/cluster\// },
  { command: 'python3', package: 'python3', tests: /\/(cluster|cli)\// },
  { command: 'faketime', package: 'faketime', tests: /\/cluster\// },
  { command: 'chromium', package: 'chromium', tests: /\/web\// },
  { command: 'strace', package: 'strace', tests: /\/cli\// },
  { command: 'zsh', package: 'zsh', tests: /\/help/ },
  { command: 'fish', package: 'fish', tests: /\/help/ },
  { command: 'getfattr', package: 'attr', tests: /tree/ },
  { command: 'setfacl', package: 'acl', tests: /tree/ },
];

/** Adds what these test files need where that is ours to do; elsewhere they say what is missing. */
export function ensureTestTools(files) {
  if (process.platform !== 'linux' || !mayInstall()) return;
  const isNeeded = ({ tests }) => files.some((file) => tests.test(file));
  const packages = TEST_TOOLS.filter((tool) => isNeeded(tool) && isMissing(tool.command)).map(
    (tool) => tool.package,
  );
  if (packages.length > 0)
    aptInstall(packages, `could not install ${packages.join(', ')}, which some tests need`);
}

/** Programs that are run against, by name: what they are called or where they lie, and the Debian packages that have them. */
const COMPANIONS = {
  ceph: {
    commands: ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'],
    packages: ['ceph-common', 'ceph-mon', 'ceph-osd', 'radosgw'],
  },
  restic: { commands: ['restic'], packages: ['restic'] },
  // Its servers are started as libraries: the packages of the commands would start services of their own.
  swift: { files: ['/usr/lib/python3/dist-packages/swift/proxy/server.py'], packages: ['python3-swift'] },
};

/** Throws an Error that says what is missing where it cannot be installed. */
export function ensureCompanion(name) {
  const companion = COMPANIONS[name];
  if (companion === undefined) throw new Error(`no companion program ${name}`);
  const { commands = [], files = [], packages } = companion;
  const look = () => [...commands.filter(isMissing), ...files.filter((file) => !existsSync(file))];
  if (look().length > 0 && mayInstall()) aptInstall(packages, `could not install ${packages.join(', ')}`);
  const missing = look();
  if (missing.length > 0)
    throw new Error(`${missing.join(', ')} not found: on Debian install ${packages.join(' ')}`);
}

/** Makes everything ready, the build included unless told otherwise; throws an Error for a person to read. */
export async function ensure({ withBuild = true } = {}) {
  checkNodeVersion();
  if (!isInstalled()) {
    ensureCompilers();
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=warn'], 'npm ci failed: see its messages above');
  }
  if (!isNativeReady()) {
    ensureCompilers();
    const failure = 'better-sqlite3 could not be built: a C++ compiler, make and python3 are needed';
    run('npm', ['rebuild', 'better-sqlite3', 'lz4', 'zstd-napi', '--loglevel=warn'], failure);
    if (!isNativeReady()) throw new Error(failure);
  }
  if (!isTapBuilt()) {
    const tap = createRequire(import.meta.url).resolve('tap/package.json');
    run(process.execPath, [join(dirname(tap), 'dist/esm/run.mjs'), 'build'], 'tap build failed');
  }
  if (withBuild && !isBuilt()) await build();
}

/** Runs a script's main function; an error ends it with one line and status 1. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    note(error.message);
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [option, name] = process.argv.slice(2);
  await runMain(async () => (option === '--with' ? ensureCompanion(name) : await ensure()));
}
