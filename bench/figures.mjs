// @ts-check
/** Turns samples into the rows of the report: medians, ratios, verdicts, and numbers as people read them. */
/** @typedef {import('./works.mjs').Goal} Goal */
/** @typedef {import('./works.mjs').Rival} Rival */
/** @typedef {import('./rounds.mjs').Series} Series */
/** @typedef {import('./peers.mjs').Tool} Tool */

/**
 * @typedef {object} Measured
 * @property {Tool} ours
 * @property {readonly Series[]} all one of each tool
 *
 * @typedef {object} Row one line of the table of results, all as text
 * @property {string} work
 * @property {string} ours
 * @property {string} peer
 * @property {string} figure what is held against the goal
 * @property {string} limit
 * @property {string} aim
 * @property {'aim' | 'ok' | 'MISS' | '' | 'not measured'} verdict
 *
 * @typedef {object} Timing one line of the table of times, all as text
 * @property {string} work
 * @property {string} tool
 * @property {string} median
 * @property {string} spread
 * @property {string} cpu
 * @property {string} peak
 */

/**
 * @param {string} work
 * @param {import('./works.mjs').Action} action
 * @param {readonly Rival[]} rivals
 * @param {Measured} measured
 * @returns {Row[]}
 */
export function timeRows(work, action, rivals, measured) {
  const label = (/** @type {Tool} */ tool) => `${work} / ${tool.labels[action] ?? tool.name}`;
  return compare(rivals, measured, { label, measureOf: wallMedian, format: seconds });
}

/**
 * @param {string} work
 * @param {readonly Rival[]} rivals
 * @param {Measured} measured
 * @returns {Row[]}
 */
export function storedRows(work, rivals, measured) {
  const label = (/** @type {Tool} */ tool) => `${work} / ${tool.name}`;
  return compare(rivals, measured, { label, measureOf: (series) => series.storedBytes, format: mebibytes });
}

/**
 * A row without a peer: the figure itself is held against the goal.
 *
 * @param {{work: string, ours: string, peer: string, figure: number, goal: Goal,
 *   format: (figure: number) => string}} what `goal` in the unit of `figure`
 * @returns {Row}
 */
export function plainRow({ work, ours, peer, figure, goal, format }) {
  const { limit, aim } = goal;
  return {
    work,
    ours,
    peer,
    figure: format(figure),
    limit: format(limit),
    aim: format(aim),
    verdict: judge(figure, goal),
  };
}

/**
 * @param {string} work
 * @param {Series} series
 * @returns {Timing}
 */
export function timing(work, { tool, samples }) {
  const walls = samples.map((sample) => sample.wallMs);
  return {
    work,
    tool: tool.name,
    median: seconds(median(walls)),
    spread: `${seconds(Math.min(...walls))} – ${seconds(Math.max(...walls))}`,
    cpu: seconds(median(samples.map((sample) => sample.cpuMs))),
    peak: mebibytes(Math.max(...samples.map((sample) => sample.peakBytes))),
  };
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ index) => sorted[index] ?? Number.NaN;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}

/** @param {number} ms */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** @param {number} bytes */
export function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** @param {number} bytes a corpus' */
export function sizeLabel(bytes) {
  if (bytes >= 2 ** 30) return `${bytes / 2 ** 30} GiB`;
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
}

/**
 * One row a rival, of our value over the rival's.
 *
 * @param {readonly Rival[]} rivals
 * @param {Measured} measured
 * @param {{label: (tool: Tool) => string, measureOf: (series: Series) => number,
 *   format: (value: number) => string}} how
 * @returns {Row[]}
 */
function compare(rivals, { ours: tool, all }, { label, measureOf, format }) {
  const valueFor = (/** @type {string} */ name) => {
    const series = all.find(({ tool }) => tool.name === name);
    return series && measureOf(series);
  };
  const ours = valueFor(tool.name);
  return rivals.map(({ tool, goal }) => {
    const theirs = valueFor(tool.name);
    const isMeasured = ours !== undefined && theirs !== undefined;
    const ratio = isMeasured ? ours / theirs : undefined;
    return {
      work: label(tool),
      ours: ours === undefined ? '' : format(ours),
      peer: theirs === undefined ? '' : format(theirs),
      figure: ratio?.toFixed(2) ?? '',
      limit: goal?.limit.toFixed(2) ?? '',
      aim: goal?.aim.toFixed(2) ?? '',
      verdict: ratio === undefined ? 'not measured' : judge(ratio, goal),
    };
  });
}

/**
 * @param {number} figure
 * @param {Goal | undefined} goal
 * @returns {Row['verdict']}
 */
function judge(figure, goal) {
  if (!goal) return '';
  if (figure <= goal.aim) return 'aim';
  return figure <= goal.limit ? 'ok' : 'MISS';
}

/** @param {Series} series */
function wallMedian(series) {
  return median(series.samples.map((sample) => sample.wallMs));
}
