/**
 * The end of the server's log. Follows it, until somebody scrolls up to read.
 */
import type { LogLine } from '../api/shapes.js';
import { type JSX, useLayoutEffect, useRef } from '../preact.js';
import { keptSignal } from '../state/kept.js';
import { log } from '../state/server.js';
import { clockText } from '../text/dates.js';

const LEVELS: readonly LogLine['level'][] = ['ERROR', 'WARNING', 'INFO', 'DEBUG'];

const level = keptSignal<LogLine['level']>('log-level', 'DEBUG');

export function LogTail(): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  const shown = log.value.filter((line) => LEVELS.indexOf(line.level) <= LEVELS.indexOf(level.value));
  useLayoutEffect(() => {
    if (isFollowing.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [shown.length, shown.at(-1)]);
  return (
    <section class="card log-card" aria-labelledby="log-title">
      <div class="node-top">
        <h2 id="log-title">Log</h2>
        <LevelChoice />
      </div>
      <div
        class="log"
        role="log"
        aria-live="off"
        aria-labelledby="log-title"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        tabIndex={0}
        ref={box}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          isFollowing.current = scrollTop + clientHeight > scrollHeight - 24;
        }}
      >
        {shown.length === 0 ? <p class="muted">Nothing has been logged.</p> : null}
        {shown.map((line, index) => (
          <p key={index} class={`log-line ${line.level.toLowerCase()}`}>
            <time dateTime={line.time}>{clockText(line.time)}</time> <b>{line.level}</b>{' '}
            <span>{line.message}</span>
          </p>
        ))}
      </div>
    </section>
  );
}

function LevelChoice(): JSX.Element {
  return (
    <select
      class="field"
      aria-label="Lines of which level"
      value={level.value}
      onChange={(event) => {
        level.value = event.currentTarget.value as LogLine['level'];
      }}
    >
      <option value="DEBUG">everything</option>
      <option value="INFO">information</option>
      <option value="WARNING">warnings</option>
      <option value="ERROR">errors only</option>
    </select>
  );
}
