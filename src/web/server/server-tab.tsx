/**
 * The tab Server: the machine that serves this page, what it holds, what it does now, and the end of its log.
 */
import type { ServerStatus } from '../api/shapes.js';
import { ProgressBar, SegmentBar } from '../parts/bars.js';
import { CopyButton } from '../parts/copy-text.js';
import type { ComponentChildren, JSX } from '../preact.js';
import { nowMs } from '../state/clock.js';
import { foreignTasks } from '../state/jobs.js';
import { nodes, serverStatus } from '../state/server.js';
import { sinceText } from '../text/dates.js';
import { countText, durationText, percentText, shortId, sizeText } from '../text/units.js';
import { LogTail } from './log-tail.js';

export function ServerTab(): JSX.Element {
  const status = serverStatus.value;
  if (status === undefined) return <p class="empty muted">Asking the server…</p>;
  return (
    <div class="server">
      <div class="server-cards">
        <NodeFacts status={status} />
        <StorageFacts status={status} />
        <CareFacts status={status} />
      </div>
      <Tasks />
      <LogTail />
    </div>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function NodeFacts({ status }: { readonly status: ServerStatus }): JSX.Element {
  return (
    <section class="card" aria-labelledby="node-title">
      <h2 id="node-title">{status.name}</h2>
      <dl class="facts">
        <Fact name="Node id">
          <span class="with-button">
            <code title={status.nodeId}>{shortId(status.nodeId)}</code>
            <CopyButton text={status.nodeId} label="Copy the node id" />
          </span>
        </Fact>
        <Fact name="Port">{status.port}</Fact>
        <Fact name="Up for">{durationText((nowMs.value - Date.parse(status.startedAt)) / 1000)}</Fact>
        <Fact name="Version">{status.version}</Fact>
        <Fact name="Home">
          <code>{status.home}</code>
        </Fact>
      </dl>
    </section>
  );
}

function StorageFacts({ status }: { readonly status: ServerStatus }): JSX.Element {
  const capacity = nodes.value?.find(({ self }) => self)?.capacity ?? 0;
  const own = status.bytes + status.held.bytes;
  const said = `${sizeText(own)} of disktro, ${sizeText(status.freeBytes)} free`;
  return (
    <section class="card" aria-labelledby="storage-title">
      <h2 id="storage-title">Storage</h2>
      <SegmentBar
        label={said}
        segments={[
          { look: 'used', value: own },
          { look: 'known', value: Math.max(0, capacity - own - status.freeBytes) },
          { look: 'rest', value: status.freeBytes },
        ]}
      />
      <dl class="facts">
        <Fact name="Vault">
          {status.vaultId === null
            ? 'none yet'
            : `${countText(status.files, 'file')}, ${countText(status.objects, 'object')}, ${sizeText(status.bytes)}`}
        </Fact>
        <Fact name="For others">
          {countText(status.held.objects, 'object')}, {sizeText(status.held.bytes)}
        </Fact>
        <Fact name="Free">{sizeText(status.freeBytes)}</Fact>
        <Fact name="Output folder">
          <code>{status.outputDir}</code>
        </Fact>
      </dl>
    </section>
  );
}

function CareFacts({ status }: { readonly status: ServerStatus }): JSX.Element {
  const { objects, totalObjects } = status.scrub;
  return (
    <section class="card" aria-labelledby="care-title">
      <h2 id="care-title">Care</h2>
      <dl class="facts">
        <Fact name="Copies wanted">{status.replicas}</Fact>
        <Fact name="Short of copies">{countText(status.degradedObjects, 'object')}</Fact>
        <Fact name="Last stored">{sinceText(status.lastChunk, nowMs.value)}</Fact>
        <Fact name="Last verified">{sinceText(status.lastVerify, nowMs.value)}</Fact>
        <Fact name="Read again this week">
          {totalObjects === 0 ? 'nothing to read' : percentText(objects, totalObjects)}
        </Fact>
        <Fact name="To be freed">{countText(status.tombstoned, 'object')}</Fact>
      </dl>
    </section>
  );
}

function Tasks(): JSX.Element | null {
  const tasks = [...foreignTasks.value.values()];
  if (tasks.length === 0) return null;
  return (
    <section class="card" aria-labelledby="tasks-title">
      <h2 id="tasks-title">At work for others</h2>
      <ul class="tasks">
        {tasks.map((task) => (
          <li key={task.task}>
            <span>
              {task.kind} {task.name ?? ''}
            </span>
            <ProgressBar
              label={`${task.kind} ${task.name ?? ''}`}
              value={task.bytes}
              whole={task.totalBytes ?? 0}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
