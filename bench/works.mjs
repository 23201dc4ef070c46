// @ts-check
/**
 * What is measured, against whom, and the ratio to reach. One object per work; the figures are the project's
 * own goals. A rival without a limit is shown for information.
 */
import {
  borg,
  borgSynced,
  disktro,
  disktroZstd,
  lz4Age,
  lz4AgeSynced,
  restic,
  resticSynced,
} from './peers.mjs';

/**
 * @typedef {object} Goal
 * @property {number} limit at most
 * @property {number} aim
 *
 * @typedef {object} Rival
 * @property {import('./peers.mjs').Tool} tool
 * @property {Goal} [goal]
 *
 * @typedef {'backup' | 'backupAgain' | 'restore'} Action
 *
 * @typedef {object} TimedWork
 * @property {string} name
 * @property {string} verb
 * @property {Action} action
 * @property {import('./corpus.mjs').CorpusName} corpus
 * @property {import('./peers.mjs').Tool} [ours] disktro as it is unless told
 * @property {readonly Rival[]} rivals
 * @property {readonly Rival[]} [storedRivals] whose stored bytes are compared as well
 */

/** @type {readonly TimedWork[]} */
export const timedWorks = [
  {
    name: 'chunk-mixed',
    verb: 'chunk',
    action: 'backup',
    corpus: 'mixed',
    rivals: [
      { tool: restic, goal: { limit: 0.4, aim: 0.25 } },
      { tool: borg, goal: { limit: 0.65, aim: 0.4 } },
      { tool: lz4Age, goal: { limit: 0.8, aim: 0.5 } },
      { tool: lz4AgeSynced },
    ],
    storedRivals: [{ tool: borg, goal: { limit: 1.08, aim: 1.03 } }, { tool: lz4Age }, { tool: restic }],
  },
  {
    name: 'chunk-zstd',
    verb: 'chunk',
    action: 'backup',
    corpus: 'mixed',
    ours: disktroZstd,
    rivals: [{ tool: restic }, { tool: disktro }],
    storedRivals: [{ tool: restic }, { tool: disktro }],
  },
  {
    name: 'chunk-random',
    verb: 'chunk',
    action: 'backup',
    corpus: 'random',
    rivals: [{ tool: restic, goal: { limit: 0.55, aim: 0.35 } }],
  },
  {
    name: 'reassemble-mixed',
    verb: 'reassemble',
    action: 'restore',
    corpus: 'mixed',
    rivals: [
      { tool: restic, goal: { limit: 0.5, aim: 0.35 } },
      { tool: borg, goal: { limit: 0.5, aim: 0.35 } },
      { tool: lz4Age, goal: { limit: 0.75, aim: 0.5 } },
      { tool: resticSynced },
      { tool: borgSynced },
      { tool: lz4AgeSynced },
    ],
  },
  {
    name: 'rechunk-mixed',
    verb: 'chunk again (--force, unchanged)',
    action: 'backupAgain',
    corpus: 'mixed',
    rivals: [{ tool: restic, goal: { limit: 0.65, aim: 0.4 } }],
  },
  {
    name: 'chunk-tiny',
    verb: 'chunk',
    action: 'backup',
    corpus: 'tiny',
    rivals: [{ tool: restic, goal: { limit: 1, aim: 0.5 } }],
  },
];

export const memoryWork = { name: 'memory', goalMib: { limit: 200, aim: 150 }, runs: 3 };

export const startupWork = { name: 'version', goalMs: { limit: 80, aim: 40 }, runs: 20 };

export const workNames = [...timedWorks.map((work) => work.name), memoryWork.name, startupWork.name];
