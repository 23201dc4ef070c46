// What power-loss.test.ts asks of a recording, in its words, over disk-recorder.ts and power-loss.ts.
import type { CommitObserver } from '../../src/catalog/catalog.js';
import type { FileSystem } from '../../src/store/file-system.js';
import type { DiskEvent } from './disk-recorder.js';
import { DiskRecorder } from './disk-recorder.js';
import { stateAfterLoss } from './power-loss.js';
import { HomeImage } from './scratch-home.js';

/** A number from 0 to 1; 0 keeps what could be lost. */
export type Chance = () => number;

export interface Change {
  readonly kind: 'sync' | 'sync-folder' | 'other';
  readonly event: DiskEvent;
  readonly start: HomeImage;
}

export class Recorder {
  readonly #recorder: DiskRecorder;
  readonly #start: HomeImage;

  constructor(home: string) {
    this.#recorder = new DiskRecorder(home);
    this.#start = HomeImage.of(home);
  }

  get fileSystem(): FileSystem {
    return this.#recorder.fileSystem;
  }

  get observer(): CommitObserver {
    return this.#recorder.commitObserver;
  }

  get changes(): readonly Change[] {
    const kinds: Partial<Record<DiskEvent['type'], Change['kind']>> = {
      synced: 'sync',
      'folder-synced': 'sync-folder',
    };
    return this.#recorder.events.map((event) => ({
      kind: kinds[event.type] ?? 'other',
      event,
      start: this.#start,
    }));
  }
}

export function diskAfterPowerLoss(
  changes: readonly Change[],
  moment: number,
  chance: Chance,
): ReadonlyMap<string, Buffer> {
  const start = changes[0]?.start ?? new HomeImage(new Map());
  const events = changes.map(({ event }) => event);
  const whole = (below: number): number => below - 1 - Math.floor(chance() * below);
  return stateAfterLoss({ start, events, found: new Map() }, moment, {
    whole,
    hit: (probability) => chance() < probability,
    pick: (items) => items[whole(items.length)] as never,
  }).image.files;
}
