// Reads from a home that is mounted read-only, in a mount namespace of its own: read-frozen HOME ID
// Says `restored BYTES`, `verified N bad` and `writing CODE`.
import { spawnSync } from 'node:child_process';
import { isDisktroError, reassembleStream, verify } from '../../../src/index.js';
import { openScratch } from '../scratch-home.js';

const [home = '', id = '', inside] = process.argv.slice(2);
if (inside === undefined) {
  const freeze = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" "$3" "$1" "$4" inside';
  const self = process.argv[1] ?? '';
  const args = ['-m', 'sh', '-c', freeze, 'sh', home, process.execPath, self, id];
  process.exitCode = spawnSync('unshare', args, { stdio: 'inherit' }).status ?? 1;
} else {
  await using vault = await openScratch(home, { readOnly: true });
  let bytes = 0;
  for await (const part of reassembleStream(vault, id, { workers: 0 })) bytes += part.byteLength;
  process.stdout.write(`restored ${bytes}\n`);
  const { corrupt, missing } = await verify(vault, { readData: true, workers: 0 });
  process.stdout.write(`verified ${corrupt.length + missing.length} bad\n`);
  const writing = await openScratch(home).catch((error: unknown) => error);
  process.stdout.write(`writing ${isDisktroError(writing) ? writing.code : String(writing)}\n`);
}
