// @ts-check
/**
 * `npm run bench:micro`: the parts by themselves, in one run on one core, as MB/s and as ratios. The numbers that
 * comments in src/ quote come from here. Prints a table and, unless told otherwise, writes MICRO.md beside RESULTS.md.
 */
import { writeFile } from 'node:fs/promises';
import { describeMachine } from '../machine.mjs';
import { benchCatalog } from './catalog.mjs';
import { benchCipher } from './cipher.mjs';
import { benchCodecs } from './codecs.mjs';
import { benchCutter } from './cutter.mjs';
import { benchHashes } from './hashes.mjs';

const benches = {
  cutter: benchCutter,
  codecs: benchCodecs,
  cipher: benchCipher,
  hashes: benchHashes,
  catalog: benchCatalog,
};
const only = process.argv.slice(2).filter((word) => word in benches);
const rows = [];
for (const [name, bench] of Object.entries(benches)) {
  if (only.length > 0 && !only.includes(name)) continue;
  for (const row of await bench()) {
    console.log(`${name.padEnd(8)} ${row.what.padEnd(64)} ${row.figure}`);
    rows.push(`| ${name} | ${row.what} | ${row.figure} |`);
  }
}
if (only.length === 0) {
  const lines = describeMachine().map(([key, value]) => `- ${key}: ${value}`);
  const text = [
    '# Microbenches',
    '',
    ...lines,
    '',
    '| part | what | measured |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  await writeFile(new URL('../MICRO.md', import.meta.url), text);
}
