/**
 * How machines come together: an invite made here, or one of another machine taken up.
 */
import { invite, join } from '../api/calls.js';
import { CopyButton } from '../parts/copy-text.js';
import { Icon } from '../parts/icon.js';
import { type JSX, useId, useSignal } from '../preact.js';
import { tellDone, tellError } from '../state/notices.js';
import { serverStatus } from '../state/server.js';
import { countText } from '../text/units.js';

export function JoinCard({ isAlone }: { readonly isAlone: boolean }): JSX.Element {
  return (
    <div class="join-cards">
      <InvitePart isAlone={isAlone} />
      {isAlone ? (
        <JoinPart />
      ) : (
        <Impossible title="Take up an invite">
          This machine is in a cluster already, and a machine is in one only.
        </Impossible>
      )}
    </div>
  );
}

function InvitePart({ isAlone }: { readonly isAlone: boolean }): JSX.Element {
  const line = useSignal('');
  const address = useSignal('');
  const addressId = useId();
  const make = async (): Promise<void> => {
    try {
      line.value = (await invite(address.value.trim())).invite;
    } catch (error) {
      tellError('No invite could be made', error);
    }
  };
  if (serverStatus.value?.mayInvite === false) {
    return (
      <Impossible title="Invite a machine">
        This machine does not hold the key of its cluster. Make invites on the one that the cluster began on.
      </Impossible>
    );
  }
  return (
    <section class="card" aria-labelledby="invite-title">
      <h2 id="invite-title">{isAlone ? 'Invite a first machine' : 'Invite a machine'}</h2>
      <p class="muted">
        Start <code>disktro serve</code> on the other machine, make an invite here, and give it there: on its
        page, or with <code>disktro peers join</code>. It is good for one machine and one hour.
      </p>
      <label for={addressId}>How it reaches this machine (may stay empty)</label>
      <input
        id={addressId}
        class="field"
        autocomplete="off"
        spellcheck={false}
        placeholder="192.168.1.5:8080"
        value={address.value}
        onInput={(event) => {
          address.value = event.currentTarget.value;
        }}
      />
      <div class="buttons start">
        <button type="button" class="button primary" onClick={() => void make()}>
          <Icon name="plus" />
          Make an invite
        </button>
        {line.value === '' ? null : <CopyButton text={line.value} label="Copy the invite" />}
      </div>
      {line.value === '' ? null : (
        <output class="code-line" aria-label="The invite">
          {line.value}
        </output>
      )}
    </section>
  );
}

function Impossible({ title, children }: { readonly title: string; readonly children: string }): JSX.Element {
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <p class="muted">{children}</p>
    </section>
  );
}

function JoinPart(): JSX.Element {
  const line = useSignal('');
  const lineId = useId();
  const isBusy = useSignal(false);
  const take = async (): Promise<void> => {
    isBusy.value = true;
    try {
      const { peers } = await join(line.value.trim());
      line.value = '';
      tellDone(`Joined: ${countText(peers.length, 'other machine')}`, 'Copies are made from now on.');
    } catch (error) {
      tellError('This machine could not join', error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <section class="card" aria-labelledby="join-title">
      <h2 id="join-title">Take up an invite</h2>
      <p class="muted">If another machine has made an invite, this one joins it.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void take();
        }}
      >
        <label for={lineId}>Invite</label>
        <textarea
          id={lineId}
          class="field"
          rows={3}
          required
          spellcheck={false}
          placeholder="disktro-invite-1:…"
          value={line.value}
          onInput={(event) => {
            line.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="button" disabled={isBusy.value}>
          {isBusy.value ? 'Joining…' : 'Join'}
        </button>
      </form>
    </section>
  );
}
