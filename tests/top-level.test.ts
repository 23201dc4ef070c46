// What lies at the top of the repository: nothing that a test run or a person left there by mistake.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import t from 'tap';

const ROOT = new URL('../../', import.meta.url);
const FOLDERS = ['.ci', 'bench', 'bin', 'docs', 'fixtures', 'scripts', 'src', 'tests', 'types'];
const FILES = [
  '.disktrorc.example',
  '.editorconfig',
  '.gitignore',
  '.taprc',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'biome.json',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
];
const skip = !existsSync(new URL('.git', ROOT)) && 'needs a git checkout, to tell what belongs to it';

t.test('only what belongs there is tracked or about to be', { skip }, async (t) => {
  const words = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const { status, stdout } = spawnSync('git', words, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 });
  t.equal(status, 0);
  const tops = new Set(stdout.split('\0').flatMap((path) => path.split('/').slice(0, 1)));
  tops.delete('');
  t.same([...tops].sort(), [...FOLDERS, ...FILES].sort());
});
