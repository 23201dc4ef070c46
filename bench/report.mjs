// @ts-check
/** Lays the results out: a table for the terminal, and the page that is kept as RESULTS.md. */

/** @typedef {import('./figures.mjs').Row} Row */
/** @typedef {import('./figures.mjs').Timing} Timing */

/**
 * @typedef {object} Report
 * @property {readonly Row[]} rows
 * @property {readonly Timing[]} timings
 * @property {readonly import('./corpus.mjs').Corpus[]} corpora
 * @property {readonly (readonly [string, string])[]} machine
 * @property {string} settings how it was run
 */

const resultHead = ['work / peer', 'disktro', 'peer', 'ratio', 'at most', 'aim', 'verdict'];
const timingHead = ['work', 'tool', 'median', 'min – max', 'user+sys', 'peak memory'];

const MORE =
  'Elsewhere: copies on peers in [PEERS.md](PEERS.md), folders in [TREES.md](TREES.md), buckets in [BUCKETS.md](BUCKETS.md), ' +
  'the page (bundle, axe, first paint, 100,000 files) in [PAGE.md](PAGE.md).';

/** @param {Report} report */
export function terminalReport({ rows, timings }) {
  return `${alignedTable(resultHead, resultCells(rows))}\n\n${alignedTable(timingHead, timingCells(timings))}\n`;
}

/** @param {Report} report */
export function markdownReport({ rows, timings, corpora, machine, settings }) {
  return [
    '# Results',
    `Written by \`npm run bench\`; [README.md](README.md) says how to read it. ${settings}`,
    MORE,
    '## Against the peers',
    markdownTable(resultHead, resultCells(rows)),
    '## Times',
    'Peak memory is the largest resident set of one process, the largest of all runs.',
    markdownTable(timingHead, timingCells(timings)),
    '## Corpora',
    ...corpora.map(
      (corpus) => `- \`${corpus.name}\`: ${corpus.bytes} bytes, SHA-256 \`${corpus.sha256.slice(0, 16)}…\``,
    ),
    ...corpora.flatMap((corpus) => (corpus.parts ? [compositionTable(corpus.parts, corpus.bytes)] : [])),
    '## Machine',
    markdownTable(['', ''], machine),
  ]
    .join('\n\n')
    .replaceAll(/^(- .*)\n\n(?=- )/gm, '$1\n')
    .concat('\n');
}

/**
 * @param {readonly import('./corpus.mjs').Part[]} parts
 * @param {number} bytes of the corpus
 */
function compositionTable(parts, bytes) {
  const cells = parts.map(({ kind, files, bytes: size, lz4Ratio }) => [
    kind,
    `${((100 * size) / bytes).toFixed(1)} %`,
    String(files),
    lz4Ratio?.toFixed(2) ?? 'not measured',
  ]);
  return `What \`mixed\` is made of, whole files of this machine of up to 32 MiB, no content twice:\n\n${markdownTable(['kind', 'share', 'files', 'lz4 size / size'], cells)}`;
}

/** @param {readonly Row[]} rows */
function resultCells(rows) {
  return rows.map((row) => [row.work, row.ours, row.peer, row.figure, row.limit, row.aim, row.verdict]);
}

/** @param {readonly Timing[]} timings */
function timingCells(timings) {
  return timings.map((line) => [line.work, line.tool, line.median, line.spread, line.cpu, line.peak]);
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function markdownTable(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function alignedTable(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
