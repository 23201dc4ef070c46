/**
 * Brings what the page knows up to date: everything once at the start and after a break, then event by event.
 */
import { session, token } from '../api/access.js';
import { getBuckets, getLog, getPeers, getStatus } from '../api/calls.js';
import type { StreamEvent } from '../api/event-stream.js';
import { followEvents, renewEvents } from '../api/live.js';
import type {
  Buckets,
  ClusterNode,
  FilesChange,
  LogLine,
  ServerStatus,
  TaskProgress,
} from '../api/shapes.js';
import { effect, signal, untracked } from '../preact.js';
import { loadFiles, noteFiles } from './files.js';
import { noteTask, setTasks } from './jobs.js';
import { addLog, log, serverStatus, setNodes } from './server.js';

export const buckets = signal<Buckets | undefined>(undefined);

const onEvent: Readonly<Record<string, (data: unknown) => void>> = {
  status: (data) => {
    serverStatus.value = data as ServerStatus;
  },
  peers: (data) => {
    setNodes(data as ClusterNode[]);
    refreshBuckets();
  },
  files: (data) => {
    noteFiles(data as FilesChange);
    refreshBuckets();
  },
  task: (data) => noteTask(data as TaskProgress),
  log: (data) => addLog((data as { readonly lines: LogLine[] }).lines),
  reset: () => void loadAll(),
};

/** Follows the server as long as it takes the token. */
export function startSync(): void {
  effect(() => {
    const hasToken = token.value !== '';
    const whenOpen = (isResumed: boolean): void => {
      if (!isResumed) void loadAll();
    };
    if (hasToken) untracked(() => void followEvents(take, whenOpen));
  });
  let last = session.value;
  effect(() => {
    if (session.value === last) return;
    last = session.value;
    untracked(() => {
      renewEvents();
      void loadFiles();
    });
  });
}

function take({ event, data }: StreamEvent): void {
  onEvent[event]?.(JSON.parse(data));
}

async function loadAll(): Promise<void> {
  void loadFiles();
  await Promise.allSettled([
    getStatus().then((status) => {
      serverStatus.value = status;
      setTasks(status.tasks);
    }),
    getPeers().then(setNodes),
    getLog().then((lines) => {
      log.value = lines;
    }),
    getBuckets().then((told) => {
      buckets.value = told;
    }),
  ]);
}

const BUCKETS_MS = 2_000;
let isBucketsAwaited = false;

/** The picture of all copies is worked out anew on the server: not for each event. */
function refreshBuckets(): void {
  if (isBucketsAwaited) return;
  isBucketsAwaited = true;
  setTimeout(() => {
    isBucketsAwaited = false;
    void getBuckets()
      .then((told) => {
        buckets.value = told;
      })
      .catch(() => {
        // Told again with the next event.
      });
  }, BUCKETS_MS);
}
