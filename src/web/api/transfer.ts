/**
 * Sends one file as a form, with progress: XMLHttpRequest, because fetch cannot tell how much it has sent. The browser
 * reads the file as it goes; nothing of it is held here.
 */
import { accessHeaders, session } from './access.js';
import { type Envelope, errorOf, unreachable } from './request.js';

export interface Sent {
  readonly path: string;
  readonly file: File;
  /** In front of the file, so that the server knows them when the bytes come. */
  readonly fields: Readonly<Record<string, string>>;
  /** Names the task under which the server tells how far it is. */
  readonly task: string;
  readonly onSent: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/**
 * @returns the `data` of the answer
 * @throws PageError with the server's message; an AbortError when `signal` fires, and then the request is broken off
 */
export function send<T>({ path, file, fields, task, onSent, signal }: Sent): Promise<T> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set('file', file, file.name);
  const sentSession = session.value;
  const request = new XMLHttpRequest();
  request.open('POST', path);
  for (const [name, value] of Object.entries(accessHeaders())) request.setRequestHeader(name, value);
  request.setRequestHeader('X-Disktro-Task', task);
  request.responseType = 'json';
  const stop = (): void => request.abort();
  signal.addEventListener('abort', stop);
  return new Promise<T>((resolve, reject) => {
    request.upload.onprogress = ({ loaded }) => onSent(Math.min(loaded, file.size));
    request.onload = () => {
      const envelope = (request.response ?? undefined) as Envelope | undefined;
      const isGood = request.status >= 200 && request.status < 300 && envelope?.success === true;
      if (isGood) resolve(envelope.data as T);
      else reject(errorOf(request.status, envelope, request.getResponseHeader('Retry-After'), sentSession));
    };
    request.onerror = () => reject(unreachable('the connection broke while the file was being sent'));
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    if (signal.aborted) reject(new DOMException('stopped', 'AbortError'));
    else request.send(form);
  }).finally(() => signal.removeEventListener('abort', stop));
}
