/**
 * Signals whose value outlives a reload. What is kept here can be read by whoever sits at this browser: never a password,
 * a session or a file's contents.
 */
import { effect, type Signal, signal } from '../preact.js';

/** Kept for this browser tab, or with `localStorage` for all of them. */
export function keptSignal<T>(key: string, initial: T, storage: Storage = sessionStorage): Signal<T> {
  const name = `disktro-${key}`;
  const kept = signal(read(name, initial, storage));
  effect(() => storage.setItem(name, JSON.stringify(kept.value)));
  return kept;
}

function read<T>(name: string, initial: T, storage: Storage): T {
  try {
    const text = storage.getItem(name);
    const value: unknown = text === null ? initial : JSON.parse(text);
    return typeof value === typeof initial ? (value as T) : initial;
  } catch {
    return initial;
  }
}
