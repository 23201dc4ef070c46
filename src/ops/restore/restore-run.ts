/** What the parts of a restore share while it runs. Types only. */
import type { SafeFolder } from '../../store/safe-folder.js';
import type { TreeSource } from '../read/tree-source.js';
import type { Attributes } from './restore-attributes.js';
import type { Failures } from './restore-failures.js';
import type { FileWriter } from './restore-file.js';
import type { RestoreTarget } from './restore-target.js';
import type { RestoreOptions } from './restore-tree.js';

export interface RestoreRun {
  readonly source: TreeSource;
  readonly options: RestoreOptions;
  readonly target: RestoreTarget;
  readonly attributes: Attributes;
  readonly writer: FileWriter;
  readonly failures: Failures;
  /** A folder on each further file system that was written to, by its device number. */
  readonly otherSystems: Map<bigint, SafeFolder>;
  readonly total: { bytes: number; files: number; skipped: number };
}
