// Memory does not grow with the number of entries. Sources: src/ops/tree/tree-reader.ts, tree-walk.ts,
// src/core/list.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { PLAIN } from '../../cli/command.js';
import { startProgram } from '../program.js';
import { makeScratchHome, RECOVERY_CODE, scratchFolder } from '../scratch-home.js';

t.setTimeout(600_000);

const FILES = 100_000;
const MOST_KIB = 300 * 1024;
/** Between the tree and one of a tenth of it: lists and tables have their full size in both. */
const MOST_GROWTH_KIB = 100 * 1024;

t.test(`${FILES} entries take hardly more memory than a tenth of them`, async (t) => {
  const folder = scratchFolder(t);
  const home = await makeScratchHome(folder, { withSlot: true, averageChunkBytes: 1024 ** 2 });
  const peaks: number[] = [];
  for (const files of [FILES / 10, FILES]) {
    const tree = path.join(folder, `tree ${files}`);
    for (let index = 0; index < files; index++) {
      const inside = path.join(tree, `folder ${index % 97}`);
      if (index < 97) fs.mkdirSync(inside, { recursive: true });
      fs.writeFileSync(
        path.join(inside, `a file with a name, number ${index}`),
        index % 5 === 0 ? `${index}` : '',
      );
    }
    // Without what measures coverage, which takes memory of its own.
    const program = startProgram(t, 'chunk-tree', [home, RECOVERY_CODE, tree], PLAIN);
    t.same((await program.ended).status, 0);
    const said = program.lines.map((line) => line.split(' ').slice(1).map(Number));
    t.same(
      said.map(([stored, unchanged]) => [stored, unchanged]),
      [
        [files, 0],
        [files, files],
      ],
    );
    peaks.push(Math.max(...said.map(([, , peak = 0]) => peak)));
    fs.rmSync(tree, { recursive: true });
  }
  const [small = 0, large = 0] = peaks;
  t.comment(`${small} and ${large} KiB`);
  t.ok(large < MOST_KIB, `${large} KiB at most`);
  t.ok(large - small < MOST_GROWTH_KIB, `${large - small} KiB more`);
});
